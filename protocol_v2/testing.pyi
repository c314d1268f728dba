# tools.migrate shim: old=protocol_v2.testing new=libs.types.protocol.testing plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.testing import *
from libs.types.protocol.testing import (
    _U64 as _U64,
    _declared as _declared,
    _framed as _framed,
    _integers as _integers,
    _layout as _layout,
    _of_kind as _of_kind,
    _opaque as _opaque,
    _sized as _sized,
    _vectors as _vectors,
)
