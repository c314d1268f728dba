"""One peer of a relay: what it wants, and the bounded queue of what waits for it.

Owns the queue and the reaction to a peer that reads too slowly.  Must not know messages: it is given bytes and counts.

How it works: what the connection takes goes straight to it.  When it takes nothing more, batches wait here, up to
`limit` bytes.  Beyond that the policy decides, and losses are counted by the message:

    drop oldest     the oldest batches that wait here go; the subscriber sees a gap in the numbers and asks again
    disconnect      the connection is closed, with all that waits

So a peer that stops reading costs at most the queue, the connection's high-water mark and two batches (the last one
is kept even where it is larger than the queue).
"""

import asyncio
from collections import deque
from collections.abc import Callable

from infra.errors import InfraError, QueueFull
from infra.relay_messages import SlowPolicy
from infra.transport import Transport

from .topics import Filter


class Peer:
    """A connection, as publisher, subscriber or both."""

    def __init__(self, number: int, transport: Transport, limit: int, slow: SlowPolicy, shared: bool) -> None:
        self.number, self.transport, self.slow, self._limit = number, transport, slow, limit
        self.shared = shared
        """Many programs are behind this connection (a NATS server), so nothing is an echo."""
        self.filter: Filter | None = None
        self.gone = False
        self.messages_in = self.lost = self.queued_messages = self.queued_bytes = 0
        self.requests = 0
        """Recoveries asked for in the current second."""
        self._queue: deque[tuple[bytes, int]] = deque()
        self._pump: asyncio.Task[None] | None = None
        self.on_slow: Callable[[Peer, int], None] = lambda peer, lost: None

    def send(self, data: bytes, count: int) -> None:
        """Send or queue; never waits and never raises."""
        if self.gone:
            return
        if self._pump is None:
            try:
                self.transport.send_nowait(data, count)
                return
            except QueueFull:
                pass
            except InfraError:
                self.gone = True
                return
        self._queue.append((data, count))
        self.queued_bytes += len(data)
        self.queued_messages += count
        if self.queued_bytes > self._limit:
            self._overflow()
        if self._pump is None and not self.gone:
            self._pump = asyncio.get_running_loop().create_task(self._send_queued())

    def flush(self) -> None:
        """Hand over what is queued at the connection, as far as the way is free."""
        if not self.gone:
            self.transport.flush()

    def _overflow(self) -> None:
        lost = 0
        disconnect = self.slow is SlowPolicy.DISCONNECT
        while self._queue and (disconnect or (self.queued_bytes > self._limit and len(self._queue) > 1)):
            data, count = self._queue.popleft()
            self.queued_bytes -= len(data)
            self.queued_messages -= count
            lost += count
        self.lost += lost
        self.gone = self.gone or disconnect
        self.on_slow(self, lost)

    async def _send_queued(self) -> None:
        try:
            while self._queue and not self.gone:
                data, count = self._queue.popleft()
                self.queued_bytes -= len(data)
                self.queued_messages -= count
                await self.transport.send(data, count)
        except InfraError:
            self.gone = True
        finally:
            self._pump = None

    async def drain(self) -> None:
        """Until nothing waits here; what waits at the connection is its own affair."""
        pump = self._pump
        if pump is not None:
            await asyncio.wait([pump])

    async def close(self) -> None:
        """Let go of the connection; what waits here is lost and counted."""
        self.gone = True
        self.lost += self.queued_messages
        self._queue.clear()
        self.queued_bytes = self.queued_messages = 0
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.wait([self._pump])
        await self.transport.close()
