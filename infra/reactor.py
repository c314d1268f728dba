"""The wiring of a service that reads one relay and writes another: its app's `handle` and `on_time` between them.

Owns clock, order and end.  Must not know what the app does.

How it works: each message of the subscription goes to `handle`, and what comes out is published before the next.  The
time is that of the wall, and `on_time` is called four times a second; or, for a replay, it is that of the message's
header, so that the same messages give the same results whenever and however fast they are replayed.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Protocol

from libs.types.protocol import Message
from libs.types.protocol.buffers import Buffer

from .program import until_stopped
from .publisher import Publisher
from .subscription import Subscription
from .topology.log import Log
from .topology.own import announce_ready

CLOCKS = ("wall", "header")
_TICK = 0.25


class App(Protocol):
    """What a service makes of messages."""

    def handle(self, data: Buffer, now_ns: int, /) -> Sequence[bytes]:
        """One message; returns what is to be published."""
        ...

    def on_time(self, now_ns: int, /) -> Sequence[bytes] | None:
        """Called now and then; returns what is to be published."""
        ...


class Reactor:
    """One app between two relays."""

    def __init__(self, stream: Subscription, publisher: Publisher, app: App, *, clock: str = "wall") -> None:
        self._stream, self._publisher, self._app = stream, publisher, app
        self._by_header = clock == "header"

    async def run(self, stop: asyncio.Event, log: Log) -> None:
        """Until `stop`; what was published is acknowledged then, if the relay is there.  Raises ConnectFailed."""
        await self._publisher.open()
        try:
            async with self._stream:
                announce_ready()
                log("ready", url=self._stream.url)
                await until_stopped(stop, self._read(), self._tick())
            await self._publisher.finish(2.0)
        finally:
            await self._publisher.close()
            log("stopped", published=self._publisher.sent, **self._stream.numbers._asdict())

    async def _read(self) -> None:
        async for messages in self._stream:
            for message in messages:
                await self._publish(self._app.handle(message.buffer, self._now(message)))

    def _now(self, message: Message) -> int:
        return message.timestamp if self._by_header else time.time_ns()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            if not self._by_header:
                await self._publish(self._app.on_time(time.time_ns()))

    async def _publish(self, out: Sequence[bytes] | None) -> None:
        for data in out or ():
            await self._publisher.publish(data)
