"""The sending half that all transports share: a queue of buffers with a high and a low mark.

Owns what waits, who waits for room, and the counters of sending.  Must not know sockets or the event loop's
callbacks: a transport takes bytes out when its way is free, and says when it is not (`held`).

How it works: `full` turns on at the high mark and off at the low one, so a writer that was stopped is woken once and
not for each buffer.  Taking joins the waiting buffers, because one write of many messages costs hardly more than one
of a single message.
"""

import asyncio
import contextlib
from collections import deque

from libs.types.protocol.buffers import Buffer

from ..errors import InfraError, QueueFull
from .base import TransportSettings


class Outbox:
    """What one transport still has to send."""

    def __init__(self, url: str, settings: TransportSettings) -> None:
        self._url, self._high, self._low = url, settings.high_water, settings.low_water
        self._buffers: deque[Buffer] = deque()
        self._counts: deque[int] = deque()
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._full = False
        self.held = False  # the transport cannot take anything at the moment
        self.failure: InfraError | None = None
        self.bytes = self.peak = 0
        self.bytes_out = self.messages_out = self.drops = 0

    def __bool__(self) -> bool:
        return bool(self._buffers)

    @property
    def messages(self) -> int:
        """How many messages wait."""
        return sum(self._counts)

    def offer(self, data: Buffer, messages: int) -> None:
        """Queue, or count as dropped.  Raises QueueFull, or the error that ended the transport."""
        if self.failure is not None:
            raise self.failure
        if self._full:
            self.drops += messages
            raise QueueFull(self._url, self.bytes, self._high)
        self._add(data, messages)

    async def put(self, data: Buffer, messages: int) -> None:
        """Queue as soon as there is room.  Raises the error that ended the transport."""
        while self._full and self.failure is None:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            finally:
                with contextlib.suppress(ValueError):  # it is no longer there where it was woken
                    self._waiters.remove(waiter)
        if self.failure is not None:
            raise self.failure
        self._add(data, messages)

    def _add(self, data: Buffer, messages: int) -> None:
        size = len(data) if type(data) is bytes else memoryview(data).nbytes
        if not size:
            return
        self._buffers.append(data)
        self._counts.append(messages)
        self.bytes += size
        if self.bytes > self.peak:
            self.peak = self.bytes
        if self.bytes >= self._high:
            self._full = True

    def take(self, limit: int) -> tuple[bytes, int]:
        """The next bytes, at most `limit` unless the first buffer alone has more, and the messages in them."""
        buffers, counts = self._buffers, self._counts
        if self.bytes <= limit:
            data, messages = _join(buffers), sum(counts)
            buffers.clear()
            counts.clear()
        else:
            taken, size, messages = list[Buffer](), 0, 0
            while buffers:
                size += len(buffers[0]) if type(buffers[0]) is bytes else memoryview(buffers[0]).nbytes
                if taken and size > limit:
                    break
                taken.append(buffers.popleft())
                messages += counts.popleft()
            data = _join(taken)
        self.bytes -= len(data)
        self.bytes_out += len(data)
        self.messages_out += messages
        if self._full and self.bytes <= self._low:
            self._full = False
            self._wake()
        return data, messages

    def fail(self, error: InfraError) -> None:
        """End: every later call and every waiting one raises `error`, and what waits is dropped."""
        if self.failure is None:
            self.failure = error
        self.drops += self.messages
        self._buffers.clear()
        self._counts.clear()
        self.bytes = 0
        self._wake()

    def _wake(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)


def _join(buffers: "deque[Buffer] | list[Buffer]") -> bytes:
    first = buffers[0] if len(buffers) == 1 else None
    return first if type(first) is bytes else b"".join(buffers)
