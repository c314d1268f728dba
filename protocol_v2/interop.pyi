# tools.migrate shim: old=protocol_v2.interop new=libs.types.protocol.interop plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.interop import *
from libs.types.protocol.interop import (
    _arrow_type as _arrow_type,
    _assemble as _assemble,
    _layout_dtype as _layout_dtype,
    _plain_dtype as _plain_dtype,
)
