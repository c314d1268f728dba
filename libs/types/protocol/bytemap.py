"""What each byte of a message means: rows for people, also of bytes that are no message.

Owns the rows, and which bytes an error means.  Must not decide what is wrong: that does the codec, whose walk over the
TLVs is used here as far as it gets.  Nothing here refuses anything: whatever the bytes are, every one of them is in
exactly one row, in order.

    for row in rows(data): print(row.offset, row.size, row.name, row.value)

`classes` are TLV classes to read payloads with, by type number, before those that are registered: a vendor's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ._python.checks import walk
from .constants import EXTENDED_FRAME_SIZE, EXTENDED_MARKER, HEADER_SIZE, MAGIC, STANDARD_FRAME_SIZE
from .errors import (
    ChecksumMismatch,
    InvalidExtendedTLV,
    InvalidMagic,
    InvalidPayload,
    InvalidRelayDomain,
    MessageTooLarge,
    MessageTooSmall,
    PayloadSizeMismatch,
    ProtocolError,
    RelayDomainMismatch,
    TruncatedTLV,
    UnknownSource,
    UnsupportedVersion,
)
from .header import MessageHeader
from .layout import FieldLayout, IntKind, Layout, RawKind, StructKind, TailKind, VectorKind
from .registry import known_types
from .tlv_types import type_name
from .values import Value

Classes = Mapping[int, Any]

_MAGIC_BYTES = MAGIC.to_bytes(4, "little")
_IN_HEADER: dict[type[ProtocolError], str] = {
    InvalidMagic: "magic",
    UnsupportedVersion: "version",
    InvalidRelayDomain: "relay_domain",
    RelayDomainMismatch: "relay_domain",
    UnknownSource: "source",
    MessageTooLarge: "payload_size",
    MessageTooSmall: "payload_size",
    ChecksumMismatch: "checksum",
}


class Row(Value):
    """`size` bytes at `offset` (from the message's start) are `name`; `value` is how a person reads them."""

    offset: int
    size: int
    name: str
    value: str = ""


def rows(data: bytes | memoryview, classes: Classes | None = None) -> Iterator[Row]:
    """Every byte of `data`, which begins where a message does or should."""
    if bytes(data[:4]) != _MAGIC_BYTES[: len(data)]:
        yield from _unread(data, 0, len(data), "no message")
        return
    yield from _struct_rows(MessageHeader.layout(), data[:HEADER_SIZE], 0, "")
    at, end = HEADER_SIZE, len(data)
    try:
        for frame in walk(data, 0, end):
            shape = "extended" if frame.extended else "standard"
            name = named(frame.type)
            yield Row(at, frame.start - at, "frame", f"{name}, {frame.end - frame.start} bytes, {shape}")
            yield from payload_rows(frame.type, data[frame.start : frame.end], frame.start, classes)
            at = frame.end
    except (TruncatedTLV, InvalidExtendedTLV):
        head = EXTENDED_FRAME_SIZE if data[at] == EXTENDED_MARKER else STANDARD_FRAME_SIZE
        head = min(head, end - at)
        size = HEADER_SIZE + int.from_bytes(data[24:28], "little")
        yield Row(at, head, "frame", "goes on behind these bytes" if size > end else "not readable")
        yield from _unread(data, at + head, end, "not reached")


def place_of(error: ProtocolError, data: bytes | memoryview) -> tuple[int, int]:
    """Offset and number of the bytes in `data` that `error` is about; (0, 0) where it is about none of them."""
    match error:
        case TruncatedTLV(offset=at):
            head = EXTENDED_FRAME_SIZE if data[at : at + 1] == bytes((EXTENDED_MARKER,)) else STANDARD_FRAME_SIZE
            found = at, min(head, len(data) - at)
        case InvalidExtendedTLV(offset=at):
            found = at + (1 if bytes(data[at + 1 : at + 2]) != b"\0" else 2), 1
        case PayloadSizeMismatch(offset=at):
            extended = any(frame.start == at and frame.extended for frame in _frames(data))
            found = (at - 2, 2) if extended else (at - 1, 1)
        case InvalidPayload(offset=at):
            found = at, 2
        case _ if type(error) in _IN_HEADER:
            field = MessageHeader.layout()[_IN_HEADER[type(error)]]
            found = field.offset, field.kind.size
        case _:
            found = 0, 0
    offset, size = found
    return (offset, size) if size > 0 and offset >= 0 and offset + size <= len(data) else (0, 0)


def named(number: int) -> str:
    """A type number with its name, where it has one."""
    name = type_name(number)
    return f"type {number}" if name.startswith("TYPE_") else f"{name} ({number})"


def class_of(number: int, size: int, classes: Classes | None) -> Any:
    """The class that reads a payload of `size` bytes, or None."""
    info = known_types()[number]
    cls: Any = (classes or {}).get(number) or (info.cls if info is not None else None)
    if cls is None:
        return None
    layout: Layout = cls.layout()
    fits = size >= layout.size if layout.tail else size == layout.size
    return cls if fits else None


def shown(field: FieldLayout, value: int) -> str:
    """An integer, and what it stands for where that is known."""
    if field.name in ("magic", "checksum"):
        return f"0x{value:08X}"
    if field.members is not None:
        member = field.members[value]
        name = getattr(member, "name", None)
        return f"{value} ({name})" if name and value else str(value)
    if field.unit.startswith("1e-8"):
        return f"{value} ({hundred_millionths(value)}{field.unit[4:]})"
    if field.unit == "ns" and value:
        return f"{value} ({instant(value)})"
    return f"{value} {field.unit}" if field.unit and field.unit != "ns" else str(value)


def hundred_millionths(value: int) -> str:
    """An exact decimal number, without zeros at its end."""
    whole, part = divmod(abs(value), 100_000_000)
    return f"{'-' if value < 0 else ''}{whole}.{part:08d}".rstrip("0").rstrip(".")


def instant(value: int) -> str:
    """Nanoseconds since 1970 as a date and a time in UTC; the number where no calendar has it."""
    seconds, rest = divmod(value, 1_000_000_000)
    try:
        text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return f"{value} ns"
    return text + f".{rest:09d}".rstrip("0").rstrip(".") + "Z"


def _frames(data: bytes | memoryview) -> Iterator[Any]:
    try:
        yield from walk(data, 0, len(data))
    except (TruncatedTLV, InvalidExtendedTLV):
        return


def payload_rows(number: int, payload: bytes | memoryview, at: int, classes: Classes | None) -> Iterator[Row]:
    """A TLV's payload, which begins at `at`."""
    cls = class_of(number, len(payload), classes)
    if cls is None:
        yield from _unread(payload, 0, len(payload), "payload", at)
    else:
        yield from _struct_rows(cls.layout(), payload, at, "")


def _struct_rows(layout: Layout, data: bytes | memoryview, base: int, prefix: str) -> Iterator[Row]:
    """The fields of a struct, and its padding; `data` may end early."""
    at = 0
    for field in layout.fields:
        size = len(data) - field.offset if isinstance(field.kind, TailKind) else field.kind.size
        if field.offset + size > len(data):
            break
        yield from _padding(data, at, field.offset, base)
        yield from _field_rows(field, data[field.offset : field.offset + size], base + field.offset, prefix)
        at = field.offset + size
    whole = min(layout.size, len(data))
    if len(data) < layout.size:
        yield from _unread(data, at, len(data), "cut off", base)
    elif at < whole:
        yield from _padding(data, at, whole, base)


def _field_rows(field: FieldLayout, data: bytes | memoryview, at: int, prefix: str) -> Iterator[Row]:
    name, kind = prefix + field.name, field.kind
    match kind:
        case IntKind():
            number = int.from_bytes(data, "little", signed=kind.signed)
            yield Row(at, kind.size, name, shown(field, number))
        case StructKind():
            yield from _struct_rows(kind.layout, data, at, f"{name}.")
        case VectorKind():
            yield from _vector_rows(name, kind, data, at)
        case RawKind():
            yield Row(at, kind.length, name, bytes(data[: kind.length]).hex())
            yield from _padding(data, kind.length, kind.size, at)
        case TailKind():
            yield from _unread(data, 0, len(data), name, at)


def _vector_rows(name: str, kind: VectorKind, data: bytes | memoryview, at: int) -> Iterator[Row]:
    count = int.from_bytes(data[:2], "little")
    yield Row(at, 2, f"{name}.count", f"{count} of {kind.capacity}")
    yield from _padding(data, 2, kind.first, at)
    place, size = kind.first, kind.element.size
    for index in range(min(count, kind.capacity)):
        yield Row(at + place, size, f"{name}[{index}]", _element_text(kind, data[place : place + size]))
        place += size
    if place < kind.size:
        yield Row(at + place, kind.size - place, f"{name}, not used")


def _element_text(kind: VectorKind, data: bytes | memoryview) -> str:
    """One element of a vector: its number, or the fields of its struct."""
    element = kind.element
    if isinstance(element, IntKind):
        return str(int.from_bytes(data, "little", signed=element.signed))
    inner = _struct_rows(element.layout, data, 0, "")
    return ", ".join(f"{row.name} {row.value}" for row in inner if row.name != "padding")


def _padding(data: bytes | memoryview, at: int, end: int, base: int) -> Iterator[Row]:
    if at < end:
        yield Row(base + at, end - at, "padding", "" if not any(data[at:end]) else "not zero")


def _unread(data: bytes | memoryview, at: int, end: int, name: str, base: int = 0) -> Iterator[Row]:
    """Bytes without a meaning, sixteen a row, with the letters among them."""
    for start in range(at, end, 16):
        part = bytes(data[start : min(start + 16, end)])
        text = "".join(chr(each) if 32 <= each < 127 else "." for each in part)
        yield Row(base + start, len(part), name, text)
