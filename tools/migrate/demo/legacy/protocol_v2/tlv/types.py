"""The TLV numbers, the trade record, and the fixed-point dollars it is made of."""

import struct
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from enum import IntEnum
from typing import ClassVar

_TRADE = struct.Struct("<QqqQBxH4x")


class TLVType(IntEnum):
    TRADE = 1
    QUOTE = 2
    ORDER_BOOK = 3
    SIGNAL_IDENTITY = 20


@dataclass(frozen=True, order=True)
class UsdFixedPoint8:
    """Dollars with eight decimals, held as an integer."""

    SCALE: ClassVar[int] = 100_000_000

    raw: int

    @classmethod
    def of(cls, text: str) -> "UsdFixedPoint8":
        scaled = Decimal(text) * cls.SCALE
        return cls(int(scaled.to_integral_value(rounding=ROUND_HALF_EVEN)))

    def __add__(self, other: "UsdFixedPoint8") -> "UsdFixedPoint8":
        return UsdFixedPoint8(self.raw + other.raw)

    def __str__(self) -> str:
        return f"{Decimal(self.raw) / self.SCALE:.8f}"


@dataclass(frozen=True)
class Trade:
    """One trade as it stands on the wire: 40 bytes."""

    instrument: int
    price: UsdFixedPoint8
    quantity: int
    timestamp: int
    side: int
    venue: int

    def pack(self) -> bytes:
        return _TRADE.pack(self.instrument, self.price.raw, self.quantity, self.timestamp, self.side, self.venue)

    @classmethod
    def unpack(cls, payload: bytes) -> "Trade":
        instrument, price, quantity, timestamp, side, venue = _TRADE.unpack(payload)
        return cls(instrument, UsdFixedPoint8(price), quantity, timestamp, side, venue)
