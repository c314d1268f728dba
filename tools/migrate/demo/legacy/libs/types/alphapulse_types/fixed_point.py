"""Decimal numbers as scaled integers, so that sums are exact."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import ClassVar


@dataclass(frozen=True, order=True)
class UsdFixedPoint8:
    """Dollars with eight decimals, held as an integer."""

    SCALE: ClassVar[int] = 100_000_000

    raw: int

    @classmethod
    def of(cls, text: str) -> "UsdFixedPoint8":
        scaled = Decimal(text) * cls.SCALE
        return cls(int(scaled.to_integral_value(rounding=ROUND_HALF_EVEN)))

    def __add__(self, other: "UsdFixedPoint8") -> "UsdFixedPoint8":
        return UsdFixedPoint8(self.raw + other.raw)

    def __str__(self) -> str:
        return f"{Decimal(self.raw) / self.SCALE:.8f}"


@dataclass(frozen=True, order=True)
class PercentageFixedPoint4:
    """A share with four decimals: 1.0000 is the whole."""

    SCALE: ClassVar[int] = 10_000

    raw: int

    def of_amount(self, amount: UsdFixedPoint8) -> UsdFixedPoint8:
        return UsdFixedPoint8(amount.raw * self.raw // self.SCALE)
