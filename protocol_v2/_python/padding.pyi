# tools.migrate shim: old=protocol_v2._python.padding new=libs.types.protocol._python.padding plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol._python.padding import *
from libs.types.protocol._python.padding import (
    _clear as _clear,
    _clear_vector as _clear_vector,
    _holds_vectors as _holds_vectors,
)
