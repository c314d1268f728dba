# tools.migrate shim: old=protocol_v2._python.batch new=libs.types.protocol._python.batch plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol._python.batch import *
from libs.types.protocol._python.batch import (
    _BLOCK_ROWS as _BLOCK_ROWS,
    _FAULT as _FAULT,
    _MAGIC as _MAGIC,
    _NEXT as _NEXT,
    _OP as _OP,
    _RULE as _RULE,
    _Reader as _Reader,
    _TYPES as _TYPES,
    _VECTOR as _VECTOR,
    _WORDS as _WORDS,
    _checksums as _checksums,
    _strided as _strided,
)
