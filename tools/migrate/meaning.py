"""What the names and texts on one line mean, in words: for a person who asks why it was changed, or why not.

Asks those who decide in the scanners (`Resolver`, `Judge`, the scopes of one parsed file) and decides nothing itself.
Values in, values out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from .layout import ModuleName
from .resolve import absolute
from .scan import World
from .scan.scopes import Scope, Scopes, Use, analyse
from .syntax import parse
from .tree import Lines

PYTHON = (".py", ".pyi", ".pyw")
_KINDS = {
    "name": "a name in module {module}",
    "member": "a member of something in module {module}",
    "dynamic": "only known when the code runs (module {module})",
    "missing": "no module, and no name in one",
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """One name or text of a line.  `binding` says which statement binds its first part, `resolution` what it names."""

    column: int
    text: str
    name: str = ""
    binding: str = ""
    resolution: str = ""
    moves: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def meanings(world: World, path: str, body: str, line: int) -> list[Meaning]:
    """What is on the line that could name moving code, from left to right."""
    reader = _Reader(world, path, Lines(body), line)
    tree = parse(body) if path.endswith(PYTHON) else None
    found = reader.python(tree) if tree is not None else reader.text(reader.lines.text(line), 0)
    return sorted(set(found), key=lambda m: (m.column, m.text))


class _Reader:
    def __init__(self, world: World, path: str, lines: Lines, line: int) -> None:
        self.world, self.path, self.lines, self.line = world, path, lines, line
        self.layout, self.resolver, self.judge = world.layout, world.resolver, world.judge

    def python(self, tree: ast.Module) -> Iterator[Meaning]:
        scopes = analyse(tree)
        here = self.layout.module_of(self.path)
        for node, _ in scopes.imports:
            if node.lineno <= self.line <= (node.end_lineno or node.lineno):
                yield from self._imported(node, here)
        for use in scopes.uses:
            if use.node.lineno == self.line and (found := self._use(use, scopes, here)):
                yield found
        strings = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        for constant in strings:
            if constant.lineno == constant.end_lineno == self.line and self.judge.mentioned(str(constant.value)):
                yield self._string(constant)
        for constant in strings:
            if constant.lineno <= self.line <= (constant.end_lineno or 0) and constant.lineno != constant.end_lineno:
                yield from self.text(self.lines.text(self.line), 0)
                break
        source = self.lines.text(self.line)
        if "#" in source and self.judge.in_comment(source):
            at = source.index("#")
            yield from self.text(source[at:], at)

    def _imported(self, node: ast.Import | ast.ImportFrom, here: ModuleName | None) -> Iterator[Meaning]:
        for alias in node.names:
            inside = alias.lineno <= self.line <= (alias.end_lineno or alias.lineno)
            if not inside and node.lineno != self.line:
                continue
            name = _of(node, alias, here)
            if self._matters(name):
                yield self._named(self._column(alias.lineno, alias.col_offset), alias.name, name, "bound here")

    def _use(self, use: Use, scopes: Scopes, here: ModuleName | None) -> Meaning | None:
        chain = ".".join([use.node.id, *(a.attr for a in use.attributes)])
        column = self._column(use.node.lineno, use.node.col_offset)
        owner = use.scope.owner(use.node.id)
        if owner is None:
            if not self.layout.mentions(use.node.id):
                return None
            return Meaning(column, chain, "", "bound nowhere in this file", "", "")
        bound = owner.bound.get(use.node.id, [])
        for _, node in bound:
            if isinstance(node, ast.Import | ast.ImportFrom):
                dotted = _through(node, use.node.id, here)
                name = dotted + chain[len(use.node.id) :]
                if self._matters(name):
                    more = f", and {len(bound) - 1} times elsewhere" if len(bound) > 1 else ""
                    return self._named(column, chain, name, f"the import in line {node.lineno}{_in(owner)}{more}")
        if use.node.id not in self.judge.words:
            return None
        line = getattr(bound[0][1], "lineno", 0) if bound else 0
        return Meaning(column, chain, "", f"bound in line {line}{_in(owner)}, by no import of moving code")

    def _string(self, node: ast.Constant) -> Meaning:
        text, column = str(node.value), self._column(node.lineno, node.col_offset)
        verdict = self.judge.value(text, self.path)
        if verdict is None:
            inner = [m for m in self.text(text, 0) if m.resolution]
            said = "; ".join(f"{m.text}: {m.resolution}" for m in inner)
            return Meaning(column, text, "", "a text", said or "no name or path as a whole, and none in it")
        moves = f"{text} to {verdict.new}" if verdict.kind == "change" else ""
        return Meaning(column, text, "", "a text", _verdict(verdict.reason, verdict.readings), moves)

    def text(self, text: str, shift: int) -> Iterator[Meaning]:
        for start, _, token in self.judge.tokens(text):
            verdict = self.judge.value(token, self.path)
            reason = "no name of moving code, and no path that moves"
            moves = ""
            if verdict is not None:
                reason = _verdict(verdict.reason, verdict.readings)
                moves = f"{token} to {verdict.new}" if verdict.kind == "change" else ""
            yield Meaning(start + shift + 1, token, "", "a word in a text", reason, moves)

    def _named(self, column: int, text: str, name: str, binding: str) -> Meaning:
        found = self.resolver.resolve(name)
        if found.kind == "module":
            what = f"module {found.module}, {self.resolver.index.files.get(found.module, 'a namespace')}"
        else:
            what = _KINDS[found.kind].format(module=found.module)
            rest = name[len(found.module) + 1 :].split(".")[0] if found.module else ""
            origin = self.resolver.index.names(found.module).names.get(rest) if found.module and rest else None
            if origin:
                what += f", which has it from {origin}"
        new = self.layout.new_module(name)
        if new and not self.layout.moved:
            return Meaning(column, text, name, binding, what, f"{name} to {new}")
        move = next((m for m in self.layout.moves if f"{name}.".startswith(f"{m.target}.")), None)
        old = (move.path if move.keeps_name else move.source) if move else ""
        moves = f"{name} to {new}" if new else f"moved here from {old}" if old and self.layout.moved else ""
        if move and move.keeps_name and not self.layout.moved:
            moves = f"its folder, to {move.to_path}; the name stays"
        return Meaning(column, text, name, binding, what, moves)

    def _matters(self, name: str) -> bool:
        targets = [m.target for m in self.layout.moves if self.layout.moved or m.keeps_name]
        moves = self.layout.mentions(name) or self.layout.new_module(name) is not None
        return moves or any(f"{name}.".startswith(f"{t}.") for t in targets)

    def _column(self, line: int, utf8_column: int) -> int:
        return self.lines.offset(line, utf8_column) - self.lines.starts[line - 1] + 1


def _of(node: ast.Import | ast.ImportFrom, alias: ast.alias, here: ModuleName | None) -> str:
    """The dotted name that one part of an import statement means."""
    if isinstance(node, ast.Import):
        return alias.name
    base = absolute(node.module, node.level, here.package if here else "")
    return base if alias.name == "*" else f"{base}.{alias.name}"


def _through(node: ast.Import | ast.ImportFrom, local: str, here: ModuleName | None) -> str:
    """What the local name stands for, by this statement."""
    for alias in node.names:
        if isinstance(node, ast.Import) and not alias.asname:
            if alias.name.split(".")[0] == local:
                return local
        elif (alias.asname or alias.name) == local:
            return _of(node, alias, here)
    return local


def _in(scope: Scope) -> str:
    return "" if scope.kind == "module" else f", in a {scope.kind}"


def _verdict(reason: str, readings: tuple[str, ...]) -> str:
    return f"{reason} ({' | '.join(readings)})" if readings else reason
