"""Parts of stage 4: which files `--only` means, what of the stage is left, and whose it is.

Owns the reading of `--only` (a folder or file, an owner in CODEOWNERS, a member by the name of its distribution) and
the question what earlier slices have done already.  Must not know how a slice is carried out.
"""

from __future__ import annotations

import difflib
import os
import posixpath
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .executor import Group
from .model import PlanError
from .operations import EditFile, Operation, WriteFile
from .owners import Members, Owners
from .saved import SavedPlan
from .session import Session
from .tree import Tree, sha
from .workplace import read

Chosen = Callable[[str], bool]


def chosen(tree: Tree, only: Sequence[str]) -> Chosen:
    """Whether a path is meant by one of these words.  Raises PlanError for one that means nothing."""
    tests = [_meaning(tree, word) for word in only]
    return lambda path: any(test(path) for test in tests)


def from_here(root: Path, word: str) -> str:
    """A path that somebody gives from the folder that he is in, or from the top of the disk, as the tree has it."""
    if os.path.isabs(word) or word.split("/")[0] in (".", ".."):
        place = Path(os.path.abspath(word))
        for start in (root, root.resolve()):
            if place.is_relative_to(start):
                return place.relative_to(start).as_posix()
    return word


def _meaning(tree: Tree, word: str) -> Chosen:
    if not word.strip():
        raise PlanError("an empty word means nothing", where="--only", next_step="leave --only out for everything")
    place = posixpath.normpath(word)
    if tree.exists(place):
        return lambda path: place == "." or path == place or path.startswith(place + "/")
    owners = Owners.of(tree)
    if "@" in word:
        known = owners.names()
        if word.lower() in (name.lower() for name in known):
            return lambda path: owners.is_of(path, word)
        what = f"nobody is called {word!r} in CODEOWNERS" if owners else f"no CODEOWNERS, so nothing is {word!r}'s"
        raise PlanError(what, where="--only", next_step=_nearest(word, known, "name an owner that it has"))
    members = Members.of(tree)
    if (member := members.named(word)) is not None:
        return lambda path: members.of_path(path) == member
    near = [*tree.dirs, *tree, *members.names(), *owners.names()]
    raise PlanError(
        f"nothing tracked is called {word!r}",
        where="--only",
        next_step=_nearest(place, near, "name a folder or file of the checkout, a member, or an owner in CODEOWNERS"),
    )


def _nearest(word: str, known: Sequence[str], otherwise: str) -> str:
    near = difflib.get_close_matches(word, known, 1)
    return f"did you mean {near[0]!r}?" if near else otherwise


def pick(groups: Sequence[Group], wanted: Chosen) -> tuple[Operation, ...]:
    """The operations of these files.  What records the stage as a whole is for its end."""
    return tuple(o for g in groups for o in g.operations if any(map(wanted, o.touches())) and not _is_record(o))


def _is_record(operation: Operation) -> bool:
    """The lock, and shims that stop waiting for callers: they are for the whole stage, not for a slice."""
    return isinstance(operation, WriteFile) and operation.why != "manifest"


def without_done(session: Session, groups: Sequence[Group]) -> list[Group]:
    """The groups without what earlier slices have done."""

    def is_left(operation: Operation) -> bool:
        if not isinstance(operation, EditFile | WriteFile):
            return True
        place = session.root / operation.path
        if not place.exists():
            return True
        data = read(place)
        if isinstance(operation, EditFile):
            return sha(data) != operation.after
        return data != operation.content

    return [replace(g, operations=tuple(o for o in g.operations if is_left(o))) for g in groups]


def left(session: Session, saved: SavedPlan) -> dict[str, Any]:
    """What of stage 4 is still to be done, by the owner in CODEOWNERS and by member: files, and places in them."""
    places: dict[str, int] = {}
    document = saved.document
    for path, edits in document["edits"].items():
        new = document["new_paths"].get(path, path)
        places[new] = sum(1 for e in edits if e[5] == 4) or 1
    paths = [p for o in pick(without_done(session, saved.groups[4]), lambda _: True) for p in o.touches()]
    owners, members = Owners.of(session.tree), Members.of(session.tree)
    of_owner: dict[str, list[str]] = {}
    of_member: dict[str, list[str]] = {}
    for path in paths:
        for owner in owners.of_path(path) or ("",):
            of_owner.setdefault(owner, []).append(path)
        of_member.setdefault(members.of_path(path), []).append(path)

    def row(key: str, name: str, of_name: Sequence[str]) -> dict[str, Any]:
        return {key: name, "files": len(of_name), "places": sum(places.get(p, 1) for p in of_name)}

    return {
        "files": len(paths),
        "places": sum(places.get(p, 1) for p in paths),
        "owners": [row("owner", n, of_owner[n]) for n in sorted(of_owner)] if owners else [],
        "members": [row("member", n, of_member[n]) for n in sorted(of_member)],
    }
