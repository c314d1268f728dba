"""What scanners share: `World` for all files, `Context` for one parsed source; and the one walk over a syntax tree.

Knows no scanner.  `World.scan_code` is how a scanner that finds code inside its text (a doctest, a script in a string)
hands it back to all of them, without knowing them either.
"""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from ..classify import Judge
from ..layout import Layout, ModuleName
from ..resolve import Resolver
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
    mentions: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()  # of entry points, as the manifests declare them


@dataclass(slots=True)
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
        self.nodes = flatten(self.tree, self.parents)
        for node in self.nodes:
            self.kinds.setdefault(type(node), []).append(node)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                self.calls.add(node.func.id)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 200:
                self.string_values.add(node.value)
            elif isinstance(node, ast.Assign | ast.AugAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets):
                    self.exported |= {
                        n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)
                    }

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
    def mentions(self) -> frozenset[str]:
        return self.world.mentions

    def matters(self, node: ast.ImportFrom) -> bool:
        words = {*(node.module or "").split("."), *(a.name for a in node.names)}
        return bool(words & self.judge.words)


_SINGLETONS = frozenset(["ctx", "op", "ops"])  # ast shares these nodes; nothing lies below them


def flatten(tree: ast.AST, parents: dict[ast.AST, ast.AST]) -> list[ast.AST]:
    """All nodes, outer ones first, as `ast.walk` gives them; the scan of a large tree spends much of its time here."""
    nodes = [tree]
    for node in nodes:
        for name in node._fields:
            if name in _SINGLETONS:
                continue
            value = getattr(node, name, None)
            if type(value) is list:
                for item in value:
                    if isinstance(item, ast.AST):
                        parents[item] = node
                        nodes.append(item)
            elif isinstance(value, ast.AST):
                parents[value] = node
                nodes.append(value)
    return nodes


def parse(source: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
