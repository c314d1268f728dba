# tools.migrate shim: old=protocol_v2.batch_plan new=libs.types.protocol.batch_plan plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.batch_plan import *
from libs.types.protocol.batch_plan import (
    _HEADER as _HEADER,
    _OP as _OP,
    _RULE as _RULE,
    _VECTOR as _VECTOR,
    _default_bytes as _default_bytes,
    _frame as _frame,
    _known_numbers as _known_numbers,
    _meaningful as _meaningful,
    _rules_cache as _rules_cache,
)
