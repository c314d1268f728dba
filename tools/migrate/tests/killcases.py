"""Repositories right before a stage, a slice or a rollback, with the states before and after an undisturbed run.

What `test_resume` (every step) and `randomkills` (any moment) kill their runs in.  Each case is built once, from the
one that it starts from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.migrate.tests import sample
from tools.migrate.tests.sample import Server


@dataclass
class Case:
    """A repository right before `job`, and the states before and after an undisturbed run of it."""

    job: dict[str, Any]
    root: Path
    before: sample.State
    after: sample.State
    names: list[str] = field(default_factory=list)
    back_to: int = 3
    back: sample.State = field(init=False)  # where a rollback to before the stage leads
    slices: bool = False  # some of stage 4 is done already
    seconds: float = 0.0  # how long an undisturbed run takes
    events: int = 0  # how many audit events it raises

    @property
    def steps(self) -> int:
        return len(self.names)


JOBS: dict[str, tuple[list[dict[str, Any]], dict[str, Any], int]] = {
    "stage 3": ([{"stage": 1}, {"stage": 2}], {"stage": 3}, 3),
    "stage 4": ([{"stage": 3}], {"stage": 4}, 4),
    "first slice": ([], {"stage": 4, "only": ["services/a"]}, 4),
    "second slice": ([{"stage": 4, "only": ["services/a"]}], {"stage": 4, "only": ["services/b"]}, 4),
    "rest after a slice": ([], {"stage": 4}, 4),
    "stage 6": ([{"stage": 5}], {"stage": 6}, 6),
    "rollback": ([{"stage": 6}], {"rollback": 3}, 3),
    "hard rollback": ([], {"rollback": 3, "hard": True}, 3),
}
START = {
    "stage 3": "", "stage 4": "stage 3", "first slice": "stage 4", "second slice": "first slice",
    "rest after a slice": "second slice", "stage 6": "done 4", "rollback": "stage 6", "hard rollback": "rollback",
}  # fmt: skip


class Cases:
    """Builds a case when it is asked for, and keeps it."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.made: dict[str, Case] = {}

    def __call__(self, name: str) -> Case:
        if name in self.made:
            return self.made[name]
        prepare, job, back_to = JOBS[name]
        root = self.folder / name.replace(" ", "-")
        if name == "stage 3":
            sample.build(root)
        elif name == "stage 6":
            sample.copy(self("stage 4").root, root)
            self.server.ok(root, stage=4)
        else:
            sample.copy(self(START[name]).root, root)
        for step in prepare:
            self.server.ok(root, **step)
        done = sample.copy(root, self.folder / f"{root.name}-done")
        answer = self.server.ok(done, **job)
        case = Case(job, root, sample.state(root), sample.state(done), answer["names"], back_to)
        case.seconds, case.events = answer["seconds"], answer["events"]
        case.slices = name in ("second slice", "rest after a slice")
        case.back = self.made["stage 4"].before if case.slices else case.before
        self.made[name] = case
        return case
