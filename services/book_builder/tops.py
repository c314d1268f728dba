"""The best bid and ask of one instrument at one venue, in 1e-8 whatever the book's own factor was.

Owns the conversion of what arrives into what is compared.  Must not keep anything.

A price that does not come out even is rounded away from the trade that it offers: bids down, asks up, sizes down.  So
nothing looks better than it is.  A side without levels is 0 and 0.
"""

from typing import NamedTuple

from libs.types.protocol import InvalidPayload, OrderBookTLV, QuoteTLV
from libs.types.protocol.order_book import validate

SCALE = 100_000_000
MAX_I64 = 2**63 - 1


class Top(NamedTuple):
    """Prices and sizes in 1e-8; 0 and 0 where the side is empty."""

    bid_price: int
    bid_size: int
    ask_price: int
    ask_size: int


def top_of_book(book: OrderBookTLV) -> Top:
    """Raises InvalidPayload where the book breaks a rule (`order_book.validate`) or does not fit 1e-8."""
    validate(book)
    factor = book.precision_factor
    if factor <= 0:
        raise InvalidPayload(book.TYPE, 16, f"the precision factor is {factor}, must be above 0", book.SIZE)
    bid_price = bid_size = ask_price = ask_size = 0
    if book.bids:
        bid_price, bid_size = book.bid_price(0) * SCALE // factor, book.bid_size(0) * SCALE // factor
    if book.asks:
        ask_price, ask_size = -(-book.ask_price(0) * SCALE // factor), book.ask_size(0) * SCALE // factor
    top = Top(bid_price, bid_size, ask_price, ask_size)
    if max(top) > MAX_I64:
        raise InvalidPayload(book.TYPE, 16, f"prices by the factor {factor} do not fit 64 bits in 1e-8", book.SIZE)
    # What rounds to nothing offers nothing.
    return Top(
        *((bid_price, bid_size) if bid_price and bid_size else (0, 0)),
        *((ask_price, ask_size) if ask_size else (0, 0)),
    )


def top_of_quote(quote: QuoteTLV) -> Top:
    """A quote is a book of one level a side, by the same rules.  Raises InvalidPayload."""
    bid, ask = (quote.bid_price, quote.bid_size), (quote.ask_price, quote.ask_size)
    validate(
        OrderBookTLV.of(
            quote.instrument,
            timestamp_ns=quote.timestamp_ns,
            sequence=0,
            bids=[(*bid, 0)] if any(bid) else [],
            asks=[(*ask, 0)] if any(ask) else [],
        )
    )
    return Top(*bid, *ask)
