"""Names that are put together from pieces none of which names what moves: `BASE + ".http"`, `"pkg.web." + "http.URL"`.

The pieces are constants, or names that are assigned one; sums, formats, joins and f-strings are worked out.  What comes
out and names moving code is listed: which piece has to change depends on what else uses it.  Where a piece has been
changed or listed already, that is left to whoever did it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .calls import IMPORTING
from .context import Context
from .leaving import leaving
from .offsets import Offsets
from .origins import Assigned
from .sink import Sink

_NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)+(?::[\w.]+)?")
_DEPTH = 6
_METHODS = ("format", "join")
_BUILDING = (ast.BinOp, ast.JoinedStr, ast.Call)


class Spelled:
    def __init__(self, context: Context, sink: Sink, offsets: Offsets, assigned: Assigned, path: str) -> None:
        self.context, self.sink, self.at, self.assigned, self.path = context, sink, offsets, assigned, path
        self.layout = context.layout
        self._pieces: list[ast.Constant] = []  # of the expression that is looked at

    def scan(self) -> None:
        texts = [*self.context.of(ast.BinOp), *self.context.of(ast.JoinedStr)]
        calls = (c for c in self.context.of(ast.Call) if isinstance(c.func, ast.Attribute) and c.func.attr in _METHODS)
        for node in (*texts, *calls):
            if _builds(node) and not self._is_part(node):
                self._look(node)

    def _is_part(self, node: ast.expr) -> bool:
        """Whether the text becomes part of a longer one, which is looked at instead."""
        parent = self.context.parents.get(node)
        while isinstance(parent, ast.FormattedValue | ast.Tuple | ast.List):
            parent = self.context.parents.get(parent)
        return isinstance(parent, _BUILDING) and _builds(parent)

    def _look(self, node: ast.expr) -> None:
        self._pieces = []
        parts = list(self._parts(node, 0))
        known = parts.index(None) if None in parts else len(parts)
        text = "".join(p for p in parts[:known] if p is not None)
        if known < 2 and (known == len(parts) or isinstance(_first(node), ast.Constant | ast.JoinedStr)):
            return  # one piece: looked at as any other text, or as the beginning of a computed name
        if known == len(parts):
            new = self._meaning(text)
            readings: tuple[str, ...] = (f"{text}, now {new}",) if new else ()
        else:
            readings = self._beginning(node, text)
        if readings and not self._settled(node):
            start, end = self.at.span(node)
            hint = "a name in pieces: change the one that is meant"
            self.sink.list(start, "string.joined", self.at.source[start:end], readings, hint, "error")

    def _meaning(self, text: str) -> str:
        """The new name, if the text names something in the moving code."""
        if not _NAME.fullmatch(text) or not self.context.judge.mentioned(text):
            return ""
        verdict = self.context.judge.value(text, self.path, "unknown")
        return verdict.new if verdict is not None and verdict.kind == "change" else ""

    def _beginning(self, node: ast.expr, text: str) -> tuple[str, ...]:
        """Readings of a name that begins like one in the moving code, or of a module that may be one that leaves."""
        module = text.rpartition(".")[0]
        if not module:
            return ()
        new = self.layout.new_module(module)
        if new is not None and self.context.resolver.is_module(module):
            return f"a name below {module}, now {new}", "data that only looks like one"
        parent = self.context.parents.get(node)
        if isinstance(parent, ast.Call) and parent.args[:1] == [node] and self.context.called(parent) in IMPORTING:
            gone = leaving(self.layout, module)
            return (f"a module that stays below {module}", f"one that leaves it: {', '.join(gone)}") if gone else ()
        return ()

    def _settled(self, node: ast.expr) -> bool:
        spans = [self.at.span(node), *(self.at.span(p) for p in self._pieces)]
        lines = {line for start, end in spans for line in (self.sink.lines.line(start), self.sink.lines.line(end))}
        if any(self.sink.covered(*span) for span in spans):
            return True
        rules = ("string.", "import.computed", "name.")
        return any(f.line in lines and f.rule.startswith(rules) for f in self.sink.out.findings)

    def _parts(self, node: ast.expr, depth: int) -> Iterator[str | None]:
        """The pieces of a text, None for one that only running the code can tell."""
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.JoinedStr(values=values):
                for value in values:
                    yield from self._parts(value, depth)
            case ast.FormattedValue(value=inner, conversion=-1, format_spec=None):
                yield from self._parts(inner, depth)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                yield from self._parts(left, depth)
                yield from self._parts(right, depth)
            case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod(), right=right):
                values = right.elts if isinstance(right, ast.Tuple) else [right]
                yield from self._filled(text.split("%s"), values, depth)
            case ast.Call(func=ast.Attribute(attr="format", value=ast.Constant(value=str(text))), args=values):
                yield from self._filled(re.split(r"\{\d?\}", text), values, depth)
            case ast.Call(func=ast.Attribute(attr="join", value=ast.Constant(value=str(between))), args=[listed]):
                values = listed.elts if isinstance(listed, ast.List | ast.Tuple) else []
                if not values:
                    yield None
                    return
                yield from self._filled(["", *[between] * (len(values) - 1), ""], values, depth)
            case ast.Name() | ast.Attribute(value=ast.Name(id="self" | "cls")):
                held = self.assigned.behind(node) if depth < _DEPTH else []
                if len(held) == 1 and _is_text(held[0]):
                    self._pieces += [n for n in ast.walk(held[0]) if isinstance(n, ast.Constant)]
                    yield from self._parts(held[0], depth + 1)
                else:
                    yield None
            case _:
                yield None

    def _filled(self, texts: list[str], values: list[ast.expr], depth: int) -> Iterator[str | None]:
        for number, text in enumerate(texts):
            if text:
                yield text
            if number < len(texts) - 1:
                yield from self._parts(values[number], depth) if number < len(values) else (None,)


def _first(node: ast.expr) -> ast.expr:
    """What the text of an expression begins with."""
    while True:
        match node:
            case ast.BinOp(left=inner) | ast.FormattedValue(value=inner) | ast.JoinedStr(values=[inner, *_]):
                node = inner
            case _:
                return node


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) or (isinstance(node, _BUILDING) and _builds(node))


def _builds(node: ast.AST) -> bool:
    """Whether the expression puts a text together."""
    match node:
        case ast.JoinedStr() | ast.BinOp(op=ast.Add()):
            return True
        case ast.BinOp(op=ast.Mod(), left=ast.Constant(value=str())):
            return True
        case ast.Call(func=ast.Attribute(attr="format" | "join", value=ast.Constant(value=str()))):
            return True
    return False
