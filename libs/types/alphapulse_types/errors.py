"""The root of all typed errors, and the errors of fixed-point numbers.

    AlphaPulseError
        FixedPointError
            Overflow, Underflow     the value lies above, below what the type can hold
            InvalidDecimal          the text is not a plain decimal number
            PrecisionLoss           the text has more digits than the type keeps, and no rounding was asked for
            NotFinite               a float that is infinite or not a number
            DivisionByZero

An error keeps its numbers as attributes and builds its message out of them.  The positional arguments of the
constructor are stored as `args`, all of them and nothing else: that is what makes errors compare and pickle.
This module must not know who raises what.
"""

from typing import Any


class AlphaPulseError(Exception):
    """Root of the typed errors: equal when class and arguments are equal."""

    def details(self) -> dict[str, Any]:
        """The fields by name, for logs and reports."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, AlphaPulseError) and other.args == self.args

    def __hash__(self) -> int:
        return hash((type(self), self.args))


class FixedPointError(AlphaPulseError):
    """A number could not be made, or an operation has no result in its type."""


class Overflow(FixedPointError):
    """`value` is above the largest number of `type_name`."""

    def __init__(self, value: str, type_name: str) -> None:
        self.value, self.type_name = value, type_name
        super().__init__(value, type_name)

    def __str__(self) -> str:
        return f"{self.value} is above the largest {self.type_name}"


class Underflow(FixedPointError):
    """`value` is below the smallest number of `type_name`."""

    def __init__(self, value: str, type_name: str) -> None:
        self.value, self.type_name = value, type_name
        super().__init__(value, type_name)

    def __str__(self) -> str:
        return f"{self.value} is below the smallest {self.type_name}"


class InvalidDecimal(FixedPointError):
    """`input` is not a sign, digits and at most one point."""

    def __init__(self, input: str) -> None:
        self.input = input
        super().__init__(input)

    def __str__(self) -> str:
        shown = self.input if len(self.input) <= 40 else self.input[:37] + "..."
        return f"{shown!r} is not a decimal number; expected digits with an optional sign and one point"


class PrecisionLoss(FixedPointError):
    """`original` has digits that `decimals` places cannot keep."""

    def __init__(self, original: str, decimals: int) -> None:
        self.original, self.decimals = original, decimals
        super().__init__(original, decimals)

    def __str__(self) -> str:
        shown = self.original if len(self.original) <= 40 else self.original[:37] + "..."
        return f"{shown!r} needs more than {self.decimals} decimals; name a rounding to accept the loss"


class NotFinite(FixedPointError):
    """`value` is infinite or not a number; kept as text, because a NaN equals nothing, not even itself."""

    def __init__(self, value: str) -> None:
        self.value = value
        super().__init__(value)

    def __str__(self) -> str:
        return f"{self.value} is not a finite number"


class DivisionByZero(FixedPointError):
    """`dividend` was divided by zero."""

    def __init__(self, dividend: str) -> None:
        self.dividend = dividend
        super().__init__(dividend)

    def __str__(self) -> str:
        return f"{self.dividend} divided by zero"
