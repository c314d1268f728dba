"""What persons have decided about places that the tool could not judge: one TOML file beside the plan, kept in git.

Owns the file's format, and when a decision is about a finding: same file (at its old or new path), rule and text, and
the same line, but for names that the migration itself has changed in it.  So an answer outlives other edits of the
file, and is asked for again when the line it was given for is another one.  Knows no git and asks nobody.

A decision is one of three: "change" (the tool writes `to`), "keep" (it stays as it is, and is listed no more),
"by-hand" (a person will edit it; it stays on the list, and nobody is asked again).
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import string
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from .layout import Layout
from .model import Edit, Finding, PlanError
from .tree import Lines

Answer = Literal["change", "keep", "by-hand"]
SCHEMA = 1
# Kinds of places whose text the tool can replace, because the finding's text is what stands there.
_REPLACEABLE = ("string.", "path.", "distribution.")
_NOW = re.compile(r", now (?P<new>\S+)$")
_AROUND = "".join(c for c in string.punctuation if c != "_")
_HEAD = """\
# What persons have decided about the places that the migration {name!r} lists for them.
# `migrate --stage design --interactive` asks and writes it; edit it as you like, and commit it with the plan file.
# answer: "change" writes `to` there, "keep" leaves the place alone, "by-hand" means that a person will edit it.
"""


@dataclass(frozen=True, slots=True, order=True)
class Decision:
    """`line` is where it was; it is not compared.  `source` is the text of that line."""

    path: str
    line: int
    rule: str
    text: str
    source: str
    answer: Answer
    reading: str = ""
    to: str = ""
    why: str = ""

    @property
    def words(self) -> str:
        """The decision in a few words."""
        what = {"change": f"changed to {self.to}", "keep": "left as it is", "by-hand": "to be edited by hand"}
        return ": ".join(part for part in (what[self.answer], self.why or self.reading) if part)


_KEYS: dict[str, type] = {
    "path": str,
    "line": int,
    "rule": str,
    "text": str,
    "source": str,
    "answer": str,
    "reading": str,
    "to": str,
    "why": str,
}
_REQUIRED = ("path", "rule", "text", "source", "answer")


@dataclass(frozen=True, slots=True)
class Decisions:
    """All decisions of one migration."""

    entries: tuple[Decision, ...] = ()

    @property
    def digest(self) -> str:
        """A hash of what changes a plan; "" where there is nothing."""
        if not self.entries:
            return ""
        told = sorted([d.path, d.rule, d.text, d.source, d.answer, d.to] for d in self.entries)
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def of(self, finding: Finding, source: str, layout: Layout) -> Decision | None:
        """The decision about this finding, on a line that reads `source`."""
        for decision in self.entries:
            if (
                decision.rule == finding.rule
                and finding.path in (decision.path, layout.new_path(decision.path), _moved(layout, decision.path))
                and as_after(decision.text, layout) == as_after(finding.text, layout)
                and as_after(decision.source, layout) == as_after(source.strip(), layout)
            ):
                return decision
        return None

    def with_others(self, new: Iterable[Decision]) -> Decisions:
        """These and `new`, of which the later one of two about the same place stands; in a fixed order."""
        by_place = {(d.path, d.rule, d.text, d.source): d for d in (*self.entries, *new)}
        return Decisions(tuple(sorted(by_place.values(), key=lambda d: (d.path, d.line, d.rule, d.text, d.source))))


NONE = Decisions()


def _moved(layout: Layout, path: str) -> str:
    return layout.old_to_new_path(path) or path


def as_after(text: str, layout: Layout) -> str:
    """A line with every moving name as it is after the move: the tool's own edits make no other line of it."""
    return re.sub(r"(?<![\w.])[^\W\d]\w*(?:\.[^\W\d]\w*)*", lambda m: layout.new_module(m[0]) or m[0], text)


def place_of(plan: Path) -> Path:
    """The file of decisions that belongs to a plan file."""
    return plan.with_name(f"{plan.stem}.decisions.toml")


def settle(
    findings: Sequence[Finding], decisions: Decisions, layout: Layout, edits: dict[str, list[Edit]]
) -> tuple[list[Finding], list[tuple[Finding, Decision]]]:
    """What is still open, and what is decided; where the answer is "change", an edit is added to `edits`.

    An edit that cannot be made as it was decided leaves its finding on the list.
    """
    if not decisions.entries:
        return list(findings), []
    left: list[Finding] = []
    decided: list[tuple[Finding, Decision]] = []
    for finding in findings:
        text = layout.tree.text(finding.path) if finding.path in layout.tree else None
        lines = Lines(text.body) if text else None
        decision = decisions.of(finding, _source(lines, finding.line), layout)
        if decision is None or decision.answer == "by-hand":
            left.append(finding)
            continue
        if decision.answer == "change":
            edit = _edit(lines, finding, decision)
            taken = edits.get(finding.path, [])
            if edit is None or any(e.start < edit.end and edit.start < e.end for e in taken):
                left.append(finding)
                continue
            edits[finding.path] = sorted([*taken, edit])
        decided.append((finding, decision))
    return left, decided


def replacement(finding: Finding, reading: str, source: str) -> str:
    """What the tool would write for this reading; "" where it cannot, or where nothing changes by it."""
    found = _NOW.search(reading)
    at = finding.column - 1
    there = finding.column and source[at : at + len(finding.text)] == finding.text
    whole = found is not None and _form(found["new"]) == _form(finding.text)
    return found["new"] if found and whole and there and finding.rule.startswith(_REPLACEABLE) else ""


def _form(text: str) -> tuple[str, str, bool]:
    """What stays of a text that gets another name: a reading may tell the name alone, of `"a." + b` or of `/a/b`."""
    name = text.strip(_AROUND) or text
    return text.partition(name)[0], text.rpartition(name)[2], ":" in name


def changes(reading: str) -> bool:
    """Whether something has to be written where this reading is right."""
    return _NOW.search(reading) is not None


def _edit(lines: Lines | None, finding: Finding, decision: Decision) -> Edit | None:
    if lines is None or not finding.column or finding.line > len(lines.starts):
        return None
    start = lines.starts[finding.line - 1] + finding.column - 1
    end = start + len(finding.text)
    if lines.body[start:end] != finding.text or not decision.to:
        return None
    stage = 3 if finding.rule.startswith("path.") else 4
    reason = decision.why or f"decided: {decision.reading}"
    return Edit(start, end, finding.text, decision.to, finding.line, stage, "decided", reason)


def _source(lines: Lines | None, line: int) -> str:
    return lines.text(line).strip() if lines and 1 <= line <= len(lines.starts) else ""


# the file


def render(decisions: Decisions, name: str) -> str:
    """The text of the file; equal decisions give equal bytes."""
    parts = [_HEAD.format(name=name) + f"schema = {SCHEMA}\nmigration = {json.dumps(name)}\n"]
    for decision in decisions.entries:
        rows = "".join(f"{key} = {_toml(value)}\n" for key, value in asdict(decision).items() if value not in ("", 0))
        if not decision.source:
            rows += 'source = ""\n'
        parts.append(f"[[decision]]\n{rows}")
    return "\n".join(parts)


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def read(place: Path, name: str) -> Decisions:
    """The decisions in a file; none if there is no file.  Raises PlanError for anything unexpected."""
    try:
        text = place.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return Decisions()
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"the decisions cannot be read: {error}", where=str(place)) from None
    return parse(text, str(place), name)


def parse(text: str, where: str, name: str) -> Decisions:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"not valid TOML: {error}", where=where) from None
    known = ("schema", "migration", "decision")
    for key in document:
        if key not in known:
            raise PlanError(f"unknown key {key!r}", where=_at(text, where, key), next_step=_nearest(key, known))
    if document.get("schema") != SCHEMA:
        raise PlanError(f"schema {document.get('schema')!r} is not known", where=where, next_step=f"write {SCHEMA}")
    if document.get("migration") != name:
        what = f"these are decisions of {document.get('migration')!r}, not of {name!r}"
        raise PlanError(what, where=_at(text, where, "migration"), next_step="name the other plan file with --plan")
    entries = document.get("decision", [])
    if not isinstance(entries, list):
        raise PlanError("'decision' must be tables", where=_at(text, where, "decision"), next_step="write [[decision]]")
    return Decisions(tuple(_decision(entry, number, text, where) for number, entry in enumerate(entries)))


def _decision(entry: dict[str, Any], number: int, text: str, where: str) -> Decision:
    heads = [i for i, line in enumerate(text.splitlines(), 1) if line.strip() == "[[decision]]"]
    line = heads[number] if number < len(heads) else 1
    here = f"{where}:{line}:1"
    for key, value in entry.items():
        if key not in _KEYS:
            place = _at(text, where, key, line)
            raise PlanError(f"unknown key {key!r}", where=place, next_step=_nearest(key, tuple(_KEYS)))
        if not isinstance(value, _KEYS[key]) or isinstance(value, bool):
            kind = "a whole number" if _KEYS[key] is int else "a string"
            raise PlanError(f"{key!r} must be {kind}", where=_at(text, where, key, line))
    for key in _REQUIRED:
        if key not in entry:
            raise PlanError(f"a [[decision]] has no {key!r}", where=here)
    if entry["answer"] not in ("change", "keep", "by-hand"):
        what = f"answer = {entry['answer']!r}: expected change, keep or by-hand"
        raise PlanError(what, where=_at(text, where, "answer", line))
    if entry["answer"] == "change" and not entry.get("to"):
        raise PlanError("a decision to change has no 'to'", where=here, next_step="say what is to be written there")
    return replace(Decision("", 0, "", "", "", "keep"), **entry)


def _at(text: str, where: str, key: str, start: int = 1) -> str:
    for number, line in enumerate(text.splitlines(), 1):
        if number >= start and (found := re.match(rf"(\s*\[*)\"?{re.escape(key)}\"?\s*[=\]]", line)):
            return f"{where}:{number}:{len(found[1]) + 1}"
    return where


def _nearest(key: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(key, known, 1)
    return f"did you mean {near[0]!r}?" if near else f"valid here: {', '.join(known)}"
