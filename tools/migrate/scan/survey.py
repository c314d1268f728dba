"""One look at one file: whether it can hold a reference at all, what it says if so, and on what that depends.

A look depends on the file, on what does not change with any file's content (the plan, the paths, the manifests), on the
names of the modules that were asked for, and on whether others reach into this one (`Mentions`).  The last two are
noted, so `scan_tree` can take a look before everything is known, and `memory` can tell later whether it still holds.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from itertools import islice

from ..layout import Layout
from ..model import Move
from ..plan import LOCK_FILE
from ..processes import workers
from ..resolve import ModuleNames
from ..tree import LINK, SUBMODULE
from .calls import IMPORTING
from .cleared import Cleared
from .context import World
from .csource import SUFFIXES as C_SOURCES
from .cython import SUFFIXES as CYTHON
from .distributions import merged_names
from .globs import may_match
from .nameparts import may_cut
from .reach import Reach, Reaches
from .roots import needles
from .sink import FileScan

PYTHON = (".py", ".pyi", ".pyw")
_PARALLEL_FROM = 60  # files; below that, starting workers costs more than it gives
_CHUNK = 16  # files that a worker takes at once
_DYNAMIC = re.compile(rb"\b(?:" + b"|".join(re.escape(n.encode()) for n in sorted(IMPORTING)) + rb")\b")


_SETTINGS = ("pytest.ini", ".pytest.ini", "tox.ini", "mypy.ini", ".mypy.ini")  # they may name no root and imply one
_OWN = re.compile(rb"\b__(?:name|package|path|file)__\b")


class Mentions:
    """The names that some file reaches into, and what was asked of them."""

    def __init__(self, known: frozenset[str] = frozenset()) -> None:
        self.known = known
        self.asked: dict[str, bool] = {}

    def __contains__(self, name: object) -> bool:
        found = name in self.known
        self.asked[str(name)] = found
        return found


@dataclass(slots=True)
class Look:
    """What one file says (`scan`: nothing if it cannot hold a reference), and what it asked to say so."""

    scan: FileScan | None = None
    reach: Reach = field(default_factory=Reach)
    modules: tuple[str, ...] = ()  # whose names were asked for
    mentions: dict[str, bool] = field(default_factory=dict)

    def holds(self, known: Collection[str]) -> bool:
        """Whether the answers were right, given all names that are reached into."""
        return all((name in known) == said for name, said in self.mentions.items())


class Survey:
    """Looks at files of one world; `scan` is what reads one that may hold a reference."""

    def __init__(
        self,
        world: World,
        skip: Callable[[str], bool],
        scan: Callable[[World, str], FileScan],
        *,
        edits_only: bool = False,
    ) -> None:
        self.world, self.skip, self.scan = world, skip, scan
        # What a register says is in which stage an edit is made, and all that is late is edited at once.
        self.reaches = Reaches(world.layout, world.resolver, world.judge.words, registers=not edits_only)
        self._may_hold = _filter(world, edits_only=edits_only)

    def look(self, path: str) -> Look:
        world, tree = self.world, self.world.layout.tree
        candidate = self._is_scanned(path) and self._may_hold(path)
        if not candidate and not path.endswith(PYTHON):
            return Look()
        world.mentions, index = Mentions(_known(world)), world.resolver.index
        index.asked, reach = set(), Reach()
        try:
            reach = self.reaches.of(path, tree.read(path), candidate=candidate)
            found = self.scan(world, path) if candidate else None
            return Look(found, reach, tuple(sorted(index.asked)), world.mentions.asked)
        finally:
            index.asked = None
            for base in reach.stars:  # asked for in the end; who reads in a process of its own learns it there
                if index.is_module(current := world.layout.current_module(base)):
                    index.names(current)

    def _is_scanned(self, path: str) -> bool:
        plan, tree = self.world.layout.plan, self.world.layout.tree
        if tree.modes[path] == SUBMODULE or path in (LOCK_FILE, plan.file, os.path.basename(plan.file)):
            return False
        return not excluded(path, plan.exclude) and not self.skip(path)


def excluded(path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch(path, p) or fnmatch(path, p.removesuffix("/**") + "/*") for p in patterns)


def stub_package(layout: Layout, path: str) -> Move | None:
    """The move of the package for which a file of a stub package (`pkg-stubs/`, PEP 561) speaks."""
    if not path.endswith(".pyi") or "-stubs/" not in path:
        return None
    renamed = (m for m in layout.moves if not m.keeps_name)
    return next((m for m in renamed if f"/{m.source.split('.')[0]}-stubs/" in f"/{path}"), None)


def _known(world: World) -> frozenset[str]:
    return world.mentions.known if isinstance(world.mentions, Mentions) else frozenset()


def _filter(world: World, *, edits_only: bool) -> Callable[[str], bool]:
    """Whether a file may hold a reference: a search for words in its bytes, so that most files are never parsed."""
    layout = world.layout
    cleared = Cleared(layout) if edits_only and layout.moved else None
    needle = re.compile(b"|".join(re.escape(n) for n in world.judge.needles))
    # Names computed below a package that stays may mean a module that leaves it.
    above = {old.rpartition(".")[0] for old in layout.old_names if "." in old}
    above = {p for p in above if layout.new_module(p) is None} - {""}
    computed = _any(re.escape(p.encode()) for p in sorted(above))
    stale = needles(layout)
    matches = None if edits_only else may_match(layout, world.judge.patterns)
    merged = _any((n.replace("-", "[-_.]+").encode() for n in merged_names(layout)), re.I)

    def may_hold(path: str) -> bool:
        if layout.tree.modes[path] == LINK or stub_package(layout, path):
            return True
        if layout.new_roots and os.path.basename(path) in _SETTINGS:
            return True
        data = layout.tree.read(path)
        found = needle.search(data)
        if (found and (cleared is None or cleared.holds(needle, path, data))) or (
            layout.new_path(path) != path and path.endswith((*PYTHON, *CYTHON, *C_SOURCES, ".md", ".zcml"))
        ):
            return True
        if stale(data) or merged(data) or (matches is not None and matches(path, data)):
            return True
        if not edits_only and path.endswith(PYTHON) and may_cut(data):
            return True
        if not path.endswith(PYTHON) or b"import" not in data or (cleared is not None and cleared.stays(path)):
            return False
        return _DYNAMIC.search(data) is not None and (computed(data) or (bool(above) and computes_own(path, data)))

    def computes_own(path: str, data: bytes) -> bool:
        """Whether a module of a package that something leaves may compute names from its own, or look in its folder."""
        here = layout.module_of(path) if _OWN.search(data) else None
        return here is not None and bool({here.name, here.package} & above)

    return may_hold


def _any(patterns: Iterable[bytes], flags: int = 0) -> Callable[[bytes], bool]:
    """Whether one of the patterns is in the bytes (one that never matches would still walk through every file)."""
    listed = list(patterns)
    pattern = re.compile(b"|".join(listed), flags) if listed else None
    return lambda data: pattern is not None and pattern.search(data) is not None


# many files

_shared: Survey | None = None


def look_at(
    survey: Survey, paths: list[str], jobs: int, progress: Callable[[int, int], None] | None = None
) -> Iterator[tuple[str, Look]]:
    """A look at each of these files, in their order, in worker processes where that pays."""
    if jobs > 1 and len(paths) >= _PARALLEL_FROM and hasattr(os, "fork"):
        found = _parallel(survey, paths, jobs)
    else:
        found = ((path, survey.look(path)) for path in paths)
    for number, pair in enumerate(found, 1):
        yield pair
        if progress:
            progress(number, len(paths))


def _parallel(survey: Survey, paths: list[str], jobs: int) -> Iterator[tuple[str, Look]]:
    """Workers are forked, so they share the layout and the index; what they learn of modules comes back with it."""
    from . import python, text  # noqa: F401  # before they are forked, so that none of them loads it by itself

    global _shared
    _shared, known = survey, survey.world.resolver.index.known
    try:
        with workers(jobs) as pool:
            for path, (look, learnt) in zip(paths, pool.map(_one, paths, chunksize=_CHUNK), strict=True):
                known |= learnt
                yield path, look
    finally:
        _shared = None


def _one(path: str) -> tuple[Look, dict[str, ModuleNames]]:
    assert _shared is not None
    known = _shared.world.resolver.index.known
    before = len(known)
    look = _shared.look(path)
    return look, dict(islice(known.items(), before, None))
