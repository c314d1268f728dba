# tools.migrate shim: old=protocol_v2.schema new=libs.types.protocol.schema plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.schema import *
from libs.types.protocol.schema import (
    _Declared as _Declared,
    _MEMBERS_KEPT as _MEMBERS_KEPT,
    _REQUIRED as _REQUIRED,
    _check_default as _check_default,
    _check_element as _check_element,
    _check_names as _check_names,
    _element_kind as _element_kind,
    _hints as _hints,
    _kind_of as _kind_of,
    _plain as _plain,
    _specs as _specs,
    _struct_kind as _struct_kind,
)
