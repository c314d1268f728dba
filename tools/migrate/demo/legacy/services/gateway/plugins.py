"""Turns the dotted names of the settings into objects."""

import importlib
from types import ModuleType
from typing import Any


def resolve(dotted: str) -> Any:
    """`package.module:name` or `package.module.name`."""
    module, _, name = dotted.partition(":") if ":" in dotted else dotted.rpartition(".")
    return getattr(importlib.import_module(module), name)


def builder_module() -> ModuleType:
    return importlib.import_module("protocol_v2.tlv.builder")
