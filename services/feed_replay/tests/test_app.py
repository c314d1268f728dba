"""Events as messages: order, numbers, sources; and when each one is due."""

import io
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.types.protocol import OrderBookTLV, RelayDomain, SourceType, StateInvalidationTLV, TradeTLV, parse_message
from services.feed_replay.app import BookDepthTLV, NoCollector, events, merged, messages, speed_of, wait_ns

TRADES = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"


def capture(exchange: str, *times: int) -> io.BytesIO:
    return io.BytesIO((TRADES + "".join(f"{exchange},X,1,{time},x,buy,1,1\n" for time in times)).encode())


def test_messages_are_numbered_for_each_source() -> None:
    both = merged(events("a", capture("kraken", 1, 4, 5)), events("b", capture("binance", 2, 4)))
    stamped = list(messages(both))
    read = [parse_message(each.data) for each in stamped]
    assert [(each.source, each.sequence, each.timestamp) for each in read] == [
        (SourceType.KRAKEN_COLLECTOR, 1, 1000),
        (SourceType.BINANCE_COLLECTOR, 1, 2000),
        (SourceType.KRAKEN_COLLECTOR, 2, 4000),
        (SourceType.BINANCE_COLLECTOR, 2, 4000),
        (SourceType.KRAKEN_COLLECTOR, 3, 5000),
    ]
    assert [each.timestamp_ns for each in stamped] == [1000, 2000, 4000, 4000, 5000]
    assert {each.relay_domain for each in read} == {RelayDomain.MARKET_DATA}
    assert all(each.get(TradeTLV) is not None for each in read)


def test_a_venue_without_a_collector_needs_a_source() -> None:
    with pytest.raises(NoCollector, match="venue 107 has no collector"):
        list(messages(events("a", capture("kucoin", 1))))
    (message,) = messages(events("a", capture("kucoin", 1)), default_source=3)
    assert parse_message(message.data).source == 3
    (message,) = messages(events("a", capture("kucoin", 1)), collectors={107: 5})
    assert parse_message(message.data).source == 5


def test_invalidations_have_the_source_of_their_venue() -> None:
    lines = b"""\
{"lastUpdateId": 1, "bids": [["1", "1"]], "asks": []}
{"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "U": 2, "u": 2, "b": [], "a": []}
{"e": "depthUpdate", "E": 2, "s": "BTCUSDT", "U": 5, "u": 5, "b": [], "a": []}
"""
    read = [parse_message(each.data) for each in messages(events("d", io.BytesIO(lines)))]
    assert [(each.source, each.sequence) for each in read] == [(1, 1), (1, 2)]
    assert read[1].get(StateInvalidationTLV) is not None


def test_a_deep_book_says_so_in_its_message() -> None:
    header = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"
    rows = "".join(f"kraken,X,1,2,true,bid,{price},1\n" for price in range(1, 60))
    (message,) = messages(events("a", io.BytesIO((header + rows).encode())))
    read = parse_message(message.data)
    book = read.get(OrderBookTLV)
    assert book is not None and book.bid_price(0) == 59 * 10**8
    assert read.get(BookDepthTLV) == BookDepthTLV(bid_levels=59, ask_levels=0)


@pytest.mark.parametrize(
    ("text", "speed"),
    [("1", Fraction(1)), ("2.5", Fraction(5, 2)), ("10x", Fraction(10)), ("1/3", Fraction(1, 3)), ("max", None)],
)
def test_speeds(text: str, speed: Fraction | None) -> None:
    assert speed_of(text) == speed


@pytest.mark.parametrize("text", ["", "0", "-1", "fast", "1/0", "nan", "x"])
def test_what_is_no_speed(text: str) -> None:
    with pytest.raises(ValueError, match="is no speed"):
        speed_of(text)


@pytest.mark.parametrize(
    ("timestamp", "now", "speed", "wait"),
    [
        (1000, 500, Fraction(1), 0),  # the first one is due at once
        (1300, 500, Fraction(1), 300),
        (1300, 700, Fraction(1), 100),
        (1300, 900, Fraction(1), 0),  # late
        (1301, 500, Fraction(10), 31),
        (1300, 500, Fraction(1, 2), 600),
        (1300, 500, None, 0),
        (900, 500, Fraction(1), 0),  # earlier than the first
    ],
)
def test_when_a_message_is_due(timestamp: int, now: int, speed: Fraction | None, wait: int) -> None:
    assert wait_ns(timestamp, 1000, 500, now, speed) == wait


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=2), st.fractions(min_value="1/100", max_value=100))
def test_waiting_never_leads_ahead_of_time(gaps: list[int], speed: Fraction) -> None:
    now = started = 7_000
    time = first = 1_000
    for gap in gaps:
        time += gap
        now += wait_ns(time, first, started, now, speed)
        assert now - started >= (time - first) / speed
        assert now - started - (time - first) / speed < 1
