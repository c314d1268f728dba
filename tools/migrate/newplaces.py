"""What a new place does not give: a last name that is free, and modules beside a script.

Owns: finding both before anything moves.  Must not know: how references are found, nor how they are edited.

- `new = 1` in `pkg/__init__.py`, where `pkg.old` becomes `pkg.new`.  Python keeps one attribute of that name on the
  package.  Whoever imports the module last puts it there, and whoever binds the name last takes it away again.
- `python serve.py` puts the folder of the script on the path, `python pkg/serve.py` puts another one there.  What lay
  beside the script is no longer found; with `python -m pkg.serve` it is.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from .layout import Layout
from .model import Edit, Finding, Move
from .resolve import Index
from .syntax import parse

TAKEN, RUN = "name.taken", "file.run"
RUNS = re.compile(r"""^if[ (]+__name__\s*==\s*["']__main__["']""", re.M)


def of_new_places(layout: Layout, index: Index, edits: Mapping[str, Iterable[Edit]]) -> list[Finding]:
    """At most one finding of each kind for each move; none once the files have moved."""
    found = []
    for move in () if layout.moved else layout.moves:
        found += [*_taken(layout, index, move), *_run_by_path(layout, index, move, edits)]
    return found


def _taken(layout: Layout, index: Index, move: Move) -> Iterator[Finding]:
    parent, _, leaf = move.target.rpartition(".")
    package = next((m for m in sorted(index.packages) if (layout.new_module(m) or m) == parent), "")
    path = index.files.get(package)
    names = index.names(package).names if path else {}
    as_before = move.source == f"{package}.{leaf}"  # it goes to another root, or along with its package
    if path and leaf in names and not as_before and names[leaf] not in (move.source, move.target):
        readings = (f"the module {move.target}", f"{leaf}, which {parent} binds itself")
        hint = "choose another 'to', or another name in the package first"
        yield Finding(path, 1, TAKEN, move.target, readings, hint, "error")


def _run_by_path(layout: Layout, index: Index, move: Move, edits: Mapping[str, Iterable[Edit]]) -> Iterator[Finding]:
    folder = posixpath.dirname(move.path)
    text = None if move.is_package or posixpath.dirname(move.to_path) == folder else layout.tree.text(move.path)
    run = RUNS.search(text.body) if text else None
    if text is None or run is None or not _named(edits, move):
        return
    for name in _imported(text.body):
        beside = posixpath.join(folder, name.partition(".")[0])
        path = index.files.get(name, "")
        if path == f"{beside}.py" or path.startswith(f"{beside}/"):
            line = text.body.count("\n", 0, run.start()) + 1
            readings = (f"run as {move.to_path}: then {name} is not found", "run where the path has what it needs")
            yield Finding(move.path, line, RUN, move.path, readings, f"run it with: python -m {move.target}")
            return


def _named(edits: Mapping[str, Iterable[Edit]], move: Move) -> bool:
    """Whether a command, a script or a text somewhere names the file by its path."""
    old, new = posixpath.basename(move.path), move.to_path
    every = (e for path, each in edits.items() for e in each if not path.endswith((".md", ".rst")))
    return any(e.rule.startswith("path") and e.old.endswith(old) and e.new.endswith(new) for e in every)


def _imported(source: str) -> list[str]:
    tree, names = parse(source), []
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
    return names
