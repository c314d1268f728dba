"""The six stages as a table, and the one way to run any of them.

`run_stage` takes the lock, undoes what a killed run left, refuses what must be refused, and then does the stage's work.
Stages 1, 2 and 5 only read; 3, 4 and 6 carry out the saved plan through the executor, which runs the gates before the
stage counts as done.  What one stage alone needs it imports itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .executor import Group
from .journal import REFUSALS, unwritable
from .model import STAGE_NAMES, CheckFailed, Edit, FailedMidway, Finding, MigrateError, Refused, counted
from .newplaces import TAKEN
from .operations import EditFile, MoveFiles, RemoveFile, SetAside, WriteFile
from .reverts import require_whole
from .saved import SavedPlan
from .session import Session
from .slices import chosen, pick, without_done
from .tree import sha


@dataclass(slots=True)
class Outcome:
    """What one stage did.  `state` is "done" now, or "already" if there was nothing to do."""

    stage: int
    state: str
    message: str
    commits: list[tuple[str, str]] = field(default_factory=list)
    edits: int = 0
    moved: int = 0
    findings: list[Finding] = field(default_factory=list)
    gates: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    exit_code: int = 0
    details: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {
            "stage": self.stage,
            "name": STAGE_NAMES[self.stage],
            "state": self.state,
            "message": self.message,
            "commits": [{"commit": c, "subject": s} for c, s in self.commits],
            "edits": self.edits,
            "moved": self.moved,
            "findings": [f.as_dict() for f in self.findings],
            "gates": self.gates,
            "seconds": round(self.seconds, 2),
            "details": self.details,
        }


def run_stage(session: Session, stage: int, only: Sequence[str] = ()) -> Outcome:
    """Run one stage to its end.  Raises Refused, CheckFailed or FailedMidway; the tree is then as it was."""
    start = time.perf_counter()
    with session.journal.locked(), told(session):
        recover(session, stage)
        if session.done(stage):
            require_whole(session.repo, session.plan.name, session.history, session.reached)
            return Outcome(stage, "already", f"stage {stage} ({STAGE_NAMES[stage]}) is done; nothing to do")
        session.require_clean(deep=stage >= 3)
        # Somebody has committed since the audit: design takes that in, and the audit with it.
        behind = stage == 2 and not session.done(1) and session.audit_follows()
        session.require_order(stage, follows=behind)
        try:
            if behind:
                _audit(session, (), lambda: session.design)
            outcome = _STAGES[stage](session, tuple(only))
        except CheckFailed:
            session.forget()
            raise
        session.forget()
    outcome.seconds = time.perf_counter() - start
    return outcome


@contextmanager
def told(session: Session) -> Iterator[None]:
    """A disk that refuses to be written, in the words of the tool: before anything was touched, or with the way on."""
    try:
        yield
    except OSError as error:
        if error.errno not in REFUSALS:
            raise
        where = str(error.filename or session.root)
        running = session.history.running
        if running is None:
            raise unwritable(error, where) from error
        raise FailedMidway(
            f"{error.strerror or error}, and {'the rollback to ' * running.rollback}stage {running.stage} is half done",
            where=where,
            next_step="mend that, then run the same command again, or 'rollback'",
        ) from error


def recover(session: Session, stage: int | None) -> bool:
    """Undo what a killed run left.  Only the command that was cut off, or a rollback (None), may go on from there."""
    running = session.history.running
    if running is None:
        return False
    if stage is not None and (running.stage != stage or running.rollback):
        what = f"a rollback to stage {running.stage}" if running.rollback else f"stage {running.stage}"
        again = f"rollback --to {running.stage}" if running.rollback else f"--stage {running.stage}"
        raise Refused(
            f"{what} was interrupted", where=str(session.root), next_step=f"run '{again}' again, or 'rollback' it"
        )
    session.executor.recover(session.history)
    session.forget()
    return True


# the stages


def _audit(session: Session, _only: tuple[str, ...], meanwhile: Callable[[], object] = lambda: None) -> Outcome:
    from .audit import run_audit

    document, ran = run_audit(session, meanwhile)
    if ran:
        session.discard_gate_changes()
    findings = [f for s in session.scans for f in s.findings]
    edits = sum(len(s.edits) for s in session.scans)
    broken = [t for g in document["gates"] for t, o in g["outcomes"].items() if o in ("failed", "error")]
    # A command that fails without a result per test protects nothing; whoever reads the audit must see that.
    broken += [
        f"{g['command']} as a whole (exit code {g['exit_code']})"
        for g in document["gates"]
        if g["exit_code"] and not g["outcomes"] and not g["problem"]
    ]
    problems = [g["problem"] for g in document["gates"] if g["problem"]]
    for gate in document["gates"]:  # a file that pytest skips as a whole is no test that ran either
        failed = sorted(t for t, o in gate["outcomes"].items() if o == "error")
        if failed and {*gate["outcomes"].values()} <= {"error", "skipped"}:
            problems.append(f"no test ran, there are errors only ({', '.join(failed[:3])})")
    if problems:
        raise CheckFailed(
            f"a gate cannot be run: {problems[0]}",
            where=session.plan.file,
            next_step="install what it needs, or correct [gates] in the plan",
        )
    session.journal.add(
        "done", stage=1, base=document["commit"], end=document["commit"], plan="", facts={"seconds": session.seconds()}
    )
    users = len(document["uses"])
    message = (
        f"{edits} references in {sum(1 for s in session.scans if s.edits)} files, {users} packages depend on what moves"
    )
    if broken:
        message += f"; {len(broken)} test{'s' if len(broken) > 1 else ''} fail{'' if len(broken) > 1 else 's'} already"
    details = {
        "graph": document["graph"],
        "dependents": document["dependents"],
        "cycles": document["cycles"],
        "files": {"report": str(session.journal.audit_file), "graph": str(session.journal.folder / "graph.dot")},
        "uses": document["uses"],
        "references": document["references"],
        "already_broken": broken,
        "unused": document["unused"],
        "imports": {m: p for m, p in document["imports"].items() if p},
    }
    return Outcome(1, "done", message, edits=edits, findings=findings, details=details)


def _design(session: Session, _only: tuple[str, ...]) -> Outcome:
    design = session.design
    conflicts = [f for f in design.findings if f.rule == "duplicate.conflict" and f.severity == "error"]
    if conflicts:
        first = conflicts[0]
        raise CheckFailed(
            f"{first.text} is not a duplicate: {first.readings[-1]}",
            where=first.place,
            next_step="take the [[symbol]] out of the plan, or make the definitions equal",
        )
    for taken in (f for f in design.findings if f.rule == TAKEN):
        raise CheckFailed(f"{taken.readings[0]} would be {taken.readings[1]}", where=taken.path, next_step=taken.hint)
    saved = session.save_plan()
    facts = {"seconds": session.seconds(), "saved": sha(session.journal.plan_file.read_bytes())}
    session.journal.add("done", stage=2, base=saved.commit, end=saved.commit, plan=saved.plan_hash, facts=facts)
    counts = {n: sum(1 for es in design.edits.values() for e in es if e.stage == n) for n in (3, 4, 6)}
    moved = session.layout.moved_files()
    message = (
        f"{len(moved)} files to move, {counts[3]} edits with the move, {counts[4]} to integrate, "
        f"{len([f for f in design.findings if f.severity != 'note'])} places for a person"
    )
    details = {
        "plan_hash": design.plan_hash,
        "operations": {n: sum(len(g.operations) for g in gs) for n, gs in design.groups.items()},
    }
    return Outcome(
        2, "done", message, edits=sum(counts.values()), moved=len(moved), findings=design.findings, details=details
    )


def _change(session: Session, stage: int, only: tuple[str, ...], groups: list[Group], saved: SavedPlan) -> Outcome:
    from .validate import gate

    session.require_fit(groups)
    evidence: list[dict[str, Any]] = []

    def check() -> None:
        session.forget()
        try:
            evidence.extend(gate(session, stage))
        finally:
            session.discard_gate_changes()

    edits = _planned_edits(saved, stage, groups)
    moved = sum(len(o.pairs) for g in groups for o in g.operations if isinstance(o, MoveFiles))
    event = "slice" if only else "done"
    base = session.repo.head()
    commits = session.executor.run(
        stage,
        saved.plan_hash,
        groups,
        only=only,
        check=check,
        event=event,
        facts=lambda: {
            "seconds": session.seconds(),
            "gates": evidence,
            "edits": edits,
            "moved": moved,
            "tree": session.repo.tree_hash(base),
        },
    )
    named = [(c, session.repo.subject(c)) for c in commits]
    what = f"{counted(edits, 'place')} edited, {counted(len(commits), 'commit')}"
    what = f"{counted(moved, 'file')} moved, {what}" if moved else what
    removed = sum(isinstance(o, RemoveFile) for g in groups for o in g.operations)
    what = f"{counted(removed, 'file')} removed, {what}" if removed else what
    return Outcome(stage, "done", what, named, edits, moved, gates=evidence)


def _planned_edits(saved: SavedPlan, stage: int, groups: list[Group]) -> int:
    """How many of the plan's edits these operations make: also those of a manifest, which is written as a whole."""
    touched = {o.path for g in groups for o in g.operations if isinstance(o, EditFile | WriteFile)}
    document = saved.document
    return sum(
        sum(Edit(*edit).stage == stage for edit in edits)
        for path, edits in document["edits"].items()
        if path in touched or document["new_paths"].get(path) in touched
    )


def _migrate(session: Session, only: tuple[str, ...]) -> Outcome:
    saved = _usable(session)
    # Where no shim comes to stand, what is left of the old folder would be found as a namespace.
    folders = {m.path for m in session.layout.moves if m.is_package and m.keeps_name}
    groups = [*saved.groups[3], *_put_aside(session, 3, folders)]
    outcome = _change(session, 3, (), groups, saved)
    outcome.findings = _left_in_old_folders(session, folders)
    return outcome


def _integrate(session: Session, only: tuple[str, ...]) -> Outcome:
    saved = _usable(session)
    groups = without_done(session, saved.groups[4])
    wanted = chosen(session.tree, only) if only else lambda _: True
    if only:
        operations = pick(groups, wanted)
        if not operations:
            return Outcome(4, "already", f"nothing left to integrate under {', '.join(only)}")
        subject = f"Use the new names in {', '.join(only)}"
        outcome = _change(session, 4, only, [Group(subject, operations, rewrites=True)], saved)
    else:
        outcome = _change(session, 4, (), groups, saved)
    session.forget()
    doubts = [] if only else _doubts(session)
    missed = sum(f.severity == "error" for f in doubts)
    outcome.message += f"; the second opinion names {missed} that were missed" if missed else ""
    outcome.findings = doubts + [f for f in _planned_findings(saved) if wanted(f.path)]
    return outcome


def _doubts(session: Session) -> list[Finding]:
    """The second opinion on a stage that is done by now: if it cannot be had, that is a finding, and no failure."""
    from .twotrees import base_of, disagreements

    try:
        return disagreements(session, base_of(session))
    except (OSError, MigrateError) as error:
        what = f"it could not be asked: {error}"
        return [Finding(session.plan.file, 0, "second-opinion.none", what, (), "stage 5 asks again", "warning")]


def _validate(session: Session, _only: tuple[str, ...]) -> Outcome:
    from .twotrees import base_of
    from .validate import verdict

    base, head = base_of(session), session.repo.head()  # what somebody commits while gates run has not been validated
    document = verdict(session, base)
    session.discard_gate_changes()
    findings = [Finding(**{**f, "readings": tuple(f["readings"])}) for f in [*document["findings"], *document["left"]]]
    if not document["ok"]:
        errors = [f for f in findings if f.severity == "error"]
        lines = "; ".join(f"{f.place} {f.rule} {f.text}" for f in errors[:5])
        raise CheckFailed(
            f"{len(errors)} checks failed: {lines}",
            where="stage 5",
            next_step=document["next"],
        )
    session.journal.add(
        "done",
        stage=5,
        base=base,
        end=head,
        plan="",
        facts={"gates": document["gates"], "verdict": document, "seconds": session.seconds()},
    )
    message = f"{document['modules']} modules import, {document['names']} public names are the same, history is "
    message += document["history"]
    return Outcome(
        5, "done", message, findings=findings, gates=document["gates"], details={"left": len(document["left"])}
    )


def _cleanup(session: Session, _only: tuple[str, ...]) -> Outcome:
    from .validate import leftovers

    saved = _usable(session)
    left = [f for f in leftovers(session) if f.severity == "error"]
    if left:
        lines = "; ".join(f"{f.place} {f.text}" for f in left[:5])
        raise CheckFailed(
            f"{len(left)} uses of old names are left: {lines}",
            where="stage 6",
            next_step="rewrite them ('check-shims --fix' does the plain ones), or exclude the files in [scan]",
        )
    folders = {m.path for m in session.layout.moves if m.is_package}
    shims = session.lock.shims if session.lock else ()
    folders |= {s.path.rpartition("/")[0] for s in shims if s.path.endswith("__init__.py")}
    groups = [*saved.groups[6], *_put_aside(session, 6, folders)]
    outcome = _change(session, 6, (), groups, saved)
    outcome.findings += _left_in_old_folders(session, {m.path for m in session.layout.moves if m.is_package})
    return outcome


_STAGES: dict[int, Callable[[Session, tuple[str, ...]], Outcome]] = {
    1: _audit,
    2: _design,
    3: _migrate,
    4: _integrate,
    5: _validate,
    6: _cleanup,
}


# parts


def _usable(session: Session) -> SavedPlan:
    saved = session.usable_plan()
    if saved is None:
        raise Refused(
            "the saved plan does not fit the tree as it is now",
            where=str(session.root),
            next_step="look at it again with '--stage design'",
        )
    return saved


def _planned_findings(saved: SavedPlan) -> list[Finding]:
    return [Finding(**{**f, "readings": tuple(f["readings"])}) for f in saved.document["findings"]]


def _put_aside(session: Session, stage: int, folders: Iterable[str]) -> list[Group]:
    """The operation that takes byte-code folders out of folders in which nothing tracked will be left."""
    found: set[str] = set()
    for folder in sorted(folders):
        if not (session.root / folder).is_dir():
            continue
        for path in session.repo.untracked([folder]):
            parts = path.split("/")
            if "__pycache__" in parts:
                found.add("/".join(parts[: parts.index("__pycache__") + 1]))
    if not found:
        return []
    session.journal.add("aside", stage=stage, paths=sorted(found))
    return [Group("Caches", (SetAside(stage, tuple(sorted(found))),))]


def _left_in_old_folders(session: Session, folders: Iterable[str]) -> list[Finding]:
    """What else nobody tracks there: it may be somebody's own, and it may be what builds have left."""
    out = []
    for folder in sorted(folders):
        rest = session.repo.untracked([folder]) if (session.root / folder).is_dir() else []
        if rest:
            name = next(m.source for m in session.layout.moves if m.path == folder)
            readings = ("your own files, to be kept", f"leftovers that keep {name} importable as a namespace")
            what, hint = f"{len(rest)} untracked files, such as {rest[0]}", "move or delete them"
            out.append(Finding(folder, 0, "old-folder", what, readings, hint, "warning"))
    return out
