"""The second opinion for a session: both trees in folders, what the plan renamed, and what was listed already."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from glob import escape
from pathlib import Path

from .lock import read
from .model import Finding, Refused
from .oldtree import OldTree
from .opinion import Renaming, Side, second_opinion
from .plan import LOCK_FILE
from .session import Session
from .trailers import standing

_TIMEOUT = 60.0  # seconds for one import


def disagreements(session: Session, base: str) -> list[Finding]:
    """What the second opinion finds in the tree at HEAD, compared with `base`, and the tool has not listed itself."""
    audit = session.journal.load(session.journal.audit_file) or {}
    session.progress("second opinion", 0, 0)
    tree = session.repo.tree(base)
    with tempfile.TemporaryDirectory(prefix="migrate-before-") as folder:
        paths, renaming = list(tree), _renaming(session, list(tree))
        old = OldTree(session.repo, base, paths, session.plan.import_roots, Path(folder).resolve())
        found = second_opinion(
            audit.get("python", sys.executable),
            Side(old.folder, paths, session.plan.import_roots, session.root),
            Side(session.root, list(session.tree), roots_now(session)),
            renaming,
            session.lock.files if session.lock else (),
            old=old,
            timeout=_TIMEOUT,
            jobs=session.jobs,
            doubtful=any(audit.get("imports", {}).values()),
        )
    if not found:
        return []
    # The lines of edits that are left to make are listed as such, by `leftovers`.
    scans = session.scans_of({f.path for f in found})
    return unlisted(found, [f for scan in scans for f in scan.findings])


def unlisted(found: Iterable[Finding], listed: Sequence[Finding]) -> list[Finding]:
    """What is at no line that is listed anyway, and in no file that is history as a whole."""
    lines = {(f.path, f.line) for f in listed}
    history = {f.path for f in listed if f.rule == "file.history"}
    return [f for f in found if (f.path, f.line) not in lines and f.path not in history]


def base_of(session: Session) -> str:
    """The commit before the first one of stage 3; by its trailers, where another clone made it."""
    record = session.history.done.get(3)
    if record is not None:
        return record.base
    first = next((m.commit for m in standing(session.repo, session.plan.name) if m.lowest == 3), None)
    first = first or next(_with_lock(session), None)
    if first is None:
        raise Refused(
            "the commits of stage 3 are not in this branch's history",
            where=str(session.root),
            next_step="was it squashed or rebased? History cannot be checked then",
        )
    return session.repo.run("rev-parse", f"{first}~1")


def _with_lock(session: Session) -> Iterator[str]:
    """The commits that brought the lock of this migration, oldest first: what is left of those that were squashed."""
    repo = session.repo
    for commit in repo.run("log", "--reverse", "--first-parent", "--format=%H", "--", LOCK_FILE).split():
        tree = repo.tree(commit)
        text = tree.read(LOCK_FILE).decode("utf-8", "replace") if LOCK_FILE in tree else ""
        if text and read(text, LOCK_FILE).plan == session.plan.name:
            yield commit


def roots_now(session: Session) -> list[str]:
    """The import roots of the moved tree."""
    roots = list(session.plan.import_roots)
    if session.plan.target and session.plan.target.import_root not in roots:
        roots.append(session.plan.target.import_root)
    roots += [change.new for change in session.layout.new_roots if change.new not in roots]
    return roots


def _renaming(session: Session, before: list[str]) -> Renaming:
    names = {old: move.target for old, move in session.layout.old_names.items()}
    names |= {s.source: s.target for s in session.plan.symbols}
    names |= {m.source: m.target for m in session.layout.moves}  # also of what keeps its name: it is found elsewhere
    paths = {p: new for p in before if (new := session.layout.old_to_new_path(p)) and new in session.tree}
    # What only names old names on purpose: the shims of a migration before this one, and this one's plan.
    own = [session.plan.file, *sorted(session.lock.earlier_files if session.lock else ())]
    return Renaming(names, paths, (*session.plan.exclude, *map(escape, own)))
