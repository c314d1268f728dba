# tools.migrate shim: old=protocol_v2.registry new=libs.types.protocol.registry plan=unify-types
# For type checkers only: the old name goes on 2027-03-31 (owner: platform team).  Generated; a change made here is lost.
# ruff: noqa
# flake8: noqa
# mypy: ignore-errors
# pyright: basic, reportAttributeAccessIssue=false
from libs.types.protocol.registry import *
from libs.types.protocol.registry import (
    _NAMED as _NAMED,
    _byte_is_domain as _byte_is_domain,
    _byte_is_source as _byte_is_source,
    _high as _high,
    _known as _known,
    _low as _low,
    _sources as _sources,
    _type as _type,
)
