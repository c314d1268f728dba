"""The fill model and positions: exact cases, and sums that must hold."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.execution_sim.config import Config
from services.execution_sim.fills import Fill, Level, Position, take
from services.execution_sim.layouts import FillTLV, OrderRequestTLV, OrderStatusTLV, Side

ONE = 10**8
ASKS = [(100 * ONE, ONE), (101 * ONE, 2 * ONE), (105 * ONE, 5 * ONE)]
BIDS = [(100 * ONE, ONE), (99 * ONE, 2 * ONE)]


@pytest.mark.parametrize(
    ("side", "limit", "quantity", "taken", "left"),
    [
        (Side.BUY, 100, ONE // 2, [(100, ONE // 2)], [(100 * ONE, ONE // 2), *ASKS[1:]]),
        (Side.BUY, 100, ONE, [(100, ONE)], ASKS[1:]),
        (Side.BUY, 101, 10 * ONE, [(100, ONE), (101, 2 * ONE)], ASKS[2:]),
        (Side.BUY, 200, 4 * ONE, [(100, ONE), (101, 2 * ONE), (105, ONE)], [(105 * ONE, 4 * ONE)]),
        (Side.BUY, 200, 9 * ONE, [(100, ONE), (101, 2 * ONE), (105, 5 * ONE)], []),
        (Side.BUY, 99, ONE, [], ASKS),
        (Side.SELL, 99, 2 * ONE, [(100, ONE), (99, ONE)], [(99 * ONE, ONE)]),
        (Side.SELL, 100, 2 * ONE, [(100, ONE)], BIDS[1:]),
        (Side.SELL, 101, ONE, [], BIDS),
        (Side.BUY, 100, 0, [], ASKS),
    ],
)
def test_what_an_order_takes(side: Side, limit: int, quantity: int, taken: list[Level], left: list[Level]) -> None:
    levels = ASKS if side is Side.BUY else BIDS
    fills, rest = take(levels, side, limit * ONE, quantity, 1000)
    assert [(fill.price // ONE, fill.quantity) for fill in fills] == taken
    assert rest == left


def test_fees_are_rounded_up() -> None:
    ((_, _, fee),), _ = take([(ONE, 1)], Side.BUY, ONE, 1, 1)
    assert fee == 1
    ((_, _, fee),), _ = take([(100 * ONE, ONE)], Side.BUY, 100 * ONE, ONE, 1000)
    assert fee == ONE // 10


def test_a_round_trip() -> None:
    flat = Position().after(Side.BUY, Fill(100 * ONE, ONE, 7)).after(Side.SELL, Fill(103 * ONE, ONE, 8))
    assert flat == Position(quantity=0, cash=3 * ONE, fees=15, last_price=103 * ONE)
    assert flat.value(None, None) == 0


def test_what_a_position_is_worth() -> None:
    owned = Position().after(Side.BUY, Fill(100 * ONE, ONE, 0))
    owed = Position().after(Side.SELL, Fill(100 * ONE, ONE, 0))
    assert owned.value(99 * ONE, 101 * ONE) == 99 * ONE
    assert owed.value(99 * ONE, 101 * ONE) == -101 * ONE
    assert owned.value(None, 101 * ONE) == 100 * ONE
    assert owed.value(99 * ONE, None) == -100 * ONE


sizes = st.integers(1, 2**63 - 1)
trades = st.lists(st.tuples(st.sampled_from(Side), sizes, sizes, st.integers(0, 1000)), max_size=20)


@settings(deadline=None)
@given(trades)
def test_cash_is_never_more_than_the_exact_sum(done: list[tuple[Side, int, int, int]]) -> None:
    position, exact, quantity = Position(), Fraction(0), 0
    for side, price, size, fee in done:
        position = position.after(side, Fill(price, size, fee))
        sign = 1 if side is Side.BUY else -1
        exact -= sign * Fraction(price * size, ONE)
        quantity += sign * size
    assert position.quantity == quantity and position.fees == sum(fee for *_, fee in done)
    assert 0 <= exact - position.cash < max(len(done), 1)


levels = st.lists(st.tuples(st.integers(1, 50), st.integers(1, 9)), max_size=8)


@settings(deadline=None)
@given(levels, st.sampled_from(Side), st.integers(1, 50), st.integers(1, 60))
def test_nothing_is_lost_between_fills_and_levels(offered: list[Level], side: Side, limit: int, quantity: int) -> None:
    offered = sorted(offered, reverse=side is Side.SELL)
    fills, left = take(offered, side, limit, quantity, 0)
    filled = sum(fill.quantity for fill in fills)
    assert filled + sum(size for _, size in left) == sum(size for _, size in offered)
    within = [size for price, size in offered if (price <= limit if side is Side.BUY else price >= limit)]
    assert filled == min(quantity, sum(within))


def test_the_layouts_have_the_sizes_of_the_specification() -> None:
    assert (OrderRequestTLV.SIZE, OrderStatusTLV.SIZE, FillTLV.SIZE) == (32, 24, 32)
    assert (OrderRequestTLV.TYPE, OrderStatusTLV.TYPE, FillTLV.TYPE) == (40, 41, 42)


def test_they_are_not_registered() -> None:
    from libs.types.protocol.registry import TypeState, state_of

    assert {state_of(number) for number in (40, 41, 42)} == {TypeState.SIZED}


@pytest.mark.parametrize(
    "settings", [{"fee_ppm": {100: 2_000_000}}, {"max_order": 0}, {"max_age_ns": 1.5}, {"default_fee_ppm": None}]
)
def test_settings_without_sense(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        Config(**settings)  # type: ignore[arg-type]
