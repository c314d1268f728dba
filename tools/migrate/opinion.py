"""The second opinion: whether anything was missed, asked of two interpreters and of no scanner.

Every import statement, every chain of attributes through an import and every dotted name in a string that touches the
moving code is executed in the tree from before the move, and in the tree as it is now, where the old names are barred.
What led somewhere before and leads nowhere now, names that nothing binds any more, and strings that still hold a name
which was one are findings; what failed before (a library that is not installed) is none.  Only modules that move, and
the packages above them, are executed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Protocol

from tools.migrate.model import Finding
from tools.migrate.sides import Reading, Renaming, Side, within
from tools.migrate.statements import Request, Wish, module_name
from tools.migrate.syntax import no_collector
from tools.migrate.witness import Answer, Witness, ask

_CONFIRMED = 40  # failures that are asked once more, each alone: a circular import may depend on what came before


class Partial(Protocol):
    """The tree from before, of which only the changed files are there until more is needed."""

    @property
    def changed(self) -> Collection[str]: ...  # paths that the two trees have differently

    def write(self, moving: Iterable[str]) -> None: ...

    def lacks(self, errors: Iterable[str]) -> bool: ...

    def write_rest(self) -> None: ...


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
    doubtful: bool = False,
) -> list[Finding]:
    """Where the two trees disagree, sorted by place.  `shims` are files that are there for old names only.

    Without `old` the tree from before is whole.  Files are read by `jobs` processes where that pays.  Where it is
    `doubtful` that all imports succeed, the tree from before is got ready while the other one is asked.
    """
    left_out = set(shims)
    now = Side(after.root, [p for p in after.files if p not in left_out], after.roots)
    barred = _modules(before) - _modules(now)
    barred = {name for name in barred if any(within(name, moved) for moved in renaming.names)}
    key = _key(renaming, barred)
    with no_collector():
        reading = Reading(before, now, renaming, old.changed if old else None, jobs)
        second = _Asked(now, reading.now())
        strings = {w.request for w in second.wishes if w.request.kind == "string" and _is_old(w.request.dotted, barred)}
        asked_now = {w.request for w in second.wishes} - strings
        with Witness(
            python, now.root, now.roots, sorted(asked_now, key=key), barred=barred, timeout=timeout
        ) as asked:  # fmt: skip
            first, loose = _Asked(before, reading.before()), reading.loose()
            asked_before = sorted({w.request for w in first.wishes} | strings, key=key)
            early = None
            if strings or doubtful:
                early = _witness_of_before(python, before, renaming, asked_before, old, timeout, asked)
            with early or nullcontext():
                second.answers = asked.answers()
                if strings or _is_open(first, second, renaming, key):
                    early = early or _witness_of_before(python, before, renaming, asked_before, old, timeout)
                    first.answers = _ask_before(python, before, asked_before, old, timeout, early)
    found = [*_broken(python, first, second, key, barred, timeout), *_lost(first, second, renaming)]
    found += _left_in_strings(first, second, barred, renaming)
    return sorted({*found, *loose})


def _is_open(first: _Asked, second: _Asked, renaming: Renaming, key: Callable[[Request], tuple[str, str]]) -> bool:
    """Whether it makes a difference what the tree from before says.  Mostly all is found, and then it does not."""
    known = {key(w.request) for w in first.wishes}
    failed = any(not second.led(w).found and key(w.request) in known for w in second.wishes)
    return failed or any(True for _ in _missing(first, second, renaming))


def _witness_of_before(
    python: str,
    before: Side,
    renaming: Renaming,
    requests: list[Request],
    old: Partial | None,
    timeout: float,
    after: Witness | None = None,
) -> Witness:
    if old:
        old.write(renaming.paths)
    return Witness(python, before.root, before.roots, requests, timeout=timeout, after=after)


def _ask_before(
    python: str, before: Side, requests: list[Request], old: Partial | None, timeout: float, asked: Witness
) -> dict[Request, Answer]:
    with asked:
        answers = asked.answers()
    if old and old.lacks(a.text for a in answers.values() if not a.found):
        old.write_rest()
        answers = ask(python, before.root, before.roots, requests, timeout=timeout)
    return answers


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
    errors_before = {answer.text for answer in first.answers.values() if not answer.found}
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
            if answer.text not in errors_before:  # else a library is missing here, as it was then
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


def _missing(first: _Asked, second: _Asked, renaming: Renaming) -> Iterator[tuple[Wish, str, set[str]]]:
    """(what a file imported before, its path now, what it imports now) where the renamed name is none of those."""
    got: dict[str, set[str]] = {}
    for wish in second.wishes:
        if second.led(wish).found:
            got.setdefault(wish.path, set()).update((second.led(wish).text, wish.request.dotted))
    complete = {w.path for w in second.wishes} - {
        w.path for w in second.wishes if w.request.kind == "import" and not second.led(w).found
    }
    for wish in first.wishes:
        path = renaming.paths.get(wish.path, wish.path)
        found = got.get(path, set())
        if wish.request.kind == "import" and path in complete and renaming.new(wish.request.dotted) not in found:
            yield wish, path, found


def _lost(first: _Asked, second: _Asked, renaming: Renaming) -> Iterable[Finding]:
    """What a file got by its imports before, and does not get by any import now."""
    for wish, path, found in _missing(first, second, renaming):
        answer = first.led(wish)
        # The same name may lead to another object: one that is compiled here, and was not in the tree from before.
        if answer.found and renaming.text(answer.text) not in found:
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


__all__ = ["Partial", "Renaming", "Side", "second_opinion"]
