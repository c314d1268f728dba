"""The questions that `init` asks where somebody is there to answer; each says what was guessed, and why.

Knows neither terminal nor file: `ask` gives an answer (None when there is no more input: then the guesses stand), `say`
shows a line.  What was answered wrongly is said, and asked again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TypeVar

from .guess import Candidate, Guess
from .plan import is_dotted

Ask = Callable[[str], str | None]
Say = Callable[[str], None]
T = TypeVar("T")


class _NoMore(Exception):
    """The input has ended: what is left stays as guessed."""


def ask_about(found: Guess, ask: Ask, say: Say, today: dt.date) -> Guess:
    """The guesses, corrected by the answers; an empty answer takes the guess."""
    asker = _Asker(ask, say)
    try:
        say(f"Packages are imported from these folders: {found.why['import-roots']}.")
        chosen = _what_moves(found, asker)
        found.moves = [(candidate, _new_name(candidate, asker)) for candidate in chosen]
        say(f"The gate must pass before and after every stage. {found.why['tests']}.")
        found.gate = asker.text("Command that shows that the code works", found.gate)
        say("Old names go on working through shims, which warn, until a day that you choose.")
        found.remove_by = asker.date("Last day of the shims", _half_a_year_after(today), today)
        say(f"The warning names somebody to ask: {found.why['owner']}.")
        found.owner = asker.text("Owner of the shims", found.owner or "the maintainers")
    except _NoMore:
        say("no more input: the rest stays as guessed")
    return found


def _what_moves(found: Guess, asker: _Asker) -> list[Candidate]:
    if not found.candidates:
        asker.say("No package was found at the import roots; correct them in the plan file.")
        return [candidate for candidate, _ in found.moves]
    asker.say("Packages and modules here, and how many files import each:")
    for number, candidate in enumerate(found.candidates[:20], 1):
        ships = f", shipped by {candidate.distribution}" if candidate.distribution else ""
        asker.say(f"  {number:2}  {candidate.name}  ({candidate.path}, {candidate.users} files{ships})")
    if len(found.candidates) > 20:
        asker.say(f"      and {len(found.candidates) - 20} more, which can be named")
    by_name = {c.name: c for c in found.candidates}

    def understood(text: str) -> list[Candidate] | str:
        out = []
        for word in text.replace(",", " ").split():
            if word.isdigit() and 1 <= int(word) <= len(found.candidates):
                out.append(found.candidates[int(word) - 1])
            elif word in by_name:
                out.append(by_name[word])
            elif is_dotted(word) and word.split(".")[0] in by_name:
                out.append(Candidate(word, "", by_name[word.split(".")[0]].users))
            else:
                return f"{word!r} is none of them"
        return out or "name at least one"

    return asker.value("Which move? Numbers or names, also of submodules such as pkg.http", "1", understood)


def _new_name(candidate: Candidate, asker: _Asker) -> str:
    def understood(text: str) -> tuple[str] | str:
        if not is_dotted(text):
            return f"{text!r} is no dotted import name"
        if text == candidate.name or text.startswith(f"{candidate.name}."):
            return f"a shim at {candidate.name} would hide {text}"
        return (text,)

    proposal = f"libs.{candidate.name.rpartition('.')[2]}"
    return asker.value(f"New import name of {candidate.name}", proposal, understood)[0]


def _half_a_year_after(day: dt.date) -> dt.date:
    month = day.month + 6
    year, month = (day.year + 1, month - 12) if month > 12 else (day.year, month)
    return dt.date(year, month, min(day.day, 28))


class _Asker:
    def __init__(self, ask: Ask, say: Say) -> None:
        self._ask, self.say = ask, say

    def text(self, question: str, default: str) -> str:
        given = self._ask(f"{question} [{default}]: ")
        if given is None:
            raise _NoMore
        return given.strip() or default

    def value(self, question: str, default: str, understood: Callable[[str], T | str]) -> T:
        """Ask until the answer is understood; a text from `understood` says what is wrong with it."""
        while True:
            result = understood(self.text(question, default))
            if not isinstance(result, str):
                return result
            self.say(f"  {result}")

    def date(self, question: str, default: dt.date, today: dt.date) -> dt.date:
        while True:
            text = self.text(f"{question}, YYYY-MM-DD", default.isoformat())
            try:
                day = dt.date.fromisoformat(text)
            except ValueError:
                self.say(f"{text!r} is no date such as {default.isoformat()}")
                continue
            if day > today:
                return day
            self.say(f"{text} is past")
