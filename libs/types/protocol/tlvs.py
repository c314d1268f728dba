"""TLVs of market data, signals and the system, declared: fields, units and nothing else; `tlvs_chain` has the others.

Owns the declarations.  Must not compute: offsets, padding and sizes come from the rules in `layout`, and the tests hold
them against the sizes of the wire specification.

Units: `1e-8` is an integer count of hundred-millionths (`UsdFixedPoint8` where it is money); `native` is the token's
own smallest unit, never rescaled, its decimals in a field beside it; `ns` is nanoseconds since 1970.  Addresses are 20
raw bytes.  Numbers of venues, assets and the like stay integers here: a message with a number that this release does
not know is still a message.
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import Self

from .instruments import InstrumentId
from .schema import (
    I64,
    TLV,
    U8,
    U16,
    U32,
    U64,
    Bytes8,
    Group,
    Struct,
    Tail,
    Vec,
    element,
    field,
    vec,
)
from .tlv_types import TLVType

MAX_ORDER_LEVELS = 50
MAX_INSTRUMENTS = 16

USD8 = "1e-8 USD"


class TradeTLV(TLV, type=TLVType.TRADE):
    """One executed trade."""

    asset_id: U64
    price: I64 = field(unit="1e-8")
    volume: I64 = field(unit="1e-8")
    timestamp_ns: U64 = field(unit="ns")
    venue_id: U16
    asset_type: U8
    reserved: U8 = field(default=0, doc="from the instrument id")
    side: U8 = field(doc="0 buy, 1 sell; not checked")

    instrument = Group(InstrumentId, "asset_id", "venue_id", "asset_type", "reserved")

    @classmethod
    def of(cls, instrument: InstrumentId, *, price: int, volume: int, timestamp_ns: int, side: int) -> Self:
        """A trade of `instrument`, at the instrument's own venue."""
        return cls(**_instrument_fields(instrument), price=price, volume=volume, timestamp_ns=timestamp_ns, side=side)


class QuoteTLV(TLV, type=TLVType.QUOTE):
    """Best bid and ask."""

    asset_id: U64
    bid_price: I64 = field(unit="1e-8")
    bid_size: I64 = field(unit="1e-8")
    ask_price: I64 = field(unit="1e-8")
    ask_size: I64 = field(unit="1e-8")
    timestamp_ns: U64 = field(unit="ns")
    venue_id: U16
    asset_type: U8
    reserved: U8 = field(default=0, doc="from the instrument id")

    instrument = Group(InstrumentId, "asset_id", "venue_id", "asset_type", "reserved")

    @classmethod
    def of(
        cls,
        instrument: InstrumentId,
        *,
        bid_price: int,
        bid_size: int,
        ask_price: int,
        ask_size: int,
        timestamp_ns: int,
    ) -> Self:
        """A quote of `instrument`, at the instrument's own venue."""
        return cls(
            **_instrument_fields(instrument),
            bid_price=bid_price,
            bid_size=bid_size,
            ask_price=ask_price,
            ask_size=ask_size,
            timestamp_ns=timestamp_ns,
        )


class OrderLevel(Struct, size=24):
    """One price level; price and size are scaled by the book's precision factor."""

    price: I64
    size: I64
    order_count: U32 = field(default=0, doc="0 where it is not known")


class OrderBookTLV(TLV, type=TLVType.ORDER_BOOK):
    """A snapshot of both sides, best level first.  Rules of its content are checked by `order_book.validate`."""

    timestamp_ns: U64 = field(unit="ns")
    sequence: U64 = field(doc="the venue's own")
    precision_factor: I64 = field(default=100_000_000, doc="what prices and sizes are multiplied by")
    asset_id: U64
    venue_id: U16
    asset_type: U8
    reserved: U8 = field(default=0, doc="from the instrument id")
    bids: Vec[OrderLevel] = vec(OrderLevel, MAX_ORDER_LEVELS, default=(), doc="highest price first")
    asks: Vec[OrderLevel] = vec(OrderLevel, MAX_ORDER_LEVELS, default=(), doc="lowest price first")

    instrument = Group(InstrumentId, "asset_id", "venue_id", "asset_type", "reserved")

    bid_price = element("bids", "price")
    bid_size = element("bids", "size")
    ask_price = element("asks", "price")
    ask_size = element("asks", "size")

    @classmethod
    def of(
        cls,
        instrument: InstrumentId,
        *,
        timestamp_ns: int,
        sequence: int,
        bids: Iterable[OrderLevel] | Iterable[tuple[int, ...]] = (),
        asks: Iterable[OrderLevel] | Iterable[tuple[int, ...]] = (),
        precision_factor: int = 100_000_000,
    ) -> Self:
        """A book of `instrument`.  Raises CapacityExceeded for more than 50 levels a side: nothing is cut."""
        return cls(
            **_instrument_fields(instrument),
            timestamp_ns=timestamp_ns,
            sequence=sequence,
            precision_factor=precision_factor,
            bids=bids,
            asks=asks,
        )

    @property
    def best_bid(self) -> OrderLevel | None:
        """The first bid; None where there is none."""
        return self.bids[0] if self.bids else None

    @property
    def best_ask(self) -> OrderLevel | None:
        """The first ask; None where there is none."""
        return self.asks[0] if self.asks else None


class SignalIdentityTLV(TLV, type=TLVType.SIGNAL_IDENTITY):
    """Whose signal it is.  This layout is ours: the original names the type and its size only."""

    signal_id: U64
    strategy_id: U16
    confidence: U8 = field(unit="percent")
    strategy_version: U8
    chain_id: U32


class EconomicsTLV(TLV, type=TLVType.ECONOMICS):
    """What a signal expects to earn.  This layout is ours: the original names the type and its size only."""

    expected_profit: I64 = field(unit=USD8)
    required_capital: I64 = field(unit=USD8)
    gas_cost: I64 = field(unit=USD8)
    confidence_bps: U16 = field(unit="basis points")
    impact_bps: U16 = field(unit="basis points")
    urgency: U16


class InvalidationReason(IntEnum):
    """`reason` of StateInvalidation."""

    DISCONNECTION = 0
    AUTHENTICATION_FAILURE = 1
    RATE_LIMITED = 2
    STALENESS = 3
    MAINTENANCE = 4
    RECOVERY = 5


class StateInvalidationTLV(TLV, type=TLVType.STATE_INVALIDATION):
    """Drop the named instruments from state; they come back with their next fresh event."""

    sequence: U64
    timestamp_ns: U64 = field(unit="ns")
    instruments: Vec[InstrumentId] = vec(InstrumentId, MAX_INSTRUMENTS, least=1)
    venue: U16
    reason: U8 = field(doc="an InvalidationReason")


class SystemHealthTLV(TLV, type=TLVType.SYSTEM_HEALTH, size=48):
    """How a service is."""

    timestamp_ns: U64 = field(unit="ns")
    connection_count: U32
    message_rate_per_sec: U32
    last_error_code: U32 = field(default=0, doc="0 for none")
    error_rate_per_thousand: U16
    latency_p95_us: U16 = field(unit="us")
    service_type: U8 = field(doc="a SourceType")
    health_status: U8 = field(doc="0 healthy, 1 degraded, 2 unhealthy, 3 unknown")
    cpu_usage_pct: U8 = field(unit="percent")
    memory_usage_pct: U8 = field(unit="percent")


class TraceContextTLV(TLV, type=TLVType.TRACE_CONTEXT):
    """Where a message has been."""

    start_timestamp_ns: U64 = field(unit="ns")
    current_timestamp_ns: U64 = field(unit="ns")
    source_service: U8 = field(doc="a SourceType")
    span_depth: U8 = field(doc="stays at 255")
    stage_flags: U8 = field(doc="1 collected, 2 relayed, 4 processed, 8 executed")
    reserved: U8 = field(default=0)
    trace_id: Bytes8 = field(align=8)


class RecoveryType(IntEnum):
    """`request_type` of RecoveryRequest."""

    RETRANSMIT = 1
    SNAPSHOT = 2


class RecoveryRequestTLV(TLV, type=TLVType.RECOVERY_REQUEST):
    """Asks for what a consumer has missed."""

    last_sequence: U64 = field(doc="the last one that was processed")
    current_sequence: U64 = field(doc="the one that showed the gap")
    consumer_id: U32
    request_type: U32 = field(doc="a RecoveryType")

    @property
    def gap_size(self) -> int:
        """current - last, as the original counts."""
        return self.current_sequence - self.last_sequence

    @property
    def missing(self) -> int:
        """How many messages lie between."""
        return self.gap_size - 1


class SnapshotTLV(TLV, type=TLVType.SNAPSHOT):
    """A state, in the bytes after a header of 32; `snapshot` makes and checks them."""

    sequence: U64
    timestamp: U64 = field(unit="ns")
    snapshot_id: U32
    checksum: U32 = field(doc="CRC-32 of the data before compression")
    uncompressed_size: U32 = field(unit="bytes")
    tlv_type: U8 = field(default=101)
    tlv_length: U8 = field(default=32, doc="of this header only")
    compression_type: U8 = field(default=0, doc="0 none, 1 zlib, 2 lz4, 3 zstd")
    data: Tail = field(at=32)


class HeartbeatTLV(TLV, type=TLVType.HEARTBEAT):
    """A sign of life.  This layout is ours: the original names the type and its size only."""

    timestamp_ns: U64 = field(unit="ns")
    service: U8 = field(doc="a SourceType")
    status: U8 = field(default=0)


def _instrument_fields(instrument: InstrumentId) -> dict[str, int]:
    return {
        "asset_id": instrument.asset_id,
        "venue_id": instrument.venue,
        "asset_type": instrument.asset_type,
        "reserved": instrument.reserved,
    }
