"""A second reader of messages, described with the library construct and written from the wire specification alone.

Owns the description.  Must not use the codec, nor look at how it declares anything: its worth is that two people would
have to make the same mistake.
"""

# construct has no types, and its decorators hide what its names are.
# pyright: basic, reportOperatorIssue=false, reportOptionalMemberAccess=false, reportOptionalSubscript=false

from typing import Any

from construct import (
    Array,
    Bytes,
    BytesInteger,
    Const,
    ExprValidator,
    FixedSized,
    GreedyBytes,
    GreedyRange,
    IfThenElse,
    Int8ul,
    Int16ul,
    Int32sl,
    Int32ul,
    Int64sl,
    Int64ul,
    Padding,
    Struct,
    Terminated,
    this,
)

u8, u16, u32, u64 = Int8ul, Int16ul, Int32ul, Int64ul
i32, i64 = Int32sl, Int64sl
u128 = BytesInteger(16, swapped=True)


def address(name: str, pad: int = 12) -> list[Any]:
    return [name / Bytes(20), Padding(pad)] if pad else [name / Bytes(20)]


def numbers(kind: Any, names: str) -> list[Any]:
    return [name / kind for name in names.split()]


def vector(capacity: int, element: Any, first: int = 8) -> Any:
    return Struct("count" / u16, Padding(first - 2), "slots" / Array(capacity, element))


INSTRUMENT = Struct("asset_id" / u64, "venue" / u16, "asset_type" / u8, "reserved" / u8)
LEVEL = Struct("price" / i64, "size" / i64, "order_count" / u32, Padding(4))
LIQUIDITY_EVENT = Struct(
    *numbers(u128, "liquidity_delta amount0 amount1"),
    "timestamp_ns" / u64,
    *numbers(i32, "tick_lower tick_upper"),
    "venue" / u16,
    *numbers(u8, "token0_decimals token1_decimals"),
    *address("pool_address"),
    *address("provider_addr"),
    *address("token0_addr"),
    *address("token1_addr"),
    Padding(12),
)

STRUCTS: dict[int, Any] = {
    1: Struct(
        "asset_id" / u64,
        *numbers(i64, "price volume"),
        "timestamp_ns" / u64,
        "venue_id" / u16,
        *numbers(u8, "asset_type reserved side"),
        Padding(3),
    ),
    2: Struct(
        "asset_id" / u64,
        *numbers(i64, "bid_price bid_size ask_price ask_size"),
        "timestamp_ns" / u64,
        "venue_id" / u16,
        *numbers(u8, "asset_type reserved"),
        Padding(4),
    ),
    3: Struct(
        *numbers(u64, "timestamp_ns sequence"),
        "precision_factor" / i64,
        "asset_id" / u64,
        "venue_id" / u16,
        *numbers(u8, "asset_type reserved"),
        Padding(4),
        "bids" / vector(50, LEVEL),
        "asks" / vector(50, LEVEL),
    ),
    10: Struct(
        "timestamp_ns" / u64,
        Padding(8),
        "reserves" / vector(8, u128, first=16),
        *address("pool_address"),
        "venue" / u16,
        Padding(14),
    ),
    11: Struct(
        *numbers(u128, "amount_in amount_out liquidity_after"),
        *numbers(u64, "timestamp_ns block_number"),
        "tick_after" / i32,
        "venue" / u16,
        *numbers(u8, "amount_in_decimals amount_out_decimals"),
        Padding(8),
        *address("pool_address"),
        *address("token_in_addr"),
        *address("token_out_addr"),
        "sqrt_price_x96_after" / Bytes(32),
    ),
    12: LIQUIDITY_EVENT,
    13: LIQUIDITY_EVENT,
    14: Struct(
        "liquidity_net" / i64,
        *numbers(u64, "price_sqrt timestamp_ns"),
        "tick" / i32,
        "venue" / u16,
        *address("pool_address"),
        Padding(2),
    ),
    15: Struct(
        *numbers(u128, "reserve0 reserve1 sqrt_price_x96 liquidity"),
        *numbers(u64, "block_number timestamp_ns"),
        "tick" / i32,
        "fee_rate" / u32,
        "venue" / u16,
        *numbers(u8, "pool_type token0_decimals token1_decimals"),
        Padding(3),
        *address("pool_address"),
        *address("token0_addr"),
        *address("token1_addr"),
    ),
    16: Struct(
        *numbers(u128, "reserve0 reserve1"),
        *numbers(u64, "timestamp_ns block_number"),
        "venue" / u16,
        *numbers(u8, "token0_decimals token1_decimals"),
        Padding(12),
        *address("pool_address"),
        *address("token0_addr"),
        *address("token1_addr"),
    ),
    18: Struct(
        *numbers(u64, "block_number timestamp_ns"),
        *numbers(u32, "gas_price_gwei base_fee_gwei priority_fee_gwei"),
        *numbers(u16, "venue reserved"),
    ),
    20: Struct("signal_id" / u64, "strategy_id" / u16, *numbers(u8, "confidence strategy_version"), "chain_id" / u32),
    22: Struct(
        *numbers(i64, "expected_profit required_capital gas_cost"),
        *numbers(u16, "confidence_bps impact_bps urgency"),
        Padding(2),
    ),
    32: Struct(
        "strategy_id" / u16,
        "signal_id" / u64,
        "chain_id" / u32,
        *address("source_pool", 0),
        *address("target_pool", 0),
        *numbers(u16, "source_venue target_venue"),
        *address("token_in", 0),
        *address("token_out", 0),
        *numbers(i64, "expected_profit_usd_q8 required_capital_usd_q8"),
        "spread_bps" / u16,
        *numbers(i64, "dex_fees_usd_q8 gas_cost_usd_q8 slippage_usd_q8 net_profit_usd_q8"),
        "slippage_tolerance_bps" / u16,
        *numbers(u32, "max_gas_price_gwei valid_until"),
        "priority" / u16,
        Padding(2),
        "timestamp_ns" / u64,
    ),
    100: Struct("timestamp_ns" / u64, *numbers(u8, "service status"), Padding(6)),
    101: Struct(
        *numbers(u64, "sequence timestamp"),
        *numbers(u32, "snapshot_id checksum uncompressed_size"),
        *numbers(u8, "tlv_type tlv_length compression_type"),
        Padding(1),
        "data" / GreedyBytes,
    ),
    106: Struct(
        *numbers(u64, "sequence timestamp_ns"),
        "instruments" / vector(16, INSTRUMENT),
        "venue" / u16,
        "reason" / u8,
        Padding(5),
    ),
    107: Struct(
        "timestamp_ns" / u64,
        *numbers(u32, "connection_count message_rate_per_sec last_error_code"),
        *numbers(u16, "error_rate_per_thousand latency_p95_us"),
        *numbers(u8, "service_type health_status cpu_usage_pct memory_usage_pct"),
        Padding(20),
    ),
    108: Struct(
        *numbers(u64, "start_timestamp_ns current_timestamp_ns"),
        *numbers(u8, "source_service span_depth stage_flags reserved"),
        Padding(4),
        "trace_id" / Bytes(8),
    ),
    110: Struct(*numbers(u64, "last_sequence current_sequence"), *numbers(u32, "consumer_id request_type")),
    200: Struct(
        *numbers(u64, "discovered_at last_seen"),
        "fee_tier" / u32,
        "venue" / u16,
        *numbers(u8, "tlv_type tlv_length token0_decimals token1_decimals pool_type"),
        Padding(1),
        *address("pool_address", 0),
        *address("token0_address", 0),
        *address("token1_address", 0),
    ),
}

EXTENDED = Struct(Const(0, u8), "type" / u8, "size" / u16, "payload" / Bytes(this.size))
STANDARD = Struct("size" / u8, "payload" / Bytes(this.size))
TLV = Struct("marker" / u8, "body" / IfThenElse(this.marker == 255, EXTENDED, STANDARD))
MESSAGE = Struct(
    Const(bytes.fromhex("efbeadde")),
    "relay_domain" / u8,
    "version" / ExprValidator(u8, lambda obj, _: obj == 1),
    *numbers(u8, "source flags"),
    *numbers(u64, "sequence timestamp"),
    *numbers(u32, "payload_size checksum"),
    "tlvs" / FixedSized(this.payload_size, GreedyRange(TLV)),
    Terminated,
)


def read_message(wire: bytes) -> tuple[dict[str, int], list[tuple[int, bool, bytes]]]:
    """The header's fields, and (type, extended, payload) of each TLV."""
    parsed = MESSAGE.parse(wire)
    names = ["relay_domain", "version", "source", "flags", "sequence", "timestamp", "payload_size", "checksum"]
    tlvs = []
    for tlv in parsed.tlvs:
        extended = tlv.marker == 255
        tlvs.append((tlv.body.type if extended else tlv.marker, extended, bytes(tlv.body.payload)))
    return {name: parsed[name] for name in names}, tlvs


def read_struct(number: int, payload: bytes) -> dict[str, Any]:
    """The fields of a payload of this type; of a vector the elements that count."""
    parsed = STRUCTS[number].parse(payload)
    return {name: _plain(value) for name, value in parsed.items() if not name.startswith("_")}


def _plain(value: Any) -> Any:
    if isinstance(value, dict) and "slots" in value:
        return [_plain(item) for item in value["slots"][: value["count"]]]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items() if not name.startswith("_")}
    return bytes(value) if isinstance(value, bytes) else value
