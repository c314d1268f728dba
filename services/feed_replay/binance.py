"""Binance depth streams, one JSON object a line: updates, and the snapshot that they continue.

    {"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,"b":[["0.0024","10"]],"a":[["0.0026","100"]]}
    {"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}

Owns the exchange's rules for keeping a book from them.  Must not read files or clocks.

Both also inside of `{"stream":..., "data":...}`.  A snapshot names no symbol: it belongs to the one symbol of the
capture, or of its stream.  Updates that come before the snapshot wait for it, as the exchange says they should.  Then:
one with `u` up to `lastUpdateId` is outdated; the first that counts has `lastUpdateId + 1` within `U` to `u` (futures:
`lastUpdateId`); each further one continues the one before (`U` = its `u` + 1, or `pu` = its `u` where there is a `pu`).
Where one does not, changes are missing: the book is invalidated and waits for the next snapshot.

Numbers in the levels are texts and become integers; a bare number there is an error, it has been through a float.
"""

import json
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from libs.types.protocol import InstrumentId, InvalidationReason, StateInvalidationTLV

from . import cells
from .books import Book, Side
from .errors import Place
from .events import Counts, Event
from .listings import Listings

MAX_WAITING = 10_000
_MS = 1_000_000


class _Depth:
    """The book of one symbol, the last update in it, and the updates that wait for a snapshot."""

    __slots__ = ("book", "continued", "instrument", "last", "waiting")

    def __init__(self, instrument: InstrumentId) -> None:
        self.book, self.instrument, self.last, self.continued = Book(), instrument, 0, False
        self.waiting: deque[tuple[dict[str, Any], Place]] = deque()


def depth(
    source: str,
    lines: Iterable[tuple[int, str]],
    listings: Listings,
    counts: Counts,
    *,
    exchange: str = "binance",
    symbol: str | None = None,
) -> Iterator[Event]:
    """An OrderBookTLV for each update that counts; a StateInvalidationTLV for a gap.  Raises CaptureError.

    `symbol` says whose a snapshot is that comes before the first update.
    """
    states: dict[str, _Depth] = {}
    early: list[tuple[dict[str, Any], Place]] = []
    for line, text in lines:
        place = Place(source, line)
        if not text.strip():
            continue
        item, name = _object(text, place)
        counts.rows += 1
        if "lastUpdateId" in item:
            name = name or symbol or (next(iter(states)) if len(states) == 1 else None)
            if name is None:
                if states:
                    place.refuse("symbol", "", "the symbol of this snapshot: several are in the capture")
                early.append((item, place))
                continue
            yield from _on_snapshot(_state(states, exchange, name, listings, place), item, place, counts)
            continue
        name = _text(item, "s", place)
        state = _state(states, exchange, name, listings, place)
        for snapshot, where in early:
            yield from _on_snapshot(state, snapshot, where, counts)
        early.clear()
        yield from _on_update(state, item, place, counts)


def _state(states: dict[str, _Depth], exchange: str, name: str, listings: Listings, place: Place) -> _Depth:
    state = states.get(name)
    if state is None:
        state = states[name] = _Depth(listings.instrument(exchange, name, place))
    return state


def _on_snapshot(state: _Depth, item: dict[str, Any], place: Place, counts: Counts) -> Iterator[Event]:
    last = _number(item, "lastUpdateId", place)
    if state.book.known and last < state.last:
        counts.outdated += 1
        return
    state.book.reset()
    _apply(state.book.bids, item, "bids", place)
    _apply(state.book.asks, item, "asks", place)
    state.last, state.continued = last, False
    waiting = list(state.waiting)
    state.waiting.clear()
    for update, where in waiting:
        yield from _on_update(state, update, where, counts)


def _on_update(state: _Depth, item: dict[str, Any], place: Place, counts: Counts) -> Iterator[Event]:
    first, last = _number(item, "U", place), _number(item, "u", place)
    if last < first:
        place.refuse("u", str(last), f"at least U, which is {first}")
    if not state.book.known:
        state.waiting.append((item, place))
        if len(state.waiting) > MAX_WAITING:
            state.waiting.popleft()
            counts.before_snapshot += 1
        return
    if last < state.last or (last == state.last and "pu" not in item):
        counts.outdated += 1
        return
    milliseconds = cells.whole(str(_number(item, "E", place)), "E", place, high=cells.MAX_U64 // _MS)
    if not _continues(state, item, first, place):
        counts.gaps += 1
        state.book.forget()
        state.waiting.append((item, place))
        instrument = state.instrument
        yield Event(
            milliseconds * _MS,
            (
                StateInvalidationTLV(
                    sequence=last,
                    timestamp_ns=milliseconds * _MS,
                    instruments=[instrument],
                    venue=instrument.venue,
                    reason=InvalidationReason.STALENESS,
                ),
            ),
        )
        return
    _apply(state.book.bids, item, "b", place)
    _apply(state.book.asks, item, "a", place)
    state.last, state.continued = last, True
    counts.books += 1
    counts.levels_beyond += state.book.beyond
    yield Event(milliseconds * _MS, state.book.tlvs(state.instrument, milliseconds * _MS, last))


def _continues(state: _Depth, item: dict[str, Any], first: int, place: Place) -> bool:
    """Whether no change is missing between the book and this update, whose `u` is not below the book's."""
    if not state.continued:
        return first <= state.last + (0 if "pu" in item else 1)
    if "pu" in item:
        return _number(item, "pu", place) == state.last
    return first == state.last + 1


def _apply(side: Side, item: dict[str, Any], key: str, place: Place) -> None:
    levels = item.get(key)
    if not isinstance(levels, list):
        place.refuse(key, _shown(levels), "a list of levels")
    for index, level in enumerate(levels):
        column = f"{key}[{index}]"
        if not (isinstance(level, list) and len(level) >= 2 and all(isinstance(part, str) for part in level[:2])):
            place.refuse(column, _shown(level), "[price, size], both as texts")
        side.set(
            cells.price(level[0], f"{column}[0]", place, positive=True),
            cells.amount(level[1], f"{column}[1]", place),
        )


def _object(text: str, place: Place) -> tuple[dict[str, Any], str | None]:
    """The update or snapshot of a line, and the symbol that its stream names."""
    try:
        item = json.loads(text)
    except (ValueError, RecursionError) as error:
        place.refuse(f"character {getattr(error, 'colno', 1)}", text, f"one JSON object ({type(error).__name__})")
    name = None
    if isinstance(item, dict) and isinstance(item.get("data"), dict):
        stream = item.get("stream")
        name = stream.partition("@")[0].upper() if isinstance(stream, str) else None
        item = item["data"]
    if not isinstance(item, dict) or not ("lastUpdateId" in item or item.get("e") == "depthUpdate"):
        place.refuse("e", _shown(item), "a depthUpdate, or a snapshot with lastUpdateId")
    return item, name


def _number(item: dict[str, Any], key: str, place: Place) -> int:
    value = item.get(key)
    if type(value) is not int or not 0 <= value <= cells.MAX_U64:
        place.refuse(key, _shown(value), "a whole number of 64 bits")
    return value


def _text(item: dict[str, Any], key: str, place: Place) -> str:
    value = item.get(key)
    if not isinstance(value, str):
        place.refuse(key, _shown(value), "a symbol")
    return value


def _shown(value: object) -> str:
    return "" if value is None else repr(value)
