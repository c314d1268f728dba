"""TLVs of chains and their pools, declared, and the records of the pool cache.

Owns declarations only; units and conventions are those of `tlvs`.  Where an address begins on a boundary that no rule
gives, the declaration says so (`align`, `at`): the wire has it that way.
"""

from enum import IntEnum
from typing import Any, Self

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
    Bytes32,
    PaddedAddress,
    Struct,
    Vec,
    field,
    vec,
)
from .tlv_types import TLVType

MAX_POOL_TOKENS = 8

USD8 = "1e-8 USD"
NATIVE = "native"


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
