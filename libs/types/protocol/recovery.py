"""RecoveryManager: messages of all streams in order, and the state of each stream while a gap is open.

Owns the states and what is done with a message in each.  Must not know sockets or clocks: times come in as arguments,
requests go out as values.  The numbers are judged in `sequence`, the messages kept in `pending`.

State rules:

    Normal             a gap opens                                     -> GapDetected, with a request to send
    GapDetected        `requested`                                     -> RecoveryRequested
    RecoveryRequested  the missing ones came in, in any order          -> Normal, all that was kept is delivered
                       (the end of a successful retransmit), or, where more are missing behind them, -> GapDetected
    both of these      `begin_snapshot`                                -> SnapshotLoading
    SnapshotLoading    `snapshot_loaded`                               -> Resynchronizing, expected = its number + 1
    the three above    `failed`                                        -> GapDetected with the next try, or Failed
    the three above    `abandon`                                       -> as if the missing ones had come
    Resynchronizing    the first number >= expected, kept or new       -> Normal; if it is not expected, GapDetected
    Failed             only `reset` leads out; until then `receive` raises Recovery

1. Until Normal, only `expected` itself is delivered; nothing at all while a snapshot loads, since it replaces what was
   delivered.  All else is kept.
2. After a snapshot the messages it covers are dropped, the others are delivered in order.  A snapshot that covers
   nothing new is not wanted: loading it would lead back.
3. A second gap behind the first is asked for on its own, once the first is closed.
4. The kept messages have a bound.  While a retransmit is awaited, what has no room is not kept, and is asked for when
   the gap before it is closed: nothing is lost.  While a snapshot is awaited the lowest go first, as it covers them.
5. Failed attempts are counted per gap; the first may be a retransmit, every later one is a snapshot, unless the caller
   of `failed` knows that the messages can still be had.
6. What is late is no error: `requested`, `begin_snapshot`, `failed` and `abandon` do nothing for a gap that has closed
   meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from ._codec import Message
from .errors import LocalProtocolError, Recovery
from .pending import PendingMessages
from .sequence import Gap, GapPolicy, SequenceTracker
from .tlvs import RecoveryType

StreamKey = tuple[int, int]


class SequenceAction(Enum):
    """What became of a message.  One that had no room counts as kept: it is asked for later."""

    PROCESS_NORMALLY = "process"
    DUPLICATE = "duplicate"
    BUFFER_MESSAGE = "buffer"
    INITIATE_RECOVERY = "recover"


class RecoveryState(Enum):
    """Where a stream is; see the rules above."""

    NORMAL = "normal"
    GAP_DETECTED = "gap detected"
    RECOVERY_REQUESTED = "recovery requested"
    SNAPSHOT_LOADING = "snapshot loading"
    RESYNCHRONIZING = "resynchronizing"
    FAILED = "failed"


class Decision(NamedTuple):
    """Process `deliver` in this order, then send a request for `gap` if there is one.

    `action` is what became of the message at hand; it is INITIATE_RECOVERY whenever there is a request to send.
    """

    action: SequenceAction
    deliver: tuple[Message, ...] = ()
    gap: Gap | None = None


class StreamStatus(NamedTuple):
    """How a stream is.  `dropped` counts messages that had to go while a gap was open."""

    state: RecoveryState
    expected: int
    gap: Gap | None
    failed_attempts: int
    pending: int
    pending_bytes: int
    dropped: int


class _Stream:
    __slots__ = ("attempts", "failure", "gap", "loading", "pending", "since", "state", "tracker")

    def __init__(self, policy: GapPolicy, expected: int) -> None:
        self.tracker = SequenceTracker(policy, expected)
        self.pending = PendingMessages(policy.pending_messages, policy.pending_bytes)
        self.state, self.since, self.attempts, self.loading = RecoveryState.NORMAL, 0, 0, 0
        self.gap: Gap | None = None
        self.failure = ""

    @property
    def complete(self) -> bool:
        """Whether nothing is known to be missing, and nothing is kept."""
        return not self.pending and self.tracker.highest < self.tracker.expected

    @property
    def next_known(self) -> int:
        """The lowest number behind what is missing: of a message that is kept, or the one after all that were seen."""
        return self.pending.lowest() if self.pending else self.tracker.highest + 1

    def take_following(self) -> tuple[Message, ...]:
        """The kept messages that are next in order."""
        taken = self.pending.take_from(self.tracker.expected)
        self.tracker.expected += len(taken)
        return taken

    def give_up(self, gap: Gap, reason: str) -> Recovery:
        self.failure = (
            f"{gap.missing} messages of source {gap.source} in domain {gap.relay_domain} are missing after "
            f"{gap.last}, and {self.attempts} attempts failed ({reason}); reset the stream to go on"
        )
        self.state = RecoveryState.FAILED
        self.pending.clear()
        return Recovery(self.failure)


class RecoveryManager:
    """Puts the messages of all streams in order.

    `policies` has the limits of single domains, `policy` those of all others.  `first` is the number that a stream
    begins with; None takes whatever comes first, for a consumer that joins a running stream.
    """

    def __init__(
        self,
        policy: GapPolicy | None = None,
        *,
        policies: Mapping[int, GapPolicy] | None = None,
        first: int | None = 1,
    ) -> None:
        self._policy, self._policies, self._first = policy or GapPolicy(), dict(policies or {}), first
        self._streams: dict[StreamKey, _Stream] = {}

    def receive(self, message: Message, now: int) -> Decision:
        """Decide about a message; what is kept is copied.  Raises Recovery, and has kept nothing then."""
        key, number = (int(message.relay_domain), int(message.source)), message.sequence
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = self._open(key, max(number, 1) if self._first is None else self._first)
        if stream.state is RecoveryState.FAILED:
            raise Recovery(stream.failure)
        ahead = stream.tracker.ahead(number)
        if ahead < 0 or number in stream.pending:
            return Decision(SequenceAction.DUPLICATE)
        if ahead == 0 and stream.state is not RecoveryState.SNAPSHOT_LOADING:
            stream.tracker.expected = number + 1
            return self._settle(key, stream, (message,), now)
        snapshot = stream.gap is not None and stream.gap.strategy is RecoveryType.SNAPSHOT
        stream.pending.add(message, make_room=snapshot)
        return self._open_gap(key, stream, ()) if stream.gap is None else Decision(SequenceAction.BUFFER_MESSAGE)

    def requested(self, key: StreamKey, now: int) -> None:
        """The request for the gap was sent."""
        stream = self._known(key)
        if stream.state is RecoveryState.GAP_DETECTED:
            stream.state, stream.since = RecoveryState.RECOVERY_REQUESTED, now

    def begin_snapshot(self, key: StreamKey, sequence: int, now: int) -> bool:
        """Whether a snapshot of the state after `sequence` is wanted; if so nothing is delivered until it is loaded."""
        stream = self._known(key)
        waiting = stream.state in (RecoveryState.GAP_DETECTED, RecoveryState.RECOVERY_REQUESTED)
        if not waiting or sequence < stream.tracker.expected:
            return False
        stream.state, stream.since, stream.loading = RecoveryState.SNAPSHOT_LOADING, now, sequence
        return True

    def snapshot_loaded(self, key: StreamKey, now: int) -> Decision:
        """The consumer has taken the snapshot over.  Raises LocalProtocolError where none was begun."""
        stream = self._known(key)
        if stream.state is not RecoveryState.SNAPSHOT_LOADING:
            raise LocalProtocolError(f"no snapshot is loading for stream {key}: it is {stream.state.value}")
        stream.tracker.expected = stream.loading + 1
        stream.tracker.highest = max(stream.tracker.highest, stream.loading)
        stream.pending.forget_below(stream.tracker.expected)
        stream.state, stream.gap, stream.attempts = RecoveryState.RESYNCHRONIZING, None, 0
        return Decision(SequenceAction.PROCESS_NORMALLY) if stream.complete else self._settle(key, stream, (), now)

    def failed(
        self,
        key: StreamKey,
        now: int,
        reason: str = "no answer",
        *,
        strategy: RecoveryType = RecoveryType.SNAPSHOT,
    ) -> Decision:
        """An attempt has failed; the next one asks for `strategy`.  Raises Recovery after the last retry."""
        stream = self._known(key)
        if stream.state is RecoveryState.FAILED:
            raise Recovery(stream.failure)
        if stream.gap is None:
            return Decision(SequenceAction.PROCESS_NORMALLY)
        # What came in while a snapshot was loading was kept, although it may have been what is missing.
        loading = stream.state is RecoveryState.SNAPSHOT_LOADING
        delivered = stream.take_following() if loading else ()
        if stream.complete:
            return self._settle(key, stream, delivered, now)
        if not delivered:
            stream.attempts += 1
            if stream.attempts > stream.tracker.policy.max_retries:
                raise stream.give_up(stream.gap, reason)
        return self._open_gap(key, stream, delivered, strategy)

    def abandon(self, key: StreamKey, now: int) -> Decision:
        """The messages of the gap cannot be had any more: go on behind them.  Raises Recovery as `receive`."""
        stream = self._known(key)
        if stream.state is RecoveryState.FAILED:
            raise Recovery(stream.failure)
        if stream.gap is None:
            return Decision(SequenceAction.PROCESS_NORMALLY)
        stream.tracker.expected = stream.next_known
        return self._settle(key, stream, (), now)

    def overdue(self, now: int) -> list[StreamKey]:
        """The streams whose request or snapshot takes longer than their policy allows: call `failed` for each."""
        waiting = (RecoveryState.RECOVERY_REQUESTED, RecoveryState.SNAPSHOT_LOADING)
        return [
            key
            for key, stream in self._streams.items()
            if stream.state in waiting and now - stream.since >= stream.tracker.policy.timeout_ns
        ]

    def reset(self, key: StreamKey, expected: int) -> None:
        """Forget the stream's past and go on with `expected`."""
        self._streams[key] = self._open(key, expected)

    def status(self, key: StreamKey) -> StreamStatus:
        """Raises KeyError for a stream that nothing came from yet."""
        stream = self._known(key)
        pending = stream.pending
        return StreamStatus(stream.state, stream.tracker.expected, stream.gap, stream.attempts,
                            len(pending), pending.size, pending.dropped)  # fmt: skip

    def _open(self, key: StreamKey, expected: int) -> _Stream:
        return _Stream(self._policies.get(key[0], self._policy), expected)

    def _known(self, key: StreamKey) -> _Stream:
        return self._streams[key]

    def _settle(self, key: StreamKey, stream: _Stream, delivered: tuple[Message, ...], now: int) -> Decision:
        """After progress: deliver what follows, and see whether the gap is closed, smaller, or another one."""
        delivered += stream.take_following()
        stream.since = now
        if stream.complete:
            stream.state, stream.gap, stream.attempts = RecoveryState.NORMAL, None, 0
            return Decision(SequenceAction.PROCESS_NORMALLY, delivered)
        if stream.gap is not None and stream.tracker.expected < stream.gap.current:
            return Decision(SequenceAction.PROCESS_NORMALLY, delivered)
        stream.attempts = 0
        return self._open_gap(key, stream, delivered)

    def _open_gap(
        self, key: StreamKey, stream: _Stream, delivered: tuple[Message, ...], strategy: RecoveryType | None = None
    ) -> Decision:
        last, current = stream.tracker.expected - 1, stream.next_known
        strategy = strategy or stream.tracker.policy.strategy(current - last - 1)
        stream.gap = Gap(*key, last, current, strategy)
        stream.state = RecoveryState.GAP_DETECTED
        return Decision(SequenceAction.INITIATE_RECOVERY, delivered, stream.gap)
