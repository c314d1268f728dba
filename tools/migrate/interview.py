"""Asks a person about the places that were listed for one: accept a reading, leave it, or edit it by hand.

Knows neither terminal nor file: `ask` gives an answer (None when there is no more input), `say` shows a line.  What
comes out are decisions; whoever called writes them down, so that nobody is asked twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .decisions import Answer, Decision, Decisions, changes, replacement
from .layout import Layout
from .model import Finding
from .rules import rule
from .tree import Lines, Tree

Ask = Callable[[str], str | None]
Say = Callable[[str], None]

HELP = """\
  1, 2, ...   this reading is right. Where it says what the tool will write, the next stages write it
  s           leave it as it is; it is listed no more
  e           you will edit it by hand; it stays on the list, and is not asked about again
  w TEXT      leave it as it is, and keep TEXT as the reason
  all         behind one of these: the same answer wherever the same rule lists the same text
  enter       not now: the next run asks again
  q           stop here"""


@dataclass(frozen=True, slots=True)
class Question:
    """One place, with the readings that may be chosen and what the tool would write for each ("" for nothing)."""

    finding: Finding
    source: str
    readings: tuple[tuple[str, str], ...]

    def decided(self, answer: Answer, reading: str = "", to: str = "", why: str = "") -> Decision:
        f = self.finding
        return Decision(f.path, f.line, f.rule, f.text, self.source.strip(), answer, reading, to, why)


def questions(findings: Sequence[Finding], decisions: Decisions, tree: Tree, layout: Layout) -> list[Question]:
    """What nobody has decided yet, in the order of the files.  Notes are no questions."""
    out = []
    for finding in sorted(findings, key=lambda f: (f.path, f.line, f.column)):
        text = tree.text(finding.path) if finding.path in tree else None
        lines = Lines(text.body) if text else None
        source = lines.text(finding.line) if lines and 1 <= finding.line <= len(lines.starts) else ""
        if finding.severity != "note" and decisions.of(finding, source, layout) is None:
            readings = tuple((r, replacement(finding, r, source)) for r in finding.readings)
            out.append(Question(finding, source, readings))
    return out


def interview(listed: Sequence[Question], ask: Ask, say: Say) -> list[Decision]:
    """Ask about each place, until there is no more input or the person stops."""
    out: list[Decision] = []
    settled: dict[tuple[str, str], Decision] = {}
    for number, question in enumerate(listed, 1):
        same = (question.finding.rule, question.finding.text)
        if same in settled and (again := _again(question, settled[same])) is not None:
            out.append(again)
            continue
        show(question, say)
        while True:
            given = ask(f"{number} of {len(listed)} [1-{len(question.readings)}, s, e, w, q, ?] ")
            if given is None or given.strip() == "q":
                return out
            if not given.strip():
                break
            words = given.split()
            everywhere = len(words) > 1 and words[-1] == "all"
            decision = _understood(question, words[:-1] if everywhere else words)
            if decision is None:
                say(HELP if words == ["?"] else f"  {given.strip()!r} is no answer here; ? says which are")
                continue
            out.append(decision)
            if everywhere:
                settled[same] = decision
            if decision.answer == "by-hand":
                say(f"{question.finding.place}: edit this, commit it, and run '--stage design' again")
            break
    return out


def show(question: Question, say: Say) -> None:
    finding = question.finding
    say(f"{finding.place}: {finding.severity}: {finding.text} [{finding.rule}]")
    if question.source.strip():
        say(f"    {question.source.strip()}")
    say(f"  {rule(finding.rule).about}")
    for number, (reading, to) in enumerate(question.readings, 1):
        say(f"  {number}  {reading}  ({_follows(reading, to)})")
    if finding.hint:
        say(f"  hint: {finding.hint}")


def _follows(reading: str, to: str) -> str:
    """What comes of it when a reading is accepted."""
    return f"the tool writes {to}" if to else "you edit it by hand" if changes(reading) else "nothing is changed"


def _understood(question: Question, words: Sequence[str]) -> Decision | None:
    match list(words):
        case [text] if text.isdigit() and 1 <= int(text) <= len(question.readings):
            reading, to = question.readings[int(text) - 1]
            return question.decided("change" if to else "by-hand" if changes(reading) else "keep", reading, to)
        case ["s"]:
            return question.decided("keep")
        case ["e"]:
            return question.decided("by-hand")
        case ["w", *reason] if reason:
            return question.decided("keep", why=" ".join(reason))
    return None


def _again(question: Question, like: Decision) -> Decision | None:
    """The same answer for another place; None where it would not mean the same."""
    if like.answer != "change":
        return question.decided(like.answer, like.reading, why=like.why)
    found = next((to for reading, to in question.readings if reading == like.reading and to == like.to), None)
    return question.decided("change", like.reading, like.to) if found else None
