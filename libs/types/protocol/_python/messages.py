"""Messages in readable Python: the validated view, its TLVs, and the cutting of a buffer into messages.

Owns `Message`, `TLVView`, `parse_message` and `scan`.  The checks themselves are in `checks`.  Nothing is copied: a
message is (buffer, start, size), and everything read from it is read in place.  `_native/messages.c` has the same
behaviour.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import index
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from ..buffers import Buffer, byte_view
from ..constants import MAX_MESSAGE_SIZE, ChecksumPolicy, must_verify
from ..errors import FieldRange, ProtocolError, UnknownTLVType
from ..registry import known_types
from .checks import HEADER, Frame, check_message, is_whole, walk
from .refusals import message_repr, tlv_repr
from .structs import tlv_number

if TYPE_CHECKING:
    from ..header import MessageHeader
    from ..schema import TLV

T = TypeVar("T", bound="TLV")


class TLVView:
    """One TLV inside a message: `type`, `extended`, `payload`, `offset` (of the payload, from the message start)."""

    __slots__ = ("_buffer", "_frame", "offset")

    def __init__(self, buffer: bytes | memoryview, start: int, frame: Frame) -> None:
        self._buffer, self._frame, self.offset = buffer, frame, frame.start - start

    @property
    def type(self) -> int:
        return self._frame.type

    @property
    def extended(self) -> bool:
        return self._frame.extended

    @property
    def payload(self) -> memoryview:
        """The payload in place, read-only."""
        return memoryview(self._buffer)[self._frame.start : self._frame.end].toreadonly()

    def __len__(self) -> int:
        return self._frame.end - self._frame.start

    def decode(self) -> Any:
        """The struct declared for this type, in place.

        Raises UnknownTLVType; PayloadSizeMismatch and InvalidPayload only where the struct was declared, or the buffer
        changed, after the message was parsed.
        """
        info = known_types()[self._frame.type]
        if info is None or info.cls is None:
            raise UnknownTLVType(self._frame.type)
        cls: Any = info.cls
        start = self._frame.start
        return cls._of_payload(self._buffer, start - self.offset, start, self._frame.end)

    def __repr__(self) -> str:
        return tlv_repr(self.type, len(self), self.extended, self.offset)


class Message:
    """A whole, checked message in somebody's buffer.  Iterating gives a TLVView for each TLV, in order."""

    __slots__ = ("_buffer", "_size", "_start")

    # Set once the header is declared; it is a struct like the others.
    _header_class: ClassVar[Any]

    def __init__(self, buffer: bytes | memoryview, start: int, size: int) -> None:
        self._buffer, self._start, self._size = buffer, start, size

    @property
    def header(self) -> MessageHeader:
        header: MessageHeader = self._header_class._view(self._buffer, self._start)
        return header

    @property
    def relay_domain(self) -> int:
        return self._buffer[self._start + 4]

    @property
    def source(self) -> int:
        return self._buffer[self._start + 6]

    @property
    def sequence(self) -> int:
        return int(HEADER.unpack_from(self._buffer, self._start)[5])

    @property
    def timestamp(self) -> int:
        return int(HEADER.unpack_from(self._buffer, self._start)[6])

    @property
    def size(self) -> int:
        """Bytes of the whole message."""
        return self._size

    @property
    def buffer(self) -> memoryview:
        """The whole message in place, read-only."""
        return memoryview(self._buffer)[self._start : self._start + self._size].toreadonly()

    def __bytes__(self) -> bytes:
        return bytes(self._buffer[self._start : self._start + self._size])

    def __len__(self) -> int:
        """How many TLVs the message has."""
        return sum(1 for _ in self._frames())

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[TLVView]:
        return iter([TLVView(self._buffer, self._start, frame) for frame in self._frames()])

    def _frames(self) -> Iterator[Frame]:
        return walk(self._buffer, self._start, self._start + self._size)

    def get(self, cls: type[T]) -> T | None:
        """The first TLV of this class, in place; None if the message has none.

        Raises TypeError for no TLV class; PayloadSizeMismatch and InvalidPayload for a class that is not registered.
        """
        number = tlv_number(cls)
        for frame in self._frames():
            if frame.type == number:
                return cls._of_payload(self._buffer, self._start, frame.start, frame.end)
        return None

    def get_all(self, cls: type[T]) -> list[T]:
        """All TLVs of this class, in order."""
        number = tlv_number(cls)
        return [
            cls._of_payload(self._buffer, self._start, frame.start, frame.end)
            for frame in self._frames()
            if frame.type == number
        ]

    def find(self, tlv_type: int) -> TLVView | None:
        """The first TLV of this number, declared or not."""
        for frame in self._frames():
            if frame.type == tlv_type:
                return TLVView(self._buffer, self._start, frame)
        return None

    def __eq__(self, other: object) -> bool:
        return bytes(self) == bytes(other) if isinstance(other, Message) else NotImplemented

    def __hash__(self) -> int:
        return hash(bytes(self))

    def __repr__(self) -> str:
        return message_repr(self.relay_domain, self.source, self.sequence, self._size, len(self))


def parse_message(
    buf: Buffer,
    offset: int = 0,
    *,
    checksum: ChecksumPolicy | bool = ChecksumPolicy.ENFORCE,
    limit: int = MAX_MESSAGE_SIZE,
    allow_trailing: bool = False,
) -> Message:
    """Check the message at `offset` and give a view on it; nothing is copied.

    The view keeps `buf` alive and reads it in place: whoever reuses the buffer must be done with the view.
    Raises the errors of `checks.check_message`, in that order, and FieldRange for an offset outside of `buf`.
    """
    offset, buffer = index(offset), byte_view(buf)
    if not 0 <= offset <= len(buffer):
        raise FieldRange("offset", offset, 0, len(buffer))
    end = check_message(buffer, offset, must_verify(checksum), limit, allow_trailing)
    return Message(buffer, offset, end - offset)


def scan(buf: Buffer, offset: int, limit: int, verify: bool) -> tuple[list[Message], int]:
    """The messages that follow each other from `offset`, and where the first incomplete or wrong one starts."""
    buffer, messages = byte_view(buf), list[Message]()
    while is_whole(buffer, offset, limit):
        try:
            end = check_message(buffer, offset, verify, limit, True)
        except ProtocolError:
            return messages, offset
        messages.append(Message(buffer, offset, end - offset))
        offset = end
    return messages, offset
