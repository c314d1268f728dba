"""Imports by function call where replacing the string alone would be wrong.

`__import__("a.b")` gives the top-level package, which is another one afterwards; `import_module(".x", package=...)` is
relative to a package that `.x` may have left; a computed name below a package may or may not belong to what moves out
of it.  Plain literals are left to `literals`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..layout import ModuleName
from ..resolve import absolute
from .calls import IMPORTING
from .context import Context
from .leaving import leaving
from .offsets import Offsets, relative_module
from .sink import Sink


class Dynamic:
    def __init__(
        self, context: Context, sink: Sink, offsets: Offsets, here: ModuleName | None, there: ModuleName | None
    ) -> None:
        self.context, self.sink, self.at = context, sink, offsets
        self.layout = context.layout
        self.here, self.there = here, there

    def scan(self) -> None:
        for node in self.context.of(ast.Call):
            if node.args and self.context.called(node) in IMPORTING:
                first = node.args[0]
                text, whole = leading_text(first)
                if text.startswith("."):
                    self._relative(node, first, text, whole)
                for text_, whole_ in self._beginnings(first):
                    if text_ and not whole_ and not text_.startswith("."):
                        self._computed(node, text_)
                if isinstance(node.func, ast.Name) and node.func.id == "__import__":
                    self._top_level(node, text)
        for name in self.context.of(ast.Name) if self._left_its_package() else ():
            if name.id == "__package__":
                self._package(name)

    def _beginnings(self, node: ast.expr) -> Iterator[tuple[str, bool]]:
        """`leading_text` of all that an expression may be: of both branches, and of what a variable got before."""
        match node:
            case ast.IfExp(body=body, orelse=other):
                yield from self._beginnings(body)
                yield from self._beginnings(other)
            case ast.Name(id=name):
                scope: ast.AST | None = node
                while scope is not None and not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
                    scope = self.context.parents.get(scope)
                for inner in ast.walk(scope) if scope is not None else ():
                    match inner:
                        case ast.Assign(targets=[ast.Name(id=bound)], value=value) if bound == name:
                            branches = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
                            yield from map(leading_text, branches)
            case _:
                yield leading_text(node)

    def _computed(self, node: ast.Call, text: str) -> None:
        """`import_module(f"pkg.{name}")` where only some modules below `pkg` move, or move apart."""
        package = text.rpartition(".")[0]
        if not package:
            return
        if apart := leaving(self.layout, package):
            along = self.layout.new_module(package) or package
            self._list(node, f"a module that stays below {along}", f"one that leaves it: {', '.join(apart)}")

    def _relative(self, node: ast.Call, first: ast.expr, text: str, whole: bool) -> None:
        given = [k.value for k in node.keywords if k.arg == "package"] or node.args[1:2]
        if not given:
            return
        today, later = self._packages(given[0])
        if not today:
            return
        level = len(text) - len(text.lstrip("."))
        if not whole:
            before = absolute(text[level:].rpartition(".")[0] or None, level, today)
            self._computed(node, before + ".")
            if later != (self.layout.new_module(today) or today):
                self._list(node, f"a name below {today}", f"a name below {later}")
            return
        name = absolute(text[level:], level, today)
        new = self.layout.new_module(name) or name
        if not name or absolute(text[level:], level, later) == new:
            return
        if not (isinstance(first, ast.Constant) and self.context.resolver.is_module(name)):
            self._list(node, f"{name}, now {new}", f"a name below {later}")
            return
        start, end = self.at.span(first)
        quote = self.at.source[start] if self.at.source[start] in "'\"" else '"'
        written = relative_module(later, new)
        self.sink.edit(
            start,
            end,
            quote + (written if written.startswith(".") else new) + quote,
            stage=4 if later == today else 3,
            rule="string.relative",
            reason=f"{name} is {new}, seen from {later}",
        )

    def _packages(self, node: ast.expr) -> tuple[str, str]:
        """The package that a relative name starts from, before and after the move."""
        match node:
            case ast.Constant(value=str(name)):
                return name, self.layout.new_module(name) or name
            case ast.Name(id="__package__") if self.here and self.there:
                return self.here.package, self.there.package
            case ast.Name(id="__name__") if self.here and self.there:
                return self.here.name, self.there.name
        return "", ""

    def _top_level(self, node: ast.Call, text: str) -> None:
        """`__import__("a.b")` is `a`; without a list of names, what moved lies below another top-level package."""
        used = not isinstance(self.context.parents.get(node), ast.Expr)
        if not used or len(node.args) > 3 or any(k.arg == "fromlist" for k in node.keywords):
            return
        top = text.split(".")[0]
        new = self.layout.new_module(top)
        if new and "." in new:
            end = self.at.end(node)
            rest = new[new.index(".") :]
            self.sink.edit(end, end, rest, stage=4, rule="string.top", reason=f"the call gives the package above {new}")
        elif new is None and self.layout.new_module(text.rstrip(".")):
            self._list(node, f"the package {top}", f"the package above {self.layout.new_module(text.rstrip('.'))}")

    def _left_its_package(self) -> bool:
        if self.here is None or self.there is None or self.here == self.there:
            return False
        return (self.layout.new_module(self.here.package) or self.here.package) != self.there.package

    def _package(self, node: ast.Name) -> None:
        parent = self.context.parents.get(node)
        outer = self.context.parents.get(parent) if isinstance(parent, ast.keyword) else parent
        if (
            isinstance(outer, ast.Call)
            and self.context.called(outer) in IMPORTING
            and leading_text(outer.args[0])[0].startswith(".")
        ):
            return
        assert self.here is not None and self.there is not None
        line = self.at.lines.text(node.lineno).strip()
        readings = (f"{self.here.package}, where it was", f"{self.there.package}, where it will be")
        self.sink.list(self.at.start(node), "name.package", line, readings, "the module leaves its package", "error")

    def _list(self, node: ast.Call, *readings: str) -> None:
        start, end = self.at.span(node)
        hint = "a computed name: change what computes it, or this call"
        self.sink.list(start, "import.computed", self.at.source[start:end], readings, hint, "error")


def leading_text(node: ast.expr) -> tuple[str, bool]:
    """(the literal text that a computed string begins with, whether that is all of it)"""
    match node:
        case ast.Constant(value=str(text)):
            return text, True
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
            return text, False
        case ast.BinOp(left=left, op=ast.Add()):
            return leading_text(left)[0], False
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod()):
            return text.split("%")[0], False
        case ast.Call(func=ast.Attribute(attr="format", value=ast.Constant(value=str(text)))):
            return text.split("{")[0], False
    return "", False
