"""Typed ids: range, identity by type, order, text, next and null, and how they travel."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

import libs.types.common
from libs.types.common import InvalidFormat, OrderId, OutOfRange, TradeId, TypedId

LAST = 2**64 - 1
U64 = st.integers(0, LAST)
NAMES = """
    OrderId PositionId StrategyId SignalId OpportunityId TradeId PortfolioId SessionId ActorId RelayId SequenceId
    PoolId PoolPairId SimpleInstrumentId ChainId SimpleVenueId
"""
KINDS: list[type[TypedId]] = [getattr(libs.types.common, name) for name in NAMES.split()]
EACH = pytest.mark.parametrize("kind", KINDS)


def only_orders(order: OrderId) -> int:
    return order.value


@EACH
def test_every_kind_has_the_whole_behaviour(kind: type[TypedId]) -> None:
    seven = kind(7)
    assert (seven.value, seven.inner, int(seven)) == (7, 7, 7)
    assert repr(seven) == str(seven) == f"{seven}" == f"{kind.__name__}(7)"
    assert kind.from_text(str(seven)) == seven
    assert seven.next() == kind(8) and kind(LAST).next() == kind.null() == kind(0)
    assert kind.null().is_null and not seven.is_null
    assert type(seven.next()) is type(kind.null()) is kind
    assert not hasattr(seven, "__dict__")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(seven, protocol))
        assert again == seven and type(again) is kind
    assert copy.copy(seven) is seven and copy.deepcopy([seven])[0] is seven
    with pytest.raises(AttributeError):
        seven.value = 8  # type: ignore[misc]
    with pytest.raises(AttributeError):
        delattr(seven, "value")
    with pytest.raises(AttributeError):
        setattr(seven, "other", 8)  # noqa: B010
    assert seven.value == 7


def test_no_two_kinds_are_equal() -> None:
    sevens: list[TypedId] = [kind(7) for kind in KINDS]
    assert len(set(sevens)) == len(KINDS) == 16
    for first in sevens:
        assert [second for second in sevens if first == second] == [first]
        assert first != 7 and first != "7" and first is not None


def test_kinds_do_not_mix() -> None:
    with pytest.raises(TypeError):
        _ = OrderId(1) < TradeId(2)  # type: ignore[operator]
    with pytest.raises(TypeError):
        _ = OrderId(1) >= 1  # type: ignore[operator]
    with pytest.raises(TypeError):
        _ = OrderId(1) + 1  # type: ignore[operator]
    with pytest.raises(TypeError):
        OrderId(TradeId(1))  # type: ignore[arg-type]
    # What the type checkers refuse; if one of them stopped to, the unused comment would be an error.
    assert only_orders(TradeId(1)) == 1  # type: ignore[arg-type]


@given(U64, U64)
def test_order_and_hash_are_those_of_the_numbers(a: int, b: int) -> None:
    x, y = OrderId(a), OrderId(b)
    assert (x < y, x <= y, x > y, x >= y, x == y) == (a < b, a <= b, a > b, a >= b, a == b)
    assert hash(x) == hash(OrderId(a)) and {x: 1}.get(OrderId(a)) == 1
    assert OrderId.from_text(str(x)) == x == OrderId.from_text(str(a))
    assert x.next().value == (a + 1) % 2**64


@pytest.mark.parametrize("value", [-1, LAST + 1, -(10**5000), 10**5000], ids=lambda value: value.bit_length())
def test_out_of_range(value: int) -> None:
    with pytest.raises(OutOfRange) as caught:
        OrderId(value)
    error = caught.value
    assert (error.value, error.low, error.high, error.type_name) == (value, 0, LAST, "OrderId")
    assert str(LAST) in str(error) and len(str(error)) < 200
    assert pickle.loads(pickle.dumps(error)) == error


@pytest.mark.parametrize("value", [True, 1.0, "1", None, b"1"])
def test_only_int(value: object) -> None:
    with pytest.raises(TypeError, match=f"OrderId is made of int, not {type(value).__name__}"):
        OrderId(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("007", 7), ("OrderId(7)", 7), (str(LAST), LAST), ("0" * 5000 + "1", 1), (f"OrderId({LAST})", LAST)],
)
def test_text(text: str, value: int) -> None:
    assert OrderId.from_text(text) == OrderId(value)


@pytest.mark.parametrize(
    "text",
    [
        *["", " 7", "7\n", "+7", "-1", "1_0", "0x7", "1.0", "\u0667", "9" * 5000],
        *["TradeId(7)", "OrderId()", "OrderId(7", "orderid(7)", "OrderId(-1)"],
    ],
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidFormat) as caught:
        OrderId.from_text(text)
    assert (caught.value.text, caught.value.type_name) == (text, "OrderId")
    assert len(str(caught.value)) < 150


def test_text_of_a_number_that_is_too_large() -> None:
    with pytest.raises(OutOfRange):
        OrderId.from_text(str(LAST + 1))


def test_pattern_matching() -> None:
    found: list[object] = []
    for item in (OrderId(7), TradeId(7), 7):
        match item:
            case OrderId(7):
                found.append("order seven")
            case TradeId(value):
                found.append(("trade", value))
            case _:
                found.append("other")
    assert found == ["order seven", ("trade", 7), "other"]
