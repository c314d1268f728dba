# tools.migrate shim: old=protocol_v2.batch new=libs.types.protocol.batch plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.batch import *
from libs.types.protocol.batch import (
    _BYTE as _BYTE,
    _FAULTS_AT_ONCE as _FAULTS_AT_ONCE,
    _HEADERS as _HEADERS,
    _ROWS as _ROWS,
    _Run as _Run,
    _U64 as _U64,
    _Writing as _Writing,
    _arrays as _arrays,
    _codec as _codec,
    _reading_plan as _reading_plan,
    _shrunk as _shrunk,
    _table as _table,
)
