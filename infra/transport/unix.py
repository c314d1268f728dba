"""Connections over Unix stream sockets on asyncio, made for many small messages.

Owns `UnixTransport` and `connect`.  Must not know where sockets lie on disk or who may connect (`unix_listener`,
`socket_files`), and never looks into a message.

How it works, receiving: the loop reads into a buffer of ours (BufferedProtocol), as much as the kernel has.  `receive`
takes the filled part, decodes it in place and leaves another buffer to the loop; `deliver` decodes inside of the
read callback and goes on with the same buffer.  A full buffer stops the reading, so the kernel's buffer fills and the
peer waits: no more than two buffers and one unfinished message are ever kept.

Sending: the first `send` of a turn schedules one flush for its end.  asyncio is given a chunk only while it holds none,
so what waits is in our queue, where it is counted; `high_water` and one chunk bound it.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from libs.types.protocol import Message

from ..errors import BusyReceiver, ConnectFailed, ConnectionLost, InfraError, TransportClosed
from .base import DEFAULT_SETTINGS, Handler, TransportSettings
from .inbox import BufferPool, is_unused
from .socket_files import check_directory, socket_path
from .stream import StreamTransport

# One write takes at most this much: it fits into the kernel's buffer with room to spare, so it is mostly taken whole.
# Of a larger one a rest stays, which costs a copy and a wait until the peer has read most: several times slower.
CHUNK = 64 * 1024


class UnixTransport(StreamTransport, asyncio.BufferedProtocol):
    """One connected socket; made by `connect` and by a listener."""

    def __init__(
        self,
        url: str,
        settings: TransportSettings,
        opened: "Callable[[UnixTransport], None] | None" = None,
        gone: "Callable[[UnixTransport], None] | None" = None,
    ) -> None:
        super().__init__(url, settings)
        self._opened, self._gone = opened, gone
        self._pool = BufferPool(settings.receive_buffer)
        self._filling: bytearray | None = None
        self._stopped = False  # reading is, because the buffer is full
        self._handler: Handler | None = None
        self._gone_future: asyncio.Future[None] = self._loop.create_future()
        self._socket: asyncio.Transport

    @property
    def descriptor(self) -> int:
        """The number of the open socket."""
        return int(self._socket.get_extra_info("socket").fileno())

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = cast(asyncio.Transport, transport)
        self._socket.set_write_buffer_limits(high=0)
        if self._opened is not None:
            self._opened(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        if self._filling is not None and not self._filled and not is_unused(self._filling):
            self._pool.give_back(self._filling)
            self._filling = None
        if self._filling is None:
            self._filling = self._pool.take()
        return memoryview(self._filling)[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        self._filled += nbytes
        if self._handler is not None and not self._closed:
            try:
                self._hand_over(self._handler)
            except BaseException as error:
                self._handler = None
                if self._arrival is not None and not self._arrival.done():
                    self._arrival.set_exception(error)
            return
        if self._filling is not None and self._filled == len(self._filling):
            self._stopped = True
            self._socket.pause_reading()
        self._wake_receiver()

    def eof_received(self) -> bool:
        self._eof = True
        self._wake_receiver()
        return True  # the other direction stays open

    def pause_writing(self) -> None:
        self._outbox.held = True

    def resume_writing(self) -> None:
        self._outbox.held = False
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        reason = "closed" if exc is None else _reason(exc)
        if not self._closed:
            self._lost = ConnectionLost(self.url, reason, self._outbox.messages)
        self._outbox.fail(self._lost or TransportClosed(self.url))
        self._wake_receiver()
        self._wake_idle()
        if not self._gone_future.done():
            self._gone_future.set_result(None)
        if self._gone is not None:
            self._gone(self)

    # Sending.

    def flush(self) -> None:
        self._scheduled = False
        outbox = self._outbox
        while outbox and not outbox.held:
            self._socket.write(outbox.take(CHUNK)[0])
        if self._idle and not outbox and not outbox.held:
            self._wake_idle()

    async def drain(self) -> None:
        self.flush()
        if self._socket.is_closing():
            await asyncio.sleep(0)  # the write has just failed, and the loop is about to say so
        await super().drain()

    def _sending(self) -> bool:
        return bool(self._outbox) or self._outbox.held

    def _send_eof(self) -> None:
        self._socket.write_eof()

    # Receiving.

    def _decode(self) -> list[Message]:
        """Decode what was read, and leave another buffer to the loop."""
        buffer, filled = self._filling, self._filled
        assert buffer is not None
        self._filling, self._filled = None, 0
        try:
            messages = self._inbox.feed(memoryview(buffer)[:filled])
        finally:
            self._pool.give_back(buffer)
            if self._stopped and self._lost is None:
                self._stopped = False
                self._socket.resume_reading()
        return messages

    async def deliver(self, handler: Handler) -> None:
        if self._arrival is not None:
            raise BusyReceiver(self.url)
        self._arrival = self._loop.create_future()
        self._handler = handler
        try:
            if self._filled:
                self._hand_over(handler)
            while not self._over():
                await self._arrival
                self._arrival = self._loop.create_future()
        finally:
            # An error of the handler is in the future, and awaiting it raises it; what is read from now on is kept.
            self._handler = self._arrival = None
        if self._closed:
            raise TransportClosed(self.url)
        await super().deliver(handler)  # what is left is the end: its last messages, or its error

    def _over(self) -> bool:
        return self._closed or self._eof or self._lost is not None or self._inbox.failure is not None

    def _hand_over(self, handler: Handler) -> None:
        filled, self._filled = self._filled, 0
        if self._stopped and self._lost is None:
            self._stopped = False
            self._socket.resume_reading()
        assert self._filling is not None
        messages = self._inbox.feed(memoryview(self._filling)[:filled])
        if messages:
            handler(messages)
        if self._inbox.failure is not None:
            self._wake_receiver()

    # The end, and the numbers.

    async def close(self) -> None:
        if not self._closed:
            self._ended = True
            try:
                async with asyncio.timeout(self._settings.close_timeout):
                    await self.drain()
            except (TimeoutError, InfraError):
                pass
            finally:
                self._closed = True
                self._wake_receiver()
                if self._outbox or self._outbox.held:
                    self._outbox.fail(TransportClosed(self.url))
                    self._socket.abort()
                else:
                    self._socket.close()
        await asyncio.shield(self._gone_future)

    def abort(self) -> None:
        """Close at once, without sending what is queued."""
        self._closed = self._ended = True
        self._outbox.fail(TransportClosed(self.url))
        self._wake_receiver()
        self._socket.abort()

    def _unsent_elsewhere(self) -> int:
        return 0 if self._gone_future.done() else self._socket.get_write_buffer_size()


async def connect(url: str, settings: TransportSettings = DEFAULT_SETTINGS) -> UnixTransport:
    """Connect to a listener.  Raises BadUrl, UnsafeDirectory, ConnectFailed."""
    path = socket_path(url)
    loop = asyncio.get_running_loop()
    try:
        check_directory(path.parent)
        async with asyncio.timeout(settings.connect_timeout):
            _, transport = await loop.create_unix_connection(lambda: UnixTransport(url, settings), str(path))
    except TimeoutError:
        raise ConnectFailed(url, f"no answer within {settings.connect_timeout} s") from None
    except OSError as error:
        raise ConnectFailed(url, _reason(error)) from None
    return transport


def _reason(error: BaseException) -> str:
    return (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__
