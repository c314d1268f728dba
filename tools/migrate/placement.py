"""Which files the move adds: shims at the old names, and `__init__.py` in new folders.

Owns where they stand and what a shim's finder has to know of other moves; their text is the business of `shims`.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import replace

from .layout import Layout
from .lock import Lock, LockedMove, LockedShim, read
from .model import Edit
from .newplaces import RUNS
from .plan import LOCK_FILE
from .resolve import Index
from .shims import goes_phrase, removal_phrase, said_in
from .stubs import TYPED, stubs_of, typed_marker
from .tree import Lines, Tree

_MAIN = '''"""`python -m {0}` runs what it ran when this package was one file."""

import runpy

runpy.run_module("{0}.__init__", run_name="__main__", alter_sys=True)
'''


def shims_of(layout: Layout, index: Index, tree: Tree) -> tuple[LockedShim, ...]:
    """One shim for each move; a move inside a moved package is served by that package's shim.

    Where the move also leaves its import root (`libs/types` for the root), a second copy stands below the new one, so
    that the old name can be imported from either: the old root goes with the move, its users may not know.  The stubs
    are those of the modules that move now; after the move, those that `tree` holds according to its lock.  What
    somebody has changed in the lock meanwhile (a later date, say) counts more than the plan file.
    """
    policy, out = layout.plan.shims, []
    lock = _lock(tree) if layout.moved else None
    before = {m.old for m in earlier(layout, tree)[0]}
    for move in layout.moves:
        if move.source in before or move.keeps_name:
            continue
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
            until = held if held and _put_off(held, tree) else policy
            if lock is None and move.is_package:
                stubs = [*stubs_of(layout, index, move, place)]
                stubs += [f"{place}/{TYPED}"] if typed_marker(layout, move) is not None else []
            out.append(
                LockedShim(
                    path, move.source, move.target, until.owner, until.remove_by, until.remove_in,
                    stubs=tuple(sorted(stubs)), attributes_in=held.attributes_in if held else (),
                )
            )  # fmt: skip
    return tuple(sorted(out, key=lambda s: s.path))


def _put_off(shim: LockedShim, tree: Tree) -> bool:
    """Whether somebody has changed date, version or owner in the lock: the shim still says what the stage wrote."""
    text = tree.text(shim.path) if shim.path in tree else None
    said = goes_phrase(removal_phrase(shim.remove_by, shim.remove_in), " ".join(shim.owner.split()))
    return text is not None and said_in(text.body, "_WHEN") != said


def earlier(layout: Layout, tree: Tree) -> tuple[tuple[LockedMove, ...], tuple[LockedShim, ...]]:
    """Moves and shims of a migration before this one that still stand: this one takes them over.

    Their names lead to where the code is after this migration; who answers for them, and until when, stays.
    """
    lock = _lock(tree)
    if lock is None:
        return (), ()
    if lock.plan == layout.plan.name:
        return tuple(m for m in lock.moves if m.plan), tuple(s for s in lock.shims if s.plan)
    standing = {s.old for s in lock.shims}
    moves = tuple(
        replace(
            m, new=layout.new_module(m.new) or m.new, path=layout.new_path(m.path), plan=m.plan or lock.plan,
            to_path=layout.old_to_new_path(m.to_path) or m.to_path,
        )
        for m in lock.moves
        if any(m.old == old or m.old.startswith(old + ".") for old in standing)
    )  # fmt: skip
    shims = tuple(
        replace(
            s, new=layout.new_module(s.new) or s.new, path=layout.new_path(s.path), plan=s.plan or lock.plan,
            stubs=tuple(layout.new_path(p) for p in s.stubs),
            attributes_in=tuple(layout.new_path(p) for p in s.attributes_in),
        )
        for s in lock.shims
    )  # fmt: skip
    return moves, shims


def redirected(layout: Layout, tree: Tree, edits: dict[str, list[Edit]]) -> set[str]:
    """Let the shims of a migration before this one name the new places; returns their files.

    Their code is found by the scanners, or once the files have moved, when nobody scans shims, by its statements.  What
    they say in strings and comments may be one plain word, which is listed in anybody's file, but in a shim it is known
    what it means.
    """
    lock = _lock(tree)
    if lock is None or (lock.plan == layout.plan.name) != layout.moved:
        return set()
    files, names = lock.files, {s.new for s in lock.shims}
    if layout.moved:
        before = {m.old for m in lock.moves if m.plan}
        files, names = lock.earlier_files, {m.source for m in layout.moves} - before
    for path in sorted(p for p in files if p in tree):
        text = tree.text(path)
        body = text.body if text else ""
        taken = edits.setdefault(path, [])
        for start, line, words in _said(body, statements=layout.moved):
            for word in re.finditer(r"(?<![\w.])[^\W\d]\w*(?:\.[^\W\d]\w*)*", words):
                begin, end, old = start + word.start(), start + word.end(), word.group()
                new = layout.new_module(old) if any(f"{old}.".startswith(f"{n}.") for n in names) else None
                if new and not any(e.start < end and begin < e.end for e in taken):
                    why = "the shim of an earlier migration leads to the new place"
                    taken.append(Edit(begin, end, old, new, line, 4, "shim.earlier", why))
        taken.sort()
        if not taken:
            del edits[path]
    return set(files)


def _said(body: str, *, statements: bool) -> Iterator[tuple[int, int, str]]:
    """Strings and comments, with their offset and line; the modules of from-imports as well, if `statements`."""
    starts = Lines(body).starts
    for token in tokenize.generate_tokens(io.StringIO(body).readline):
        if token.type in (tokenize.STRING, tokenize.COMMENT):
            yield starts[token.start[0] - 1] + token.start[1], token.start[0], token.string
    for found in re.finditer(r"^[ \t]*from[ \t]+([\w.]+)", body if statements else "", re.MULTILINE):
        yield found.start(1), body.count("\n", 0, found.start()) + 1, found[1]


def _lock(tree: Tree) -> Lock | None:
    return read(tree.read(LOCK_FILE).decode("utf-8", "replace"), LOCK_FILE) if LOCK_FILE in tree else None


def routes_of(layout: Layout, source: str) -> dict[str, str]:
    """Names below `source` that do not simply follow it: other moves out of it, and new names inside it."""
    routes = {m.source: m.target for m in layout.moves if m.source.startswith(source + ".")}
    routes.update({m.target: m.target for m in layout.moves if m.target.startswith(source + ".")})
    return routes


def new_packages(layout: Layout, after: Tree) -> dict[str, bytes]:
    """`__init__.py` files that new folders between a package and the moved code need, and what else makes it one.

    Below a regular package the new folders are made regular as well, because many build tools do not ship namespace
    packages; at the top level they stay namespaces, which several distributions can share.  A module that is run and
    becomes a package gets a `__main__.py`, which `python -m` asks for then.
    """
    out: dict[str, bytes] = {}
    for move in layout.moves:
        parts = move.target.split(".")[:-1]
        folder, _, file = move.to_path.rpartition("/")
        if (
            file == "__init__.py"
            and not move.is_package
            and move.to_path in after
            and RUNS.search(after.read(move.to_path).decode(errors="replace"))
        ):
            out[f"{folder}/__main__.py"] = _MAIN.format(move.target).encode()
        inner = move.to_path.removesuffix("/__init__.py").removesuffix(".py").split("/")
        root = inner[: len(inner) - len(parts) - 1]
        regular = False
        for count in range(1, len(parts) + 1):
            folder = "/".join([*root, *parts[:count]])
            if "/".join(inner[: len(root) + count]) != folder:
                break
            if f"{folder}/__init__.py" in after or f"{folder}/__init__.py" in out:
                regular = True
            elif regular and folder not in layout.tree.dirs:
                out[f"{folder}/__init__.py"] = b""
    return dict(sorted(out.items()))
