# tools.migrate shim: old=protocol_v2.tables new=libs.types.protocol.tables plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.tables import *
from libs.types.protocol.tables import (
    _INTS as _INTS,
    _place_row as _place_row,
    _row as _row,
)
