# tools.migrate shim: old=protocol_v2._python.decoders new=libs.types.protocol._python.decoders plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol._python.decoders import *
from libs.types.protocol._python.decoders import (
    _FAULTS as _FAULTS,
    _HEADER_CODES as _HEADER_CODES,
    _Reader as _Reader,
    _Reads as _Reads,
    _decoding_function as _decoding_function,
    _plain_function as _plain_function,
    _result as _result,
)
