# tools.migrate shim: old=protocol_v2.errors new=libs.types.protocol.errors plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.errors import *
from libs.types.protocol.errors import (
    _shown as _shown,
)
