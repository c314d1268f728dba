# tools.migrate shim: old=protocol_v2.framing new=libs.types.protocol.framing plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.framing import *
from libs.types.protocol.framing import (
    MAX_FAULTS as MAX_FAULTS,
    _CREDIT_CAP as _CREDIT_CAP,
    _CREDIT_PER_BYTE as _CREDIT_PER_BYTE,
    _LARGEST_LIMIT as _LARGEST_LIMIT,
    _MAGIC_BYTES as _MAGIC_BYTES,
    _SIZE_CHECK as _SIZE_CHECK,
    __all__ as __all__,
    _is_signed as _is_signed,
    _next_magic as _next_magic,
)
