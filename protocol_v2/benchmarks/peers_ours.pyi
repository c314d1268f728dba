# tools.migrate shim: old=protocol_v2.benchmarks.peers_ours new=libs.types.protocol.benchmarks.peers_ours plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.benchmarks.peers_ours import *
from libs.types.protocol.benchmarks.peers_ours import (
    _accessors as _accessors,
    _objects as _objects,
)
