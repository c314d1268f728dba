"""Signals to orders and fills: what is sent, what is refused and why, and that nothing is done twice."""

from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.stamping import Stamp
from libs.types.protocol import (
    TLV,
    ArbitrageSignalTLV,
    HeartbeatTLV,
    InstrumentId,
    InvalidationReason,
    Message,
    MessageBuilder,
    OrderBookTLV,
    QuoteTLV,
    RelayDomain,
    SignalIdentityTLV,
    SourceType,
    StateInvalidationTLV,
    VenueId,
    parse_message,
)
from services.execution_sim.app import (
    Config,
    ExecutionSim,
    FillTLV,
    OrderRequestTLV,
    OrderStatusTLV,
    Pnl,
    Reason,
    Side,
    Status,
)

T = TypeVar("T", bound=TLV)

ONE = 10**8
SECOND = 10**9
FREE = Config(default_fee_ppm=0)
BUY = InstrumentId.coin(VenueId.BINANCE, "BTCUSD")
SELL = InstrumentId.coin(VenueId.KRAKEN, "BTCUSD")


def quote(instrument: InstrumentId, bid: int, ask: int, size: int = 10, time: int = 1) -> QuoteTLV:
    return QuoteTLV.of(
        instrument,
        bid_price=bid * ONE,
        bid_size=size * ONE if bid else 0,
        ask_price=ask * ONE,
        ask_size=size * ONE if ask else 0,
        timestamp_ns=time,
    )


def signal(number: int = 1, capital: int = 200, **changed: Any) -> ArbitrageSignalTLV:
    fields: dict[str, Any] = {
        "signal_id": number,
        "chain_id": 0,
        "source_pool": bytes(BUY).ljust(20, b"\0"),
        "target_pool": bytes(SELL).ljust(20, b"\0"),
        "source_venue": BUY.venue,
        "target_venue": SELL.venue,
        "token_in": bytes(20),
        "token_out": bytes(20),
        "expected_profit_usd_q8": 1,
        "required_capital_usd_q8": capital * ONE,
        "spread_bps": 1,
        "dex_fees_usd_q8": 0,
        "gas_cost_usd_q8": 0,
        "slippage_usd_q8": 0,
        "net_profit_usd_q8": 1,
        "valid_until": 10,
        "priority": 1,
        "timestamp_ns": 1,
    }
    return ArbitrageSignalTLV(**{**fields, **changed})


def feed(sim: ExecutionSim, *tlvs: TLV, now: int = SECOND, domain: int = RelayDomain.SIGNAL) -> list[Message]:
    stamp = Stamp(domain, SourceType.ARBITRAGE_STRATEGY)
    return [parse_message(data) for tlv in tlvs for data in sim.handle(stamp.message([tlv], now), now)]


def got(message: Message, cls: type[T]) -> T:
    """The message's TLV, which has to be there."""
    found = message.get(cls)
    assert found is not None
    return found


def outline(messages: list[Message]) -> list[tuple[Any, ...]]:
    out: list[tuple[Any, ...]] = []
    for message in messages:
        request, fill, status = message.get(OrderRequestTLV), message.get(FillTLV), message.get(OrderStatusTLV)
        if request is not None:
            out.append(("order", request.order_id, Side(request.side).name, request.quantity // ONE))
        if fill is not None:
            out.append(("fill", fill.order_id, fill.price // ONE, fill.quantity // ONE, fill.last))
        if status is not None:
            out.append((Status(status.status).name, status.order_id, Reason(status.reason).name))
    return out


def test_a_signal_is_bought_and_sold() -> None:
    sim = ExecutionSim(FREE)
    found = feed(sim, quote(BUY, 99, 100), quote(SELL, 101, 102), signal())
    assert outline(found) == [
        ("order", 1, "BUY", 2),
        ("fill", 1, 100, 2, 1),
        ("FILLED", 1, "NONE"),
        ("order", 2, "SELL", 2),
        ("fill", 2, 101, 2, 1),
        ("FILLED", 2, "NONE"),
    ]
    assert [message.sequence for message in found] == [1, 2, 3, 4, 5, 6]
    assert {(message.relay_domain, message.source) for message in found} == {(3, 42)}
    request = got(found[0], OrderRequestTLV)
    assert request.instrument == BUY and request.limit_price == 100 * ONE * 10_050 // 10_000
    assert got(found[3], OrderRequestTLV).limit_price == 101 * ONE * 9_950 // 10_000
    assert got(found[0], SignalIdentityTLV).signal_id == 1
    assert sim.pnl() == Pnl(cash=2 * ONE, fees=0, value=(2 * 99 - 2 * 102) * ONE)
    assert sim.positions[BUY].quantity == 2 * ONE and sim.positions[SELL].quantity == -2 * ONE


def test_the_value_of_open_positions() -> None:
    sim = ExecutionSim(Config(default_fee_ppm=1_000))
    feed(sim, quote(BUY, 99, 100), quote(SELL, 101, 102), signal())
    # Bought for 200, sold for 202, and closing both costs the spreads: 198 - 204.
    found = sim.pnl()
    assert found == Pnl(cash=2 * ONE, fees=ONE // 5 + ONE * 202 // 1000, value=(198 - 204) * ONE)
    assert found.total == found.cash - found.fees + found.value


def test_a_replayed_signal_does_nothing() -> None:
    sim = ExecutionSim(FREE)
    prices = quote(BUY, 99, 100), quote(SELL, 101, 102)
    assert len(feed(sim, *prices, signal(), signal(), signal(2), signal())) == 12
    assert len(feed(sim, signal(strategy_id=5))) == 6
    assert sim.counts.replayed == 2 and sim.counts.signals == 3
    # What was rejected is not tried again either.
    sim = ExecutionSim(FREE)
    assert len(feed(sim, signal())) == 1 and feed(sim, *prices, signal()) == []


def test_a_signal_is_forgotten_when_it_can_do_no_harm() -> None:
    sim = ExecutionSim(Config(max_signals=1))
    feed(sim, signal(1))
    assert feed(sim, signal(2)) == [] and sim.counts.crowded == 1
    sim.on_time(11 * SECOND - 1)
    assert feed(sim, signal(2), now=11 * SECOND - 1) == [] and sim.counts.crowded == 2
    sim.on_time(11 * SECOND)
    assert feed(sim, signal(1), now=11 * SECOND) == [] and sim.counts.expired == 1
    assert len(feed(sim, signal(2, valid_until=20), now=11 * SECOND)) == 1


def test_partial_fills() -> None:
    sim = ExecutionSim(FREE)
    found = feed(sim, quote(BUY, 99, 100, size=3), quote(SELL, 101, 102, size=2), signal(capital=500))
    assert outline(found) == [
        ("order", 1, "BUY", 5),
        ("fill", 1, 100, 3, 1),
        ("PARTIALLY_FILLED", 1, "NONE"),
        ("order", 2, "SELL", 3),
        ("fill", 2, 101, 2, 1),
        ("PARTIALLY_FILLED", 2, "NONE"),
    ]
    assert got(found[2], OrderStatusTLV).remaining == 2 * ONE
    # What was taken is gone until the venue says otherwise.
    assert outline(feed(sim, signal(2))) == [("REJECTED", 0, "NO_PRICE")]
    assert len(feed(sim, quote(BUY, 99, 100, time=2), quote(SELL, 101, 102, time=2), signal(3))) == 6


def test_a_book_is_taken_level_by_level() -> None:
    sim = ExecutionSim(FREE)
    book = OrderBookTLV.of(
        BUY, timestamp_ns=1, sequence=1, asks=[(10_000 * ONE, ONE, 0), (10_040 * ONE, ONE, 0), (10_060 * ONE, ONE, 0)]
    )
    found = feed(sim, book, domain=RelayDomain.MARKET_DATA) + feed(
        sim, quote(SELL, 10_100, 10_200), signal(capital=30_000), now=SECOND
    )
    assert outline(found) == [("REJECTED", 0, "ORDER_LIMIT")]
    sim = ExecutionSim(Config(default_fee_ppm=0, max_order=10**15, max_position=10**15))
    found = feed(sim, book, quote(SELL, 10_100, 10_200), signal(capital=30_000))
    assert outline(found)[:4] == [
        ("order", 1, "BUY", 3),
        ("fill", 1, 10_000, 1, 0),
        ("fill", 1, 10_040, 1, 1),
        ("PARTIALLY_FILLED", 1, "NONE"),
    ]


@pytest.mark.parametrize(
    ("config", "prices", "changed", "reason"),
    [
        (FREE, [], {}, Reason.NO_PRICE),
        (FREE, [quote(BUY, 99, 100)], {}, Reason.NO_PRICE),
        (FREE, [quote(BUY, 99, 0), quote(SELL, 101, 102)], {}, Reason.NO_PRICE),
        (FREE, [quote(BUY, 99, 100), quote(SELL, 0, 102)], {}, Reason.NO_PRICE),
        (FREE, None, {"capital": 0}, Reason.TOO_SMALL),
        (FREE, None, {"capital": -5}, Reason.TOO_SMALL),
        (Config(max_order=200 * ONE), None, {}, Reason.ORDER_LIMIT),
        (FREE, None, {"required_capital_usd_q8": 2**63 - 1}, Reason.ORDER_LIMIT),
        (Config(max_position=200 * ONE), None, {}, Reason.POSITION_LIMIT),
    ],
)
def test_what_is_rejected(config: Config, prices: list[TLV] | None, changed: dict[str, Any], reason: Reason) -> None:
    sim = ExecutionSim(config)
    both = [quote(BUY, 99, 100), quote(SELL, 101, 102)] if prices is None else prices
    (message,) = feed(sim, *both, signal(**changed))
    status = got(message, OrderStatusTLV)
    assert (status.status, status.reason, status.order_id) == (Status.REJECTED, reason, 0)
    assert sim.counts.rejected == 1 and sim.counts.orders == 0 and not sim.positions


def test_the_smallest_prices_cannot_break_the_arithmetic() -> None:
    sim = ExecutionSim(Config(max_order=2**63 - 1, max_position=2**63 - 1))
    tiny = QuoteTLV.of(BUY, bid_price=0, bid_size=0, ask_price=1, ask_size=2**63 - 1, timestamp_ns=1)
    huge = QuoteTLV.of(SELL, bid_price=2**63 - 1, bid_size=2**63 - 1, ask_price=0, ask_size=0, timestamp_ns=1)
    found = feed(sim, tiny, huge, signal(required_capital_usd_q8=2**63 - 1), signal(2, required_capital_usd_q8=1))
    assert outline(found)[0] == ("REJECTED", 0, "ORDER_LIMIT")
    assert outline(found)[1][:3] == ("order", 1, "BUY")
    assert sim.counts.fills == 2


def test_a_position_may_always_become_smaller() -> None:
    sim = ExecutionSim(Config(default_fee_ppm=0, max_position=210 * ONE))
    prices = quote(BUY, 99, 100), quote(SELL, 101, 102)
    back: dict[str, Any] = {"source_pool": bytes(SELL).ljust(20, b"\0"), "target_pool": bytes(BUY).ljust(20, b"\0")}
    back |= {"source_venue": SELL.venue, "target_venue": BUY.venue}
    found = outline(feed(sim, *prices, signal(1), signal(2), signal(3, **back)))
    assert [each for each in found if each[0] == "REJECTED"] == [("REJECTED", 0, "POSITION_LIMIT")]
    assert len(found) == 13 and abs(sim.positions[SELL].quantity) < ONE


def test_after_the_loss_limit_nothing_is_traded() -> None:
    sim = ExecutionSim(Config(default_fee_ppm=500_000, max_loss=100 * ONE))
    feed(sim, quote(BUY, 99, 100), quote(SELL, 101, 102), signal(1))
    assert outline(feed(sim, signal(2))) == [("REJECTED", 0, "LOSS_LIMIT")] and sim.halted
    sim.resume()
    assert outline(feed(sim, signal(3))) == [("REJECTED", 0, "LOSS_LIMIT")] and sim.halted


@pytest.mark.parametrize(
    "changed",
    [
        {"chain_id": 137},
        {"source_venue": 101},
        {"source_pool": b"\1" * 20},
        {"target_pool": bytes(BUY).ljust(20, b"\0"), "target_venue": BUY.venue},
        {"target_pool": bytes(InstrumentId.coin(101, "ETHUSD")).ljust(20, b"\0")},
        {"source_pool": bytes(BUY.replace(reserved=1)).ljust(20, b"\0")},
    ],
)
def test_signals_that_are_not_between_exchanges(changed: dict[str, Any]) -> None:
    sim = ExecutionSim(FREE)
    assert feed(sim, quote(BUY, 99, 100), quote(SELL, 101, 102), signal(**changed)) == []
    assert sim.counts.malformed == 1


def test_prices_go_when_they_are_invalid_refused_or_old() -> None:
    gone = StateInvalidationTLV(
        sequence=1, timestamp_ns=1, instruments=[BUY, BUY], venue=100, reason=int(InvalidationReason.STALENESS)
    )
    book = OrderBookTLV.of(BUY, timestamp_ns=2, sequence=1, precision_factor=10, asks=[(1, 1, 0)])
    for number, tlv in enumerate([gone, quote(BUY, 101, 100), book]):
        sim = ExecutionSim(FREE)
        assert outline(feed(sim, quote(BUY, 99, 100), quote(SELL, 101, 102), tlv, signal())) == [
            ("REJECTED", 0, "NO_PRICE")
        ]
        assert (sim.counts.invalidated, sim.counts.refused) == ((1, 0) if number == 0 else (0, 1))
    sim = ExecutionSim(FREE)
    feed(sim, quote(BUY, 99, 100), quote(SELL, 101, 102), now=SECOND)
    assert len(feed(sim, signal(1), now=6 * SECOND)) == 6
    assert len(feed(sim, signal(2), now=6 * SECOND + 1)) == 1
    sim.on_time(7 * SECOND)
    assert sim.pnl().value == (200 - 202) * ONE


def test_outdated_and_crowded_prices() -> None:
    sim = ExecutionSim(Config(max_instruments=1))
    feed(sim, quote(BUY, 99, 100, time=5), quote(BUY, 98, 100, time=4), quote(SELL, 101, 102))
    assert (sim.counts.outdated, sim.counts.crowded, sim.counts.prices) == (1, 1, 3)


def test_what_is_no_signal_is_counted() -> None:
    sim = ExecutionSim(FREE)
    good = Stamp(RelayDomain.SIGNAL, SourceType.ARBITRAGE_STRATEGY).message([signal()], 1)
    spoiled = bytearray(good)
    spoiled[40] ^= 1
    assert sim.handle(b"x" * 50, 1) == sim.handle(spoiled, 1) == []
    assert feed(sim, signal(), domain=RelayDomain.EXECUTION) == feed(sim, HeartbeatTLV(timestamp_ns=1, service=1)) == []
    assert (sim.counts.unreadable, sim.counts.foreign, sim.counts.signals) == (2, 1, 0)


def test_the_identity_of_the_signal_travels_with_its_orders() -> None:
    identity = SignalIdentityTLV(signal_id=1, strategy_id=21, confidence=77, strategy_version=3, chain_id=0)
    for sent, confidence in ((identity, 77), (identity.replace(signal_id=9), 0)):
        sim = ExecutionSim(FREE)
        data = Stamp(RelayDomain.SIGNAL, SourceType.ARBITRAGE_STRATEGY).message([sent, signal()], 1)
        (answer,) = sim.handle(data, SECOND)
        read = got(parse_message(answer), SignalIdentityTLV)
        assert (read.signal_id, read.strategy_id, read.confidence) == (1, 21, confidence)


events = st.one_of(
    st.builds(quote, st.sampled_from([BUY, SELL]), st.integers(0, 5), st.integers(5, 9), st.integers(1, 4)),
    st.builds(signal, st.integers(1, 9), st.integers(0, 40), slippage_tolerance_bps=st.integers(0, 65_535)),
)


@settings(deadline=None)
@given(st.lists(events, max_size=30))
def test_what_is_sent_adds_up_to_the_positions(sent: list[TLV]) -> None:
    sim = ExecutionSim(Config(default_fee_ppm=1234))
    orders: dict[int, OrderRequestTLV] = {}
    held: dict[InstrumentId, int] = {}
    cash = fees = 0
    messages = feed(sim, *sent)
    for message in messages:
        request, fill, status = message.get(OrderRequestTLV), message.get(FillTLV), message.get(OrderStatusTLV)
        if request is not None:
            orders[request.order_id] = request
        if fill is not None:
            order = orders[fill.order_id]
            sign = 1 if fill.side == Side.BUY else -1
            assert sign * fill.price <= sign * order.limit_price and fill.venue_id == order.venue_id
            held[order.instrument] = held.get(order.instrument, 0) + sign * fill.quantity
            cash += -sign * fill.price * fill.quantity // ONE
            fees += fill.fee
        if status is not None and status.order_id:
            assert status.filled + status.remaining == orders[status.order_id].quantity
    assert {instrument: position.quantity for instrument, position in sim.positions.items()} == held
    assert (sim.pnl().cash, sim.pnl().fees) == (cash, fees)
    again = ExecutionSim(Config(default_fee_ppm=1234))
    assert [bytes(each) for each in feed(again, *sent)] == [bytes(each) for each in messages]


def raw(tlv: TLV) -> tuple[int, bytes]:
    return tlv.TYPE, bytes(tlv)


EDGES = st.sampled_from([-(2**63), -1, 0, 1, ONE, 2**63 - 1])
TIMES = st.sampled_from([0, 1, SECOND, 2**64 - 1])
edge_quotes = st.builds(
    QuoteTLV.of,
    st.sampled_from([BUY, SELL]),
    bid_price=EDGES,
    bid_size=EDGES,
    ask_price=EDGES,
    ask_size=EDGES,
    timestamp_ns=TIMES,
)
edge_signals = st.builds(
    lambda number, capital, tolerance, until: signal(
        number, required_capital_usd_q8=capital, slippage_tolerance_bps=tolerance, valid_until=until
    ),
    st.integers(0, 2**64 - 1),
    EDGES,
    st.sampled_from([0, 1, 9_999, 10_000, 65_535]),
    st.sampled_from([0, 10, 2**32 - 1]),
)
KINDS: tuple[type[TLV], ...] = (QuoteTLV, OrderBookTLV, StateInvalidationTLV, ArbitrageSignalTLV, SignalIdentityTLV)
noise = st.sampled_from(KINDS).flatmap(
    lambda cls: st.tuples(st.just(cls.TYPE), st.binary(min_size=cls.SIZE, max_size=cls.SIZE))
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.one_of(edge_quotes, edge_signals).map(raw) | noise, TIMES), max_size=12))
def test_nothing_a_peer_sends_raises(sent: list[tuple[tuple[int, bytes], int]]) -> None:
    sim = ExecutionSim(Config(max_order=2**63 - 1, max_position=2**63 - 1, max_loss=2**63 - 1))
    header = {"relay_domain": RelayDomain.SIGNAL, "source": SourceType.ARBITRAGE_STRATEGY}
    for (number, payload), now in sent:
        data = MessageBuilder(**header, sequence=1, timestamp=now).add_raw(number, payload).build()
        for answer in sim.handle(data, now) + sim.handle(data[: now % len(data)], now):
            parse_message(answer)
        sim.on_time(now)
        assert sim.pnl().total is not None
