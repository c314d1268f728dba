"""Kills stages at random moments, goes on or back, and compares everything.  A program, and the tests' sweep.

`test_resume` kills at every step that the tool itself knows.  Here nobody chooses the place: half of the runs are
killed from outside after a random time, git and all, so that git dies within its own system calls; the others at a
random one of the system calls that Python reports (`sys.addaudithook`).  One time in four only the tool is killed, and
the git that it has started lives on for a moment.  Every point is followed by the same command or by a rollback, in
turn, and the files, index and refs must be those of an undisturbed run, or those from before it.

The seed makes the choice of points the same again; where a time lands depends on the machine.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # run from anywhere, like the other programs beside it
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tools.migrate.journal import History, Journal
from tools.migrate.tests import sample
from tools.migrate.tests.killcases import Case, Cases
from tools.migrate.tests.sample import Server

STAGES = ("stage 3", "stage 4", "stage 6")


@dataclass
class Tally:
    """Where the points of one stage fell: before the stage began, within it, after it was done; and what was wrong."""

    name: str
    phases: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def points(self) -> int:
        return sum(self.phases.values())

    def row(self) -> str:
        counts = [self.phases[p] for p in ("before", "within", "done", "not killed")]
        return f"{self.name:10}" + "".join(f"{n:12}" for n in (self.points, *counts, len(self.wrong)))


HEAD = f"{'':10}{'points':>12}{'before':>12}{'within':>12}{'done':>12}{'not killed':>12}{'wrong':>12}"


def choose(case: Case, number: int, seed: int) -> dict[str, Any]:
    """The point with this number: when the run dies, and with whom."""
    chance = random.Random(f"{seed} {case.job} {number}")
    point: dict[str, Any] = {"alone": chance.random() < 0.25}
    if number % 4 < 2:  # the parity of the number decides what follows, so both kinds are followed by both
        point["after"] = chance.uniform(0.0, case.seconds)
    else:
        point["event"] = chance.randint(1, case.events)
    return point


def kill(server: Server, case: Case, number: int, seed: int, place: Path, tally: Tally) -> None:
    """One point: a fresh copy, a run that dies, the way on or back, and the comparison."""
    point = choose(case, number, seed)
    root = sample.copy(case.root, place)
    before = Journal(root / ".git", "unify").history()
    answer = server(root, **case.job, **point)
    history = Journal(root / ".git", "unify").history()
    phase = _phase(before, history, case.job["stage"]) if answer == {"killed": True} else "not killed"
    tally.phases[phase] += 1
    back = number % 2 == 1
    answer = server(root, **({"rollback": case.back_to} if back else case.job))
    where = f"{case.job} {point} ({phase}), then {'rollback' if back else 'the same again'}"
    if answer.get("code") != 0:
        tally.wrong.append(f"{where}: {answer}")
        return
    now, wanted = sample.state(root), case.back if back else case.after
    if back and phase in ("done", "not killed"):  # what was finished is undone by a commit
        now, wanted = replace(now, head=""), replace(wanted, head="")
    different = [name for name in now.__dataclass_fields__ if getattr(now, name) != getattr(wanted, name)]
    if different:
        tally.wrong.append(f"{where}: {', '.join(different)} differ")
    tally.wrong += [f"{where}: {name} is left" for name in _leftovers(root)]
    shutil.rmtree(root)


def _phase(before: History, now: History, stage: int) -> str:
    if now.running is not None:
        return "within"
    return "done" if stage in now.done and now.done[stage] != before.done.get(stage) else "before"


def _leftovers(root: Path) -> list[str]:
    """Locks that nobody holds, and what git calls damaged."""
    left = [str(p.relative_to(root)) for p in (root / ".git").rglob("*.lock")]
    sample.git(root, "fsck", "--no-progress", "--no-dangling")
    return left


def sweep(cases: Cases, name: str, points: int, seed: int, *, workers: int = 1, first: int = 0) -> Tally:
    """Kill one stage at `points` random points, the numbers from `first` on."""
    case, tally = cases(name), Tally(name)
    servers = [cases.server, *(Server() for _ in range(workers - 1))]

    def share(worker: int) -> None:
        for number in range(first + worker, first + points, workers):
            place = cases.folder / f"{name.replace(' ', '-')}-{number}"
            kill(servers[worker], case, number, seed, place, tally)

    try:
        with ThreadPoolExecutor(workers) as pool:
            for done in [pool.submit(share, worker) for worker in range(workers)]:
                done.result()
    finally:
        for server in servers[1:]:
            server.close()
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--points", type=int, default=200, help="for each stage")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--stages", nargs="+", default=list(STAGES), metavar="NAME")
    options = parser.parse_args()
    server, wrong = Server(), 0
    try:
        with tempfile.TemporaryDirectory(prefix="kills-") as folder:
            cases = Cases(server, Path(folder))
            print(HEAD)
            for name in options.stages:
                tally = sweep(cases, name, options.points, options.seed, workers=options.workers)
                print(tally.row(), *tally.wrong, sep="\n    ", flush=True)
                wrong += len(tally.wrong)
    finally:
        server.close()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
