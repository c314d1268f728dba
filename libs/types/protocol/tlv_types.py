"""The numbers of TLV types: their names, which domain they are meant for, and what is known of their size.

Owns the registry as the wire specification has it.  Must not know any struct.

A number is in one of three honest states.  *Decoded*: a struct is declared for it (see `tlvs`), whose size counts.
*Sized*: nothing is known but a size or bounds, listed in `SIZE_BOUNDS`; they are checked.  *Opaque*: nothing is
known; the bytes are passed on.  Every number not named here is reserved, unallocated or a vendor's own, and opaque.
"""

from enum import IntEnum

from .constants import RelayDomain


class TLVType(IntEnum):
    """Type numbers with a name.  255 marks the extended frame and is no type."""

    # market data
    TRADE = 1
    QUOTE = 2
    ORDER_BOOK = 3
    INSTRUMENT_META = 4
    L2_SNAPSHOT = 5
    L2_DELTA = 6
    L2_RESET = 7
    PRICE_UPDATE = 8
    VOLUME_UPDATE = 9
    POOL_LIQUIDITY = 10
    POOL_SWAP = 11
    POOL_MINT = 12
    POOL_BURN = 13
    POOL_TICK = 14
    POOL_STATE = 15
    POOL_SYNC = 16
    GAS_PRICE = 18

    # signals
    SIGNAL_IDENTITY = 20
    ASSET_CORRELATION = 21
    ECONOMICS = 22
    EXECUTION_ADDRESSES = 23
    VENUE_METADATA = 24
    STATE_REFERENCE = 25
    EXECUTION_CONTROL = 26
    POOL_ADDRESSES = 27
    MEV_BUNDLE = 28
    TERTIARY_VENUE = 29
    RISK_PARAMETERS = 30
    PERFORMANCE_METRICS = 31
    ARBITRAGE_SIGNAL = 32

    # execution
    ORDER_REQUEST = 40
    ORDER_STATUS = 41
    FILL = 42
    ORDER_CANCEL = 43
    ORDER_MODIFY = 44
    EXECUTION_REPORT = 45
    PORTFOLIO = 46
    POSITION = 47
    BALANCE = 48
    TRADE_CONFIRMATION = 49

    # risk and portfolio (routed as signals)
    RISK_DECISION = 60
    POSITION_UPDATE = 61
    RISK_ALERT = 62
    COLLATERAL_UPDATE = 63
    EXPOSURE_REPORT = 64
    PORTFOLIO_EVENT = 65
    RISK_THRESHOLD = 66
    FLASH_LOAN_RESULT = 67
    POST_TRADE_ANALYTICS = 68
    POSITION_QUERY = 69
    RISK_METRICS = 70
    CIRCUIT_BREAKER = 71
    STRATEGY_REGISTRATION = 72

    # compliance and settlement (system)
    COMPLIANCE_CHECK = 80
    AUDIT_TRAIL = 81
    REGULATORY_REPORT = 82
    TRADE_BREAKDOWN = 83
    SETTLEMENT_INSTRUCTION = 84
    CLEARING_REPORT = 85
    MARGIN_CALL = 86
    CUSTODY_EVENT = 87
    VENUE_CONNECTIVITY = 88
    CROSS_VENUE_SPREAD = 89
    ARBITRAGE_EXECUTION = 90

    # system
    HEARTBEAT = 100
    SNAPSHOT = 101
    ERROR = 102
    CONFIG_UPDATE = 103
    SERVICE_DISCOVERY = 104
    RESOURCE_USAGE = 105
    STATE_INVALIDATION = 106
    SYSTEM_HEALTH = 107
    TRACE_CONTEXT = 108
    RECOVERY_REQUEST = 110
    RECOVERY_RESPONSE = 111
    SEQUENCE_SYNC = 112

    # vendors
    POOL_INFO = 200
    POOL_CACHE_HEADER = 201
    PROPRIETARY_DATA = 202
    CUSTOM_METRICS = 203
    EXPERIMENTAL_SIGNAL = 204


VENDOR_TYPES = range(200, 255)
RESERVED_TYPES = frozenset({17, 19, *range(33, 40), *range(50, 60), *range(73, 80), *range(91, 100), 109,
                            *range(113, 120), *range(120, 200)})  # fmt: skip

# The size, or the least and largest size, of types that have no struct.
SIZE_BOUNDS: dict[TLVType, tuple[int, int]] = {
    TLVType.ASSET_CORRELATION: (24, 24),
    TLVType.EXECUTION_ADDRESSES: (84, 84),
    TLVType.VENUE_METADATA: (12, 12),
    TLVType.STATE_REFERENCE: (24, 24),
    TLVType.EXECUTION_CONTROL: (16, 16),
    TLVType.POOL_ADDRESSES: (44, 44),
    TLVType.MEV_BUNDLE: (40, 40),
    TLVType.TERTIARY_VENUE: (24, 24),
    TLVType.RISK_PARAMETERS: (24, 512),
    TLVType.PERFORMANCE_METRICS: (32, 1024),
    TLVType.ORDER_REQUEST: (32, 32),
    TLVType.ORDER_STATUS: (24, 24),
    TLVType.FILL: (32, 32),
    TLVType.ORDER_CANCEL: (16, 16),
    TLVType.ORDER_MODIFY: (24, 24),
    TLVType.EXECUTION_REPORT: (48, 48),
    TLVType.PORTFOLIO: (32, 2048),
    TLVType.POSITION: (24, 512),
    TLVType.BALANCE: (16, 256),
    TLVType.TRADE_CONFIRMATION: (32, 256),
    TLVType.RISK_DECISION: (32, 32),
    TLVType.POSITION_UPDATE: (40, 512),
    TLVType.RISK_ALERT: (24, 256),
    TLVType.COLLATERAL_UPDATE: (48, 48),
    TLVType.EXPOSURE_REPORT: (32, 1024),
    TLVType.PORTFOLIO_EVENT: (32, 512),
    TLVType.RISK_THRESHOLD: (40, 40),
    TLVType.FLASH_LOAN_RESULT: (48, 256),
    TLVType.POST_TRADE_ANALYTICS: (64, 512),
    TLVType.POSITION_QUERY: (32, 32),
    TLVType.RISK_METRICS: (48, 1024),
    TLVType.CIRCUIT_BREAKER: (24, 24),
    TLVType.STRATEGY_REGISTRATION: (32, 256),
    TLVType.COMPLIANCE_CHECK: (32, 512),
    TLVType.AUDIT_TRAIL: (48, 2048),
    TLVType.REGULATORY_REPORT: (64, 4096),
    TLVType.TRADE_BREAKDOWN: (48, 1024),
    TLVType.SETTLEMENT_INSTRUCTION: (40, 512),
    TLVType.CLEARING_REPORT: (32, 512),
    TLVType.MARGIN_CALL: (48, 48),
    TLVType.CUSTODY_EVENT: (40, 256),
    TLVType.VENUE_CONNECTIVITY: (32, 32),
    TLVType.CROSS_VENUE_SPREAD: (40, 40),
    TLVType.ARBITRAGE_EXECUTION: (48, 256),
    TLVType.ERROR: (16, 512),
    TLVType.CONFIG_UPDATE: (20, 2048),
    TLVType.SERVICE_DISCOVERY: (24, 512),
    TLVType.RESOURCE_USAGE: (64, 64),
    TLVType.RECOVERY_RESPONSE: (20, 1024),
    TLVType.SEQUENCE_SYNC: (16, 256),
}


def routed_domain(tlv_type: int) -> RelayDomain:
    """The domain that a type is meant for; everything that has no range of its own goes with the market data."""
    if 20 <= tlv_type < 40 or 60 <= tlv_type < 80:
        return RelayDomain.SIGNAL
    if 40 <= tlv_type < 60:
        return RelayDomain.EXECUTION
    if 80 <= tlv_type < 120:
        return RelayDomain.SYSTEM
    return RelayDomain.MARKET_DATA


def type_name(tlv_type: int) -> str:
    """`TRADE` for 1; `TYPE_250` for a number without a name."""
    try:
        return TLVType(tlv_type).name
    except ValueError:
        return f"TYPE_{tlv_type}"
