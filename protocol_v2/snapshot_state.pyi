# tools.migrate shim: old=protocol_v2.snapshot_state new=libs.types.protocol.snapshot_state plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.snapshot_state import *
from libs.types.protocol.snapshot_state import (
    _I64_HIGH as _I64_HIGH,
    _I64_LOW as _I64_LOW,
    _U64 as _U64,
    _Wrong as _Wrong,
    _instrument as _instrument,
    _integer as _integer,
    _listed as _listed,
    _message as _message,
    _no_number as _no_number,
    _numbered as _numbered,
    _object as _object,
    _once as _once,
    _snapshot as _snapshot,
    _system as _system,
    _to_json as _to_json,
)
