# tools.migrate shim: old=protocol_v2.explain new=libs.types.protocol.explain plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.explain import *
from libs.types.protocol.explain import (
    _U64 as _U64,
    _U8 as _U8,
    _explain_bytes as _explain_bytes,
    _explain_element as _explain_element,
    _explain_int as _explain_int,
    _explain_vector as _explain_vector,
    _of as _of,
)
