"""What the simulation is told: fees, limits, ages.

Owns the settings and their checks.  Must not know orders.  Money is in 1e-8 USD, rates in parts per million.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

MILLION = 1_000_000
SECOND = 1_000_000_000
DOLLAR = 100_000_000
MAX_I64 = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Config:
    """Frozen: a changed setting is another simulation.  Raises ValueError for what makes no sense."""

    fee_ppm: Mapping[int, int] = field(default_factory=dict)
    """What a venue takes from each trade, by venue number."""
    default_fee_ppm: int = 1_000
    max_order: int = 20_000 * DOLLAR
    """The most that one order may cost or bring."""
    max_position: int = 100_000 * DOLLAR
    """The most that one instrument may be worth, long or short, at the price of the order."""
    max_loss: int = 10_000 * DOLLAR
    """When this much is lost, nothing is traded any more, until `resume`."""
    max_age_ns: int = 5 * SECOND
    """Prices that are older are not traded at."""
    max_instruments: int = 65_536
    max_signals: int = 1_000_000
    """How many signals are remembered until they expire; beyond, new ones are refused."""

    def __post_init__(self) -> None:
        rates = {"default_fee_ppm": self.default_fee_ppm}
        rates |= {f"fee_ppm[{venue}]": rate for venue, rate in self.fee_ppm.items()}
        names = ("max_order", "max_position", "max_loss", "max_age_ns", "max_instruments", "max_signals")
        checks = [(name, rate, 0, MILLION) for name, rate in rates.items()]
        checks += [(name, getattr(self, name), 1, MAX_I64) for name in names]
        for name, value, low, high in checks:
            if type(value) is not int or not low <= value <= high:
                raise ValueError(f"{name} is {value!r}; it is a whole number from {low} to {high}")

    def fee_of(self, venue: int) -> int:
        """Parts per million that the venue takes."""
        return self.fee_ppm.get(venue, self.default_fee_ppm)
