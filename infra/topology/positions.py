"""Where a key stands in a TOML text: the standard parser reads it, but keeps no positions.

Owns the second look at the text.  Must not know what the keys mean.

How it works: one pass over the lines notes each header and each key below it, under the path of its table; the n-th
`[[relay]]` is ("relay", n).  What stands in brackets over several lines counts as its key.  A place that is not found
is that of the table's header, then the file's first line.
"""

import re
import tomllib
from collections.abc import Sequence

Path = tuple[str | int, ...]
_HEADER = re.compile(r"\s*(\[\[?)([^\[\]]+)\]\]?\s*(#.*)?\Z")
_KEY = re.compile(r"\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'))*)\s*=")


class Positions:
    """Line and column, both from 1, of keys and values in one text."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self._found: dict[Path, tuple[int, int]] = {}
        table: Path = ()
        counts: dict[Path, int] = {}
        for number, line in enumerate(self._lines, 1):
            column = len(line) - len(line.lstrip()) + 1
            header = _HEADER.match(line)
            key = _KEY.match(line)
            if header:
                table = ()
                words = _words(header[2])
                for index, word in enumerate(words):
                    table = (*table, word)
                    last = index == len(words) - 1
                    if last and header[1] == "[[":
                        self._found.setdefault(table, (number, column))
                        counts[table] = counts.get(table, -1) + 1
                    if table in counts:
                        table = (*table, counts[table])
                self._found.setdefault(table, (number, column))
            elif key:
                path = table
                for word in _words(key[1]):
                    path = (*path, word)
                    self._found.setdefault(path, (number, column))

    def has(self, path: Path) -> bool:
        """Whether the key or table itself was found."""
        return path in self._found

    def of(self, path: Path) -> tuple[int, int]:
        """The place of a key or table, or of the nearest table around it."""
        while path:
            if path in self._found:
                return self._found[path]
            path = path[:-1]
        return 1, 1

    def of_text(self, path: Path, text: str) -> tuple[int, int]:
        """The place of a quoted text in the value of a key, or the place of the key."""
        line, column = self.of(path)
        for number in range(line, min(line + 50, len(self._lines) + 1)):
            shown = self._lines[number - 1]
            if number > line and (_HEADER.match(shown) or _KEY.match(shown)):
                break
            for quoted in (f'"{text}"', f"'{text}'"):
                at = shown.find(quoted, column if number == line else 0)
                if at >= 0:
                    return number, at + 1
        return line, column


def _words(dotted: str) -> Sequence[str]:
    """The parts of a dotted key, read as TOML reads them."""
    value, words = tomllib.loads(f"{dotted.strip()} = 0"), []
    while isinstance(value, dict):
        ((word, value),) = value.items()
        words.append(word)
    return words


def syntax_position(message: str, text: str) -> tuple[int, int]:
    """The place in the message of the standard parser; the last line where it says "end of document"."""
    found = re.search(r"at line (\d+), column (\d+)", message)
    if found:
        return int(found[1]), int(found[2])
    return max(len(text.splitlines()), 1), 1
