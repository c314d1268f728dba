"""What happened, in the terms of the business and not of the wire."""

from dataclasses import dataclass

import protocol_v2
from alphapulse_types.fixed_point import UsdFixedPoint8
from protocol_v2.tlv import TLVType

from .identifiers import VenueId
from .side import Side


@dataclass(frozen=True)
class TradeEvent:
    instrument: int
    price: UsdFixedPoint8
    quantity: int
    side: Side
    venue: VenueId


def trade_events(message: protocol_v2.Message) -> list[TradeEvent]:
    """The trades of a message, in the order of the wire."""
    if not any(kind == TLVType.TRADE for kind, _ in message.tlvs):
        return []
    return [
        TradeEvent(t.instrument, UsdFixedPoint8(t.price.raw), t.quantity, Side(t.side), VenueId(t.venue))
        for t in message.trades()
    ]


def read_trades(data: bytes) -> list[TradeEvent]:
    return trade_events(protocol_v2.parse_message(data))
