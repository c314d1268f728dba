"""FrameDecoder: a stream of bytes in, whole and checked messages out, whatever the chunks are.

Owns the place in the stream, the message that a chunk border has cut, and the way back to the next message after bytes
that are none.  Must not know sockets, clocks or TLVs; what a message is decides the codec (`scan`, `parse_message`).

Rules:

1. Nothing is decided before 32 bytes from the place are there, and a message not before its announced size is there.
   So messages, faults and counters depend on the bytes alone and never on the chunks.  A size above the limit is
   refused at the header, before anything is kept for it.
2. Messages are views on the chunk.  Only the message that a border cuts is joined; each of its bytes is copied twice
   (into the part that grows, and into the bytes of the message), however many chunks it came in.
3. A message with the right checksum and something else wrong (a TLV, an unknown source, another domain) is skipped by
   its size: the checksum covers the size.
4. Where the checksum is wrong, the size is as doubtful as the rest.  Only the first bytes are skipped, up to the next
   place that can be a magic, so messages behind a damaged size are found.  The price: a whole, signed message inside
   the payload of a damaged one is delivered as well.
5. Rule 4 alone would let nested false headers cost quadratic time.  So bytes hashed in vain are paid from a credit
   that grows with the stream; without credit the message is skipped by its size.  Damage by chance never gets there.
6. Without checksums (`ChecksumPolicy.SKIP`) a damaged size that still leads to a walkable message is not noticed.

A damaged size within the limit holds back what follows until that many bytes came; a low limit keeps this short.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from ._codec import Message, message_runs, parse_message, scan
from .buffers import Buffer, byte_view
from .constants import HEADER_SIZE, MAGIC, MAX_MESSAGE_SIZE, VERSION, ChecksumPolicy, RelayDomain, must_verify
from .errors import (
    FieldRange,
    InvalidMagic,
    LocalProtocolError,
    MessageTooSmall,
    ProtocolError,
    RelayDomainMismatch,
)
from .header import message_checksum, message_size
from .values import Value

__all__ = ["Fault", "FrameDecoder", "StreamEnd", "StreamStatistics", "message_runs"]

MAX_FAULTS = 64
_LARGEST_LIMIT = HEADER_SIZE + 0xFFFFFFFF
# A byte of the stream pays for this many bytes hashed in vain, saved up to this many times the limit.
_CREDIT_PER_BYTE, _CREDIT_CAP = 4, 16
# Magic, version and payload size of a header.
_SIZE_CHECK = struct.Struct("<IxB18xI")
_MAGIC_BYTES = MAGIC.to_bytes(4, "little")


class Fault(Value):
    """`skipped` bytes from `offset` in the stream were given up, because of `error`.

    Offsets inside the error count from `offset`.
    """

    offset: int
    skipped: int
    error: ProtocolError


class StreamStatistics(NamedTuple):
    """Counters since the decoder was made."""

    messages: int
    bytes: int
    skipped: int
    faults: int


class StreamEnd(NamedTuple):
    """What `close` found: messages behind a size that can no longer be true, and bytes of an unfinished message."""

    messages: list[Message]
    unfinished: int


class FrameDecoder:
    """Cuts one stream into messages.

    Messages are views: they keep the chunk they lie in alive, and read it in place.  A caller that fills one buffer
    again and again must be done with the messages, or hold `bytes(message)`, before it does so.

    `domain` refuses messages of all others.  `limit` bounds a message, and what is kept between two calls.  The first
    `max_faults` faults since the last `take_faults` are kept, the rest only counted.

    `strict` gives up at the first fault.  No message before it is lost: where the same chunk held some, `feed` returns
    them, `failure` says at once why they are the last, and the next call raises it.  Where there are none, `feed`
    raises it itself.  From then on every call does.
    """

    def __init__(
        self,
        *,
        checksum: ChecksumPolicy | bool = ChecksumPolicy.ENFORCE,
        limit: int = MAX_MESSAGE_SIZE,
        domain: RelayDomain | None = None,
        strict: bool = False,
        max_faults: int = MAX_FAULTS,
    ) -> None:
        """Raises FieldRange for a limit that no message can have."""
        if not HEADER_SIZE <= limit <= _LARGEST_LIMIT:
            raise FieldRange("limit", limit, HEADER_SIZE, _LARGEST_LIMIT)
        self._verify = must_verify(checksum)
        self._limit, self._domain, self._strict, self._max_faults = limit, domain, strict, max_faults
        self._kept = bytearray()  # the bytes from the place on that no message could be made of yet
        self._need = HEADER_SIZE  # how many from the place on allow the next decision
        self._place = 0  # offset in the stream of the first byte that is not decided
        self._searching = False  # what follows belongs to the last fault, up to the next magic
        self._faults: list[Fault] = []
        self._last: Fault | None = None
        self._messages = self._fed = self._skipped = self._fault_count = 0
        self._credit, self._credit_at = _CREDIT_CAP * limit, 0
        self._closed = False
        self.failure: ProtocolError | None = None

    @property
    def statistics(self) -> StreamStatistics:
        return StreamStatistics(self._messages, self._fed, self._skipped, self._fault_count)

    def take_faults(self) -> list[Fault]:
        """The faults since the last call.  Garbage that goes on afterwards is reported anew, with the same error."""
        taken, self._faults = self._faults, []
        return taken

    def feed(self, data: Buffer) -> list[Message]:
        """Take the next bytes of the stream; returns the messages that are whole now, in order.

        Raises TypeError or BufferError for what is no buffer, LocalProtocolError after `close`; in strict mode the
        error of the first fault.
        """
        self._check_open()
        found: list[Message] = []
        chunk, at = byte_view(data), 0
        self._fed += len(chunk)
        view = memoryview(chunk)
        while self._kept:
            take = min(self._need - len(self._kept), len(view) - at)
            self._kept += view[at : at + take]
            at += take
            if len(self._kept) < self._need:
                return found
            self._decide(bytes(self._kept), 0, found)
        self._decide(chunk, at, found)
        return self._unless_failed(found)

    def close(self) -> StreamEnd:
        """Say that nothing follows.  `unfinished` is 0 for a stream that ends behind a message.

        An unfinished message with whole messages inside was a damaged size: it becomes a fault, and they are returned.
        Raises as `feed` does.
        """
        self._check_open()
        self._closed = True
        found: list[Message] = []
        left, at = bytes(self._kept), 0
        while at < len(left) and self.failure is None:
            if not _MAGIC_BYTES.startswith(left[at : at + 4]):
                behind = _next_magic(left, at)
                if not self._searching:  # else they belong to the last fault, as they would in one chunk
                    self._report(InvalidMagic(MAGIC, int.from_bytes(left[at : at + 4], "little"), 0))
            else:
                inside = self._whole_inside(left, at)
                if inside is None:
                    break
                behind = inside
                self._report(MessageTooSmall(self._need, len(left) - at, "the message announced by its header"))
            self._skip(behind - at)
            self._decide(left, behind, found)
            at = len(left) - len(self._kept)
        self._kept = bytearray()
        return StreamEnd(self._unless_failed(found), len(left) - at)

    def _decide(self, buffer: bytes | memoryview, at: int, found: list[Message]) -> None:
        """Decide all that can be decided from `at`; keeps the rest, and sets how many bytes it needs."""
        while self.failure is None:
            if self._searching:
                place, at = at, _next_magic(buffer, at)
                self._skip(at - place)
                if len(buffer) - at < len(_MAGIC_BYTES):
                    self._need = len(_MAGIC_BYTES)
                    break
                self._searching = False
            if len(buffer) - at < HEADER_SIZE:
                self._need = HEADER_SIZE
                break
            place, (messages, at) = at, scan(buffer, at, self._limit, self._verify)
            self._accept(messages, at - place, found)
            given_up = 0 if self.failure is not None else self._judge(buffer, at)
            if not given_up:
                break
            at += given_up
        whole = at == len(buffer) or self.failure is not None
        self._kept = bytearray() if whole else bytearray(memoryview(buffer)[at:])

    def _accept(self, messages: list[Message], size: int, found: list[Message]) -> None:
        """Take messages of `size` bytes in all."""
        if self._domain is None:
            found += messages
            self._messages += len(messages)
            self._place += size
            return
        for message in messages:
            if message.relay_domain == self._domain:
                found.append(message)
                self._messages += 1
                self._place += message.size
                continue
            got = RelayDomain(message.relay_domain)
            self._report(RelayDomainMismatch(self._domain, got, self._domain.name, got.name))
            self._skip(message.size)
            if self.failure is not None:
                break

    def _judge(self, buffer: bytes | memoryview, at: int) -> int:
        """Why `scan` stopped at `at`: 0 where bytes are missing, else how many of the wrong bytes are given up."""
        left, size = len(buffer) - at, 0
        if left < HEADER_SIZE:
            self._need = HEADER_SIZE
            return 0
        magic, version, payload_size = _SIZE_CHECK.unpack_from(buffer, at)
        if magic == MAGIC and version == VERSION and left < HEADER_SIZE + payload_size <= self._limit:
            self._need = HEADER_SIZE + payload_size
            return 0
        try:
            # The header alone: what follows it in this chunk is an accident, and must not be counted in the error.
            size = message_size(buffer[at : at + HEADER_SIZE], limit=self._limit)
            parse_message(buffer, at, checksum=self._verify, limit=self._limit, allow_trailing=True)
        except ProtocolError as error:
            self._report(error)
        if size and (_is_signed(buffer, at, size) or not self._can_pay(size)):
            self._skip(size)
            return size
        self._skip(1)
        self._searching = True
        return 1

    def _whole_inside(self, left: bytes, at: int) -> int | None:
        """Where the first whole message behind `at` starts, which is the start of another that never ended."""
        while True:
            at = _next_magic(left, at + 1)
            if len(left) - at < HEADER_SIZE:
                return None
            size = HEADER_SIZE + int.from_bytes(left[at + 24 : at + 28], "little")
            if size <= len(left) - at:
                if scan(left, at, self._limit, self._verify)[0]:
                    return at
                if not self._can_pay(size):
                    return None

    def _can_pay(self, size: int) -> bool:
        """Whether `size` bytes may have been hashed in vain and are looked at again; see rule 5."""
        grown = self._credit + _CREDIT_PER_BYTE * (self._place - self._credit_at)
        self._credit, self._credit_at = min(grown, _CREDIT_CAP * self._limit), self._place
        if size > self._credit:
            return False
        self._credit -= size
        return True

    def _report(self, error: ProtocolError) -> None:
        # A traceback would keep the frames that it names alive, and with them the chunks.
        error.__traceback__ = error.__context__ = None
        self._last = Fault(self._place, 0, error)
        self._fault_count += 1
        if len(self._faults) < self._max_faults:
            self._faults.append(self._last)
        if self._strict:
            self.failure = error

    def _skip(self, count: int) -> None:
        """Give up `count` bytes for the last fault."""
        old = self._last
        if count and old is not None:
            if self._faults and self._faults[-1] is old:
                self._last = self._faults[-1] = old.changed(skipped=old.skipped + count)
            elif len(self._faults) < self._max_faults:  # it was taken
                self._last = Fault(self._place, count, old.error)
                self._faults.append(self._last)
        self._place += count
        self._skipped += count

    def _check_open(self) -> None:
        if self.failure is not None:
            raise self.failure
        if self._closed:
            raise LocalProtocolError("this stream was closed; make a decoder for the next one")

    def _unless_failed(self, found: list[Message]) -> list[Message]:
        if self.failure is not None and not found:
            raise self.failure
        return found


def _next_magic(buffer: bytes | memoryview, at: int) -> int:
    import re  # needed after damage only, and an import of its own weight

    # The magic's bytes, or as many of them as are left at the end.  The pattern is compiled once, by `re` itself.
    match = re.compile(rb"\xef(?:\xbe(?:\xad(?:\xde|\Z)|\Z)|\Z)").search(buffer, at)
    return len(buffer) if match is None else match.start()


def _is_signed(buffer: bytes | memoryview, at: int, size: int) -> bool:
    return message_checksum(memoryview(buffer)[at : at + size]) == int.from_bytes(
        buffer[at + 28 : at + HEADER_SIZE], "little"
    )
