# tools.migrate shim: old=alphapulse_types.amounts new=libs.types.common.amounts plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.common.amounts import *
from libs.types.common.amounts import (
    _Amount as _Amount,
    _Unsigned as _Unsigned,
)
