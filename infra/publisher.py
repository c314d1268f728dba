"""A publisher that loses nothing to a relay or server that dies: what was not acknowledged is kept, and sent again.

Owns the history of what was sent, the marks (`SyncTLV`) behind it and what the answers mean.  Must not make messages.

How it works: behind every `sync_every` messages goes a mark, which the relay sends back with what it has of each
source.  Only an answer by which all before the mark has arrived acknowledges it; otherwise what is missing is sent
again, and another mark.  So nothing is acknowledged by a mark that outlived its messages, as can happen at a plain
subject of NATS.  While more than `unacknowledged` messages have no answer, `publish` waits, and repeats the mark.
At a NATS server a relay can go and come without the end of a connection, so there a mark goes out every second as well.

A relay that goes on missing the same message refuses it: after `TRIES`, a second apart, that is an error
(NotAcknowledged) instead of a wait without end.

The last messages are kept also when they are acknowledged, because a relay that is killed takes with it what waited for
its subscribers: a new connection, and an answer from another relay than before, are followed by all that is kept, which
is more than a relay lets wait for one subscriber.  Readers drop what they know by its number.
"""

import asyncio
import contextlib
import os
import time
from collections import deque
from typing import NamedTuple, NoReturn

from libs.types.protocol import (
    HEADER_SIZE,
    MAGIC,
    ChecksumPolicy,
    FieldRange,
    Message,
    RelayDomain,
    parse_header,
)
from libs.types.protocol.buffers import Buffer

from .errors import InfraError, NotAcknowledged
from .relay_messages import HEAD, StreamStateTLV, SyncTLV, is_reply, sync_message
from .transport import Backoff, ReconnectingClient, Transport, TransportSettings, TransportStatistics
from .transport.urls import is_lossy

SYNC_EVERY, UNACKNOWLEDGED, KEPT_BYTES = 512, 4096, 16 * 1024 * 1024
ASK_AGAIN_SECONDS = 1.0
TRIES = 10
_PIECE = 256
_BEGIN = 5  # the bytes of a header that are the same in all messages of a domain


class _Mark(NamedTuple):
    """What had been sent when it was: how many messages, and the last number and time of each source."""

    sent: int
    last: dict[int, tuple[int, int]]


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
        self._begin = MAGIC.to_bytes(4, "little") + bytes((domain,))
        self._kept: deque[bytes] = deque()
        self._kept_size, self._kept_limit = 0, kept_bytes
        self._sync_every, self._limit = sync_every, unacknowledged
        self.sent = self.acknowledged = self.resent = 0
        self._last: dict[int, tuple[int, int]] = {}
        self._marks: dict[int, _Mark] = {}
        self._marked = self._tokens = self._repair = self._relay = 0
        self._lost: set[tuple[int, int]] = set()
        self._missed: dict[int, int] = {}
        self._tries, self._tried = 0, 0.0
        self._progress = asyncio.Event()
        self._connections = 0
        settings = TransportSettings(strict=False, domain=domain)
        self._client = ReconnectingClient(url, settings, backoff, self._greet)
        self._tasks: list[asyncio.Task[None]] = []
        self._lossy = is_lossy(url)

    async def open(self) -> None:
        """Connect.  Raises ConnectFailed, BadUrl."""
        await self._client.open()
        self._tasks = [asyncio.create_task(self._read())]
        if self._lossy:
            await self._mark()  # its answer says which relay hears the first messages
            self._tasks.append(asyncio.create_task(self._mark_now_and_then()))

    async def publish(self, data: Buffer) -> None:
        """Send one message; waits while too much is not acknowledged.

        Raises ConnectFailed, TransportClosed; NotAcknowledged for what the relay refuses; ProtocolError, before
        anything is sent, for what is not one message of the domain, which a relay would pass over.
        """
        data = bytes(data)  # it is kept, and the caller may use a buffer of its own again
        self._keep(data)
        self.sent += 1
        await self._client.send(data)
        if self.sent - self._marked >= self._sync_every:
            await self._mark()
        while self.sent - self.acknowledged > self._limit:
            if not await self._wait():
                await self._mark()

    def _keep(self, data: bytes) -> None:
        if data[:_BEGIN] != self._begin or len(data) < HEADER_SIZE:
            self._refuse(data)
        source, number, timestamp, size = HEAD.unpack_from(data)
        if len(data) != HEADER_SIZE + size:
            self._refuse(data)
        self._last[source] = number, timestamp
        self._kept.append(data)
        self._kept_size += len(data)
        while self._kept_size > self._kept_limit and len(self._kept) > self.sent - self.acknowledged + 1:
            self._kept_size -= len(self._kept.popleft())

    def _refuse(self, data: bytes) -> NoReturn:
        parse_header(data, checksum=ChecksumPolicy.SKIP)  # mostly says why
        raise FieldRange("relay_domain", data[_BEGIN - 1], self._domain, self._domain)

    async def finish(self, seconds: float = 30.0) -> bool:
        """Whether everything was acknowledged in this time.  Raises as `publish`."""
        try:
            async with asyncio.timeout(seconds):
                while self.acknowledged < self.sent:
                    await self._mark()
                    await self._wait()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Close the connection; see `finish` for what comes before."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.close()

    def statistics(self) -> TransportStatistics:
        return self._client.statistics()

    async def _mark(self) -> None:
        await self._client.send(self._new_mark())

    def _new_mark(self) -> bytes:
        self._tokens += 1
        self._marked = self.sent
        self._marks[self._tokens] = _Mark(self.sent, dict(self._last))
        return sync_message(
            self._domain, source=self._source, publisher_id=self._id, token=self._tokens, sources=self._last
        )

    async def _wait(self) -> bool:
        """Whether something was acknowledged within a second: a mark can be lost with its connection."""
        self._progress.clear()
        for task in self._tasks:
            if task.done():
                task.result()  # the connection could not be had again, or the relay refuses: its error is ours
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ASK_AGAIN_SECONDS):
                await self._progress.wait()
                return True
        return False

    async def _mark_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(ASK_AGAIN_SECONDS)
            await self._mark()

    async def _greet(self, transport: Transport) -> None:
        """What a new relay has to hear first: all that is kept, and a mark."""
        self._connections += 1
        if self._connections > 1:
            await self._send_again(transport, list(self._kept))

    async def _send_again(self, transport: Transport, messages: list[bytes]) -> None:
        mark = self._new_mark()  # of what was sent until now: what is published meanwhile may come before or after it
        self._repair = self._tokens
        self.resent += len(messages)
        for at in range(0, len(messages), _PIECE):
            part = messages[at : at + _PIECE]
            await transport.send(b"".join(part), len(part))
        await transport.send(mark)

    async def _read(self) -> None:
        try:
            while True:
                for message in await self._client.receive():
                    await self._on_message(message)
        except InfraError:
            self._progress.set()
            raise

    async def _on_message(self, message: Message) -> None:
        sync = message.get(SyncTLV) if is_reply(message) else None
        if sync is None or sync.publisher_id != self._id or sync.token not in self._marks:
            return
        mark = self._marks[sync.token]
        for token in [token for token in self._marks if token <= sync.token]:
            del self._marks[token]
        other, self._relay = sync.relay != self._relay, sync.relay
        if self._lossy and other and mark.sent:  # else a new relay is a new connection, which has begun with all
            await self._send_again(self._client, list(self._kept))
            return
        missing = self._from(self._missing(mark, {state.source: state for state in message.get_all(StreamStateTLV)}))
        if not missing:
            if mark.sent > self.acknowledged:
                self.acknowledged = mark.sent
                self._progress.set()
        elif sync.token >= self._repair:  # else a later mark follows what was sent again, and will tell
            await self._repair_once(missing)

    async def _repair_once(self, missing: list[bytes]) -> None:
        """Send again, at once what is new, once a second what was sent again before.  Raises NotAcknowledged."""
        first = {source: number for source, number, _, _ in map(HEAD.unpack_from, reversed(missing))}
        now = time.monotonic()
        if first != self._missed:
            self._missed, self._tries = first, 0
        elif now - self._tried < ASK_AGAIN_SECONDS:
            return  # whoever waits repeats the mark
        self._tries, self._tried = self._tries + 1, now
        if self._tries > TRIES:
            reason = "the relay goes on missing " + ", ".join(
                f"{number} of source {each}" for each, number in first.items()
            )
            raise NotAcknowledged(self._client.url, self.sent - self.acknowledged, TRIES, reason)
        await self._send_again(self._client, missing)

    def _missing(self, mark: _Mark, states: dict[int, StreamStateTLV]) -> dict[int, int]:
        """From which number on the messages of a source have to be sent again, where they have to."""
        found: dict[int, int] = {}
        for source, (number, timestamp) in mark.last.items():
            state = states.get(source)
            if state is None or state.timestamp < timestamp:  # never heard of it, or only of an earlier run
                found[source] = 0
            elif 0 < state.missing <= number and (source, state.missing) not in self._lost:
                found[source] = int(state.missing)
            elif state.expected <= number:
                found[source] = int(state.expected)
        return found

    def _from(self, missing: dict[int, int]) -> list[bytes]:
        """The messages that have to be sent again, of those that are kept."""
        if not missing:
            return []
        again: list[bytes] = []
        found: set[tuple[int, int]] = set()
        for data in self._kept:
            source, number, _, _ = HEAD.unpack_from(data)
            if source in missing and number >= missing[source]:
                again.append(data)
                found.add((source, number))
        # What is not kept was acknowledged before.  A relay that goes on missing it is not listened to.
        self._lost.update(each for each in missing.items() if each not in found)
        return again
