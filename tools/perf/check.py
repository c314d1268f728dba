"""`check`: base and head in one job, through both gates; a verdict for each workload.

Owns the decision.  Must not measure (`counting`, `pairing`) or print (`tables`).

A workload fails where one more message costs more instructions than the threshold allows, or where head was slower than
the limit in every repeat of the turns.  One that base can run and head cannot fails as well.  What somebody decided to
pay is accepted by a trailer in the commit that costs it, `Slower: NAME: why`, and is shown with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import counting, pairing
from .model import IMPORT, THRESHOLD, PerfError, Tree, change, exceeds
from .processes import ask
from .trees import checkouts, commit_of, default_base, trailers
from .workloads import WORKLOADS

INSTRUCTIONS, RATIO = "instructions", "ratio"
GATES = (INSTRUCTIONS, RATIO)
TRAILER = "Slower"
IMPLEMENTATIONS = ("c", "python")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line asks for.  `base` None: where the branch left main, else the commit before."""

    base: str | None = None
    head: str | None = None
    threshold: float = THRESHOLD
    limit: float = pairing.LIMIT
    gates: tuple[str, ...] = GATES
    names: tuple[str, ...] = ()
    quick: bool = False
    implementation: str = "c"
    rounds: int = pairing.ROUNDS
    repeats: int = pairing.REPEATS


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gates say of one workload.  `failed` has a sentence for each gate that it fails."""

    name: str
    before: float | None = None
    after: float | None = None
    ratios: tuple[float, ...] = ()
    failed: tuple[str, ...] = ()
    accepted: str = ""
    note: str = ""

    @property
    def slower(self) -> bool:
        return bool(self.failed) and not self.accepted


@dataclass(frozen=True, slots=True)
class Outcome:
    """The whole of a check."""

    base: Tree
    head: Tree
    settings: Settings
    verdicts: tuple[Verdict, ...]

    @property
    def passed(self) -> bool:
        return not any(verdict.slower for verdict in self.verdicts)

    def as_dict(self) -> dict[str, Any]:
        def side(tree: Tree) -> dict[str, Any]:
            return {"commit": tree.commit, "dirty": tree.dirty, "layout": tree.layout.name}

        return {
            "schema": 1, "passed": self.passed, "base": side(self.base), "head": side(self.head),
            "settings": asdict(self.settings),
            "workloads": [
                {**asdict(each), "change": change(each.before, each.after), "slower": each.slower}
                for each in self.verdicts
            ],
        }  # fmt: skip


def selected(names: Sequence[str], quick: bool) -> list[str]:
    """The workloads to run, in their order.  Raises PerfError for a name that is none."""
    known = [each.name for each in WORKLOADS]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise PerfError(f"{unknown[0]!r} is no workload; there are: {', '.join(known)}")
    if names:
        return [name for name in known if name in names]
    return [each.name for each in WORKLOADS if each.quick or not quick]


def run(root: Path, settings: Settings, say: Say) -> Outcome:
    """Measure base and head.  Raises PerfError."""
    if INSTRUCTIONS in settings.gates:
        counting.valgrind()
    names = selected(settings.names, settings.quick)
    base_revision = settings.base or default_base(root)
    head_commit = commit_of(root, settings.head or "HEAD")
    accepted = accepted_by(trailers(root, base_revision, head_commit, TRAILER))
    say("building base and head")
    with checkouts(root, [base_revision, settings.head], build=settings.implementation == "c") as (base, head):
        say(f"base: {base.label}\nhead: {head.label}")
        return Outcome(base, head, settings, tuple(_verdicts(base, head, names, accepted, settings, say)))


def _verdicts(
    base: Tree, head: Tree, names: list[str], accepted: Mapping[str, str], settings: Settings, say: Say
) -> list[Verdict]:
    before, after = (ask(tree, "probe", names, settings.implementation) for tree in (base, head))
    both = [name for name in names if name in before["able"] and name in after["able"]]
    counts: list[dict[str, float]] = [{}, {}]
    ratios: dict[str, list[float]] = {}
    if INSTRUCTIONS in settings.gates:
        say("counting instructions")
        counts = counting.count_all([base, head], both, settings.implementation)
    if RATIO in settings.gates:
        say("base and head in turns")
        ratios = pairing.judge(
            lambda some, repeat: pairing.ratios(
                base, head, some, settings.implementation, rounds=settings.rounds, repeat=repeat
            ),
            both,
            repeats=settings.repeats,
            limit=settings.limit,
        )
    found = []
    for name in [*names, *([IMPORT] if IMPORT in counts[0] else [])]:
        if name in both or name == IMPORT:
            same = base.layout == head.layout
            found.append(
                verdict(name, counts[0].get(name), counts[1].get(name), ratios.get(name, []), settings, accepted, same)
            )
        elif name in before["able"]:
            why = f"base can run it and head cannot: {after['left_out'][name]}"
            found.append(Verdict(name, failed=(why,), accepted=accepted.get(name, "")))
        else:
            note = "new" if name in after["able"] else f"left out: {after['left_out'][name]}"
            found.append(Verdict(name, note=note))
    return found


def verdict(
    name: str,
    before: float | None,
    after: float | None,
    ratios: Sequence[float],
    settings: Settings,
    accepted: Mapping[str, str],
    same_layout: bool = True,
) -> Verdict:
    """What both gates say."""
    failed, note = [], ""
    more = change(before, after)
    judged = all(each.judged for each in WORKLOADS if each.name == name)
    if not judged:
        note = "not judged, to compare with"
    elif name == IMPORT and not same_layout:
        note, judged = "not judged: base and head have different import names", False
    if judged and more is not None and exceeds(more, settings.threshold):
        failed.append(f"{more:+.2%} instructions, {settings.threshold:.2%} is the most")
    slow = len(ratios) == settings.repeats and all(ratio > settings.limit for ratio in ratios)
    if judged and slow:
        times = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        failed.append(f"{times} times as long, {settings.limit:.2f} is the most")
    return Verdict(name, before, after, tuple(ratios), tuple(failed), accepted.get(name, "") if failed else "", note)


def accepted_by(values: Sequence[str]) -> dict[str, str]:
    """Reasons by workload, from the trailers' values: `NAME: why`.  One without a reason accepts nothing."""
    found = {}
    for value in values:
        name, _, why = value.partition(":")
        if why.strip():
            found[name.strip()] = why.strip()
    return found
