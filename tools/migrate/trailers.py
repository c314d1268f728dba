"""The trailers of the tool's commits: how they are written, and which commits of a migration still stand.

Owns the four words (`Migration-Plan`, `-Stage`, `-Hash`, `-Rollback`) and what follows from them.  The commits are the
only memory that every clone shares, so whoever asks "where did stage 3 begin" asks here, not the journal.  Must not
know what a stage does.

A stage commit stands until a later commit of the same plan says that it rolled back to that stage or an earlier one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .model import MigrateError
from .repo import Repo

_REVERTED = re.compile(r"^This reverts commit ([0-9a-f]{40,64})", re.MULTILINE)
_LINE = re.compile(r"^Migration-(Plan|Stage|Rollback): (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mark:
    """One commit of a migration: of a stage, or (`rollback`) one that took back every stage from there on.

    `lowest` is another stage where several were squashed into one commit whose message holds all of theirs.
    """

    commit: str
    stage: int = 0
    rollback: int = 0
    lowest: int = 0


def render(plan: str, plan_hash: str, *, stage: int = 0, rollback: int = 0, bisect: str = "") -> str:
    lines = [f"Migration-Plan: {plan}"]
    if rollback:
        lines.append(f"Migration-Rollback: {rollback}")
    else:
        lines += [f"Migration-Stage: {stage}", f"Migration-Hash: {plan_hash}"]
    if bisect:
        lines.append(f"Migration-Bisect: skip, {bisect}")
    return "\n".join(lines) + "\n"


def parse(commit: str, message: str, plan: str) -> Mark | None:
    """The mark of a commit with this message; None if it is not one of `plan`."""
    of, stages, back = "", list[int](), list[int]()
    for key, value in _LINE.findall(message):
        if key == "Plan":
            of = value.strip()
        elif of == plan and value.strip().isdigit():
            number = int(value)
            if key == "Stage":
                stages.append(number)
            else:
                stages = [n for n in stages if n < number]
                back.append(number)
    if stages:
        return Mark(commit, max(stages), lowest=min(stages))
    return Mark(commit, rollback=min(back)) if back else None


def marks(repo: Repo, plan: str, since: str = "", tips: Sequence[str] = ("HEAD",)) -> list[Mark]:
    """Every commit of the migration in HEAD's history (after `since`), oldest first, on merged branches as well."""
    found = (parse(c, m, plan) for c, m in repo.messages(f"Migration-Plan: {plan}", since, tips))
    return [mark for mark in found if mark]


def standing(repo: Repo, plan: str) -> list[Mark]:
    """The stage commits in HEAD's history that no later rollback and no `git revert` has taken back, oldest first."""
    made, gone = reverted(repo, plan)
    return [m for m in made if m.commit not in gone]


def reverted(repo: Repo, plan: str) -> tuple[list[Mark], dict[str, str]]:
    """The stage commits that no later rollback has taken back, oldest first; and what `git revert` took -> by whom."""
    out: list[Mark] = []
    undone: dict[str, set[str]] = {}  # by the commit that did it, which may be reverted itself
    for commit, message in repo.messages(f"Migration-Plan: {plan}", also=["This reverts commit "]):
        mark = parse(commit, message, plan)
        if mark is None:
            for target in _REVERTED.findall(message) if out else ():  # before the first of ours nothing of it can be
                if undone.pop(target, None) is None:
                    undone[commit] = _brought_by(repo, target)
        elif mark.rollback:
            out = [m for m in out if m.stage < mark.rollback]
        else:
            out.append(mark)
    return out, {commit: by for by, brought in undone.items() for commit in brought}


def _brought_by(repo: Repo, commit: str) -> set[str]:
    """The commits that went with one: itself, and where it is a merge those that it brought."""
    try:
        return set(repo.run("rev-list", f"{commit}^1..{commit}").split())
    except MigrateError:
        return {commit}  # it is not here, as after a rebase
