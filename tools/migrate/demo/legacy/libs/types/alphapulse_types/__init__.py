"""Values that every part of AlphaPulse shares.

`events` is left out on purpose: it needs the wire format, and most users only want the numbers.
"""

from .fixed_point import PercentageFixedPoint4, UsdFixedPoint8
from .identifiers import InstrumentId, VenueId
from .side import Side

__all__ = ["InstrumentId", "PercentageFixedPoint4", "Side", "UsdFixedPoint8", "VenueId"]
