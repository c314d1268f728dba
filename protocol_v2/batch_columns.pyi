# tools.migrate shim: old=protocol_v2.batch_columns new=libs.types.protocol.batch_columns plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.batch_columns import *
from libs.types.protocol.batch_columns import (
    _check_range as _check_range,
    _element_tuples as _element_tuples,
    _from_objects as _from_objects,
    _require_integers as _require_integers,
)
