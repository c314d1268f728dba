"""Public names of the common types.

Owns the list of what users may import; every definition lives in a module beside this one.
Must not import anything outside the standard library: every other member depends on this one.
"""

from .errors import (
    AlphaPulseError,
    DivisionByZero,
    FixedPointError,
    InvalidDecimal,
    NotFinite,
    Overflow,
    PrecisionLoss,
    Underflow,
)
from .fixed_point import PercentageFixedPoint4, Rounding, UsdFixedPoint8, parse_scaled

__all__ = [
    "AlphaPulseError",
    "DivisionByZero",
    "FixedPointError",
    "InvalidDecimal",
    "NotFinite",
    "Overflow",
    "PercentageFixedPoint4",
    "PrecisionLoss",
    "Rounding",
    "Underflow",
    "UsdFixedPoint8",
    "parse_scaled",
]
