"""The second opinion: whether anything was missed, asked of two interpreters and of no scanner.

Every import statement, every chain of attributes through an import and every dotted name in a string that touches the
moving code is executed in the tree from before the move, and in the tree as it is now, where the old names are barred.
What led somewhere before and leads nowhere now, names that nothing binds any more, and strings that still hold a name
which was one are findings; what failed before (a library that is not installed) is none.  Only modules that move, and
the packages above them, are executed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Protocol

from tools.migrate.model import Finding
from tools.migrate.processes import each
from tools.migrate.statements import Request, Wish, module_name, unbound, wishes, words_in_text
from tools.migrate.submodules import blanked
from tools.migrate.syntax import no_collector
from tools.migrate.witness import Answer, ask

_PYTHON = (".py", ".pyi", ".pyw", ".ipynb")
_SETTINGS = (".toml", ".cfg", ".ini", ".yaml", ".yml", ".json", ".conf")
_HIDDEN = ("migration.lock", "migration.toml")
_CONFIRMED = 40  # failures that are asked once more, each alone: a circular import may depend on what came before


@dataclass(frozen=True)
class Side:
    """One of the two trees: its folder, its tracked files, its import roots, and where those lie that are not there."""

    root: Path
    files: Sequence[str]
    roots: Sequence[str]
    rest: Path | None = None

    def place(self, path: str) -> Path:
        here = self.root / path
        return here if self.rest is None or here.is_file() else self.rest / path


class Partial(Protocol):
    """The tree from before, of which only a part was written out."""

    @property
    def changed(self) -> Collection[str]: ...  # paths that the two trees have differently

    def lacks(self, errors: Iterable[str]) -> bool: ...

    def write_rest(self) -> None: ...


@dataclass(frozen=True)
class Renaming:
    """The plan's moves as prefixes of dotted names, and where each file went."""

    names: Mapping[str, str]
    paths: Mapping[str, str]
    exclude: Sequence[str] = ()

    def new(self, dotted: str) -> str:
        """The name after the move of what was called `dotted` before it."""
        old = max((o for o in self.names if _within(dotted, o)), key=len, default="")
        return self.names[old] + dotted[len(old) :] if old else dotted

    def touches(self, dotted: str) -> bool:
        return any(_within(dotted, n) for pair in self.names.items() for n in pair)

    def text(self, text: str) -> str:
        """`text` with each dotted name in it as it is afterwards."""
        return re.sub(r"[^\W\d]\w*(?:\.\w+)*", lambda m: self.new(m.group()), text)


@dataclass
class _Asked:
    """What one tree's files want, and what they got."""

    side: Side
    wishes: list[Wish] = field(default_factory=list)
    answers: dict[Request, Answer] = field(default_factory=dict)

    def led(self, wish: Wish) -> Answer:
        return self.answers.get(wish.request, Answer(False, "not asked"))


def second_opinion(
    python: str,
    before: Side,
    after: Side,
    renaming: Renaming,
    shims: Iterable[str] = (),
    *,
    old: Partial | None = None,
    timeout: float = 60,
    jobs: int = 1,
) -> list[Finding]:
    """Where the two trees disagree, sorted by place.  `shims` are files that are there for old names only.

    Without `old` the tree from before is whole.  Files are read by `jobs` processes where that pays.
    """
    left_out = set(shims)
    now = Side(after.root, [p for p in after.files if p not in left_out], after.roots)
    barred = _modules(before) - _modules(now)
    barred = {name for name in barred if any(_within(name, old) for old in renaming.names)}
    # Whoever gets at a module from outside of it writes the last part of its name.
    ends = {name.rpartition(".")[2] for pair in renaming.names.items() for name in pair}
    words = re.compile(b"|".join(re.escape(w.encode()) for w in sorted(ends)))
    with no_collector():
        changed = old.changed if old else None
        wanted = _wishes(before, now, renaming, words, changed, jobs)
    first, second = _Asked(before, wanted[0]), _Asked(now, wanted[1])
    key = _key(renaming, barred)
    strings = {w.request for w in second.wishes if w.request.kind == "string" and _is_old(w.request.dotted, barred)}
    asked_before = {w.request for w in first.wishes} | strings
    first.answers = ask(python, before.root, before.roots, sorted(asked_before, key=key), timeout=timeout)
    if old and old.lacks(a.text for a in first.answers.values() if not a.found):
        old.write_rest()
        first.answers = ask(python, before.root, before.roots, sorted(asked_before, key=key), timeout=timeout)
    asked_now = {w.request for w in second.wishes} - strings
    second.answers = ask(python, now.root, now.roots, sorted(asked_now, key=key), barred=barred, timeout=timeout)
    found = [*_broken(python, first, second, key, barred, timeout), *_lost(first, second, renaming)]
    found += _left_in_strings(first, second, barred, renaming)
    with no_collector():
        found += _unbound(before, now, renaming, changed, jobs)
    return sorted(set(found))


@dataclass(frozen=True)
class _Text:
    """A file to be read: `state` is the hash of its content.  Two with the same ask the same."""

    path: str
    state: bytes
    module: str = ""
    package: bool = False


def _wishes(
    before: Side, now: Side, renaming: Renaming, words: re.Pattern[bytes], changed: Collection[str] | None, jobs: int
) -> list[list[Wish]]:
    """What the files of each tree ask of moving code; one that is the same in both is read once."""
    speaking = list(_texts(now, renaming, words))
    known = {text.path for text in speaking}
    apart = {p for p in now.files if p not in known and p not in changed} if changed is not None else set()
    listed = [list(_texts(before, renaming, words, apart)), speaking]
    where = {text: side for side, texts in zip((before, now), listed, strict=True) for text in texts}

    def read(text: _Text) -> list[Wish]:
        path, data = text.path, _read(where[text], text.path)
        python = path.endswith(_PYTHON)
        found = wishes(path, data, text.module, text.package) if python else words_in_text(path, data)
        return [_without_others(wish, renaming) for wish in found if renaming.touches(wish.request.dotted)]

    found = dict(zip(where, each(read, list(where), jobs), strict=True))
    return [[wish for text in texts for wish in found[text]] for texts in listed]


def _texts(
    side: Side, renaming: Renaming, words: re.Pattern[bytes], apart: Collection[str] = ()
) -> Iterator[_Text]:
    """The files that may ask for moving code, but for those of which it is known that they do not."""
    moved = {*renaming.paths.keys(), *renaming.paths.values()}
    came_from = {new: old for old, new in renaming.paths.items()}
    for path in _files(side, renaming, (*_PYTHON, *_SETTINGS)):
        if path in apart:
            continue
        data = _read(side, path)
        if not words.search(data) and path not in moved:
            continue
        state = hashlib.sha256(data).digest()
        if not path.endswith(_PYTHON):
            yield _Text(path, state)
            continue
        # Where a moved file lies, two import roots may hold it; its name is what became of the old one.
        module, package = module_name(came_from.get(path, path), side.roots)
        yield _Text(path, state, renaming.new(module) if path in came_from else module, package)


def _without_others(wish: Wish, renaming: Renaming) -> Wish:
    request = wish.request
    needs = tuple(n for n in request.needs if renaming.touches(n)) if request.kind == "chain" else ()
    return Wish(Request(request.kind, request.module, request.names, needs), wish.path, wish.line)


def _broken(
    python: str,
    first: _Asked,
    second: _Asked,
    key: Callable[[Request], tuple[str, str]],
    barred: set[str],
    timeout: float,
) -> Iterable[Finding]:
    """Imports and chains that lead nowhere now; those that led nowhere before are left out."""
    failed_before = {key(r) for r, answer in first.answers.items() if not answer.found}
    worked_before = {key(r) for r, answer in first.answers.items() if answer.found}
    confirmed: dict[Request, Answer] = {}
    deeper: dict[str, list[Wish]] = {}  # what went wrong in a module that the import led to -> where that shows
    for wish in second.wishes:
        request, answer = wish.request, second.led(wish)
        if answer.found or (key(request) in failed_before and key(request) not in worked_before):
            continue
        if request.kind == "string" and (_is_old(request.dotted, barred) or key(request) not in worked_before):
            continue
        if request not in confirmed and len(confirmed) < _CONFIRMED:
            side = second.side
            confirmed |= ask(python, side.root, side.roots, [request], barred=barred, timeout=timeout)
        answer = confirmed.get(request, answer)
        if answer.found:
            continue
        if not _is_about(answer.text, request):
            deeper.setdefault(answer.text, []).append(wish)
            continue
        new = key(request)[1]
        yield _nowhere(wish, answer.text, f"it should be {new}" if new != request.dotted else "")
    for text, found in deeper.items():
        more = f"the same in {len(found) - 1} other places" if found[1:] else ""
        yield _nowhere(next((w for w in found if w.request.kind != "string"), found[0]), text, more)


def _nowhere(wish: Wish, text: str, hint: str) -> Finding:
    what = {"import": "this import", "chain": "this name", "string": "the name in this string"}[wish.request.kind]
    return Finding(
        wish.path,
        wish.line,
        "second-opinion.broken",
        f"{wish.request.dotted}: {text}",
        (f"{what} leads nowhere once the old names are gone", "it is never reached"),
        hint or "look at what it names now",
        "warning" if wish.request.kind == "string" else "error",
    )


def _is_about(text: str, request: Request) -> bool:
    """Whether an error is about what was asked for, and not about something that a module on the way needs."""
    parts = request.dotted.split(".")
    return any(f"'{'.'.join(parts[: n + 1])}'" in text for n in range(len(parts)))


def _lost(first: _Asked, second: _Asked, renaming: Renaming) -> Iterable[Finding]:
    """What a file got by its imports before, and does not get by any import now."""
    got: dict[str, set[str]] = {}
    for wish in second.wishes:
        if second.led(wish).found:
            got.setdefault(wish.path, set()).update((second.led(wish).text, wish.request.dotted))
    complete = {w.path for w in second.wishes} - {
        w.path for w in second.wishes if w.request.kind == "import" and not second.led(w).found
    }
    for wish in first.wishes:
        path, answer = renaming.paths.get(wish.path, wish.path), first.led(wish)
        if wish.request.kind != "import" or not answer.found or path not in complete:
            continue
        # The same name may lead to another object: one that is compiled here, and was not in the tree from before.
        if not {renaming.text(answer.text), renaming.new(wish.request.dotted)} & got.get(path, set()):
            readings = (f"before: {answer.text}", "nothing that this file imports now")
            text = f"{wish.request.dotted} was imported here"
            yield Finding(path, wish.line, "second-opinion.lost", text, readings, "compare the imports", "warning")


def _left_in_strings(first: _Asked, second: _Asked, barred: set[str], renaming: Renaming) -> Iterable[Finding]:
    """Strings and settings that still hold an old name, which did lead to something before."""
    for wish in second.wishes:
        request = wish.request
        if request.kind == "string" and _is_old(request.dotted, barred) and first.led(wish).found:
            readings = (f"{first.led(wish).text}, now {renaming.new(request.dotted)}", "a text that only looks like it")
            yield Finding(wish.path, wish.line, "second-opinion.string", request.dotted, readings, "", "warning")


def _unbound(
    before: Side, after: Side, renaming: Renaming, changed: Collection[str] | None, jobs: int
) -> Iterable[Finding]:
    """Names that a changed file reads, and that nothing in it binds any more."""
    came_from, known = {new: old for old, new in renaming.paths.items()}, set(before.files)

    def look(path: str) -> list[Finding]:
        old = came_from.get(path, path)
        data, data_before = _read(after, path), _read(before, old) if old in known else b""
        if old not in known or data == data_before:
            return []
        missing = unbound(data)
        gone = missing.keys() - (unbound(data_before) if missing else {}).keys()
        readings = ("a name whose import was rewritten, and this use was not", "a name that is bound at run time")
        return [
            Finding(path, missing[name], "second-opinion.unbound", name, readings, f"import {name} here", "error")
            for name in gone
        ]

    files = [p for p in _files(after, renaming, (".py",)) if changed is None or p in changed]
    for found in each(look, files, jobs):
        yield from found


def _files(side: Side, renaming: Renaming, suffixes: tuple[str, ...]) -> Iterable[str]:
    for path in side.files:
        left_out = any(fnmatch(path, p) or fnmatch(path, p.removesuffix("/**") + "/*") for p in renaming.exclude)
        wanted = path.endswith(suffixes) and not path.endswith(_HIDDEN) and not left_out
        if wanted and side.place(path).is_file():
            yield path


def _read(side: Side, path: str) -> bytes:
    """The file without the block that stands in for old submodules, which names them on purpose."""
    return blanked(side.place(path).read_bytes())


def _modules(side: Side) -> set[str]:
    """Every module and package of the tree by each name that it can have, packages without an `__init__` included."""
    found: set[str] = set()
    for path in side.files:
        if path.endswith((".py", ".pyx", ".so")):
            for root in side.roots:
                name = module_name(path, [root])[0] if root == "." or path.startswith(f"{root}/") else ""
                while name and name not in found:
                    found.add(name)
                    name = name.rpartition(".")[0]
    return found


def _key(renaming: Renaming, barred: set[str]) -> Callable[[Request], tuple[str, str]]:
    """The same for a request from before the move and the one that it became."""

    def key(request: Request) -> tuple[str, str]:
        dotted = request.dotted
        new = renaming.new(dotted)
        return request.kind, new if _is_old(dotted, barred) else dotted

    return key


def _is_old(dotted: str, barred: set[str]) -> bool:
    parts = dotted.split(".")
    return any(".".join(parts[: n + 1]) in barred for n in range(len(parts)))


def _within(name: str, outer: str) -> bool:
    return name == outer or name.startswith(outer + ".")
