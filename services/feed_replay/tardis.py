"""Rows of Tardis captures: trades, book snapshots of N levels, incremental L2.

    exchange,symbol,timestamp,local_timestamp,id,side,price,amount
    exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,bids[0].price,bids[0].amount,asks[1]...
    exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount

Owns the meaning of a row, wherever it was read; rows have as many cells as the header.  Must not read files or clocks.

An event's time is `local_timestamp`, when the row arrived at the capture; `timestamp`, the exchange's own, is in the
TLV.  Both are microseconds and become nanoseconds.

Incremental rows are absolute sizes, 0 removes the level.  The rows of one instrument with one `local_timestamp` are
one message of the exchange, and give one snapshot.  The first snapshot row after other rows drops the book; rows before
the first one are counted and give nothing, because they alone make no book.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from libs.types.protocol import MAX_ORDER_LEVELS, InstrumentId, OrderBookTLV, TradeTLV

from . import cells
from .books import UNKNOWN_COUNT, Book, Level
from .errors import Place
from .events import Counts, Event
from .listings import Listings

Rows = Iterable[tuple[int, Sequence[str]]]
Reader = Callable[[str, Rows, Listings, Counts], Iterator[Event]]

_COMMON = ("exchange", "symbol", "timestamp", "local_timestamp")
TRADES = (*_COMMON, "id", "side", "price", "amount")
INCREMENTAL = (*_COMMON, "is_snapshot", "side", "price", "amount")

BUY, SELL, UNKNOWN = 0, 1, 2
# The protocol does not check the side.  2 is ours, for venues that do not say who took liquidity.
TRADE_SIDES = {"buy": BUY, "sell": SELL, "unknown": UNKNOWN}
BOOK_SIDES = {"bid": BUY, "ask": SELL}
_LEVEL = re.compile(r"asks\[(\d{1,3})\]\.price")


def snapshot_columns(levels: int) -> tuple[str, ...]:
    """The columns of a file of book snapshots."""
    names = [f"{side}[{i}].{part}" for i in range(levels) for side in ("asks", "bids") for part in ("price", "amount")]
    return (*_COMMON, *names)


def reader_of(columns: Sequence[str], place: Place) -> Reader:
    """The reader of rows with these columns.  Raises CaptureError for a header that none has."""
    names = tuple(columns)
    if names == TRADES:
        return trades
    if names == INCREMENTAL:
        return incremental
    levels = sum(_LEVEL.fullmatch(name) is not None for name in names)
    if 0 < levels <= MAX_ORDER_LEVELS and names == snapshot_columns(levels):
        return snapshots
    expected = "the columns of Tardis trades, incremental_book_L2 or book_snapshot_N with N up to 50"
    for wanted in (TRADES, INCREMENTAL, snapshot_columns(min(max(levels, 1), MAX_ORDER_LEVELS))):
        if set(wanted) & set(names) - set(_COMMON):
            missing = [name for name in wanted if name not in names]
            expected += f"; {'without ' + ', '.join(missing[:3]) if missing else 'they are there in another order'}"
            break
    place.refuse("header", ",".join(names), expected)


def trades(source: str, rows: Rows, listings: Listings, counts: Counts) -> Iterator[Event]:
    """A TradeTLV for each row.  Raises CaptureError."""
    for line, row in rows:
        place = Place(source, line)
        exchange, symbol, timestamp, local, _, side, price, amount = row
        trade = TradeTLV.of(
            listings.instrument(exchange, symbol, place),
            price=cells.price(price, "price", place),
            volume=cells.amount(amount, "amount", place),
            timestamp_ns=cells.nanoseconds(timestamp, "timestamp", place),
            side=cells.choice(side, "side", place, TRADE_SIDES),
        )
        counts.rows += 1
        counts.trades += 1
        yield Event(cells.nanoseconds(local, "local_timestamp", place), (trade,))


def snapshots(source: str, rows: Rows, listings: Listings, counts: Counts) -> Iterator[Event]:
    """An OrderBookTLV for each row.  Raises CaptureError."""
    columns: tuple[str, ...] = ()
    for line, row in rows:
        place = Place(source, line)
        columns = columns or snapshot_columns((len(row) - len(_COMMON)) // 4)
        exchange, symbol, timestamp, local = row[: len(_COMMON)]
        book = OrderBookTLV.of(
            listings.instrument(exchange, symbol, place),
            timestamp_ns=cells.nanoseconds(timestamp, "timestamp", place),
            sequence=0,
            bids=_levels(row, columns, len(_COMMON) + 2, place),
            asks=_levels(row, columns, len(_COMMON), place),
        )
        counts.rows += 1
        counts.books += 1
        yield Event(cells.nanoseconds(local, "local_timestamp", place), (book,))


def _levels(row: Sequence[str], columns: Sequence[str], first: int, place: Place) -> list[Level]:
    """The levels of one side; a book with fewer ends with empty cells."""
    levels: list[Level] = []
    ended = False
    for at in range(first, len(row), 4):
        price, amount = row[at], row[at + 1]
        if not price and not amount:
            ended = True
            continue
        if ended:
            place.refuse(columns[at], price, "an empty cell: the level before it is empty")
        size = cells.amount(amount, columns[at + 1], place)
        if size == 0:
            place.refuse(columns[at + 1], amount, "an amount above 0: it is a level of an order book")
        levels.append((cells.price(price, columns[at], place, positive=True), size, UNKNOWN_COUNT))
    return levels


class _Incremental:
    """The book of one instrument, and whether its last row was of a snapshot."""

    __slots__ = ("book", "in_snapshot", "instrument", "timestamp_ns")

    def __init__(self, instrument: InstrumentId) -> None:
        self.book, self.instrument, self.in_snapshot, self.timestamp_ns = Book(), instrument, False, 0


def incremental(source: str, rows: Rows, listings: Listings, counts: Counts) -> Iterator[Event]:
    """An OrderBookTLV for each group of rows that arrived together.  Raises CaptureError."""
    states: dict[tuple[str, str], _Incremental] = {}
    group: tuple[str, str, str] | None = None
    state: _Incremental | None = None
    arrived = 0
    for line, row in rows:
        place = Place(source, line)
        exchange, symbol, timestamp, local, is_snapshot, side, price, amount = row
        if group != (exchange, symbol, local):
            if state is not None:
                yield from _published(state, arrived, counts)
            arrived = cells.nanoseconds(local, "local_timestamp", place)
            group, state = (exchange, symbol, local), states.get((exchange, symbol))
            if state is None:
                state = states[exchange, symbol] = _Incremental(listings.instrument(exchange, symbol, place))
        assert state is not None
        whole = cells.flag(is_snapshot, "is_snapshot", place)
        which = cells.choice(side, "side", place, BOOK_SIDES)
        at = cells.price(price, "price", place, positive=True)
        size = cells.amount(amount, "amount", place)
        state.timestamp_ns = cells.nanoseconds(timestamp, "timestamp", place)
        counts.rows += 1
        if whole and not state.in_snapshot:
            state.book.reset()
        state.in_snapshot = whole
        if state.book.known:
            (state.book.bids if which == BUY else state.book.asks).set(at, size)
        else:
            counts.before_snapshot += 1
    if state is not None:
        yield from _published(state, arrived, counts)


def _published(state: _Incremental, arrived: int, counts: Counts) -> Iterator[Event]:
    if state.book.known:
        counts.books += 1
        counts.levels_beyond += state.book.beyond
        yield Event(arrived, state.book.tlvs(state.instrument, state.timestamp_ns, 0))
