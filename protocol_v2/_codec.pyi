# tools.migrate shim: old=protocol_v2._codec new=libs.types.protocol._codec plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol._codec import *
from libs.types.protocol._codec import (
    _NAMES as _NAMES,
    _info as _info,
    _load as _load,
    _loaded as _loaded,
)
