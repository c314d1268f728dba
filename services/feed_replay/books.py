"""An order book out of its changes, and the snapshot of it that travels.

Owns the levels of one instrument, as integers.  Must not know which format the changes came in.

A snapshot on the wire has at most 50 levels a side.  A book that has more is never cut in silence: the message carries
a `BookDepthTLV` behind it that says how many levels the whole book has, and the levels beyond are counted.  A message
without one holds the whole book.
"""

from bisect import bisect_left, insort

from libs.types.protocol import MAX_ORDER_LEVELS, TLV, U32, InstrumentId, OrderBookTLV

# Price, size, and the number of orders, which no capture says.
Level = tuple[int, int, int]
UNKNOWN_COUNT = 0


class BookDepthTLV(TLV, type=205, registered=False):
    """How many levels the book has of which an OrderBook shows the best.  A vendor's number, the layout is ours."""

    bid_levels: U32
    ask_levels: U32


class Side:
    """The levels of one side; a price has one size."""

    __slots__ = ("_keys", "_sign", "_sizes")

    def __init__(self, sign: int) -> None:
        # The best price first: ascending by sign * price.
        self._sign, self._keys, self._sizes = sign, list[int](), dict[int, int]()

    def set(self, price: int, size: int) -> None:
        """The level has this size now; without one it is gone, and it may have been gone before."""
        key = self._sign * price
        if size:
            if key not in self._sizes:
                insort(self._keys, key)
            self._sizes[key] = size
        elif self._sizes.pop(key, None) is not None:
            del self._keys[bisect_left(self._keys, key)]

    def clear(self) -> None:
        """No levels."""
        self._keys.clear()
        self._sizes.clear()

    def best(self, count: int) -> list[Level]:
        """At most `count` levels, best first."""
        return [(self._sign * key, self._sizes[key], UNKNOWN_COUNT) for key in self._keys[:count]]

    def __len__(self) -> int:
        return len(self._keys)


class Book:
    """Both sides; `known` from the first snapshot on, because changes alone make no book."""

    __slots__ = ("asks", "bids", "known")

    def __init__(self) -> None:
        self.bids, self.asks, self.known = Side(-1), Side(1), False

    def reset(self) -> None:
        """What comes now is the whole book."""
        self.bids.clear()
        self.asks.clear()
        self.known = True

    def forget(self) -> None:
        """Changes were missed: the book is not known until the next snapshot."""
        self.bids.clear()
        self.asks.clear()
        self.known = False

    def tlvs(self, instrument: InstrumentId, timestamp_ns: int, sequence: int) -> tuple[TLV, ...]:
        """The best levels as an OrderBookTLV, and a BookDepthTLV where there are more."""
        top = OrderBookTLV.of(
            instrument,
            timestamp_ns=timestamp_ns,
            sequence=sequence,
            bids=self.bids.best(MAX_ORDER_LEVELS),
            asks=self.asks.best(MAX_ORDER_LEVELS),
        )
        if self.beyond == 0:
            return (top,)
        return top, BookDepthTLV(bid_levels=len(self.bids), ask_levels=len(self.asks))

    @property
    def beyond(self) -> int:
        """How many levels the snapshot has no room for."""
        return max(len(self.bids) - MAX_ORDER_LEVELS, 0) + max(len(self.asks) - MAX_ORDER_LEVELS, 0)
