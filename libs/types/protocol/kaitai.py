"""The wire format as a Kaitai Struct description, for programs in other languages; made from the declarations.

Owns the text.  Must not know any particular struct.  `python -m libs.types.protocol.kaitai` prints the file that is
kept as `alphapulse_wire.ksy` beside this one; a test compares the two, and another adds up the sizes.
`kaitai-struct-compiler -t java alphapulse_wire.ksy` makes a reader of it.

What such a description cannot say, its readers do not check: the checksum, and sizes of types of which only bounds are
known.  It has no integers of 128 bits either; they are two of 64, `low` and `high`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import IntEnum

from .constants import EXTENDED_MARKER, MAGIC, VERSION, RelayDomain, SourceType
from .header import MessageHeader
from .layout import FieldLayout, IntKind, Layout, RawKind, StructKind, TailKind, VectorKind
from .registry import known_types
from .tlv_types import TLVType

_HEAD = f"""# Made from the declarations: python -m libs.types.protocol.kaitai > libs/types/protocol/alphapulse_wire.ksy
meta:
  id: alphapulse_wire
  title: Protocol V2, a stream of messages
  endian: le
  ks-version: "0.10"
doc: |
  Messages that follow each other: a header of 32 bytes, and TLVs without padding between them.
  Not checked by this description: the checksum, which is CRC-32 (the zlib one) over the message without the
  checksum's own four bytes.
seq:
  - id: messages
    type: message
    repeat: eos
types:
  message:
    seq:
      - id: header
        type: message_header
      - id: body
        type: tlv_list
        size: header.payload_size
  tlv_list:
    seq:
      - id: tlvs
        type: tlv
        repeat: eos
  tlv:
    doc: "a frame of 2 bytes, or of 5 that begins with {EXTENDED_MARKER}, and a payload"
    seq:
      - id: first
        type: u1
      - id: short_length
        type: u1
        if: first != {EXTENDED_MARKER}
      - id: reserved
        type: u1
        valid: 0
        if: first == {EXTENDED_MARKER}
      - id: long_type
        type: u1
        if: first == {EXTENDED_MARKER}
      - id: long_length
        type: u2
        if: first == {EXTENDED_MARKER}
      - id: payload
        size: length
        type:
          switch-on: number
          cases:
"""

_TLV_INSTANCES = f"""\
    instances:
      number:
        value: "first == {EXTENDED_MARKER} ? long_type : first"
      length:
        value: "first == {EXTENDED_MARKER} ? long_length : short_length"
"""

_WIDE = """\
  u128:
    seq:
      - id: low
        type: u8
      - id: high
        type: u8
  i128:
    seq:
      - id: low
        type: u8
      - id: high
        type: s8
"""


def page() -> str:
    """The whole description."""
    return "".join(_lines())


def snake(name: str) -> str:
    """`order_book` for `OrderBookTLV`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.removesuffix("TLV")).lower()


def _lines() -> Iterator[str]:
    classes = [(info.number, info.cls) for info in known_types() if info is not None and info.cls is not None]
    layouts: dict[str, Layout] = {}
    vectors: dict[str, VectorKind] = {}
    for layout in (MessageHeader.layout(), *(_layout(cls) for _, cls in classes)):
        _collect(layout, layouts, vectors)
    yield _HEAD
    for number, cls in classes:
        yield f"            {number}: {snake(cls.__name__)}\n"
    yield _TLV_INSTANCES
    for name, layout in layouts.items():
        yield from _struct(name, layout)
    for name, kind in vectors.items():
        yield from _vector(name, kind)
    yield _WIDE
    yield "enums:\n"
    for enum in (RelayDomain, SourceType, TLVType):
        yield from _enum(enum)


def _layout(cls: type) -> Layout:
    layout: Layout = cls.__layout__  # type: ignore[attr-defined]
    return layout


def _collect(layout: Layout, layouts: dict[str, Layout], vectors: dict[str, VectorKind]) -> None:
    """This struct, and all that lie inside of it."""
    layouts[snake(layout.name)] = layout
    for field in layout.fields:
        kind: object = field.kind
        if isinstance(kind, VectorKind):
            vectors[_vector_name(kind)] = kind
            kind = kind.element
        if isinstance(kind, StructKind):
            _collect(kind.layout, layouts, vectors)


def _struct(name: str, layout: Layout) -> Iterator[str]:
    yield f"  {name}:\n    seq:\n"
    at = 0
    for field in layout.fields:
        yield from _pad(at, field.offset)
        yield from _field(field)
        at = field.end
        if isinstance(field.kind, RawKind):
            yield from _pad(at - field.kind.pad, at)
    if not layout.tail:
        yield from _pad(at, layout.size)


def _field(field: FieldLayout) -> Iterator[str]:
    yield f"      - id: {field.name}\n"
    match field.kind:
        case IntKind():
            if field.name == "magic" and field.default == MAGIC:
                yield f"        contents: [{', '.join(f'0x{each:02x}' for each in MAGIC.to_bytes(4, 'little'))}]\n"
            else:
                yield f"        type: {_integer(field.kind)}\n"
        case RawKind(length):
            yield f"        size: {length}\n"
        case TailKind():
            yield "        size-eos: true\n"
        case StructKind(layout):
            yield f"        type: {snake(layout.name)}\n"
        case VectorKind():
            yield f"        type: {_vector_name(field.kind)}\n"
    if field.name == "version" and field.default == VERSION and field.offset == 5:
        yield f"        valid: {VERSION}\n"
    enum = getattr(field.members, "enum", None)
    if enum in (RelayDomain, SourceType):
        yield f"        enum: {snake(enum.__name__)}\n"
    text = ", ".join(part for part in (field.unit, field.doc) if part)
    if text:
        yield f"        doc: {json.dumps(text)}\n"


def _pad(at: int, end: int) -> Iterator[str]:
    if at < end:
        yield f"      - id: pad_{at}\n        size: {end - at}\n"


def _integer(kind: IntKind) -> str:
    if kind.size == 16:
        return "i128" if kind.signed else "u128"
    return f"{'s' if kind.signed else 'u'}{kind.size}"


def _vector_name(kind: VectorKind) -> str:
    element = str(kind.element) if isinstance(kind.element, IntKind) else snake(kind.element.layout.name)
    return f"vec_{kind.capacity}_{element}"


def _vector(name: str, kind: VectorKind) -> Iterator[str]:
    element = kind.element
    kind_name = _integer(element) if isinstance(element, IntKind) else snake(element.layout.name)
    yield f"  {name}:\n    seq:\n      - id: count\n        type: u2\n        valid:\n          max: {kind.capacity}\n"
    yield from _pad(2, kind.first)
    yield f"      - id: items\n        type: {kind_name}\n        repeat: expr\n        repeat-expr: count\n"
    yield f"      - id: unused\n        size: ({kind.capacity} - count) * {element.size}\n"
    yield from _pad(kind.first + kind.capacity * element.size, kind.size)


def _enum(enum: type[IntEnum]) -> Iterator[str]:
    yield f"  {snake(enum.__name__)}:\n"
    for member in enum:
        yield f"    {int(member)}: {member.name.lower()}\n"


if __name__ == "__main__":
    print(page(), end="")
