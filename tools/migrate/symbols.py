"""Duplicate definitions: one name defined in two places, compared by shape and value, dropped for the canonical one.

A `[[symbol]]` of the plan says that `from` is a duplicate of `to`.  It is dropped only if both have the same shape
(fields, bases, methods, values; docstrings and comments do not count); the same name with other fields or numbers is a
conflict, listed with both readings, never a merge.  `find_duplicates` looks for further candidates between the moving
packages and the rest of the tree, for the report.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from .model import Edit, Finding
from .operations import EditFile, Operation
from .scan import World
from .tree import Lines, Tree, decode, sha

State = Literal["same", "conflict", "unknown"]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """`old` and `new` are dotted names before and after; `path` is where the dropped definition will be."""

    old: str
    new: str
    path: str
    line: int
    state: State
    difference: str = ""
    planned: bool = True

    def finding(self) -> Finding | None:
        if self.state == "same" and self.planned:
            return None
        readings = (f"the same as {self.new}", "a type of its own that shares the name")
        if self.state == "same":
            return Finding(
                self.path, self.line, "duplicate.same", self.old, readings, "a [[symbol]] would drop it", "note"
            )
        severity: Literal["error", "note"] = "error" if self.planned else "note"
        return Finding(
            self.path,
            self.line,
            "duplicate.conflict",
            self.old,
            (*readings, self.difference),
            "the definitions differ, so they are not merged",
            severity,
        )

    def operations(self, tree: Tree) -> list[Operation]:
        """Replace the definition by an import of the canonical one, in the tree as it is before cleanup."""
        if self.state != "same" or not self.planned or self.path not in tree:
            return []
        data = tree.read(self.path)
        text = decode(data, python=True)
        if text is None:
            return []
        name = self.old.rpartition(".")[2]
        node = _definition(text.body, name)
        if node is None:
            return []
        module, _, new_name = self.new.rpartition(".")
        lines = Lines(text.body)
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        start = lines.starts[first - 1]
        end = lines.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
        local = "" if new_name == name else f" as {name}"
        written = (
            f"from {module} import {new_name}{local}  # noqa: E402"
            if start
            else f"from {module} import {new_name}{local}"
        )
        edit = Edit(
            start, end, text.body[start:end], written, first, 6, "duplicate", f"{self.old} is the same as {self.new}"
        )
        after = text.encoded(text.body[:start] + written + text.body[end:])
        return [EditFile(6, self.path, sha(data), sha(after), (edit,))]


def plan_symbols(world: World) -> list[Duplicate]:
    """The plan's `[[symbol]]` entries, each compared; and duplicates that the plan does not name."""
    layout, index = world.layout, world.resolver.index
    out: list[Duplicate] = []
    for entry in layout.plan.symbols:
        module, _, name = entry.source.rpartition(".")
        path = index.files.get(layout.current_module(module), "")
        new_module, _, new_name = entry.target.rpartition(".")
        canonical = _file_of(world, new_module)
        old = _definition_in(layout.tree, path, name)
        new = _definition_in(layout.tree, canonical, new_name)
        target = layout.new_path(path) if path else layout.plan.file
        if old is None and path and name in index.names(layout.current_module(module)).names:
            continue  # already an import of the canonical one
        if old is None or new is None:
            what = entry.source if old is None else entry.target
            out.append(
                Duplicate(
                    entry.source, entry.target, target, 1, "unknown", f"{what} is not defined where the plan says"
                )
            )
            continue
        difference = compare(old, new)
        out.append(
            Duplicate(entry.source, entry.target, target, old.lineno, "conflict" if difference else "same", difference)
        )
    planned = {d.old for d in out} | {layout.current_module(d.new) for d in out}
    out += [d for d in find_duplicates(world) if d.old not in planned and d.new not in planned]
    return out


def find_duplicates(world: World) -> Iterator[Duplicate]:
    """Classes with the same name in moving code and anywhere else, compared."""
    layout, index = world.layout, world.resolver.index
    first: dict[str, str] = {}
    moving = {m for m in index.files if layout.new_module(m) and not _is_test(index.files[m])}
    words = {name: module for module in sorted(moving) for name in index.names(module).classes}
    if not words:
        return
    shown = [re.escape(w.encode()) for w in sorted(words) if not w.startswith("_")]
    # What ends with the word matches, too: the names below decide, and a fixed beginning is searched for much faster.
    defined = re.compile(rb"class[\s\\]+(?:" + b"|".join(shown) + rb")(?!\w)")
    for module, path in sorted(index.files.items(), key=lambda kv: (layout.new_module(kv[0]) is None, kv[0])):
        if not path.endswith(".py") or _is_test(path) or module in layout.aliases:
            continue
        if module not in moving and not defined.search(layout.tree.read(path)):
            continue
        for name in index.names(module).classes:
            if name not in words or name.startswith("_") or name not in index.names(module).names:
                continue
            if name not in first:
                first[name] = module
                continue
            other = first[name]
            if other == module or index.files[other] == path:
                continue
            node, canonical = index.definition(module, name), index.definition(other, name)
            difference = compare(node, canonical)
            yield Duplicate(
                f"{module}.{name}",
                f"{layout.new_module(other) or other}.{name}",
                path,
                node.lineno,
                "conflict" if difference else "same",
                difference,
                planned=False,
            )


def compare(left: ast.stmt, right: ast.stmt) -> str:
    """How two definitions differ; "" if they have the same shape and values."""
    a, b = _shape(left), _shape(right)
    if a == b:
        return ""
    for key in [*a, *(k for k in b if k not in a)]:
        if a.get(key) != b.get(key):
            return f"{key}: {a.get(key, 'absent')} here, {b.get(key, 'absent')} there"
    return "another order"


def _shape(node: ast.stmt) -> dict[str, str]:
    """Named parts of a definition, each as normalised source."""
    if not isinstance(node, ast.ClassDef):
        return {"value": ast.unparse(node)}
    parts = {
        "bases": ", ".join(ast.unparse(b) for b in [*node.bases, *node.keywords]),
        "decorators": ", ".join(ast.unparse(d) for d in node.decorator_list),
    }
    for number, inner in enumerate(node.body):
        if isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant):
            continue
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            parts[inner.name] = ast.unparse(_undocumented(inner))
        elif isinstance(inner, ast.AnnAssign | ast.Assign):
            target = inner.target if isinstance(inner, ast.AnnAssign) else inner.targets[0]
            parts[ast.unparse(target)] = ast.unparse(inner)
        elif not isinstance(inner, ast.Pass):
            parts[f"statement {number}"] = ast.unparse(inner)
    return parts


def _undocumented(node: ast.stmt) -> ast.stmt:
    copy = ast.parse(ast.unparse(node)).body[0]
    for inner in ast.walk(copy):
        body = getattr(inner, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            inner.body = body[1:] or [ast.Pass()]  # type: ignore[attr-defined]
    return copy


def _definition(source: str, name: str) -> ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Assign | None:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return None
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            return node
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return node
    return None


def _definition_in(tree: Tree, path: str, name: str) -> ast.stmt | None:
    if not path or path not in tree:
        return None
    text = tree.text(path)
    return _definition(text.body, name) if text else None


def _file_of(world: World, new_module: str) -> str:
    """The file, in today's tree, of a module named as after the move."""
    layout, index = world.layout, world.resolver.index
    for module, path in index.files.items():
        if module == new_module or layout.new_module(module) == new_module:
            return path
    return ""


def _is_test(path: str) -> bool:
    parts = path.split("/")
    return "tests" in parts or "test" in parts or parts[-1].startswith(("test_", "conftest"))
