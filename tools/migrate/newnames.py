"""New names that the package above them binds already: `new = 1` in `pkg/__init__.py`, and `pkg.old` becomes `pkg.new`.

Owns: finding them before anything moves.  Must not know: references and edits.

Python keeps one attribute of that name on the package.  Whoever imports the module last puts it there, and whoever
binds the name last takes it away again, so neither `pkg.new` nor `from pkg import new` says which of the two it is.
"""

from __future__ import annotations

from .layout import Layout
from .model import Finding
from .resolve import Index

RULE = "name.taken"


def taken(layout: Layout, index: Index) -> list[Finding]:
    """One finding for each move whose new last name means something else in its new package."""
    found: list[Finding] = []
    if layout.moved:
        return found
    for move in layout.moves:
        parent, _, leaf = move.target.rpartition(".")
        package = next((m for m in sorted(index.packages) if (layout.new_module(m) or m) == parent), "")
        path = index.files.get(package)
        names = index.names(package).names if path else {}
        if path is None or leaf not in names or names[leaf] in (move.source, move.target):
            continue
        readings = (f"the module {move.target}", f"{leaf}, which {parent} binds itself")
        hint = "choose another 'to', or another name in the package first"
        found.append(Finding(path, 1, RULE, move.target, readings, hint, "error"))
    return found
