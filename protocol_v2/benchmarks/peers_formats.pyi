# tools.migrate shim: old=protocol_v2.benchmarks.peers_formats new=libs.types.protocol.benchmarks.peers_formats plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.benchmarks.peers_formats import *
from libs.types.protocol.benchmarks.peers_formats import (
    _msgspec as _msgspec,
    _of_dicts as _of_dicts,
)
