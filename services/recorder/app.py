"""What passes by, as tables for Parquet files: nothing twice, nothing lost.

    recorder = Recorder(run=started_ns)
    recorder.add(message, now_ns)
    if recorder.due(now_ns):
        for part in recorder.take(): files.write_part(folder, part)

Owns what is collected between two files.  Must not open files or sockets and must not read a clock: messages in,
`Part`s out.  `files` writes them.

How it works: a message is checked, its number is compared with those that were met (`seen`), and it is put to the
others of its shape.  `take` makes a table of each TLV type out of them (`tables`).  What rows cannot say is kept as
bytes in the table `messages`, with the reason:

    unreadable      no message, or damaged; its number counts for nothing
    conflict        a number that was met already, with other bytes or too long ago
    undecoded       it has a TLV that no class reads, or two of one class, or none, or not the usual frames
    inexact         its rows are there, but it has bytes that rows do not have, in padding or behind a vector's end

So every message is in a table or in `messages`, those of the last kind in both; `rebuild.messages_of` gives all back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from libs.types.protocol import (
    TLV,
    ChecksumMismatch,
    ChecksumPolicy,
    Message,
    RemoteProtocolError,
    parse_header,
    parse_message,
)
from libs.types.protocol.buffers import Buffer
from libs.types.protocol.registry import known_types

from .seen import Stream, Verdict
from .tables import UNREADABLE, Collected, Part, Raw, Shape, check_classes, raw_parts, shape_parts, shape_size

__all__ = ["Config", "Counts", "Part", "Reason", "Recorder", "decoded_classes"]

SECOND = 1_000_000_000
_MAX_SHAPES = 4096


class Reason(StrEnum):
    """Why a message is in the table `messages`; see the head of the module."""

    UNREADABLE = UNREADABLE
    CONFLICT = "conflict"
    UNDECODED = "undecoded"
    INEXACT = "inexact"


@dataclass(frozen=True, slots=True)
class Config:
    """When files are written: after so many messages, bytes or nanoseconds.  Raises ValueError."""

    max_messages: int = 100_000
    max_bytes: int = 256 * 1024 * 1024
    max_age_ns: int = 60 * SECOND

    def __post_init__(self) -> None:
        for name in ("max_messages", "max_bytes", "max_age_ns"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ValueError(f"{name} is {value!r}; it is a whole number above 0")


@dataclass(slots=True)
class Counts:
    """What happened to what arrived."""

    messages: int = 0
    duplicates: int = 0
    """Left out: the same bytes were recorded before."""
    unreadable: int = 0
    conflicts: int = 0
    undecoded: int = 0
    inexact: int = 0
    parts: int = 0
    rows: int = 0


def decoded_classes() -> list[Any]:
    """The TLV classes of fixed size that the protocol itself declares; those of a vendor have to be named."""
    classes: list[Any] = [info.cls for info in known_types() if info is not None and info.cls is not None]
    return [cls for cls in classes if _package(cls) == _package(TLV) and not cls.__layout__.tail]


def _package(cls: Any) -> str:
    return str(cls.__module__).rpartition(".")[0]


class Recorder:
    """Collects messages of any domain and gives them as parts."""

    def __init__(self, config: Config | None = None, *, run: int, classes: Iterable[Any] | None = None) -> None:
        """`run` tells this run's rows and files from another's: the time it started, say.

        `classes` are those that get tables, by default all that the protocol declares; one of them may be of a type
        that it does not (`execution_sim.layouts`).  Raises ValueError for classes whose tables or columns would clash.
        """
        self.config, self.counts, self.run = config or Config(), Counts(), run
        known = decoded_classes() if classes is None else list(classes)
        check_classes(known)
        self._classes = {cls.TYPE: cls for cls in known}
        # By the types of a message's TLVs: its shape and size, None where rows cannot hold it.
        self._shapes: dict[tuple[int, ...], tuple[Shape, int] | None] = {}
        self._streams: dict[tuple[int, int], Stream] = {}
        self._groups: dict[Shape, Collected] = {}
        self._raw: list[Raw] = []
        self._arrival = self._waiting = self._bytes = 0
        self._since = 0

    def add(self, data: Message | Buffer, now_ns: int) -> None:
        """One message, or its bytes; they are copied, and checked again.  Nothing that a peer sends raises."""
        kept = bytes(data)
        self.counts.messages += 1
        try:
            message = _parsed(kept)
        except RemoteProtocolError as error:
            self.counts.unreadable += 1
            self._keep(kept, now_ns, Reason.UNREADABLE, f"{type(error).__name__}: {error}", _header(kept))
            return
        sender = message.relay_domain, message.source
        stream = self._streams.get(sender)
        if stream is None:
            stream = self._streams[sender] = Stream()
        fingerprint = int.from_bytes(blake2b(kept, digest_size=8).digest(), "little")
        verdict = stream.meet(message.sequence, fingerprint)
        if verdict is Verdict.DUPLICATE:
            self.counts.duplicates += 1
        elif verdict is Verdict.CONFLICT:
            self.counts.conflicts += 1
            self._keep(kept, now_ns, Reason.CONFLICT, "", message.header)
        else:
            self._collect(kept, message, now_ns)

    def due(self, now_ns: int) -> bool:
        """Whether it is time to take."""
        if not self._waiting:
            return False
        config = self.config
        full = self._waiting >= config.max_messages or self._bytes >= config.max_bytes
        return full or now_ns - self._since >= config.max_age_ns

    def take(self) -> list[Part]:
        """All that was collected, as the rows of files; from now on it is the caller's to keep."""
        parts: list[Part] = []
        for shape, collected in self._groups.items():
            made, inexact = shape_parts(shape, collected, self.run)
            parts += made
            size = shape_size(shape)
            self.counts.inexact += len(inexact)
            for index in inexact:
                data = bytes(collected.data[index * size : (index + 1) * size])
                at, received = collected.arrivals[index], collected.received[index]
                self._raw.append(Raw(data, at, received, Reason.INEXACT, "", _header(data)))
        parts = _joined(parts) + raw_parts(self._raw, self.run)
        self._groups, self._raw = {}, []
        self._waiting = self._bytes = 0
        self.counts.parts += len(parts)
        self.counts.rows += sum(part.rows.num_rows for part in parts)
        return parts

    def missing(self, domain: int, source: int) -> list[tuple[int, int]]:
        """The numbers between the first and the last that never came, as (first, last)."""
        stream = self._streams.get((domain, source))
        return [] if stream is None else stream.missing()

    def _collect(self, data: bytes, message: Message, now_ns: int) -> None:
        types = tuple([view.type for view in message])
        if types not in self._shapes:
            if len(self._shapes) >= _MAX_SHAPES:
                self._shapes.clear()
            self._shapes[types] = self._shape(types)
        shaped = self._shapes[types]
        if shaped is None or len(data) != shaped[1]:
            self.counts.undecoded += 1
            self._keep(data, now_ns, Reason.UNDECODED, f"types {', '.join(map(str, types))}", message.header)
            return
        group = self._groups.get(shaped[0])
        if group is None:
            group = self._groups[shaped[0]] = Collected(bytearray(), [], [])
        group.data += data
        group.arrivals.append(self._count(data, now_ns))
        group.received.append(now_ns)

    def _shape(self, types: tuple[int, ...]) -> tuple[Shape, int] | None:
        classes = [self._classes.get(number) for number in types]
        if not types or None in classes or len(set(types)) < len(types):
            return None
        return tuple(classes), shape_size(tuple(classes))

    def _keep(self, data: bytes, now_ns: int, reason: Reason, error: str, header: Any) -> None:
        self._raw.append(Raw(data, self._count(data, now_ns), now_ns, reason, error, header))

    def _count(self, data: bytes, now_ns: int) -> int:
        if not self._waiting:
            self._since = now_ns
        self._waiting += 1
        self._bytes += len(data)
        self._arrival += 1
        return self._arrival


def _parsed(data: bytes) -> Message:
    """A message that is whole and undamaged; one that was never signed is taken too, as the market relay does."""
    try:
        return parse_message(data)
    except ChecksumMismatch as error:
        if error.in_header != 0:
            raise
    return parse_message(data, checksum=ChecksumPolicy.SKIP)


def _header(data: bytes) -> Any:
    """The header, if that much can be read."""
    try:
        return parse_header(data, checksum=ChecksumPolicy.SKIP, allow_trailing=True)
    except RemoteProtocolError:
        return None


def _joined(parts: Sequence[Part]) -> list[Part]:
    """One part for each table, day and venue: a class can be in several shapes."""
    import pyarrow as pa

    grouped: dict[tuple[str, str, str], list[Any]] = {}
    for part in parts:
        grouped.setdefault((part.table, part.date, part.venue), []).append(part.rows)
    return [
        Part(*key, rows[0] if len(rows) == 1 else pa.concat_tables([each.replace_schema_metadata() for each in rows]))
        for key, rows in grouped.items()
    ]
