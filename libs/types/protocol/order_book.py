"""What an order book means: its rules, its middle and spread, and a book with one level more.

Owns everything about the content of `OrderBookTLV`; the class itself only says what lies where, and has `best_bid` and
`best_ask`.  Must not know messages.

A reader accepts any book whose counts are within the capacity: a book that breaks a rule is still what the venue sent.
`validate` is for those who are about to act upon it.  Prices and sizes are integers, scaled by the book's
`precision_factor`; nothing here converts them, and every division cuts toward zero.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from .errors import CapacityExceeded, InvalidPayload
from .layout import VectorKind
from .tlvs import MAX_ORDER_LEVELS, OrderBookTLV, OrderLevel


def validate(book: OrderBookTLV) -> None:
    """Raises InvalidPayload for the first level at fault, at its place in the payload.

    Bids do not ascend, asks do not descend, prices and sizes are above 0, and the best ask is not below the best bid.
    """
    best_bid = _check_side(book, "bids", book.bids.to_tuples(), -1)
    best_ask = _check_side(book, "asks", book.asks.to_tuples(), 1)
    if best_bid is not None and best_ask is not None and best_ask < best_bid:
        raise _invalid(book, "asks", 0, f"the best ask {best_ask} is below the best bid {best_bid}")


def mid_price(book: OrderBookTLV) -> int | None:
    """The middle between best bid and best ask; None where a side is empty."""
    if not book.bids or not book.asks:
        return None
    return _cut(book.bid_price(0) + book.ask_price(0), 2)


def spread_bps(book: OrderBookTLV) -> int | None:
    """The distance of best bid and best ask in basis points of their middle, negative for a crossed book.

    None where a side is empty, or the middle is not above 0.
    """
    middle = mid_price(book)
    if middle is None or middle <= 0:
        return None
    return _cut((book.ask_price(0) - book.bid_price(0)) * 10_000, middle)


def with_bid(book: OrderBookTLV, level: OrderLevel) -> OrderBookTLV:
    """A new book with `level` in its place among the bids, behind those of the same price.

    Raises CapacityExceeded where the side is full.  The side has to be in order already (`validate`).
    """
    return book.replace(bids=_inserted("bids", book.bids.to_tuples(), level, -1))


def with_ask(book: OrderBookTLV, level: OrderLevel) -> OrderBookTLV:
    """As `with_bid`, among the asks."""
    return book.replace(asks=_inserted("asks", book.asks.to_tuples(), level, 1))


def _check_side(book: OrderBookTLV, side: str, levels: Sequence[tuple[int, ...]], sign: int) -> int | None:
    """The best price, None for an empty side.  `sign` is 1 where prices grow."""
    before = None
    for index, (price, size, _) in enumerate(levels):
        if price <= 0:
            raise _invalid(book, side, index, f"the price is {price}, must be above 0")
        if size <= 0:
            raise _invalid(book, side, index, f"the size is {size}, must be above 0")
        if before is not None and sign * price < sign * before:
            order = "above" if sign < 0 else "below"
            raise _invalid(book, side, index, f"the price {price} is {order} the better one {before} in front of it")
        before = price
    return levels[0][0] if levels else None


def _inserted(side: str, levels: list[tuple[int, ...]], level: OrderLevel, sign: int) -> list[tuple[int, ...]]:
    if len(levels) >= MAX_ORDER_LEVELS:
        raise CapacityExceeded(MAX_ORDER_LEVELS, len(levels) + 1, side)
    at = bisect_right(levels, sign * level.price, key=lambda each: sign * each[0])
    levels.insert(at, (level.price, level.size, level.order_count))
    return levels


def _invalid(book: OrderBookTLV, side: str, index: int, text: str) -> InvalidPayload:
    place = OrderBookTLV.layout()[side]
    assert isinstance(place.kind, VectorKind)
    offset = place.offset + place.kind.first + index * place.kind.element.size
    return InvalidPayload(OrderBookTLV.TYPE, offset, f"{side}[{index}]: {text}", OrderBookTLV.SIZE)


def _cut(value: int, divisor: int) -> int:
    """Division toward zero; `divisor` is above 0."""
    return value // divisor if value >= 0 else -(-value // divisor)
