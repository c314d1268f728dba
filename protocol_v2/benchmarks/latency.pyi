# tools.migrate shim: old=protocol_v2.benchmarks.latency new=libs.types.protocol.benchmarks.latency plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.benchmarks.latency import *
from libs.types.protocol.benchmarks.latency import (
    _batch as _batch,
    _hot_paths as _hot_paths,
    _percentiles as _percentiles,
    _pool as _pool,
    _row as _row,
    _verdict as _verdict,
)
