"""The arithmetic of a signal, and the best prices of a book: exact cases, and that nothing looks better than it is."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.types.protocol import InstrumentId, InvalidPayload, OrderBookTLV, QuoteTLV, VenueId
from services.book_builder.arbitrage import Opportunity, crossing, up, worthwhile
from services.book_builder.config import DOLLAR, Config
from services.book_builder.tops import Top, top_of_book, top_of_quote

ONE = 10**8
HERE, THERE = int(VenueId.BINANCE), int(VenueId.KRAKEN)
INSTRUMENT = InstrumentId.coin(HERE, "BTCUSD")

positive = st.integers(1, 2**63 - 1)
tops = st.builds(Top, positive, positive, positive, positive)


def book(bids: list[tuple[int, int]], asks: list[tuple[int, int]], factor: int = ONE) -> OrderBookTLV:
    return OrderBookTLV.of(
        INSTRUMENT,
        timestamp_ns=1,
        sequence=1,
        precision_factor=factor,
        bids=[(*level, 0) for level in bids],
        asks=[(*level, 0) for level in asks],
    )


def test_an_opportunity() -> None:
    config = Config(fee_ppm={HERE: 1_000, THERE: 2_000}, slippage_ppm=500, gas_cost=3 * DOLLAR)
    buy, sell = Top(99 * ONE, ONE, 100 * ONE, 2 * ONE), Top(110 * ONE, 3 * ONE, 111 * ONE, ONE)
    found = crossing(buy, HERE, sell, THERE, config)
    assert found == Opportunity(
        ask=100 * ONE,
        bid=110 * ONE,
        size=2 * ONE,
        capital=200 * DOLLAR,
        gross_profit=20 * DOLLAR,
        fees=DOLLAR // 5 + 44 * DOLLAR // 100,
        slippage=DOLLAR // 10,
        gas_cost=3 * DOLLAR,
    )
    assert found is not None and (found.net_profit, found.spread_bps) == (1_626_000_000, 1000)


@pytest.mark.parametrize(
    ("buy", "sell"),
    [
        (Top(0, 0, 100, 1), Top(100, 1, 0, 0)),  # the same price
        (Top(0, 0, 101, 1), Top(100, 1, 0, 0)),
        (Top(1, 1, 0, 0), Top(100, 1, 0, 0)),  # nothing to buy
        (Top(0, 0, 100, 1), Top(0, 0, 1, 1)),  # nobody who buys
        (Top(0, 0, 2**62, 1), Top(2**62 + 1, 1, 0, 0)),  # too dear for the smallest size
    ],
)
def test_nothing_to_earn(buy: Top, sell: Top) -> None:
    assert crossing(buy, HERE, sell, THERE, Config(max_capital=1)) is None


def test_capital_limits_the_size() -> None:
    found = crossing(
        Top(0, 0, 100 * ONE, 10 * ONE), HERE, Top(110 * ONE, 10 * ONE, 0, 0), THERE, Config(max_capital=DOLLAR)
    )
    assert found is not None
    assert (found.size, found.capital) == (ONE // 100, DOLLAR)


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        (Config(default_fee_ppm=0, slippage_ppm=0), True),
        (Config(default_fee_ppm=0, slippage_ppm=0, min_spread_bps=1001), False),
        (Config(default_fee_ppm=0, slippage_ppm=0, min_net_profit=10 * DOLLAR), True),
        (Config(default_fee_ppm=0, slippage_ppm=0, min_net_profit=10 * DOLLAR + 1), False),
        (Config(default_fee_ppm=50_000, slippage_ppm=0), False),
    ],
)
def test_thresholds(config: Config, wanted: bool) -> None:
    found = crossing(Top(0, 0, 100 * ONE, ONE), HERE, Top(110 * ONE, ONE, 0, 0), THERE, config)
    assert found is not None and worthwhile(found, config) is wanted


def test_what_does_not_fit_the_wire_is_no_signal() -> None:
    config = Config(max_capital=2**63 - 1)
    found = crossing(Top(0, 0, 1, 2**63 - 1), HERE, Top(2**63 - 1, 2**63 - 1, 0, 0), THERE, config)
    assert found is not None and not worthwhile(found, config)


@settings(deadline=None)
@given(tops, tops, st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 2**63 - 1))
def test_the_net_profit_is_never_more_than_the_exact_one(
    buy: Top, sell: Top, fee: int, slippage: int, capital: int
) -> None:
    config = Config(default_fee_ppm=fee, slippage_ppm=slippage, max_capital=capital, gas_cost=7)
    found = crossing(buy, HERE, sell, THERE, config)
    if found is None:
        return
    assert found.size <= min(buy.ask_size, sell.bid_size) and found.capital <= capital
    paid, got = Fraction(found.ask * found.size, ONE), Fraction(found.bid * found.size, ONE)
    exact = got - paid - (got + paid) * fee / 10**6 - paid * slippage / 10**6 - 7
    assert exact - 5 < found.net_profit <= exact


@settings(deadline=None)
@given(st.integers(-(10**20), 10**20), st.integers(1, 10**20))
def test_up(value: int, divisor: int) -> None:
    assert Fraction(value, divisor) <= up(value, divisor) < Fraction(value, divisor) + 1


def test_the_top_of_a_book() -> None:
    assert top_of_book(book([(9, 1), (8, 2)], [(10, 3), (11, 4)])) == Top(9, 1, 10, 3)
    assert top_of_book(book([], [])) == Top(0, 0, 0, 0)
    assert top_of_book(book([(15, 7)], [(16, 7)], factor=10)) == Top(15 * 10**7, 7 * 10**7, 16 * 10**7, 7 * 10**7)


def test_other_factors_round_away_from_us() -> None:
    third = 3 * 10**8
    assert top_of_book(book([(10, 10)], [(10, 10)], factor=third)) == Top(3, 3, 4, 3)
    assert top_of_book(book([(2, 10)], [(2, 2)], factor=third)) == Top(0, 0, 0, 0)


@pytest.mark.parametrize(
    "bad",
    [
        book([(11, 1)], [(10, 1)]),
        book([(8, 1), (9, 1)], []),
        book([], [(11, 1), (10, 1)]),
        book([(0, 1)], []),
        book([(1, 0)], []),
        book([(1, 1)], [], factor=0),
        book([(1, 1)], [], factor=-1),
        book([(2**62, 1)], [], factor=1),
    ],
)
def test_books_that_are_refused(bad: OrderBookTLV) -> None:
    with pytest.raises(InvalidPayload):
        top_of_book(bad)


@pytest.mark.parametrize(
    ("numbers", "wanted"),
    [
        ((9, 1, 10, 2), Top(9, 1, 10, 2)),
        ((0, 0, 10, 2), Top(0, 0, 10, 2)),
        ((9, 1, 0, 0), Top(9, 1, 0, 0)),
        ((10, 1, 9, 1), None),
        ((9, 0, 10, 1), None),
        ((0, 1, 10, 1), None),
        ((-1, 1, 10, 1), None),
    ],
)
def test_quotes_follow_the_same_rules(numbers: tuple[int, int, int, int], wanted: Top | None) -> None:
    quote = QuoteTLV.of(INSTRUMENT, **Top(*numbers)._asdict(), timestamp_ns=1)
    if wanted is None:
        with pytest.raises(InvalidPayload):
            top_of_quote(quote)
    else:
        assert top_of_quote(quote) == wanted


@pytest.mark.parametrize(
    "settings",
    [
        {"fee_ppm": {100: -1}},
        {"default_fee_ppm": 1_000_001},
        {"slippage_ppm": 0.5},
        {"max_capital": 0},
        {"max_age_ns": 0},
        {"confidence": 101},
        {"min_spread_bps": True},
    ],
)
def test_settings_without_sense(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        Config(**settings)  # type: ignore[arg-type]
