"""One input on one load of the package: its calls, the messages it makes, and everything that can be read.

Owns `Run` and the reading of messages, structs and vectors.  Must not know the entries.  Every call goes through
`Run.call`, which keeps what came out of it, value or error, and lets everything pass that no caller has to expect.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from .feed import Feed, Index
from .world import World, plain, refusal

HEADER_SIZE, CHECKSUM = 32, 28


class Run:
    """One input on one load of the package."""

    def __init__(self, world: World, feed: Feed) -> None:
        self.world, self.feed, self.package = world, feed, world.package
        self.log: list[Any] = []

    def call(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """The result, or None where it is an error that a caller has to expect."""
        try:
            result = function(*args, **options)
            self.log.append(plain(result))
        except self.world.errors as error:
            self.log.append(refusal(error))
            return None
        return result

    def memory(self, value: Any) -> None:
        """Read `value` as a buffer, which structs and messages are in the compiled codec only."""
        if self.package.implementation == "c":
            bytes(memoryview(value))

    def payload(self) -> bytes:
        """Frames with TLVs of any kind, well made or nearly so."""
        feed, made = self.feed, bytearray()
        for _ in range(1 + feed.below(4)):
            how = feed.byte()
            if how < 224:
                cls = feed.choice(self.world.tlvs)
                number, size = cls.TYPE, cls.SIZE + (feed.below(20) if cls.__layout__.tail else 0)
                data = bytearray(feed.take(size))
                for field in cls.__layout__.fields if how & 1 else ():
                    if type(field.kind).__name__ == "VectorKind":
                        count = feed.below(field.kind.capacity + 1)
                        data[field.offset : field.offset + 2] = count.to_bytes(2, "little")
            else:
                number, data = feed.byte(), bytearray(feed.some(300))
            if len(data) > 255 or how & 2:
                made += bytes((255, feed.byte() if how & 28 == 28 else 0, number)) + len(data).to_bytes(2, "little")
            else:
                made += bytes((number, len(data)))
            made += data
            if how & 60 == 60:
                del made[len(made) - feed.below(8) :]
        return bytes(made)

    def message(self) -> bytes:
        """A message; mostly with a right size and checksum, because no mutation finds these."""
        feed = self.feed
        how = feed.byte()
        if how < 16:
            return feed.rest()
        head = feed.take(20) if how & 1 else b"\1\1\2" + feed.take(1) + bytes(16)
        payload = self.payload() if how & 14 else feed.rest()
        size = len(payload) if how >= 32 else feed.integer() % 2**32
        if how & 1 and how & 48:
            head = bytes((1 + head[0] % 4, 1, 1 + head[2] % 5)) + head[3:]
        whole = b"\xef\xbe\xad\xde" + head[:20] + size.to_bytes(4, "little") + bytes(4) + payload
        return self.signed(whole) if how & 16 or how >= 128 else whole

    def signed(self, message: bytes) -> bytes:
        if len(message) < HEADER_SIZE:
            return message
        checksum: int = self.package.message_checksum(message)
        return message[:CHECKSUM] + checksum.to_bytes(4, "little") + message[HEADER_SIZE:]

    def messages(self) -> bytes:
        """Several messages, one after the other, with damage between."""
        made = b""
        for _ in range(1 + self.feed.below(4)):
            made += self.message()
            if self.feed.byte() < 32:
                made += self.feed.some(8)
        return made * 6 if self.feed.byte() < 16 else made


def read_message(run: Run, message: Any) -> None:
    """Everything that can be read from a message."""
    if message is None:
        return
    run.call(lambda: read_struct(run, message.header))
    for name in ("relay_domain", "source", "sequence", "timestamp", "size", "buffer"):
        run.call(getattr, message, name)
    for function in (bytes, len, bool, repr, hash):
        run.call(function, message)
    run.memory(message)
    run.call(lambda: (message == message, message != message, message == 1, message == bytes(message)))
    tlvs = run.call(list, message) or []
    for tlv in tlvs:
        for name in ("type", "extended", "offset", "payload"):
            run.call(getattr, tlv, name)
        run.call(len, tlv)
        run.call(repr, tlv)
        read_struct(run, run.call(tlv.decode))
    numbers = {tlv.type for tlv in tlvs}
    for cls in run.world.tlvs:
        if cls.TYPE in numbers or cls.TYPE & 15 == 1:
            read_struct(run, run.call(message.get, cls))
            run.call(message.get_all, cls)
    run.call(message.get, run.feed.choice(run.world.structs))
    run.call(message.find, run.feed.integer())
    for number in sorted(numbers):
        run.call(message.find, number)


def read_struct(run: Run, value: Any) -> None:
    """Everything that can be read from a struct."""
    if value is None:
        return
    for field in value.__layout__.fields:
        part = run.call(getattr, value, field.name)
        if type(field.kind).__name__ == "VectorKind" and part is not None:
            read_vector(run, part)
        elif type(field.kind).__name__ == "StructKind":
            run.call(lambda part=part: (part.to_dict(), repr(part), hash(part)))
    for function in (bytes, repr, hash, copy.copy):
        run.call(function, value)
    run.memory(value)
    run.call(value.to_dict)
    other = run.call(value.copy)
    run.call(lambda: (value == other, value != other, value == 1, hash(value) == hash(other)))
    index = run.feed.choice((0, -1, 1, 49, 50, -50, 2**70, run.feed.integer()))
    for name in [name for name in ("bid_price", "bid_size", "ask_price", "ask_size") if hasattr(type(value), name)]:
        run.call(getattr(value, name), index)
    if hasattr(type(value), "instrument"):
        run.call(lambda: value.instrument)


def read_vector(run: Run, vector: Any) -> None:
    """Everything that can be read from a vector."""
    for function in (len, list, repr, bool):
        run.call(function, vector)
    for function in (vector.to_tuples, vector.to_list, vector.as_memoryview):
        run.call(function)
    run.call(lambda: (vector.capacity, vector == list(vector), vector == vector, vector == 1))
    slices = slice(None, None, -2), slice(1, 3), slice(-9, 99)
    for key in (0, -1, 1, 2**70, *slices, run.feed.integer(), Index(run.feed.integer()), "x"):
        run.call(lambda key=key: vector[key])
    run.call(vector.append, 1)
