"""Which numbers of a sender were met: each message is recorded once.

Owns the sequences of one run.  Must not know messages beyond their number and a fingerprint of their bytes.

A stream (domain, source) is a list of intervals, one when nothing is missing, and a ring with the fingerprints of the
latest numbers.  A number that comes again with the same bytes is a duplicate.  With other bytes, or so late that the
ring has forgotten it, it is a conflict: a sender that started again, or was told to send old messages; whoever records
keeps it, so nothing is lost.  Both are bounded: with too many gaps, the oldest ones count as met.
"""

from array import array
from bisect import bisect_right
from enum import Enum

WINDOW = 16_384
MAX_INTERVALS = 65_536


class Verdict(Enum):
    """What a number is."""

    NEW = "new"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


class Stream:
    """The numbers of one sender."""

    __slots__ = ("_ends", "_numbers", "_prints", "_starts")

    def __init__(self) -> None:
        # Interval i has the numbers from starts[i] up to, not including, ends[i].
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._numbers, self._prints = array("Q", bytes(8 * WINDOW)), array("Q", bytes(8 * WINDOW))

    def meet(self, number: int, fingerprint: int) -> Verdict:
        """What `number` is; from now on it was met."""
        after = bisect_right(self._starts, number)
        slot = number % WINDOW
        if after and number < self._ends[after - 1]:
            same = self._numbers[slot] == number and self._prints[slot] == fingerprint
            return Verdict.DUPLICATE if same else Verdict.CONFLICT
        self._numbers[slot], self._prints[slot] = number, fingerprint
        self._add(number, after)
        return Verdict.NEW

    def _add(self, number: int, after: int) -> None:
        joins_left = after > 0 and self._ends[after - 1] == number
        joins_right = after < len(self._starts) and self._starts[after] == number + 1
        if joins_left and joins_right:
            self._ends[after - 1] = self._ends.pop(after)
            del self._starts[after]
        elif joins_left:
            self._ends[after - 1] = number + 1
        elif joins_right:
            self._starts[after] = number
        else:
            self._starts.insert(after, number)
            self._ends.insert(after, number + 1)
            if len(self._starts) > MAX_INTERVALS:
                self._ends[0] = self._ends.pop(1)
                del self._starts[1]

    def missing(self) -> list[tuple[int, int]]:
        """The gaps between what was met: first and last number of each."""
        return [(end, start - 1) for end, start in zip(self._ends, self._starts[1:], strict=False)]
