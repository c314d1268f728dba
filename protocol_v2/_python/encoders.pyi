# tools.migrate shim: old=protocol_v2._python.encoders new=libs.types.protocol._python.encoders plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol._python.encoders import *
from libs.types.protocol._python.encoders import (
    _FAULTS as _FAULTS,
    _HEAD_ORDER as _HEAD_ORDER,
    _constant as _constant,
    _default_parts as _default_parts,
    _encoding_function as _encoding_function,
    _exact as _exact,
    _payload_parts as _payload_parts,
)
