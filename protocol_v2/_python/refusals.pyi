# tools.migrate shim: old=protocol_v2._python.refusals new=libs.types.protocol._python.refusals plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol._python.refusals import *
from libs.types.protocol._python.refusals import (
    _packers as _packers,
)
