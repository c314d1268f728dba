"""What it earns to buy at one venue and sell at another, in integers.

Owns the arithmetic and its rounding.  Must not know books, ages or messages.

Every division is rounded against us: what comes in down, what goes out up.  So the net profit is never more than the
exact one, and less by fewer than five hundred-millionths of a dollar (one for each division).
"""

from dataclasses import dataclass

from .config import MAX_I64, MILLION, Config
from .tops import SCALE, Top

BASIS_POINTS = 10_000
MAX_BPS = 65_535


@dataclass(frozen=True, slots=True)
class Opportunity:
    """Buy `size` at `ask`, sell it at `bid`; size and prices in 1e-8, money in 1e-8 USD."""

    ask: int
    bid: int
    size: int
    capital: int
    gross_profit: int
    fees: int
    slippage: int
    gas_cost: int

    @property
    def net_profit(self) -> int:
        """What is left."""
        return self.gross_profit - self.fees - self.slippage - self.gas_cost

    @property
    def spread_bps(self) -> int:
        """The difference of the prices in basis points of the buying price, rounded down."""
        return (self.bid - self.ask) * BASIS_POINTS // self.ask


def crossing(buy_at: Top, buy_venue: int, sell_at: Top, sell_venue: int, config: Config) -> Opportunity | None:
    """What the two books offer; None where they do not cross, or where nothing can be bought for `max_capital`."""
    ask, bid = buy_at.ask_price, sell_at.bid_price
    if not (ask and bid) or bid <= ask:
        return None
    size = min(buy_at.ask_size, sell_at.bid_size, config.max_capital * SCALE // ask)
    if size == 0:
        return None
    capital, proceeds = up(ask * size, SCALE), bid * size // SCALE
    return Opportunity(
        ask=ask,
        bid=bid,
        size=size,
        capital=capital,
        gross_profit=proceeds - capital,
        fees=up(ask * size * config.fee_of(buy_venue), SCALE * MILLION)
        + up(bid * size * config.fee_of(sell_venue), SCALE * MILLION),
        slippage=up(ask * size * config.slippage_ppm, SCALE * MILLION),
        gas_cost=config.gas_cost,
    )


def worthwhile(found: Opportunity, config: Config) -> bool:
    """Whether it is above the thresholds, and fits the wire."""
    return (
        found.spread_bps >= config.min_spread_bps
        and found.net_profit >= config.min_net_profit
        and max(found.gross_profit, found.fees) <= MAX_I64
    )


def up(value: int, divisor: int) -> int:
    """Division, rounded up."""
    return -(-value // divisor)
