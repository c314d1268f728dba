"""What scanners share: `World` for all files, `Context` for one parsed source; and the one walk over a syntax tree.

Knows no scanner.  `World.scan_code` is how a scanner that finds code inside its text (a doctest, a script in a string)
hands it back to all of them, without knowing them either.
"""

from __future__ import annotations

import ast
from collections.abc import Container
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, TypeVar

from ..classify import Judge
from ..layout import Layout, ModuleName
from ..resolve import Resolver
from ..syntax import by_kind, flatten, parse
from .scopes import Scope, Scopes, Use
from .sink import Sink

N = TypeVar("N", bound=ast.AST)


class CodeScanner(Protocol):
    """Runs every scanner over one parsed source; returns the number of bare mentions in prose."""

    def __call__(
        self,
        world: World,
        sink: Sink,
        tree: ast.Module,
        source: str,
        path: str,
        here: ModuleName | None,
        there: ModuleName | None,
        *,
        whole: bool,
        outer: Context | None = None,
    ) -> int: ...


class NamesInScope(Protocol):
    """What snippets ask of the imports of the source around them."""

    scopes: Scopes

    def through(self, scope: Scope, use: Use) -> tuple[bool, tuple[str, str] | None]: ...


@dataclass(slots=True)
class World:
    """What the scan of every file needs.  `mentions` holds each dotted text in the tree that ends in a moving word."""

    layout: Layout
    resolver: Resolver
    judge: Judge
    scan_code: CodeScanner
    mentions: Container[str] = frozenset()
    groups: frozenset[str] = frozenset()  # of entry points, as the manifests declare them
    repositories: frozenset[str] = frozenset()  # in which the manifests say that the project is kept
    templates: dict[str, bool] = field(default_factory=dict)  # of messages, as far as they were asked for


@dataclass
class Context:
    world: World
    tree: ast.Module
    nodes: list[ast.AST] = field(default_factory=list)
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)
    calls: set[str] = field(default_factory=set)
    exported: set[str] = field(default_factory=set)
    string_values: set[str] = field(default_factory=set)
    in_fstrings: list[tuple[ast.JoinedStr, str, str]] = field(default_factory=list)
    imports: NamesInScope | None = None
    kinds: dict[type[ast.AST], list[ast.AST]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # One walk for everybody: a second one costs as much as parsing.
        self.nodes, self.parents = flatten(self.tree)
        self.kinds = by_kind(self.tree)
        for call in self.of(ast.Call):
            if isinstance(call.func, ast.Name):
                self.calls.add(call.func.id)
        for constant in self.of(ast.Constant):
            if isinstance(constant.value, str) and len(constant.value) < 200:
                self.string_values.add(constant.value)
        for node in [*self.of(ast.Assign), *self.of(ast.AugAssign), *self.of(ast.AnnAssign), *self.of(ast.Call)]:
            if _exports(node):
                inner = (n for n in ast.walk(node) if isinstance(n, ast.Constant))
                self.exported |= {n.value for n in inner if isinstance(n.value, str)}

    @cached_property
    def _aliased(self) -> dict[str, str]:
        """Local names of functions -> what they are called where they come from."""
        found: dict[str, str] = {}
        for node in self.of(ast.ImportFrom):
            found |= {a.asname: a.name for a in node.names if a.asname and a.asname != a.name}
        for given in self.of(ast.Assign):
            if isinstance(given.value, ast.Attribute) and len(given.targets) == 1:
                target = given.targets[0]
                if isinstance(target, ast.Name) and isinstance(given.value.value, ast.Name):
                    found[target.id] = given.value.attr
        return found

    def called(self, call: ast.Call) -> str:
        """The name of the function that is called, as it is where it was imported from."""
        if isinstance(call.func, ast.Attribute):
            return call.func.attr
        name: str = getattr(call.func, "id", "")
        return self._aliased.get(name, name)

    def of(self, *kinds: type[N]) -> list[N]:
        """All nodes of these classes, each class in the order of the walk."""
        return [n for kind in kinds for n in self.kinds.get(kind, ())]  # type: ignore[misc]

    @property
    def layout(self) -> Layout:
        return self.world.layout

    @property
    def resolver(self) -> Resolver:
        return self.world.resolver

    @property
    def judge(self) -> Judge:
        return self.world.judge

    @property
    def mentions(self) -> Container[str]:
        return self.world.mentions

    def matters(self, node: ast.ImportFrom) -> bool:
        words = {*(node.module or "").split("."), *(a.name for a in node.names)}
        return bool(words & self.judge.words)


def _exports(node: ast.AST) -> bool:
    """Whether this puts names into `__all__`: it assigns to it, or calls a method of it."""
    match node:
        case ast.Assign(targets=targets):
            return any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets)
        case ast.AugAssign(target=ast.Name(id="__all__")) | ast.AnnAssign(target=ast.Name(id="__all__")):
            return True
        case ast.Call(func=ast.Attribute(attr="append" | "extend" | "insert", value=ast.Name(id="__all__"))):
            return True
    return False


__all__ = ["CodeScanner", "Context", "NamesInScope", "World", "flatten", "parse"]
