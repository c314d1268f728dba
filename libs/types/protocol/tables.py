"""Layouts and paths as rows of plain numbers: the form in which the compiled implementation takes them.

Owns the numbering of kinds (`enum kind` in `_native/core.h`) and the rows.  Must not know what is done with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._python.structs import default_bytes
from .constants import EXTENDED_MARKER, HEADER_SIZE, MAGIC, VERSION, ChecksumPolicy
from .layout import FieldLayout, IntKind, Kind, Layout, RawKind, StructKind, TailKind, VectorKind

if TYPE_CHECKING:  # where they are needed they are imported: a program that makes neither has no use for them
    from ._python.decoders import Decoder
    from ._python.encoders import Encoder
    from .paths import Place

_INTS = {
    (1, False): 0,
    (2, False): 1,
    (4, False): 2,
    (8, False): 3,
    (1, True): 4,
    (2, True): 5,
    (4, True): 6,
    (8, True): 7,
    (16, False): 8,
    (16, True): 9,
}
RAW, STRUCT, VECTOR, TAIL, GROUP = 10, 11, 12, 13, 14

# name, layout, members, cls, kind, element, required, offset, size, length, element size, first, capacity, least
Row = tuple[str, object, object, object, int, int, bool, int, int, int, int, int, int, int]


def field_row(field: FieldLayout) -> Row:
    """One field of a layout."""
    return _row(field.name, field, field.kind, field.offset, field.members, field.required)


def vector_row(kind: VectorKind) -> Row:
    """A vector that is no part of a struct."""
    return _row("", kind, kind, 0, None, True)


def layout_rows(layout: Layout) -> tuple[list[Row], bytes, list[tuple[int, int]], bool]:
    """The fields, the struct's bytes with every default in place, its padding, and whether it has a tail."""
    defaults = bytearray(layout.size)
    for field in layout.fields:
        defaults[field.offset : field.end] = default_bytes(field)
    padding = [(gap.offset, gap.size) for gap in layout.padding]
    return [field_row(field) for field in layout.fields], bytes(defaults), padding, layout.tail


def encoder_rows(cls: Any, paths: Sequence[str], fixed: Mapping[str, int]) -> tuple[bytes, list[Any], Encoder]:
    """The message with nothing but fixed values, a row for each argument, and the encoder that explains refusals."""
    from ._python.encoders import Encoder

    slow = Encoder(cls, *paths, **fixed)
    layout: Layout = cls.__layout__
    extended = layout.size > 255
    frame = bytes((EXTENDED_MARKER, 0, cls.TYPE)) + layout.size.to_bytes(2, "little") if extended else bytes(
        (cls.TYPE, layout.size)
    )  # fmt: skip
    start = HEADER_SIZE + len(frame)
    values = {**slow._fixed, "payload_size": len(frame) + layout.size}
    head = MAGIC.to_bytes(4, "little") + bytes(
        (values.get("relay_domain", 0), VERSION, values.get("source", 0), values.get("flags", 0))
    )
    head += values.get("sequence", 0).to_bytes(8, "little") + values.get("timestamp", 0).to_bytes(8, "little")
    template = head + values["payload_size"].to_bytes(4, "little") + bytes(4) + frame + layout_rows(layout)[1]
    return template, [_place_row(place, 0 if place.in_header else start) for place in slow._places], slow


def decoder_rows(
    cls: Any, paths: Sequence[str], checksum: ChecksumPolicy | bool, limit: int, allow_trailing: bool
) -> tuple[list[Any], bool, Decoder]:
    """A row for each value, whether the checksum is verified, and the decoder that explains refusals."""
    from ._python.decoders import Decoder

    slow = Decoder(cls, *paths, checksum=checksum, limit=limit, allow_trailing=allow_trailing)
    return [_place_row(place, 0) for place in slow._places], slow._verify, slow


def _place_row(place: Place, base: int) -> tuple[Row, bool, tuple[int, int] | None, tuple[tuple[int, int], ...]]:
    row = _row(place.path, place.path, place.kind, place.offset + base, None, True)
    if place.pieces:
        size = sum(length for _, length in place.pieces)
        row = (place.path, place.path, None, None, GROUP, 0, True, base, size, size, 0, 0, 0, 0)
    elif isinstance(place.kind, StructKind):
        # Encoder and Decoder deal in plain values: a struct in place is its bytes.
        size = place.kind.size
        row = (place.path, place.path, None, None, RAW, 0, True, place.offset + base, size, size, 0, 0, 0, 0)
    return row, place.in_header, place.guard, place.pieces


def _row(name: str, layout: object, kind: Kind, offset: int, members: object, required: bool) -> Row:
    code = element = length = element_size = first = capacity = least = 0
    cls: object = None
    match kind:
        case IntKind(size, signed):
            code = _INTS[size, signed]
        case RawKind(length):
            code = RAW
        case StructKind(_, cls):
            code = STRUCT
        case TailKind():
            code = TAIL
        case VectorKind():
            code, element_size, first = VECTOR, kind.element.size, kind.first
            capacity, least = kind.capacity, kind.least
            if isinstance(kind.element, IntKind):
                element = _INTS[kind.element.size, kind.element.signed]
            else:
                element, cls = STRUCT, kind.element.cls
    return (name, layout, members, cls, code, element, required, offset, kind.size, length, element_size, first,
            capacity, least)  # fmt: skip
