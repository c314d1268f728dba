"""A connection that comes back: what services hold instead of a transport.

Owns reconnection and the counters over all connections.  Must not know what is sent, nor what a service has to say
first: that is the `greeting` it is given, called with each new transport (to subscribe again, to ask for what it
missed).

How it works: a broken connection or the end of the stream starts the tries of the backoff; everybody who sends or
receives waits for the one task that connects.  A connection on which nothing came, and that ended within a second, was
a failed try as well: a relay that is full takes each one and closes it.  What was queued on the broken connection is
lost and counted, as the kernel's share of it is lost without a count: sequence numbers show both.  When the tries are
used up, the client has failed, and every call raises the last error.
"""

import asyncio
from collections.abc import Awaitable, Callable

from libs.types.protocol import Message
from libs.types.protocol.buffers import Buffer

from ..errors import (
    ConnectFailed,
    ConnectionLost,
    EndOfStream,
    InfraError,
    QueueFull,
    RemoteInfraError,
    TransportClosed,
)
from .backoff import Backoff
from .base import DEFAULT_SETTINGS, Transport, TransportSettings, TransportStatistics
from .urls import connect

Greeting = Callable[[Transport], Awaitable[None]]
STEADY_SECONDS = 1.0


class ReconnectingClient(Transport):
    """A transport over any URL that survives its peer.  Nothing happens before `open` or the first call."""

    def __init__(
        self,
        url: str,
        settings: TransportSettings = DEFAULT_SETTINGS,
        backoff: Backoff | None = None,
        greeting: Greeting | None = None,
    ) -> None:
        self.url, self._settings, self._backoff, self._greeting = url, settings, backoff or Backoff(), greeting
        self._transport: Transport | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._failure: InfraError | None = None
        self._closed = False
        self._past = TransportStatistics()
        self._connects = self._refused = 0
        self._since, self._reason = 0.0, ""
        self._begin_tries()

    async def open(self) -> None:
        """Connect now.  Raises ConnectFailed when the tries are used up, and what no second try can mend."""
        await self._live()

    @property
    def connected(self) -> bool:
        return self._transport is not None and self._transport.connected

    async def _live(self) -> Transport:
        while True:
            if self._closed:
                raise TransportClosed(self.url)
            if self._failure is not None:
                raise self._failure
            if self._transport is not None:
                return self._transport
            if self._connecting is None:
                self._connecting = asyncio.get_running_loop().create_task(self._connect())
            try:
                await asyncio.shield(self._connecting)
            except asyncio.CancelledError:
                if self._closed:
                    raise TransportClosed(self.url) from None
                raise

    async def _connect(self) -> None:
        """Until there is a connection, or an error that is for all callers, now and later."""
        try:
            while self._transport is None:
                if self._attempts:
                    delay = next(self._delays, None)
                    if delay is None:
                        raise ConnectFailed(self.url, self._reason, self._attempts)
                    await asyncio.sleep(delay)
                self._attempts += 1
                try:
                    self._transport = await self._greeted()
                except RemoteInfraError as error:
                    self._reason = getattr(error, "reason", str(error))
            self._connects += 1
            self._since = asyncio.get_running_loop().time()
        except InfraError as error:
            self._failure = error
        finally:
            self._connecting = None

    def _begin_tries(self) -> None:
        self._delays, self._attempts, self._reason = self._backoff.delays(), 0, ""

    async def _greeted(self) -> Transport:
        transport = await connect(self.url, self._settings)
        try:
            if self._greeting is not None:
                await self._greeting(transport)
        except BaseException:
            await transport.close()
            raise
        return transport

    async def _gone(self, transport: Transport) -> None:
        """Let go of a broken transport, once."""
        if transport is not self._transport:
            return
        self._transport = None
        if transport.statistics().messages_in or asyncio.get_running_loop().time() - self._since > STEADY_SECONDS:
            self._begin_tries()
        else:
            self._reason = "it ends each connection at once"
        await transport.close()
        self._past = _sum(self._past, transport.statistics())

    async def send(self, data: Buffer, messages: int = 1) -> None:
        """Raises ConnectFailed when the tries are used up, TransportClosed."""
        while True:
            transport = await self._live()
            try:
                await transport.send(data, messages)
                return
            except ConnectionLost:
                await self._gone(transport)

    def send_nowait(self, data: Buffer, messages: int = 1) -> None:
        """Raises QueueFull also while there is no connection; TransportClosed."""
        if self._closed:
            raise TransportClosed(self.url)
        try:
            if self._transport is not None:
                self._transport.send_nowait(data, messages)
                return
        except ConnectionLost:
            pass  # whoever receives or sends with waiting will notice as well, and connect
        self._refused += messages
        raise QueueFull(self.url, 0, 0)

    def flush(self) -> None:
        if self._transport is not None:
            self._transport.flush()

    async def drain(self) -> None:
        """Raises ConnectionLost where the queue went down with its connection, ConnectFailed, TransportClosed."""
        transport = await self._live()
        try:
            await transport.drain()
        except ConnectionLost:
            await self._gone(transport)
            raise

    async def receive(self) -> list[Message]:
        """Raises ConnectFailed when the tries are used up, BadStream, TransportClosed; never EndOfStream."""
        while True:
            transport = await self._live()
            try:
                return await transport.receive()
            except (ConnectionLost, EndOfStream):
                await self._gone(transport)
            except TransportClosed:
                if self._closed:
                    raise
                await self._gone(transport)  # a sender noticed first

    async def end_sending(self) -> None:
        await (await self._live()).end_sending()

    async def close(self) -> None:
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        if self._transport is not None:
            await self._gone(self._transport)

    def statistics(self) -> TransportStatistics:
        now = self._transport.statistics() if self._transport is not None else TransportStatistics()
        total = _sum(self._past, now)
        return total._replace(
            drops=total.drops + self._refused, reconnects=total.reconnects + max(self._connects - 1, 0)
        )


def _sum(past: TransportStatistics, now: TransportStatistics) -> TransportStatistics:
    """Counters add up; what waits is only what waits now."""
    added = TransportStatistics(*map(sum, zip(past, now, strict=True)))
    return added._replace(queue_bytes=now.queue_bytes, queue_peak=max(past.queue_peak, now.queue_peak))
