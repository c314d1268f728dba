# tools.migrate shim: old=protocol_v2._python.vectors new=libs.types.protocol._python.vectors plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol._python.vectors import *
from libs.types.protocol._python.vectors import (
    _COUNT as _COUNT,
    _ROWS as _ROWS,
    _TUPLES as _TUPLES,
    _pack_element as _pack_element,
    _pack_value as _pack_value,
    _plain as _plain,
)
