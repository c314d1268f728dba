"""The plan's own commands: run as a baseline in stage 1, and again when something has changed.

Owns what `[gates]` names.  Tests are compared one by one (`gates`).  Type checks and timed commands have nothing so
fine: kept are the exit code, and the best of three times.  One of these that failed before the move has no say about
it; it is reported, and stops nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .gates import GateResult, run_gate
from .model import Finding
from .scan.sink import Sink
from .scan.words import scan_words
from .session import Session

_RUNS = 3


def run_all(session: Session) -> list[GateResult]:
    """One result for each gate, under the command as the plan writes it."""
    out = []
    for number, command in enumerate(session.plan.gates.tests):
        out.append(replace(_run(session, command, str(number)), command=command))
    return out


def as_of_now(session: Session, command: str) -> str:
    """A command of the plan, which names paths and modules as they were, for the tree as it is now."""
    if session.reached < 3 or not session.world.judge.mentioned(command):
        return command
    sink = Sink("", command)
    scan_words(command, 0, sink, session.world.judge, "", "command")
    edits = [e for e in sink.finish().edits if e.stage == 3 or session.reached >= 4]
    for edit in reversed(edits):
        command = command[: edit.start] + edit.new + command[edit.end :]
    return command


def type_baseline(session: Session) -> dict[str, int]:
    """Exit code of each type check."""
    return {command: _run(session, command, "types").exit_code for command in session.plan.gates.types}


def time_baseline(session: Session) -> dict[str, float | None]:
    """Best of three wall times of each timed command in seconds; None where it fails."""
    out: dict[str, float | None] = {}
    for command in session.plan.gates.performance:
        runs = [_run(session, command, "performance") for _ in range(_RUNS)]
        out[command] = None if any(r.exit_code for r in runs) else min(r.seconds for r in runs)
    return out


def check_types(session: Session, audit: Mapping[str, Any]) -> list[Finding]:
    """One finding for each type check that fails."""
    before = audit.get("types", {})
    found = []
    for command in session.plan.gates.types:
        result = _run(session, command, "types")
        if result.exit_code == 0:
            continue
        last = (result.tail.strip().splitlines()[-1:] or [f"exit code {result.exit_code}"])[0]
        if before.get(command):
            hint = "it failed before the move as well; compare what it says by hand"
            found.append(Finding(command, 0, "types.before", last, (), hint, "warning"))
        else:
            found.append(Finding(command, 0, "types", last, (), "the type check fails", "error"))
    return found


def check_times(session: Session, audit: Mapping[str, Any]) -> list[Finding]:
    """One finding for each timed command that fails, or takes longer than the budget allows."""
    before, limit = audit.get("performance", {}), session.plan.gates.max_slowdown
    found = []
    for command, seconds in time_baseline(session).items() if before else ():
        first = before.get(command)
        if first is None:
            hint = "it failed in the audit, so there is no time to compare with"
            found.append(Finding(command, 0, "performance.before", "no time before the move", (), hint, "warning"))
        elif seconds is None:
            hint = "it succeeded in the audit; run it by hand to see why"
            found.append(Finding(command, 0, "performance", "the command fails", (), hint, "error"))
        elif seconds > limit * first:
            text = f"{seconds / first:.2f} times the time before"
            found.append(Finding(command, 0, "performance", text, (), f"the budget is {limit:.2f}", "error"))
    return found


def _run(session: Session, command: str, kind: str) -> GateResult:
    work, timeout = session.journal.folder / "gates" / kind, session.plan.gates.timeout
    work.mkdir(parents=True, exist_ok=True)
    now = as_of_now(session, command)
    return run_gate(now, session.root, work, timeout=timeout, prefer_own_python=session.own_python)
