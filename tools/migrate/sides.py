"""The two trees as the second opinion reads them: what their files ask of moving code, and names that came loose.

Files are read by several processes where that pays, those of the tree as it is first: who asks them can begin while the
others are read.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from tools.migrate.model import Finding
from tools.migrate.processes import each
from tools.migrate.statements import Wish, module_name, same_names, unbound, wishes, words_in_text
from tools.migrate.submodules import blanked

_PYTHON = (".py", ".pyi", ".pyw", ".ipynb")
_SETTINGS = (".toml", ".cfg", ".ini", ".yaml", ".yml", ".json", ".conf")
_HIDDEN = ("migration.lock", "migration.toml")


@dataclass(frozen=True)
class Side:
    """One of the two trees: its folder, its tracked files, its import roots, and where those lie that are not there."""

    root: Path
    files: Sequence[str]
    roots: Sequence[str]
    rest: Path | None = None

    def place(self, path: str) -> str:
        here = f"{self.root}/{path}"
        return here if self.rest is None or os.path.isfile(here) else f"{self.rest}/{path}"


@dataclass(frozen=True)
class Renaming:
    """The plan's moves as prefixes of dotted names, and where each file went."""

    names: Mapping[str, str]
    paths: Mapping[str, str]
    exclude: Sequence[str] = ()

    @cached_property
    def _both(self) -> list[str]:
        return [name for pair in self.names.items() for name in pair]

    @cached_property
    def _old(self) -> re.Pattern[str]:
        return _inside(self.names)

    @cached_property
    def _moving(self) -> re.Pattern[str]:
        return _inside(self._both)

    @cached_property
    def _above(self) -> frozenset[str]:
        return frozenset(name[: dot.start()] for name in self._both for dot in re.finditer(r"\.", name))

    def new(self, dotted: str) -> str:
        """The name after the move of what was called `dotted` before it."""
        old = self._old.match(dotted)
        return self.names[old[0]] + dotted[old.end() :] if old else dotted

    def touches(self, dotted: str) -> bool:
        return self._moving.match(dotted) is not None

    def leads(self, module: str) -> bool:
        """Whether importing the module gives something that moves: a part of it, or what it holds."""
        return module in self._above or self.touches(module)

    def text(self, text: str) -> str:
        """`text` with each dotted name in it as it is afterwards."""
        return re.sub(r"[^\W\d]\w*(?:\.\w+)*", lambda m: self.new(m.group()), text)


@dataclass(frozen=True)
class _Text:
    """A file to be read: `state` is the hash of its content.  Two with the same ask the same."""

    path: str
    state: bytes
    module: str = ""
    package: bool = False


@dataclass(frozen=True)
class _Pair:
    """A Python file of both trees, to be compared."""

    path: str
    old: str


class _Look(NamedTuple):
    wishes: Sequence[Wish] = ()
    loose: Sequence[Finding] = ()


class Reading:
    """What stands in the files of both trees; ask for `now`, `before` and `loose` in this order.

    `changed` are the paths that the two trees have differently, where that is known.
    """

    def __init__(
        self, before: Side, now: Side, renaming: Renaming, changed: Collection[str] | None = None, jobs: int = 1
    ) -> None:
        self._before, self._now, self._renaming = before, now, renaming
        # Whoever gets at a module from outside of it writes the last part of its name.
        ends = {name.rpartition(".")[2] for pair in renaming.names.items() for name in pair}
        self._words = re.compile(b"|".join(re.escape(w.encode()) for w in sorted(ends)))
        self._speaking = list(self._texts(now))
        known = {text.path for text in self._speaking}
        apart = {p for p in now.files if p not in known and p not in changed} if changed is not None else set()
        self._spoke = list(self._texts(before, apart))
        self._where = dict.fromkeys(self._spoke, before) | dict.fromkeys(self._speaking, now)
        came_from, had = {new: old for old, new in renaming.paths.items()}, set(before.files)
        others = {p for p in now.files if p not in changed} if changed is not None else set[str]()
        edited = self._files(now, (".py",), others)
        pairs = [_Pair(p, old) for p in edited if (old := came_from.get(p, p)) in had]
        self._waiting: list[_Text | _Pair] = [*dict.fromkeys([*self._speaking, *self._spoke]), *pairs]
        self._results = zip(self._waiting, each(self._look, self._waiting, jobs), strict=True)
        self._found: dict[_Text, Sequence[Wish]] = {}

    def now(self) -> list[Wish]:
        """What the files of the tree as it is ask of moving code."""
        return self._wishes(self._speaking)

    def before(self) -> list[Wish]:
        """What those of the tree from before asked; what is the same in both was read already."""
        return self._wishes(self._spoke)

    def loose(self) -> list[Finding]:
        """Names that a changed file reads, and that nothing in it binds any more."""
        return [finding for _, look in self._results for finding in look.loose]

    def _wishes(self, texts: Sequence[_Text]) -> list[Wish]:
        missing = dict.fromkeys(text for text in texts if text not in self._found)
        for item, look in islice(self._results, len(missing)):
            assert isinstance(item, _Text)
            self._found[item] = look.wishes
        return [wish for text in texts for wish in self._found[text]]

    def _look(self, item: _Text | _Pair) -> _Look:
        if isinstance(item, _Pair):
            return _Look(loose=list(self._compared(item)))
        path, data = item.path, _read(self._where[item], item.path)
        python = path.endswith(_PYTHON)
        found = wishes(path, data, item.module, item.package) if python else words_in_text(path, data)
        found = [wish for wish in found if self._renaming.touches(wish.request.dotted)]
        # All chains of a file need the same; kept is what leads to moving code.
        needs = {n: tuple(filter(self._renaming.leads, n)) for n in {w.request.needs for w in found}}
        return _Look([Wish(replace(w.request, needs=needs[w.request.needs]), path, w.line) for w in found])

    def _compared(self, pair: _Pair) -> Iterator[Finding]:
        data, data_before = _read(self._now, pair.path), _read(self._before, pair.old)
        if same_names(data, data_before):
            return
        missing = unbound(data)
        gone = missing.keys() - (unbound(data_before) if missing else {}).keys()
        readings = ("a name whose import was rewritten, and this use was not", "a name that is bound at run time")
        for name in gone:
            hint = f"import {name} here"
            yield Finding(pair.path, missing[name], "second-opinion.unbound", name, readings, hint, "error")

    def _texts(self, side: Side, apart: Collection[str] = ()) -> Iterator[_Text]:
        """The files that may ask for moving code, but for those of which it is known that they do not."""
        renaming = self._renaming
        moved = {*renaming.paths.keys(), *renaming.paths.values()}
        came_from = {new: old for old, new in renaming.paths.items()}
        for path in self._files(side, (*_PYTHON, *_SETTINGS), apart):
            data = _read(side, path)
            if not self._words.search(data) and path not in moved:
                continue
            state = hashlib.sha256(data).digest()
            if not path.endswith(_PYTHON):
                yield _Text(path, state)
                continue
            # Where a moved file lies, two import roots may hold it; its name is what became of the old one.
            module, package = module_name(came_from.get(path, path), side.roots)
            yield _Text(path, state, renaming.new(module) if path in came_from else module, package)

    def _files(self, side: Side, suffixes: tuple[str, ...], apart: Collection[str]) -> Iterator[str]:
        patterns = [p for pattern in self._renaming.exclude for p in (pattern, pattern.removesuffix("/**") + "/*")]
        for path in side.files:
            wanted = path.endswith(suffixes) and path not in apart and not path.endswith(_HIDDEN)
            if wanted and not any(fnmatch(path, p) for p in patterns) and os.path.isfile(side.place(path)):
                yield path


def _read(side: Side, path: str) -> bytes:
    """The file without the block that stands in for old submodules, which names them on purpose."""
    with open(side.place(path), "rb") as file:
        return blanked(file.read())


def _inside(names: Iterable[str]) -> re.Pattern[str]:
    """Matches the longest of these names that a dotted one is or lies in; asked for every name of both trees."""
    longest = sorted(names, key=len, reverse=True)
    return re.compile(rf"(?:{'|'.join(map(re.escape, longest))})(?=\.|\Z)")


def within(name: str, outer: str) -> bool:
    """Whether a dotted name is another one or lies in it."""
    return name == outer or name.startswith(outer + ".")
