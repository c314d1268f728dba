"""Where scanners put what they find in one file, and how a snippet inside a file maps back to it.

A snippet is a piece of code inside other text: a doctest, a fenced block, a notebook cell, a quoted annotation.  It is
scanned as a text of its own; `Sink.inside` translates its offsets, and refuses an edit that would cross a border.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from ..model import Edit, Finding
from ..tree import Lines

Segment = tuple[int, int, int]  # offset in the snippet, offset in the file, length


@dataclass(slots=True)
class FileScan:
    """What one file holds: edits, findings, and the modules that it imports.

    Edits are sorted and do not overlap, but for a second one of the same span, of a later stage (`Sink.exchange`).
    """

    path: str
    edits: list[Edit] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to stand in a span after a stage, and why."""

    text: str
    stage: int
    reason: str


class Sink:
    def __init__(self, path: str, body: str) -> None:
        self.path, self.body = path, body
        self.lines = Lines(body)
        self.out = FileScan(path)
        self._taken: dict[tuple[int, int], Edit] = {}
        self._later: dict[tuple[int, int], Edit] = {}  # what stands in that span from a later stage on

    def edit(self, start: int, end: int, new: str, *, stage: int, rule: str, reason: str) -> None:
        old = self.body[start:end]
        if old == new or (start, end) in self._taken:
            return
        self._taken[start, end] = Edit(start, end, old, new, self.lines.line(start), stage, rule, reason)

    def exchange(self, start: int, end: int, both: Draft, new: Draft, rule: str) -> None:
        """Write `both` at its stage and `new` at a later one: what is old counts beside what is new for that time."""
        if (start, end) not in self._taken and both.text != self.body[start:end]:
            self.edit(start, end, both.text, stage=both.stage, rule=rule, reason=both.reason)
            first = self._taken[start, end]
            self._later[start, end] = replace(first, new=new.text, stage=new.stage, reason=new.reason)

    def list(
        self,
        offset: int,
        rule: str,
        text: str,
        readings: Sequence[str] = (),
        hint: str = "",
        severity: Literal["error", "warning", "note"] = "warning",
    ) -> None:
        shown = text if len(text) <= 160 else text[:157] + "..."
        line = self.lines.line(offset)
        column = offset - self.lines.starts[line - 1] + 1
        self.out.findings.append(Finding(self.path, line, rule, shown, tuple(readings), hint, severity, column))

    def has_rule(self, prefix: str) -> bool:
        """Whether there is an edit by a rule that begins so."""
        return any(edit.rule.startswith(prefix) for edit in self._taken.values())

    def with_the_move(self) -> None:
        """Make every edit so far one of stage 3."""
        self._taken = {span: replace(edit, stage=3) for span, edit in self._taken.items()}

    def covered(self, start: int, end: int) -> bool:
        """Whether an edit holds this span or lies in it."""
        return any((s <= start and end <= e) or (start <= s and e <= end) for s, e in self._taken)

    def inside(self, segments: Sequence[Segment], source: str) -> Snippet:
        return Snippet(self, segments, source)

    def finish(self) -> FileScan:
        """Edits in order.  Of two that overlap the outer one stands; if neither holds the other, both are listed."""
        last: Edit | None = None
        for edit in sorted(self._taken.values(), key=lambda e: (e.start, -e.end)):
            if last is not None and edit.start < last.end:
                if edit.end > last.end:
                    self.out.edits.remove(last)
                    self.list(
                        last.start,
                        "conflict",
                        self.body[last.start : edit.end],
                        (f"{last.rule}: {last.new}", f"{edit.rule}: {edit.new}"),
                        "two rules claim overlapping text; edit it by hand",
                        "error",
                    )
                continue
            self.out.edits.append(edit)
            last = edit
        later = (self._later.get((edit.start, edit.end)) for edit in self.out.edits)
        self.out.edits = sorted([*self.out.edits, *filter(None, later)], key=lambda e: (e.start, e.end, e.stage))
        self.out.findings = sorted(set(self.out.findings))
        return self.out


class Snippet(Sink):
    """A sink whose offsets are those of a snippet; everything ends in the file's own sink."""

    def __init__(self, outer: Sink, segments: Sequence[Segment], source: str) -> None:
        self.outer, self.path, self.body = outer, outer.path, source
        self.lines = Lines(source)
        self.segments = sorted(segments)
        self._starts = [s[0] for s in self.segments]
        self.out = outer.out
        self._taken = {}

    def place(self, offset: int) -> tuple[int, int]:
        """(offset in the file, number of the segment)"""
        number = max(0, bisect_right(self._starts, offset) - 1)
        start, real, _ = self.segments[number]
        return real + offset - start, number

    def edit(self, start: int, end: int, new: str, *, stage: int, rule: str, reason: str) -> None:
        first, a = self.place(start)
        last, b = self.place(max(start, end - 1))
        if a != b:
            self.outer.list(
                first, rule, new, (f"to be rewritten as {new}",), "spans several lines of a snippet; edit it by hand"
            )
            return
        self.outer.edit(first, last + (end > start), new, stage=stage, rule=rule, reason=reason)

    def exchange(self, start: int, end: int, both: Draft, new: Draft, rule: str) -> None:
        first, a = self.place(start)
        last, b = self.place(max(start, end - 1))
        if a != b:
            what = "spans several lines of a snippet; edit it by hand"
            self.outer.list(first, rule, new.text, (f"to be rewritten as {new.text}",), what)
            return
        self.outer.exchange(first, last + (end > start), both, new, rule)

    def list(
        self,
        offset: int,
        rule: str,
        text: str,
        readings: Sequence[str] = (),
        hint: str = "",
        severity: Literal["error", "warning", "note"] = "warning",
    ) -> None:
        self.outer.list(self.place(offset)[0], rule, text, readings, hint, severity)

    def has_rule(self, prefix: str) -> bool:
        return self.outer.has_rule(prefix)

    def covered(self, start: int, end: int) -> bool:
        return self.outer.covered(self.place(start)[0], self.place(max(start, end - 1))[0] + 1)

    def finish(self) -> FileScan:
        return self.out
