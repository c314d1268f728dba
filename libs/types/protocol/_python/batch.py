"""Batches of messages in readable Python: the kernel's functions, and the specification of what they do.

Owns `decode_rows`, `encode_rows` and `blank_buffer`.  Must not know any field.  `_native/batch.c` has the same
behaviour, without the interpreter's lock.  Needs numpy.

Decoding fills columns: an op copies the same bytes of each wanted TLV, or of its message's header, into a row of a
column.  There is one row for each message that carries the TLV; the first one counts where it has several (`repeats`),
messages without one are counted (`others`).  A refused message is a fault, and reading goes on behind it: at the end
that its header announces, if the checksum is right or another message (or the end of the data) follows there; else at
the next magic.  Why it was refused is for `checks` to say.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..constants import HEADER_SIZE, MAGIC, SUPPORTED_VERSIONS
from ..errors import ProtocolError
from ..extras import require_numpy
from .checks import CHECKSUM_OFFSET, HEADER, check_message, checksum_of, walk

_MAGIC = MAGIC.to_bytes(4, "little")
_NEXT = re.compile(re.escape(_MAGIC))
_OP = struct.Struct("<9Q")
_RULE = struct.Struct("<4H")
_VECTOR = struct.Struct("<2H")
_FAULT = struct.Struct("=3Q")
_TYPES = 256
_BLOCK_ROWS = 4096
_WORDS = {1: "<u1", 2: "<u2", 4: "<u4", 8: "<u8"}


class Op(NamedTuple):
    """`width` bytes at `at` of the header or payload; row i lies at `start + i * stride` of the column.

    With `times`, it is a vector to be written: at most so many elements, `step` apart, as many as the u16 at
    `counts + i * stride` says.
    """

    at: int
    width: int
    in_payload: int
    column: int
    start: int
    stride: int
    times: int
    step: int
    counts: int


class _Reader:
    """One run of `decode_rows`; `rules` ends with the rule of the wanted struct, and the vectors of all."""

    def __init__(
        self, data: Any, capacity: int, number: int, size: int, verify: bool, partial: bool, limit: int, known: bytes,
        rules: bytes, ops: bytes, columns: Sequence[Any], faults: Any,
    ) -> None:  # fmt: skip
        np = self.np = require_numpy()
        self.data = memoryview(data).cast("B")
        self.length = len(self.data)
        self.bytes = np.frombuffer(self.data, np.uint8) if self.length else np.zeros(0, np.uint8)
        self.capacity, self.number, self.size, self.limit = capacity, number, size, limit
        self.verify, self.partial = bool(verify), bool(partial)
        self.domains = np.frombuffer(known, np.bool_, 256)
        self.sources = np.frombuffer(known, np.bool_, 256, 256)
        self.rule, self.own = (self._rule(rules, at) for at in (number, _TYPES))
        self.ops = [Op(*record) for record in _OP.iter_unpack(ops)]
        self.columns = [memoryview(column).cast("B") for column in columns]
        self.faults = memoryview(faults).cast("B")
        self.fault_room = len(self.faults) // _FAULT.size
        self.offset = self.index = self.row = self.others = self.repeats = self.fault_count = 0

    @staticmethod
    def _rule(rules: bytes, number: int) -> tuple[int, int, list[tuple[int, int]]]:
        low, high, first, count = _RULE.unpack_from(rules, number * _RULE.size)
        head = (_TYPES + 1) * _RULE.size
        vectors = [_VECTOR.unpack_from(rules, head + at * _VECTOR.size) for at in range(first, first + count)]
        return low, high, vectors

    def run(self) -> None:
        while self.offset < self.length:
            size, payload, count = self._uniform_run()
            if count:
                if not self._take_block(size, payload, count):
                    return
            elif not self._step():
                return

    def _step(self) -> bool:
        """One message, with all checks.  False where nothing can be done."""
        try:
            end = check_message(self.data, self.offset, self.verify, self.limit, True)
        except ProtocolError:
            return not self._incomplete() and self._refuse(self._place_after(self._intact()))
        wanted = [frame for frame in walk(self.data, self.offset, end) if frame.type == self.number]
        if not wanted:
            self.others += 1
            self.index += 1
            self.offset = end
            return True
        start = wanted[0].start
        if not self._own_payload_is_sound(start, wanted[0].end):
            return self._refuse(self._place_after(self.verify))
        if self.row == self.capacity:
            return False
        self.repeats += len(wanted) - 1
        for op in self.ops:
            at, to = op.at + (start if op.in_payload else self.offset), op.start + self.row * op.stride
            self.columns[op.column][to : to + op.width] = self.data[at : at + op.width]
        self.row += 1
        self.index += 1
        self.offset = end
        return True

    def _own_payload_is_sound(self, start: int, end: int) -> bool:
        low, _, vectors = self.own
        return end - start >= low and all(
            int.from_bytes(self.data[start + at : start + at + 2], "little") <= most for at, most in vectors
        )

    def _incomplete(self) -> bool:
        """Whether the rest of the data is the beginning of a message, and may be."""
        left = self.length - self.offset
        if not self.partial or not self._begins_message(self.offset):
            return False
        if left < HEADER_SIZE:
            return True
        _, _, version, _, _, _, _, body, _ = HEADER.unpack_from(self.data, self.offset)
        return version in SUPPORTED_VERSIONS and left < HEADER_SIZE + body <= self.limit

    def _begins_message(self, offset: int) -> bool:
        return bool(self.data[offset : offset + 4] == _MAGIC[: self.length - offset])

    def _intact(self) -> bool:
        """Whether the refused message has a right checksum, so that its size can be believed."""
        left = self.length - self.offset
        if not self.verify or left < HEADER_SIZE:
            return False
        magic, _, version, _, _, _, _, body, in_header = HEADER.unpack_from(self.data, self.offset)
        size = HEADER_SIZE + body
        if magic != MAGIC or version not in SUPPORTED_VERSIONS or size > min(self.limit, left):
            return False
        return checksum_of(self.data, self.offset, self.offset + size) == int(in_header)

    def _place_after(self, intact: bool) -> int:
        """Where to go on after the refused message at `offset`."""
        if self.length - self.offset >= HEADER_SIZE and self._begins_message(self.offset):
            end: int = self.offset + HEADER_SIZE + HEADER.unpack_from(self.data, self.offset)[7]
            if end <= self.length and (intact or self._begins_message(end)):
                return end
        found = _NEXT.search(self.data, self.offset + 1)
        if found:
            return found.start()
        tail = range(max(self.offset + 1, self.length - 3), self.length)
        return next((at for at in tail if self._begins_message(at)), self.length)

    def _refuse(self, after: int) -> bool:
        """Note a fault; False where there is no room for it."""
        if self.fault_count == self.fault_room:
            return False
        _FAULT.pack_into(self.faults, self.fault_count * _FAULT.size, self.index, self.offset, after)
        self.fault_count += 1
        self.index += 1
        self.offset = after
        return True

    def _uniform_run(self) -> tuple[int, int, int]:
        """(size, offset of the payload, count) of messages that hold the wanted TLV and nothing else."""
        np, start, left = self.np, self.offset, self.length - self.offset
        if left < HEADER_SIZE + 5:
            return 0, 0, 0
        body = HEADER.unpack_from(self.data, start)[7]
        size = HEADER_SIZE + body
        head = bytes(self.data[start + HEADER_SIZE : start + HEADER_SIZE + 5])
        if head[0] == self.number:
            frame, length = head[:2], head[1]
        elif head[:3] == bytes((255, 0, self.number)):
            frame, length = head, int.from_bytes(head[3:], "little")
        else:
            return 0, 0, 0
        low, high, _ = self.rule
        payload = HEADER_SIZE + len(frame)
        if payload + length != size or not max(low, self.own[0]) <= length <= high or size > min(self.limit, left):
            return 0, 0, 0
        rows = self._rows(size, min(left // size, self.capacity - self.row, _BLOCK_ROWS))
        fits = (rows[:, 0:4] == np.frombuffer(_MAGIC, np.uint8)).all(axis=1)
        fits &= np.isin(rows[:, 5], SUPPORTED_VERSIONS) & self.domains[rows[:, 4]] & self.sources[rows[:, 6]]
        fits &= (rows[:, 24:28] == np.frombuffer(body.to_bytes(4, "little"), np.uint8)).all(axis=1)
        fits &= (rows[:, HEADER_SIZE:payload] == np.frombuffer(frame, np.uint8)).all(axis=1)
        return size, payload, len(rows) if fits.all() else int(fits.argmin())

    def _rows(self, size: int, count: int) -> Any:
        return self.bytes[self.offset : self.offset + size * count].reshape(count, size)

    def _take_block(self, size: int, payload: int, count: int) -> bool:
        """Take a uniform run.  False where there is no room for a fault."""
        np, rows, first = self.np, self._rows(size, count), self.offset
        damaged = np.zeros(count, np.bool_)
        if self.verify:
            sums = np.fromiter(_checksums(self.data, first, size, count), np.uint32, count)
            damaged = sums != np.ascontiguousarray(rows[:, CHECKSUM_OFFSET:HEADER_SIZE]).view("<u4")[:, 0]
        bad = damaged.copy()
        for at, most in self.rule[2] + self.own[2]:
            at += payload
            bad |= np.ascontiguousarray(rows[:, at : at + 2]).view("<u2")[:, 0] > most
        begin = 0
        for at in np.flatnonzero(bad).tolist():
            self._take_rows(rows[begin:at], size, payload)
            begin = at + 1
            after = self.offset + size if begin < count else self._place_after(self.verify and not damaged[at])
            if not self._refuse(after):
                return False
        self._take_rows(rows[begin:], size, payload)
        return True

    def _take_rows(self, rows: Any, size: int, payload: int) -> None:
        count = len(rows)
        for op in self.ops if count else ():
            at = op.at + (payload if op.in_payload else 0)
            to = op.start + self.row * op.stride
            target = _strided(self.np, self.columns[op.column], to, op.stride, op.width, count)
            target[...] = _strided(self.np, rows, at, size, op.width, count)
        self.row += count
        self.index += count
        self.offset += count * size


def decode_rows(
    data: Any, offset: int, index: int, row: int, capacity: int, number: int, size: int, verify: bool, partial: bool,
    limit: int, known: bytes, rules: bytes, ops: bytes, columns: tuple[Any, ...], faults: Any,
) -> tuple[int, int, int, int, int, int]:  # fmt: skip
    """Decode until the data ends, the columns are full, or there is no room for another fault.

    `known` has 256 bytes for the domains and 256 for the sources; `faults` takes (index, offset, next offset) records.
    Gives the next (offset, message index, row), and what was met: (messages without the TLV, repeated TLVs, faults).
    """
    reader = _Reader(data, capacity, number, size, verify, partial, limit, known, rules, ops, columns, faults)
    reader.offset, reader.index, reader.row = offset, index, row
    reader.run()
    return reader.offset, reader.index, reader.row, reader.others, reader.repeats, reader.fault_count


def blank_buffer(size: int) -> bytearray:
    """A buffer that is about to be written whole; what it holds before is not said."""
    return bytearray(size)


def encode_rows(
    out: Any, message: bytes, count: int, sequence: int | None, sign: bool, ops: bytes, columns: tuple[Any, ...]
) -> None:
    """Write `count` copies of `message` with the columns' values in their places; `sequence` counts up from the first.

    A column is read at `start + i * stride`, so a stride of 0 repeats one value.
    """
    np, size = require_numpy(), len(message)
    target = memoryview(out).cast("B")
    if not count:
        return
    rows = np.frombuffer(target, np.uint8, count * size).reshape(count, size)
    rows[...] = np.frombuffer(message, np.uint8)
    for op in (Op(*record) for record in _OP.iter_unpack(ops)):
        counts = _strided(np, columns[op.column], op.counts, op.stride, 2, count) if op.times else None
        for element in range(max(op.times, 1)):
            there = ... if counts is None else np.flatnonzero(counts > element)
            source = _strided(np, columns[op.column], op.start + element * op.step, op.stride, op.width, count)
            _strided(np, rows, op.at + element * op.step, size, op.width, count)[there] = source[there]
    if sequence is not None:
        _strided(np, rows, 8, size, 8, count)[...] = np.arange(count, dtype=np.uint64) + np.uint64(sequence)
    if sign:
        sums = np.fromiter(_checksums(target, 0, size, count), np.uint32, count)
        _strided(np, rows, CHECKSUM_OFFSET, size, 4, count)[...] = sums


def _checksums(data: memoryview, first: int, size: int, count: int, crc32: Callable[..., int] = zlib.crc32) -> Any:
    for start in range(first, first + size * count, size):
        yield crc32(data[start + HEADER_SIZE : start + size], crc32(data[start : start + CHECKSUM_OFFSET]))


def _strided(np: Any, buffer: Any, start: int, stride: int, width: int, count: int) -> Any:
    """`count` values of `width` bytes, as numbers where there are such: numpy copies these fastest."""
    return np.ndarray((count,), _WORDS.get(width, f"V{width}"), buffer, start, (stride,))
