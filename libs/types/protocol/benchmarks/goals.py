"""The goals for one message at a time, and how far the measured figures are.

Owns the numbers and the table.  Each goal is a ratio of two jobs of the same run, so it means the same on any machine.
`must` is what a release needs, `goal` what is aimed at, `moonshot` what would be told to others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from libs.types.protocol.benchmarks.harness import Times

REFERENCE, MSGSPEC = "struct+zlib", "msgspec array"
OURS, FEW, VIEW = "ours Encoder/Decoder", "ours Encoder/Decoder, few", "ours view"
ACCESSORS, OBJECTS = "ours accessors, 2 fields", "ours objects"
TOP, TOP_ACCESSORS = "ours Decoder, top", "ours accessors, top"
TWIN = "python Encoder/Decoder"


@dataclass(frozen=True, slots=True)
class Goal:
    """`ours` against `rival` in `operation`; `summed`: the rival with a checksum added."""

    row: str
    what: str
    ours: str
    operation: str
    rival: str
    must: float
    goal: float
    moonshot: float | None = None
    summed: bool = True


GOALS = (
    Goal("1", "trade build / struct+zlib", OURS, "trade build", REFERENCE, 7, 10, 14),
    Goal("2", "trade build / msgspec", OURS, "trade build", MSGSPEC, 2.5, 3.5, 5, summed=False),
    Goal("2", "trade build / msgspec + crc", OURS, "trade build", MSGSPEC, 6, 8, 12),
    Goal("3", "trade build / protobuf + crc", OURS, "trade build", "protobuf upb", 20, 28, 45),
    Goal("4", "checked view, unread / struct+zlib", VIEW, "trade parse", REFERENCE, 12, 18, 22),
    Goal("5", "parse, 2 fields by Decoder / struct+zlib", FEW, "trade parse", REFERENCE, 4.5, 6.5, 9),
    Goal("5", "parse, 2 fields by accessors / struct+zlib", ACCESSORS, "trade parse", REFERENCE, 4.5, 6.5, 9),
    Goal("6", "parse, 11 fields / struct+zlib", OURS, "trade parse", REFERENCE, 3, 3.8, 5),
    Goal("6", "parse, 11 fields / msgspec", OURS, "trade parse", MSGSPEC, 1.4, 1.8, 2.5, summed=False),
    Goal("6", "parse, 11 fields / protobuf + crc", OURS, "trade parse", "protobuf upb", 7, 9, 12),
    Goal("7", "book build / struct+zlib", OURS, "book build", REFERENCE, 6, 10, 16),
    Goal("7", "book build / msgspec + crc", OURS, "book build", MSGSPEC, 2.5, 4, 6),
    Goal("8", "book, all levels to objects / struct+zlib", OURS, "book parse", REFERENCE, 1.5, 1.9, 2.5),
    Goal("9", "top of book by Decoder / struct+zlib", TOP, "book top", REFERENCE, 3.5, 7, 12),
    Goal("9", "top of book by Decoder / msgspec + crc", TOP, "book top", MSGSPEC, 8, 20, 35),
    Goal("9", "top of book by accessors / struct+zlib", TOP_ACCESSORS, "book top", REFERENCE, 3.5, 7, 12),
    Goal("9", "top of book by accessors / msgspec + crc", TOP_ACCESSORS, "book top", MSGSPEC, 8, 20, 35),
    Goal("17", "Python implementation, build / struct+zlib", TWIN, "trade build", REFERENCE, 0.6, 0.8),
    Goal("17", "Python implementation, parse / struct+zlib", TWIN, "trade parse", REFERENCE, 0.6, 0.8),
    Goal("17", "Python implementation, book build / struct+zlib", TWIN, "book build", REFERENCE, 0.6, 0.8),
    Goal("17", "Python implementation, book parse / struct+zlib", TWIN, "book parse", REFERENCE, 0.6, 0.8),
)


def verdict(figure: float, goal: Goal) -> str:
    """In a word."""
    if figure < goal.must:
        return "SHORT of must"
    if figure < goal.goal:
        return "must; short of goal"
    return "moonshot" if goal.moonshot is not None and figure >= goal.moonshot else "goal"


def results(times: Times, goals: Sequence[Goal] = GOALS) -> list[tuple[Goal, float, float]]:
    """Each goal whose two jobs ran, with the median and the best ratio."""
    found = []
    for goal in goals:
        ours = (goal.ours, goal.operation, True)
        rival = (goal.rival, goal.operation, goal.summed)
        if ours in times.net and rival in times.net:
            found.append((goal, *times.speed(ours, rival)))
    return found


def table(times: Times) -> list[str]:
    """The goals as lines of text."""
    lines = [f"{'row':>3}  {'speed of':47} {'must':>6} {'goal':>6} {'moonshot':>8} {'median':>8} {'best':>7}"]
    for goal, median, best in results(times):
        moonshot = "" if goal.moonshot is None else f"{goal.moonshot:g}x"
        lines.append(
            f"{goal.row:>3}  {goal.what:47} {f'{goal.must:g}x':>6} {f'{goal.goal:g}x':>6} {moonshot:>8} "
            f"{median:7.2f}x {best:6.2f}x  {verdict(median, goal)}"
        )
    return lines
