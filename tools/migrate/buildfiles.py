"""Which build scripts go along to the target: a setup.py that compiles what moves, and the MANIFEST.in beside it.

Owns the map from their old paths to their new ones.  Must not know how their text changes; that is `manifests`.

Where a pyproject.toml declares a distribution, a setup.py beside it says only what a table cannot: how an extension
is compiled, and from which files.  Those files move, so the script moves as well, to the folder of the target's
manifest; what is left of the old distribution ships a shim and compiles nothing.  The script stays if the target has
one of its own, if two would take the same place, if it declares a distribution itself, or if code stays behind that
it may be needed for.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterable, Sequence

from .model import Move
from .plan import Plan
from .tree import Tree

SCRIPTS = ("setup.py", "MANIFEST.in")
_NOT_SHIPPED = {"tests", "test", "docs", "doc", "examples", "benchmarks", "scripts", "tools"}
_DECLARES = re.compile(r"\bname\s*=")


def build_scripts(plan: Plan, tree: Tree, moves: Sequence[Move]) -> dict[str, str]:
    """Old path -> new path of every build script that goes along, for a tree from before the move."""
    if plan.target is None:
        return {}
    place = "" if plan.target.path == "." else f"{plan.target.path}/"
    folders: dict[str, list[Move]] = {}
    for move in moves:
        home = _home(tree, move)
        if home is not None and home != plan.target.path:
            folders.setdefault(home, []).append(move)
    out: dict[str, str] = {}
    for folder, own in sorted(folders.items()):
        script = f"{folder}/setup.py"
        if script not in tree or _declares(tree, script) or not _all_moves(tree, folder, own):
            continue
        out.update({p: place + n for n in SCRIPTS if (p := f"{folder}/{n}") in tree})
    taken = [*out.values()]
    return {} if len(set(taken)) < len(taken) or any(new in tree for new in taken) else out


def _home(tree: Tree, move: Move) -> str | None:
    """The folder, at or above the move's, whose pyproject.toml declares the distribution that the plan names."""
    folder = move.path if move.is_package else posixpath.dirname(move.path)
    while move.distribution and folder:
        text = tree.text(f"{folder}/pyproject.toml") if f"{folder}/pyproject.toml" in tree else None
        if text is not None:
            try:
                name = tomllib.loads(text.body).get("project", {}).get("name")
            except (tomllib.TOMLDecodeError, AttributeError):
                return None
            return folder if isinstance(name, str) and _normal(name) == _normal(move.distribution) else None
        folder = posixpath.dirname(folder)
    return None


def _declares(tree: Tree, script: str) -> bool:
    """Whether the script names a distribution, or might: the call of `setup` has a name, or cannot be looked into."""
    text = tree.text(script)
    if text is None:
        return True
    call = text.body.rpartition("setup(")[2]
    return bool(_DECLARES.search(call)) or "**" in call


def _all_moves(tree: Tree, folder: str, moves: Iterable[Move]) -> bool:
    """Whether no code that the distribution may ship stays in its folder."""
    places = [m.path for m in moves]
    for path in tree.under(folder):
        inner = path[len(folder) + 1 :].split("/")
        if not path.endswith(".py") or inner[-1] in ("setup.py", "conftest.py") or _NOT_SHIPPED & set(inner[:-1]):
            continue
        if not any(path == p or path.startswith(p + "/") for p in places):
            return False
    return True


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
