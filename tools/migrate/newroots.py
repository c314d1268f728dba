"""Moves to another source root under the same import name: `shop/` becomes `src/shop/`, and `import shop` stays.

No name changes, so nothing stands at the old place; what changes is paths, and the folder from which the package is
imported.  Owns which roots those are (`changes_of`) and what is refused because it could not be done right
(`check_roots`), and whether pytest has a root on its path by itself (`pytest_implies`).  Must not know how any file is
rewritten.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .model import Move, PlanError
from .plan import Plan
from .tree import Tree

# Where pytest looks for settings, in its order, and what a file must hold to be taken.
_SETTINGS = (
    ("pytest.toml", ""), (".pytest.toml", ""), ("pytest.ini", ""), (".pytest.ini", ""),
    ("pyproject.toml", r"^\[tool\.pytest(?:\.ini_options)?\]"), ("tox.ini", r"^\[pytest\]"),
    ("setup.cfg", r"^\[tool:pytest\]"),
)  # fmt: skip
_TEST = re.compile(r"(?:^|/)(?:test_[^/]*|[^/]*_test|conftest)\.py$")


@dataclass(frozen=True, slots=True)
class RootChange:
    """Packages that were imported from the folder `old` are imported from the folder `new` ("." is the checkout's)."""

    old: str
    new: str


def changes_of(moves: Iterable[Move]) -> tuple[RootChange, ...]:
    """The source roots that moves under the same name lead from and to, each pair once."""
    found = (RootChange(_root(m.path, m.source), _root(m.to_path, m.source)) for m in moves if m.keeps_name)
    return tuple(dict.fromkeys(found))


def check_roots(plan: Plan, tree: Tree, moves: Sequence[Move]) -> None:
    """Raise PlanError for a move to another source root that cannot be done, or not in this plan."""
    for move in moves:
        if not move.keeps_name:
            continue
        if (problem := _problem(plan, tree, move, moves)) is not None:
            raise PlanError(problem[0], where=plan.file, next_step=problem[1])


def pytest_settings(tree: Tree, folder: str) -> str | None:
    """The file in this folder from which pytest takes its settings; None if it has none."""
    lead = "" if folder == "." else f"{folder}/"
    for name, sign in _SETTINGS:
        text = tree.text(lead + name) if lead + name in tree else None
        if text is not None and re.search(sign, text.body, re.M):
            return lead + name
    return None


@lru_cache(maxsize=8)
def pytest_implies(plan: Plan, tree: Tree, root: str) -> bool:
    """Whether pytest has this folder on its path without being told: as the one it is started in, or that of tests."""
    if any(re.search(r"-m\s*pytest\b", command) for command in plan.gates.tests):
        return True
    settings = pytest_settings(tree, root)
    text = tree.text(settings) if settings else None
    if text is not None and re.search(r"import-mode[=\s]+importlib", text.body):
        return False
    return any(_first_folder(path, tree) == root for path in tree if _TEST.search(path))


def _first_folder(path: str, tree: Tree) -> str:
    """The folder that pytest puts on its path for a test file: the first above it that is no package."""
    folder = posixpath.dirname(path)
    while f"{folder}/__init__.py" in tree:
        folder = posixpath.dirname(folder)
    return folder or "."


def _problem(plan: Plan, tree: Tree, move: Move, moves: Sequence[Move]) -> tuple[str, str] | None:
    """(what is wrong with the move, what to do) or None."""
    name, path, to_path = move.source, move.path, move.to_path
    inner = name.replace(".", "/") + ("" if move.is_package else ".py")
    if plan.target is not None:
        what = f"{name} keeps its name, and [target] merges distributions"
        return what, "move it to its source root in a migration of its own"
    if not _ends(to_path, inner):
        return f"{to_path} is not imported as {name}", f'let to-path end in "{inner}"'
    if not _ends(path, inner):
        return f"{path} is not imported as {name} from any folder", "use git mv, and look at package-dir"
    if path == to_path:
        return f"{name} lies at {path} already", "choose another to-path"
    if f"{to_path}/".startswith(f"{path}/") or f"{path}/".startswith(f"{to_path}/"):
        what = f"of {path} and {to_path} one lies in the other, so a path in one could mean both"
        return what, "go there in two migrations, by way of a folder elsewhere"
    for other in moves:
        if other is not move and any(_touch(name, n) for n in (other.source, other.target)):
            what = f"{name} keeps its name in another source root, and {other.words} is a part of it, or holds it"
            return what, "do one of them first, in a migration of its own up to its cleanup"
    for place in (posixpath.dirname(path), posixpath.dirname(to_path)):
        if place and f"{place}/__init__.py" in tree:
            what = f"{place} is a package, and {name} cannot leave it for another folder, or come to it, under one name"
            return what, "move the whole package, or choose another name"
    return None


def _ends(path: str, inner: str) -> bool:
    return path == inner or path.endswith(f"/{inner}")


def _touch(name: str, other: str) -> bool:
    return f"{name}.".startswith(f"{other}.") or f"{other}.".startswith(f"{name}.")


def _root(path: str, module: str) -> str:
    inner, base = module.replace(".", "/"), path.removesuffix(".py")
    return (base[: -len(inner)].rstrip("/") or ".") if _ends(base, inner) else posixpath.dirname(base) or "."
