"""What is known of a migration, as one `Report`: from the journal, the audit, the saved plan and the tree.

Reads the state that the stages have left and the files that the plan touches, and changes nothing.  How any of it is
shown is the business of `report` and `page`.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .audit import unused_findings
from .hunks import hunks_of
from .lock import Lock
from .lock import read as read_lock
from .manifests import wants
from .model import STAGE_NAMES, Edit, Refused
from .operations import WriteFile
from .owners import Members, Owners
from .plan import LOCK_FILE
from .report import FileEdits, Report, ShimStatus, StageSummary
from .saved import SavedPlan
from .session import Session, finding_from
from .trailers import standing
from .tree import LINK, decode


def report(session: Session) -> Report:
    """The report of the migration as it stands now."""
    history, saved = session.history, session.saved_plan()
    audit = session.journal.load(session.journal.audit_file) or {}
    findings = tuple(finding_from(f) for f in saved.document["findings"]) if saved else ()
    edits = _edits(session, saved) if saved else ()
    gates: list[dict[str, Any]] = []
    verdict: dict[str, Any] = {}
    for record in history.done.values():
        gates += record.facts.get("gates", [])
        verdict = record.facts.get("verdict", verdict)
    members, owners = _whose(session, {*(f.path for f in edits), *(f.path for f in findings)})
    baseline = [{k: v for k, v in g.items() if k not in ("log", "python")} for g in audit.get("gates", ())]
    return Report(
        plan=session.plan.name,
        plan_hash=saved.plan_hash if saved else "",
        root_name=session.root.name,
        moves=tuple(sorted(session.layout.moves, key=lambda m: m.source)),
        stages=tuple(_stages(session, len(findings))),
        edits=edits,
        findings=findings,
        gates=tuple(gates),
        graph=audit.get("graph", {}),
        baseline={"gates": baseline},
        api=tuple(finding_from(f) for f in verdict.get("findings", ())),
        unused_dependencies=tuple(unused_findings(audit)),
        public_names=_public_names(audit, verdict),
        bisect=tuple(_skipped(session)),
        shims=tuple(_shims(session, saved)),
        members=members,
        owners=owners,
        decided=tuple(saved.document.get("decided", ())) if saved else (),
    )


def _public_names(audit: Mapping[str, Any], verdict: Mapping[str, Any]) -> dict[str, int]:
    """How many there were, and after stage 5 how many of them are the same: the others are among its findings."""
    if not audit:
        return {}
    before = sum(len(names) for names in audit.get("names", {}).values())
    return {"before": before, **({"the same after": verdict["names"]} if verdict else {})}


def _stages(session: Session, findings: int) -> Iterable[StageSummary]:
    history, following = session.history, session.next_stage()
    made = standing(session.repo, session.plan.name)  # of slices as well, and in any clone
    for number, name in STAGE_NAMES.items():
        record = history.done.get(number)
        facts = record.facts if record else {}
        state: Any = "done" if session.done(number) else "next" if number == following else "waiting"
        commits = tuple((m.commit[:12], session.repo.subject(m.commit)) for m in made if m.stage == number)
        words = "; ".join(f"{g['command']}: {g.get('tests', 0)} tests, none worse" for g in facts.get("gates", []))
        slices = [e.get("facts", {}).get("edits", 0) for e in history.slices] if number == 4 else []
        counts = facts.get("edits", 0) + sum(slices), facts.get("moved", 0), findings if number == 2 else 0
        yield StageSummary(number, name, state, commits, *counts, words, facts.get("seconds", 0.0))


def _skipped(session: Session) -> Iterable[str]:
    for mark in standing(session.repo, session.plan.name):
        for line in session.repo.message(mark.commit).splitlines():
            if line.startswith("Migration-Bisect: skip"):
                yield f"{mark.commit[:12]}: {line.partition(', ')[2]}"


def _edits(session: Session, saved: SavedPlan) -> tuple[FileEdits, ...]:
    listed = {p: tuple(Edit(*e) for e in edits) for p, edits in saved.document["edits"].items()}
    new_paths, texts = saved.document["new_paths"], planned_texts(session, saved, list(listed))
    return tuple(
        FileEdits(path, new_paths.get(path, path), edits, hunks_of(texts.get(path), edits))
        for path, edits in listed.items()
    )


def planned_texts(session: Session, saved: SavedPlan, paths: Sequence[str]) -> dict[str, str]:
    """The texts that the saved plan was made for.  Manifests are left out: their edits are notes, not spans."""
    wanted = [p for p in paths if not wants(p)]
    if not session.repo.has(saved.commit):
        return {}
    if session.repo.tree_hash(saved.commit) == session.repo.tree_hash():
        live = session.tree
        read = {p: live.read(p).decode("utf-8", "surrogateescape") for p in wanted if live.modes.get(p) == LINK}
        found = {p: t.body for p in wanted if p in live and p not in read and (t := live.text(p)) is not None}
        return found | read
    return dict(_archived(session, saved.commit, wanted))


def _archived(session: Session, commit: str, paths: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Texts out of git, many at a time; a process for each would take longer than all the rest."""
    tracked = set(session.repo.tree(commit))
    wanted = [p for p in paths if p in tracked]
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        with tarfile.open(
            fileobj=io.BytesIO(session.repo.read("archive", "--format=tar", commit, "--", *part))
        ) as archive:
            for entry in archive:
                if entry.issym():
                    yield entry.name, entry.linkname
                elif (file := archive.extractfile(entry)) is not None:
                    text = decode(file.read(), python=entry.name.endswith((".py", ".pyi", ".pyw")))
                    if text is not None:
                        yield entry.name, text.body


def _whose(session: Session, paths: Iterable[str]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Member and owners of each path, as the tree says today; of a file that has moved, those of its new place."""
    tree, layout = session.tree, session.layout
    owners, members = Owners.of(tree), Members.of(tree)
    by_member, by_owner = {}, {}
    for path in sorted(paths):
        now = path if path in tree else layout.old_to_new_path(path) or path
        by_member[path] = members.of_path(now) or (now.partition("/")[0] if "/" in now else ".")
        by_owner[path] = list(owners.of_path(now))
    return by_member, {path: found for path, found in by_owner.items() if found}


# shims


def _shims(session: Session, saved: SavedPlan | None) -> Iterable[ShimStatus]:
    lock = session.lock or _planned_lock(saved)
    if lock is None or lock.stage >= 6:
        return
    users = _users(session, saved, [shim.old for shim in lock.shims])
    for shim in sorted(lock.shims, key=lambda s: s.old):
        left = tuple(sorted(users.get(shim.old, set()) - lock.files))
        remove_by = shim.remove_by.isoformat() if shim.remove_by else ""
        yield ShimStatus(shim.old, shim.new, shim.path, shim.owner, remove_by, shim.remove_in or "", left)


def _planned_lock(saved: SavedPlan | None) -> Lock | None:
    """The lock that stage 3 will write, before it has."""
    operations = (o for g in saved.groups.get(3, []) for o in g.operations) if saved else ()
    for operation in operations:
        if isinstance(operation, WriteFile) and operation.path == LOCK_FILE:
            return read_lock(operation.content.decode(), LOCK_FILE)
    return None


def _users(session: Session, saved: SavedPlan | None, names: Sequence[str]) -> dict[str, set[str]]:
    """Old name -> files that use it: those that the plan will rewrite, or what is left of them now."""
    if session.reached >= 3:
        try:
            edits: Mapping[str, Sequence[Edit]] = {s.path: s.edits for s in session.scans}
        except Refused:
            return {}
    else:
        edits = {p: [Edit(*e) for e in listed] for p, listed in saved.document["edits"].items()} if saved else {}
    longest_first = sorted(map(re.escape, names), key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w.])(?:{'|'.join(longest_first)})(?!\w)") if names else None
    out: dict[str, set[str]] = {}
    for path, listed in edits.items():
        for edit in listed:
            if edit.stage == 4 and pattern is not None:
                for name in pattern.findall(f"{edit.old} {edit.reason}"):
                    out.setdefault(name, set()).add(path)
    return out


__all__ = ["planned_texts", "report"]
