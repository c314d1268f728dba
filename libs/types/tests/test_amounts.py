"""Amounts: ranges, arithmetic that neither wraps nor mixes, decimal text for display."""

import copy
import pickle
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.types.common import BlockNumber, Liquidity, NativeAmount, OutOfRange, Overflow, SqrtPriceX96, Underflow

KINDS = {NativeAmount: 2**128 - 1, Liquidity: 2**128 - 1, SqrtPriceX96: 2**160 - 1, BlockNumber: 2**64 - 1}
Kind = type[NativeAmount] | type[Liquidity] | type[SqrtPriceX96] | type[BlockNumber]
SUMMABLE = pytest.mark.parametrize("kind", [NativeAmount, Liquidity])
U128 = st.integers(0, 2**128 - 1)


@pytest.mark.parametrize(("kind", "high"), KINDS.items())
def test_range_text_and_travel(kind: Kind, high: int) -> None:
    assert kind(0).value == 0 and kind(high) == kind.MAX and kind(high).inner == int(kind.MAX) == high
    with pytest.raises(Overflow) as above:
        kind(high + 1)
    assert (above.value.value, above.value.type_name) == (str(high + 1), kind.__name__)
    with pytest.raises(Underflow) as below:
        kind(-1)
    assert (below.value.value, below.value.type_name) == ("-1", kind.__name__)
    with pytest.raises(Overflow, match="a number of 16610 bits"):
        kind(10**5000)
    for wrong in (True, 1.0, "1", None):
        with pytest.raises(TypeError, match=f"{kind.__name__} counts in int"):
            kind(wrong)  # type: ignore[arg-type]
    seven = kind(7)
    assert str(seven) == repr(seven) == f"{kind.__name__}(7)"
    assert pickle.loads(pickle.dumps(seven)) == seven == copy.deepcopy(seven)
    assert hash(kind(7)) == hash(seven)
    with pytest.raises(AttributeError):
        seven.value = 8  # type: ignore[misc]


def test_nothing_is_false() -> None:
    assert not NativeAmount.ZERO and not Liquidity(0) and NativeAmount(1) and Liquidity.MAX
    assert BlockNumber.ZERO, "the first block is a block"


def test_order() -> None:
    assert NativeAmount(6) < NativeAmount(7) <= NativeAmount(7) and Liquidity.MAX > Liquidity.ZERO
    assert SqrtPriceX96(2) >= SqrtPriceX96(1) and max(BlockNumber(3), BlockNumber(5)) == BlockNumber(5)


def test_kinds_do_not_mix() -> None:
    amount: object = NativeAmount(1)
    assert amount != Liquidity(1) and amount != 1
    with pytest.raises(TypeError):
        NativeAmount(1) + Liquidity(1)  # type: ignore[operator]
    with pytest.raises(TypeError):
        NativeAmount(1) - 1  # type: ignore[operator]
    with pytest.raises(TypeError):
        _ = NativeAmount(1) < Liquidity(1)  # type: ignore[operator]
    with pytest.raises(TypeError):
        SqrtPriceX96(1) + SqrtPriceX96(1)  # type: ignore[operator]
    with pytest.raises(TypeError):
        BlockNumber(1) + BlockNumber(1)  # type: ignore[operator]
    for method in ("checked_add", "checked_sub", "saturating_add", "saturating_sub"):
        with pytest.raises(TypeError):
            getattr(NativeAmount(1), method)(Liquidity(1))
        with pytest.raises(TypeError):
            getattr(NativeAmount(1), method)(1)
        with pytest.raises(TypeError):
            getattr(BlockNumber(1), method)(BlockNumber(1))
        with pytest.raises(TypeError):
            getattr(BlockNumber(1), method)(True)


@SUMMABLE
def test_nothing_wraps(kind: type[NativeAmount] | type[Liquidity]) -> None:
    one = kind(1)
    with pytest.raises(Overflow):
        kind.MAX + one  # type: ignore[operator]
    with pytest.raises(Underflow):
        kind.ZERO - one  # type: ignore[operator]


@given(U128, U128)
def test_sums_and_differences(a: int, b: int) -> None:
    x, y = NativeAmount(a), NativeAmount(b)
    total, difference = a + b, a - b
    fits, covers = total < 2**128, difference >= 0
    assert x.checked_add(y) == (NativeAmount(total) if fits else None)
    assert x.checked_sub(y) == (NativeAmount(difference) if covers else None)
    assert x.saturating_add(y) == NativeAmount(min(total, 2**128 - 1))
    assert x.saturating_sub(y) == NativeAmount(max(difference, 0))
    if fits:
        assert x + y == NativeAmount(total) and (x + y) - y == x
    if covers:
        assert x - y == NativeAmount(difference)


def test_a_sum_of_many_starts_at_zero() -> None:
    assert sum((NativeAmount(n) for n in range(5)), NativeAmount.ZERO) == NativeAmount(10)


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0, 0, "0"),
        (0, 18, "0.000000000000000000"),
        (1, 18, "0.000000000000000001"),
        (1_500_000, 6, "1.500000"),
        (10**18, 18, "1.000000000000000000"),
        (123, 0, "123"),
        (123, 3, "0.123"),
        (1234, 3, "1.234"),
        (2**128 - 1, 18, "340282366920938463463.374607431768211455"),
    ],
)
def test_decimal_text(value: int, decimals: int, text: str) -> None:
    assert NativeAmount(value).to_decimal_text(decimals) == text


@given(U128, st.integers(0, 255))
def test_decimal_text_is_exact(value: int, decimals: int) -> None:
    with localcontext() as context:
        context.prec = 400
        assert Decimal(NativeAmount(value).to_decimal_text(decimals)).scaleb(decimals) == value


def test_decimals_are_those_of_a_token() -> None:
    for decimals in (-1, 256):
        with pytest.raises(OutOfRange) as caught:
            NativeAmount(1).to_decimal_text(decimals)
        assert (caught.value.value, caught.value.high) == (decimals, 255)
    with pytest.raises(TypeError):
        NativeAmount(1).to_decimal_text(True)


def test_prices_are_exact() -> None:
    assert SqrtPriceX96(2**96).price() == 1
    assert SqrtPriceX96(3 * 2**95).price() == Fraction(9, 4)
    assert SqrtPriceX96(2**130).price() == 2**68, "above 128 bits"


def test_blocks() -> None:
    block = BlockNumber(100)
    assert block + 5 == BlockNumber(105) and block - 5 == BlockNumber(95) and block.next() == BlockNumber(101)
    assert (block + 5).blocks_since(block) == 5 and block.blocks_since(block + 5) == -5
    assert block.checked_sub(101) is None and block.saturating_sub(101) == BlockNumber.ZERO
    assert BlockNumber.MAX.checked_add(1) is None and BlockNumber.MAX.saturating_add(1) == BlockNumber.MAX
    assert block.checked_add(-100) == BlockNumber.ZERO and block.checked_sub(1) == BlockNumber(99)
    with pytest.raises(Overflow):
        BlockNumber.MAX.next()
    with pytest.raises(Underflow):
        _ = block - 101
    with pytest.raises(TypeError):
        block.blocks_since(100)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        block + 1.5  # type: ignore[operator]
