# tools.migrate shim: old=protocol_v2.benchmarks.peers new=libs.types.protocol.benchmarks.peers plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.benchmarks.peers import *
from libs.types.protocol.benchmarks.peers import (
    _peers as _peers,
    _print as _print,
    _record as _record,
    _same_bytes as _same_bytes,
    _versions as _versions,
)
