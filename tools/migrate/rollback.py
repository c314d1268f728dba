"""The way back: the tree exactly as it was before a stage, by a commit that undoes, or by taking commits off.

A rollback is carried out by the executor like a stage, so it too is all or nothing.  Where only our own commits stand
between now and then, the old tree itself is written; where others have committed meanwhile, our commits are reverted
one by one and theirs stay.
"""

from __future__ import annotations

from .executor import Group
from .model import MigrateError, PlanError, Refused
from .operations import Operation, RemoveFile, SetAside, WriteFile
from .session import Session, group_dict
from .stages import recover
from .tree import Tree, sha


def roll_back(session: Session, to: int, *, hard: bool = False) -> str:
    """Undo every stage from `to` on; returns one line that says what was done.

    `hard` takes the commits off the branch instead of adding one; refused once a remote has any of them.
    """
    if not 1 <= to <= 6:
        raise PlanError(f"no stage {to}", where="--to", next_step="1 to 6")
    with session.journal.locked():
        interrupted = session.history.running
        if interrupted is not None and (interrupted.stage >= to or interrupted.rollback):
            recover(session, None)
        session.require_clean(deep=True)
        base = _base(session, to)
        head = session.repo.head()
        if base is None or base == head:
            session.journal.add("rollback", to=to)
            session.forget()
            if interrupted is not None:
                return f"the interrupted stage {interrupted.stage} is undone; the tree is as before stage {to}"
            return f"nothing to undo: no stage from {to} on has changed the tree"
        commits = session.repo.commits(base, head)
        ours = [c for c in commits if f"Migration-Plan: {session.plan.name}" in session.repo.message(c)]
        others = len(commits) - len(ours)
        if hard:
            return _hard(session, to, base, commits, others)
        if others:
            return _revert(session, to, base, ours)
        before, after = session.repo.tree(), session.repo.tree(base)
        groups = [Group(f"Roll {session.plan.name} back to before stage {to}", tuple(_difference(before, after)))]
        session.journal.save(session.journal.rollback_file, {"groups": [group_dict(g) for g in groups]})
        wanted = session.repo.tree_hash(base)

        def check() -> None:
            if session.repo.tree_hash() != wanted:
                raise MigrateError("the tree is not what it was", where="rollback", next_step="use 'rollback --hard'")

        session.executor.run(to, "", groups, check=check, event="rollback", rollback=True)
        _restore_caches(session)
        session.forget()
        return f"the tree is as before stage {to} again ({wanted[:12]}), by one new commit"


def _base(session: Session, to: int) -> str | None:
    """The commit before the first tree-changing stage from `to` on; from the journal, or else from the trailers."""
    records = [r for n, r in sorted(session.history.done.items()) if n >= to and n in (3, 4, 6)]
    records_bases = [r.base for r in records]
    slices = [str(s["base"]) for s in session.history.slices if to <= 4]
    candidates = [b for b in [*records_bases, *slices] if session.repo.is_ancestor(b)]
    if candidates:
        # The oldest one: every other is a descendant of it.
        return max(candidates, key=lambda b: len(session.repo.commits(b)))
    if session.reached < max(to, 3):
        return None
    commits = session.repo.find_commits(f"^Migration-Plan: {session.plan.name}$")
    first = next(
        (c for c in commits if any(f"Migration-Stage: {n}\n" in session.repo.message(c) + "\n" for n in range(to, 7))),
        None,
    )
    if first is None:
        raise Refused(
            "the commits of this migration are not in the branch's history",
            where=str(session.root),
            next_step="if they were squashed, revert that commit with git",
        )
    return session.repo.run("rev-parse", f"{first}~1")


def _difference(before: Tree, after: Tree) -> list[Operation]:
    """Operations that turn one tree into the other."""
    out: list[Operation] = []
    for path in before:
        if path not in after:
            out.append(RemoveFile(0, path, sha(before.read(path)), before.modes[path], "did not exist before"))
    for path, mode in after.modes.items():
        old = before.read(path) if path in before else None
        new = after.read(path)
        if old != new or before.modes[path] != mode:
            out.append(WriteFile(0, path, new, mode, "as before", None if old is None else sha(old)))
    return out


def _hard(session: Session, to: int, base: str, commits: list[str], others: int) -> str:
    if others:
        raise Refused(
            f"{others} commits by others lie between, which would be lost",
            where=str(session.root),
            next_step="roll back without --hard",
        )
    if any(session.repo.on_remote(c) for c in commits[:1]):
        raise Refused(
            "these commits are on a remote already", where=str(session.root), next_step="roll back without --hard"
        )
    session.repo.restore_files(base)
    session.repo.point_branch_at(base)
    _restore_caches(session)
    session.journal.add("rollback", to=to)
    session.forget()
    return f"the branch is at {base[:12]} again, as before stage {to}"


def _revert(session: Session, to: int, base: str, ours: list[str]) -> str:
    session.repo.revert(ours)
    message = f"Roll {session.plan.name} back to before stage {to}\n\nCommits made by others meanwhile are kept.\n\n"
    session.repo.commit(f"{message}Migration-Plan: {session.plan.name}\nMigration-Rollback: {to}\n")
    session.repo.finish_revert()
    _restore_caches(session)
    session.journal.add("rollback", to=to)
    session.forget()
    return f"the {len(ours)} commits from stage {to} on are reverted; what others committed since {base[:12]} stays"


def _restore_caches(session: Session) -> None:
    paths = session.history.aside
    if paths:
        SetAside(6, tuple(paths)).revert(session.executor.place(session.repo.head()))
