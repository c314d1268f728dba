"""Syntax trees of Python sources, parsed and walked once for all who look at the same file one after the other.

Knows `ast`, and `newer` for what this interpreter cannot parse.  The trees and lists are shared: nobody may change
them.
"""

from __future__ import annotations

import ast
import gc
import re
import sys
import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from .newer import as_older

# Fields in which no node lies below which anything is: ast shares contexts and operators, the others hold plain values.
_PLAIN = {"ctx", "op", "ops", "id", "attr", "arg", "lineno", "type_comment", "conversion", "kind", "level", "module"}
_LEAVES = (ast.Name, ast.Constant, ast.alias, ast.Global, ast.Nonlocal, ast.Pass, ast.Break, ast.Continue)

_NEWER = re.compile(r"^[ \t]*lazy\b|(?<!\w)(?:[tT][rR]?|[rR][tT])['\"]", re.MULTILINE)
_LAZY = re.compile(rb"lazy[ \t\f]+")


class _Fields(dict[type[ast.AST], tuple[str, ...]]):
    """The fields of a class of nodes in which other nodes may lie, in their order."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        fields = () if issubclass(kind, _LEAVES) else tuple(name for name in kind._fields if name not in _PLAIN)
        self[kind] = fields
        return fields


CHILD_FIELDS = _Fields()


@lru_cache(maxsize=1)
def parse(source: str) -> ast.Module | None:
    """The syntax tree of a source, not to be changed; None if it is no Python.

    What only a newer Python reads is read as well, see `Older`.  The last one is kept.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except SyntaxError:
        return as_older(source)
    except (ValueError, RecursionError, MemoryError):
        return None
    if sys.version_info >= (3, 14) and _NEWER.search(source):
        _make_older(tree, source)
    return tree


def _make_older(tree: ast.Module, source: str) -> None:
    """What this Python reads and older ones do not, as the nodes that all have: a template string is an f-string, and
    `lazy import a` the statement behind its first word."""
    lines: list[bytes] = []
    for node in ast.walk(tree):
        match type(node).__name__:
            case "TemplateStr":
                node.__class__ = ast.JoinedStr
            case "Interpolation":
                node.__class__ = ast.FormattedValue
            case "Import" | "ImportFrom" if getattr(node, "is_lazy", 0):
                assert isinstance(node, ast.Import | ast.ImportFrom)
                lines = lines or re.split(rb"\r\n|\r|\n", source.encode())
                word = _LAZY.match(lines[node.lineno - 1], node.col_offset)
                node.col_offset = word.end() if word else node.col_offset


@lru_cache(maxsize=1)
def flatten(tree: ast.AST) -> tuple[list[ast.AST], dict[ast.AST, ast.AST]]:
    """All nodes, outer ones first, as `ast.walk` gives them, and each one's parent.

    The scan of a large tree spends much of its time here, so the last answer is kept, as the tree is (`parse`).
    """
    nodes: list[ast.AST] = [tree]
    parents: dict[ast.AST, ast.AST] = {}
    add = nodes.append
    for node in nodes:
        for name in CHILD_FIELDS[node.__class__]:
            value = getattr(node, name, None)
            if type(value) is list:
                for item in value:
                    if isinstance(item, ast.AST):
                        parents[item] = node
                        add(item)
            elif isinstance(value, ast.AST):
                parents[value] = node
                add(value)
    return nodes, parents


@lru_cache(maxsize=1)
def by_kind(tree: ast.AST) -> dict[type[ast.AST], list[ast.AST]]:
    """The nodes by their class, those of each in the order of `flatten`; not to be changed."""
    found: defaultdict[type[ast.AST], list[ast.AST]] = defaultdict(list)
    for node in flatten(tree)[0]:
        found[node.__class__].append(node)
    return dict(found)


def nodes_of(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes, in no order to rely on, and nothing is kept."""
    rest = [tree]
    while rest:
        node = rest.pop()
        yield node
        for name in CHILD_FIELDS[node.__class__]:
            value = getattr(node, name, None)
            if type(value) is list:
                rest += [item for item in value if isinstance(item, ast.AST)]
            elif isinstance(value, ast.AST):
                rest.append(value)


@contextmanager
def no_collector() -> Iterator[None]:
    """For reading many files: syntax trees are many small objects, and the collector walks them again and again.

    What is kept of the last one is let go at the end.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        forget()
        if collecting:
            gc.enable()


def forget() -> None:
    """Let go of what is kept of the last source."""
    parse.cache_clear()
    flatten.cache_clear()
    by_kind.cache_clear()
    as_older.cache_clear()
