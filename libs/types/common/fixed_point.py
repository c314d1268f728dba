"""Fixed-point numbers: an integer that counts a fixed fraction of a unit.

Owns `UsdFixedPoint8` (64 bits, one hundred-millionth of a dollar), `FixedPoint8` (the same number without a unit) and
`PercentageFixedPoint4` (32 bits, one ten-thousandth of a percent), and the exact reading of decimal text that they and
the feed parsers share.
Must not know the wire, prices of a venue, or any number format but plain decimals.

How it works: everything is done on integers.  Text is split at the point and never goes through a float; a float is
taken by its exact integer ratio.  Nothing wraps, cuts or saturates unless the call is named after it: the operators
raise, `checked_*` give None, `saturating_*` clamp.  No type mixes with another, also where both count the same
fraction: `UsdFixedPoint8(number.raw)` is how a number gets a unit, in sight of the reader.  There is no product or
quotient of two fixed-point numbers, because its unit would be another one.
"""

import re
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, NoReturn, Self

from .errors import (
    DivisionByZero,
    FixedPointError,
    InvalidDecimal,
    NotFinite,
    Overflow,
    PrecisionLoss,
    Underflow,
    integer_text,
)

_DECIMAL = re.compile(r"([+-]?)(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))")
# No type here holds more than 19 digits.  A longer whole part is refused by its length, because int() of a text
# of some thousands of digits is slow, and beyond a limit an error of another kind.
_MAX_DIGITS = 25


class Rounding(Enum):
    """What to do with digits that do not fit; without one of these they are an error."""

    TOWARD_ZERO = "toward zero"
    HALF_EVEN = "half even"
    HALF_AWAY_FROM_ZERO = "half away from zero"


def parse_scaled(text: str, decimals: int, *, rounding: Rounding | None = None, type_name: str = "integer") -> int:
    """Read plain decimal text as an integer count of 10**-decimals.

    Raises InvalidDecimal for anything but a sign, ASCII digits and a point; PrecisionLoss when a digit other than
    zero stands beyond `decimals` and no rounding is given; Overflow or Underflow for a text of absurd length; TypeError
    for a rounding of another library.
    """
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise InvalidDecimal(text)
    if rounding is not None and not isinstance(rounding, Rounding):
        raise TypeError(f"rounding is a Rounding, such as Rounding.HALF_EVEN, not {rounding!r}")
    sign, whole, fraction = match[1], (match[2] or "").lstrip("0"), match[3] or match[4] or ""
    if len(whole) > _MAX_DIGITS:
        raise (Underflow if sign == "-" else Overflow)(f"a number of {len(whole)} digits", type_name)
    kept, rest = fraction[:decimals].ljust(decimals, "0"), fraction[decimals:].rstrip("0")
    magnitude = int(whole + kept or "0")
    if rest:
        if rounding is None:
            raise PrecisionLoss(text, decimals)
        magnitude += _carries(rest, magnitude, rounding)
    return -magnitude if sign == "-" else magnitude


def _carries(rest: str, magnitude: int, rounding: Rounding) -> bool:
    """Whether the dropped digits (not all zero, no trailing zeros) move the magnitude up by one."""
    if rounding is Rounding.TOWARD_ZERO or rest[0] < "5":
        return False
    if rest == "5" and rounding is Rounding.HALF_EVEN:
        return magnitude % 2 == 1
    return True


def _whole(number: int) -> int:
    """Refuses floats and booleans before they are multiplied: what comes out would only sometimes look wrong."""
    if type(number) is not int:
        raise TypeError(f"a whole number is needed, not {type(number).__name__}")
    return number


class _FixedPoint:
    """What all types share; `raw` is the integer that travels on the wire."""

    # As in `single_value`: a slot that only the constructor writes, for less than a frozen dataclass costs.
    __match_args__ = ("raw",)
    __slots__ = __match_args__

    if TYPE_CHECKING:

        @property
        def raw(self) -> int: ...

    DECIMALS: ClassVar[int]
    SCALE: ClassVar[int]
    _LOW: ClassVar[int]
    _HIGH: ClassVar[int]

    def __init__(self, raw: int) -> None:
        if type(raw) is not int:
            raise TypeError(f"{type(self).__name__} counts in int, not {type(raw).__name__}")
        if raw > self._HIGH:
            raise Overflow(self._text(raw), type(self).__name__)
        if raw < self._LOW:
            raise Underflow(self._text(raw), type(self).__name__)
        _store_raw(self, raw)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self) or not isinstance(other, _FixedPoint):
            return NotImplemented
        return self.raw == other.raw

    def __hash__(self) -> int:
        return hash((self.raw,))

    def __lt__(self, other: Self) -> bool:
        return self.raw < other.raw if type(other) is type(self) else NotImplemented

    def __le__(self, other: Self) -> bool:
        return self.raw <= other.raw if type(other) is type(self) else NotImplemented

    def __gt__(self, other: Self) -> bool:
        return self.raw > other.raw if type(other) is type(self) else NotImplemented

    def __ge__(self, other: Self) -> bool:
        return self.raw >= other.raw if type(other) is type(self) else NotImplemented

    def __bool__(self) -> bool:
        return self.raw != 0

    def __repr__(self) -> str:
        return f"{type(self).__name__}(raw={self.raw})"

    def __reduce__(self) -> tuple[type[Self], tuple[int]]:
        return type(self), (self.raw,)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable")

    @classmethod
    def _text(cls, raw: int) -> str:
        if raw.bit_length() > 512:
            return integer_text(raw)
        whole, fraction = divmod(abs(raw), cls.SCALE)
        return f"{'-' if raw < 0 else ''}{whole}.{fraction:0{cls.DECIMALS}d}"

    @classmethod
    def from_decimal_str(cls, text: str, *, rounding: Rounding | None = None) -> Self:
        """Exact: raises InvalidDecimal, Overflow, Underflow, and PrecisionLoss unless a rounding is given."""
        return cls(parse_scaled(text, cls.DECIMALS, rounding=rounding, type_name=cls.__name__))

    @classmethod
    def from_float(cls, value: float) -> Self:
        """The nearest number, half away from zero.  Raises NotFinite, Overflow (at 2**63 already), Underflow."""
        try:
            numerator, denominator = value.as_integer_ratio()
        except (OverflowError, ValueError):  # of infinity, and of no number
            raise NotFinite(repr(value)) from None
        magnitude = (2 * abs(numerator) * cls.SCALE + denominator) // (2 * denominator)
        return cls(-magnitude if numerator < 0 else magnitude)

    def to_decimal_str(self) -> str:
        """All decimals, no symbol: what `from_decimal_str` reads back to the same number."""
        return self._text(self.raw)

    def __add__(self, other: Self) -> Self:
        if type(other) is not type(self):
            return NotImplemented
        return type(self)(self.raw + other.raw)

    def __sub__(self, other: Self) -> Self:
        if type(other) is not type(self):
            return NotImplemented
        return type(self)(self.raw - other.raw)

    def __mul__(self, factor: int) -> Self:
        if type(factor) is not int:
            return NotImplemented
        return type(self)(self.raw * factor)

    __rmul__ = __mul__

    def __neg__(self) -> Self:
        return type(self)(-self.raw)

    def __abs__(self) -> Self:
        return type(self)(abs(self.raw))

    def divided_by(self, divisor: int) -> Self:
        """Divide by a whole number and cut toward zero.  Raises DivisionByZero, Overflow (MIN by -1)."""
        _whole(divisor)
        if divisor == 0:
            raise DivisionByZero(self.to_decimal_str())
        magnitude = abs(self.raw) // abs(divisor)
        return type(self)(-magnitude if (self.raw < 0) != (divisor < 0) else magnitude)

    def checked_add(self, other: Self) -> Self | None:
        return self._or_none(self.raw + self._same_unit(other))

    def checked_sub(self, other: Self) -> Self | None:
        return self._or_none(self.raw - self._same_unit(other))

    def checked_mul(self, factor: int) -> Self | None:
        return self._or_none(self.raw * _whole(factor))

    def checked_div(self, divisor: int) -> Self | None:
        try:
            return self.divided_by(divisor)
        except FixedPointError:
            return None

    def saturating_add(self, other: Self) -> Self:
        return type(self)(min(max(self.raw + self._same_unit(other), self._LOW), self._HIGH))

    def saturating_sub(self, other: Self) -> Self:
        return type(self)(min(max(self.raw - self._same_unit(other), self._LOW), self._HIGH))

    def _same_unit(self, other: Self) -> int:
        if type(other) is not type(self):
            raise TypeError(f"{type(self).__name__} and {type(other).__name__} are different units")
        return other.raw

    def _or_none(self, raw: int) -> Self | None:
        return type(self)(raw) if self._LOW <= raw <= self._HIGH else None


# For the constructor only.
_store_raw: Callable[[_FixedPoint, int], None] = _FixedPoint.__dict__["raw"].__set__


class UsdFixedPoint8(_FixedPoint):
    """Dollars with eight decimals in a signed 64-bit integer."""

    __slots__ = ()

    DECIMALS: ClassVar[int] = 8
    SCALE: ClassVar[int] = 10**8
    _LOW: ClassVar[int] = -(2**63)
    _HIGH: ClassVar[int] = 2**63 - 1

    ZERO: ClassVar["UsdFixedPoint8"]
    ONE_CENT: ClassVar["UsdFixedPoint8"]
    ONE_DOLLAR: ClassVar["UsdFixedPoint8"]
    MIN: ClassVar["UsdFixedPoint8"]
    MAX: ClassVar["UsdFixedPoint8"]

    @classmethod
    def from_cents(cls, cents: int) -> Self:
        """Raises Overflow, Underflow."""
        return cls(_whole(cents) * 10**6)

    @classmethod
    def from_dollars(cls, dollars: int) -> Self:
        """Raises Overflow, Underflow."""
        return cls(_whole(dollars) * 10**8)

    def __str__(self) -> str:
        text = self.to_decimal_str()
        return f"-${text[1:]}" if self.raw < 0 else f"${text}"


class FixedPoint8(_FixedPoint):
    """A number without a unit, with eight decimals in a signed 64-bit integer: quantities, rates, ratios."""

    __slots__ = ()

    DECIMALS: ClassVar[int] = 8
    SCALE: ClassVar[int] = 10**8
    _LOW: ClassVar[int] = -(2**63)
    _HIGH: ClassVar[int] = 2**63 - 1

    ZERO: ClassVar["FixedPoint8"]
    ONE: ClassVar["FixedPoint8"]
    MIN: ClassVar["FixedPoint8"]
    MAX: ClassVar["FixedPoint8"]

    def __str__(self) -> str:
        return self.to_decimal_str()


class PercentageFixedPoint4(_FixedPoint):
    """Percent with four decimals in a signed 32-bit integer."""

    __slots__ = ()

    DECIMALS: ClassVar[int] = 4
    SCALE: ClassVar[int] = 10**4
    _LOW: ClassVar[int] = -(2**31)
    _HIGH: ClassVar[int] = 2**31 - 1

    ZERO: ClassVar["PercentageFixedPoint4"]
    ONE_BASIS_POINT: ClassVar["PercentageFixedPoint4"]
    ONE_PERCENT: ClassVar["PercentageFixedPoint4"]
    MIN: ClassVar["PercentageFixedPoint4"]
    MAX: ClassVar["PercentageFixedPoint4"]

    def __str__(self) -> str:
        return f"{self.to_decimal_str()}%"


# Constants of a class's own type can only be made once the class exists.
UsdFixedPoint8.ZERO = UsdFixedPoint8(0)
UsdFixedPoint8.ONE_CENT = UsdFixedPoint8(10**6)
UsdFixedPoint8.ONE_DOLLAR = UsdFixedPoint8(10**8)
UsdFixedPoint8.MIN = UsdFixedPoint8(UsdFixedPoint8._LOW)
UsdFixedPoint8.MAX = UsdFixedPoint8(UsdFixedPoint8._HIGH)
FixedPoint8.ZERO = FixedPoint8(0)
FixedPoint8.ONE = FixedPoint8(10**8)
FixedPoint8.MIN = FixedPoint8(FixedPoint8._LOW)
FixedPoint8.MAX = FixedPoint8(FixedPoint8._HIGH)
PercentageFixedPoint4.ZERO = PercentageFixedPoint4(0)
PercentageFixedPoint4.ONE_BASIS_POINT = PercentageFixedPoint4(100)
PercentageFixedPoint4.ONE_PERCENT = PercentageFixedPoint4(10**4)
PercentageFixedPoint4.MIN = PercentageFixedPoint4(PercentageFixedPoint4._LOW)
PercentageFixedPoint4.MAX = PercentageFixedPoint4(PercentageFixedPoint4._HIGH)
