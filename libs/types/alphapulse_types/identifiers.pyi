# tools.migrate shim: old=alphapulse_types.identifiers new=libs.types.common.identifiers plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.common.identifiers import *
from libs.types.common.identifiers import (
    _MAX_DIGITS as _MAX_DIGITS,
)
