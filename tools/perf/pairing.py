"""Gate 2: base and head by the clock, in turns.  It sees what no count does: stalls, caches, lanes, waiting.

Owns the turns and their ratios.  Must not decide what is too much.

The compiled codec keeps its state once for a process and refuses to be loaded twice, so base and head are two processes
that live on and run strictly one after the other, on the same processor: for the machine that is one process with two
copies, and no moment is only one's.  A round lets both run the workload for some milliseconds, in a random order, and
gives one ratio; the median of many is taken.  A repeat starts both anew, so that where their memory happened to lie
counts as chance as well.
"""

from __future__ import annotations

import os
import random
import statistics
from collections.abc import Callable, Sequence

from .model import Tree
from .processes import Turns

ROUNDS, REPEATS, LIMIT = 41, 3, 1.10
SLICE_NS = 2_000_000
_MOST = 1 << 22


def processors() -> Sequence[int | None]:
    """Those that this process may use; None where the system does not tell."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [None]


def repeats_for(turns: Turns, name: str, slice_ns: int = SLICE_NS) -> int:
    """How often a statement has to be repeated to take about one slice."""
    times = 1
    while (took := min(turns.run(name, times) for _ in range(2))) < slice_ns / 4 and times < _MOST:
        times *= 4
    return max(1, min(_MOST, round(times * slice_ns / max(took, 1))))


def ratios(
    base: Tree, head: Tree, names: Sequence[str], implementation: str, *, rounds: int = ROUNDS, repeat: int = 0
) -> dict[str, float]:
    """How many times longer head takes than base, by workload: medians over the rounds.  Raises PerfError."""
    draw = random.Random(repeat)
    all_of = processors()
    cpu = all_of[-1 - repeat % len(all_of)]
    with Turns(base, implementation, cpu) as one, Turns(head, implementation, cpu) as two:
        times = {name: repeats_for(one, name) for name in names}
        found: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(rounds):
            for name in draw.sample(list(names), len(names)):
                pair = {}
                for turns in draw.sample([one, two], 2):
                    pair[turns] = turns.run(name, times[name])
                found[name].append(pair[two] / max(pair[one], 1))
    return {name: statistics.median(each) for name, each in found.items()}


def judge(
    measure: Callable[[Sequence[str], int], dict[str, float]],
    names: Sequence[str],
    *,
    repeats: int = REPEATS,
    limit: float = LIMIT,
) -> dict[str, list[float]]:
    """The ratios of each repeat.  `measure(names, repeat)` gives those of one.

    Only what was slower in all repeats so far is measured again: one that is not ends the suspicion.
    """
    found: dict[str, list[float]] = {name: [] for name in names}
    suspected = list(names)
    for repeat in range(repeats):
        if not suspected:
            break
        for name, ratio in measure(suspected, repeat).items():
            found[name].append(ratio)
        suspected = [name for name in suspected if found[name][-1] > limit]
    return found


def absolute(tree: Tree, names: Sequence[str], implementation: str, *, rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Nanoseconds of each statement in each round, of one tree alone."""
    found: dict[str, list[float]] = {name: [] for name in names}
    draw = random.Random(1)
    with Turns(tree, implementation, processors()[-1]) as turns:
        times = {name: repeats_for(turns, name) for name in names}
        for _ in range(rounds):
            for name in draw.sample(list(names), len(names)):
                found[name].append(turns.run(name, times[name]) / times[name])
    return found
