"""A publisher that loses nothing to a relay that dies: what was not acknowledged is kept, and sent again.

Owns the history of what was sent and the marks (`SyncTLV`) by which the relay acknowledges.  Must not make messages.

How it works: behind every `sync_every` messages goes a mark, which the relay sends back once it has passed on what
stood before.  While more than `unacknowledged` messages are without such an answer, `publish` waits.  The last messages
are kept also when they are acknowledged, because a relay that is killed takes with it what waited for its subscribers:
a new connection begins with all that is kept, which is more than a relay lets wait for one subscriber.  Readers drop
what they know by its number.

At a NATS server, marks and answers travel the same way; the answers of other publishers are told apart by the id.
"""

import asyncio
import contextlib
import os
from collections import deque

from protocol_v2 import Message, RelayDomain

from .errors import InfraError
from .relay_messages import SyncTLV, is_reply, sync_message
from .transport import Backoff, ReconnectingClient, Transport, TransportSettings, TransportStatistics

SYNC_EVERY, UNACKNOWLEDGED, KEPT_BYTES = 512, 4096, 16 * 1024 * 1024


class Publisher:
    """Sends the messages of one program to the relay of one domain."""

    def __init__(
        self,
        url: str,
        domain: RelayDomain,
        *,
        source: int,
        backoff: Backoff | None = None,
        kept_bytes: int = KEPT_BYTES,
        sync_every: int = SYNC_EVERY,
        unacknowledged: int = UNACKNOWLEDGED,
    ) -> None:
        self._domain, self._source = domain, source
        self._id = int.from_bytes(os.urandom(4), "little")
        self._kept: deque[bytes] = deque()
        self._kept_size, self._kept_limit = 0, kept_bytes
        self._sync_every, self._limit = sync_every, unacknowledged
        self.sent = self.acknowledged = self.resent = 0
        self._marked = 0
        self._progress = asyncio.Event()
        self._connections = 0
        settings = TransportSettings(strict=False, domain=domain)
        self._client = ReconnectingClient(url, settings, backoff, self._greet)
        self._reader: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect.  Raises ConnectFailed, BadUrl."""
        await self._client.open()
        self._reader = asyncio.create_task(self._read())

    async def publish(self, data: bytes) -> None:
        """Send one message; waits while too much is not acknowledged.  Raises ConnectFailed, TransportClosed."""
        self._keep(data)
        self.sent += 1
        await self._client.send(data)
        if self.sent - self._marked >= self._sync_every:
            await self._mark()
        while self.sent - self.acknowledged > self._limit:
            await self._wait()

    def _keep(self, data: bytes) -> None:
        self._kept.append(data)
        self._kept_size += len(data)
        while self._kept_size > self._kept_limit and len(self._kept) > self.sent - self.acknowledged + 1:
            self._kept_size -= len(self._kept.popleft())

    async def finish(self, seconds: float = 30.0) -> bool:
        """Whether everything was acknowledged in this time.  Raises as `publish`."""
        try:
            async with asyncio.timeout(seconds):
                while self.acknowledged < self.sent:
                    await self._mark()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(1.0):  # a mark can be lost with its connection, so ask again
                            await self._wait()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Close the connection; see `finish` for what comes before."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        await self._client.close()

    def statistics(self) -> TransportStatistics:
        return self._client.statistics()

    async def _mark(self) -> None:
        self._marked = self.sent
        await self._client.send(self._mark_of(self.sent))

    def _mark_of(self, sent: int) -> bytes:
        return sync_message(self._domain, source=self._source, publisher_id=self._id, token=sent)

    async def _wait(self) -> None:
        self._progress.clear()
        reader = self._reader
        if reader is not None and reader.done():
            reader.result()  # the connection could not be had again: its error is ours
        await self._progress.wait()

    async def _greet(self, transport: Transport) -> None:
        """What a new relay has to hear first: all that is kept, and a mark."""
        self._connections += 1
        if self._connections == 1:
            return
        kept, sent = list(self._kept), self.sent
        self.resent += len(kept)
        for at in range(0, len(kept), 256):
            part = kept[at : at + 256]
            await transport.send(b"".join(part), len(part))
        await transport.send(self._mark_of(sent))

    async def _read(self) -> None:
        try:
            while True:
                for message in await self._client.receive():
                    self._on_message(message)
        except InfraError:
            self._progress.set()
            raise

    def _on_message(self, message: Message) -> None:
        if not is_reply(message):
            return
        mark = message.get(SyncTLV)
        if mark is not None and mark.publisher_id == self._id and mark.token > self.acknowledged:
            self.acknowledged = mark.token
            self._progress.set()
