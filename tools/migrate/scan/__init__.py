"""Finding every reference to moving code in one tree.

`scan_tree` reads the tracked files that contain a moving word at all (a byte search, so that most files are never
parsed), in worker processes where that pays, and returns one `FileScan` for each file with something to say.
"""

from __future__ import annotations

import fnmatch
import gc
import multiprocessing
import os
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor

from ..classify import Judge
from ..layout import Layout
from ..model import Edit, Finding, Move
from ..plan import LOCK_FILE, is_plan
from ..resolve import Resolver
from ..tree import LINK, SUBMODULE
from .calls import IMPORTING
from .context import World
from .distributions import groups, merged_names
from .python import scan_code, scan_python
from .reach import reached
from .roots import needles
from .sink import FileScan, Sink
from .text import scan_link, scan_text

__all__ = ["FileScan", "World", "excluded", "make_world", "scan_file", "scan_tree"]

_PARALLEL_FROM = 60  # files; below that, starting workers costs more than it gives
_PYTHON = (".py", ".pyi", ".pyw")
_PICKLES = (".pkl", ".pickle", ".joblib", ".pyc")  # an old pickle may be all letters
_DYNAMIC = re.compile(rb"\b(?:" + b"|".join(re.escape(n.encode()) for n in sorted(IMPORTING)) + rb")\b")


def make_world(layout: Layout) -> World:
    resolver = Resolver(layout)
    return World(layout, resolver, Judge(layout, resolver), scan_code, groups=groups(layout.tree))


def scan_tree(
    world: World,
    *,
    skip: Callable[[str], bool] = lambda _: False,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[FileScan]:
    """Scan every tracked file; `skip` leaves out files that another part of the tool rewrites as a whole."""
    candidates = [p for p in _candidates(world) if not skip(p)]
    # Syntax trees are many small objects in no circles: the collector would walk them again and again for nothing.
    collecting = gc.isenabled()
    gc.disable()
    try:
        world.mentions = reached(world.layout, world.resolver, world.judge.words, candidates)
        found = _scan_all(world, candidates, jobs, progress)
    finally:
        if collecting:
            gc.enable()
    return [f for f in found if f.edits or f.findings or f.imports]


def _scan_all(
    world: World, candidates: list[str], jobs: int, progress: Callable[[int, int], None] | None
) -> list[FileScan]:
    if jobs > 1 and len(candidates) >= _PARALLEL_FROM and "fork" in multiprocessing.get_all_start_methods():
        return _parallel(world, candidates, jobs, progress)
    found = []
    for number, path in enumerate(candidates, 1):
        found.append(scan_file(world, path))
        if progress:
            progress(number, len(candidates))
    return found


def scan_file(world: World, path: str) -> FileScan:
    """Everything one file says about moving code.  Never raises for what is in the file: a fault becomes a finding."""
    layout = world.layout
    if layout.tree.modes[path] == LINK:
        return _link(world, path)
    text = layout.tree.text(path)
    if text is None or path.endswith(_PICKLES):
        return FileScan(path, findings=_binary(world, path))
    if path.endswith(".toml") and is_plan(text.body):
        return FileScan(path)  # of another migration: it says what was
    sink = Sink(path, text.body)
    stubs = _stub_package(layout, path)
    if stubs is not None:
        readings = (f"stubs of {stubs.source}", "a folder that only has this name")
        sink.list(0, "stubs.package", path, readings, f"rename the folder by hand, after {stubs.target}")
    try:
        if path.endswith(_PYTHON) or re.match(r"#!.*\bpython", text.body):
            scan_python(world, sink, path, layout.module_of(path), layout.new_module_of(path))
        else:
            scan_text(world, sink, path)
    except RecursionError:
        broken = Sink(path, text.body)
        broken.list(0, "file.unparsed", path, (), "too deeply nested to be read; look for references by hand", "error")
        return broken.finish()
    return sink.finish()


def _stub_package(layout: Layout, path: str) -> Move | None:
    """The move of the package for which a file of a stub package (`pkg-stubs/`, PEP 561) speaks."""
    if not path.endswith(".pyi") or "-stubs/" not in path:
        return None
    return next((m for m in layout.moves if f"/{m.source.split('.')[0]}-stubs/" in f"/{path}"), None)


def excluded(path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatch(path, p) or fnmatch.fnmatch(path, p.removesuffix("/**") + "/*") for p in patterns)


def _candidates(world: World) -> list[str]:
    layout = world.layout
    needle = re.compile(b"|".join(re.escape(n) for n in world.judge.needles))
    # Names computed below a package that stays may mean a module that leaves it.
    above = {old.rpartition(".")[0] for old in layout.old_names if "." in old}
    above = {p for p in above if layout.new_module(p) is None} - {""}
    computed = re.compile(b"|".join(re.escape(p.encode()) for p in sorted(above)) or b"(?!)")
    stale = needles(layout)
    merged = re.compile("|".join(n.replace("-", "[-_.]+") for n in merged_names(layout)).encode() or b"(?!)", re.I)
    out = []
    for path, mode in layout.tree.modes.items():
        if mode == SUBMODULE or path in (LOCK_FILE, layout.plan.file) or excluded(path, layout.plan.exclude):
            continue
        if path == os.path.basename(layout.plan.file):
            continue
        moves = layout.new_path(path) != path
        data = b"" if mode == LINK else layout.tree.read(path)
        dynamic = path.endswith(_PYTHON) and b"import" in data and computed.search(data) and _DYNAMIC.search(data)
        if (
            mode == LINK
            or dynamic
            or stale(data)
            or merged.search(data)
            or needle.search(data)
            or (moves and path.endswith((*_PYTHON, ".md")))
            or _stub_package(layout, path)
        ):
            out.append(path)
    return out


def _link(world: World, path: str) -> FileScan:
    target = world.layout.tree.read(path).decode("utf-8", "surrogateescape")
    new = scan_link(world, path, target)
    if new is None:
        return FileScan(path)
    edit = Edit(0, len(target), target, new, 1, 3, "link", f"the link would no longer lead to {target}")
    return FileScan(path, [edit])


def _binary(world: World, path: str) -> list[Finding]:
    data = world.layout.tree.read(path)
    for old in world.layout.old_names:
        # What stands before a name can be an opcode or a length that looks like a letter.
        if re.search(re.escape(old.encode()) + rb"(?!\w)", data):
            readings = ("data that names the code, such as a pickle or a compiled file", "other data")
            return [Finding(path, 0, "file.binary", old, readings, "binary files are never edited", "note")]
    return []


_shared: World | None = None


def _one(path: str) -> FileScan:
    assert _shared is not None
    return scan_file(_shared, path)


def _parallel(
    world: World, candidates: list[str], jobs: int, progress: Callable[[int, int], None] | None
) -> list[FileScan]:
    """Workers are forked, so they share the tree and the index; results come back in order."""
    global _shared
    _shared = world
    try:
        with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("fork")) as pool:
            out = []
            for number, scan in enumerate(pool.map(_one, candidates, chunksize=8), 1):
                out.append(scan)
                if progress:
                    progress(number, len(candidates))
            return out
    finally:
        _shared = None
