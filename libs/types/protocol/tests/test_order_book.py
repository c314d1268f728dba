"""Order books: the rules, the arithmetic and sorted insertion, against the same done with plain lists."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.types.protocol import CapacityExceeded, InvalidPayload, OrderBookTLV, OrderLevel
from libs.types.protocol.benchmarks import order_book as benchmark
from libs.types.protocol.order_book import mid_price, spread_bps, validate, with_ask, with_bid

Levels = list[tuple[int, int, int]]


def book(bids: Any = (), asks: Any = ()) -> OrderBookTLV:
    return OrderBookTLV(timestamp_ns=1, sequence=2, asset_id=3, venue_id=4, asset_type=5, bids=bids, asks=asks)


def level(price: int, size: int = 1, order_count: int = 0) -> OrderLevel:
    return OrderLevel(price=price, size=size, order_count=order_count)


GOOD = book([(100, 5, 1), (100, 6, 0), (99, 1, 0)], [(101, 1, 0), (103, 2, 0), (103, 3, 0)])


def test_a_good_book() -> None:
    validate(GOOD)
    validate(book())
    validate(book([(5, 1, 0)]))
    validate(book([(5, 1, 0)], [(5, 1, 0)]))
    assert GOOD.best_bid == level(100, 5, 1) and GOOD.best_ask == level(101)
    assert book().best_bid is None and book().best_ask is None


@pytest.mark.parametrize(
    ("wrong", "offset", "text"),
    [
        (book([(99, 1, 0), (100, 1, 0)]), 40 + 8 + 24, "bids[1]: the price 100 is above the better one 99"),
        (book((), [(99, 1, 0), (99, 1, 0), (98, 1, 0)]), 1248 + 8 + 48, "asks[2]: the price 98 is below"),
        (book([(0, 1, 0)]), 48, "bids[0]: the price is 0"),
        (book((), [(-5, 1, 0)]), 1256, "asks[0]: the price is -5"),
        (book([(5, 0, 0)]), 48, "bids[0]: the size is 0"),
        (book((), [(5, 1, 0), (6, -1, 0)]), 1280, "asks[1]: the size is -1"),
        (book([(6, 1, 0)], [(5, 1, 0)]), 1256, "the best ask 5 is below the best bid 6"),
    ],
)
def test_rules(wrong: OrderBookTLV, offset: int, text: str) -> None:
    with pytest.raises(InvalidPayload) as caught:
        validate(wrong)
    error = caught.value
    assert (error.tlv_type, error.offset, error.buffer_size) == (3, offset, 2456)
    assert text in error.validation_error


def test_the_place_in_the_error_is_the_place_of_the_level() -> None:
    with pytest.raises(InvalidPayload) as caught:
        validate(book((), [(7, 1, 0), (6, 1, 0)]))
    wrong = book((), [(7, 1, 0), (6, 1, 0)])
    assert OrderLevel.from_buffer(bytes(wrong), caught.value.offset) == level(6)


@pytest.mark.parametrize(
    ("bid", "ask", "middle", "bps"),
    [
        (100, 101, 100, 100),
        (9_999, 10_000, 9_999, 1),
        (10_000_000, 10_000_999, 10_000_499, 0),
        (103, 101, 102, -196),
        (100, 100, 100, 0),
        (2**63 - 1, 2**63 - 1, 2**63 - 1, 0),
        (-3, 0, -1, None),
        (0, 0, 0, None),
        (-5, 6, 0, None),
    ],
)
def test_middle_and_spread(bid: int, ask: int, middle: int, bps: int | None) -> None:
    made = book([(bid, 1, 0)], [(ask, 1, 0)])
    assert mid_price(made) == middle and spread_bps(made) == bps


def test_an_empty_side_has_no_middle() -> None:
    for made in (book(), book([(1, 1, 0)]), book((), [(1, 1, 0)])):
        assert mid_price(made) is None and spread_bps(made) is None


def test_equal_prices_go_behind_those_that_are_there() -> None:
    made = with_ask(with_bid(GOOD, level(100, 7)), level(101, 8))
    assert [each.size for each in made.bids] == [5, 6, 7, 1]
    assert [each.size for each in made.asks] == [1, 8, 2, 3]
    assert len(GOOD.bids) == 3, "a book is a value"
    assert (made.timestamp_ns, made.asset_id, made.venue_id) == (1, 3, 4)


def test_a_full_side_takes_no_more() -> None:
    full = book([(5, 1, 0)] * 50)
    with pytest.raises(CapacityExceeded) as caught:
        with_bid(full, level(9))
    assert (caught.value.max_capacity, caught.value.attempted, caught.value.field) == (50, 51, "bids")
    assert len(with_ask(full, level(9)).asks) == 1


PRICES = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 2**63 - 1), st.integers(0, 2**32 - 1)), max_size=50)


@given(PRICES, PRICES)
def test_inserting_keeps_the_order(bids: Levels, asks: Levels) -> None:
    made = book()
    for each in bids:
        made = with_bid(made, level(*each))
    for price, size, count in asks:
        made = with_ask(made, level(price + 9, size, count))
    validate(made)
    assert made.bids.to_tuples() == sorted(bids, key=lambda each: -each[0])
    assert made.asks.to_tuples() == sorted([(price + 9, size, count) for price, size, count in asks],
                                           key=lambda each: each[0])  # fmt: skip


def test_the_benchmark_compares_the_same_contents(capsys: pytest.CaptureFixture[str]) -> None:
    for levels in (0, 3):
        data = benchmark.make_listed(*benchmark.sides(levels)).pack()
        assert len(data) == 44 + 24 * 2 * levels
        assert benchmark.ListBook.unpack(data) == benchmark.make_listed(*benchmark.sides(levels))
        validate(benchmark.make_fixed(*benchmark.sides(levels)))
        assert all(case.fixed() is not None and case.listed() is not None for case in benchmark.cases(levels))
    benchmark.report(2, rounds=1)
    assert "| bytes of the payload | 2456 | 140 | 17.54 |" in capsys.readouterr().out
