# tools.migrate shim: old=alphapulse_types.typed_bytes new=libs.types.common.typed_bytes plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.common.typed_bytes import *
from libs.types.common.typed_bytes import (
    _HEX as _HEX,
    _buffer_problem as _buffer_problem,
    _hex_problem as _hex_problem,
)
