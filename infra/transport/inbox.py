"""The receiving half that all transports share: bytes to messages, and the buffers that bytes are read into.

Owns the decoder of one stream, the counters of receiving, and when a buffer may be filled again.  Must not know
sockets.

How it works: messages are views on the buffer that the bytes were read into.  A bytearray refuses to change its size
while any view on it is left, so trying to is an exact question: is somebody still holding a message of this buffer?
If so another buffer takes its place, and the old one is freed with the last message.  So a message never changes under
its holder, and a reader that lets go of its batch before it asks for the next keeps two buffers in use and no more.
"""

from libs.types.protocol import FrameDecoder, Message, ProtocolError
from libs.types.protocol.buffers import Buffer

from ..errors import BadStream, EndOfStream, InfraError
from .base import TransportSettings

_KEPT_BUFFERS = 2


class Inbox:
    """The messages of one stream."""

    def __init__(self, url: str, settings: TransportSettings) -> None:
        self._url = url
        self._decoder = FrameDecoder(
            checksum=settings.checksum, limit=settings.limit, domain=settings.domain, strict=settings.strict
        )
        self._end: InfraError | None = None

    def feed(self, data: Buffer) -> list[Message]:
        """The messages that are whole now.  Raises BadStream in strict mode, once the messages before it are out."""
        try:
            return self._decoder.feed(data)
        except ProtocolError as error:
            raise self._bad(error) from None

    def finish(self) -> list[Message]:
        """The last messages behind a damaged size; raises EndOfStream where there are none, and on every later call.

        Raises BadStream as well.
        """
        if self._end is not None:
            raise self._end
        try:
            left = self._decoder.close()
        except ProtocolError as error:
            raise self._bad(error) from None
        self._end = EndOfStream(self._url, left.unfinished)
        if left.messages:
            return left.messages
        raise self._end

    @property
    def failure(self) -> BadStream | None:
        """The fault that ended a strict stream."""
        return None if self._decoder.failure is None else self._bad(self._decoder.failure)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Bytes, messages and faults so far."""
        numbers = self._decoder.statistics
        return numbers.bytes, numbers.messages, numbers.faults

    def _bad(self, error: ProtocolError) -> BadStream:
        faults = self._decoder.take_faults()
        if faults:
            self._offset = faults[0].offset
        return BadStream(self._url, getattr(self, "_offset", 0), error)


class BufferPool:
    """Buffers of one size for one reader."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._buffers: list[bytearray] = []

    def take(self) -> bytearray:
        """A buffer that nobody looks at; it may be taken again when it was given out and all views are gone."""
        for index, buffer in enumerate(self._buffers):
            if is_unused(buffer):
                return self._buffers.pop(index)
        buffer = bytearray(self._size + 1)
        buffer.pop()  # room for the question of `is_unused`, so that it never moves the bytes
        return buffer

    def give_back(self, buffer: bytearray) -> None:
        """Offer a buffer for later, with or without views on it; the oldest of too many is forgotten."""
        self._buffers.append(buffer)
        if len(self._buffers) > _KEPT_BUFFERS:
            self._buffers.pop(0)


def is_unused(buffer: bytearray) -> bool:
    """Whether no view on the buffer is left."""
    try:
        buffer.append(0)
    except BufferError:
        return False
    buffer.pop()
    return True
