"""Who and what: venues and instruments."""

from dataclasses import dataclass
from enum import IntEnum


class VenueId(IntEnum):
    """The number of a venue on the wire."""

    BINANCE = 1
    KRAKEN = 2
    COINBASE = 3


@dataclass(frozen=True)
class InstrumentId:
    """A venue's symbol.

    >>> from alphapulse_types.identifiers import InstrumentId, VenueId
    >>> InstrumentId(VenueId.KRAKEN, "XBTUSD").key
    'KRAKEN:XBTUSD'
    """

    venue: VenueId
    symbol: str

    @property
    def key(self) -> str:
        return f"{self.venue.name}:{self.symbol}"
