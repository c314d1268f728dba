"""`[files] packages` of pbr, in setup.cfg.

Owns what such a list ships.  To pbr an entry is a folder beside the manifest: it takes that, and every package below
that it reaches through folders with an `__init__.py`.  A dotted name is no folder; pbr passes it over without a word,
and the wheel is empty.  So a new name is shipped by an entry for its first part, and what lies behind a second folder
without an `__init__.py` by none: that is listed before anything moves.  Knows nothing of the other sections.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator

from ..model import Move
from .facts import Context


def mapped_folders(context: Context, names: Iterable[str], stage: int, manifest: str) -> list[str]:
    """The entries as they must be after the stage: the shim's until cleanup, and the first part of each new name."""
    wanted: list[str] = []
    needed = {_top(move.target) for move in context.layout.moves if _lands(context, move, manifest)}
    folder = posixpath.dirname(manifest)
    gone = {m.source for m in context.layout.moves if _is(m.path, posixpath.join(folder, m.source))} - needed
    for name in names:
        if stage < 6 or name not in gone:
            wanted.append(name)
        if stage == 3:
            wanted += [_top(m.target) for m in _shipped(context, [name], manifest)]
    return list(dict.fromkeys(wanted))


def out_of_reach(context: Context, names: Iterable[str], manifest: str) -> list[tuple[str, str]]:
    """(new name, the package on the way to it that has no `__init__.py`) of what no entry would ship."""
    after = {context.layout.new_path(path) for path in context.tree}
    out = []
    for move in _shipped(context, names, manifest):
        parts = move.target.split(".")
        for depth in range(2, len(parts) + move.is_package):
            above = move.to_path.split("/")[: depth - len(parts) or None]
            if "/".join([*above, "__init__.py"]) not in after:
                out.append((move.target, ".".join(parts[:depth])))
                break
    return sorted(out)


def _shipped(context: Context, names: Iterable[str], manifest: str) -> Iterator[Move]:
    """The moves from below one of the entries to a place beside the same manifest."""
    folder, tops = posixpath.dirname(manifest), set(names)
    for move in context.layout.moves:
        old = posixpath.join(folder, *move.source.split("."))
        if _top(move.source) in tops and _is(move.path, old) and _lands(context, move, manifest):
            yield move


def _lands(context: Context, move: Move, manifest: str) -> bool:
    folder = posixpath.dirname(context.layout.new_path(manifest))
    return _is(move.to_path, posixpath.join(folder, *move.target.split(".")))


def _is(path: str, module: str) -> bool:
    return path in (module, f"{module}.py")


def _top(module: str) -> str:
    return module.partition(".")[0]
