"""Fixed-point numbers: exact text, refused text, limits, arithmetic, and what the errors carry."""

import copy
import decimal
import pickle
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.types.common import (
    AlphaPulseError,
    DivisionByZero,
    FixedPoint8,
    FixedPointError,
    InvalidDecimal,
    InvalidFormat,
    InvalidLength,
    NotFinite,
    OutOfRange,
    Overflow,
    PercentageFixedPoint4,
    PrecisionLoss,
    Rounding,
    SecretWiped,
    TypedValueError,
    Underflow,
    UsdFixedPoint8,
    parse_scaled,
)

RAW64 = st.integers(-(2**63), 2**63 - 1)
Kind = type[UsdFixedPoint8] | type[PercentageFixedPoint4] | type[FixedPoint8]
EACH = pytest.mark.parametrize("kind", [UsdFixedPoint8, PercentageFixedPoint4, FixedPoint8])


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ("0", 0),
        ("-0", 0),
        ("1", 100_000_000),
        ("+1.5", 150_000_000),
        (".5", 50_000_000),
        ("5.", 500_000_000),
        ("-45123.50", -4_512_350_000_000),
        ("0.00000001", 1),
        ("0.000000010", 1),
        ("0001.10", 110_000_000),
        ("92233720368.54775807", 2**63 - 1),
        ("-92233720368.54775808", -(2**63)),
        ("0" * 5000 + "1", 100_000_000),
    ],
)
def test_text_is_read_exactly(text: str, raw: int) -> None:
    assert UsdFixedPoint8.from_decimal_str(text).raw == raw


@pytest.mark.parametrize(
    "text", ["", "+", "-", ".", "-.", " 1", "1 ", "1_000", "1e3", "0x1", "1,5", "1.2.3", "--1", "nan", "\u0661", "1\n"]
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidDecimal) as caught:
        UsdFixedPoint8.from_decimal_str(text)
    assert caught.value.input == text


@pytest.mark.parametrize("text", ["92233720368.54775808", "1" + "0" * 30, "9" * 100_000])
def test_too_large_in_both_directions(text: str) -> None:
    with pytest.raises(Overflow):
        UsdFixedPoint8.from_decimal_str(text)
    with pytest.raises(Underflow):
        UsdFixedPoint8.from_decimal_str("-" + text.replace("808", "809"))


@pytest.mark.parametrize(
    ("text", "toward_zero", "half_even", "half_away"),
    [
        ("0.000000019", 1, 2, 2),
        ("0.000000015", 1, 2, 2),
        ("0.000000025", 2, 2, 3),
        ("0.0000000250001", 2, 3, 3),
        ("-0.000000025", -2, -2, -3),
        ("0.0000000149", 1, 1, 1),
    ],
)
def test_extra_digits_need_a_named_rounding(text: str, toward_zero: int, half_even: int, half_away: int) -> None:
    with pytest.raises(PrecisionLoss) as caught:
        UsdFixedPoint8.from_decimal_str(text)
    assert (caught.value.original, caught.value.decimals) == (text, 8)
    got = [UsdFixedPoint8.from_decimal_str(text, rounding=rounding).raw for rounding in Rounding]
    assert got == [toward_zero, half_even, half_away]


@pytest.mark.parametrize("rounding", [decimal.ROUND_DOWN, "half even", Rounding.HALF_EVEN.name, True])
@pytest.mark.parametrize("text", ["0.000000015", "1"])
def test_a_rounding_of_another_library_is_refused(rounding: object, text: str) -> None:
    """Was taken for half away from zero, whatever it said."""
    with pytest.raises(TypeError, match="rounding is a Rounding"):
        UsdFixedPoint8.from_decimal_str(text, rounding=rounding)  # type: ignore[arg-type]


@EACH
def test_zero_is_false(kind: Kind) -> None:
    assert not kind.ZERO and kind(1) and kind(-1)


@given(RAW64)
def test_text_round_trip(raw: int) -> None:
    number = UsdFixedPoint8(raw)
    assert UsdFixedPoint8.from_decimal_str(number.to_decimal_str()) == number


@given(st.floats(-9e10, 9e10))
def test_from_float_is_the_nearest(value: float) -> None:
    raw = UsdFixedPoint8.from_float(value).raw
    assert abs(Fraction(value) * 10**8 - raw) <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("value", "raw"), [(0.0, 0), (-0.0, 0), (2.5e-5, 0), (5e-5, 1), (0.03125, 313), (-0.03125, -313)]
)
def test_from_float_rounds_half_away(value: float, raw: int) -> None:
    assert PercentageFixedPoint4.from_float(value).raw == raw


def test_from_float_refuses_what_does_not_fit() -> None:
    class Single:
        """A float that is no `float`, as numpy's of 32 bits."""

        def as_integer_ratio(self) -> tuple[int, int]:
            return float("inf").as_integer_ratio()

    odd: list[Any] = [decimal.Decimal("inf"), decimal.Decimal("nan"), Single()]
    for value in (float("inf"), float("-inf"), float("nan"), *odd):
        with pytest.raises(NotFinite):
            UsdFixedPoint8.from_float(value)
    with pytest.raises(Overflow):
        UsdFixedPoint8.from_float(2.0**63 / 10**8)
    with pytest.raises(Overflow):
        UsdFixedPoint8.from_float(1e300)
    with pytest.raises(Overflow):
        UsdFixedPoint8.from_float(10**400)
    with pytest.raises(Underflow):
        UsdFixedPoint8.from_float(-(10**400))
    with pytest.raises(Underflow):
        UsdFixedPoint8.from_float(-(2.0**63) / 10**8)
    assert UsdFixedPoint8.from_float(3) == UsdFixedPoint8.from_dollars(3)


@EACH
def test_nothing_wraps(kind: Kind) -> None:
    one = kind(1)
    with pytest.raises(Overflow):
        kind.MAX + one  # type: ignore[operator]
    with pytest.raises(Underflow):
        kind.MIN - one  # type: ignore[operator]
    with pytest.raises(Overflow):
        abs(kind.MIN)
    with pytest.raises(Overflow):
        _ = -kind.MIN
    with pytest.raises(Overflow):
        kind.MIN.divided_by(-1)
    with pytest.raises(Overflow):
        _ = 2 * kind.MAX


def test_checked_and_saturating() -> None:
    one, top = UsdFixedPoint8(1), UsdFixedPoint8.MAX
    assert top.checked_add(one) is None and UsdFixedPoint8.MIN.checked_sub(one) is None
    assert one.checked_add(one) == UsdFixedPoint8(2)
    assert top.checked_mul(2) is None and one.checked_mul(-3) == UsdFixedPoint8(-3)
    assert one.checked_div(0) is None and UsdFixedPoint8.MIN.checked_div(-1) is None
    assert top.saturating_add(one) == top and UsdFixedPoint8.MIN.saturating_sub(one) == UsdFixedPoint8.MIN


@pytest.mark.parametrize(("raw", "divisor", "expected"), [(7, 2, 3), (-7, 2, -3), (7, -2, -3), (-7, -2, 3), (0, 5, 0)])
def test_division_cuts_toward_zero(raw: int, divisor: int, expected: int) -> None:
    assert UsdFixedPoint8(raw).divided_by(divisor).raw == expected


def test_division_by_zero() -> None:
    with pytest.raises(DivisionByZero):
        UsdFixedPoint8.ONE_CENT.divided_by(0)


def test_units_do_not_mix() -> None:
    dollars: object = UsdFixedPoint8(1)
    assert dollars != PercentageFixedPoint4(1)
    with pytest.raises(TypeError):
        UsdFixedPoint8(1) + PercentageFixedPoint4(1)  # type: ignore[operator]
    with pytest.raises(TypeError):
        UsdFixedPoint8(1) * 1.5  # type: ignore[operator]
    for method in ("checked_add", "checked_sub", "saturating_add", "saturating_sub"):
        with pytest.raises(TypeError):
            getattr(UsdFixedPoint8(1), method)(PercentageFixedPoint4(1))
    with pytest.raises(TypeError):
        UsdFixedPoint8(True)
    with pytest.raises(TypeError):
        _ = UsdFixedPoint8(1) < PercentageFixedPoint4(1)  # type: ignore[operator]


def test_constants_and_text() -> None:
    assert UsdFixedPoint8.from_cents(1) == UsdFixedPoint8.ONE_CENT == UsdFixedPoint8(1_000_000)
    assert UsdFixedPoint8.from_dollars(1) == UsdFixedPoint8.ONE_DOLLAR == 100 * UsdFixedPoint8.ONE_CENT
    assert 100 * PercentageFixedPoint4.ONE_BASIS_POINT == PercentageFixedPoint4.ONE_PERCENT
    assert str(UsdFixedPoint8.from_decimal_str("-12.5")) == "-$12.50000000"
    assert str(UsdFixedPoint8.MAX) == "$92233720368.54775807"
    assert str(PercentageFixedPoint4.from_decimal_str("0.01")) == "0.0100%"
    with pytest.raises(Overflow):
        UsdFixedPoint8.from_dollars(10**11)


@EACH
@pytest.mark.parametrize("factor", [1.0, 2.5, True, "5", None])
def test_only_whole_numbers_multiply_and_divide(kind: Kind, factor: object) -> None:
    with pytest.raises(TypeError):
        kind(4) * factor  # type: ignore[operator]
    for method in ("checked_mul", "checked_div", "divided_by"):
        with pytest.raises(TypeError):
            getattr(kind(4), method)(factor)


@pytest.mark.parametrize("count", [1.0, True, "5"])
def test_cents_and_dollars_are_whole_numbers(count: object) -> None:
    for make in (UsdFixedPoint8.from_cents, UsdFixedPoint8.from_dollars):
        with pytest.raises(TypeError):
            make(count)  # type: ignore[arg-type]


def test_a_number_without_a_unit() -> None:
    half = FixedPoint8.from_decimal_str("-0.5")
    assert str(half) == "-0.50000000" and half.raw == -50_000_000
    assert FixedPoint8.ONE.raw == 10**8 and FixedPoint8.ZERO.raw == 0
    assert (FixedPoint8.MIN.raw, FixedPoint8.MAX.raw) == (-(2**63), 2**63 - 1)
    as_object: object = half
    assert as_object != UsdFixedPoint8(half.raw)
    with pytest.raises(TypeError):
        half + UsdFixedPoint8.ONE_CENT  # type: ignore[operator]


def test_scaled_integers_without_a_type() -> None:
    assert parse_scaled("8531.5", 8) == 853_150_000_000
    assert parse_scaled("7", 0) == 7
    with pytest.raises(PrecisionLoss):
        parse_scaled("7.5", 0)


@EACH
def test_values_and_errors_travel(kind: Kind) -> None:
    number = kind.from_decimal_str("1.25")
    assert pickle.loads(pickle.dumps(number)) == number == copy.copy(number)
    assert {number: 1}[kind.from_decimal_str("1.2500")] == 1
    errors: list[AlphaPulseError] = [
        Overflow("1", "T"),
        Underflow("1", "T"),
        InvalidDecimal("x"),
        PrecisionLoss("1.1", 0),
        NotFinite("nan"),
        DivisionByZero("1.0"),
        InvalidFormat("x", "T", "a number"),
        InvalidLength(1, 2, "T"),
        InvalidLength(1, 2, "T", "hex digits"),
        OutOfRange(3, 0, 2, "T"),
        SecretWiped("T"),
    ]
    assert all(isinstance(error, TypedValueError) for error in errors)
    assert [isinstance(error, FixedPointError) for error in errors] == [True] * 6 + [False] * 5
    for error in errors:
        again = pickle.loads(pickle.dumps(error))
        assert again == error and hash(again) == hash(error) and again.details() == error.details()
        assert str(again) == str(error)
    assert Overflow("1", "T") != Underflow("1", "T") and Overflow("1", "T") != Overflow("2", "T")
