"""Every TLV, declared: fields, units and nothing else.  The schema can be read in one sitting.

Owns the declarations.  Must not compute: offsets, padding and sizes come from the rules in `layout`, and the tests hold
them against the sizes of the wire specification.

Units: `1e-8` is an integer count of hundred-millionths (`UsdFixedPoint8` where it is money); `native` is the token's
own smallest unit, never rescaled, its decimals in a field beside it; `ns` is nanoseconds since 1970.  Addresses are 20
raw bytes.  Numbers of venues, assets and the like stay integers here: a message with a number that this release does
not know is still a message.
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import Any, Self

from .instruments import InstrumentId
from .schema import (
    I32,
    I64,
    I128,
    TLV,
    U8,
    U16,
    U32,
    U64,
    U128,
    Address,
    Bytes8,
    Bytes32,
    Group,
    PaddedAddress,
    Struct,
    Tail,
    Vec,
    element,
    field,
    vec,
)
from .tlv_types import TLVType

MAX_ORDER_LEVELS = 50
MAX_POOL_TOKENS = 8
MAX_INSTRUMENTS = 16

USD8 = "1e-8 USD"
NATIVE = "native"


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


class PoolLiquidityTLV(TLV, type=TLVType.POOL_LIQUIDITY):
    """The reserves of a pool's tokens."""

    timestamp_ns: U64 = field(unit="ns")
    reserves: Vec[int] = vec(U128, MAX_POOL_TOKENS, least=1, unit=NATIVE)
    pool_address: PaddedAddress
    venue: U16


class PoolSwapTLV(TLV, type=TLVType.POOL_SWAP):
    """A swap in a pool, and the pool's state after it."""

    amount_in: U128 = field(unit=NATIVE)
    amount_out: U128 = field(unit=NATIVE)
    liquidity_after: U128 = field(unit=NATIVE)
    timestamp_ns: U64 = field(unit="ns")
    block_number: U64
    tick_after: I32
    venue: U16
    amount_in_decimals: U8
    amount_out_decimals: U8
    pool_address: PaddedAddress = field(align=16)
    token_in_addr: PaddedAddress
    token_out_addr: PaddedAddress
    sqrt_price_x96_after: Bytes32 = field(doc="a 160-bit number, unsigned, little-endian")

    @property
    def sqrt_price_x96(self) -> int:
        """All of the square-root price, as a number."""
        return int.from_bytes(self.sqrt_price_x96_after, "little")


class PoolMintTLV(TLV, type=TLVType.POOL_MINT):
    """Liquidity put into a range of ticks."""

    liquidity_delta: U128 = field(unit=NATIVE)
    amount0: U128 = field(unit=NATIVE)
    amount1: U128 = field(unit=NATIVE)
    timestamp_ns: U64 = field(unit="ns")
    tick_lower: I32
    tick_upper: I32
    venue: U16
    token0_decimals: U8
    token1_decimals: U8
    pool_address: PaddedAddress
    provider_addr: PaddedAddress
    token0_addr: PaddedAddress
    token1_addr: PaddedAddress


class PoolBurnTLV(TLV, type=TLVType.POOL_BURN):
    """Liquidity taken out of a range of ticks."""

    liquidity_delta: U128 = field(unit=NATIVE)
    amount0: U128 = field(unit=NATIVE)
    amount1: U128 = field(unit=NATIVE)
    timestamp_ns: U64 = field(unit="ns")
    tick_lower: I32
    tick_upper: I32
    venue: U16
    token0_decimals: U8
    token1_decimals: U8
    pool_address: PaddedAddress
    provider_addr: PaddedAddress
    token0_addr: PaddedAddress
    token1_addr: PaddedAddress


class PoolTickTLV(TLV, type=TLVType.POOL_TICK):
    """The net liquidity at one tick."""

    liquidity_net: I64 = field(unit=NATIVE)
    price_sqrt: U64 = field(doc="too small for a real X96 price; PoolSwap keeps all of it")
    timestamp_ns: U64 = field(unit="ns")
    tick: I32
    venue: U16
    pool_address: PaddedAddress


class PoolType(IntEnum):
    """`pool_type` of PoolState; PoolInfo has numbers of its own, see PoolInfoType."""

    UNISWAP_V2 = 0
    UNISWAP_V3 = 1
    SUSHISWAP_V2 = 2
    QUICKSWAP_V3 = 3
    CURVE = 4
    BALANCER = 5


class PoolStateTLV(TLV, type=TLVType.POOL_STATE):
    """All of a pool's state."""

    reserve0: U128 = field(unit=NATIVE)
    reserve1: U128 = field(unit=NATIVE)
    sqrt_price_x96: U128 = field(doc="cannot hold every 160-bit price; PoolSwap keeps 32 bytes")
    liquidity: U128 = field(unit=NATIVE)
    block_number: U64
    timestamp_ns: U64 = field(unit="ns")
    tick: I32 = field(doc="0 for V2 pools")
    fee_rate: U32 = field(unit="basis points")
    venue: U16
    pool_type: U8 = field(doc="a PoolType")
    token0_decimals: U8
    token1_decimals: U8
    pool_address: PaddedAddress = field(align=16)
    token0_addr: PaddedAddress
    token1_addr: PaddedAddress


class PoolSyncTLV(TLV, type=TLVType.POOL_SYNC):
    """The full reserves of a V2 pool."""

    reserve0: U128 = field(unit=NATIVE)
    reserve1: U128 = field(unit=NATIVE)
    timestamp_ns: U64 = field(unit="ns")
    block_number: U64
    venue: U16
    token0_decimals: U8
    token1_decimals: U8
    pool_address: PaddedAddress = field(align=16)
    token0_addr: PaddedAddress
    token1_addr: PaddedAddress


class GasPriceTLV(TLV, type=TLVType.GAS_PRICE):
    """The price of gas in a block."""

    block_number: U64
    timestamp_ns: U64 = field(unit="ns")
    gas_price_gwei: U32 = field(unit="gwei")
    base_fee_gwei: U32 = field(unit="gwei")
    priority_fee_gwei: U32 = field(unit="gwei")
    venue: U16 = field(doc="here the chain id, 137 for Polygon")
    reserved: U16 = field(default=0)

    @classmethod
    def of_fees(cls, *, base_fee_gwei: int, priority_fee_gwei: int, **fields: Any) -> Self:
        """With the gas price that follows from base fee and tip; it stays at the largest u32 where that is exceeded."""
        price = min(base_fee_gwei + priority_fee_gwei, 2**32 - 1)
        return cls(base_fee_gwei=base_fee_gwei, priority_fee_gwei=priority_fee_gwei, gas_price_gwei=price, **fields)


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


class ArbitrageSignalTLV(TLV, type=TLVType.ARBITRAGE_SIGNAL, packed=True):
    """An opportunity between two pools, with its costs.  Packed: no alignment."""

    strategy_id: U16 = field(default=21)
    signal_id: U64
    chain_id: U32
    source_pool: Address
    target_pool: Address
    source_venue: U16
    target_venue: U16
    token_in: Address
    token_out: Address
    expected_profit_usd_q8: I64 = field(unit=USD8)
    required_capital_usd_q8: I64 = field(unit=USD8)
    spread_bps: U16 = field(unit="basis points")
    dex_fees_usd_q8: I64 = field(unit=USD8)
    gas_cost_usd_q8: I64 = field(unit=USD8)
    slippage_usd_q8: I64 = field(unit=USD8)
    net_profit_usd_q8: I64 = field(unit=USD8, doc="expected profit less fees, gas and slippage")
    slippage_tolerance_bps: U16 = field(default=50, unit="basis points")
    max_gas_price_gwei: U32 = field(default=100, unit="gwei")
    valid_until: U32 = field(unit="s since 1970")
    priority: U16
    timestamp_ns: U64 = field(at=162, unit="ns")


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


class PoolInfoType(IntEnum):
    """`pool_type` of PoolInfo; not the numbers of PoolState."""

    UNISWAP_V2 = 1
    UNISWAP_V3 = 2
    QUICKSWAP_V2 = 3
    QUICKSWAP_V3 = 4
    SUSHISWAP_V2 = 5
    CURVE_V2 = 6
    BALANCER_V2 = 7


class PoolInfoTLV(TLV, type=TLVType.POOL_INFO):
    """A pool as the cache file keeps it."""

    discovered_at: U64 = field(unit="s since 1970")
    last_seen: U64 = field(unit="s since 1970")
    fee_tier: U32 = field(unit="basis points")
    venue: U16
    tlv_type: U8 = field(default=200)
    tlv_length: U8 = field(default=86, doc="size - 2")
    token0_decimals: U8
    token1_decimals: U8
    pool_type: U8 = field(doc="a PoolInfoType")
    pool_address: Address = field(align=4)
    token0_address: Address
    token1_address: Address


class PoolCacheHeader(Struct):
    """The head of the pool cache file, 64 bytes; its type number 201 is never sent as a TLV."""

    chain_id: U64
    last_updated: U64
    version: U32 = field(default=1, at=48)
    pool_count: U32
    checksum: U32
    magic: U32 = field(default=int.from_bytes(b"POOL", "little"))


class PoolJournalEntry(Struct):
    """One line of the pool cache's journal, 104 bytes."""

    timestamp: U64
    pool: PoolInfoTLV
    operation: U8 = field(doc="1 add, 2 update, 3 delete")


class DemoDeFiArbitrage(Struct, packed=True):
    """Deprecated: the older arbitrage signal, 180 packed bytes, replaced by type 32.

    It was sent as type 255, which is the extended marker; a reader that meets it sees a malformed extended frame.
    """

    strategy_id: U16
    signal_id: U64
    confidence: U8
    chain_id: U8
    expected_profit_q: I128 = field(unit="Q64.64")
    required_capital_q: U128 = field(unit="Q64.64")
    estimated_gas_cost_q: U128 = field(unit="Q64.64")
    venue_a: U16
    venue_b: U16
    pool_a: PaddedAddress
    pool_b: PaddedAddress
    token_in: U64
    token_out: U64
    optimal_amount_q: U128 = field(unit="Q64.64")
    slippage_tolerance: U16
    max_gas_price_gwei: U32
    valid_until: U32
    priority: U8
    reserved: U8 = field(default=0)
    timestamp_ns: U64 = field(unit="ns")


def _instrument_fields(instrument: InstrumentId) -> dict[str, int]:
    return {
        "asset_id": instrument.asset_id,
        "venue_id": instrument.venue,
        "asset_type": instrument.asset_type,
        "reserved": instrument.reserved,
    }
