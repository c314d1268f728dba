"""Where every key and value of a TOML text stands.

Owns the positions only: a small scanner gives each key segment, string, array and table its character span and its
path, so that one value can be replaced without a byte elsewhere changing.  The standard parser decides whether a text
is TOML at all (`scan` says why if it is not) but keeps no positions, and neither does tomlkit; that is why this file
exists.  Knows nothing of packaging.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

Path = tuple[str | int, ...]
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SPACE = re.compile(r"[ \t]*")
_FILL = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_OTHER = re.compile(r"[^,\]}#\r\n]*")


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a dotted key, as written at [start, end)."""

    name: str
    start: int
    end: int
    path: Path


@dataclass(slots=True)
class Node:
    """A value; `value` is the content of a string, `items` of an array, `pairs` of an inline table."""

    kind: Literal["string", "array", "table", "other"]
    start: int
    end: int
    path: Path
    value: str = ""
    quote: str = ""
    items: list[Node] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)

    @property
    def inner(self) -> tuple[int, int]:
        """The span between the quotes."""
        return self.start + len(self.quote), self.end - len(self.quote)


@dataclass(slots=True)
class Pair:
    """`key = value`; `path` is complete, from the top of the file."""

    path: Path
    keys: list[Segment]
    node: Node

    @property
    def start(self) -> int:
        return self.keys[0].start


@dataclass(slots=True)
class Header:
    """`[table]` or `[[table]]`, from `start` to `end` of its line, with the pairs below it."""

    path: Path
    keys: list[Segment]
    start: int
    end: int
    is_array: bool
    pairs: list[Pair] = field(default_factory=list)


class Document:
    """All headers (the first one stands for the part above any) of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.headers: list[Header] = [Header((), [], 0, 0, False)]

    @property
    def pairs(self) -> Iterator[Pair]:
        for header in self.headers:
            yield from header.pairs

    def walk(self) -> Iterator[Pair | Node]:
        """Every pair and every value, inline tables and arrays entered."""
        for pair in self.pairs:
            yield pair
            yield from _values(pair.node)

    def segments(self) -> Iterator[Segment]:
        for header in self.headers:
            yield from header.keys
        for item in self.walk():
            if isinstance(item, Pair):
                yield from item.keys

    def find(self, *path: str | int) -> Pair | None:
        return next((p for p in self.walk() if isinstance(p, Pair) and p.path == path), None)

    def header(self, *path: str | int) -> Header | None:
        return next((h for h in self.headers if h.path == path and not h.is_array), None)

    def line(self, offset: int) -> int:
        return self.text.count("\n", 0, offset) + 1


def _values(node: Node) -> Iterator[Pair | Node]:
    yield node
    for item in node.items:
        yield from _values(item)
    for pair in node.pairs:
        yield pair
        yield from _values(pair.node)


@lru_cache(maxsize=32)  # a file is read for each stage, and mostly holds the same
def scan(text: str) -> Document | str:
    """The positions in `text`, not to be changed, or why it is no TOML."""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return str(error)
    try:
        return _Scanner(text).run()
    except (IndexError, ValueError) as error:  # the parser let pass what this scanner cannot follow
        return f"not understood: {error}"


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.counts: dict[Path, int] = {}

    def run(self) -> Document:
        out = Document(self.text)
        while True:
            self._skip(_FILL)
            if self.at >= len(self.text):
                return out
            if self.text[self.at] == "[":
                out.headers.append(self._header())
            else:
                out.headers[-1].pairs.append(self._pair(out.headers[-1].path))

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _header(self) -> Header:
        start, is_array = self.at, self.text.startswith("[[", self.at)
        self.at += 2 if is_array else 1
        keys = self._keys((), numbered=True)
        path: Path = keys[-1].path
        if is_array:
            number = self.counts.get(path, -1) + 1
            self.counts[path] = number
            path = (*path, number)
        self.at += 2 if is_array else 1
        end = self.text.find("\n", self.at)
        end = len(self.text) if end < 0 else end + 1
        self.at = end
        return Header(path, keys, start, end, is_array)

    def _keys(self, base: Path, *, numbered: bool = False) -> list[Segment]:
        keys: list[Segment] = []
        while True:
            self._skip(_SPACE)
            start = self.at
            if self.text[start] in "\"'":
                name = self._string(()).value
            else:
                found = _BARE.match(self.text, start)
                if not found:
                    raise ValueError(f"a key at offset {start}")
                name, self.at = found[0], found.end()
            if numbered and base in self.counts:  # below [[a]], [a.b] means the last entry of a
                base = (*base, self.counts[base])
            base = (*base, name)
            keys.append(Segment(name, start, self.at, base))
            self._skip(_SPACE)
            if self.text[self.at] != ".":
                return keys
            self.at += 1

    def _pair(self, base: Path) -> Pair:
        keys = self._keys(base)
        self.at += 1  # "="
        self._skip(_SPACE)
        return Pair(keys[-1].path, keys, self._value(keys[-1].path))

    def _value(self, path: Path) -> Node:
        char = self.text[self.at]
        if char in "\"'":
            return self._string(path)
        if char in "[{":
            return self._container(path, char)
        start = self.at
        self._skip(_OTHER)
        raw = self.text[start : self.at]
        self.at = start + len(raw.rstrip())
        return Node("other", start, self.at, path)

    def _container(self, path: Path, opening: str) -> Node:
        node = Node("array" if opening == "[" else "table", self.at, 0, path)
        closing = "]" if opening == "[" else "}"
        self.at += 1
        while True:
            self._skip(_FILL)
            char = self.text[self.at]
            if char == closing:
                self.at += 1
                node.end = self.at
                return node
            if char == ",":
                self.at += 1
            elif opening == "[":
                node.items.append(self._value((*path, len(node.items))))
            else:
                node.pairs.append(self._pair(path))

    def _string(self, path: Path) -> Node:
        start, char = self.at, self.text[self.at]
        quote = char * 3 if self.text.startswith(char * 3, start) else char
        at = start + len(quote)
        while not self.text.startswith(quote, at):
            at += 2 if char == '"' and self.text[at] == "\\" else 1
        at += len(quote)
        if len(quote) == 3:  # up to two more quotes may belong to the content
            while self.text.startswith(char, at):
                at += 1
        self.at = at
        raw = self.text[start:at]
        plain = len(quote) == 1 and (char == "'" or "\\" not in raw)
        value = raw[1:-1] if plain else tomllib.loads(f"v = {raw}")["v"]
        return Node("string", start, at, path, value, quote)
