"""Circular imports that a move makes: a module leaves a package that needs it, and is then imported before the package.

Owns: comparing what loads first before and after the move.  Must not know: how loading is followed (`loading`).

`import pkg.http` runs `pkg/__init__.py` first, and only then the module.  When it has become `net.http`, it is the
module that runs first; where it takes something out of `pkg`, the package is loaded in the middle of it, and finds half
a module where its own `from net.http import Client` looks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from .layout import Layout
from .model import Finding, Move
from .resolve import Index
from .syntax import parse
from .tree import Tree

if TYPE_CHECKING:
    from .loading import Circle, Modules, Source

RULE = "import.circle"


def circles(layout: Layout, index: Index, after: Tree, edited: Collection[str]) -> list[Finding]:
    """One finding for each import that is in a circle after the move, and was in none.

    `after` is the tree by then, and `edited` are the paths of today's files that have another text in it.
    """
    moving = {} if layout.moved else dict(_leaving(layout, index))
    if not moving:
        return []
    from .loading import Circle, Modules  # most plans move whole packages, and are done here

    names = {layout.new_module(m) or m: m for m in index.files}
    parents = {".".join(n.split(".")[:size]) for n in names for size in range(1, n.count(".") + 1)}

    def moved(name: str) -> Source | None:
        path = index.files.get(names.get(name, ""))
        return _source(after, name, layout.new_path(path) if path else None, parents)

    def is_same(name: str) -> bool:
        return names.get(name) == name and index.files[name] not in edited

    before = Modules(lambda name: _source(layout.tree, name, index.files.get(name), index.packages))
    found: dict[Circle, list[str]] = {}
    for module, circle in _circling(sorted(moving), layout, Modules(moved, before, is_same)):
        if not isinstance(before.loaded(module), Circle):
            found.setdefault(circle, []).append(module)
    return [
        _told(
            circle, [layout.new_module(m) or m for m in modules], moving[modules[0]], index.files[names[circle.holder]]
        )
        for circle, modules in found.items()
    ]


def _leaving(layout: Layout, index: Index) -> Iterator[tuple[str, Move]]:
    """Modules that leave a package which stays where it is and imports something, each with its move."""
    for move in layout.moves:
        above = move.source.split(".")[:-1]
        parents = [".".join(above[:size]) for size in range(1, len(above) + 1)]
        left = [p for p in parents if p in index.files and not f"{move.target}.".startswith(f"{p}.")]
        staying = [p for p in left if layout.new_module(p) is None]
        if any(b"import" in layout.tree.read(index.files[p]) for p in staying):
            yield from ((m, move) for m in index.files if m == move.source or m.startswith(move.source + "."))


def _circling(modules: Iterable[str], layout: Layout, now: Modules) -> Iterator[tuple[str, Circle]]:
    """Those that cannot be the first import.  Parents come first: a module is loaded after them, and often by them."""
    from .loading import Circle

    seen: dict[str, Circle | Collection[str]] = {}
    for module in modules:
        new, above = layout.new_module(module) or module, seen.get(module.rpartition(".")[0], ())
        is_settled = isinstance(above, Circle) or new in above
        outcome = seen[module] = above if is_settled else now.loaded(new)
        if isinstance(outcome, Circle):
            yield module, outcome


def _source(tree: Tree, name: str, path: str | None, packages: set[str]) -> Source | None:
    from .loading import Source

    if path is None or not path.endswith(".py") or path not in tree:
        return Source() if path is None and name in packages else None
    text = tree.text(path)
    parsed = parse(text.body) if text else None
    is_package = path.endswith("__init__.py")
    return Source(tuple(parsed.body) if parsed else (), name if is_package else name.rpartition(".")[0])


def _told(circle: Circle, modules: list[str], move: Move, path: str) -> Finding:
    """`modules` are those whose import ends here, by their new names; `path` has the import that finds nothing yet."""
    which = f"{modules[0]}, like {len(modules) - 1} others," if modules[1:] else modules[0]
    lack = f"imported first, {which} leads here before {circle.module} has bound {circle.name}"
    above, left = move.target.rpartition(".")[0], move.source.partition(".")[0]
    hint = f"import {circle.name} where it is used"
    hint += f", or let {above} import {left} first, as the old name did" if above else ""
    readings = (lack, "something else is always imported before")
    return Finding(path, circle.line, RULE, f"{circle.module}.{circle.name}", readings, hint, "warning")


__all__ = ["RULE", "circles"]
