"""An opportunity as the TLVs of one message: whose signal, what it earns, and where.

Owns how the wire says it.  Must not decide anything.

An `ArbitrageSignalTLV` was made for pools on a chain.  Between exchanges, its `chain_id` is 0, and that says that the
20 bytes of `source_pool` (where to buy) and `target_pool` (where to sell) hold an `InstrumentId` in their first twelve
and zeros behind it; the tokens are zero.
"""

from libs.types.protocol import TLV, ArbitrageSignalTLV, EconomicsTLV, InstrumentId, SignalIdentityTLV

from .arbitrage import MAX_BPS, Opportunity, up
from .config import SECOND, Config

NO_CHAIN = 0
_NO_TOKEN = bytes(20)
_MAX_U32 = 2**32 - 1
_PPM_OF_BPS = 100


def signal_tlvs(
    found: Opportunity, buy: InstrumentId, sell: InstrumentId, signal_id: int, now_ns: int, config: Config
) -> tuple[TLV, ...]:
    """SignalIdentity, Economics, ArbitrageSignal.  What is above a field of 16 or 32 bits stays at its highest."""
    slippage_bps = min(up(config.slippage_ppm, _PPM_OF_BPS), MAX_BPS)
    spread_bps = min(found.spread_bps, MAX_BPS)
    priority = min(spread_bps * 10, MAX_BPS)
    return (
        SignalIdentityTLV(
            signal_id=signal_id,
            strategy_id=config.strategy_id,
            confidence=config.confidence,
            strategy_version=config.strategy_version,
            chain_id=NO_CHAIN,
        ),
        EconomicsTLV(
            expected_profit=found.net_profit,
            required_capital=found.capital,
            gas_cost=found.gas_cost,
            confidence_bps=config.confidence * 100,
            impact_bps=slippage_bps,
            urgency=priority,
        ),
        ArbitrageSignalTLV(
            strategy_id=config.strategy_id,
            signal_id=signal_id,
            chain_id=NO_CHAIN,
            source_pool=bytes(buy).ljust(20, b"\0"),
            target_pool=bytes(sell).ljust(20, b"\0"),
            source_venue=buy.venue,
            target_venue=sell.venue,
            token_in=_NO_TOKEN,
            token_out=_NO_TOKEN,
            expected_profit_usd_q8=found.gross_profit,
            required_capital_usd_q8=found.capital,
            spread_bps=spread_bps,
            dex_fees_usd_q8=found.fees,
            gas_cost_usd_q8=found.gas_cost,
            slippage_usd_q8=found.slippage,
            net_profit_usd_q8=found.net_profit,
            slippage_tolerance_bps=slippage_bps,
            max_gas_price_gwei=0,
            valid_until=min(now_ns // SECOND + config.valid_seconds, _MAX_U32),
            priority=priority,
            timestamp_ns=now_ns,
        ),
    )
