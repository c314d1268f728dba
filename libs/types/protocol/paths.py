"""Paths into a message: `price`, `header.sequence`, `bids.count`, `bids[0].price`, and groups like `instrument`.

Owns the grammar, and its resolution against a declared TLV into places: where the bytes lie and what they are.  Must
not read or write any.  `Encoder` and `Decoder` of both implementations are made of what comes from here.

    header.NAME         a field of the message header
    NAME                a field; a vector as a list of plain values (tuples of the fields for structs)
    NAME.NAME           a field of a struct inside the TLV
    NAME.count          how many elements a vector has
    NAME[i].NAME        a field of the i-th element, None where the vector is shorter (reading only)
    NAME                a declared group of fields, as the struct that they form
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from .constants import VERSION
from .errors import FieldRange
from .explain import explain_builder
from .layout import FieldLayout, IntKind, Kind, Layout, StructKind, VectorKind
from .values import Value

_INDEXED = re.compile(r"(\w+)\[(\d+)\](?:\.(\w+))?")
COUNT = IntKind(2)

# Offset and size of the header's fields.  The header is declared as a struct like the others (`header`), above this
# module; a test holds the two together.
HEADER_FIELDS = {
    "magic": (0, 4),
    "relay_domain": (4, 1),
    "version": (5, 1),
    "source": (6, 1),
    "flags": (7, 1),
    "sequence": (8, 8),
    "timestamp": (16, 8),
    "payload_size": (24, 4),
    "checksum": (28, 4),
}
_SETTABLE = ("relay_domain", "version", "source", "flags", "sequence", "timestamp")


class Place(Value):
    """One value: `kind` at `offset` of the header or of the TLV's payload.

    `guard` is (offset of a vector's count, index) for what is only there when the vector is long enough.
    `pieces` are the (offset, size) of a group, whose struct is `cls`.
    """

    path: str
    in_header: bool
    kind: Kind
    offset: int
    guard: tuple[int, int] | None = None
    pieces: tuple[tuple[int, int], ...] = ()
    cls: Any = None


def resolve(path: str, cls: Any) -> Place:
    """The place of `path` in a message that carries a `cls`.  Raises ValueError that names what there is."""
    layout: Layout = cls.__layout__
    if path.startswith("header."):
        name = path.removeprefix("header.")
        if name not in HEADER_FIELDS:
            raise ValueError(f"path {path!r}: the header has no field {name!r}; it has {', '.join(HEADER_FIELDS)}")
        offset, size = HEADER_FIELDS[name]
        return Place(path, True, IntKind(size), offset)
    indexed = _INDEXED.fullmatch(path)
    if indexed is not None:
        return _indexed(path, cls, indexed)
    name, _, rest = path.partition(".")
    group = cls.__dict__.get(name)
    if not rest and hasattr(group, "pieces"):
        kind = StructKind(group.cls.__layout__, group.cls)
        return Place(path, False, kind, 0, None, group.pieces(layout), group.cls)
    field = _field(layout, name, path, cls.__name__)
    if not rest:
        return Place(path, False, field.kind, field.offset)
    if isinstance(field.kind, VectorKind) and rest == "count":
        return Place(path, False, COUNT, field.offset)
    if isinstance(field.kind, StructKind):
        inner = _field(field.kind.layout, rest, path, field.kind.layout.name)
        return Place(path, False, inner.kind, field.offset + inner.offset)
    raise ValueError(f"path {path!r}: {name} of {cls.__name__} has nothing called {rest}")


def encoder_places(cls: Any, paths: Sequence[str], fixed: Mapping[str, int]) -> tuple[list[Place], dict[str, int]]:
    """The places of what an encoder is called with, and the fixed header values, checked.

    Raises ValueError for a path that does not exist, is named twice, overlaps another or can only be read, and
    FieldRange for a fixed value that no header may have.
    """
    places = [resolve(path, cls) for path in paths]
    if cls.__layout__.tail:
        raise ValueError(f"{cls.__name__} has no fixed size; use MessageBuilder")
    for name in fixed:
        if name not in _SETTABLE:
            raise ValueError(f"{name!r} is no header field to fix; there are {', '.join(_SETTABLE)}")
        if f"header.{name}" in paths:
            raise ValueError(f"{name} is fixed and a path at once")
    for place in places:
        if place.guard is not None or place.kind is COUNT:
            raise ValueError(f"path {place.path!r} can be read, not written; write the whole vector")
        if place.in_header and place.path.removeprefix("header.") not in _SETTABLE:
            raise ValueError(f"path {place.path!r} is not for the caller to set")
    spans = sorted(span for place in places for span in _spans(place))
    for (part, _, end, path), (other_part, start, _, other) in pairwise(spans):
        if part == other_part and start < end:
            raise ValueError(f"paths {path!r} and {other!r} are the same bytes")
    for name in ("relay_domain", "source"):
        if name not in fixed and f"header.{name}" not in paths:
            raise ValueError(f"{name} is missing: fix it by keyword, or name the path header.{name}")
    fault = explain_builder(
        fixed.get("relay_domain", 1),
        fixed.get("source", 1),
        fixed.get("sequence", 0),
        fixed.get("timestamp", 0),
        fixed.get("flags", 0),
    )
    if fault is not None:
        raise fault
    if fixed.get("version", VERSION) != VERSION:
        raise FieldRange("version", fixed["version"], VERSION, VERSION)
    return places, {name: int(value) for name, value in fixed.items()}


def _spans(place: Place) -> list[tuple[bool, int, int, str]]:
    pieces = place.pieces or ((place.offset, place.kind.size),)
    return [(place.in_header, at, at + size, place.path) for at, size in pieces]


def _indexed(path: str, cls: Any, match: re.Match[str]) -> Place:
    name, index, inner_name = match[1], int(match[2]), match[3]
    field = _field(cls.__layout__, name, path, cls.__name__)
    kind = field.kind
    if not isinstance(kind, VectorKind):
        raise ValueError(f"path {path!r}: {name} of {cls.__name__} is no vector")
    if index >= kind.capacity:
        raise ValueError(f"path {path!r}: {name} has room for {kind.capacity} elements only")
    at = field.offset + kind.first + index * kind.element.size
    guard = (field.offset, index)
    if isinstance(kind.element, IntKind):
        if inner_name:
            raise ValueError(f"path {path!r}: the elements of {name} are integers")
        return Place(path, False, kind.element, at, guard)
    if not inner_name:
        return Place(path, False, kind.element, at, guard)
    inner = _field(kind.element.layout, inner_name, path, kind.element.layout.name)
    return Place(path, False, inner.kind, at + inner.offset, guard)


def _field(layout: Layout, name: str, path: str, owner: str) -> FieldLayout:
    if name not in layout:
        known = ", ".join(field.name for field in layout.fields)
        raise ValueError(f"path {path!r}: {owner} has no field {name!r}; it has {known}")
    return layout[name]
