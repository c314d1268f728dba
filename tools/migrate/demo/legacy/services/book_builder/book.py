"""The book itself."""

from alphapulse_types import InstrumentId, UsdFixedPoint8, VenueId

from .wire import MAGIC, ProtocolError, Side, opposite, parse_message


class Book:
    def __init__(self) -> None:
        self.last: dict[int, tuple[UsdFixedPoint8, Side]] = {}
        self.rejected = 0

    def feed(self, data: bytes) -> None:
        try:
            message = parse_message(data)
        except ProtocolError:
            self.rejected += 1
            return
        for trade in message.trades():
            self.last[trade.instrument] = (UsdFixedPoint8(trade.price.raw), Side(trade.side))


def describe(symbol: str, *, protocol_v2: bool = True) -> dict[str, str]:
    """The book's line in the service list; `protocol_v2` says which wire format it reads."""
    wire = f"{MAGIC:x}" if protocol_v2 else "json"
    taker = opposite(Side.SELL)
    return {"key": InstrumentId(VenueId.COINBASE, symbol).key, "wire": wire, "taker": taker.name}
