"""`from a import b`: where each of its names lives afterwards, and the smallest edit that says so.

A statement whose names stay together only gets another module name.  One whose names end up in two modules is split,
which libcst does (`rewrite`).  Relative imports stay relative where that is right whoever imports the file.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from ..resolve import absolute
from .offsets import padding, relative_module
from .scopes import Scope

if TYPE_CHECKING:
    from .imports import Imports

_FROM = re.compile(
    r"from(?:\s|\\\r?\n)*(?P<module>(?:\.|\w|\s|\\\r?\n)*?)(?=(?:\s|\\\r?\n|(?<=\.))import(?:\s|\(|\*|\\))", re.UNICODE
)

Group = tuple[str, list[tuple[ast.alias, str]]]  # new module ("" for a top-level module), its (alias, new name)


class Froms:
    def __init__(self, imports: Imports) -> None:
        self.imports = imports
        self.sink, self.at = imports.sink, imports.at
        self.layout, self.resolver = imports.layout, imports.resolver
        self.here, self.there = imports.here, imports.there

    def scan(self, node: ast.ImportFrom, scope: Scope) -> None:
        base = absolute(node.module, node.level, self.here.package if self.here else "")
        if not base:
            if node.level and self.imports.context.matters(node) and (self.here or self._may_be_ours(node)):
                self.imports.unresolved(node)
            return
        groups: list[Group] = []
        touched = bool(node.level) and self.here != self.there
        for alias in node.names:
            old = f"{base}.{alias.name}"
            self.sink.out.imports.add(old if alias.name != "*" and self.resolver.submodule(base, alias.name) else base)
            symbol = self.imports.symbol(old) if alias.name != "*" else None
            new_base, leaf = self.imports.new(base) or base, alias.name
            if symbol and symbol[0] == old:
                new_base, _, leaf = symbol[1].rpartition(".")
            elif alias.name != "*" and self.resolver.submodule(base, alias.name):
                new = self.imports.new(old)
                if new:
                    new_base, _, leaf = new.rpartition(".")
                if new or self.imports.reaches(old):
                    self.imports.bind(scope, alias.asname or alias.name, old, node, alias)
            touched = touched or new_base != base or leaf != alias.name
            if (earlier := next((g for g in groups if g[0] == new_base), None)) is not None:
                earlier[1].append((alias, leaf))
            else:
                groups.append((new_base, [(alias, leaf)]))
        if not touched:
            return
        groups.sort(key=lambda group: not group[0])  # stable: what is imported without "from" comes last
        if len(groups) > 1 or not groups[0][0]:
            self._split(node, groups)
            return
        new_base, members = groups[0]
        stage, written = self._written(node, base, new_base, members)
        start, _ = self.at.span(node)
        match = _FROM.match(self.at.source, start)
        if match is None:
            self.imports.unresolved(node)
            return
        self.sink.edit(
            *match.span("module"),
            written + padding(match["module"]),
            stage=stage,
            rule="import.from",
            reason=f"{base} moves to {new_base}" if new_base != base else "this file moves away from it",
        )
        for alias, leaf in members:
            if leaf != alias.name:
                begin, finish = self.at.dotted(alias)
                text = leaf if alias.asname else f"{leaf} as {alias.name}"
                self.sink.edit(
                    begin, finish, text, stage=stage, rule="import.name", reason=f"{base}.{alias.name} is now {leaf}"
                )

    def _written(
        self, node: ast.ImportFrom, base: str, new_base: str, members: list[tuple[ast.alias, str]]
    ) -> tuple[int, str]:
        """(stage, text between `from` and `import`): relative if it was, and unchanged where it still is right."""
        old = "." * node.level + (node.module or "")
        if not node.level:
            return 4, new_base
        package = self.there.package if self.there else ""
        unedited = absolute(node.module, node.level, package)
        if not new_base:  # what is at the top now; from the same place, the old name is still there until stage 4
            return (4 if unedited == base else 3), new_base
        if unedited == new_base:
            same = unedited == base or all(leaf == alias.name for alias, leaf in members)
            return (4 if same else 3), old
        # The unedited text goes on working until stage 4 if it leads to a shim, or to the old place of one name.
        # A module that is not beside the others any more is not found there.
        gone = unedited != base and any(self.resolver.submodule(base, alias.name) for alias, _ in members)
        later = unedited == (self.imports.new(base) or base) or (
            unedited == base and self.imports.new(base) is not None
        )
        return (4 if later and not gone else 3), self._relative(package, new_base)

    def _may_be_ours(self, node: ast.ImportFrom) -> bool:
        """Whether some moving module has what code in no package, such as an example, imports from `.forms`."""
        index, wanted = self.resolver.index, [alias.name for alias in node.names]
        ending = f".{node.module}" if node.module else ""
        for module in index.files:
            if not f".{module}".endswith(ending) or self.layout.new_module(module) is None:
                continue
            names = index.names(module)
            if names.dynamic or any(
                n == "*" or self.resolver.submodule(module, n) or index.binds(module, n) for n in wanted
            ):
                return True
        return not node.module and any(
            self.layout.new_module(m) and m.rpartition(".")[2] in wanted for m in index.files
        )

    def _relative(self, package: str, target: str) -> str:
        """Relative only inside one regular package; across a namespace it depends on how the file was imported."""
        written = relative_module(package, target)
        shared = package.split(".")[: len(package.split(".")) + 1 - (len(written) - len(written.lstrip(".")))]
        common = ".".join(shared)
        regular = any(common == m.target or common.startswith(m.target + ".") for m in self.layout.moves)
        regular = regular or self.resolver.index.files.get(common, "").endswith("__init__.py")
        return written if regular else target

    def _split(self, node: ast.ImportFrom, groups: list[Group]) -> None:
        base = absolute(node.module, node.level, self.here.package if self.here else "")
        parts = []
        stages = set()
        for new_base, members in groups:
            stage, written = self._written(node, base, new_base, members)
            moved_base = self.imports.new(base) or base
            if (
                node.level
                and stage == 4
                and written == "." * node.level + (node.module or "")
                and new_base != moved_base
            ):
                written = self._relative(self.there.package if self.there else "", new_base)
            stages.add(stage)
            parts.append((written, [(a.name, leaf, a.asname) for a, leaf in members]))
        from ..rewrite import split_from_import  # libcst takes a quarter of a second to load

        start, end = self.at.span(node)
        new = split_from_import(self.at.source, start, end, parts)
        if new is None:
            self.imports.unresolved(node)
            return
        self.sink.edit(
            start,
            end,
            new,
            stage=min(stages),
            rule="import.split",
            reason="its names now live in " + " and ".join(g[0] or g[1][0][1] for g in groups),
        )
