"""The edits of one file as a reader sees them: runs of lines before and after, with a little of what stands around.

Values in, values out.  Edits by spans (`start`, `end` in the text as it was) are laid over the text; notes, which only
say what was and what will be in a line, stand for themselves.  Edits that share a line share a hunk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .model import Edit
from .tree import Lines

CONTEXT = 2
LONGEST = 400  # characters of a line that are shown; minified files have lines of megabytes


@dataclass(frozen=True, slots=True)
class Hunk:
    """`line` is the first of `before`; `edits` are the numbers of the edits in the file's list that it shows."""

    line: int
    above: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    below: tuple[str, ...]
    edits: tuple[int, ...]


def hunks_of(body: str | None, edits: Sequence[Edit]) -> tuple[Hunk, ...]:
    """All edits of one file, in the order of their lines; without a text there is nothing to show around them."""
    lines = None if body is None else Lines(body)
    spans: list[tuple[Edit, int]] = []
    out: list[Hunk] = []
    for number, edit in enumerate(edits):
        known = lines is not None and lines.line(edit.start) == edit.line
        if lines is not None and known and lines.body[edit.start : edit.end] == edit.old:
            spans.append((edit, number))
        else:
            out.append(Hunk(edit.line, (), _shown(edit.old), _shown(edit.new), (), (number,)))
    if lines is not None:
        out += [_over(lines, run) for run in _runs(spans, lines)]
    return tuple(sorted(out, key=lambda h: (h.line, h.edits)))


def _runs(spans: Sequence[tuple[Edit, int]], lines: Lines) -> list[list[tuple[Edit, int]]]:
    """Edits whose lines touch, together."""
    runs: list[list[tuple[Edit, int]]] = []
    last = -1
    for edit, number in sorted(spans, key=lambda s: (s[0].start, s[0].end, -s[0].stage, s[1])):  # the last text shows
        if runs and lines.line(edit.start) <= last:
            runs[-1].append((edit, number))
        else:
            runs.append([(edit, number)])
        last = max(last, lines.line(edit.end))
    return runs


def _over(lines: Lines, run: Sequence[tuple[Edit, int]]) -> Hunk:
    first, last = lines.line(run[0][0].start), max(lines.line(e.end) for e, _ in run)
    begin = lines.starts[first - 1]
    end = lines.starts[last] if last < len(lines.starts) else len(lines.body)
    changed, at = "", begin
    for edit, _ in run:
        if edit.start < at:  # two readings of one text: the outer edit stands
            continue
        changed += lines.body[at : edit.start] + edit.new
        at = edit.end
    changed += lines.body[at:end]
    before, after = _split(lines.body[begin:end]), _split(changed)
    above = [lines.text(n) for n in range(max(1, first - CONTEXT), first)]
    below = [lines.text(n) for n in range(last + 1, min(last + CONTEXT, len(lines.starts)) + 1)]
    if below and not below[-1] and last + len(below) == len(lines.starts):
        below.pop()  # what the last line end leaves behind is no line
    while before and after and before[-1] == after[-1]:
        below.insert(0, before.pop())
        after.pop()
    while before and after and before[0] == after[0]:
        above.append(before.pop(0))
        after.pop(0)
        first += 1
    numbers = tuple(sorted(number for _, number in run))
    left = _same_start(before, after)
    above, below = [_cut(line) for line in above[-CONTEXT:]], [_cut(line) for line in below[:CONTEXT]]
    return Hunk(
        first,
        tuple(above),
        tuple(_cut(line, left) for line in before),
        tuple(_cut(line, left) for line in after),
        tuple(below),
        numbers,
    )


def _shown(text: str) -> tuple[str, ...]:
    return tuple(_cut(line) for line in _split(text))


def _split(text: str) -> list[str]:
    return [line.rstrip("\r") for line in text.removesuffix("\n").split("\n")] if text else []


def _same_start(before: Sequence[str], after: Sequence[str]) -> int:
    """How far the first lines are equal, so that what differs in a very long one is not cut off."""
    if not before or not after:
        return 0
    pairs = zip(before[0], after[0], strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(before[0]), len(after[0])))


def _cut(line: str, wanted: int = 0) -> str:
    """At most `LONGEST` characters of a line, with the one at `wanted` among them."""
    if len(line) <= LONGEST:
        return line
    start = max(0, wanted - LONGEST // 4) if wanted > LONGEST // 2 else 0
    end = start + LONGEST
    return ("..." if start else "") + line[start:end] + ("..." if end < len(line) else "")
