"""What a capture holds, as lines for people or as JSON, one document a line.

Owns the words and the keys.  Must not read files, and must not print: `__main__` does.

A message is one line for its header and one for each TLV; with a map, one for each field.  What is no message is shown
with its bytes, and under those that are wrong the reason:

    >      28     4  00 00 00 00              checksum       0x00000000
                     ^^^^^^^^^^^ checksum in the header is 0x00000000, calculated 0x1B0D4AC3 ...
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from typing import Any

from .bytemap import Classes, Row, class_of, instant, named, payload_rows, place_of, rows
from .capture import SHOWN, Found, Lost
from .constants import RelayDomain, SourceType
from .errors import ProtocolError
from .instruments import InstrumentId

SCHEMA = 1
BYTES_SHOWN = 16
# Of a map that is not asked for whole: rows at its beginning, and around the wrong bytes.
_FIRST, _BEFORE, _AFTER = 24, 8, 8
_ELEMENTS = 3


class Counts:
    """What was seen so far."""

    def __init__(self) -> None:
        self.messages = self.faults = self.bytes = self.skipped = 0

    def add(self, record: Found | Lost) -> None:
        if isinstance(record, Found):
            self.messages += 1
            self.bytes += record.message.size
        else:
            self.faults += 1
            self.bytes += record.skipped
            self.skipped += record.skipped

    def __str__(self) -> str:
        good = f"{self.messages} message{'' if self.messages == 1 else 's'} in {self.bytes} bytes"
        return f"{good}; {self.faults} fault{'' if self.faults == 1 else 's'}, {self.skipped} bytes skipped"


def text_of(record: Found | Lost, *, classes: Classes, whole: bool = False) -> Iterator[str]:
    """The lines for one record; `whole` gives a good message its byte map too, and a bad one every row of it."""
    if isinstance(record, Lost):
        yield from _lost_text(record, classes, whole)
        return
    message, header = record.message, record.message.header
    words = [
        f"@{record.offset}",
        f"{message.size} bytes",
        _member(RelayDomain, message.relay_domain),
        _member(SourceType, message.source),
        f"sequence {message.sequence}",
        instant(message.timestamp) if message.timestamp else "no time",
    ]
    if header.flags:
        words.append(f"flags {getattr(header.flags, 'name', None) or int(header.flags)}")
    yield "  ".join(words)
    if whole:
        yield from map_lines(bytes(message), classes=classes, whole=True)
        return
    for tlv in message:
        payload = tlv.payload
        about = _instrument(class_of(tlv.type, len(payload), classes), payload)
        yield f"  +{tlv.offset} {_name(tlv.type, classes)}: {about}{_fields_text(tlv.type, payload, classes)}"


def json_of(record: Found | Lost, *, classes: Classes) -> str:
    """One line of JSON for one record.  Integers are exact, also those of 128 bits; raw bytes are hex."""
    if isinstance(record, Lost):
        at, size = place_of(record.error, record.data)
        found: dict[str, Any] = {
            "kind": "fault",
            "offset": record.offset,
            "skipped": record.skipped,
            "unfinished": record.unfinished,
            "error": type(record.error).__name__,
            "text": str(record.error),
            "details": record.error.details(),
            "wrong": {"offset": at, "size": size} if size else None,
            "bytes": record.data[:SHOWN],
        }
    else:
        message = record.message
        found = {
            "kind": "message",
            "offset": record.offset,
            "size": message.size,
            "domain": _member(RelayDomain, message.relay_domain),
            "source": _member(SourceType, message.source),
            "header": message.header.to_dict(),
            "tlvs": [_tlv_json(tlv, classes) for tlv in message],
        }
    return _json(found)


def json_end(counts: Counts) -> str:
    """The last line of JSON."""
    return _json({"kind": "end", **vars(counts)})


def map_lines(
    data: bytes, error: ProtocolError | None = None, *, classes: Classes | None = None, whole: bool = False
) -> Iterator[str]:
    """The bytes of one message and what they mean; where `error` is about some, they are marked."""
    wrong, size = (0, 0) if error is None else place_of(error, data)
    yield f"{'offset':>9}{'size':>6}  {'bytes':<48}{'field':<22}value"
    before: deque[Row] = deque(maxlen=_BEFORE)  # rows that are shown if the wrong one comes next
    room, left_out, marked = _FIRST, 0, size == 0
    for count, row in enumerate(rows(data, classes), 1):
        if not marked and row.offset <= wrong < row.offset + row.size:
            yield from _gap(left_out)
            yield from (_row_line(each, data, " ") for each in before)
            yield _row_line(row, data, ">")
            yield _mark(row, wrong, size, error)
            marked, left_out, room = True, 0, max(_AFTER, _FIRST - count)
            before.clear()
        elif whole or room > 0:
            room -= 1
            yield _row_line(row, data, " ")
        else:
            left_out += marked or len(before) == _BEFORE
            if not marked:
                before.append(row)
    yield from _gap(left_out)


def _lost_text(record: Lost, classes: Classes, whole: bool) -> Iterator[str]:
    what = "unfinished" if record.unfinished else "bad"
    yield f"@{record.offset}  {record.skipped} bytes {what}: {type(record.error).__name__}"
    _, size = place_of(record.error, record.data)
    if not size:
        yield f"  {record.error}"
    if record.data:
        yield from map_lines(record.data, record.error, classes=classes, whole=whole)
    if len(record.data) < record.skipped:
        yield f"{'':>17}and {record.skipped - len(record.data)} bytes more, up to the next message or the end"


def _gap(count: int) -> Iterator[str]:
    if count:
        yield f"{'':>17}... {count} rows left out; --map shows all"


def _row_line(row: Row, data: bytes, sign: str) -> str:
    part = data[row.offset : row.offset + min(row.size, BYTES_SHOWN)]
    more = ".." if row.size > BYTES_SHOWN else ""
    name = row.name if len(row.name) < 22 else row.name[:20] + "~"
    return f"{sign}{row.offset:>8}{row.size:>6}  {part.hex(' ') + more:<48}{name:<22}{row.value}".rstrip()


def _mark(row: Row, wrong: int, size: int, error: ProtocolError | None) -> str:
    first = min(wrong - row.offset, BYTES_SHOWN - 1)
    shown = max(1, min(size, row.size - (wrong - row.offset), BYTES_SHOWN - first))
    return f"{'':>17}{'':>{3 * first}}{'^' * (3 * shown - 1)} {error}"


def _name(number: int, classes: Classes) -> str:
    return f"{classes[number].__name__} ({number})" if number in classes else named(number)


def _member(enum: Any, value: int) -> str:
    try:
        return str(enum(value).name)
    except ValueError:
        return str(value)


def _fields_text(number: int, payload: memoryview, classes: Classes) -> str:
    if class_of(number, len(payload), classes) is None:
        more = ".." if len(payload) > BYTES_SHOWN else ""
        return f"{len(payload)} bytes {payload[:BYTES_SHOWN].hex(' ')}{more}".rstrip()
    words = []
    for row in payload_rows(number, payload, 0, classes):
        if row.name.endswith("]"):
            index = int(row.name[row.name.rindex("[") + 1 : -1])
            if index < _ELEMENTS:
                words.append(f"{row.name} = ({row.value})")
            elif index == _ELEMENTS:
                words.append("...")
        elif row.name != "padding" and not row.name.endswith("not used"):
            words.append(f"{row.name} {row.value}")
    return ", ".join(words)


def _instrument(cls: Any, payload: memoryview) -> str:
    """The instrument by its names, where the class has one."""
    if cls is None or not hasattr(cls, "instrument"):
        return ""
    try:
        found = cls.from_buffer(payload).instrument
    except ProtocolError:
        return ""
    if not isinstance(found, InstrumentId):
        return ""
    venue, kind = (getattr(each, "name", str(each)) for each in (found.venue_id, found.asset_kind))
    symbol = ascii(found.symbol)[1:-1] if found.symbol is not None else f"0x{found.asset_id:016x}"
    return f"{venue} {symbol} {kind}; "


def _tlv_json(tlv: Any, classes: Classes) -> dict[str, Any]:
    payload = tlv.payload
    found = {"type": tlv.type, "name": _name(tlv.type, classes).partition(" (")[0], "offset": tlv.offset,
             "size": len(payload), "extended": tlv.extended}  # fmt: skip
    cls = class_of(tlv.type, len(payload), classes)
    try:
        return {**found, "payload": payload} if cls is None else {**found, "fields": cls.from_buffer(payload).to_dict()}
    except ProtocolError as error:  # a class that is not registered: the codec has not checked its counts
        return {**found, "payload": payload, "problem": str(error)}


def _json(document: dict[str, Any]) -> str:
    return json.dumps({"schema": SCHEMA, **document}, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return str(value)
