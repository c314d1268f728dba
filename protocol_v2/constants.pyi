# tools.migrate shim: old=protocol_v2.constants new=libs.types.protocol.constants plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.constants import *
