"""The fill model, and what fills make of a position: integers in, integers out.

Owns the arithmetic and its rounding.  Must not know messages or instruments.

An order takes the levels of the other side from the best on, as far as its limit goes and as much as each has; what it
took is gone until the venue says otherwise.  There is no queue and no delay: the same prices and the same order give
the same fills.  What is paid is rounded up, what is received down, a fee up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from .config import MILLION
from .layouts import Side

SCALE = 100_000_000
Level = tuple[int, int]


class Fill(NamedTuple):
    """`quantity` at `price`, both in 1e-8, and the fee in 1e-8 USD."""

    price: int
    quantity: int
    fee: int


def take(
    levels: Sequence[Level], side: Side, limit: int, quantity: int, fee_ppm: int
) -> tuple[list[Fill], list[Level]]:
    """The fills of an order against `levels`, best first, and the levels that are left."""
    fills: list[Fill] = []
    left = list(levels)
    while quantity and left and (left[0][0] <= limit if side is Side.BUY else left[0][0] >= limit):
        price, size = left.pop(0)
        taken = min(size, quantity)
        fills.append(Fill(price, taken, up(price * taken * fee_ppm, SCALE * MILLION)))
        quantity -= taken
        if size > taken:
            left.insert(0, (price, size - taken))
    return fills, left


@dataclass(frozen=True, slots=True)
class Position:
    """What one instrument's trades add up to: `quantity` above 0 is owned, below 0 owed."""

    quantity: int = 0
    cash: int = 0
    """What the trades brought less what they cost, without fees."""
    fees: int = 0
    last_price: int = 0

    def after(self, side: Side, fill: Fill) -> "Position":
        """The position with one more fill."""
        if side is Side.BUY:
            quantity, cash = fill.quantity, -up(fill.price * fill.quantity, SCALE)
        else:
            quantity, cash = -fill.quantity, fill.price * fill.quantity // SCALE
        return replace(
            self,
            quantity=self.quantity + quantity,
            cash=self.cash + cash,
            fees=self.fees + fill.fee,
            last_price=fill.price,
        )

    def value(self, bid: int | None, ask: int | None) -> int:
        """What closing it would bring: at the bid if it is owned, at the ask if it is owed, rounded down.

        Where that price is not known, the price of the last fill stands for it.
        """
        price = (bid if self.quantity > 0 else ask) or self.last_price
        return self.quantity * price // SCALE


def up(value: int, divisor: int) -> int:
    """Division, rounded up."""
    return -(-value // divisor)
