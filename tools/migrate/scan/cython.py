"""Imports of Cython sources, and the files that these and C sources include.

Owns `from x import` and `from x cimport`, absolute and relative, and `include` by a path from the file's own folder:
what the place of a file decides is wrong as soon as it moves, and only a compiler would tell.  A `cimport` reads a
`.pxd`, for which no shim can stand, so it changes with the move.  Dotted names elsewhere in a source are `words`.
"""

from __future__ import annotations

import posixpath
import re

from ..layout import Layout
from ..resolve import absolute
from .context import World
from .offsets import relative_module
from .sink import Sink

SUFFIXES = (".pyx", ".pxd", ".pxi")
_FROM = re.compile(
    r"^[ \t]*from[ \t]+(?P<module>\.*[\w.]*)[ \t]+(?P<word>c?import)\b[ \t]*"
    r"(?P<names>\((?:#[^\n]*|[^)#])*\)|(?:[^\n#;\\]|\\\r?\n)*)",
    re.M,
)
_NAME = re.compile(r"(?:^|[(,])\s*([\w*]+)")
_NO_NAME = re.compile(r"#[^\n]*|\\")
_CIMPORT = re.compile(r"^[ \t]*(?:from[ \t]+\S+[ \t]+)?cimport\b[^\n]*", re.M)
_INCLUDE = re.compile(
    r"^[ \t]*(?:#[ \t]*include|include|cdef[ \t]+extern[ \t]+from)[ \t]+([\"'])(?P<path>[^\"'<>\n]+)\1", re.M
)


def scan_cython(world: World, sink: Sink, path: str) -> int | None:
    """Rewrites the statements; returns the stage of everything else in the file, None where any will do."""
    layout = world.layout
    module = f"{posixpath.splitext(path)[0]}.py"
    here, there = layout.module_of(module), layout.new_module_of(module)
    moves = layout.new_path(path) != path
    for found in _FROM.finditer(sink.body):
        rest = found["module"].lstrip(".")
        level = len(found["module"]) - len(rest)
        meant = absolute(rest, level, here.package if here else "")
        names = _NAME.findall(_NO_NAME.sub(" ", found["names"]))
        homes = {_home(layout, meant, name) for name in names}
        leads = absolute(rest, level, there.package if there else "")
        if not meant or homes <= {leads}:
            continue
        home = next(iter(homes))
        if len(homes) > 1 or not home:
            readings = ("names that part, or get another last name", "names of something else")
            sink.list(found.start("module"), "import.cython", found.group().strip(), readings, "edit by hand", "error")
            continue
        new = relative_module(there.package, home) if level and there else home
        stage = 3 if (moves and level) or found["word"] == "cimport" else 4
        reason = f"{meant} is {home}" if meant != home else f"{meant}, written from the new place"
        sink.edit(*found.span("module"), new, stage=stage, rule="import.cython", reason=reason)
    scan_includes(world, sink, path)
    return 3 if any(world.judge.mentioned(c.group()) for c in _CIMPORT.finditer(sink.body)) else None


def _home(layout: Layout, package: str, name: str) -> str:
    """The module from which `name` of `package` comes afterwards; "" if it has another name there."""
    whole = layout.new_module(package)
    child = layout.new_module(f"{package}.{name}") if whole is None else None
    if child is None:
        return whole or package
    return child.rpartition(".")[0] if child.endswith(f".{name}") else ""


def scan_includes(world: World, sink: Sink, path: str) -> None:
    """A file that is included by its path from this one, where one of the two moves."""
    layout = world.layout
    folder, new_folder = posixpath.dirname(path), posixpath.dirname(layout.new_path(path))
    for found in _INCLUDE.finditer(sink.body):
        full = posixpath.normpath(posixpath.join(folder, found["path"]))
        if full not in layout.tree:
            continue
        new = posixpath.relpath(layout.old_to_new_path(full) or full, new_folder or ".")
        if new != posixpath.normpath(found["path"]):
            reason = f"{full}, written from the new place"
            sink.edit(*found.span("path"), new, stage=3, rule="path.include", reason=reason)
