"""What a capture gives: events, and counts of what is no event.

Owns the two values that all readers share.
"""

from dataclasses import dataclass

from libs.types.protocol import TLV


@dataclass(frozen=True, slots=True)
class Event:
    """What arrived at `timestamp_ns`: the TLVs of one message."""

    timestamp_ns: int
    tlvs: tuple[TLV, ...]


@dataclass(slots=True)
class Counts:
    """What a reader met; it counts on while the events are taken."""

    rows: int = 0
    trades: int = 0
    books: int = 0
    levels_beyond: int = 0
    """Levels of published books that an OrderBook has no room for; each book says so in a BookDepth."""
    before_snapshot: int = 0
    """Changes of books that are not known yet, or not any more."""
    outdated: int = 0
    """Changes that the snapshot contains already."""
    gaps: int = 0
    """Times that changes were missing, so that a book was invalidated."""
