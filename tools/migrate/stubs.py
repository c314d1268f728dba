"""What type checkers read at an old name: a stub for each moved module below a package's shim.

Owns: which stubs there are, and their text.  Must not know: what a shim does when it runs.  Nothing imports a stub.

Checkers follow files, not finders, so `import old.part` needs a file at `old/part`.  A `.pyi` beside the shim is one
that Python never loads.  It re-exports the new module: `*`, and by name what a star leaves out although importers can
have it (private names, those that `__all__` does not list, a module's `__getattr__`).  A `py.typed` that moves with its
package is written again at the old place, or installed distributions would lose their types under the old name.

A stub carries the mark line of a shim and is named in `migration.lock`, with the shim that it belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence

from .layout import Layout
from .model import Move
from .resolve import Index, ModuleNames
from .shims import goes_phrase, mark_line, reexports

_HEAD = "# ruff: noqa\n# flake8: noqa\n# mypy: ignore-errors\n# pyright: basic, reportAttributeAccessIssue=false\n"
TYPED = "py.typed"


def stubs_of(layout: Layout, index: Index, move: Move, folder: str) -> dict[str, tuple[str, str]]:
    """Path -> (old name, new name) of each stub that the shim of `move` in `folder` needs, before anything moves."""
    out = {}
    for name in index.files:
        new = layout.new_module(name)
        if not move.is_package or not name.startswith(move.source + ".") or new in (None, name):
            continue
        if name.endswith(".__main__") or not all(part.isidentifier() for part in name.split(".")):
            continue
        inner = name[len(move.source) + 1 :].replace(".", "/")
        leaf = "/__init__.pyi" if index.files[name].rpartition("/")[2].startswith("__init__.") else ".pyi"
        path = f"{folder}/{inner}{leaf}"
        if layout.new_path(index.files[name]) == index.files[name] or index.files[name] in layout.scripts:
            continue  # a setup.py beside the code: it is run, never imported
        if path not in layout.tree or layout.new_path(path) != path:
            out[path] = (name, str(new))
    return out


def typed_marker(layout: Layout, move: Move) -> str | None:
    """What `py.typed` says at the old place, if the package has one: never what the moved one says.

    After a kill, a file at the old place with just the contents that stage 3 writes there is taken for its own.
    """
    typed = move.is_package and f"{move.path}/{TYPED}" in layout.tree
    return f"# The stubs here are those of {move.target}, until cleanup.\n" if typed else None


def explicit(names: ModuleNames) -> list[str]:
    """Names that importers can have from a module and that its star does not give."""
    listed = names.exported
    out = [n for n in names.names if n.startswith("_") and not (n.startswith("__") and n.endswith("__"))]
    if listed is not None:
        out += [n for n, origin in names.names.items() if n[0] != "_" and origin is None and n not in listed]
    return sorted([*out, *(name for name in ("__all__", "__getattr__") if name in names.names)])


def stub_text(old: str, new: str, names: Sequence[str], *, when: str, owner: str, plan: str) -> str:
    """The stub of one module.  `when` is the removal in words, `names` are those that the star leaves out."""
    says = f"# For type checkers only: {goes_phrase(when, owner)}.  Generated; a change made here is lost.\n"
    return mark_line(old, new, plan) + says + _HEAD + reexports(new, names, "")
