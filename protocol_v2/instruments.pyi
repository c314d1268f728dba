# tools.migrate shim: old=protocol_v2.instruments new=libs.types.protocol.instruments plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.instruments import *
from libs.types.protocol.instruments import (
    _LOW_11 as _LOW_11,
    _LOW_40 as _LOW_40,
    _SYMBOL_CODED as _SYMBOL_CODED,
    _U64 as _U64,
    _U96 as _U96,
    _address_number as _address_number,
    _check_range as _check_range,
    _symbol_number as _symbol_number,
)
