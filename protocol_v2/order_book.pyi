# tools.migrate shim: old=protocol_v2.order_book new=libs.types.protocol.order_book plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.order_book import *
from libs.types.protocol.order_book import (
    _check_side as _check_side,
    _cut as _cut,
    _inserted as _inserted,
    _invalid as _invalid,
)
