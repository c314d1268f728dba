r"""Code in a string that is written with escapes, in several pieces, or with fields: `"import pkg\nprint(pkg)"`.

The text is put together as the string's value has it, each character with its place in the source, so that it can be
scanned as code and what is found be mapped back.  A field of an f-string becomes a name that nobody has.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from .context import Context, parse
from .sink import Segment, Sink
from .snippets import scan_mapped

_RUN = re.compile(
    r"(?P<plain>[^\\{}]+)"
    r"|\\(?:\r\n|[0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]+\}|.)|\{\{|\}\}|[{}]",
    re.S,
)
_FIELD = "_"
Written = list[tuple[str, int]]  # each character of a value, and where it is written


def written(source: str, start: int, pieces: Sequence[tuple[int, int, bool]], value: str) -> Written | None:
    """The characters of a string constant, whose quoted pieces lie at these places from `start`; None if unsure."""
    out: Written = []
    for a, b, raw in pieces:
        out += _characters(source[start + a : start + b], start + a, raw=raw, fields=False)
    return out if "".join(c for c, _ in out) == value else None


def written_between(
    source: str, start: int, parts: Sequence[tuple[int, int, str | None]], node: ast.JoinedStr
) -> Written | None:
    """The same for an f-string, of whose parts those without a value are its own text."""
    texts = [(a, b) for a, b, value in parts if value is None]
    raw = "r" in re.split("[\"']", source[start : start + 4])[0].lower()
    out: Written = []
    for value in node.values:
        if isinstance(value, ast.FormattedValue):
            out.append((_FIELD, out[-1][1] if out else start))
            continue
        if not texts:
            return None
        a, b = texts.pop(0)
        part = _characters(source[start + a : start + b], start + a, raw=raw, fields=True)
        if not isinstance(value, ast.Constant) or "".join(c for c, _ in part) != value.value:
            return None
        out += part
    return None if texts else out


def scan_written(context: Context, sink: Sink, characters: Written, outer: Context | None) -> bool:
    """Scan the characters as code; False if they are none."""
    lines: list[Written] = [[]]
    for character in characters:
        lines[-1].append(character)
        if character[0] == "\n":
            lines.append([])
    texts = ["".join(c for c, _ in line) for line in lines]
    cut = min((len(t) - len(t.lstrip(" \t")) for t in texts if t.strip()), default=0)
    kept = [
        character
        for line, text in zip(lines, texts, strict=True)
        for character in (line[cut:] if text.strip() else line)
    ]
    source = "".join(c for c, _ in kept)
    tree = parse(source)
    if tree is None:
        return False
    segments: list[Segment] = []
    for number, (_, place) in enumerate(kept):
        if segments and segments[-1][1] + segments[-1][2] == place and segments[-1][0] + segments[-1][2] == number:
            first, real, length = segments.pop()
            segments.append((first, real, length + 1))
        else:
            segments.append((number, place, 1))
    scan_mapped(context.world, sink, tree, source, segments, outer)
    return True


def _characters(text: str, start: int, *, raw: bool, fields: bool) -> Written:
    out: Written = []
    for match in _RUN.finditer(text):
        run, place = match.group(), start + match.start()
        if match["plain"] is not None or (raw and run[0] == "\\"):
            out += [(c, place + n) for n, c in enumerate(run)]
        elif run[0] == "\\":
            quote = '"' if "'" in run else "'"
            out += [(c, place) for c in ast.literal_eval(f"{quote}{run}{quote}")]
        elif run in ("{{", "}}") and not fields:
            out += [(c, place + n) for n, c in enumerate(run)]
        else:
            out.append((run[0], place))
    return out
