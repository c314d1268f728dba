"""What connections that are streams of bytes share: one flush a turn, one reader, and who waits for them.

Owns the calls of a user (`send`, `drain`, `receive`) between the two halves, `outbox` and `inbox`.  Must not know where
the bytes go or come from: a transport takes them out of its outbox in `flush`, counts in `_filled` what has arrived,
and decodes that in `_decode`.

How it works: the first `send` of a turn schedules one flush for its end.  `receive` waits in a future of its own, so
cancelling it loses nothing; everything that may end the wait calls `_wake_receiver`, and the loop looks again.
"""

import asyncio

from libs.types.protocol import Message
from libs.types.protocol.buffers import Buffer

from ..errors import BusyReceiver, ConnectionLost, TransportClosed
from .base import Transport, TransportSettings, TransportStatistics
from .inbox import Inbox
from .outbox import Outbox


class StreamTransport(Transport):
    """One end of a connection whose peer is there from the first moment."""

    def __init__(self, url: str, settings: TransportSettings) -> None:
        self.url, self._settings = url, settings
        self._loop = asyncio.get_running_loop()
        self._inbox, self._outbox = Inbox(url, settings), Outbox(url, settings)
        self._filled = 0  # bytes that have arrived and are not decoded
        self._eof = self._ended = self._closed = self._scheduled = False
        self._lost: ConnectionLost | None = None
        self._arrival: asyncio.Future[None] | None = None
        self._idle: list[asyncio.Future[None]] = []

    # What a transport adds.

    def _decode(self) -> list[Message]:
        """The messages in what has arrived, or in a part of it, and room for more.  Raises BadStream."""
        raise NotImplementedError

    def _send_eof(self) -> None:
        """Tell the peer that nothing follows."""
        raise NotImplementedError

    def _sending(self) -> bool:
        """Whether something is on its way that `drain` waits for."""
        return bool(self._outbox)

    def _unsent_elsewhere(self) -> int:
        """Bytes that have left the outbox and are not at the peer."""
        return 0

    # Sending.

    async def send(self, data: Buffer, messages: int = 1) -> None:
        self._check_sending()
        await self._outbox.put(data, messages)
        self._schedule()

    def send_nowait(self, data: Buffer, messages: int = 1) -> None:
        self._check_sending()
        self._outbox.offer(data, messages)
        self._schedule()

    def _check_sending(self) -> None:
        if self._ended or self._closed:
            raise TransportClosed(self.url)

    def _schedule(self) -> None:
        if not self._scheduled and not self._outbox.held:
            self._scheduled = True
            self._loop.call_soon(self.flush)

    async def drain(self) -> None:
        self.flush()
        while self._sending() and self._outbox.failure is None:
            idle = self._loop.create_future()
            self._idle.append(idle)
            await idle
        if self._outbox.failure is not None:
            raise self._outbox.failure

    async def end_sending(self) -> None:
        self._check_sending()
        self._ended = True
        await self.drain()
        self._send_eof()

    def _wake_idle(self) -> None:
        waiting, self._idle = self._idle, []
        for idle in waiting:
            if not idle.done():
                idle.set_result(None)

    # Receiving.

    async def receive(self) -> list[Message]:
        if self._arrival is not None:
            raise BusyReceiver(self.url)
        while True:
            if self._closed:
                raise TransportClosed(self.url)
            if self._filled:
                messages = self._decode()
                if messages:
                    return messages
            elif self._inbox.failure is not None:
                raise self._inbox.failure
            elif self._eof:
                return self._inbox.finish()
            elif self._lost is not None:
                raise self._lost
            else:
                self._arrival = self._loop.create_future()
                try:
                    await self._arrival
                finally:
                    self._arrival = None

    def _wake_receiver(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def statistics(self) -> TransportStatistics:
        bytes_in, messages_in, faults = self._inbox.counts
        box = self._outbox
        waiting = box.bytes + self._unsent_elsewhere()
        return TransportStatistics(
            bytes_in, box.bytes_out, messages_in, box.messages_out, waiting, box.peak, box.drops, faults
        )
