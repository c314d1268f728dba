"""The wire format as a page for people, made from the declarations.

Owns the text.  Must not know any particular struct.  `python -m libs.types.protocol.document` prints the page that is
kept as docs/wire-format.md; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .constants import HEADER_SIZE, MAX_EXTENDED_PAYLOAD, MAX_MESSAGE_SIZE, MAX_STANDARD_PAYLOAD
from .header import MessageHeader
from .instruments import InstrumentId
from .layout import FieldLayout
from .registry import TypeState, described_types, known_types
from .schema import Struct
from .tlv_types import routed_domain
from .tlvs import OrderLevel
from .tlvs_chain import DemoDeFiArbitrage, PoolCacheHeader, PoolJournalEntry

_SUPPORTING: tuple[type[Struct], ...] = (
    InstrumentId,
    OrderLevel,
    PoolCacheHeader,
    PoolJournalEntry,
    DemoDeFiArbitrage,
)

_HEAD = f"""# The wire format

Made from the declarations by the codec's module `document`; a test compares them, so edit the declarations. All
integers are little-endian. Padding is computed, written as zeros and ignored when read.

A message is a header of {HEADER_SIZE} bytes and TLVs that follow each other without padding, at most
{MAX_MESSAGE_SIZE} bytes in all. The checksum is CRC-32 (the zlib one) over everything but its own four bytes.

| frame | bytes | payload |
| --- | --- | --- |
| standard | type u8, length u8 | up to {MAX_STANDARD_PAYLOAD} bytes |
| extended | 255, 0, type u8, length u16 | up to {MAX_EXTENDED_PAYLOAD} bytes |
"""


def struct_table(cls: type[Struct]) -> str:
    """The bytes of one struct as a Markdown table: offset, size, type, field, unit and meaning."""
    layout = cls.layout()
    rows = [(each.offset, each.kind.size, _field_row(each)) for each in layout.fields]
    rows += [(gap.offset, gap.size, f"| {gap.offset} | {gap.size} | pad | | |") for gap in layout.gaps()]
    head = "| offset | size | type | field | unit, meaning |\n| ---: | ---: | --- | --- | --- |\n"
    return head + "\n".join(row for _, _, row in sorted(rows)) + "\n"


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_sections()])


def _field_row(field: FieldLayout) -> str:
    meaning = ", ".join(part for part in (field.unit, field.doc) if part)
    size = str(field.kind.size) if field.kind.size else ""
    return f"| {field.offset} | {size} | {field.kind} | `{field.name}` | {meaning} |"


def _sections() -> Iterator[str]:
    yield _section("MessageHeader", MessageHeader)
    yield "## Type numbers\n\nDecoded: a struct is declared. Sized: its size is known and checked. Opaque: passed on.\n"
    yield "| number | name | domain | state | bytes |\n| ---: | --- | --- | --- | --- |"
    yield "\n".join(_type_row(*row) for row in described_types()) + "\n"
    for info in known_types():
        if info is not None and info.cls is not None:
            yield _section(f"{info.number} {info.cls.__name__}", info.cls)
    for cls in _SUPPORTING:
        yield _section(cls.__name__, cls)


def _type_row(number: int, name: str, state: TypeState, low: int, high: int) -> str:
    size = "" if state is TypeState.OPAQUE else str(low) if low == high else f"{low} to {high}"
    return f"| {number} | {name} | {routed_domain(number).name} | {state.value} | {size} |"


def _section(title: str, cls: Any) -> str:
    layout = cls.layout()
    text = " ".join((cls.__doc__ or "").split())
    return f"## {title}\n\n{text}\n\n{layout.size} bytes{' and more' if layout.tail else ''}.\n\n{struct_table(cls)}"


if __name__ == "__main__":
    print(page(), end="")
