"""A subscription: the messages of a relay in order, none twice, gaps asked for again, across restarts of the relay.

    async with Subscription(url, RelayDomain.SIGNAL, source=60) as stream:
        async for messages in stream: ...

Owns the requests to the relay and what is done with its answers.  What is in order and what is missing is decided by
`libs.types.protocol.RecoveryManager`; the connection is a `ReconnectingClient`.  Must not know what messages mean.

How it works: every new connection begins with the request for the topics, and for all that follows what is known.  A
gap is asked for as soon as it is seen, whatever its size, because a relay remembers far more than a snapshot holds.
Large answers come in parts, and the next part is asked for.  What the relay says it does not have is given up, and
counted in `lost`.  A relay that says nothing in time is asked again; the last try is a snapshot, whose messages are
delivered, and what else it covers is `lost`.

Where messages can be lost without the end of a connection (at a NATS server), each interruption is followed by the
request for all that follows, and what a relay does not have is asked for again for some seconds, because a new one is
told of it by its publisher's next mark.

A source that starts again is followed, and counted: its number is known already, and its time is later than all before.
So a capture that is replayed twice is delivered once.
"""

import asyncio
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import NamedTuple, Self

from libs.types.protocol import (
    ChecksumPolicy,
    Message,
    Recovery,
    RecoveryManager,
    RecoveryType,
    RelayDomain,
    RemoteProtocolError,
    SnapshotTLV,
    TLVType,
    parse_message,
)
from libs.types.protocol.recovery import RecoveryState, SequenceAction, StreamKey
from libs.types.protocol.sequence import Gap, GapPolicy
from libs.types.protocol.snapshot import read_snapshot

from .errors import ConnectFailed
from .relay_messages import (
    RelayReplyTLV,
    SlowPolicy,
    Status,
    SubscribeTLV,
    is_reply,
    recovery_request,
    subscribe_message,
)
from .requests import Requests, key_of, retransmit
from .transport import Backoff, ReconnectingClient, Transport, TransportSettings, TransportStatistics
from .transport.urls import is_lossy

TICK = 0.25
# A publisher that connects again sends thousands of messages again; none of these numbers may look like a restart.
POLICY = GapPolicy(
    snapshot_from=2_000_000,  # never at first: a gap has at most a million
    window=1_000_000,
    max_gap=1_000_000,
    pending_messages=100_000,
    pending_bytes=8 * 1024 * 1024,
    timeout_ns=1_000_000_000,  # without a missing message; to ask once more costs little
    max_retries=20,
)
_ANY = 2**63
PATIENCE_NS = 4_000_000_000
ANSWER_SECONDS = 10.0


class SubscriptionStatistics(NamedTuple):
    """What happened to the numbers: `lost` never came and were given up, `repeats` came again and were dropped."""

    messages: int
    gaps: int
    lost: int
    repeats: int
    restarts: int
    snapshots: int


class Subscription:
    """The messages of one relay for one consumer."""

    def __init__(
        self,
        url: str,
        domain: RelayDomain,
        *,
        source: int,
        patterns: Iterable[str] = ("*",),
        slow: SlowPolicy = SlowPolicy.RELAY_DECIDES,
        backoff: Backoff | None = None,
        policy: GapPolicy | None = None,
        verify: bool | None = None,
    ) -> None:
        self.url, self._domain, self._source = url, domain, source
        self._patterns, self._slow = tuple(patterns), slow
        self._id = int.from_bytes(os.urandom(4), "little")
        must = domain is not RelayDomain.MARKET_DATA if verify is None else verify
        self._checksum = ChecksumPolicy.ENFORCE if must else ChecksumPolicy.SKIP
        self._policy = policy or POLICY
        self._manager = RecoveryManager(self._policy, first=None)
        self._latest: dict[StreamKey, int] = {}
        settings = TransportSettings(strict=False, domain=domain, checksum=self._checksum)
        self._client = ReconnectingClient(url, settings, backoff, self._greet)
        self._subscribed = asyncio.Event()
        self._refused = ""
        self._early: deque[list[Message]] = deque()
        self._messages = self._gaps = self._lost = self._repeats = self._restarts = self._snapshots = 0
        self._requests = Requests()
        self._said_missing: dict[StreamKey, tuple[int, int]] = {}
        self._lossy = is_lossy(url)
        self._ticked = self._interruptions = 0

    async def open(self) -> None:
        """Connect and wait until the relay has confirmed.  Raises ConnectFailed, also for topics it refuses."""
        await self._client.open()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                while not self._subscribed.is_set():
                    self._early.append(self._ordered(await self._client.receive()))
                    if self._refused:
                        raise ConnectFailed(self.url, self._refused)
        except TimeoutError:
            raise ConnectFailed(self.url, f"no answer to the subscription within {ANSWER_SECONDS} s") from None

    async def receive(self) -> list[Message]:
        """The next messages, at least one.  Raises ConnectFailed, TransportClosed.  Cancelling it loses nothing."""
        while True:
            if not self._early:
                self._early.append(await self._next())
            await self._ask()
            messages = self._early.popleft()
            if messages:
                self._messages += len(messages)
                return messages

    def __aiter__(self) -> AsyncIterator[list[Message]]:
        return self

    async def __anext__(self) -> list[Message]:
        return await self.receive()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.close()

    @property
    def numbers(self) -> SubscriptionStatistics:
        """The counters so far."""
        return SubscriptionStatistics(
            self._messages, self._gaps, self._lost, self._repeats, self._restarts, self._snapshots
        )

    def statistics(self) -> TransportStatistics:
        return self._client.statistics()

    async def _next(self) -> list[Message]:
        if not self._is_watched():
            return self._ordered(await self._client.receive())
        try:
            async with asyncio.timeout(TICK):
                return self._ordered(await self._client.receive())
        except TimeoutError:
            return self._tick(time.monotonic_ns())

    def _is_watched(self) -> bool:
        """Whether something has to happen also when nothing comes."""
        gaps = (self._manager.status(key).gap for key in self._latest)
        return self._lossy or self._requests.open or any(gap is not None for gap in gaps)

    async def _greet(self, transport: Transport) -> None:
        await transport.send(
            subscribe_message(
                self._domain, source=self._source, consumer_id=self._id, patterns=self._patterns, slow=self._slow
            )
        )
        self._requests.begin(self._all_that_follows())

    def _all_that_follows(self) -> list[Gap]:
        return [retransmit(key, self._manager.status(key).expected, _ANY) for key in self._latest]

    async def _ask(self) -> None:
        due, waiting = self._requests.due(time.monotonic_ns())
        for gap in due:
            await self._client.send(recovery_request(gap, source=self._source, consumer_id=self._id))
        for key in (*map(key_of, due), *waiting):
            self._manager.requested(key, time.monotonic_ns())

    def _ordered(self, messages: list[Message]) -> list[Message]:
        now = time.monotonic_ns()
        out: list[Message] = []
        for message in messages:
            if is_reply(message):
                out += self._on_reply(message, now)
            else:
                out += self._take(message, now)
        if now - self._ticked > TICK * 1e9 and self._is_watched():
            out += self._tick(now)
        return out

    def _take(self, message: Message, now: int) -> tuple[Message, ...]:
        key, sent = (int(message.relay_domain), int(message.source)), message.timestamp
        decision = None
        try:
            decision = self._manager.receive(message, now)
            again = decision.action is SequenceAction.DUPLICATE and sent > self._latest[key]
        except Recovery:
            again = True
        if again or decision is None:
            self._restarts += 1
            self._manager.reset(key, message.sequence)
            decision = self._manager.receive(message, now)
        if decision.action is SequenceAction.DUPLICATE:
            self._repeats += 1
        elif sent > self._latest.get(key, -1) or again:
            self._latest[key] = sent
        if decision.gap is not None:
            self._gaps += 1
            self._requests.want(decision.gap)
        return decision.deliver

    def _on_reply(self, message: Message, now: int) -> list[Message]:
        reply = message.get(RelayReplyTLV)
        if reply is None or reply.consumer_id != self._id:
            return []
        if reply.request == SubscribeTLV.TYPE:
            if reply.status != Status.SUCCESS:
                self._refused = f"the relay refuses the topics {', '.join(self._patterns)}"
            self._subscribed.set()
            return []
        key = (int(self._domain), int(reply.source))
        if reply.request != TLVType.RECOVERY_REQUEST or key not in self._latest:
            return []
        asked, waiting = self._requests.answered(key)
        expected = self._manager.status(key).expected
        snapshot = message.get(SnapshotTLV)
        out: list[Message] = []
        if snapshot is not None:
            out = self._load(key, snapshot, now)
        elif reply.missing and asked is not None:
            if expected > asked.last + 1:  # a part has come: the relay sends large gaps in several answers
                waiting = asked if waiting is None or waiting.current < asked.current else waiting
            elif self._is_certain(key, expected, now):
                out = self._abandon(key, now)
        now_at = self._manager.status(key)
        if waiting is not None and now_at.expected < waiting.current:
            # What follows an open gap has come already, or is asked for when the gap is closed.
            current = waiting.current if now_at.gap is None else now_at.gap.current
            self._requests.want(retransmit(key, now_at.expected, current))
        return out

    def _is_certain(self, key: StreamKey, expected: int, now: int) -> bool:
        """Whether the relay will never have it: a new one at a NATS server may still hear it from its publisher."""
        if not self._lossy:
            return True
        said, since = self._said_missing.get(key, (-1, now))
        if said != expected:
            self._said_missing[key] = expected, now
            return False
        return now - since >= PATIENCE_NS

    def _abandon(self, key: StreamKey, now: int) -> list[Message]:
        """The relay has not got these messages any more: go on behind them."""
        expected = self._manager.status(key).expected
        decision = self._manager.abandon(key, now)
        self._lost += self._manager.status(key).expected - expected - len(decision.deliver)
        if decision.gap is not None:
            self._requests.want(decision.gap)
        return list(decision.deliver)

    def _load(self, key: StreamKey, tlv: SnapshotTLV, now: int) -> list[Message]:
        """Deliver what the snapshot holds of the missing messages, then go on behind it."""
        try:
            snapshot = read_snapshot(tlv, now=time.time_ns())
            held = [parse_message(each.data, checksum=self._checksum) for each in snapshot.message_buffer]
        except RemoteProtocolError:
            return self._failed(key, now)
        expected = self._manager.status(key).expected
        if not self._manager.begin_snapshot(key, snapshot.sequence, now):
            return []
        self._snapshots += 1
        wanted = {
            each.sequence: each
            for each in held
            if expected <= each.sequence <= snapshot.sequence and each.source == key[1]
        }
        missing = [wanted[number] for number in sorted(wanted)]  # a publisher may have sent them twice
        self._lost += snapshot.sequence - expected + 1 - len(missing)
        decision = self._manager.snapshot_loaded(key, now)
        if decision.gap is not None:
            self._requests.want(decision.gap)
        return [*missing, *decision.deliver]

    def _tick(self, now: int) -> list[Message]:
        """Ask again for what did not come, as long as there is somebody to ask."""
        self._ticked = now
        if not self._client.connected:
            return []
        if self._lossy:
            seen = self._client.statistics()
            if seen.reconnects + seen.drops != self._interruptions:
                self._interruptions = seen.reconnects + seen.drops
                for gap in self._all_that_follows():
                    self._requests.want(gap)
        self._requests.repeat(now - self._policy.timeout_ns)
        return [message for key in self._manager.overdue(now) for message in self._failed(key, now)]

    def _failed(self, key: StreamKey, now: int) -> list[Message]:
        """Ask again, the last time for a snapshot; after that, go on with what there is."""
        self._requests.answered(key)
        status = self._manager.status(key)
        if status.state is RecoveryState.NORMAL:
            return []
        last = status.failed_attempts + 1 >= self._policy.max_retries
        try:
            decision = self._manager.failed(
                key, now, strategy=RecoveryType.SNAPSHOT if last else RecoveryType.RETRANSMIT
            )
        except Recovery:
            gap = status.gap
            self._lost += 0 if gap is None else gap.missing
            self._manager.reset(key, status.expected if gap is None else gap.current)
            return []
        if decision.gap is not None:
            self._requests.want(decision.gap)
        return list(decision.deliver)
