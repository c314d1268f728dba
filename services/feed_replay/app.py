"""A capture as messages: which format it is, what happens in it, how it is stamped, and when each one is due.

    stream = open("trades.csv.gz", "rb")
    for timestamp_ns, data in messages(events("trades.csv.gz", stream)):
        wait_ns(timestamp_ns, first, started, now, speed), then send data

Owns the way from a binary stream to signed messages.  Must not open files or sockets, and must not read a clock.

How it works: `reading` makes rows and lines of bytes, `tardis` and `binance` make events of them, `listings` says which
instrument a symbol is.  Everything is an iterator, so a capture of any size takes the memory of one book a symbol.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import IO, NamedTuple, TypeVar

from infra.stamping import Stamp
from libs.types.protocol import RelayDomain, SourceType, VenueId

from . import binance, reading, tardis
from .books import BookDepthTLV
from .errors import CaptureError, NoCollector, Place
from .events import Counts, Event
from .listings import EXCHANGES, Listing, Listings, listing_of

__all__ = [
    "COLLECTORS",
    "EXCHANGES",
    "BookDepthTLV",
    "CaptureError",
    "Counts",
    "Event",
    "Listing",
    "Listings",
    "NoCollector",
    "Stamped",
    "events",
    "listing_of",
    "merged",
    "messages",
    "speed_of",
    "wait_ns",
]

# Which source number sends a venue's messages.  The protocol names no collector for the other venues.
COLLECTORS: Mapping[int, int] = MappingProxyType(
    {
        VenueId.BINANCE: SourceType.BINANCE_COLLECTOR,
        VenueId.KRAKEN: SourceType.KRAKEN_COLLECTOR,
        VenueId.COINBASE: SourceType.COINBASE_COLLECTOR,
        VenueId.GEMINI: SourceType.GEMINI_COLLECTOR,
    }
)
NO_LIMIT = None

T = TypeVar("T")


class Stamped(NamedTuple):
    """A message, and when what it says arrived at the capture."""

    timestamp_ns: int
    data: bytes


def events(
    source: str,
    stream: IO[bytes],
    *,
    listings: Listings | None = None,
    counts: Counts | None = None,
    exchange: str = "binance",
    symbol: str | None = None,
) -> Iterator[Event]:
    """What happens in a capture, in its order: Tardis CSV, Parquet with the same columns, Binance depth lines.

    `source` is the name that errors show.  `exchange` and `symbol` are for what Binance depth lines do not say.  An
    empty capture has no events.  Raises CaptureError, OSError, and ImportError for Parquet without pyarrow.
    """
    listings, counts = listings or Listings(), counts or Counts()
    head = stream.read(len(reading.PARQUET_MAGIC))
    if head == reading.PARQUET_MAGIC:
        stream.seek(0)
        file = reading.parquet_file(source, stream)
        columns, reader = _by_name(tuple(file.schema_arrow.names), Place(source, 1))
        return reader(source, reading.parquet_rows(source, file, columns), listings, counts)
    numbered = reading.lines(source, _with_head(head, reading.chunks_of(stream)))
    first = next(((line, text) for line, text in numbered if text.strip()), None)
    if first is None:
        return iter(())
    lines = _with_head(first, numbered)
    if first[1].lstrip().startswith("{"):
        return binance.depth(source, lines, listings, counts, exchange=exchange, symbol=symbol)
    columns, rows = reading.csv_table(source, lines)
    return tardis.reader_of(columns, Place(source, first[0]))(source, rows, listings, counts)


def merged(*captures: Iterable[Event]) -> Iterator[Event]:
    """The events of several captures in the order of their time; at the same time, in the order of the arguments."""
    return heapq.merge(*captures, key=lambda event: event.timestamp_ns)


def messages(
    captured: Iterable[Event], *, collectors: Mapping[int, int] = COLLECTORS, default_source: int | None = None
) -> Iterator[Stamped]:
    """One signed market data message an event, numbered from 1 for each source; the header's time is the event's.

    `collectors` maps venues to source numbers, `default_source` is that of all others.  Raises NoCollector.
    """
    stamps: dict[int, Stamp] = {}
    for event in captured:
        tlv = event.tlvs[0]
        venue = int(getattr(tlv, "venue_id", 0) or getattr(tlv, "venue", 0))
        source = collectors.get(venue, default_source)
        if source is None:
            raise NoCollector(venue)
        stamp = stamps.get(source)
        if stamp is None:
            stamp = stamps[source] = Stamp(RelayDomain.MARKET_DATA, source)
        yield Stamped(event.timestamp_ns, stamp.message(event.tlvs, event.timestamp_ns))


def speed_of(text: str) -> Fraction | None:
    """`1`, `2.5` or `10x` times real time; `max` is None, no waiting.  Raises ValueError."""
    if text == "max":
        return NO_LIMIT
    try:
        speed = Fraction(text.removesuffix("x"))
    except (ValueError, ZeroDivisionError):
        speed = Fraction(0)
    if speed <= 0:
        raise ValueError(f"{text!r} is no speed; use a number above 0, such as 1, 2.5 or 10x, or max")
    return speed


def wait_ns(
    timestamp_ns: int, first_timestamp_ns: int, started_ns: int, now_ns: int, speed: Fraction | None = Fraction(1)
) -> int:
    """How long to wait before the message of `timestamp_ns` is due; 0 when it is due or late.

    The replay began at `started_ns` with the message of `first_timestamp_ns`.  The time that is due is rounded up to
    the nanosecond and is computed from the start, so delays do not add up.
    """
    if speed is None:
        return 0
    passed = max(timestamp_ns - first_timestamp_ns, 0)
    due = started_ns - (-passed * speed.denominator // speed.numerator)
    return max(due - now_ns, 0)


def _with_head(head: T, rest: Iterable[T]) -> Iterator[T]:
    yield head
    yield from rest


def _by_name(columns: tuple[str, ...], place: Place) -> tuple[tuple[str, ...], tardis.Reader]:
    """The columns of the format that a Parquet file has: there, the order has no meaning, and there may be more."""
    levels = sum(name.startswith("asks[") and name.endswith("].price") for name in columns)
    for wanted in (tardis.INCREMENTAL, tardis.TRADES, tardis.snapshot_columns(levels) if levels else ()):
        if wanted and set(wanted) <= set(columns):
            return wanted, tardis.reader_of(wanted, place)
    return columns, tardis.reader_of(columns, place)
