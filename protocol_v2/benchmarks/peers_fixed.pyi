# tools.migrate shim: old=protocol_v2.benchmarks.peers_fixed new=libs.types.protocol.benchmarks.peers_fixed plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.benchmarks.peers_fixed import *
from libs.types.protocol.benchmarks.peers_fixed import (
    _HEAD as _HEAD,
    _U as _U,
)
