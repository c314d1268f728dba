"""The two sides of a trade."""

from enum import IntEnum

__all__ = ["Side", "opposite"]


class Side(IntEnum):
    BUY = 1
    SELL = 2


def opposite(side: Side) -> Side:
    return Side.SELL if side is Side.BUY else Side.BUY
