"""Cells of a capture as exact integers: times, prices, sizes, flags.

Owns the reading of one cell.  Must not know which format it stands in.

Decimal text becomes a count of hundred-millionths without passing a float; a digit that would be lost is an error, not
a rounding.  Every function takes the cell, the name of its column and its `Place`, and raises CaptureError.
"""

from libs.types.common import FixedPointError, parse_scaled

from .errors import Place

DECIMALS = 8
MAX_I64 = 2**63 - 1
MAX_U64 = 2**64 - 1
_MAX_DIGITS = 20


def whole(text: str, column: str, place: Place, *, high: int = MAX_U64, expected: str = "a whole number") -> int:
    """Digits and nothing else: int() would also take signs, blanks, underscores and other scripts' digits."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS) or int(text) > high:
        place.refuse(column, text, f"{expected}, at most {high}")
    return int(text)


def nanoseconds(text: str, column: str, place: Place) -> int:
    """Microseconds since 1970 as nanoseconds."""
    return whole(text, column, place, high=MAX_U64 // 1000, expected="microseconds since 1970") * 1000


def price(text: str, column: str, place: Place, *, positive: bool = False) -> int:
    """A price in 1e-8.  Trades of spreads and futures can have one below zero, the levels of a book cannot."""
    value = _scaled(text, column, place)
    if positive and value <= 0:
        place.refuse(column, text, "a price above 0: it is a level of an order book")
    return value


def amount(text: str, column: str, place: Place) -> int:
    """A size in 1e-8, 0 or more."""
    value = _scaled(text, column, place)
    if value < 0:
        place.refuse(column, text, "an amount that is not negative")
    return value


def flag(text: str, column: str, place: Place) -> bool:
    """`true` or `false`."""
    if text not in ("true", "false"):
        place.refuse(column, text, "true or false")
    return text == "true"


def choice(text: str, column: str, place: Place, among: dict[str, int]) -> int:
    """The number of one of the words."""
    number = among.get(text)
    if number is None:
        place.refuse(column, text, " or ".join(among))
    return number


def _scaled(text: str, column: str, place: Place) -> int:
    try:
        value = parse_scaled(text, DECIMALS)
    except FixedPointError as error:
        place.refuse(column, text, f"a plain decimal number ({error})")
    if abs(value) > MAX_I64:
        place.refuse(column, text, f"a number of at most {MAX_I64 // 10**DECIMALS}: it must fit 64 bits in 1e-8")
    return value
