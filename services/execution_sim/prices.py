"""The prices that orders are filled at: both sides of each instrument, as last heard.

Owns what is known of each instrument.  Must not know orders or positions.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from libs.types.protocol import InstrumentId, InvalidPayload, OrderBookTLV, QuoteTLV
from libs.types.protocol.order_book import validate

from .fills import SCALE, Level


@dataclass(slots=True)
class Sides:
    """Levels in 1e-8, best first."""

    bids: list[Level]
    asks: list[Level]
    timestamp_ns: int
    received_ns: int


class Prices:
    """The instruments, at most `most` of them."""

    def __init__(self, most: int) -> None:
        self._most, self._sides = most, dict[InstrumentId, Sides]()

    def get(self, instrument: InstrumentId) -> Sides | None:
        """What is known; None for nothing."""
        return self._sides.get(instrument)

    def fresh(self, instrument: InstrumentId, oldest_ns: int) -> Sides | None:
        """What was heard not before `oldest_ns`."""
        sides = self._sides.get(instrument)
        return sides if sides is not None and sides.received_ns >= oldest_ns else None

    def set(self, tlv: QuoteTLV | OrderBookTLV, now_ns: int) -> bool:
        """Take a quote or a book; False where it is older than what is known.

        Raises InvalidPayload for one that breaks a rule, and drops what was known; OverflowError where there is no
        room.
        """
        instrument = tlv.instrument
        known = self._sides.get(instrument)
        if known is not None and tlv.timestamp_ns < known.timestamp_ns:
            return False
        if known is None and len(self._sides) >= self._most:
            raise OverflowError
        book = tlv if isinstance(tlv, OrderBookTLV) else _as_book(tlv)
        try:
            validate(book)
            if book.precision_factor != SCALE:
                text = f"the precision factor is {book.precision_factor}, only {SCALE} is traded at"
                raise InvalidPayload(book.TYPE, 16, text, book.SIZE)
        except InvalidPayload:
            self._sides.pop(instrument, None)
            raise
        bids = [(price, size) for price, size, _ in book.bids.to_tuples()]
        asks = [(price, size) for price, size, _ in book.asks.to_tuples()]
        self._sides[instrument] = Sides(bids, asks, tlv.timestamp_ns, now_ns)
        return True

    def drop(self, instruments: Iterable[InstrumentId]) -> int:
        """Forget them; how many there were."""
        return sum(self._sides.pop(instrument, None) is not None for instrument in instruments)

    def forget(self, oldest_ns: int) -> int:
        """Drop what was heard before; how many there were."""
        old = [instrument for instrument, sides in self._sides.items() if sides.received_ns < oldest_ns]
        return self.drop(old)


def _as_book(quote: QuoteTLV) -> OrderBookTLV:
    """A quote as a book of one level a side; 0 and 0 is an empty side."""
    bid, ask = (quote.bid_price, quote.bid_size, 0), (quote.ask_price, quote.ask_size, 0)
    return OrderBookTLV.of(
        quote.instrument,
        timestamp_ns=quote.timestamp_ns,
        sequence=0,
        bids=[bid] if any(bid) else [],
        asks=[ask] if any(ask) else [],
    )
