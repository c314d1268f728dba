"""Duplicate definitions: one name defined in two places, compared by shape and value, dropped for the canonical one.

A `[[symbol]]` of the plan says that `from` is a duplicate of `to`.  It is dropped only if both have the same shape
(fields, bases, methods, values; docstrings and comments do not count); the same name with other fields or numbers is a
conflict, listed with both readings, never a merge.  `find_duplicates` looks for further candidates between the moving
packages and the rest of the tree, for the report.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from .layout import Layout
from .model import Edit, Finding
from .operations import EditFile, apply_edits
from .resolve import binds_name, top_level
from .scan import World
from .syntax import parse
from .tree import Lines, Tree, decode, sha

State = Literal["same", "conflict", "unknown"]
_COMMON = 4  # classes of one name elsewhere: more are a custom, not copies
_AROUND = {"bases", "decorators", "__init__"}  # parts of a shape that say nothing of what it is


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

    def edits(self, source: str, stage: int) -> list[Edit]:
        """The definition, in the text of its file, as an import of the canonical one."""
        if self.state != "same" or not self.planned:
            return []
        name = self.old.rpartition(".")[2]
        module, _, new_name = self.new.rpartition(".")
        local = "" if new_name == name else f" as {name}"
        lines, out = Lines(source), list[Edit]()
        why = f"{self.old} is the same as {self.new}"
        for node in _defining(source, name) or ():
            above: list[ast.expr] = getattr(node, "decorator_list", [])
            first = min([node.lineno, *(d.lineno for d in above)])
            start = lines.starts[first - 1] if above else lines.offset(node.lineno, node.col_offset)
            end = lines.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
            alone = not source[end : source.find("\n", end) + 1 or None].strip()
            written = f"from {module} import {new_name}{local}" + ("  # noqa: E402" if start and alone else "")
            if out:  # an overload, or what implements it: the import stands where the first one was
                start, written = len(source[:start].rstrip()), ""
            out.append(Edit(start, end, source[start:end], written, first, stage, "duplicate", why))
        return out

    def operations(self, data: bytes) -> list[EditFile]:
        """The same in what the file holds before cleanup, where stage 3 was done without it."""
        if self.state != "same" or not self.planned:
            return []
        text = decode(data, python=True)
        edits = tuple(self.edits(text.body, 6)) if text else ()
        if not edits:
            return []
        return [EditFile(6, self.path, sha(data), sha(apply_edits(data, edits, self.path)), edits)]


def plan_symbols(world: World) -> list[Duplicate]:
    """The plan's `[[symbol]]` entries, each compared; and duplicates that the plan does not name."""
    layout, index = world.layout, world.resolver.index
    out: list[Duplicate] = []
    for entry in layout.plan.symbols:
        module, _, name = entry.source.rpartition(".")
        path = index.files.get(layout.current_module(module), "")
        new_module, _, new_name = entry.target.rpartition(".")
        canonical = _file_of(world, new_module)
        old = _defined_in(layout.tree, path, name)
        new = _defined_in(layout.tree, canonical, new_name)
        target = layout.new_path(path) if path else layout.plan.file
        if old == [] and path and name in index.names(layout.current_module(module)).names:
            continue  # already an import of the canonical one
        if not old or not new:
            what, found = (entry.target, new) if old else (entry.source, old)
            how = "is not defined where the plan says"
            if found is None:
                how = "is bound in more than one way, or under a condition, so nothing can take its place"
            out.append(Duplicate(entry.source, entry.target, target, 1, "unknown", f"{what} {how}"))
            continue
        difference = compare_all(old, new)
        state: State = "conflict" if difference else "same"
        out.append(Duplicate(entry.source, entry.target, target, old[0].lineno, state, difference))
    planned = {d.old for d in out} | {layout.current_module(d.new) for d in out}
    out += [d for d in find_duplicates(world) if d.old not in planned and d.new not in planned]
    return out


def drop(duplicates: Sequence[Duplicate], layout: Layout, edits: dict[str, list[Edit]]) -> None:
    """Let definitions become imports with the move: from then on both names are one object, whoever uses which.

    Some code is rewritten in stage 4 and some goes on using the old module; two classes would part them in between.
    """
    old_paths = {layout.new_path(path): path for path in layout.tree}
    for duplicate in duplicates:
        path = old_paths.get(duplicate.path, "")
        text = layout.tree.text(path) if path else None
        dropped = duplicate.edits(text.body, 3) if text else []
        if dropped:  # what would change inside of them goes with them
            kept = [e for e in edits.get(path, ()) if not any(d.start <= e.start < d.end for d in dropped)]
            edits[path] = [*kept, *dropped]


def find_duplicates(world: World) -> Iterator[Duplicate]:
    """Classes with the same name in moving code and anywhere else, compared.

    A name that many modules give to classes of their own is one that a framework wants (`Migration`, `Command`), and
    two that share hardly more than a name were never one: neither is told.
    """
    layout, index = world.layout, world.resolver.index
    homes: dict[str, list[str]] = {}
    moving = {m for m in index.files if layout.new_module(m) and not _is_test(index.files[m])}
    words = {name for module in moving for name in index.names(module).classes}
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
            if name in words and not name.startswith("_") and name in index.names(module).names:
                homes.setdefault(name, []).append(module)
    for name, (first, *others) in homes.items():
        for module in others if len(others) <= _COMMON else ():
            path = index.files[module]
            if index.files[first] == path:
                continue
            node, canonical = index.definition(module, name), index.definition(first, name)
            difference = compare(node, canonical)
            if difference and not _alike(node, canonical):
                continue
            yield Duplicate(
                f"{module}.{name}",
                f"{layout.new_module(first) or first}.{name}",
                path,
                node.lineno,
                "conflict" if difference else "same",
                difference,
                planned=False,
            )


def _alike(left: ast.stmt, right: ast.stmt) -> bool:
    """Whether two classes have at least half of the smaller one's members by name."""
    a, b = ({k for k in _shape(node) if k not in _AROUND} for node in (left, right))
    return bool(a & b) and 2 * len(a & b) >= min(len(a), len(b))


def compare(left: ast.stmt, right: ast.stmt) -> str:
    """How two definitions differ; "" if they have the same shape and values."""
    a, b = _shape(left), _shape(right)
    if a == b:
        return ""
    for key in [*a, *(k for k in b if k not in a)]:
        if a.get(key) != b.get(key):
            return f"{key}: {a.get(key, 'absent')} here, {b.get(key, 'absent')} there"
    return "another order"


def compare_all(left: list[ast.stmt], right: list[ast.stmt]) -> str:
    """The same for definitions that may have overloads."""
    if len(left) != len(right):
        return f"overloads: {len(left) - 1} here, {len(right) - 1} there"
    return next((found for pair in zip(left, right, strict=True) if (found := compare(*pair))), "")


def _shape(node: ast.stmt) -> dict[str, str]:
    """Named parts of a definition, each as normalised source; its own name is none of them."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        copy = _undocumented(node)
        copy.name = "_"  # type: ignore[attr-defined]
        return {"value": ast.unparse(copy)}
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        return {"value": ast.unparse(node.value)}
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


def _defining(source: str, name: str) -> list[ast.stmt] | None:
    """The statements that define `name`: one, or all overloads of a function.

    [] where none does (an import is no definition), None where it is bound in several ways, or under a condition.
    """
    tree = parse(source)
    if tree is None:
        return []
    found = [node for node in top_level(tree.body) if binds_name(node, name)]
    defining = [node for node in found if not isinstance(node, ast.Import | ast.ImportFrom)]
    if not defining:
        return []
    single = len(found) == 1 and _may_go(found[0])
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    overloaded = all(isinstance(n, functions) for n in found) and all(map(_is_overload, found[:-1]))
    if not all(node in tree.body for node in found) or not (single or overloaded):
        return None
    return defining


def _may_go(node: ast.stmt) -> bool:
    """Whether the statement binds this one name alone."""
    if isinstance(node, ast.Assign):
        return len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
    alias: type[ast.stmt] | None = getattr(ast, "TypeAlias", None)  # of Python 3.12
    if isinstance(node, ast.AnnAssign):
        return node.value is not None
    return isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or bool(
        alias and isinstance(node, alias)
    )


def _is_overload(node: ast.stmt) -> bool:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return any(ast.unparse(d).rpartition(".")[2] == "overload" for d in decorators)


def _defined_in(tree: Tree, path: str, name: str) -> list[ast.stmt] | None:
    if not path or path not in tree:
        return []
    text = tree.text(path)
    return _defining(text.body, name) if text else []


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
