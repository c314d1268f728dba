# Made from the declarations: python -m libs.types.protocol.kaitai > libs/types/protocol/alphapulse_wire.ksy
meta:
  id: alphapulse_wire
  title: Protocol V2, a stream of messages
  endian: le
  ks-version: "0.10"
doc: |
  Messages that follow each other: a header of 32 bytes, and TLVs without padding between them.
  Not checked by this description: the checksum, which is CRC-32 (the zlib one) over the message without the
  checksum's own four bytes.
seq:
  - id: messages
    type: message
    repeat: eos
types:
  message:
    seq:
      - id: header
        type: message_header
      - id: body
        type: tlv_list
        size: header.payload_size
  tlv_list:
    seq:
      - id: tlvs
        type: tlv
        repeat: eos
  tlv:
    doc: "a frame of 2 bytes, or of 5 that begins with 255, and a payload"
    seq:
      - id: first
        type: u1
      - id: short_length
        type: u1
        if: first != 255
      - id: reserved
        type: u1
        valid: 0
        if: first == 255
      - id: long_type
        type: u1
        if: first == 255
      - id: long_length
        type: u2
        if: first == 255
      - id: payload
        size: length
        type:
          switch-on: number
          cases:
            1: trade
            2: quote
            3: order_book
            10: pool_liquidity
            11: pool_swap
            12: pool_mint
            13: pool_burn
            14: pool_tick
            15: pool_state
            16: pool_sync
            18: gas_price
            20: signal_identity
            22: economics
            32: arbitrage_signal
            100: heartbeat
            101: snapshot
            106: state_invalidation
            107: system_health
            108: trace_context
            110: recovery_request
            200: pool_info
    instances:
      number:
        value: "first == 255 ? long_type : first"
      length:
        value: "first == 255 ? long_length : short_length"
  message_header:
    seq:
      - id: magic
        contents: [0xef, 0xbe, 0xad, 0xde]
      - id: relay_domain
        type: u1
        enum: relay_domain
      - id: version
        type: u1
        valid: 1
      - id: source
        type: u1
        enum: source_type
      - id: flags
        type: u1
      - id: sequence
        type: u8
        doc: "of its source, one more each message"
      - id: timestamp
        type: u8
        doc: "ns"
      - id: payload_size
        type: u4
        doc: "bytes"
      - id: checksum
        type: u4
  trade:
    seq:
      - id: asset_id
        type: u8
      - id: price
        type: s8
        doc: "1e-8"
      - id: volume
        type: s8
        doc: "1e-8"
      - id: timestamp_ns
        type: u8
        doc: "ns"
      - id: venue_id
        type: u2
      - id: asset_type
        type: u1
      - id: reserved
        type: u1
        doc: "from the instrument id"
      - id: side
        type: u1
        doc: "0 buy, 1 sell; not checked"
      - id: pad_37
        size: 3
  quote:
    seq:
      - id: asset_id
        type: u8
      - id: bid_price
        type: s8
        doc: "1e-8"
      - id: bid_size
        type: s8
        doc: "1e-8"
      - id: ask_price
        type: s8
        doc: "1e-8"
      - id: ask_size
        type: s8
        doc: "1e-8"
      - id: timestamp_ns
        type: u8
        doc: "ns"
      - id: venue_id
        type: u2
      - id: asset_type
        type: u1
      - id: reserved
        type: u1
        doc: "from the instrument id"
      - id: pad_52
        size: 4
  order_book:
    seq:
      - id: timestamp_ns
        type: u8
        doc: "ns"
      - id: sequence
        type: u8
        doc: "the venue's own"
      - id: precision_factor
        type: s8
        doc: "what prices and sizes are multiplied by"
      - id: asset_id
        type: u8
      - id: venue_id
        type: u2
      - id: asset_type
        type: u1
      - id: reserved
        type: u1
        doc: "from the instrument id"
      - id: pad_36
        size: 4
      - id: bids
        type: vec_50_order_level
        doc: "highest price first"
      - id: asks
        type: vec_50_order_level
        doc: "lowest price first"
  order_level:
    seq:
      - id: price
        type: s8
      - id: size
        type: s8
      - id: order_count
        type: u4
        doc: "0 where it is not known"
      - id: pad_20
        size: 4
  pool_liquidity:
    seq:
      - id: timestamp_ns
        type: u8
        doc: "ns"
      - id: pad_8
        size: 8
      - id: reserves
        type: vec_8_u128
        doc: "native"
      - id: pool_address
        size: 20
      - id: pad_180
        size: 12
      - id: venue
        type: u2
      - id: pad_194
        size: 14
  pool_swap:
    seq:
      - id: amount_in
        type: u128
        doc: "native"
      - id: amount_out
        type: u128
        doc: "native"
      - id: liquidity_after
        type: u128
        doc: "native"
      - id: timestamp_ns
        type: u8
        doc: "ns"
      - id: block_number
        type: u8
      - id: tick_after
        type: s4
      - id: venue
        type: u2
      - id: amount_in_decimals
        type: u1
      - id: amount_out_decimals
        type: u1
      - id: pad_72
        size: 8
      - id: pool_address
        size: 20
      - id: pad_100
        size: 12
      - id: token_in_addr
        size: 20
      - id: pad_132
        size: 12
      - id: token_out_addr
        size: 20
      - id: pad_164
        size: 12
      - id: sqrt_price_x96_after
        size: 32
        doc: "a 160-bit number, unsigned, little-endian"
  pool_mint:
    seq:
      - id: liquidity_delta
        type: u128
        doc: "native"
      - id: amount0
        type: u128
        doc: "native"
      - id: amount1
        type: u128
        doc: "native"
      - id: timestamp_ns
        type: u8
        doc: "ns"
      - id: tick_lower
        type: s4
      - id: tick_upper
        type: s4
      - id: venue
        type: u2
      - id: token0_decimals
        type: u1
      - id: token1_decimals
        type: u1
      - id: pool_address
        size: 20
      - id: pad_88
        size: 12
      - id: provider_addr
        size: 20
      - id: pad_120
        size: 12
      - id: token0_addr
        size: 20
      - id: pad_152
        size: 12
      - id: token1_addr
        size: 20
      - id: pad_184
        size: 12
      - id: pad_196
        size: 12
  pool_burn:
    seq:
      - id: liquidity_delta
        type: u128
        doc: "native"
      - id: amount0
        type: u128
        doc: "native"
      - id: amount1
        type: u128
        doc: "native"
      - id: timestamp_ns
        type: u8
        doc: "ns"
      - id: tick_lower
        type: s4
      - id: tick_upper
        type: s4
      - id: venue
        type: u2
      - id: token0_decimals
        type: u1
      - id: token1_decimals
        type: u1
      - id: pool_address
        size: 20
      - id: pad_88
        size: 12
      - id: provider_addr
        size: 20
      - id: pad_120
        size: 12
      - id: token0_addr
        size: 20
      - id: pad_152
        size: 12
      - id: token1_addr
        size: 20
      - id: pad_184
        size: 12
      - id: pad_196
        size: 12
  pool_tick:
    seq:
      - id: liquidity_net
        type: s8
        doc: "native"
      - id: price_sqrt
        type: u8
        doc: "too small for a real X96 price; PoolSwap keeps all of it"
      - id: timestamp_ns
        type: u8
        doc: "ns"
      - id: tick
        type: s4
      - id: venue
        type: u2
      - id: pool_address
        size: 20
      - id: pad_50
        size: 12
      - id: pad_62
        size: 2
  pool_state:
    seq:
      - id: reserve0
        type: u128
        doc: "native"
      - id: reserve1
        type: u128
        doc: "native"
      - id: sqrt_price_x96
        type: u128
        doc: "cannot hold every 160-bit price; PoolSwap keeps 32 bytes"
      - id: liquidity
        type: u128
        doc: "native"
      - id: block_number
        type: u8
      - id: timestamp_ns
        type: u8
        doc: "ns"
      - id: tick
        type: s4
        doc: "0 for V2 pools"
      - id: fee_rate
        type: u4
        doc: "basis points"
      - id: venue
        type: u2
      - id: pool_type
        type: u1
        doc: "a PoolType"
      - id: token0_decimals
        type: u1
      - id: token1_decimals
        type: u1
      - id: pad_93
        size: 3
      - id: pool_address
        size: 20
      - id: pad_116
        size: 12
      - id: token0_addr
        size: 20
      - id: pad_148
        size: 12
      - id: token1_addr
        size: 20
      - id: pad_180
        size: 12
  pool_sync:
    seq:
      - id: reserve0
        type: u128
        doc: "native"
      - id: reserve1
        type: u128
        doc: "native"
      - id: timestamp_ns
        type: u8
        doc: "ns"
      - id: block_number
        type: u8
      - id: venue
        type: u2
      - id: token0_decimals
        type: u1
      - id: token1_decimals
        type: u1
      - id: pad_52
        size: 12
      - id: pool_address
        size: 20
      - id: pad_84
        size: 12
      - id: token0_addr
        size: 20
      - id: pad_116
        size: 12
      - id: token1_addr
        size: 20
      - id: pad_148
        size: 12
  gas_price:
    seq:
      - id: block_number
        type: u8
      - id: timestamp_ns
        type: u8
        doc: "ns"
      - id: gas_price_gwei
        type: u4
        doc: "gwei"
      - id: base_fee_gwei
        type: u4
        doc: "gwei"
      - id: priority_fee_gwei
        type: u4
        doc: "gwei"
      - id: venue
        type: u2
        doc: "here the chain id, 137 for Polygon"
      - id: reserved
        type: u2
  signal_identity:
    seq:
      - id: signal_id
        type: u8
      - id: strategy_id
        type: u2
      - id: confidence
        type: u1
        doc: "percent"
      - id: strategy_version
        type: u1
      - id: chain_id
        type: u4
  economics:
    seq:
      - id: expected_profit
        type: s8
        doc: "1e-8 USD"
      - id: required_capital
        type: s8
        doc: "1e-8 USD"
      - id: gas_cost
        type: s8
        doc: "1e-8 USD"
      - id: confidence_bps
        type: u2
        doc: "basis points"
      - id: impact_bps
        type: u2
        doc: "basis points"
      - id: urgency
        type: u2
      - id: pad_30
        size: 2
  arbitrage_signal:
    seq:
      - id: strategy_id
        type: u2
      - id: signal_id
        type: u8
      - id: chain_id
        type: u4
      - id: source_pool
        size: 20
      - id: target_pool
        size: 20
      - id: source_venue
        type: u2
      - id: target_venue
        type: u2
      - id: token_in
        size: 20
      - id: token_out
        size: 20
      - id: expected_profit_usd_q8
        type: s8
        doc: "1e-8 USD"
      - id: required_capital_usd_q8
        type: s8
        doc: "1e-8 USD"
      - id: spread_bps
        type: u2
        doc: "basis points"
      - id: dex_fees_usd_q8
        type: s8
        doc: "1e-8 USD"
      - id: gas_cost_usd_q8
        type: s8
        doc: "1e-8 USD"
      - id: slippage_usd_q8
        type: s8
        doc: "1e-8 USD"
      - id: net_profit_usd_q8
        type: s8
        doc: "1e-8 USD, expected profit less fees, gas and slippage"
      - id: slippage_tolerance_bps
        type: u2
        doc: "basis points"
      - id: max_gas_price_gwei
        type: u4
        doc: "gwei"
      - id: valid_until
        type: u4
        doc: "s since 1970"
      - id: priority
        type: u2
      - id: pad_160
        size: 2
      - id: timestamp_ns
        type: u8
        doc: "ns"
  heartbeat:
    seq:
      - id: timestamp_ns
        type: u8
        doc: "ns"
      - id: service
        type: u1
        doc: "a SourceType"
      - id: status
        type: u1
      - id: pad_10
        size: 6
  snapshot:
    seq:
      - id: sequence
        type: u8
      - id: timestamp
        type: u8
        doc: "ns"
      - id: snapshot_id
        type: u4
      - id: checksum
        type: u4
        doc: "CRC-32 of the data before compression"
      - id: uncompressed_size
        type: u4
        doc: "bytes"
      - id: tlv_type
        type: u1
      - id: tlv_length
        type: u1
        doc: "of this header only"
      - id: compression_type
        type: u1
        doc: "0 none, 1 zlib, 2 lz4, 3 zstd"
      - id: pad_31
        size: 1
      - id: data
        size-eos: true
  state_invalidation:
    seq:
      - id: sequence
        type: u8
      - id: timestamp_ns
        type: u8
        doc: "ns"
      - id: instruments
        type: vec_16_instrument_id
      - id: venue
        type: u2
      - id: reason
        type: u1
        doc: "an InvalidationReason"
      - id: pad_219
        size: 5
  instrument_id:
    seq:
      - id: asset_id
        type: u8
      - id: venue
        type: u2
      - id: asset_type
        type: u1
      - id: reserved
        type: u1
  system_health:
    seq:
      - id: timestamp_ns
        type: u8
        doc: "ns"
      - id: connection_count
        type: u4
      - id: message_rate_per_sec
        type: u4
      - id: last_error_code
        type: u4
        doc: "0 for none"
      - id: error_rate_per_thousand
        type: u2
      - id: latency_p95_us
        type: u2
        doc: "us"
      - id: service_type
        type: u1
        doc: "a SourceType"
      - id: health_status
        type: u1
        doc: "0 healthy, 1 degraded, 2 unhealthy, 3 unknown"
      - id: cpu_usage_pct
        type: u1
        doc: "percent"
      - id: memory_usage_pct
        type: u1
        doc: "percent"
      - id: pad_28
        size: 20
  trace_context:
    seq:
      - id: start_timestamp_ns
        type: u8
        doc: "ns"
      - id: current_timestamp_ns
        type: u8
        doc: "ns"
      - id: source_service
        type: u1
        doc: "a SourceType"
      - id: span_depth
        type: u1
        doc: "stays at 255"
      - id: stage_flags
        type: u1
        doc: "1 collected, 2 relayed, 4 processed, 8 executed"
      - id: reserved
        type: u1
      - id: pad_20
        size: 4
      - id: trace_id
        size: 8
  recovery_request:
    seq:
      - id: last_sequence
        type: u8
        doc: "the last one that was processed"
      - id: current_sequence
        type: u8
        doc: "the one that showed the gap"
      - id: consumer_id
        type: u4
      - id: request_type
        type: u4
        doc: "a RecoveryType"
  pool_info:
    seq:
      - id: discovered_at
        type: u8
        doc: "s since 1970"
      - id: last_seen
        type: u8
        doc: "s since 1970"
      - id: fee_tier
        type: u4
        doc: "basis points"
      - id: venue
        type: u2
      - id: tlv_type
        type: u1
      - id: tlv_length
        type: u1
        doc: "size - 2"
      - id: token0_decimals
        type: u1
      - id: token1_decimals
        type: u1
      - id: pool_type
        type: u1
        doc: "a PoolInfoType"
      - id: pad_27
        size: 1
      - id: pool_address
        size: 20
      - id: token0_address
        size: 20
      - id: token1_address
        size: 20
  vec_50_order_level:
    seq:
      - id: count
        type: u2
        valid:
          max: 50
      - id: pad_2
        size: 6
      - id: items
        type: order_level
        repeat: expr
        repeat-expr: count
      - id: unused
        size: (50 - count) * 24
  vec_8_u128:
    seq:
      - id: count
        type: u2
        valid:
          max: 8
      - id: pad_2
        size: 14
      - id: items
        type: u128
        repeat: expr
        repeat-expr: count
      - id: unused
        size: (8 - count) * 16
  vec_16_instrument_id:
    seq:
      - id: count
        type: u2
        valid:
          max: 16
      - id: pad_2
        size: 6
      - id: items
        type: instrument_id
        repeat: expr
        repeat-expr: count
      - id: unused
        size: (16 - count) * 12
  u128:
    seq:
      - id: low
        type: u8
      - id: high
        type: u8
  i128:
    seq:
      - id: low
        type: u8
      - id: high
        type: s8
enums:
  relay_domain:
    1: market_data
    2: signal
    3: execution
    4: system
  source_type:
    1: binance_collector
    2: kraken_collector
    3: coinbase_collector
    4: polygon_collector
    5: gemini_collector
    20: arbitrage_strategy
    21: market_maker
    22: trend_follower
    23: kraken_signal_strategy
    40: portfolio_manager
    41: risk_manager
    42: execution_engine
    60: dashboard
    61: metrics_collector
    62: state_manager
    80: market_data_relay
    81: signal_relay
    82: execution_relay
  tlvtype:
    1: trade
    2: quote
    3: order_book
    4: instrument_meta
    5: l2_snapshot
    6: l2_delta
    7: l2_reset
    8: price_update
    9: volume_update
    10: pool_liquidity
    11: pool_swap
    12: pool_mint
    13: pool_burn
    14: pool_tick
    15: pool_state
    16: pool_sync
    18: gas_price
    20: signal_identity
    21: asset_correlation
    22: economics
    23: execution_addresses
    24: venue_metadata
    25: state_reference
    26: execution_control
    27: pool_addresses
    28: mev_bundle
    29: tertiary_venue
    30: risk_parameters
    31: performance_metrics
    32: arbitrage_signal
    40: order_request
    41: order_status
    42: fill
    43: order_cancel
    44: order_modify
    45: execution_report
    46: portfolio
    47: position
    48: balance
    49: trade_confirmation
    60: risk_decision
    61: position_update
    62: risk_alert
    63: collateral_update
    64: exposure_report
    65: portfolio_event
    66: risk_threshold
    67: flash_loan_result
    68: post_trade_analytics
    69: position_query
    70: risk_metrics
    71: circuit_breaker
    72: strategy_registration
    80: compliance_check
    81: audit_trail
    82: regulatory_report
    83: trade_breakdown
    84: settlement_instruction
    85: clearing_report
    86: margin_call
    87: custody_event
    88: venue_connectivity
    89: cross_venue_spread
    90: arbitrage_execution
    100: heartbeat
    101: snapshot
    102: error
    103: config_update
    104: service_discovery
    105: resource_usage
    106: state_invalidation
    107: system_health
    108: trace_context
    110: recovery_request
    111: recovery_response
    112: sequence_sync
    200: pool_info
    201: pool_cache_header
    202: proprietary_data
    203: custom_metrics
    204: experimental_signal
