"""Messages of one shape as Arrow tables, and which of them a table cannot give back.

Owns the columns.  Must not know files, or what was recorded before.  Needs numpy and pyarrow (extra `parquet`).

A shape is the sequence of TLV classes in a message.  Each class has a table, with one row a TLV: `decode_batch` makes
its columns, and in front of them stand those of the message:

    run, arrival            the run of the recorder, and which message of it: the key that joins the TLVs of a message
    received_ns             when it was recorded
    domain, source, flags, sequence, timestamp_ns, checksum     the header, as `msg_...`
    tlv_index               which TLV of the message this is, from 0

A TLV's own `venue` is called `venue_id`, as in most of them, because `venue` is the folder (see `app`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from libs.types.protocol import (
    HEADER_SIZE,
    ChecksumPolicy,
    MessageHeader,
    RelayDomain,
    SourceType,
    VenueId,
    decode_batch,
    encode_batch,
)

Shape = tuple[Any, ...]

DAY_NS = 86_400_000_000_000
NO_VENUE = "none"
RAW_TABLE = "messages"
UNREADABLE = "unreadable"
_EPOCH = date(1970, 1, 1).toordinal()
_HEADER_COLUMNS = {
    "msg_domain": "relay_domain",
    "msg_source": "source",
    "msg_flags": "flags",
    "msg_sequence": "sequence",
    "msg_timestamp_ns": "timestamp",
    "msg_checksum": "checksum",
}
_COLUMNS = frozenset({"run", "arrival", "received_ns", *_HEADER_COLUMNS, "tlv_index", "date", "venue"})
_FRAME, _EXTENDED_FRAME, _STANDARD = 2, 5, 255


@dataclass(frozen=True)
class Part:
    """Rows for one file: what is in `table`, of one day and one venue."""

    table: str
    date: str
    venue: str
    rows: Any


def table_name(cls: Any) -> str:
    """`order_book` for OrderBookTLV."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__.removesuffix("TLV")).lower()


def check_classes(classes: Sequence[Any]) -> None:
    """Raises ValueError where two classes have one table or type, or a field the name of a column of ours."""
    tables: dict[object, Any] = {RAW_TABLE: None}
    for cls in classes:
        for taken in (table_name(cls), cls.TYPE):
            if taken in tables:
                raise ValueError(
                    f"{cls.__name__}: {taken!r} is taken by {tables[taken] or 'the table of raw messages'}"
                )
            tables[taken] = cls.__name__
        names = [column_name(field.name) for field in cls.__layout__.fields]
        clash = sorted({name for name in names if name in _COLUMNS or names.count(name) > 1})
        if clash:
            raise ValueError(f"{cls.__name__}: the names {', '.join(clash)} are those of other columns")


def shape_size(shape: Shape) -> int:
    """Bytes of a message with these TLVs, as a builder writes it."""
    frames = sum((_FRAME if cls.SIZE <= _STANDARD else _EXTENDED_FRAME) + cls.SIZE for cls in shape)
    return HEADER_SIZE + int(frames)


@dataclass(slots=True)
class Collected:
    """Messages of one shape, one after the other, and when they came."""

    data: bytearray
    arrivals: list[int]
    received: list[int]


def shape_parts(shape: Shape, collected: Collected, run: int) -> tuple[list[Part], list[int]]:
    """The rows of all TLVs, and the indices of messages that differ from what the rows say.

    Those have bytes in their padding, or behind the end of a vector: rows do not have them, so they are kept apart.
    """
    import numpy as np
    import pyarrow as pa

    count = len(collected.arrivals)
    matrix = np.frombuffer(collected.data, np.uint8).reshape(count, -1)
    parts: list[Part] = []
    rebuilt = []
    for position, cls in enumerate(shape):
        batch = decode_batch(collected.data, cls, form="arrow", headers=True, checksum=ChecksumPolicy.SKIP)
        rebuilt.append(frames_of(cls, batch.table))
        head: Any = batch.headers
        venue = _venue_column(cls)
        columns = {
            "run": pa.array(np.full(count, run, np.uint64)),
            "arrival": pa.array(np.array(collected.arrivals, np.uint64)),
            "received_ns": pa.array(np.array(collected.received, np.uint64)),
            **{name: pa.array(np.ascontiguousarray(head[field])) for name, field in _HEADER_COLUMNS.items()},
            "tlv_index": pa.array(np.full(count, position, np.uint16)),
        }
        names = [column_name(name) for name in batch.table.column_names]
        metadata = {**(batch.table.schema.metadata or {}), b"shape": ",".join(map(table_name, shape)).encode()}
        rows = pa.table([*columns.values(), *batch.table.columns], names=[*columns, *names])
        days = head["timestamp"] // np.uint64(DAY_NS)
        venues = np.zeros(count, np.uint16) if venue is None else batch.table.column(venue).to_numpy()
        parts += _split(cls, rows.replace_schema_metadata(metadata), days, None if venue is None else venues)
    same = (np.hstack(rebuilt) == matrix[:, HEADER_SIZE:]).all(axis=1)
    return parts, np.flatnonzero(~same).tolist()


def frames_of(cls: Any, table: Any) -> Any:
    """The TLVs of rows as they stand in messages: a matrix of bytes, frame and payload in each line."""
    import numpy as np

    if not table.num_rows:
        return np.zeros((0, shape_size((cls,)) - HEADER_SIZE), np.uint8)
    data = encode_batch(
        cls,
        table,
        relay_domain=RelayDomain.SYSTEM,
        source=SourceType.STATE_MANAGER,
        sequence=0,
        timestamp=0,
        signed=False,
    )
    assert isinstance(data, bytearray)
    return np.frombuffer(data, np.uint8).reshape(table.num_rows, -1)[:, HEADER_SIZE:]


def column_name(field: str) -> str:
    """The column of a TLV's field."""
    return "venue_id" if field == "venue" else field


@dataclass(frozen=True, slots=True)
class Raw:
    """A message that is kept as its bytes; `reason` is one of `app.Reason`, `error` says more."""

    data: bytes
    arrival: int
    received_ns: int
    reason: str
    error: str = ""
    header: MessageHeader | None = None


def raw_parts(raw: Sequence[Raw], run: int) -> list[Part]:
    """The table of messages that are kept as bytes; where the header cannot be read, its columns are empty.

    The day is that of the header, but for messages that are unreadable that of their arrival: damage names no days.
    """
    import pyarrow as pa

    fields = [("run", pa.uint64()), ("arrival", pa.uint64()), ("received_ns", pa.uint64())]
    kinds = dict(zip(_HEADER_COLUMNS, (pa.uint8(),) * 3 + (pa.uint64(),) * 2 + (pa.uint32(),), strict=True))
    schema = pa.schema(
        [*fields, *kinds.items(), ("reason", pa.string()), ("error", pa.string()), ("data", pa.binary())]
    )
    by_day: dict[int, list[dict[str, Any]]] = {}
    for each in raw:
        head = {name: None if each.header is None else getattr(each.header, of) for name, of in _HEADER_COLUMNS.items()}
        time = each.received_ns
        if each.header is not None and each.reason != UNREADABLE:
            time = each.header.timestamp
        row = {"run": run, "arrival": each.arrival, "received_ns": each.received_ns, **head}
        row |= {"reason": each.reason, "error": each.error, "data": each.data}
        by_day.setdefault(time // DAY_NS, []).append(row)
    return [
        Part(RAW_TABLE, _date(day), NO_VENUE, pa.Table.from_pylist(rows, schema=schema))
        for day, rows in sorted(by_day.items())
    ]


def _split(cls: Any, rows: Any, days: Any, venues: Any) -> list[Part]:
    """One part for each day and venue, rows in their order."""
    import numpy as np

    keys = days.astype(np.uint64) << np.uint64(16)
    if venues is not None:
        keys = keys | venues.astype(np.uint64)
    parts = []
    for key in np.unique(keys).tolist():
        chosen = rows if (keys == key).all() else rows.take(np.flatnonzero(keys == key))
        venue = NO_VENUE if venues is None else _venue_name(key & 0xFFFF)
        parts.append(Part(table_name(cls), _date(key >> 16), venue, chosen))
    return parts


def _venue_column(cls: Any) -> str | None:
    names = [field.name for field in cls.__layout__.fields]
    return next((name for name in ("venue_id", "venue", "source_venue") if name in names), None)


def _venue_name(number: int) -> str:
    try:
        return VenueId(number).name
    except ValueError:
        return str(number)


def _date(day: int) -> str:
    return date.fromordinal(_EPOCH + day).isoformat()
