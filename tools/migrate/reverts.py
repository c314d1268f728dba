"""The tree of HEAD without some commits of a migration, worked out aside: checkout and index are not touched.

Owns what git's own revert cannot know: whether a stage went as a whole; what others have added to a folder that goes
back goes with it; and the list of commits that blame ignores is nothing to merge, as everybody appends to it.  Must not
know why commits go.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .journal import History
from .model import STAGE_NAMES, MigrateError, Refused
from .recovery import BLAME_FILE
from .repo import Repo
from .trailers import Mark, reverted
from .tree import REGULAR

_HASH = re.compile(rb"[0-9a-f]{40,64}")
_FOLLOW = ("-c", "merge.renames=true", "-c", "merge.directoryRenames=true")  # whatever the user's settings say


def without(repo: Repo, plan: str, commits: Sequence[str], base: str, scratch: Path, own: Collection[str] = ()) -> str:
    """The tree of HEAD with these commits of the plan (oldest first, begun on `base`) undone.

    `own` are files that are there for the migration alone, such as shims: one goes with the commit that made it, also
    where somebody has changed it since.  Raises Refused with the files that later commits changed on the same lines.
    """
    lists = [c for c in commits if repo.changed(f"{c}~1", c) == [BLAME_FILE]]
    tree = _reverted(repo, [c for c in commits if c not in lists], scratch, own)
    before, now = _stored(repo, base), _stored(repo, tree)
    if now is None:
        return tree
    listed = {c.encode() for c in commits}
    for commit in lists:  # after a rebase they name commits that are gone
        listed |= _lines(_stored(repo, commit)) - _lines(_stored(repo, f"{commit}~1"))
    left = _list_without(now, before, plan, listed)
    return tree if left == now else _with_list(repo, tree, left, scratch)


@dataclass(frozen=True, slots=True)
class Torn:
    """A stage of whose commits `git revert` has taken back some and not others; `by` whom, the newest first."""

    stage: int
    gone: tuple[str, ...]
    by: tuple[str, ...]
    left: tuple[str, ...]

    @property
    def says(self) -> str:
        return f"in part, by git revert: {_short(self.gone)} went, {_short(self.left)} did not"

    @property
    def way_back(self) -> str:
        return f"git revert {' '.join(c[:10] for c in self.by)}"


def torn(repo: Repo, made: Sequence[Mark], gone: Mapping[str, str], reached: int) -> Torn | None:
    """The lowest such stage, given what `trailers.reverted` says and the stage that the lock at HEAD says.

    The list for blame may go by itself.  What a later stage, or a second run, was built upon has been mended.
    """
    if not any(m.commit in gone for m in made):
        return None
    whole = [m for m in made if repo.changed(f"{m.commit}~1", m.commit) != [BLAME_FILE]]
    for stage in sorted({m.stage for m in whole}):
        if stage == 4 and reached < 4:
            continue  # slices, each of which is one by itself
        left = [m.commit for m in whole if m.stage == stage and m.commit not in gone]
        later = [m.commit for m in whole if m.stage >= stage and m.commit not in gone]
        lost = [m.commit for m in whole if m.stage == stage and m.commit in gone]
        lost = [c for c in lost if not any(repo.is_ancestor(gone[c], m) for m in later)]
        if lost and left:
            by = {gone[c] for c in lost}
            return Torn(
                stage, tuple(lost), tuple(c for c in reversed(dict.fromkeys(gone.values())) if c in by), tuple(left)
            )
    return None


def half_undone(repo: Repo, plan: str, history: History, reached: int) -> Torn | None:
    """The stage that is torn at HEAD, unless stage 5 has passed since: then somebody has mended it by hand."""
    checked = history.done.get(5)
    if (reached < 3 and 3 not in history.done) or (checked and checked.end == repo.head()):
        return None
    return torn(repo, *reverted(repo, plan), reached)


def require_whole(repo: Repo, plan: str, history: History, reached: int) -> None:
    """Raise Refused where a stage is torn that the lock takes for done."""
    if half := half_undone(repo, plan, history, reached):
        raise Refused(
            f"stage {half.stage} ({STAGE_NAMES[half.stage]}) was undone {half.says}",
            where=str(repo.root),
            next_step=f"'rollback --to {half.stage}' undoes the rest, '{half.way_back}' brings it back",
        )


def _short(commits: Sequence[str]) -> str:
    return ", ".join(c[:10] for c in commits)


def brought_something(repo: Repo, base: str, commits: Collection[str]) -> bool:
    """Whether one of these commits after `base` has another tree than all its parents.

    A merge that only joins what its parents have, such as one of the migration's own branch, brings nothing.
    """
    if not commits:
        return False
    lines = [line.split(" ") for line in repo.run("log", "--format=%H %T %P", f"{base}..HEAD").splitlines()]
    trees = {commit: tree for commit, tree, *_ in lines}
    parents = {commit: [p for p in above if p] for commit, _, *above in lines}
    for parent in {p for c in commits for p in parents[c]} - trees.keys():
        trees[parent] = repo.tree_hash(parent)
    return any(trees[c] not in [trees[p] for p in parents[c]] for c in commits)


def set_index(repo: Repo, tree: str) -> None:
    """Make the index that of a tree, as it is: an add of the files could turn line ends that git has kept so far."""
    fields = repo.run("diff-index", "--cached", "-z", "--raw", "--no-abbrev", "--no-renames", "-R", tree).split("\0")
    lines = []
    for meta, path in zip(fields[::2], fields[1::2], strict=False):
        _, mode, _, blob, _ = meta.split(" ")
        lines.append(f"{'0' if mode == '000000' else mode} {blob}\t{path}\0")
    repo.feed("".join(lines).encode("utf-8", "surrogateescape"), "update-index", "-z", "--index-info")


def _reverted(repo: Repo, commits: Sequence[str], scratch: Path, own: Collection[str]) -> str:
    place = scratch / "revert"
    _drop_worktree(repo, place)
    scratch.mkdir(parents=True, exist_ok=True)
    repo.run("worktree", "add", "-q", "--detach", str(place), "HEAD")
    try:
        for commit in reversed(commits):
            _revert(repo, place, commit, own)
        return repo.run("-C", str(place), "write-tree")
    finally:
        _drop_worktree(repo, place)


def _revert(repo: Repo, place: Path, commit: str, own: Collection[str]) -> None:
    try:
        repo.run(*_FOLLOW, "-C", str(place), "revert", "--no-commit", "--no-edit", commit)
    except MigrateError as error:
        out = repo.run("-C", str(place), "diff", "--name-only", "-z", "--diff-filter=U")
        files = [f for f in out.split("\0") if f]
        if not files:
            raise
        before = repo.blobs(f"{commit}~1")
        if any(f not in own or f in before for f in files):
            raise Refused(
                f"later commits changed the same lines of {', '.join(files[:5])}", where=str(repo.root),
                next_step="undo those commits first, or revert by hand",
            ) from error  # fmt: skip
        repo.run("-C", str(place), "rm", "-q", "-f", "--", *files)
        repo.run("-C", str(place), "revert", "--quit")


def _drop_worktree(repo: Repo, place: Path) -> None:
    """Take away that one; a general `prune` would forget other people's on a disk that is not mounted now."""
    try:
        repo.run("worktree", "remove", "--force", "--force", str(place))
    except MigrateError:
        shutil.rmtree(place, ignore_errors=True)  # none, or one that was cut off before git knew it


# the list of commits that blame ignores


def _stored(repo: Repo, revision: str) -> bytes | None:
    """The list as git stores it; None if there is none."""
    blob = repo.blobs(revision).get(BLAME_FILE)
    return None if blob is None else repo.read("cat-file", "blob", blob)


def _lines(text: bytes | None) -> set[bytes]:
    """The commits that the list names."""
    return {line.strip() for line in (text or b"").splitlines() if _HASH.fullmatch(line.strip())}


def _list_without(now: bytes, before: bytes | None, plan: str, hashes: set[bytes]) -> bytes | None:
    """The list without our lines; where nobody else has added any, it is just what it was before."""
    note = f"# {plan}, stage ".encode()
    kept: list[bytes] = []
    for line in now.splitlines(keepends=True):
        if line.strip() not in hashes:
            kept.append(line)
        elif kept and kept[-1].startswith(note):
            kept.pop()
    left = b"".join(kept)
    if before is None:
        return left or None
    return before if left == before + b"\n" else left


def _with_list(repo: Repo, tree: str, content: bytes | None, scratch: Path) -> str:
    index = scratch / "index-of-rollback"
    place = {"GIT_INDEX_FILE": str(index)}
    try:
        repo.run("read-tree", tree, **place)
        if content is None:
            repo.run("update-index", "--force-remove", "--", BLAME_FILE, **place)
        else:
            blob = repo.feed(content, "hash-object", "-w", "--stdin")[1].decode().strip()
            repo.run("update-index", "--add", "--cacheinfo", f"{REGULAR},{blob},{BLAME_FILE}", **place)
        return repo.run("write-tree", **place)
    finally:
        index.unlink(missing_ok=True)
