"""Messages through a NATS server: plain subjects, or a JetStream stream that acknowledges and remembers.

Owns the sending and receiving of payloads.  The URL is read by `nats_address`, the connection kept by `nats_link`.
Must not frame: a payload is one or more whole messages in a row, as everywhere.

How it works, sending: one task takes what is queued, as much as fits into a payload, and publishes it; while it waits
for the server the queue grows and the next payload is larger, so one acknowledgement covers many messages.  A payload
carries an id, and is published again with the same id until the stream has confirmed it: the stream keeps one.

Receiving: plain payloads are kept up to `high_water` bytes; what the server sends beyond nats-py's own queue is lost
and counted as drops.  A durable consumer asks for payloads only when `receive` is called; they are acknowledged by the
next `receive` or by `drain`, not by `close`, so what a killed process had not finished comes again.

A server carries many senders, so a fault belongs to one payload: its whole messages before the fault are delivered, the
rest is counted (strict) or searched for more (not strict), and the stream goes on.  There is no end of stream.
"""

import asyncio
import contextlib
import uuid
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from libs.types.protocol import HEADER_SIZE, Message
from libs.types.protocol.buffers import Buffer

from ..errors import (
    BadStream,
    BusyReceiver,
    EndOfStream,
    InfraError,
    MessageAboveLimit,
    NotAcknowledged,
    TransportClosed,
)
from .base import DEFAULT_SETTINGS, Listener, ListenerStatistics, Transport, TransportSettings, TransportStatistics
from .inbox import Inbox
from .nats_address import NatsAddress, NatsSettings, nats_address
from .nats_link import NatsLink
from .outbox import Outbox

if TYPE_CHECKING:
    from nats.aio.client import Client

_FETCH = 64  # payloads asked for at once
_FETCH_SECONDS = 1.0
_HEADROOM = 4096  # of a payload's limit, for the header lines that JetStream counts as well


class NatsTransport(Transport):
    """A place at one or two subjects; made by `connect` and by a listener."""

    def __init__(self, address: NatsAddress, settings: TransportSettings, nats_settings: NatsSettings) -> None:
        self.url, self._address, self._settings, self._nats = address.url, address, settings, nats_settings
        self._link = NatsLink(address, nats_settings, settings.connect_timeout, self._connected)
        self._link.failed = self._failed
        self._outbox = Outbox(address.url, settings)
        self._payload = self._batch = nats_settings.batch_bytes
        self._work, self._room, self._arrival = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._idle: asyncio.Condition = asyncio.Condition()
        self._arrived: deque[bytes] = deque()
        self._arrived_bytes = 0
        self._unacknowledged: list[Any] = []
        self._consumer: Any = None
        self._sending = self._receiving = self._ended = self._closed = False
        self._bytes_in = self._messages_in = self._faults = 0
        self._pump: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Raises ConnectFailed, BadSetting, MissingDependency."""
        try:
            await self._link.open()
        except BaseException:
            await self._link.close()
            raise
        self._pump = asyncio.get_running_loop().create_task(self._publish_all())

    @property
    def connected(self) -> bool:
        return self._link.connected

    async def _connected(self, client: "Client") -> None:
        address = self._address
        self._payload = client.max_payload - _HEADROOM
        self._batch = min(self._nats.batch_bytes, self._payload)
        if address.stream:
            await self._find_stream(client)
        if address.durable:
            from nats.js.api import AckPolicy, ConsumerConfig

            wanted = ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, ack_wait=self._nats.ack_wait)
            self._consumer = await client.jetstream().pull_subscribe(
                address.receive, durable=address.durable, stream=address.stream, config=wanted
            )
        elif address.receive:
            await client.subscribe(address.receive, queue=address.queue, cb=self._on_payload)
            await client.flush()

    async def _find_stream(self, client: "Client") -> None:
        """Make the stream where it is missing; one that exists stays as it is."""
        from nats.js.api import StreamConfig
        from nats.js.errors import BadRequestError, NotFoundError

        jetstream, address = client.jetstream(), self._address
        try:
            await jetstream.stream_info(address.stream)
        except NotFoundError:
            subjects = [subject for subject in (address.send, address.receive) if subject]
            config = StreamConfig(name=address.stream, subjects=subjects, max_bytes=self._nats.stream_max_bytes)
            with contextlib.suppress(BadRequestError):  # somebody else made it in between
                await jetstream.add_stream(config)
            await jetstream.stream_info(address.stream)

    def _failed(self, error: InfraError) -> None:
        self._outbox.fail(error)
        for event in (self._work, self._room, self._arrival):
            event.set()

    # Sending.

    async def send(self, data: Buffer, messages: int = 1) -> None:
        self._check_sending(data)
        await self._outbox.put(data, messages)
        self._work.set()

    def send_nowait(self, data: Buffer, messages: int = 1) -> None:
        self._check_sending(data)
        self._outbox.offer(data, messages)
        self._work.set()

    def _check_sending(self, data: Buffer) -> None:
        """Raises TransportClosed, MessageAboveLimit; also for a transport that only receives."""
        if self._ended or self._closed or not self._address.send:
            raise TransportClosed(self.url)
        if memoryview(data).nbytes > self._payload:
            for _ in pieces(data, self._payload, self.url):
                pass

    def flush(self) -> None:
        self._work.set()

    async def _publish_all(self) -> None:
        box = self._outbox
        try:
            while True:
                await self._work.wait()
                self._work.clear()
                while box:
                    self._sending = True
                    data, messages = box.take(self._batch)
                    try:
                        for piece in pieces(data, self._payload, self.url):
                            await self._publish(piece, messages)
                    except InfraError as error:
                        box.drops += messages
                        box.fail(error)
                    self._sending = False
                async with self._idle:
                    self._idle.notify_all()
                if box.failure is not None:
                    return
        finally:
            self._sending = False

    async def _publish(self, data: Buffer, messages: int) -> None:
        from nats.errors import Error

        attempts, identity = 0, uuid.uuid4().hex
        while True:
            client = await self._link.client()
            try:
                if self._address.stream:
                    await client.jetstream().publish(
                        self._address.send,
                        bytes(data),
                        timeout=self._nats.ack_timeout,
                        stream=self._address.stream,
                        headers={"Nats-Msg-Id": identity},
                    )
                else:
                    await client.publish(self._address.send, bytes(data))
                return
            except (Error, OSError, TimeoutError) as error:
                attempts += 1
                if attempts >= self._nats.ack_tries:
                    reason = str(error) or type(error).__name__
                    raise NotAcknowledged(self.url, messages, attempts, reason) from None
                await asyncio.sleep(0.05)

    async def drain(self) -> None:
        self._work.set()
        async with self._idle:
            await self._idle.wait_for(lambda: self._outbox.failure or not (self._outbox or self._sending))
        await self._acknowledge()
        if self._outbox.failure is not None:
            raise self._outbox.failure
        client = await self._link.client()
        with contextlib.suppress(Exception):  # it broke in this moment, and the link makes another
            await client.flush(max(1, round(self._nats.ack_timeout)))

    async def end_sending(self) -> None:
        self._check_sending(b"")
        self._ended = True
        await self.drain()

    # Receiving.

    async def _on_payload(self, payload: Any) -> None:
        self._arrived.append(payload.data)
        self._arrived_bytes += len(payload.data)
        self._arrival.set()
        while self._arrived_bytes >= self._settings.high_water and not self._closed:
            self._room.clear()
            await self._room.wait()

    async def receive(self) -> list[Message]:
        if self._receiving:
            raise BusyReceiver(self.url)
        self._receiving = True
        try:
            await self._acknowledge()
            while True:
                if self._closed or not self._address.receive:
                    raise TransportClosed(self.url)
                found: list[Message] = []
                while self._arrived:
                    found += self._decode(self._next())
                if found:
                    return found
                if self._link.failure is not None:
                    raise self._link.failure
                if self._address.durable:
                    await self._fetch()
                else:
                    self._arrival.clear()
                    await self._arrival.wait()
        finally:
            self._receiving = False

    async def _fetch(self) -> None:
        from nats.errors import Error

        await self._link.client()
        try:
            payloads = await self._consumer.fetch(_FETCH, timeout=_FETCH_SECONDS)
        except TimeoutError:
            return
        except Error:
            await asyncio.sleep(0.05)
            return
        self._unacknowledged += payloads
        self._arrived.extend(payload.data for payload in payloads)
        self._arrived_bytes += sum(len(payload.data) for payload in payloads)

    async def _acknowledge(self) -> None:
        taken, self._unacknowledged = self._unacknowledged, []
        with contextlib.suppress(Exception):  # what cannot be acknowledged comes again
            for payload in taken:
                await payload.ack()

    def _next(self) -> bytes:
        data = self._arrived.popleft()
        self._arrived_bytes -= len(data)
        if self._arrived_bytes <= self._settings.low_water:
            self._room.set()
        return data

    def _decode(self, data: bytes) -> list[Message]:
        inbox, messages = Inbox(self.url, self._settings), list[Message]()
        try:
            messages += inbox.feed(data)
            messages += inbox.finish()
        except EndOfStream as end:
            self._faults += bool(end.unfinished)
        except BadStream:
            pass
        _, count, faults = inbox.counts
        self._bytes_in += len(data)
        self._messages_in += count
        self._faults += faults
        return messages

    # The end, and the numbers.

    async def close(self) -> None:
        if self._closed:
            return
        try:
            async with asyncio.timeout(self._settings.close_timeout):
                self._unacknowledged.clear()  # to come again
                self._ended = True
                await self.drain()
        except (TimeoutError, InfraError):
            pass
        finally:
            self._closed = True
            if self._pump is not None:
                self._pump.cancel()
            self._arrived.clear()
            await self._link.close()

    def statistics(self) -> TransportStatistics:
        box = self._outbox
        return TransportStatistics(
            self._bytes_in,
            box.bytes_out,
            self._messages_in,
            box.messages_out,
            box.bytes,
            box.peak,
            box.drops + self._link.slow,
            self._faults,
            self._link.reconnects,
        )


def pieces(data: Buffer, limit: int, url: str) -> Iterator[Buffer]:
    """Cut at borders of messages into parts of at most `limit` bytes.  Raises MessageAboveLimit."""
    view = memoryview(data).cast("B")
    if len(view) <= limit:
        yield data
        return
    start = at = 0
    while at < len(view):
        announced = HEADER_SIZE + int.from_bytes(view[at + 24 : at + 28], "little")
        size = min(announced, len(view) - at)
        if size > limit:
            raise MessageAboveLimit(url, size, limit)
        if at + size - start > limit:
            yield view[start:at]
            start = at
        at += size
    yield view[start:]


class NatsListener(Listener):
    """The other side of a subject: one connection, which is the subject itself."""

    def __init__(self, transport: NatsTransport) -> None:
        self.url, self._transport = transport.url, transport
        self._accepted, self._closed = False, asyncio.Event()

    async def accept(self) -> NatsTransport:
        if not self._accepted and not self._closed.is_set():
            self._accepted = True
            return self._transport
        await self._closed.wait()
        raise TransportClosed(self.url)

    async def close(self) -> None:
        self._closed.set()
        if not self._accepted:
            await self._transport.close()

    def statistics(self) -> ListenerStatistics:
        return ListenerStatistics(int(self._accepted), 0, int(self._accepted and not self._transport._closed))


async def connect(
    url: str, settings: TransportSettings = DEFAULT_SETTINGS, nats_settings: NatsSettings | None = None
) -> NatsTransport:
    """Take a place at a subject.  Raises BadUrl, ConnectFailed, BadSetting, MissingDependency.

    Without `nats_settings`, they come from the environment.
    """
    return await _open(nats_address(url, listening=False), settings, nats_settings)


async def listen(
    url: str, settings: TransportSettings = DEFAULT_SETTINGS, nats_settings: NatsSettings | None = None
) -> NatsListener:
    """Take the listening place at a subject.  Raises as `connect`; nobody is kept from taking it twice."""
    return NatsListener(await _open(nats_address(url, listening=True), settings, nats_settings))


async def _open(address: NatsAddress, settings: TransportSettings, given: NatsSettings | None) -> NatsTransport:
    transport = NatsTransport(address, settings, NatsSettings.from_environment() if given is None else given)
    await transport.open()
    return transport
