"""The payloads of orders, their states and fills.  These layouts are ours.

Owns three declarations.  The wire specification gives types 40, 41 and 42 a size (32, 24, 32) and no fields, so these
are exactly that long, and every reader passes them on.  They are not registered: to others the types stay what the
specification says, sized and opaque, whether this module is imported in a process or not.  Who wants the fields asks
for them by class: `message.get(FillTLV)`, `decode_batch(data, FillTLV)`.

Prices and quantities are in 1e-8, fees in 1e-8 USD.  An order's message carries the SignalIdentity of its signal in
front.  An instrument is given without its reserved byte, which is 0 for everything that trades at an exchange.
"""

from enum import IntEnum

from libs.types.protocol import I64, TLV, U8, U16, U32, U64, InstrumentId, TLVType, field


class Side(IntEnum):
    """`side`, numbered as that of a trade."""

    BUY = 0
    SELL = 1


class Status(IntEnum):
    """`status` of OrderStatus: what became of the order.  All are final."""

    FILLED = 1
    PARTIALLY_FILLED = 2
    REJECTED = 3


class Reason(IntEnum):
    """`reason` of OrderStatus: why a signal was rejected."""

    NONE = 0
    NO_PRICE = 1
    TOO_SMALL = 2
    ORDER_LIMIT = 3
    POSITION_LIMIT = 4
    LOSS_LIMIT = 5


class OrderRequestTLV(TLV, type=TLVType.ORDER_REQUEST, registered=False):
    """An order that takes what is there up to its limit, and whose rest is cancelled."""

    asset_id: U64
    limit_price: I64 = field(unit="1e-8")
    quantity: I64 = field(unit="1e-8")
    order_id: U32 = field(doc="of this sender; 0 is none")
    venue_id: U16
    asset_type: U8
    side: U8 = field(doc="a Side")

    @property
    def instrument(self) -> InstrumentId:
        """What is traded."""
        return InstrumentId(asset_id=self.asset_id, venue=self.venue_id, asset_type=self.asset_type)


class OrderStatusTLV(TLV, type=TLVType.ORDER_STATUS, registered=False):
    """How an order ended."""

    filled: I64 = field(unit="1e-8")
    remaining: I64 = field(unit="1e-8", doc="cancelled")
    order_id: U32 = field(doc="0 where a signal was rejected before there was an order")
    status: U8 = field(doc="a Status")
    reason: U8 = field(default=0, doc="a Reason")


class FillTLV(TLV, type=TLVType.FILL, registered=False):
    """One trade of an order."""

    price: I64 = field(unit="1e-8")
    quantity: I64 = field(unit="1e-8")
    fee: I64 = field(unit="1e-8 USD")
    order_id: U32
    venue_id: U16
    side: U8 = field(doc="a Side")
    last: U8 = field(doc="1 for the last one of the order")
