# tools.migrate shim: old=alphapulse_types.fixed_point new=libs.types.common.fixed_point plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.common.fixed_point import *
from libs.types.common.fixed_point import (
    _DECIMAL as _DECIMAL,
    _FixedPoint as _FixedPoint,
    _MAX_DIGITS as _MAX_DIGITS,
    _carries as _carries,
    _store_raw as _store_raw,
    _whole as _whole,
)
