# tools.migrate shim: old=protocol_v2.benchmarks.layout_ways new=libs.types.protocol.benchmarks.layout_ways plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.benchmarks.layout_ways import *
from libs.types.protocol.benchmarks.layout_ways import (
    _ctypes_structure as _ctypes_structure,
    _ctypes_type as _ctypes_type,
    _numpy_dtype as _numpy_dtype,
    _placed_again as _placed_again,
)
