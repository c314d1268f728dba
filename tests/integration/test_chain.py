"""Capture to recording through all services, as pure functions: what is recorded equals what was sent."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from libs.types.protocol import (
    ArbitrageSignalTLV,
    OrderBookTLV,
    QuoteTLV,
    RelayDomain,
    SignalIdentityTLV,
    StateInvalidationTLV,
    parse_message,
)
from services.book_builder.app import BookBuilder
from services.execution_sim.app import ExecutionSim, FillTLV, OrderRequestTLV, Side
from services.recorder.app import Part, Recorder
from tests.integration.chain import CLASSES, Run, captured, run_chain

pq = pytest.importorskip("pyarrow.parquet", reason="the recorder needs pyarrow")
from services.recorder.files import write_part  # noqa: E402
from services.recorder.rebuild import messages_of  # noqa: E402


@pytest.fixture(scope="module")
def done() -> Run:
    return run_chain(captured())


def tables(parts: Iterable[Part]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for part in parts:
        found.setdefault(part.table, []).append(part.rows)
    return found


def test_all_of_it_happens(done: Run) -> None:
    read = [parse_message(data) for data in done.sent]
    assert {message.relay_domain for message in read} == {1, 2, 3}
    counts = {cls: sum(message.get(cls) is not None for message in read) for cls in
              (OrderBookTLV, QuoteTLV, StateInvalidationTLV, ArbitrageSignalTLV, OrderRequestTLV, FillTLV)}  # fmt: skip
    assert min(counts.values()) > 0, counts
    builder, execution, recorder = done.builder.counts, done.execution.counts, done.recorder.counts
    assert builder.messages == len(captured())
    assert builder.signals == execution.signals == counts[ArbitrageSignalTLV]
    assert (builder.unreadable, execution.unreadable, recorder.unreadable) == (0, 0, 0)
    assert execution.fills == counts[FillTLV] and execution.orders == counts[OrderRequestTLV]
    assert (recorder.duplicates, recorder.conflicts, recorder.undecoded, recorder.inexact) == (0, 0, 0, 0)


def test_what_is_recorded_equals_what_was_sent(done: Run) -> None:
    assert messages_of(tables(done.parts), CLASSES) == done.sent


def test_files_hold_it_too(done: Run, tmp_path: Path) -> None:
    for number, part in enumerate(done.parts):
        write_part(tmp_path, part, 1, number)
    read: dict[str, list[Any]] = {}
    for path in tmp_path.rglob("*.parquet"):
        read.setdefault(path.relative_to(tmp_path).parts[0], []).append(pq.ParquetFile(path).read())
    assert messages_of(read, CLASSES) == done.sent
    assert len(list(tmp_path.rglob("*.parquet"))) == len(done.parts) == done.recorder.counts.parts


def test_every_sender_counts_without_holes(done: Run) -> None:
    numbers: dict[tuple[int, int], list[int]] = {}
    for message in map(parse_message, done.sent):
        numbers.setdefault((message.relay_domain, message.source), []).append(message.sequence)
    assert len(numbers) == 5
    for (domain, source), several in numbers.items():
        assert several == list(range(1, len(several) + 1))
        assert done.recorder.missing(domain, source) == []


def test_the_same_captures_give_the_same_messages(done: Run) -> None:
    assert run_chain(captured()).sent == done.sent


def test_messages_that_a_transport_has_read_are_taken_as_they_are(done: Run) -> None:
    builder, execution, recorder = (
        BookBuilder(done.builder.config),
        ExecutionSim(done.execution.config),
        Recorder(run=1),
    )
    sent = []
    for each in captured():
        # One buffer for all messages, as a transport that reads again: nothing of it may be kept.
        buffer = bytearray(each.data)
        message = parse_message(buffer)
        recorder.add(message, each.timestamp_ns)
        signals = builder.handle(message, each.timestamp_ns)
        buffer[:] = bytes(len(buffer))
        sent.append(each.data)
        for signal in signals:
            buffer = bytearray(signal)
            orders = execution.handle(parse_message(buffer), each.timestamp_ns)
            buffer[:] = bytes(len(buffer))
            sent += [signal, *orders]
    assert sent == done.sent
    assert recorder.counts.messages == len(captured()) and recorder.counts.unreadable == 0


def test_what_arrives_twice_is_done_once(done: Run) -> None:
    again = run_chain(captured(), repeat=2)
    assert again.sent == done.sent
    assert messages_of(tables(again.parts), CLASSES) == done.sent
    assert again.execution.counts.replayed == done.execution.counts.signals
    assert again.recorder.counts.duplicates == len(done.sent)


def test_orders_name_their_signals(done: Run) -> None:
    signals, ordered = set[int](), set[int]()
    for message in map(parse_message, done.sent):
        identity = message.get(SignalIdentityTLV)
        if identity is not None:
            (signals if message.relay_domain == RelayDomain.SIGNAL else ordered).add(identity.signal_id)
    assert ordered == signals and len(signals) == done.builder.counts.signals


def test_profits_are_those_of_the_fills(done: Run) -> None:
    pnl = done.execution.pnl()
    orders: dict[int, OrderRequestTLV] = {}
    cash = fees = 0
    for message in map(parse_message, done.sent):
        order, fill = message.get(OrderRequestTLV), message.get(FillTLV)
        if order is not None:
            orders[order.order_id] = order
        if fill is not None:
            sign = 1 if orders[fill.order_id].side == Side.SELL else -1
            cash += sign * fill.price * fill.quantity // 10**8  # rounded down: what is paid becomes more
            fees += fill.fee
    assert (pnl.cash, pnl.fees) == (cash, fees) and fees > 0
