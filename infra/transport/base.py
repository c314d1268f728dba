"""What a transport is: the contract that relays and services are written against, its settings and its numbers.

Owns `Transport`, `Listener`, `TransportSettings` and the statistics.  Must not know any one transport, and opens
nothing; `infra.transport.urls` chooses by the scheme of a URL.

Rules that hold for every transport:

1. Whole messages go in, whole messages come out.  There is no prefix and no envelope on the wire: the header of the
   protocol frames a message.  `send` does not look into what it is given; one buffer may hold many messages.
2. Sending is gathered.  What one turn of the event loop sends leaves in one write at the end of the turn, or at once
   with `flush`.  Buffers are not copied before that, so the caller must not change them; `bytes` and received messages
   never change.
3. Memory is bounded.  From `high_water` queued bytes on, `send` waits until `low_water` is reached, and `send_nowait`
   raises QueueFull.  One call may exceed the mark by what it was given.  Receiving stops reading when its buffer is
   full, and so holds the peer back.
4. Received messages are views.  They stay right for as long as they are held; but each holds the whole buffer it lies
   in, so whoever keeps a message for long keeps `bytes(message)`.
5. One task receives, any number send.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from libs.types.protocol import HEADER_SIZE, MAX_MESSAGE_SIZE, ChecksumPolicy, Message, RelayDomain
from libs.types.protocol.buffers import Buffer

from ..errors import BadSetting, EndOfStream, TransportClosed

Handler = Callable[[list[Message]], None]


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """Limits and checks of one transport.  Raises BadSetting.

    `limit` bounds a message: a larger one is refused at its header, before anything is kept for it.  `checksum`,
    `domain` and `strict` are those of `libs.types.protocol.FrameDecoder`: a strict transport raises BadStream at
    the first fault, the others skip to the next message and count.
    """

    limit: int = MAX_MESSAGE_SIZE
    checksum: ChecksumPolicy = ChecksumPolicy.ENFORCE
    domain: RelayDomain | None = None
    strict: bool = True
    receive_buffer: int = 256 * 1024
    high_water: int = 1024 * 1024
    low_water: int = 256 * 1024
    max_connections: int = 1000
    connect_timeout: float = 5.0
    close_timeout: float = 2.0

    def __post_init__(self) -> None:
        for name, low in (("limit", HEADER_SIZE), ("receive_buffer", 4096), ("high_water", 1), ("max_connections", 1)):
            if getattr(self, name) < low:
                raise BadSetting(name, getattr(self, name), f"at least {low}")
        if not 0 <= self.low_water < self.high_water:
            raise BadSetting("low_water", self.low_water, f"0 to {self.high_water - 1}, below high_water")
        for name in ("connect_timeout", "close_timeout"):
            if not 0 < getattr(self, name) < float("inf"):
                raise BadSetting(name, getattr(self, name), "seconds above 0")


DEFAULT_SETTINGS = TransportSettings()


class TransportStatistics(NamedTuple):
    """Counters since the transport was made; `queue_bytes` and `queue_peak` are what waits now and waited at most.

    `drops` counts messages that were taken or offered and will not arrive: refused by `send_nowait`, or unsent when
    the connection broke.  `faults` counts what the peer sent and was no message.
    """

    bytes_in: int = 0
    bytes_out: int = 0
    messages_in: int = 0
    messages_out: int = 0
    queue_bytes: int = 0
    queue_peak: int = 0
    drops: int = 0
    faults: int = 0
    reconnects: int = 0


class ListenerStatistics(NamedTuple):
    """Connections since the listener was made: `accepted`, `refused` above the limit, and how many are `open`."""

    accepted: int
    refused: int
    open: int


class Transport(Protocol):
    """One connection.  Implementations inherit the methods that have a body here."""

    url: str

    @property
    def connected(self) -> bool:
        """Whether there is a connection at this moment; only a transport that makes new ones says no."""
        return True

    async def send(self, data: Buffer, messages: int = 1) -> None:
        """Queue one buffer that holds `messages` whole messages; waits while the queue is above its mark.

        Raises TransportClosed after `close` or `end_sending`, ConnectionLost when the connection is or gets broken.
        Cancelled while it waits, nothing was queued.
        """
        ...

    def send_nowait(self, data: Buffer, messages: int = 1) -> None:
        """Queue one buffer, or refuse it and count `messages` as dropped.

        Raises QueueFull above the high-water mark, TransportClosed, ConnectionLost.
        """
        ...

    def flush(self) -> None:
        """Hand over now what is queued, as far as the way is free, instead of at the end of the turn.  Never raises."""
        ...

    async def drain(self) -> None:
        """Wait until all that was queued has left: is in the kernel, at the peer in memory, acknowledged by JetStream.

        Raises ConnectionLost, TransportClosed; NotAcknowledged (NATS).
        """
        ...

    async def receive(self) -> list[Message]:
        """The next messages, at least one: all that are there.

        Raises EndOfStream when the peer has ended (after its last message, and on every later call), ConnectionLost,
        BadStream in strict mode (after the messages before the fault), TransportClosed, BusyReceiver.
        Cancelling it loses nothing.
        """
        ...

    async def deliver(self, handler: Handler) -> None:
        """Call `handler` with each batch, as soon as it is read; returns at the end of the stream.

        Quicker than `receive` by a turn of the loop where the transport can; the handler must not block, and is never
        called twice at once.  Raises what `receive` raises except EndOfStream, and what the handler raises.
        """
        try:
            while True:
                handler(await self.receive())
        except EndOfStream:
            return

    async def end_sending(self) -> None:
        """Drain, then tell the peer that nothing follows; receiving goes on.  Raises what `drain` raises."""
        ...

    async def close(self) -> None:
        """Send what is queued, for at most `close_timeout` seconds, and close.  A second call does nothing.

        Never raises; what could not be sent is in the statistics as drops.
        """
        ...

    def statistics(self) -> TransportStatistics:
        """The counters; also after `close`."""
        ...

    def __aiter__(self) -> AsyncIterator[list[Message]]:
        """Batches until the end of the stream.  Raises what `receive` raises except EndOfStream."""
        return self

    async def __anext__(self) -> list[Message]:
        try:
            return await self.receive()
        except EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()


class Listener(Protocol):
    """A place where peers connect."""

    url: str

    async def accept(self) -> Transport:
        """The next connection.  Raises TransportClosed after `close`.  Cancelling it loses no connection."""
        ...

    async def close(self) -> None:
        """Stop listening and drop the connections that nobody accepted; accepted ones go on.  Never raises."""
        ...

    def statistics(self) -> ListenerStatistics:
        """The counters; also after `close`."""
        ...

    def __aiter__(self) -> AsyncIterator[Transport]:
        """Connections until `close`."""
        return self

    async def __anext__(self) -> Transport:
        try:
            return await self.accept()
        except TransportClosed:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()


def joined(messages: list[Message]) -> bytes:
    """The bytes of messages in a row, for one `send(data, len(messages))`."""
    try:
        return b"".join(messages)  # type: ignore[arg-type]  # the compiled Message is a buffer itself
    except TypeError:
        return b"".join([message.buffer for message in messages])
