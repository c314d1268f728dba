"""What has changed since an audit or a saved plan was made: named, so that a person knows what to look at again.

Owns the words, and the question which tree each commit has.  Whether something is stale is decided in `session`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from . import __version__
from .lock import Lock, read
from .model import PlanError, Refused
from .plan import LOCK_FILE, Plan
from .repo import Repo
from .trailers import standing
from .tree import Tree

_SHOWN = 5


def changes(
    repo: Repo, commit: str, *, plan_changed: bool, plan_file: str, inputs: Mapping[str, str], tool: str
) -> str:
    """One phrase: the plan file, the tool, and the files that differ between `commit` and HEAD, planned ones first."""
    said = []
    if plan_changed:
        said.append(f"{plan_file} changed")
    if tool and tool != __version__:
        said.append(f"it was made by version {tool} of the tool")
    head = repo.head()
    if commit != head and not repo.has(commit):
        said.append(f"HEAD is {head[:10]}, and commit {commit[:10]} is gone")
    elif commit != head and (paths := [p for p in repo.changed(commit, head) if p != plan_file or not plan_changed]):
        paths.sort(key=lambda p: (p not in inputs, p))
        more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
        planned = sum(p in inputs for p in paths)
        what = f", {planned} of them planned" if planned and planned < len(paths) else ""
        listed = ", ".join(paths[:_SHOWN]) + more
        said.append(f"HEAD is {head[:10]}, was {commit[:10]}, which changed {listed}{what}")
    return "; ".join(said)


def require_moves_as_done(plan: Plan, lock: Lock) -> None:
    """Raise PlanError if the plan file says other moves than stage 3 has carried out: nothing would move them now."""
    now, done = {m.source: m.target for m in plan.moves}, {m.old: m.new for m in lock.moves if not m.plan}
    said = [f"{old} to {new} is new" for old, new in now.items() if old not in done]
    said += [f"{old} to {new} is gone" for old, new in done.items() if old not in now]
    said += [f"{old} went to {done[old]}, not to {new}" for old, new in now.items() if done.get(old, new) != new]
    if said:
        raise PlanError(
            f"the plan was changed after its files had moved: {'; '.join(said)}",
            where=plan.file,
            next_step="make its moves as they were ('rollback --to 3' first, or plan a migration of its own)",
        )


def successor(repo: Repo, tree: Tree, plan: str) -> str:
    """The later migration that stands on the commits of this one, and whose lock is at HEAD; "" if there is none."""
    lock = read(tree.read(LOCK_FILE).decode("utf-8", "replace"), LOCK_FILE) if LOCK_FILE in tree else None
    if lock is None or lock.plan == plan:
        return ""
    ours, theirs = standing(repo, plan), standing(repo, lock.plan)
    return lock.plan if ours and theirs and repo.is_ancestor(ours[-1].commit, theirs[-1].commit) else ""


def require_no_successor(repo: Repo, tree: Tree, plan: str) -> None:
    """Raise Refused if a later migration has taken over."""
    if later := successor(repo, tree, plan):
        raise Refused(
            f"the migration {later!r} has begun since, and stands on the commits of {plan!r}",
            where=str(repo.root),
            next_step="go on with the plan of that one, or roll it back first, with its '--plan'",
        )


def tree_hashes(repo: Repo, revisions: Iterable[str]) -> dict[str, str]:
    """The tree of HEAD and of each of these commits, as far as they are here; that of HEAD by its own name, too."""
    asked = ["HEAD^{commit}", "HEAD^{tree}", *(f"{r}^{{tree}}" for r in dict.fromkeys(revisions))]
    data = b"".join(os.fsencode(f"{a}\n") for a in asked)
    _, out = repo.feed(data, "cat-file", "--batch-check=%(objectname) %(objecttype)")
    said = [line.split(" ") for line in os.fsdecode(out).splitlines()]
    found = {a[:-7]: words[0] for a, words in zip(asked, said, strict=True) if words[1:] == ["tree"]}
    return found | ({said[0][0]: found["HEAD"]} if "HEAD" in found else {})
