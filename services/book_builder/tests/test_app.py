"""The builder between messages: what it publishes, drops, refuses and counts."""

from itertools import pairwise
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from infra.stamping import Stamp
from libs.types.protocol import (
    TLV,
    ArbitrageSignalTLV,
    AssetType,
    EconomicsTLV,
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
    TradeTLV,
    VenueId,
    parse_message,
)
from services.book_builder.app import BookBuilder, Config, Top

T = TypeVar("T", bound=TLV)

ONE = 10**8
SECOND = 10**9
FREE = Config(default_fee_ppm=0, slippage_ppm=0)
BINANCE = InstrumentId.coin(VenueId.BINANCE, "BTCUSD")
KRAKEN = InstrumentId.coin(VenueId.KRAKEN, "BTCUSD")
COINBASE = InstrumentId.coin(VenueId.COINBASE, "BTCUSD")


def book(instrument: InstrumentId, bid: int, ask: int, time: int = 1, size: int = 1) -> OrderBookTLV:
    return OrderBookTLV.of(
        instrument,
        timestamp_ns=time,
        sequence=time,
        bids=[(bid * ONE, size * ONE, 0)] if bid else [],
        asks=[(ask * ONE, size * ONE, 0)] if ask else [],
    )


def feed(builder: BookBuilder, *tlvs: TLV, now: int = SECOND, domain: int = RelayDomain.MARKET_DATA) -> list[Message]:
    stamp = Stamp(domain, SourceType.KRAKEN_COLLECTOR)
    return [parse_message(data) for tlv in tlvs for data in builder.handle(stamp.message([tlv], now), now)]


def got(message: Message, cls: type[T]) -> T:
    """The message's TLV, which has to be there."""
    found = message.get(cls)
    assert found is not None
    return found


def kinds(messages: list[Message]) -> list[str]:
    return [" ".join(type(view.decode()).__name__.removesuffix("TLV") for view in message) for message in messages]


def test_a_quote_when_the_best_prices_change() -> None:
    builder = BookBuilder(FREE)
    first = book(BINANCE, 99, 100)
    deeper = first.replace(timestamp_ns=2, bids=[(99 * ONE, ONE, 0), (98 * ONE, ONE, 0)])
    (message,) = feed(builder, first, deeper, first.replace(timestamp_ns=3))
    assert message.get(QuoteTLV) == QuoteTLV.of(
        BINANCE, bid_price=99 * ONE, bid_size=ONE, ask_price=100 * ONE, ask_size=ONE, timestamp_ns=1
    )
    assert (message.relay_domain, message.source) == (RelayDomain.SIGNAL, SourceType.ARBITRAGE_STRATEGY)
    (message,) = feed(builder, book(BINANCE, 0, 100, 4))
    assert message.sequence == 2 and got(message, QuoteTLV).bid_size == 0
    assert builder.top(BINANCE) == Top(0, 0, 100 * ONE, ONE)
    assert builder.top(KRAKEN) is None


def test_a_signal_where_two_venues_cross() -> None:
    builder = BookBuilder(FREE)
    found = feed(builder, book(BINANCE, 99, 100), book(KRAKEN, 101, 102), book(COINBASE, 99, 100))
    signal = "SignalIdentity Economics ArbitrageSignal"
    assert kinds(found) == ["Quote", "Quote", signal, "Quote", signal]
    identity, economics = got(found[2], SignalIdentityTLV), got(found[2], EconomicsTLV)
    arbitrage = got(found[2], ArbitrageSignalTLV)
    assert identity.signal_id == arbitrage.signal_id == SECOND
    assert bytes(BINANCE) == arbitrage.source_pool[:12] and bytes(KRAKEN) == arbitrage.target_pool[:12]
    assert (arbitrage.source_venue, arbitrage.target_venue, arbitrage.chain_id) == (100, 101, 0)
    assert economics.expected_profit == arbitrage.net_profit_usd_q8 == ONE
    assert economics.required_capital == 100 * ONE
    assert (arbitrage.spread_bps, arbitrage.priority, arbitrage.valid_until) == (100, 1000, 301)
    assert got(found[4], SignalIdentityTLV).signal_id == SECOND + 1
    assert got(found[4], ArbitrageSignalTLV).source_venue == VenueId.COINBASE
    assert builder.counts.signals == 2 and builder.counts.published == 3


def test_the_same_opportunity_is_signalled_once() -> None:
    builder = BookBuilder(FREE)
    feed(builder, book(BINANCE, 99, 100), book(KRAKEN, 101, 102))
    # Another quote with the same crossing sides: the ask of the seller moves.
    assert kinds(feed(builder, book(KRAKEN, 101, 103, 2))) == ["Quote"]
    assert len(feed(builder, book(KRAKEN, 102, 103, 3))) == 2
    # Gone and back again is a new one.
    assert len(feed(builder, book(KRAKEN, 99, 103, 4), book(KRAKEN, 102, 103, 5))) == 3


def test_below_the_thresholds_nothing_is_signalled() -> None:
    builder = BookBuilder(Config(default_fee_ppm=10_000))
    assert kinds(feed(builder, book(BINANCE, 99, 100), book(KRAKEN, 101, 102))) == ["Quote", "Quote"]
    assert builder.counts.below_threshold == 1


def test_only_coins_in_dollars_are_compared() -> None:
    for name, kind in [("BTCUSD", AssetType.SWAP), ("BTCEUR", AssetType.COIN), ("AAPL", AssetType.STOCK)]:
        here, there = (InstrumentId.coin(v, name).replace(asset_type=int(kind)) for v in (100, 101))
        assert kinds(feed(BookBuilder(FREE), book(here, 99, 100), book(there, 101, 102))) == ["Quote", "Quote"]
    here, there = InstrumentId.coin(100, "BTCUSD"), InstrumentId.coin(101, "BTCUSDT")
    assert len(feed(BookBuilder(FREE), book(here, 99, 100), book(there, 101, 102))) == 2


def test_a_refused_book_drops_what_was_kept() -> None:
    builder = BookBuilder(FREE)
    found = feed(builder, book(BINANCE, 99, 100), book(BINANCE, 101, 100, 2), book(KRAKEN, 101, 102))
    assert kinds(found) == ["Quote", "StateInvalidation", "Quote"]
    dropped = got(found[1], StateInvalidationTLV)
    assert dropped.instruments.to_list() == [BINANCE] and dropped.reason == InvalidationReason.STALENESS
    assert (builder.counts.refused, builder.top(BINANCE)) == (1, None)
    assert feed(builder, book(BINANCE, 101, 100, 3)) == []
    assert kinds(feed(builder, book(BINANCE, 99, 100, 1))) == ["Quote", "SignalIdentity Economics ArbitrageSignal"]


def test_a_quote_counts_as_a_book() -> None:
    builder = BookBuilder(FREE)
    quote = QuoteTLV.of(KRAKEN, bid_price=101, bid_size=1, ask_price=102, ask_size=1, timestamp_ns=1)
    assert kinds(feed(builder, quote, quote.replace(bid_price=103))) == ["Quote", "StateInvalidation"]


def test_outdated_books_change_nothing() -> None:
    builder = BookBuilder(FREE)
    assert len(feed(builder, book(BINANCE, 99, 100, 5), book(BINANCE, 98, 100, 4), book(BINANCE, 98, 100, 5))) == 2
    assert builder.counts.outdated == 1


def test_stale_books_are_not_compared_and_go_with_time() -> None:
    builder = BookBuilder(FREE)
    feed(builder, book(BINANCE, 99, 100), now=SECOND)
    assert kinds(feed(builder, book(KRAKEN, 101, 102), now=6 * SECOND)) == [
        "Quote",
        "SignalIdentity Economics ArbitrageSignal",
    ]
    assert kinds(feed(builder, book(COINBASE, 101, 102), now=6 * SECOND + 1)) == ["Quote"]
    assert builder.on_time(6 * SECOND) == []
    (message,) = map(parse_message, builder.on_time(6 * SECOND + 1))
    assert got(message, StateInvalidationTLV).instruments.to_list() == [BINANCE]
    assert builder.on_time(6 * SECOND + 1) == [] and builder.counts.stale == 1
    assert len(builder.on_time(60 * SECOND)) == 2
    assert kinds(feed(builder, book(BINANCE, 99, 100, 1), now=61 * SECOND)) == ["Quote"]


def test_invalidation_drops_the_named_instruments() -> None:
    builder = BookBuilder(FREE)
    feed(builder, book(BINANCE, 99, 100, 9), book(KRAKEN, 101, 102, 9))
    gone = StateInvalidationTLV(
        sequence=77,
        timestamp_ns=1,
        instruments=[BINANCE, COINBASE, BINANCE],
        venue=100,
        reason=int(InvalidationReason.DISCONNECTION),
    )
    (message,) = feed(builder, gone)
    assert message.get(StateInvalidationTLV) == gone.replace(instruments=[BINANCE], timestamp_ns=SECOND)
    assert feed(builder, gone) == []
    # The next fresh event brings it back, also with an earlier time, and the signal with it.
    assert kinds(feed(builder, book(BINANCE, 99, 100, 1))) == ["Quote", "SignalIdentity Economics ArbitrageSignal"]


def test_many_stale_books_of_a_venue_are_named_sixteen_at_a_time() -> None:
    builder = BookBuilder(FREE)
    feed(builder, *[book(InstrumentId.coin(100, f"C{number}USD"), 9, 10) for number in range(20)])
    dropped = [got(parse_message(data), StateInvalidationTLV) for data in builder.on_time(60 * SECOND)]
    assert [len(each.instruments) for each in dropped] == [16, 4]


def test_trades_are_remembered_and_move_no_price() -> None:
    builder = BookBuilder(FREE)
    trade = TradeTLV.of(BINANCE, price=5, volume=6, timestamp_ns=7, side=0)
    assert feed(builder, trade, trade.replace(price=1, timestamp_ns=6)) == []
    assert builder.last_trade(BINANCE) == (5, 6, 7)
    assert builder.last_trade(KRAKEN) is None and builder.top(BINANCE) is None
    assert builder.on_time(60 * SECOND) == [] and builder.last_trade(BINANCE) is None


def test_instruments_have_a_limit() -> None:
    builder = BookBuilder(Config(max_instruments=2))
    trade = TradeTLV.of(COINBASE, price=5, volume=6, timestamp_ns=7, side=0)
    assert len(feed(builder, book(BINANCE, 9, 10), book(KRAKEN, 9, 10), book(COINBASE, 9, 10), trade)) == 2
    assert builder.counts.crowded == 2
    builder.on_time(60 * SECOND)
    assert len(feed(builder, book(COINBASE, 9, 10), now=60 * SECOND)) == 1


def test_what_is_no_market_data_is_counted() -> None:
    builder = BookBuilder(FREE)
    beat = HeartbeatTLV(timestamp_ns=1, service=1)
    good = Stamp(RelayDomain.MARKET_DATA, SourceType.KRAKEN_COLLECTOR).message([beat], 1)
    assert builder.handle(b"garbage" * 9, 1) == builder.handle(good[:-1], 1) == builder.handle(good, 1) == []
    assert feed(builder, beat, domain=RelayDomain.SIGNAL) == []
    counts = builder.counts
    assert (counts.unreadable, counts.other, counts.foreign, counts.messages) == (2, 1, 1, 2)
    # A relay of market data does not check the checksum, and neither does its reader.
    spoiled = bytearray(Stamp(RelayDomain.MARKET_DATA, SourceType.KRAKEN_COLLECTOR).message([book(BINANCE, 9, 10)], 1))
    spoiled[28] ^= 1
    assert len(builder.handle(spoiled, 1)) == 1


def test_times_of_peers_cannot_break_it() -> None:
    builder = BookBuilder(FREE)
    high = 2**64 - 1
    assert len(feed(builder, book(BINANCE, 99, 100, high), book(KRAKEN, 101, 102, high), now=high)) == 3
    assert got(feed(builder, book(KRAKEN, 103, 104, high), now=high)[1], SignalIdentityTLV).signal_id == 0


quotes = st.tuples(
    st.sampled_from([BINANCE, KRAKEN, COINBASE]), st.integers(-1, 6), st.integers(0, 6), st.integers(1, 3)
)


@settings(deadline=None)
@given(st.lists(quotes, max_size=40))
def test_every_signal_is_backed_by_the_quotes_before_it(sent: list[tuple[InstrumentId, int, int, int]]) -> None:
    builder, known = BookBuilder(FREE), dict[bytes, QuoteTLV]()
    messages = []
    for number, (instrument, bid, ask, size) in enumerate(sent, 1):
        if bid < 0:
            level = [(2 * ONE, ONE, 0)]
            crossed = OrderBookTLV.of(instrument, timestamp_ns=number, sequence=0, bids=level, asks=[(ONE, ONE, 0)])
            messages += feed(builder, crossed, now=number)
        else:
            messages += feed(builder, book(instrument, bid, ask, number, size), now=number)
    assert [message.sequence for message in messages] == list(range(1, len(messages) + 1))
    signals = []
    for message in messages:
        quote, gone = message.get(QuoteTLV), message.get(StateInvalidationTLV)
        signal = message.get(ArbitrageSignalTLV)
        if quote is not None:
            known[bytes(quote.instrument)] = quote
        if gone is not None:
            for instrument in gone.instruments:
                del known[bytes(instrument)]
        if signal is not None:
            buy, sell = known[bytes(signal.source_pool[:12])], known[bytes(signal.target_pool[:12])]
            size = min(buy.ask_size, sell.bid_size)
            assert signal.required_capital_usd_q8 == buy.ask_price * size // ONE
            assert signal.net_profit_usd_q8 == (sell.bid_price - buy.ask_price) * size // ONE > 0
            signals.append(signal.signal_id)
    assert all(one < two for one, two in pairwise(signals))


def raw(tlv: TLV) -> tuple[int, bytes]:
    return tlv.TYPE, bytes(tlv)


EDGES = st.sampled_from([-(2**63), -1, 0, 1, ONE, 2**63 - 1])
TIMES = st.sampled_from([0, 1, SECOND, 2**64 - 1])
IDS = st.sampled_from(
    [BINANCE, KRAKEN, InstrumentId.coin(0, "X"), InstrumentId(asset_id=2**64 - 1, venue=65_535, asset_type=255)]
)
edge_quotes = st.builds(
    QuoteTLV.of, IDS, bid_price=EDGES, bid_size=EDGES, ask_price=EDGES, ask_size=EDGES, timestamp_ns=TIMES
)
edge_books = st.builds(
    OrderBookTLV.of,
    IDS,
    timestamp_ns=TIMES,
    sequence=TIMES,
    precision_factor=EDGES,
    bids=st.lists(st.tuples(EDGES, EDGES, st.just(0)), max_size=2),
    asks=st.lists(st.tuples(EDGES, EDGES, st.just(0)), max_size=2),
)
KINDS: tuple[type[TLV], ...] = (TradeTLV, QuoteTLV, OrderBookTLV, StateInvalidationTLV)
noise = st.sampled_from(KINDS).flatmap(
    lambda cls: st.tuples(st.just(cls.TYPE), st.binary(min_size=cls.SIZE, max_size=cls.SIZE))
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.one_of(edge_quotes, edge_books).map(raw) | noise, TIMES), max_size=12))
def test_nothing_a_peer_sends_raises(sent: list[tuple[tuple[int, bytes], int]]) -> None:
    builder = BookBuilder(Config(default_fee_ppm=0, slippage_ppm=0, max_capital=2**63 - 1))
    header = {"relay_domain": RelayDomain.MARKET_DATA, "source": SourceType.KRAKEN_COLLECTOR}
    for (number, payload), now in sent:
        data = MessageBuilder(**header, sequence=1, timestamp=now).add_raw(number, payload).build()
        for answer in builder.handle(data, now) + builder.handle(data[: now % len(data)], now) + builder.on_time(now):
            parse_message(answer)
