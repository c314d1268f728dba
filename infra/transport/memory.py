"""Connections inside of one process and one event loop: the contract of a socket without the kernel.

Owns the pair of connected transports, and the names that listeners have in this process.  Must not queue or decode:
that is `stream`, with `outbox` and `inbox`.

How it works: what one side flushes is joined and lies in the other side's queue until that receives; meanwhile the
sender's outbox is held from `high_water` bytes on, until the receiver has come down to `low_water`.  So a peer that
does not read holds its writer back, as a full socket does.  The messages are views on the joined bytes.
"""

import asyncio
import re
from collections import deque
from typing import Self

from libs.types.protocol import Message

from ..errors import AddressInUse, BadUrl, ConnectFailed, ConnectionLost, InfraError, TransportClosed
from .base import DEFAULT_SETTINGS, Listener, ListenerStatistics, TransportSettings
from .stream import StreamTransport

CHUNK = 64 * 1024
_URL = re.compile(r"memory://(?P<name>[A-Za-z0-9._-]+)\Z")
_listeners: "dict[str, MemoryListener]" = {}


class MemoryTransport(StreamTransport):
    """One end of a pair; made by `pair`, `connect` and a listener."""

    def __init__(self, url: str, settings: TransportSettings) -> None:
        super().__init__(url, settings)
        self._arrived: deque[bytes] = deque()
        self._peer: Self

    def flush(self) -> None:
        self._scheduled = False
        box, peer = self._outbox, self._peer
        while box and not box.held:
            data, _ = box.take(CHUNK)
            peer._arrived.append(data)
            peer._filled += len(data)
            box.held = peer._filled >= self._settings.high_water
            peer._wake_receiver()
        if not box:
            self._wake_idle()

    def _send_eof(self) -> None:
        self._peer._eof = True
        self._peer._wake_receiver()

    def _decode(self) -> list[Message]:
        data = self._arrived.popleft()
        self._filled -= len(data)
        peer = self._peer
        if peer._outbox.held and self._filled <= peer._settings.low_water:
            peer._outbox.held = False
            peer.flush()
        return self._inbox.feed(data)

    def _unsent_elsewhere(self) -> int:
        return self._peer._filled

    async def close(self) -> None:
        if self._closed:
            return
        self._ended = True
        try:
            async with asyncio.timeout(self._settings.close_timeout):
                await self.drain()
        except (TimeoutError, InfraError):
            pass
        finally:
            self.abort()

    def abort(self) -> None:
        """Close at once.  What the peer has not received yet stays there for it, as in a socket."""
        if self._closed and self._outbox.failure is not None:
            return
        self._closed = self._ended = True
        self._outbox.fail(TransportClosed(self.url))
        self._arrived.clear()
        self._wake_receiver()
        self._wake_idle()
        peer = self._peer
        peer._eof = True
        if not peer._closed:
            peer._lost = ConnectionLost(self.url, "the peer has closed", peer._outbox.messages)
            peer._outbox.fail(peer._lost)
        peer._wake_receiver()
        peer._wake_idle()


def pair(
    settings: TransportSettings = DEFAULT_SETTINGS, url: str = "memory://pair"
) -> tuple[MemoryTransport, MemoryTransport]:
    """Two connected ends."""
    one, other = MemoryTransport(url, settings), MemoryTransport(url, settings)
    one._peer, other._peer = other, one
    return one, other


class MemoryListener(Listener):
    """A name in this process; made by `listen`."""

    def __init__(self, url: str, name: str, settings: TransportSettings) -> None:
        self.url, self._name, self.settings = url, name, settings
        self._waiting: deque[MemoryTransport] = deque()
        self._made: list[MemoryTransport] = []
        self._arrival = asyncio.Condition()
        self._closed = False
        self._accepted = self._refused = 0

    def add(self, transport: MemoryTransport) -> bool:
        """Queue a connection for `accept`; False above the limit."""
        self._made = [made for made in self._made if not made._closed and made._lost is None]
        if len(self._made) >= self.settings.max_connections:
            self._refused += 1
            return False
        self._accepted += 1
        self._made.append(transport)
        self._waiting.append(transport)
        return True

    async def notify(self) -> None:
        async with self._arrival:
            self._arrival.notify_all()

    async def accept(self) -> MemoryTransport:
        async with self._arrival:
            await self._arrival.wait_for(lambda: self._waiting or self._closed)
        if self._closed:
            raise TransportClosed(self.url)
        return self._waiting.popleft()

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            _listeners.pop(self._name, None)
            while self._waiting:
                self._waiting.popleft().abort()
            await self.notify()

    def statistics(self) -> ListenerStatistics:
        still = sum(not made._closed and made._lost is None for made in self._made)
        return ListenerStatistics(self._accepted, self._refused, still)


async def connect(url: str, settings: TransportSettings = DEFAULT_SETTINGS) -> MemoryTransport:
    """Connect to a listener of this process.  Raises BadUrl, ConnectFailed."""
    listener = _listeners.get(_name(url))
    if listener is None:
        raise ConnectFailed(url, "nobody listens in this process")
    ours, theirs = MemoryTransport(url, settings), MemoryTransport(url, listener.settings)
    ours._peer, theirs._peer = theirs, ours
    if not listener.add(theirs):
        raise ConnectFailed(url, f"the listener has its {listener.settings.max_connections} connections")
    await listener.notify()
    return ours


async def listen(url: str, settings: TransportSettings = DEFAULT_SETTINGS) -> MemoryListener:
    """Take the name in this process.  Raises BadUrl, AddressInUse."""
    name = _name(url)
    if name in _listeners:
        raise AddressInUse(url, "somebody listens there already")
    _listeners[name] = MemoryListener(url, name, settings)
    return _listeners[name]


def _name(url: str) -> str:
    found = _URL.match(url)
    if found is None:
        raise BadUrl(url, "no name", "memory://name with letters, digits, dot, dash and underscore")
    return found["name"]
