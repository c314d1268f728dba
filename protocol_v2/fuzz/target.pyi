# tools.migrate shim: old=protocol_v2.fuzz.target new=libs.types.protocol.fuzz.target plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.fuzz.target import *
from libs.types.protocol.fuzz.target import (
    _METHODS as _METHODS,
    _codec as _codec,
    _own as _own,
    _reference as _reference,
    _select_crc32 as _select_crc32,
)
