"""What the book builder is told: costs, thresholds, ages.

Owns the settings and their checks.  Must not know books or messages.

Money is in 1e-8 USD, sizes in 1e-8 units, rates in parts per million (1 basis point is 100), ages in nanoseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

MILLION = 1_000_000
SECOND = 1_000_000_000
DOLLAR = 100_000_000
MAX_I64 = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Config:
    """Frozen: a changed setting is another builder.  Raises ValueError for what makes no sense."""

    fee_ppm: Mapping[int, int] = field(default_factory=dict)
    """What a venue takes from each trade, by venue number."""
    default_fee_ppm: int = 1_000
    slippage_ppm: int = 500
    """What is set aside for prices that move before the order arrives, of the capital."""
    gas_cost: int = 0
    max_capital: int = 10_000 * DOLLAR
    """The most that one signal asks for."""
    min_spread_bps: int = 1
    min_net_profit: int = 1
    max_age_ns: int = 5 * SECOND
    """A book that heard nothing for longer is stale: it is dropped and never compared."""
    max_instruments: int = 65_536
    """How many are kept; what else is named is counted and left out, so that no sender can fill the memory."""
    valid_seconds: int = 300
    quotes: tuple[str, ...] = ("USD", "USDT", "USDC")
    """Coins are compared where their symbol ends with one of these; each counts as one dollar."""
    strategy_id: int = 21
    strategy_version: int = 1
    confidence: int = 100

    def __post_init__(self) -> None:
        rates = {"default_fee_ppm": self.default_fee_ppm, "slippage_ppm": self.slippage_ppm}
        rates |= {f"fee_ppm[{venue}]": rate for venue, rate in self.fee_ppm.items()}
        limits = {name: (0, MILLION) for name in rates}
        limits |= {
            "gas_cost": (0, MAX_I64),
            "max_capital": (1, MAX_I64),
            "min_spread_bps": (0, 65_535),
            "min_net_profit": (0, MAX_I64),
            "max_age_ns": (1, MAX_I64),
            "max_instruments": (1, 2**32),
            "valid_seconds": (0, 2**32 - 1),
            "strategy_id": (0, 65_535),
            "strategy_version": (0, 255),
            "confidence": (0, 100),
        }
        for name, (low, high) in limits.items():
            value = rates[name] if name in rates else getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise ValueError(f"{name} is {value!r}; it is a whole number from {low} to {high}")

    def fee_of(self, venue: int) -> int:
        """Parts per million that the venue takes."""
        return self.fee_ppm.get(venue, self.default_fee_ppm)
