"""The tree from before the move, in a folder: what the second opinion reads or imports of it, and no more.

A large repository has many files that the moved code never imports.  Written out are the files that are different now,
and the top-level packages and folders that the moving code names, directly or through others.  What that leaves out is
noticed by an import that fails for it; then the rest is written as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from .repo import Repo

# No module needs them to be imported, and of some projects they are half.
_UNNEEDED = (".po", ".mo", ".rst", ".md", ".png", ".jpg", ".gif", ".svg", ".ico", ".pdf", ".woff", ".woff2", ".ttf")
_NAMED = re.compile(rb"(?m)^[ \t]*(?:from|import)[ \t][^\n]*|[\"'](?:\.{0,2}/)*[\w-]+")
_WORD = re.compile(rb"[\w-]+")
_MISSING = re.compile(r"No module named '(\w+)|(No such file or directory)")


class OldTree:
    """`files` are those of the commit `base`, `roots` its import roots; `folder` is empty, and the caller's."""

    def __init__(self, repo: Repo, base: str, files: Sequence[str], roots: Sequence[str], folder: Path) -> None:
        self.repo, self.base, self.folder = repo, base, folder
        self.changed = frozenset(repo.changed(base, "HEAD"))
        self._roots = sorted((f"{r}/" for r in roots if r not in (".", "")), key=len, reverse=True)
        self._units: dict[str, list[str]] = {}
        for path in files:
            self._units.setdefault(self._unit(path), []).append(path)
        self._left = {p for p in files if p not in self.changed and not p.endswith(_UNNEEDED)}
        repo.take_out(base, folder, [p for p in files if p in self.changed])

    def write(self, moving: Iterable[str]) -> None:
        """Write what these files may import."""
        named: dict[bytes, list[str]] = {}  # what code may call a unit -> the units
        for unit in self._units:
            named.setdefault(unit.rpartition("/")[2].partition(".")[0].encode(), []).append(unit)
        reached = dict.fromkeys(self._unit(p) for p in moving)
        queue = list(reached)
        for unit in queue:
            if len(reached) == len(self._units):
                break
            words: set[bytes] = set()
            for path in self._units.get(unit, ()):
                if path.endswith(".py") and (place := self._place(path)).is_file():
                    for match in _NAMED.finditer(place.read_bytes()):
                        words.update(_WORD.findall(match.group()))
            new = [u for word in words & named.keys() for u in named[word] if u not in reached]
            reached.update(dict.fromkeys(new))
            queue += new
        self._take(p for unit in reached for p in self._units.get(unit, ()))

    def lacks(self, errors: Iterable[str]) -> bool:
        """Whether one of these errors of imports may come from what was not written."""
        names = {self._unit(p).rpartition("/")[2].partition(".")[0] for p in self._left}
        found = (m for error in errors if (m := _MISSING.search(error)))
        return any(m[1] in names if m[1] else bool(names) for m in found)

    def write_rest(self) -> None:
        self._take(sorted(self._left))

    def _take(self, paths: Iterable[str]) -> None:
        wanted = [p for p in paths if p in self._left]
        self._left.difference_update(wanted)
        self.repo.take_out(self.base, self.folder, wanted)

    def _place(self, path: str) -> Path:
        return (self.folder if path in self.changed else self.repo.root) / path

    def _unit(self, path: str) -> str:
        """The file or folder right below an import root that holds the path."""
        root = next((r for r in self._roots if path.startswith(r)), "")
        return root + path[len(root) :].partition("/")[0]
