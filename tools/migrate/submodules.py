"""Old submodules as attributes of the package that they left: `import pkg`, then `pkg.part.x`.

That works while something in the process happens to load `pkg.part`.  Once the module lives elsewhere nothing loads its
old name any more, and Python asks no shim for an attribute.  So the package itself has to answer: stage 3 appends a
block to its `__init__.py`, a module `__getattr__` (PEP 562) that imports the old name when somebody asks for it, and
stage 6 takes it out again.  The block is between two marks; scans read the file with spaces in its place.

Owns: which packages need a block, its text, and how to find one.  Must not know: git, the lock, what a shim does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from .layout import Layout
from .model import Edit
from .resolve import Index, parse_names
from .tree import LINK, Lines, Tree

MARK = "# tools.migrate attributes:"
RULE = "shim.attribute"
_BLOCK = re.compile(rf"^{re.escape(MARK)} begin\b.*?^{re.escape(MARK)} end(\r?\n)?", re.M | re.S)
_BYTES = re.compile(_BLOCK.pattern.encode(), re.M | re.S)


@dataclass(frozen=True, slots=True)
class Left:
    """A submodule that its package has to import when it is asked for it."""

    name: str  # what is imported at run time: the old name; or a package that stays, on the way to the old name
    new: str
    source: str  # the move that it is for


def lost(layout: Layout, index: Index, stays: Callable[[str], bool]) -> dict[str, dict[str, Left]]:
    """`__init__.py` as it lies before the move -> attribute -> the submodule that nothing there loads any more.

    `pkg.sub.deep` takes the reason to load `pkg.sub` along, so `pkg` has to answer for `sub` as well.  `stays` says of
    a path that nobody may edit it.
    """
    out: dict[str, dict[str, Left]] = {}
    after = {layout.new_module(name) or name for name in index.files}
    for move in sorted(layout.moves, key=lambda m: m.source):
        name = move.source
        while "." in name:
            parent, _, leaf = name.rpartition(".")
            path, holder = index.files.get(parent, ""), layout.new_module(parent) or parent
            new = layout.new_module(name) or name
            away = new != f"{holder}.{leaf}"
            regular = path.rpartition("/")[2] == "__init__.py" and layout.tree.modes[path] != LINK and not stays(path)
            # Where another module takes the place, that one is the package's own.
            if regular and (not away or f"{holder}.{leaf}" not in after) and f"{name}{new}".isascii():
                left = Left(name if away else new, new, move.source)
                out.setdefault(path, {}).setdefault(leaf, left)
            name = parent
    return out


def unbound(source: str, names: Mapping[str, Left]) -> dict[str, Left]:
    """Those of `names` that the source does not bind by itself; none if it does not parse."""
    found = parse_names(source, "", True)
    return {leaf: left for leaf, left in names.items() if leaf not in found.names} if found.parsed else {}


def block(source: str, names: Mapping[str, Left]) -> Edit:
    """The edit that appends the block to a source that has none.

    `globals` may be a module of the package by then, as in Flask, so the block does not take the name for granted.
    """
    old = {leaf: names[leaf].name for leaf in sorted(names)}
    imports = "\n".join(f"    {_import(names[leaf])} as {leaf}  # noqa" for leaf in old)
    table = ", ".join(f'"{leaf}": "{name}"' for leaf, name in old.items())
    text = f"""\
{MARK} begin; generated, it goes with the cleanup
# fmt: off
if not __name__:  # never: type checkers read it
{imports}


def _moved_away(  # noqa  # pragma: no cover
    name: str, before: object = __import__("builtins").globals().get("__getattr__")
) -> object:
    \"\"\"Old submodules, for those who read them from this package without importing them.\"\"\"
    old = {{{table}}}.get(name)
    if old is not None:
        return __import__(old, fromlist=["__name__"])
    if callable(before):
        return before(name)
    raise AttributeError(f"module {{__name__!r}} has no attribute {{name!r}}")


__import__("builtins").globals()["__getattr__"] = _moved_away
# fmt: on
{MARK} end
"""
    line_end = "\r\n" if "\r\n" in source else "\n"
    ended = not source or source.endswith(("\n", "\r"))
    text = ("\n\n" if source else "") + text if ended else "\n\n\n" + text.rstrip("\n")
    reason = f"{', '.join(old.values())} can be read from the package as before, without an import"
    place = len(source)
    line = Lines(source).line(place)
    return Edit(place, place, "", text.replace("\n", line_end), line, 3, RULE, reason)


def _import(left: Left) -> str:
    parent, _, leaf = left.new.rpartition(".")
    if left.name == left.new:
        return f"from . import {leaf}"
    return f"from {parent} import {leaf}" if parent else f"import {leaf}"


def without(source: str) -> Edit | None:
    """The edit that takes the block out, with what `block` put before it; None if there is none."""
    found = _BLOCK.search(source)
    if found is None:
        return None
    start, end = found.span()
    gap = ("\r\n" if "\r\n" in found[0] else "\n") * (2 if found[1] else 3)
    start -= len(gap) if source[:start].endswith(gap) else 0
    reason = "the old submodules are gone"
    return Edit(start, end, source[start:end], "", Lines(source).line(start), 6, RULE, reason)


def blank(tree: Tree, paths: Iterable[str]) -> dict[str, bytes]:
    """The contents of those files that have a block, with spaces in its place and all else where it was."""
    out = {}
    for path in paths:
        text = tree.text(path) if path in tree else None
        edit = without(text.body) if text else None
        if text is not None and edit is not None:
            empty = re.sub(r"[^\r\n]", " ", edit.old)
            out[path] = text.encoded(text.body[: edit.start] + empty + text.body[edit.end :])
    return out


def blanked(data: bytes) -> bytes:
    """The content of one file, of any encoding that has ASCII, with spaces in the block's place."""
    return _BYTES.sub(lambda found: re.sub(rb"[^\r\n]", b" ", found[0]), data)


def has_block(text: str) -> bool:
    """Whether a block, or what is left of one, stands in the text at the start of a line."""
    return re.search(rf"^{re.escape(MARK)}", text, re.M) is not None
