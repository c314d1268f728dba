# tools.migrate shim: old=protocol_v2.paths new=libs.types.protocol.paths plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.paths import *
from libs.types.protocol.paths import (
    _INDEXED as _INDEXED,
    _SETTABLE as _SETTABLE,
    _field as _field,
    _indexed as _indexed,
    _merged as _merged,
    _spans as _spans,
)
