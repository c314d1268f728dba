"""Whether a checkout can take the operations of a stage: looked at before the first one, so a refusal touches nothing.

Owns what may stand in their way: a merge under way, untracked files, links in place of folders, names that differ by
case only, folders that may not be written, filters of git that cannot be run.  Must not know what the operations are
for.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from .executor import Group
from .gitsettings import flag, missing_filter, not_normal
from .model import Refused
from .operations import MoveFiles, Operation, WriteFile
from .recovery import BLAME_FILE
from .repo import Repo
from .tree import LINK, Tree

_PATIENCE = 1.0  # seconds; editors look at the state of a checkout now and then


def unfinished(repo: Repo) -> str:
    """The name of a merge, rebase or the like that is under way; "" if there is none."""
    for name, what in {
        "MERGE_HEAD": "merge",
        "rebase-merge": "rebase",
        "rebase-apply": "rebase",
        "CHERRY_PICK_HEAD": "cherry-pick",
        "REVERT_HEAD": "revert",
        "BISECT_LOG": "bisect",
    }.items():
        if (repo.git_dir / name).exists():
            return what
    return ""


def require_idle(repo: Repo) -> None:
    """Raise Refused while another git holds the index: a commit whose message is being written, say."""
    lock, end = repo.git_dir / "index.lock", time.monotonic() + _PATIENCE
    while lock.exists():
        if time.monotonic() > end:
            raise Refused(
                "another git is at work in this checkout",
                where=str(lock),
                next_step="wait for it to end; if none runs any more, delete that file",
            )
        time.sleep(0.05)


def require_fit(repo: Repo, tree: Tree, groups: Sequence[Group]) -> None:
    """Raise Refused if one of these operations could not be carried out on this checkout."""
    created = [p for g in groups for o in g.operations for p in _created(o)]
    touched = {p for g in groups for o in g.operations for p in o.touches()}
    if any(g.rewrites for g in groups):
        created.append(BLAME_FILE)
        touched.add(BLAME_FILE)
    if flag(repo, "core.ignorecase"):
        _require_own_names(repo.root, tree, created)
    _require_free(repo.root, tree, created)
    _require_writable(repo, touched)
    known = sorted(p for p in touched if p in tree)
    _require_filters(repo, known)
    _require_normal(repo, tree, known)


def require_links(repo: Repo, tree: Tree) -> None:
    """Raise Refused where git writes links as files: what they lead to could not be kept right."""
    links = [p for p, mode in tree.modes.items() if mode == LINK]
    if links and not flag(repo, "core.symlinks", default=True):
        raise Refused(
            f"{len(links)} tracked links are checked out as files, such as {links[0]}",
            where=str(repo.root),
            next_step="use a checkout with links ('git config core.symlinks true', then check them out again)",
        )


def _created(operation: Operation) -> list[str]:
    if isinstance(operation, MoveFiles):
        return [new for _, new in operation.pairs]
    if isinstance(operation, WriteFile) and operation.before is None:
        return [operation.path]
    return []


def _above(path: str) -> list[str]:
    return [p.as_posix() for p in PurePosixPath(path).parents][:-1]


def _require_free(root: Path, tree: Tree, created: Iterable[str]) -> None:
    """Nothing untracked lies where a file goes, and its folder is one of this checkout."""
    found: set[str] = set()
    links: set[str] = set()
    for path in created:
        above = _above(path)
        links.update(a for a in above if (root / a).is_symlink() and a not in tree)
        if path in tree:
            continue
        if os.path.lexists(root / path):
            found.add(path)
        else:
            blocked = (a for a in above if os.path.lexists(root / a) and not (root / a).is_dir())
            found.update(a for a in blocked if a not in tree)
    if links:
        raise Refused(
            f"{min(links)} is a link to {os.readlink(root / min(links))}, so what goes below it would leave the tree",
            where=str(root),
            next_step="replace the link by a folder",
        )
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise Refused(
            f"an untracked file is in the way: {min(found)}{more}",
            where=str(root),
            next_step="move it away, or commit it",
        )


def _require_own_names(root: Path, tree: Tree, created: Iterable[str]) -> None:
    """Where the file system takes `A` for `a`, no new file may have the name of another one but for case."""
    taken: dict[str, set[str]] = {}
    for place in (*tree, *tree.dirs):
        taken.setdefault(place.lower(), set()).add(place)
    for path in created:
        for place in (path, *_above(path)):
            names = taken.setdefault(place.lower(), set())
            names.add(place)
            if len(names) > 1:
                raise Refused(
                    f"{' and '.join(sorted(names))} differ by case only, and are one here (core.ignorecase)",
                    where=str(root),
                    next_step="choose another name",
                )


def _require_writable(repo: Repo, touched: Iterable[str]) -> None:
    """Every folder in which files come and go may be written; a file itself need not be, it is replaced."""
    effective = os.access in os.supports_effective_ids
    folders = {(repo.root / path).parent for path in touched} | {repo.git_dir}
    checked: set[Path] = set()
    for folder in sorted(folders):
        while not folder.is_dir() and folder != repo.root:
            folder = folder.parent
        if folder in checked:
            continue
        checked.add(folder)
        if not os.access(folder, os.W_OK | os.X_OK, effective_ids=effective):
            shown = folder.relative_to(repo.root).as_posix() if folder.is_relative_to(repo.root) else str(folder)
            raise Refused(
                f"the folder {shown} may not be written",
                where=str(repo.root),
                next_step="give yourself the right to ('chmod u+w'), then run the same command again",
            )


def _require_filters(repo: Repo, paths: Sequence[str]) -> None:
    """What git has to run to add these files (git-lfs, say) is there."""
    if missing := missing_filter(repo, paths):
        path, name, command = missing
        raise Refused(
            f"{path} goes through the filter {name!r}, and {command} cannot be started",
            where=str(repo.root),
            next_step="install it",
        )


def _require_normal(repo: Repo, tree: Tree, paths: Sequence[str]) -> None:
    """git stores the line ends of these files as .gitattributes says; else it would turn them as soon as it can."""
    if not any(b"text" in tree.read(p) or b"eol" in tree.read(p) for p in tree if p.endswith(".gitattributes")):
        return
    if found := not_normal(repo, paths):
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise Refused(
            f"{found[0]}{more} is in git with other line ends than .gitattributes asks for",
            where=str(repo.root),
            next_step="run 'git add --renormalize .' and commit that first",
        )
