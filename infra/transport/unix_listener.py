"""Listening on a Unix socket.

Owns the accepting of connections and their limit.  The file itself is made by `socket_files`, a connection is a
`unix.UnixTransport`.  Must not read or write messages.

How it works: a connection above `max_connections` is closed at once and counted, and so is one that would take one of
the last descriptors that the process may open: without any, asyncio can accept nothing, and fills the log with it.  The
others wait in a queue until `accept` takes them; while they wait, each reads no more than its buffer holds.
"""

import asyncio
import contextlib
import os
import resource
from collections import deque

from ..errors import AddressInUse, TransportClosed
from .base import DEFAULT_SETTINGS, Listener, ListenerStatistics, TransportSettings
from .socket_files import bind, identity, socket_path
from .unix import UnixTransport

_BACKLOG = 256
_AT_ONCE = 4  # asyncio accepts so many a turn, and takes four turns until one can be closed
_SPARE = 8 * _AT_ONCE


class UnixListener(Listener):
    """A listening socket; made by `listen`."""

    def __init__(self, url: str, settings: TransportSettings) -> None:
        self.url, self._settings = url, settings
        self._path = socket_path(url)
        self._server: asyncio.Server | None = None
        self._identity: tuple[int, int] | None = None
        self._waiting: deque[UnixTransport] = deque()
        self._acceptors: deque[asyncio.Future[None]] = deque()
        self._open: set[UnixTransport] = set()
        self._accepted = self._refused = 0

    async def _start(self) -> None:
        listening = bind(self.url, _BACKLOG)
        self._identity = identity(self._path)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(
            lambda: UnixTransport(self.url, self._settings, self._opened, self._gone), sock=listening, backlog=_AT_ONCE
        )
        listening.listen(_BACKLOG)  # asyncio takes both for one

    def _opened(self, transport: UnixTransport) -> None:
        if self._server is None or len(self._open) >= self._settings.max_connections or _is_last(transport.descriptor):
            self._refused += 1
            transport.abort()
            return
        self._open.add(transport)
        self._accepted += 1
        self._waiting.append(transport)
        self._wake_one()

    def _gone(self, transport: UnixTransport) -> None:
        self._open.discard(transport)

    def _wake_one(self) -> None:
        while self._acceptors:
            acceptor = self._acceptors.popleft()
            if not acceptor.done():
                acceptor.set_result(None)
                return

    async def accept(self) -> UnixTransport:
        while not self._waiting:
            if self._server is None:
                raise TransportClosed(self.url)
            acceptor = asyncio.get_running_loop().create_future()
            self._acceptors.append(acceptor)
            try:
                await acceptor
            except asyncio.CancelledError:
                if self._waiting:
                    self._wake_one()  # the connection that woke this one is for the next
                raise
        return self._waiting.popleft()

    async def close(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        if identity(self._path) == self._identity:
            with contextlib.suppress(OSError):
                os.unlink(self._path)
        server.close()
        while self._waiting:
            self._waiting.popleft().abort()
        while self._acceptors:
            self._wake_one()
        await asyncio.sleep(0)  # the aborted ones close their sockets in the next turn

    def statistics(self) -> ListenerStatistics:
        return ListenerStatistics(self._accepted, self._refused, len(self._open))


def _is_last(descriptor: int) -> bool:
    """Whether hardly any are left: the system gives the lowest that is free."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return limit != resource.RLIM_INFINITY and descriptor >= limit - _SPARE


async def listen(url: str, settings: TransportSettings = DEFAULT_SETTINGS) -> UnixListener:
    """Listen at the path of a `unix:` URL; a socket file that a dead process left is replaced.

    Raises BadUrl, UnsafeDirectory, AddressInUse (also for what the system does not allow).
    """
    listener = UnixListener(url, settings)
    try:
        await listener._start()
    except OSError as error:
        raise AddressInUse(url, error.strerror or str(error)) from None
    return listener
