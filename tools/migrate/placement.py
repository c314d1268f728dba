"""Which files the move adds: shims at the old names, and `__init__.py` in new folders.

Owns where they stand and what a shim's finder has to know of other moves; their text is the business of `shims`.
"""

from __future__ import annotations

from .layout import Layout
from .lock import LockedShim, read
from .plan import LOCK_FILE
from .resolve import Index
from .stubs import TYPED, stubs_of, typed_marker
from .tree import Tree


def shims_of(layout: Layout, index: Index, tree: Tree) -> tuple[LockedShim, ...]:
    """One shim for each move; a move inside a moved package is served by that package's shim.

    Where the move also leaves its import root (`libs/types` for the root), a second copy stands below the new one, so
    that the old name can be imported from either: the old root goes with the move, its users may not know.  The stubs
    are those of the modules that move now; after the move, those that `tree` holds according to its lock.
    """
    policy, out = layout.plan.shims, []
    known = layout.moved and LOCK_FILE in tree
    lock = read(tree.read(LOCK_FILE).decode("utf-8", "replace"), LOCK_FILE) if known else None
    for move in layout.moves:
        if any(o.is_package and move.source.startswith(o.source + ".") for o in layout.moves):
            continue
        inner = move.source.replace(".", "/")
        root = layout.plan.target.import_root if layout.plan.target else None
        places = [move.path.removesuffix(".py")]
        if root is not None and not any(p.startswith(inner + "/") or p == f"{inner}.py" for p in layout.tree):
            places.append(inner if root == "." else f"{root}/{inner}")
        for place in dict.fromkeys(places):
            path = f"{place}/__init__.py" if move.is_package else f"{place}.py"
            held = next((shim for shim in lock.shims if shim.path == path), None) if lock else None
            stubs = [s for s in held.stubs if s in tree] if held else []
            if lock is None and move.is_package:
                stubs = [*stubs_of(layout, index, move, place)]
                stubs += [f"{place}/{TYPED}"] if typed_marker(layout, move) is not None else []
            out.append(
                LockedShim(
                    path, move.source, move.target, policy.owner, policy.remove_by, policy.remove_in,
                    stubs=tuple(sorted(stubs)), attributes_in=held.attributes_in if held else (),
                )
            )  # fmt: skip
    return tuple(sorted(out, key=lambda s: s.path))


def routes_of(layout: Layout, source: str) -> dict[str, str]:
    """Names below `source` that do not simply follow it: other moves out of it, and new names inside it."""
    routes = {m.source: m.target for m in layout.moves if m.source.startswith(source + ".")}
    routes.update({m.target: m.target for m in layout.moves if m.target.startswith(source + ".")})
    return routes


def new_packages(layout: Layout, after: Tree) -> list[str]:
    """`__init__.py` files that new folders between a package and the moved code need.

    Below a regular package the new folders are made regular as well, because many build tools do not ship namespace
    packages; at the top level they stay namespaces, which several distributions can share.
    """
    out: set[str] = set()
    for move in layout.moves:
        parts = move.target.split(".")[:-1]
        inner = move.to_path.removesuffix(".py").split("/")
        root = inner[: len(inner) - len(parts) - 1]
        regular = False
        for count in range(1, len(parts) + 1):
            folder = "/".join([*root, *parts[:count]])
            if "/".join(inner[: len(root) + count]) != folder:
                break
            if f"{folder}/__init__.py" in after or f"{folder}/__init__.py" in out:
                regular = True
            elif regular and folder not in layout.tree.dirs:
                out.add(f"{folder}/__init__.py")
    return sorted(out)
