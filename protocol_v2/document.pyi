# tools.migrate shim: old=protocol_v2.document new=libs.types.protocol.document plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.document import *
from libs.types.protocol.document import (
    _HEAD as _HEAD,
    _SUPPORTING as _SUPPORTING,
    _field_row as _field_row,
    _section as _section,
    _sections as _sections,
    _type_row as _type_row,
)
