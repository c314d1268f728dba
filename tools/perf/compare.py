"""`compare`: two records side by side, and whether the newer one counts more instructions than it may.

Owns the decision whether two records can be compared at all: counts are only the same question on the same processor,
interpreter, compiler, valgrind and implementation.  Times of two runs are shown and never judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .model import IMPORT, THRESHOLD, Figures, Record, change, exceeds
from .workloads import WORKLOADS


@dataclass(frozen=True, slots=True)
class Row:
    """One workload in both records."""

    name: str
    before: Figures
    after: Figures
    change: float | None
    slower: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """All rows.  `differences` is what makes counts of the two incomparable."""

    rows: tuple[Row, ...]
    differences: tuple[str, ...]

    @property
    def slower(self) -> list[str]:
        return [row.name for row in self.rows if row.slower]


def differences(before: Record, after: Record) -> tuple[str, ...]:
    """What differs around the codec, in words."""

    def about(record: Record) -> dict[str, Any]:
        return {
            "processor": record.machine.get("processor"),
            "system": record.machine.get("system"),
            "valgrind": record.valgrind,
            "implementation": record.implementation,
            **record.interpreter,
        }

    one, two = about(before), about(after)
    return tuple(f"{key}: {one.get(key)} and {two.get(key)}" for key in one if one.get(key) != two.get(key))


def compare(before: Record, after: Record, threshold: float = THRESHOLD) -> Comparison:
    """Both records; a workload is slower where its instructions grew by more than the threshold."""
    unjudged = {each.name for each in WORKLOADS if not each.judged}
    if before.layout != after.layout:
        unjudged.add(IMPORT)
    rows = []
    names = dict.fromkeys([*before.figures, *after.figures])
    for name in names:
        one, two = before.figures.get(name, Figures()), after.figures.get(name, Figures())
        more = change(one.instructions, two.instructions)
        slower = exceeds(more, threshold) and name not in unjudged
        rows.append(Row(name, one, two, more, slower))
    return Comparison(tuple(rows), differences(before, after))
