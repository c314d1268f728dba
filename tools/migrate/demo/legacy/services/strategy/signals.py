"""Signals: what the strategy tells the others."""

import alphapulse_types.side
import protocol_v2.header
import protocol_v2.tlv.parser
from protocol_v2.tlv.types import Trade, UsdFixedPoint8

try:
    from protocol_v2.tlv import MessageBuilder
except ImportError:  # an installation that only reads
    MessageBuilder = None  # type: ignore[assignment, misc]

CAN_WRITE = MessageBuilder is not None
SOURCE = 20


def signal(instrument: int, price: str, side: alphapulse_types.side.Side) -> bytes:
    trade = Trade(instrument, UsdFixedPoint8.of(price), 1, 0, side, 1)
    domain = protocol_v2.header.RelayDomain.SIGNAL
    return MessageBuilder(domain, SOURCE, timestamp=0).add_trade(trade).build()


def answer(data: bytes) -> bytes:
    """The same trade, the other way round."""
    (trade,) = protocol_v2.tlv.parser.parse_message(data).trades()
    side = alphapulse_types.side.opposite(alphapulse_types.side.Side(trade.side))
    return signal(trade.instrument, str(trade.price), side)
