"""The way back: the tree exactly as it was before a stage, by a commit that undoes, or by taking commits off.

A rollback is carried out by the executor like a stage, so it too is all or nothing.  Where only our own commits stand
between now and then, the old tree itself is written; where others have committed meanwhile, the tree without our
commits is worked out aside, and that one is written.  Which commits are ours their trailers say, so another clone can
roll back as well.
"""

from __future__ import annotations

import re

from .executor import Group
from .gitsettings import filtered
from .lock import read
from .model import MigrateError, PlanError, Refused
from .operations import Operation, RemoveFile, SetAside, WriteFile
from .plan import LOCK_FILE
from .recovery import BLAME_FILE
from .reverts import brought_something, torn, without
from .session import Session
from .stages import recover, told
from .stale import require_no_successor
from .trailers import Mark, marks, reverted
from .tree import Tree, sha

# The lowest stage in the lock at which there can be something to undo, by `to`.  Slices of stage 4 leave the lock at 3.
_FLOOR = {1: 3, 2: 3, 3: 3, 4: 3, 5: 6, 6: 6}


def roll_back(session: Session, to: int, *, hard: bool = False) -> str:
    """Undo every stage from `to` on; returns one line that says what was done.

    `hard` takes the commits off the branch instead of adding one; refused once a remote has any of them.
    """
    if not 1 <= to <= 6:
        raise PlanError(f"no stage {to}", where="--to", next_step="1 to 6")
    with session.journal.locked(), told(session):
        interrupted = session.history.running
        if interrupted is not None:
            if interrupted.stage < to and not interrupted.rollback:
                raise Refused(
                    f"stage {interrupted.stage} was interrupted, and stage {to} comes after it",
                    where=str(session.root),
                    next_step=f"run '--stage {interrupted.stage}' again, or 'rollback --to {interrupted.stage}'",
                )
            recover(session, None)
        session.require_clean(deep=True)
        message = _roll_back(session, to, hard)
        if to <= 2:
            session.journal.plan_file.unlink(missing_ok=True)
        if to == 1:
            session.journal.audit_file.unlink(missing_ok=True)
        session.forget()
        if message:
            return message
        if interrupted is not None:
            what = "rollback" if interrupted.rollback else f"stage {interrupted.stage}"
            return f"the interrupted {what} is undone; the tree is as before stage {to}"
        return f"nothing to undo: no stage from {to} on has changed the tree"


def _roll_back(session: Session, to: int, hard: bool) -> str:
    """Returns "" if there is nothing to undo."""
    repo = session.repo
    ours = _ours(session, to)
    if not ours:
        session.journal.add("rollback", to=to)
        return ""
    base = repo.run("rev-parse", f"{ours[0].commit}~1")
    own = {m.commit for m in marks(repo, session.plan.name, base)}
    others = [c for c in repo.all_commits(base) if c not in own]
    if hard:
        _require_private(session, ours[0].commit, others)
    if brought_something(repo, base, others):
        mine, own = [m.commit for m in ours], _own(session, ours)
        wanted = without(repo, session.plan.name, mine, base, session.journal.scratch, own)
        body = "What others have committed meanwhile stays."
    else:
        wanted, body = repo.tree_hash(base), ""
    operations = _difference(session, wanted)
    aside = {p: None for stage, paths in session.history.aside.items() if stage >= to for p in paths}
    if aside:
        operations.append(SetAside(6, tuple(aside), back=True))
    group = Group(f"Roll {session.plan.name} back to before stage {to}", tuple(operations), body, tree=wanted)
    session.require_fit([group])

    def check() -> None:
        if repo.tree_hash() != wanted:
            raise MigrateError("the tree is not what it was", where="rollback", next_step="revert with git by hand")

    onto = base if hard else None
    session.executor.run(to, "", [group], check=check, event="rollback", rollback=True, onto=onto)
    if hard:
        return f"the branch is at {base[:12]} again, as before stage {to}"
    if body:
        said = f"the {len(ours)} commits from stage {to} on are undone by one new commit; what others committed stays"
        return said + _users_of_new_names(session, base)
    return f"the tree is as before stage {to} again ({wanted[:12]}), by one new commit"


def _ours(session: Session, to: int) -> list[Mark]:
    """The commits to undo, oldest first."""
    made, gone = reverted(session.repo, session.plan.name)
    half = torn(session.repo, made, gone, session.reached)
    if session.reached < _FLOOR[to] and (half is None or half.stage < to):
        require_no_successor(session.repo, session.tree, session.plan.name)
        return []
    found = [m for m in made if m.stage >= to and m.commit not in gone]
    if not found and session.reached >= max(to, 3):
        raise Refused(
            "the commits of this migration are not in the branch's history",
            where=str(session.root),
            next_step="if they were squashed, revert that commit with git",
        )
    if mixed := [m.commit for m in found if 0 < m.lowest < to]:
        raise Refused(
            f"commit {mixed[0][:12]} holds earlier stages as well; they were squashed into one",
            where=str(session.root),
            next_step=f"roll back to {min(m.lowest for m in found)}, or revert by hand",
        )
    return found


def _own(session: Session, ours: list[Mark]) -> set[str]:
    """The lock and the files for old names that stage 3 made, if it is among what goes."""
    made = [m.commit for m in ours if m.lowest == 3]
    tree = session.repo.tree(made[-1]) if made else session.tree
    if not made or LOCK_FILE not in tree:
        return set()
    return {LOCK_FILE, *read(tree.read(LOCK_FILE).decode("utf-8", "replace"), LOCK_FILE).files}


def _users_of_new_names(session: Session, base: str) -> str:
    """Files of others that name what is no longer there; "" if there are none."""
    names = sorted({m.target for m in session.plan.moves if m.source != m.target})
    word = re.compile(rb"(?<![\w.])(?:" + b"|".join(re.escape(n.encode()) for n in names) + rb")(?!\w)")
    session.forget()
    own = {session.plan.file, session.decisions_file, BLAME_FILE}
    paths = [p for p in session.repo.changed(base, "HEAD") if p in session.tree and p not in own]
    found = [p for p in paths if word.search(session.tree.read(p))] if names and session.reached < 3 else []
    if not found:
        return ""
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return f"; new names are still used in {', '.join(found[:5])}{more}: write the old ones there"


def _require_private(session: Session, first: str, others: list[str]) -> None:
    if others:
        raise Refused(
            f"{len(others)} commits by others lie between, which would be lost",
            where=str(session.root),
            next_step="roll back without --hard",
        )
    if session.repo.on_remote(first):  # whoever has a later one has the first as well
        raise Refused(
            "these commits are on a remote already", where=str(session.root), next_step="roll back without --hard"
        )


def _difference(session: Session, wanted: str) -> list[Operation]:
    """Operations that turn the tree of HEAD into the tree `wanted`; removals first, they may be in the way."""
    before, after = session.repo.tree(), session.repo.tree(wanted)
    stored = _stored(session, wanted, before)
    removed: list[Operation] = []
    written: list[Operation] = []
    for path in session.repo.changed("HEAD", wanted):
        old = sha(before.read(path)) if path in before else None
        if old is not None and (path not in after or before.modes[path] != after.modes[path]):
            removed.append(RemoveFile(0, path, old, before.modes[path], "did not exist before"))
            old = None
        if path in after:
            content = before.read(stored[path]) if path in stored else after.read(path)
            written.append(WriteFile(0, path, content, after.modes[path], "as before", old))
    return [*removed, *written]


def _stored(session: Session, wanted: str, now: Tree) -> dict[str, str]:
    """Files whose content a filter keeps elsewhere (git-lfs): path in `wanted` -> where the same content lies now.

    The filters that `wanted` had for its paths are not those of the working tree, so git would not find the content.
    """
    if not any(b"filter=" in now.read(p) for p in now if p.rpartition("/")[2] == ".gitattributes"):
        return {}
    blobs = session.repo.blobs("HEAD")
    here = {blobs[path]: path for path in filtered(session.repo, list(blobs))}
    return {path: here[blob] for path, blob in session.repo.blobs(wanted).items() if blob in here}
