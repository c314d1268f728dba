"""The root of all typed errors, and the errors of the common value types.

    AlphaPulseError
        TypedValueError
            InvalidFormat           the text is not of the type's form
            InvalidLength           too few or too many bytes or hex digits
            OutOfRange              the number names nothing in the type's range
            SecretWiped             the secret was erased before this use
            FixedPointError         the errors of numbers: fixed-point numbers and amounts
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


def shortened(text: str) -> str:
    """The text in quotes, and no more of it than a message can bear."""
    return repr(text if len(text) <= 40 else text[:37] + "...")


def integer_text(value: int) -> str:
    """The number, or its size: Python refuses to print some thousands of digits."""
    if value.bit_length() > 512:
        return f"{'-' if value < 0 else ''}a number of {value.bit_length()} bits"
    return str(value)


class AlphaPulseError(Exception):
    """Root of the typed errors: equal when class and arguments are equal."""

    def details(self) -> dict[str, Any]:
        """The fields by name, for logs and reports."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, AlphaPulseError) and other.args == self.args

    def __hash__(self) -> int:
        return hash((type(self), self.args))


class TypedValueError(AlphaPulseError):
    """What was given makes no value of the type, or the value has no answer."""


class InvalidFormat(TypedValueError):
    """`text` is no text of `type_name`, which looks like `expected`."""

    def __init__(self, text: str, type_name: str, expected: str) -> None:
        self.text, self.type_name, self.expected = text, type_name, expected
        super().__init__(text, type_name, expected)

    def __str__(self) -> str:
        return f"{shortened(self.text)} is no {self.type_name}; expected {self.expected}"


class InvalidLength(TypedValueError):
    """`length` of `unit` were given, `type_name` has exactly `expected`."""

    def __init__(self, length: int, expected: int, type_name: str, unit: str = "bytes") -> None:
        self.length, self.expected, self.type_name, self.unit = length, expected, type_name, unit
        super().__init__(length, expected, type_name, unit)

    def __str__(self) -> str:
        return f"{self.type_name} has {self.expected} {self.unit}, got {self.length}"


class OutOfRange(TypedValueError):
    """`value` is not `low` to `high`, which is what `type_name` holds."""

    def __init__(self, value: int, low: int, high: int, type_name: str) -> None:
        self.value, self.low, self.high, self.type_name = value, low, high, type_name
        super().__init__(value, low, high, type_name)

    def __str__(self) -> str:
        return f"{self.type_name} is {integer_text(self.value)}, must be {self.low} to {self.high}"


class SecretWiped(TypedValueError):
    """A `type_name` was used after its bytes had been erased."""

    def __init__(self, type_name: str) -> None:
        self.type_name = type_name
        super().__init__(type_name)

    def __str__(self) -> str:
        return f"{self.type_name} was wiped; keep it open for as long as it is needed, or load it again"


class FixedPointError(TypedValueError):
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
        return f"{shortened(self.input)} is not a decimal number; expected digits with an optional sign and one point"


class PrecisionLoss(FixedPointError):
    """`original` has digits that `decimals` places cannot keep."""

    def __init__(self, original: str, decimals: int) -> None:
        self.original, self.decimals = original, decimals
        super().__init__(original, decimals)

    def __str__(self) -> str:
        return f"{shortened(self.original)} needs more than {self.decimals} decimals; name a rounding to accept that"


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
