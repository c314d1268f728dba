"""The gateway's own terms, as they stand in its public JSON."""

from dataclasses import dataclass
from enum import Enum

from alphapulse_types.identifiers import VenueId as WireVenue


class VenueId(str, Enum):
    """A venue's public slug; not the number that the wire has."""

    BINANCE = "binance"
    KRAKEN = "kraken"
    BITMEX = "bitmex"

    @classmethod
    def from_wire(cls, venue: WireVenue) -> "VenueId":
        return cls[venue.name]


@dataclass(frozen=True)
class Order:
    client_id: str
    venue: VenueId
