# tools.migrate shim: old=protocol_v2.fuzz.world new=libs.types.protocol.fuzz.world plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.fuzz.world import *
from libs.types.protocol.fuzz.world import (
    _groups as _groups,
    _odd_structs as _odd_structs,
    _paths as _paths,
)
