"""Public names of the common types.

Owns the list of what users may import; every definition lives in a module beside this one.
Must not import anything outside the standard library: every other member depends on this one.
"""

from .errors import (
    AlphaPulseError,
    DivisionByZero,
    FixedPointError,
    InvalidDecimal,
    InvalidFormat,
    InvalidLength,
    NotFinite,
    OutOfRange,
    Overflow,
    PrecisionLoss,
    SecretWiped,
    TypedValueError,
    Underflow,
)
from .fixed_point import (
    FixedPoint8,
    PercentageFixedPoint4,
    Rounding,
    UsdFixedPoint8,
    parse_scaled,
)

__all__ = [
    "AlphaPulseError",
    "DivisionByZero",
    "FixedPoint8",
    "FixedPointError",
    "InvalidDecimal",
    "InvalidFormat",
    "InvalidLength",
    "NotFinite",
    "OutOfRange",
    "Overflow",
    "PercentageFixedPoint4",
    "PrecisionLoss",
    "Rounding",
    "SecretWiped",
    "TypedValueError",
    "Underflow",
    "UsdFixedPoint8",
    "parse_scaled",
]
