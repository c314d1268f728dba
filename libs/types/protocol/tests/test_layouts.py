"""Sizes and offsets of every struct against the wire specification, written out by hand, and the type registry.

The table is a second source on purpose: it must not be made from the declarations that it is held against.
"""

from collections.abc import Iterator
from typing import Any

import pytest

import libs.types.protocol
from libs.types.protocol.layout import IntKind, Layout, RawKind, StructKind, TailKind, VectorKind
from libs.types.protocol.paths import HEADER_FIELDS
from libs.types.protocol.registry import TypeState, described_types, known_types, state_of
from libs.types.protocol.tests.vendor import NUMBERS
from libs.types.protocol.tlv_types import RESERVED_TYPES, VENDOR_TYPES, type_name

# Class, type number (0 for a struct that is no TLV), size, and "field offset type" for every field.
TABLE: list[tuple[str, int, int, str]] = [
    ("MessageHeader", 0, 32, """
        magic 0 u32, relay_domain 4 u8, version 5 u8, source 6 u8, flags 7 u8, sequence 8 u64, timestamp 16 u64,
        payload_size 24 u32, checksum 28 u32"""),
    ("TradeTLV", 1, 40, """
        asset_id 0 u64, price 8 i64, volume 16 i64, timestamp_ns 24 u64, venue_id 32 u16, asset_type 34 u8,
        reserved 35 u8, side 36 u8"""),
    ("QuoteTLV", 2, 56, """
        asset_id 0 u64, bid_price 8 i64, bid_size 16 i64, ask_price 24 i64, ask_size 32 i64, timestamp_ns 40 u64,
        venue_id 48 u16, asset_type 50 u8, reserved 51 u8"""),
    ("OrderLevel", 0, 24, "price 0 i64, size 8 i64, order_count 16 u32"),
    ("OrderBookTLV", 3, 2456, """
        timestamp_ns 0 u64, sequence 8 u64, precision_factor 16 i64, asset_id 24 u64, venue_id 32 u16,
        asset_type 34 u8, reserved 35 u8, bids 40 50xOrderLevel@8=1208, asks 1248 50xOrderLevel@8=1208"""),
    ("PoolLiquidityTLV", 10, 208, """
        timestamp_ns 0 u64, reserves 16 8xu128@16=144, pool_address 160 20+12, venue 192 u16"""),
    ("PoolSwapTLV", 11, 208, """
        amount_in 0 u128, amount_out 16 u128, liquidity_after 32 u128, timestamp_ns 48 u64, block_number 56 u64,
        tick_after 64 i32, venue 68 u16, amount_in_decimals 70 u8, amount_out_decimals 71 u8, pool_address 80 20+12,
        token_in_addr 112 20+12, token_out_addr 144 20+12, sqrt_price_x96_after 176 32+0"""),
    ("PoolMintTLV", 12, 208, """
        liquidity_delta 0 u128, amount0 16 u128, amount1 32 u128, timestamp_ns 48 u64, tick_lower 56 i32,
        tick_upper 60 i32, venue 64 u16, token0_decimals 66 u8, token1_decimals 67 u8, pool_address 68 20+12,
        provider_addr 100 20+12, token0_addr 132 20+12, token1_addr 164 20+12"""),
    ("PoolBurnTLV", 13, 208, """
        liquidity_delta 0 u128, amount0 16 u128, amount1 32 u128, timestamp_ns 48 u64, tick_lower 56 i32,
        tick_upper 60 i32, venue 64 u16, token0_decimals 66 u8, token1_decimals 67 u8, pool_address 68 20+12,
        provider_addr 100 20+12, token0_addr 132 20+12, token1_addr 164 20+12"""),
    ("PoolTickTLV", 14, 64, """
        liquidity_net 0 i64, price_sqrt 8 u64, timestamp_ns 16 u64, tick 24 i32, venue 28 u16,
        pool_address 30 20+12"""),
    ("PoolStateTLV", 15, 192, """
        reserve0 0 u128, reserve1 16 u128, sqrt_price_x96 32 u128, liquidity 48 u128, block_number 64 u64,
        timestamp_ns 72 u64, tick 80 i32, fee_rate 84 u32, venue 88 u16, pool_type 90 u8, token0_decimals 91 u8,
        token1_decimals 92 u8, pool_address 96 20+12, token0_addr 128 20+12, token1_addr 160 20+12"""),
    ("PoolSyncTLV", 16, 160, """
        reserve0 0 u128, reserve1 16 u128, timestamp_ns 32 u64, block_number 40 u64, venue 48 u16,
        token0_decimals 50 u8, token1_decimals 51 u8, pool_address 64 20+12, token0_addr 96 20+12,
        token1_addr 128 20+12"""),
    ("GasPriceTLV", 18, 32, """
        block_number 0 u64, timestamp_ns 8 u64, gas_price_gwei 16 u32, base_fee_gwei 20 u32,
        priority_fee_gwei 24 u32, venue 28 u16, reserved 30 u16"""),
    ("SignalIdentityTLV", 20, 16, """
        signal_id 0 u64, strategy_id 8 u16, confidence 10 u8, strategy_version 11 u8, chain_id 12 u32"""),
    ("EconomicsTLV", 22, 32, """
        expected_profit 0 i64, required_capital 8 i64, gas_cost 16 i64, confidence_bps 24 u16, impact_bps 26 u16,
        urgency 28 u16"""),
    ("ArbitrageSignalTLV", 32, 170, """
        strategy_id 0 u16, signal_id 2 u64, chain_id 10 u32, source_pool 14 20+0, target_pool 34 20+0,
        source_venue 54 u16, target_venue 56 u16, token_in 58 20+0, token_out 78 20+0,
        expected_profit_usd_q8 98 i64, required_capital_usd_q8 106 i64, spread_bps 114 u16, dex_fees_usd_q8 116 i64,
        gas_cost_usd_q8 124 i64, slippage_usd_q8 132 i64, net_profit_usd_q8 140 i64, slippage_tolerance_bps 148 u16,
        max_gas_price_gwei 150 u32, valid_until 154 u32, priority 158 u16, timestamp_ns 162 u64"""),
    ("HeartbeatTLV", 100, 16, "timestamp_ns 0 u64, service 8 u8, status 9 u8"),
    ("SnapshotTLV", 101, 32, """
        sequence 0 u64, timestamp 8 u64, snapshot_id 16 u32, checksum 20 u32, uncompressed_size 24 u32,
        tlv_type 28 u8, tlv_length 29 u8, compression_type 30 u8, data 32 rest"""),
    ("StateInvalidationTLV", 106, 224, """
        sequence 0 u64, timestamp_ns 8 u64, instruments 16 16xInstrumentId@8=200, venue 216 u16, reason 218 u8"""),
    ("SystemHealthTLV", 107, 48, """
        timestamp_ns 0 u64, connection_count 8 u32, message_rate_per_sec 12 u32, last_error_code 16 u32,
        error_rate_per_thousand 20 u16, latency_p95_us 22 u16, service_type 24 u8, health_status 25 u8,
        cpu_usage_pct 26 u8, memory_usage_pct 27 u8"""),
    ("TraceContextTLV", 108, 32, """
        start_timestamp_ns 0 u64, current_timestamp_ns 8 u64, source_service 16 u8, span_depth 17 u8,
        stage_flags 18 u8, reserved 19 u8, trace_id 24 8+0"""),
    ("RecoveryRequestTLV", 110, 24, """
        last_sequence 0 u64, current_sequence 8 u64, consumer_id 16 u32, request_type 20 u32"""),
    ("PoolInfoTLV", 200, 88, """
        discovered_at 0 u64, last_seen 8 u64, fee_tier 16 u32, venue 20 u16, tlv_type 22 u8, tlv_length 23 u8,
        token0_decimals 24 u8, token1_decimals 25 u8, pool_type 26 u8, pool_address 28 20+0, token0_address 48 20+0,
        token1_address 68 20+0"""),
    ("PoolCacheHeader", 0, 64, """
        chain_id 0 u64, last_updated 8 u64, version 48 u32, pool_count 52 u32, checksum 56 u32, magic 60 u32"""),
    ("PoolJournalEntry", 0, 104, "timestamp 0 u64, pool 8 PoolInfoTLV=88, operation 96 u8"),
    ("DemoDeFiArbitrage", 0, 180, """
        strategy_id 0 u16, signal_id 2 u64, confidence 10 u8, chain_id 11 u8, expected_profit_q 12 i128,
        required_capital_q 28 u128, estimated_gas_cost_q 44 u128, venue_a 60 u16, venue_b 62 u16, pool_a 64 20+12,
        pool_b 96 20+12, token_in 128 u64, token_out 136 u64, optimal_amount_q 144 u128, slippage_tolerance 160 u16,
        max_gas_price_gwei 162 u32, valid_until 166 u32, priority 170 u8, reserved 171 u8, timestamp_ns 172 u64"""),
    ("InstrumentId", 0, 12, "asset_id 0 u64, venue 8 u16, asset_type 10 u8, reserved 11 u8"),
]  # fmt: skip

# Every type number that has a name: "decoded", the bytes of a "sized" one, or "opaque".
REGISTRY = """
    1 decoded, 2 decoded, 3 decoded, 4 opaque, 5 opaque, 6 opaque, 7 opaque, 8 opaque, 9 opaque, 10 decoded,
    11 decoded, 12 decoded, 13 decoded, 14 decoded, 15 decoded, 16 decoded, 18 decoded,
    20 decoded, 21 24, 22 decoded, 23 84, 24 12, 25 24, 26 16, 27 44, 28 40, 29 24, 30 24-512, 31 32-1024, 32 decoded,
    40 32, 41 24, 42 32, 43 16, 44 24, 45 48, 46 32-2048, 47 24-512, 48 16-256, 49 32-256,
    60 32, 61 40-512, 62 24-256, 63 48, 64 32-1024, 65 32-512, 66 40, 67 48-256, 68 64-512, 69 32, 70 48-1024, 71 24,
    72 32-256,
    80 32-512, 81 48-2048, 82 64-4096, 83 48-1024, 84 40-512, 85 32-512, 86 48, 87 40-256, 88 32, 89 40, 90 48-256,
    100 decoded, 101 decoded, 102 16-512, 103 20-2048, 104 24-512, 105 64, 106 decoded, 107 decoded, 108 decoded,
    110 decoded, 111 20-1024, 112 16-256,
    200 decoded, 201 opaque, 202 opaque, 203 opaque, 204 opaque"""


def fields_of(layout: Layout) -> list[str]:
    return [f"{field.name} {field.offset} {shown(field.kind)}" for field in layout.fields]


def shown(kind: Any) -> str:
    match kind:
        case IntKind(size, signed):
            return f"{'i' if signed else 'u'}{8 * size}"
        case RawKind(length, pad):
            return f"{length}+{pad}"
        case StructKind(layout):
            return f"{layout.name}={kind.size}"
        case VectorKind(element, capacity):
            inner = element.layout.name if isinstance(element, StructKind) else shown(element)
            return f"{capacity}x{inner}@{kind.first}={kind.size}"
        case TailKind():
            return "rest"
    raise AssertionError(kind)


def words(text: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split(",")]


@pytest.mark.parametrize(("name", "number", "size", "fields"), TABLE, ids=[row[0] for row in TABLE])
def test_every_byte_is_where_the_specification_has_it(
    codec: Any, name: str, number: int, size: int, fields: str
) -> None:
    cls = getattr(codec, name)
    assert (getattr(cls, "TYPE", 0), cls.SIZE, cls.layout().size) == (number, size, size)
    own: Layout = getattr(libs.types.protocol, name).layout()
    assert fields_of(own) == words(fields)
    assert [(field.name, field.offset, field.kind.size) for field in cls.layout().fields] == [
        (field.name, field.offset, field.kind.size) for field in own.fields
    ]
    assert tuple(cls.__match_args__) == tuple(field.name for field in own.fields)


def test_the_table_is_complete() -> None:
    declared = {
        name
        for name in libs.types.protocol.__all__
        if isinstance(value := getattr(libs.types.protocol, name), type)
        and issubclass(value, libs.types.protocol.Struct)
        and "__layout__" in vars(value)
    }
    assert declared == {row[0] for row in TABLE}


def test_paths_know_the_header() -> None:
    layout = libs.types.protocol.MessageHeader.layout()
    assert {field.name: (field.offset, field.kind.size) for field in layout.fields} == HEADER_FIELDS


def nested(layout: Layout) -> Iterator[Layout]:
    yield layout
    for field in layout.fields:
        inner = field.kind.element if isinstance(field.kind, VectorKind) else field.kind
        if isinstance(inner, StructKind):
            yield from nested(inner.layout)


@pytest.mark.parametrize("name", [row[0] for row in TABLE])
def test_padding_is_computed_and_no_field_is_called_padding(name: str) -> None:
    for layout in nested(getattr(libs.types.protocol, name).layout()):
        assert not any("pad" in field.name for field in layout.fields)
        covered = sorted(
            [(field.offset, field.end) for field in layout.fields]
            + [(gap.offset, gap.offset + gap.size) for gap in layout.gaps()]
        )
        end = 0
        for start, stop in covered:
            assert start == end, layout.byte_map()
            end = stop
        assert end == layout.size


def test_the_byte_map_shows_every_byte() -> None:
    assert libs.types.protocol.TradeTLV.layout().byte_map().splitlines() == [
        "TradeTLV, 40 bytes, aligned to 8",
        "offset  size  type  field         unit",
        "     0     8  u64   asset_id",
        "     8     8  i64   price         1e-8",
        "    16     8  i64   volume        1e-8",
        "    24     8  u64   timestamp_ns  ns",
        "    32     2  u16   venue_id",
        "    34     1  u8    asset_type",
        "    35     1  u8    reserved",
        "    36     1  u8    side",
        "    37     3  pad",
    ]
    shown = libs.types.protocol.PoolLiquidityTLV.layout().byte_map()
    assert "16   144  vec of 8 u128  reserves      native" in shown
    assert "     8     8  pad" in shown and "   194    14  pad" in shown
    shown = libs.types.protocol.SnapshotTLV.layout().byte_map()
    assert shown.startswith("SnapshotTLV, 32 bytes and more, aligned to 8\n")
    assert "    31     1  pad" in shown and "    32     *  rest  data" in shown


def test_the_registry_has_every_number_in_its_state() -> None:
    expected = {int(number): state for number, state in (row.split() for row in words(REGISTRY))}
    rows = {number: (state, low, high) for number, _, state, low, high in described_types()}
    sizes = {number: size for _, number, size, _ in TABLE if number}
    assert set(expected) == set(map(int, libs.types.protocol.TLVType))
    assert set(rows) - set(NUMBERS) == set(expected)
    for number, text in expected.items():
        state, low, high = rows[number]
        assert state is state_of(number)
        if text == "decoded":
            info = known_types()[number]
            assert info is not None and info.cls is not None
            bounds = (sizes[number], 65_535 if number == libs.types.protocol.SnapshotTLV.TYPE else sizes[number])
            assert (state, low, high) == (TypeState.DECODED, *bounds)
        elif text == "opaque":
            assert (state, low, high) == (TypeState.OPAQUE, 0, 65_535)
        else:
            first, _, last = text.partition("-")
            assert (state, low, high) == (TypeState.SIZED, int(first), int(last or first))


def test_reserved_and_vendor_numbers_are_opaque() -> None:
    reserved = {17, 19, *range(33, 40), *range(50, 60), *range(73, 80), *range(91, 100), 109, *range(113, 200)}
    assert reserved == RESERVED_TYPES
    assert not reserved & set(map(int, libs.types.protocol.TLVType))
    assert set(VENDOR_TYPES) == set(range(200, 255))
    unknown = {0, *reserved, *range(205, 255)} - set(NUMBERS)
    assert unknown <= {number for number in range(256) if state_of(number) is TypeState.OPAQUE}
    assert type_name(1) == "TRADE" and type_name(17) == "TYPE_17" and type_name(250) == "TYPE_250"


def test_types_are_meant_for_a_domain() -> None:
    domains = libs.types.protocol.RelayDomain
    ranges = [
        (range(1, 20), domains.MARKET_DATA),
        (range(20, 40), domains.SIGNAL),
        (range(40, 60), domains.EXECUTION),
        (range(60, 80), domains.SIGNAL),
        (range(80, 120), domains.SYSTEM),
        (range(120, 256), domains.MARKET_DATA),
        (range(1), domains.MARKET_DATA),
    ]
    for numbers, domain in ranges:
        assert {libs.types.protocol.routed_domain(number) for number in numbers} == {domain}
