"""Where nodes of a parsed source lie in its text, and how a module's name is written from another one.

Owns the step from `ast` positions (lines and UTF-8 columns) to character offsets, for the scanners of Python code.
Must not know: what moves, and where to.
"""

from __future__ import annotations

import ast
import re

from ..tree import Lines


class Offsets:
    """Character offsets of AST nodes in the scanned source."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines = Lines(source)

    def start(self, node: ast.expr | ast.stmt | ast.alias) -> int:
        return self.lines.offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt | ast.alias) -> int:
        return self.lines.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def span(self, node: ast.expr | ast.stmt | ast.alias) -> tuple[int, int]:
        return self.start(node), self.end(node)

    def after(self, node: ast.stmt, statement: str) -> tuple[int, str]:
        """(offset, text) that puts another simple statement right after this one."""
        start, end = self.span(node)
        begin = max(self.source.rfind("\n", 0, start), self.source.rfind("\r", 0, start)) + 1
        indent = self.source[begin:start]
        rest = re.compile(r"[^\r\n]*").match(self.source, end)
        after = rest.group() if rest else ""
        if indent.strip() or (after.strip() and not after.strip().startswith("#")):
            return end, f"; {statement}"
        newline = re.compile(r"\r\n|\r|\n").search(self.source)
        return end + len(after), (newline.group() if newline else "\n") + indent + statement

    def dotted(self, alias: ast.alias) -> tuple[int, int]:
        """The span of the dotted name in `a.b as c`."""
        start = self.start(alias)
        if not alias.asname:
            return start, self.end(alias)
        pattern = r"(?:\s|\\\r?\n)*\.(?:\s|\\\r?\n)*".join(re.escape(p) for p in alias.name.split("."))
        match = re.compile(pattern).match(self.source, start)
        return start, match.end() if match else start + len(alias.name)


def relative_module(package: str, target: str) -> str:
    """`target` as written after `from` in a module of `package`; absolute where they share no top-level package."""
    here, there = package.split("."), target.split(".")
    common = 0
    while common < min(len(here), len(there)) and here[common] == there[common]:
        common += 1
    if not package or not common:
        return target
    return "." * (len(here) - common + 1) + ".".join(there[common:])


def padding(module: str) -> str:
    """White space or a continuation that the pattern took along with the module's name."""
    return module[len(module.rstrip(" \t\\\r\n\f")) :]


_TOKEN = re.compile(r"(?P<prefix>[A-Za-z]{0,3})(?P<quote>'''|\"\"\"|'|\")")


def string_tokens(segment: str) -> list[tuple[int, int, bool]]:
    """(start, end, raw) of the inner text of each quoted piece in the source of one string constant."""
    out: list[tuple[int, int, bool]] = []
    position = 0
    while position < len(segment):
        match = _TOKEN.match(segment, position)
        if match is None:
            if segment[position] == "#":
                position = min(
                    (i for i in (segment.find("\n", position), segment.find("\r", position)) if i >= 0),
                    default=len(segment),
                )
            position += 1
            continue
        quote, raw = match["quote"], "r" in match["prefix"].lower()
        cursor = match.end()
        while cursor < len(segment) and not segment.startswith(quote, cursor):
            cursor += 2 if segment[cursor] == "\\" else 1
        out.append((match.end(), cursor, raw))
        position = cursor + len(quote)
    return out
