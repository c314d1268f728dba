# tools.migrate shim: old=protocol_v2.header new=libs.types.protocol.header plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.header import *
from libs.types.protocol.header import (
    _BYTE as _BYTE,
    _from as _from,
    _register_source as _register_source,
)
