"""How long to wait before the next try.

Owns the numbers and their order.  Must not sleep, and must not know what is tried.

How it works: the wait doubles from `first` up to `cap`; each is drawn between half of it and the whole, so that many
clients of one dead server do not come back in step.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import BadSetting


@dataclass(frozen=True, slots=True)
class Backoff:
    """`tries` waits in all; None goes on for ever.  Raises BadSetting."""

    first: float = 0.1
    factor: float = 2.0
    cap: float = 10.0
    tries: int | None = 10

    def __post_init__(self) -> None:
        if not 0 < self.first <= self.cap:
            raise BadSetting("first", self.first, f"above 0, at most cap ({self.cap})")
        if self.factor < 1:
            raise BadSetting("factor", self.factor, "at least 1")
        if self.tries is not None and self.tries < 0:
            raise BadSetting("tries", self.tries, "0 or more, or None")

    def delays(self, source: random.Random | None = None) -> Iterator[float]:
        """The waits in seconds, one before each further try."""
        draw = (source or random).uniform
        wait, left = self.first, self.tries
        while left is None or left > 0:
            yield draw(wait / 2, wait)
            wait = min(wait * self.factor, self.cap)
            left = None if left is None else left - 1
