"""Gaps: what is a repeat, what is asked for, how a gap closes, and that nothing is lost or delivered twice."""

from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.types.protocol import (
    FieldRange,
    LocalProtocolError,
    Message,
    MessageBuilder,
    Recovery,
    RecoveryRequestTLV,
    RecoveryType,
    RelayDomain,
    SourceType,
    parse_message,
)
from libs.types.protocol.pending import PendingMessages
from libs.types.protocol.recovery import Decision, RecoveryManager, RecoveryState, SequenceAction
from libs.types.protocol.sequence import Gap, GapPolicy, SequenceTracker, recovery_message

KEY = (int(RelayDomain.SIGNAL), int(SourceType.MARKET_MAKER))
RETRANSMIT, SNAPSHOT = RecoveryType.RETRANSMIT, RecoveryType.SNAPSHOT
PROCESS, DUPLICATE = SequenceAction.PROCESS_NORMALLY, SequenceAction.DUPLICATE
BUFFER, RECOVER = SequenceAction.BUFFER_MESSAGE, SequenceAction.INITIATE_RECOVERY


def message(sequence: int, *, domain: int = KEY[0], source: int = KEY[1]) -> Message:
    return parse_message(MessageBuilder(relay_domain=domain, source=source, sequence=sequence, timestamp=1).build())


def gap(last: int, current: int, strategy: RecoveryType = RETRANSMIT) -> Gap:
    return Gap(*KEY, last, current, strategy)


class Consumer:
    """A manager, and what came out of it."""

    def __init__(self, **options: object) -> None:
        self.manager = RecoveryManager(**options)  # type: ignore[arg-type]
        self.delivered: list[int] = []

    def receive(self, *numbers: int, now: int = 0) -> Decision:
        return [self.take(self.manager.receive(message(number), now)) for number in numbers][-1]

    def take(self, decision: Decision) -> Decision:
        assert (decision.gap is not None) == (decision.action is RECOVER)
        self.delivered += [each.sequence for each in decision.deliver]
        return decision

    def state(self) -> RecoveryState:
        return self.manager.status(KEY).state


def test_in_order() -> None:
    consumer = Consumer()
    for number in range(1, 5):
        decision = consumer.receive(number)
        assert decision.action is PROCESS and [each.sequence for each in decision.deliver] == [number]
    assert consumer.manager.status(KEY) == (RecoveryState.NORMAL, 5, None, 0, 0, 0, 0)


def test_a_repeat_is_dropped_and_not_processed_again() -> None:
    consumer = Consumer()
    consumer.receive(1, 2, 3)
    for number in (1, 2, 3):
        assert consumer.receive(number) == Decision(DUPLICATE)
    consumer.receive(6)
    assert consumer.receive(6) == Decision(DUPLICATE)
    assert consumer.delivered == [1, 2, 3]


def test_a_retransmit_in_any_order_ends_in_normal() -> None:
    consumer = Consumer()
    assert consumer.receive(1, 2, 6) == Decision(RECOVER, (), gap(2, 6))
    assert consumer.state() is RecoveryState.GAP_DETECTED
    consumer.manager.requested(KEY, now=0)
    assert consumer.state() is RecoveryState.RECOVERY_REQUESTED
    assert consumer.receive(7).action is consumer.receive(5).action is BUFFER
    assert consumer.receive(3).action is PROCESS and consumer.state() is RecoveryState.RECOVERY_REQUESTED
    assert [each.sequence for each in consumer.receive(4).deliver] == [4, 5, 6, 7]
    assert consumer.state() is RecoveryState.NORMAL
    assert consumer.receive(8).action is PROCESS
    assert consumer.delivered == list(range(1, 9))


def test_a_gap_that_closes_by_itself_needs_no_request() -> None:
    consumer = Consumer()
    consumer.receive(2)
    assert consumer.receive(1).action is PROCESS and consumer.state() is RecoveryState.NORMAL
    consumer.manager.requested(KEY, now=5)
    assert consumer.manager.failed(KEY, now=5) == Decision(PROCESS)
    assert not consumer.manager.begin_snapshot(KEY, 9, now=5)
    assert consumer.state() is RecoveryState.NORMAL and consumer.delivered == [1, 2]


def test_a_second_gap_is_asked_for_when_the_first_is_closed() -> None:
    consumer = Consumer()
    assert consumer.receive(3).gap == gap(0, 3)
    assert consumer.receive(6).action is BUFFER
    decision = consumer.receive(1, 2)
    assert decision.action is RECOVER and decision.gap == gap(3, 6)
    assert [each.sequence for each in decision.deliver] == [2, 3]
    assert consumer.receive(4, 5).action is PROCESS
    assert consumer.delivered == [1, 2, 3, 4, 5, 6] and consumer.state() is RecoveryState.NORMAL


@pytest.mark.parametrize(
    ("missing", "strategy"), [(1, RETRANSMIT), (99, RETRANSMIT), (100, SNAPSHOT), (9999, SNAPSHOT), (10_000, SNAPSHOT)]
)
def test_the_strategy_follows_from_what_is_missing(missing: int, strategy: RecoveryType) -> None:
    decision = Consumer().receive(1, 2 + missing)
    assert decision.gap is not None and decision.gap.missing == missing
    assert decision.gap == gap(1, 2 + missing, strategy)


def test_limits_are_per_domain() -> None:
    consumer = Consumer(policies={KEY[0]: GapPolicy(snapshot_from=3)})
    assert consumer.receive(4).gap == gap(0, 4, SNAPSHOT)
    other = consumer.manager.receive(message(4, domain=RelayDomain.EXECUTION), 0)
    assert other.gap is not None and other.gap.strategy is RETRANSMIT
    assert consumer.manager.status((3, KEY[1])).expected == 1


def test_streams_are_per_domain_and_source() -> None:
    manager = RecoveryManager()
    for domain in (1, 2):
        for source in (20, 21):
            for number in (1, 2):
                assert manager.receive(message(number, domain=domain, source=source), 0).action is PROCESS


def test_more_than_the_largest_gap_is_refused_and_changes_nothing() -> None:
    consumer = Consumer()
    consumer.receive(1)
    for number in (10_003, 2**64 - 1):
        with pytest.raises(Recovery, match="at most 10000"):
            consumer.receive(number)
    assert consumer.manager.status(KEY) == (RecoveryState.NORMAL, 2, None, 0, 0, 0, 0)
    consumer.receive(3)
    with pytest.raises(Recovery):
        consumer.receive(10_005)
    assert consumer.receive(10_004).action is BUFFER


def test_far_behind_means_that_the_source_has_started_again() -> None:
    consumer = Consumer(first=5000)
    consumer.receive(5000)
    assert consumer.receive(4001) == Decision(DUPLICATE)
    with pytest.raises(Recovery, match="started again"):
        consumer.receive(4000)
    consumer.manager.reset(KEY, expected=1)
    assert consumer.receive(1).action is PROCESS


def test_numbers_start_at_one() -> None:
    for first in (1, None):
        with pytest.raises(Recovery):
            Consumer(first=first).receive(0)


def test_a_consumer_may_join_a_running_stream() -> None:
    consumer = Consumer(first=None)
    consumer.receive(77_000, 77_001)
    assert consumer.delivered == [77_000, 77_001]


def test_a_snapshot_covers_what_is_missing() -> None:
    consumer = Consumer()
    assert consumer.receive(1, 202).gap == gap(1, 202, SNAPSHOT)
    consumer.manager.requested(KEY, now=0)
    consumer.receive(203, 205)
    assert consumer.manager.begin_snapshot(KEY, 203, now=1)
    assert consumer.state() is RecoveryState.SNAPSHOT_LOADING
    assert consumer.receive(2).action is BUFFER and consumer.receive(204).action is BUFFER
    decision = consumer.take(consumer.manager.snapshot_loaded(KEY, now=2))
    assert [each.sequence for each in decision.deliver] == [204, 205]
    assert consumer.state() is RecoveryState.NORMAL and consumer.receive(206).action is PROCESS


@pytest.mark.parametrize(("number", "state"), [(301, RecoveryState.NORMAL), (303, RecoveryState.GAP_DETECTED)])
def test_resynchronizing_ends_with_the_first_number_behind_the_snapshot(number: int, state: RecoveryState) -> None:
    consumer = Consumer()
    consumer.receive(200)
    consumer.manager.begin_snapshot(KEY, 300, now=1)
    assert consumer.manager.snapshot_loaded(KEY, now=1) == Decision(PROCESS)
    assert consumer.state() is RecoveryState.RESYNCHRONIZING
    assert consumer.receive(250) == Decision(DUPLICATE) and consumer.state() is RecoveryState.RESYNCHRONIZING
    consumer.receive(number)
    assert consumer.state() is state
    assert consumer.manager.status(KEY).gap == (None if number == 301 else gap(300, 303))


def test_a_gap_behind_the_snapshot_is_a_new_one() -> None:
    consumer = Consumer()
    consumer.receive(200, 210)
    consumer.manager.begin_snapshot(KEY, 205, now=1)
    decision = consumer.manager.snapshot_loaded(KEY, now=1)
    assert decision == Decision(RECOVER, (), gap(205, 210))


def test_a_snapshot_that_leads_back_is_not_wanted() -> None:
    consumer = Consumer()
    consumer.receive(*range(1, 51), 200)
    assert not consumer.manager.begin_snapshot(KEY, 50, now=1)
    assert consumer.manager.begin_snapshot(KEY, 51, now=1)


def test_loading_has_to_begin() -> None:
    consumer = Consumer()
    consumer.receive(5)
    with pytest.raises(LocalProtocolError, match="gap detected"):
        consumer.manager.snapshot_loaded(KEY, now=0)


def test_retries_ask_for_a_snapshot_until_they_are_used_up() -> None:
    consumer = Consumer(policy=GapPolicy(max_retries=2, timeout_ns=100))
    assert consumer.receive(1, 4).gap == gap(1, 4)
    for attempt in (1, 2):
        consumer.manager.requested(KEY, now=1000 * attempt)
        assert consumer.manager.overdue(1000 * attempt + 99) == []
        assert consumer.manager.overdue(1000 * attempt + 100) == [KEY]
        assert consumer.take(consumer.manager.failed(KEY, now=0)).gap == gap(1, 4, SNAPSHOT)
        assert consumer.manager.status(KEY).failed_attempts == attempt
        assert consumer.manager.overdue(10**9) == []
    with pytest.raises(Recovery, match=r"2 messages of source 21 in domain 2 .* after 1, and 3 attempts .*\(refused\)"):
        consumer.manager.failed(KEY, now=0, reason="refused")
    for number in (2, 5):
        with pytest.raises(Recovery, match="reset"):
            consumer.receive(number)
    with pytest.raises(Recovery):
        consumer.manager.failed(KEY, now=0)
    assert consumer.state() is RecoveryState.FAILED and consumer.manager.status(KEY).pending == 0
    consumer.manager.reset(KEY, expected=5)
    assert consumer.receive(5).action is PROCESS


def test_progress_puts_the_deadline_off() -> None:
    consumer = Consumer(policy=GapPolicy(timeout_ns=100))
    consumer.receive(9)
    consumer.manager.requested(KEY, now=0)
    consumer.receive(1, now=90)
    assert consumer.manager.overdue(100) == [] and consumer.manager.overdue(190) == [KEY]


def test_what_came_while_a_failed_snapshot_was_loading_is_delivered() -> None:
    consumer = Consumer()
    consumer.receive(4)
    consumer.manager.begin_snapshot(KEY, 2, now=0)
    consumer.receive(1, 2)
    decision = consumer.take(consumer.manager.failed(KEY, now=0))
    assert decision.gap == gap(2, 4, SNAPSHOT) and consumer.delivered == [1, 2]
    consumer.manager.begin_snapshot(KEY, 3, now=0)
    consumer.receive(3)
    assert consumer.take(consumer.manager.failed(KEY, now=0)).action is PROCESS
    assert consumer.delivered == [1, 2, 3, 4] and consumer.state() is RecoveryState.NORMAL


def test_what_has_no_room_is_asked_for_when_the_gap_before_it_is_closed() -> None:
    consumer = Consumer(policy=GapPolicy(pending_messages=3))
    assert consumer.receive(3).gap == gap(0, 3)
    assert consumer.receive(4, 5).action is consumer.receive(6, 7).action is BUFFER
    status = consumer.manager.status(KEY)
    assert (status.pending, status.dropped, status.pending_bytes) == (3, 2, 96)
    assert consumer.receive(1, 2).gap == gap(5, 8) and consumer.delivered == [1, 2, 3, 4, 5]
    assert consumer.receive(8).action is BUFFER
    assert consumer.receive(6, 7).action is PROCESS and consumer.delivered == list(range(1, 9))
    assert consumer.state() is RecoveryState.NORMAL


def test_while_a_snapshot_is_awaited_the_lowest_make_room() -> None:
    consumer = Consumer(policy=GapPolicy(pending_messages=3, snapshot_from=1))
    assert consumer.receive(3).gap == gap(0, 3, SNAPSHOT)
    assert consumer.receive(4, 5, 6, 7).action is BUFFER
    status = consumer.manager.status(KEY)
    assert (status.pending, status.dropped, status.pending_bytes) == (3, 2, 96)
    consumer.manager.begin_snapshot(KEY, 5, now=0)
    assert [each.sequence for each in consumer.manager.snapshot_loaded(KEY, now=0).deliver] == [6, 7]


def test_a_gap_that_nobody_can_fill_is_left_behind() -> None:
    consumer = Consumer(policy=GapPolicy(pending_messages=3))
    assert consumer.manager.receive(message(1), 0).action is PROCESS
    assert consumer.manager.abandon(KEY, now=0) == Decision(PROCESS)
    consumer.receive(4, 5, 8, 9)
    decision = consumer.take(consumer.manager.abandon(KEY, now=0))
    assert decision.gap == gap(5, 8) and consumer.delivered == [4, 5]
    assert consumer.take(consumer.manager.abandon(KEY, now=0)).gap == gap(8, 10)  # 9 had no room
    assert consumer.take(consumer.manager.abandon(KEY, now=0)) == Decision(PROCESS)
    assert consumer.delivered == [4, 5, 8] and consumer.manager.status(KEY).expected == 10


def test_a_failed_attempt_can_be_repeated_as_a_retransmit() -> None:
    consumer = Consumer(policy=GapPolicy(max_retries=1))
    consumer.receive(3)
    assert consumer.manager.failed(KEY, now=0, strategy=RETRANSMIT).gap == gap(0, 3)
    with pytest.raises(Recovery):
        consumer.manager.failed(KEY, now=0, strategy=RETRANSMIT)
    with pytest.raises(Recovery):
        consumer.manager.abandon(KEY, now=0)


@given(st.lists(st.integers(1, 60), max_size=200), st.integers(1, 5))
@settings(max_examples=200, deadline=None)
def test_a_full_buffer_loses_nothing_that_can_be_sent_again(arrivals: list[int], room: int) -> None:
    consumer = Consumer(policy=GapPolicy(pending_messages=room))
    for number in arrivals:
        wanted = consumer.receive(number).gap
        while wanted is not None:
            assert wanted.strategy is RETRANSMIT
            wanted = consumer.receive(*range(wanted.last + 1, wanted.current)).gap
    assert consumer.delivered == list(range(1, max(arrivals, default=0) + 1))


def test_pending_messages_are_copies() -> None:
    chunk = bytearray(bytes(message(5)))
    pending = PendingMessages(10, 1 << 20)
    view = parse_message(chunk)
    assert pending.add(view)
    del view
    chunk[:] = bytes(len(chunk))
    chunk.clear()
    assert [bytes(each) for each in pending.take_from(5)] == [bytes(message(5))]
    assert len(pending) == pending.size == 0


def test_pending_messages_are_bounded_by_bytes_but_keep_one() -> None:
    pending = PendingMessages(10, 70)
    assert pending.add(message(5)) and pending.add(message(9)) and not pending.add(message(7))
    assert 7 in pending and 9 in pending and pending.lowest() == 7
    tiny = PendingMessages(1, 1)
    assert tiny.add(message(5)) and not tiny.add(message(4)) and 5 in tiny
    with pytest.raises(IndexError):
        PendingMessages(1, 1).lowest()


@pytest.mark.parametrize("name", ["snapshot_from", "max_gap", "timeout_ns", "pending_messages", "pending_bytes"])
def test_policies_make_sense(name: str) -> None:
    with pytest.raises(FieldRange, match=name):
        GapPolicy(**{name: 0})


def test_the_tracker_alone() -> None:
    tracker = SequenceTracker(GapPolicy(window=2), expected=10)
    assert [tracker.ahead(number) for number in (8, 9, 10, 12)] == [-1, -1, 0, 2]
    with pytest.raises(Recovery):
        tracker.ahead(7)


def test_the_request_is_signed() -> None:
    data = recovery_message(gap(7, 11), source=SourceType.DASHBOARD, consumer_id=9, sequence=3, timestamp=5)
    parsed = parse_message(data)
    assert (parsed.relay_domain, parsed.source, parsed.sequence, parsed.timestamp) == (2, 60, 3, 5)
    request = parsed.get(RecoveryRequestTLV)
    assert request is not None and request == RecoveryRequestTLV(
        last_sequence=7, current_sequence=11, consumer_id=9, request_type=1
    )
    assert request.missing == gap(7, 11).missing == 3 and request.gap_size == 4


def lossy(random: Random, count: int, loss: float) -> Iterable[int]:
    """1 to `count`, some lost, some twice, some a little out of order."""
    numbers: list[float] = []
    for number in range(1, count + 1):
        if random.random() >= loss:
            numbers.append(number + random.choice((0, 0, 0, random.random() * 5)))
        if random.random() < 0.1:
            numbers.append(number + random.random() * 20)
    return [int(number) for number in sorted(numbers, key=lambda number: number + random.choice((0, 0, 3)))]


@given(st.integers(0), st.sampled_from([0.0, 0.05, 0.3, 0.9]), st.integers(1, 40), st.booleans())
@settings(max_examples=150, deadline=None)
def test_everything_is_delivered_once_and_in_order(seed: int, loss: float, snapshot_from: int, small: bool) -> None:
    random = Random(seed)
    count = 300
    policy = GapPolicy(snapshot_from=snapshot_from, max_retries=100, pending_messages=5 if small else 1000)
    consumer = Consumer(policy=policy)
    manager, position = consumer.manager, 0  # the number up to which the consumer's state is complete
    sent = 0

    def apply(decision: Decision) -> Gap | None:
        nonlocal position
        for each in decision.deliver:
            assert each.sequence == position + 1
            position = each.sequence
        return decision.gap

    def answer(request: Gap) -> Iterable[Gap | None]:
        nonlocal position
        assert request.missing >= 1 and request.last <= position < request.current
        manager.requested(KEY, 0)
        if random.random() < 0.3:
            yield apply(manager.failed(KEY, 0))
        elif request.strategy is RETRANSMIT:
            for number in random.sample(range(request.last + 1, request.current), request.missing):
                if random.random() < 0.8:
                    yield apply(manager.receive(message(number), 0))
        elif manager.begin_snapshot(KEY, sent, 0):
            if random.random() < 0.3:
                yield apply(manager.failed(KEY, 0))
            else:
                position = sent
                yield apply(manager.snapshot_loaded(KEY, 0))

    for number in [*lossy(random, count, loss), *range(count - 5, count + 50)]:
        sent = max(sent, number)
        requests = [apply(manager.receive(message(number), 0))]
        for _ in range(3):
            if requests and requests[-1] is not None and random.random() < 0.7:
                requests = list(answer(requests[-1]))
    for _ in range(400):
        request = manager.status(KEY).gap
        if request is not None:
            list(answer(request))
    status = manager.status(KEY)
    assert status.gap is None and position == sent == count + 49
    assert status.state in (RecoveryState.NORMAL, RecoveryState.RESYNCHRONIZING) and status.pending == 0
