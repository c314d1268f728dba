"""Import roots that only old names need: `libs/types`, where `money` becomes `libs.types.cash` and nothing else lies.

The root of the new names is there from stage 3 on: what still asks for an old name is led to a new one.  The old root
stays as long as an old name may be found below it alone.  That is until cleanup, or, where a second copy of the shim
stands below the new root (ADR 7), until everybody is integrated: beside the new packages it gives each module a second
name, which type checkers refuse.  Owns which roots those are, and when they come and go.  Must not know how any file
is rewritten.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from .layout import Layout
from .model import Move
from .plan import LOCK_FILE

_NOT_IMPORTED = {"tests", "test", "docs", "doc", "examples", "scripts", "benchmarks", "setup.py", "conftest.py"}


@dataclass(frozen=True, slots=True)
class OldRoot:
    """`new` is the root of the new names; it comes after stage `first`, and this one goes after stage `last`."""

    old: str
    new: str
    first: int
    last: int


@lru_cache(maxsize=8)
def old_roots(layout: Layout) -> tuple[OldRoot, ...]:
    """Import roots below which no module stays that is imported from there."""
    out = []
    kept = {change.old for change in layout.new_roots}  # of what keeps its name: see `newroots`
    for root in layout.roots:
        moves = [m for m in layout.moves if m.path.startswith(root + "/")]
        new_roots = {_root_of(m.to_path, m.target) for m in moves}
        if root in (".", *kept) or not moves or len(new_roots) != 1 or root in new_roots:
            continue
        new = new_roots.pop()
        if new is not None and not any(stays_in(layout, root, path) for path in layout.tree.under(root)):
            out.append(OldRoot(root, new, *_when(layout, moves)))
    return tuple(out)


def stays_in(layout: Layout, root: str, path: str) -> bool:
    """Whether a file below a root is a module that is imported from there, and does not move."""
    if not path.endswith((".py", ".pyi")) or path[len(root) + 1 :].split("/")[0] in _NOT_IMPORTED:
        return False
    if layout.moved:
        places = [p for m in layout.moves for p in (m.path, m.to_path)]
        return not any(path == p or path.startswith(p + "/") for p in places)
    return layout.new_path(path) == path


def served_elsewhere(layout: Layout, moves: Sequence[Move]) -> bool:
    """Whether these old names can be imported from the new root as well, by the second copy of the shim."""
    plan, tree = layout.plan, layout.tree
    if not plan.shims.enabled:
        return False
    if layout.moved:  # the lock says which copies there are
        lock = _lock(layout)
        places = [(_root_of(m.to_path, m.target), m.source) for m in moves]
        copies = [_below(root, name) if root is not None else "" for root, name in places]
        return all(c and re.search(rf'"{re.escape(c)}(?:\.py|/__init__\.py)"', lock) for c in copies)
    if plan.target is None:
        return False
    copies = [_below(plan.target.import_root, m.source) for m in moves]
    return not any(tree.exists(c) or f"{c}.py" in tree for c in copies)


def _when(layout: Layout, moves: Sequence[Move]) -> tuple[int, int]:
    """(the stage that adds the new root, the stage that drops the old one)"""
    lock = _lock(layout) if layout.moved else ""
    cleaned = re.search(r"^stage = 6$", lock, re.M) is not None
    if cleaned or not layout.plan.shims.enabled:
        return 4, 4
    return 4 if layout.moved else 3, 4 if served_elsewhere(layout, moves) else 6


def _lock(layout: Layout) -> str:
    text = layout.tree.text(LOCK_FILE) if LOCK_FILE in layout.tree else None
    return text.body if text else ""


def _below(root: str, module: str) -> str:
    inner = module.replace(".", "/")
    return inner if root == "." else f"{root}/{inner}"


def _root_of(path: str, module: str) -> str | None:
    inner, path = module.replace(".", "/"), path.removesuffix(".py")
    return "." if path == inner else path[: -len(inner) - 1] if path.endswith("/" + inner) else None
