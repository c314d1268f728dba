# tools.migrate shim: old=protocol_v2._python.structs new=libs.types.protocol._python.structs plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol._python.structs import *
from libs.types.protocol._python.structs import (
    _CODES as _CODES,
    _IntReader as _IntReader,
    _READERS as _READERS,
    _RawReader as _RawReader,
    _StructReader as _StructReader,
    _TailReader as _TailReader,
    _VectorReader as _VectorReader,
    _code as _code,
    _converter as _converter,
    _declared as _declared,
    _exact as _exact,
    _same as _same,
    _struct_bytes as _struct_bytes,
)
