"""Workspace members and import roots: which folders the tools look into.

Owns `[tool.uv.workspace] members` and the lists of import roots (pytest, mypy, pyright, ruff and their like).  A
root that the new names need is added in stage 3, because at once nothing would import; a member that nobody depends on
any more goes in stage 4, and so does a root that served only the old names, where a copy of the shim stands at the
new root: `libs/types` as a root beside a package `libs.types` gives every module a second name, which type checkers
refuse.  Without such a copy the root goes in stage 6, as do the other members.
"""

from __future__ import annotations

import posixpath
import re

from ..newroots import pytest_implies, pytest_settings
from ..oldroots import served_elsewhere
from .editor import Editor, toml_value
from .facts import Context, facts, root_of, stays_beside
from .spans import Node, Pair, Path
from .thin import doomed, workspace_of

_MEMBERS = (
    ("tool", "uv", "workspace", "members"),
    ("tool", "uv", "workspace", "exclude"),
    ("tool", "rye", "workspace", "members"),
)
# path, whether the manifest's own folder is a root anyway
_ROOTS: tuple[tuple[Path, bool], ...] = (
    (("tool", "pytest", "ini_options", "pythonpath"), False),
    (("tool", "pytest", "pythonpath"), False),
    (("pytest", "pythonpath"), False),
    (("tool", "mypy", "mypy_path"), True),
    (("mypy", "mypy_path"), True),
    (("tool", "pyright", "extraPaths"), True),
    (("tool", "basedpyright", "extraPaths"), True),
    (("tool", "pyrefly", "search-path"), True),
    (("tool", "ty", "environment", "extra-paths"), True),
    (("tool", "ty", "environment", "root"), False),
    (("tool", "ruff", "src"), True),
    (("src",), True),
    (("tool", "isort", "src_paths"), True),
)
_NOT_IMPORTED = {"tests", "test", "docs", "doc", "examples", "scripts", "benchmarks"}
_VARIABLE = re.compile(r"^\$\{?\w+\}?/?|^\{\w+\}/?")


def matches(member: str, folder: str) -> bool:
    """Whether a member entry, which may be a glob, means the folder."""
    parts = re.split(r"(\*\*|\*|\?)", posixpath.normpath(member))
    pattern = "".join({"**": ".*", "*": "[^/]*", "?": "[^/]"}.get(p, re.escape(p)) for p in parts)
    return re.fullmatch(pattern, folder) is not None


def rewrite_members(editor: Editor, context: Context) -> None:
    base = posixpath.dirname(editor.path)
    known = facts(context)
    for path in _MEMBERS:
        pair = editor.doc.find(*path)
        if pair is None or pair.node.kind != "array":
            continue
        entries = [i.value for i in pair.node.items]
        if editor.stage == 3:
            for index, entry in enumerate(entries):
                _moved_member(editor, context, path, index, entry)
            if path[-1] == "members" and context.plan.target and editor.path == workspace_of(context):
                target = _inside(posixpath.dirname(known.target_manifest), base)
                if target not in (None, ".") and not any(matches(e, str(target)) for e in entries):
                    node = _array(editor, path)
                    editor.add_item(node, toml_value(target), "toml.member", "the target is a member of the workspace")
        if editor.stage in (4, 6):
            for index in range(len(entries) - 1, -1, -1):
                if _served_only(context, entries[index], base):
                    _drop(editor, context, path, index, "toml.member", "no member is left there that anyone needs")


def _moved_member(editor: Editor, context: Context, path: tuple[str, ...], index: int, entry: str) -> None:
    folder = posixpath.normpath(posixpath.join(posixpath.dirname(editor.path), entry))
    if f"{folder}/pyproject.toml" in context.layout.kept:
        return
    verdict = context.judge.path(entry, editor.path)
    if stays_beside(context, entry, editor.path):
        return
    if verdict is not None and verdict.kind == "change":
        editor.set_string(_array(editor, path).items[index], verdict.new, "toml.member", verdict.reason)


def _served_only(context: Context, member: str, base: str) -> bool:
    """Whether the entry matched a manifest before the move and matches none after cleanup."""
    gone, before, after = doomed(context), False, False
    for path in context.tree:
        if posixpath.basename(path) != "pyproject.toml":
            continue
        folder = _inside(posixpath.dirname(path) or ".", base)
        new = _inside(posixpath.dirname(context.layout.new_path(path)) or ".", base)
        before |= folder is not None and matches(member, folder)
        after |= new is not None and matches(member, new) and (posixpath.dirname(path) or ".") not in gone
    target = _inside(posixpath.dirname(facts(context).target_manifest), base) if context.plan.target else None
    return before and not after and not (target and matches(member, target))


def _inside(path: str, folder: str) -> str | None:
    if not folder:
        return path or "."
    return path[len(folder) + 1 :] if path.startswith(folder + "/") else None


# import roots


def old_roots(context: Context) -> tuple[tuple[str, str], ...]:
    """Import roots of moving packages, each with the root that a new name, or the new place of a kept one, needs."""
    pairs = ((root_of(m.path, m.source), root_of(m.to_path, m.target)) for m in context.layout.moves)
    return tuple(dict.fromkeys((old, new) for old, new in pairs if old != new))


def superfluous(context: Context, root: str) -> bool:
    """Whether nothing that stays is imported from this root."""
    if root == "." or any(root_of(m.to_path, m.target) == root for m in context.layout.moves):
        return False
    new = [m.to_path for m in context.layout.moves]
    for path in context.tree.under(root):
        inner = path[len(root) + 1 :].split("/")
        if not path.endswith((".py", ".pyi")) or context.layout.new_path(path) != path:
            continue
        if inner[0] in _NOT_IMPORTED or inner[0] in ("setup.py", "conftest.py", "noxfile.py"):
            continue
        if not any(path == n or path.startswith(n + "/") for n in new):
            return False
    return True


def second_names(context: Context, root: str) -> list[str]:
    """New packages that could also be imported from this root by a shorter name."""
    return [
        m.target
        for m in context.layout.moves
        if m.to_path.startswith(root + "/") and root_of(m.to_path, m.target) != root
    ]


def _ends_early(context: Context, root: str) -> bool:
    """Whether the root goes before cleanup, because a copy of each shim stands below another one."""
    return served_elsewhere(context.layout, [m for m in context.layout.moves if root_of(m.path, m.source) == root])


def rewrite_roots(editor: Editor, context: Context) -> None:
    if editor.stage not in (3, 4, 6):
        return
    folder = posixpath.dirname(editor.path) or "."
    pairs = old_roots(context)
    nested = [p.path for p in editor.doc.walk() if isinstance(p, Pair) and "executionEnvironments" in p.path[:-1]]
    places = [*_ROOTS, *((tuple(p), True) for p in nested if p[-1] == "extraPaths")]
    for path, implied in places:
        pair = editor.doc.find(*path)
        if pair is None or (path == ("src",) and not posixpath.basename(editor.path).endswith("ruff.toml")):
            continue
        if pair.node.kind == "string":
            _root_string(editor, context, pair.node, path, folder, implied=implied)
        if pair.node.kind != "array":
            continue
        full = [_full(i.value, folder) for i in pair.node.items]
        if editor.stage == 3:
            for old, new in pairs:
                known = old in full or _implied(editor, context, path, old)
                if known and new not in full and not (implied and new == folder):
                    place = posixpath.relpath(new, folder)
                    editor.add_item(
                        _array(editor, path), toml_value(place), "toml.root", "the new names are imported from there"
                    )
                    full.append(new)
            continue
        for index in range(len(full) - 1, -1, -1):
            if full[index] not in dict(pairs) or (editor.stage == 4 and not _ends_early(context, full[index])):
                continue
            if superfluous(context, full[index]):
                _drop(editor, context, path, index, "toml.root", "only the old names were imported from there")
            elif editor.stage == 6 and second_names(context, full[index]):
                names = ", ".join(second_names(context, full[index]))
                text = f"{'.'.join(map(str, path))}: {pair.node.items[index].value} gives {names} a second name"
                editor.find(pair.start, "toml.root", text, hint="move what else lies there, then drop this root")


def _implied(editor: Editor, context: Context, path: Path, old: str) -> bool:
    """Whether the tool looks into the old root of what keeps its name without being told."""
    folder = posixpath.dirname(editor.path) or "."
    if old != folder or old not in {change.old for change in context.layout.new_roots}:
        return False
    if path[-1] == "pythonpath":
        mine = editor.path == pytest_settings(context.tree, folder)
        return mine and pytest_implies(context.plan, context.tree, old)
    return path[-1] in ("mypy_path", "extraPaths")


def _root_string(editor: Editor, context: Context, node: Node, path: Path, folder: str, *, implied: bool) -> None:
    """`mypy_path = "src:libs/types"`: the same as a list, in one string."""
    mark = next((m for m in (":", ",", ";", " ") if m in node.value), ":")
    entries = [e for e in node.value.split(mark) if e]
    kept = wanted_roots(context, entries, folder, editor.stage, implied=implied)
    reason = "the new names are imported from there" if editor.stage == 3 else "it served only the old names"
    pair = editor.doc.find(*path)
    if not kept and entries and pair is not None:
        editor.drop(pair, "toml.root", reason)
    elif kept != entries:
        editor.set_string(node, mark.join(kept), "toml.root", reason)


def wanted_roots(context: Context, entries: list[str], folder: str, stage: int, *, implied: bool) -> list[str]:
    """Import roots as they must be after the stage; `implied` if the tool looks into `folder` by itself."""
    pairs, full = old_roots(context), [_full(e, folder) for e in entries]
    if stage in (4, 6):
        gone = {f for f in full if f in dict(pairs) and superfluous(context, f)}
        gone = {f for f in gone if stage == 6 or _ends_early(context, f)}
        return [e for e, f in zip(entries, full, strict=True) if f not in gone]
    kept = {change.old for change in context.layout.new_roots} if implied else set[str]()
    known = {*full, *(o for o in kept if o == folder)}
    missing = [n for o, n in pairs if o in known and n not in full and not (implied and n == folder)]
    return [*entries, *(posixpath.relpath(n, folder) for n in dict.fromkeys(missing))]


def _full(entry: str, folder: str) -> str:
    return posixpath.normpath(posixpath.join(folder, _VARIABLE.sub("", entry.strip()) or "."))


def _array(editor: Editor, path: Path) -> Node:
    pair = editor.doc.find(*path)
    assert pair is not None
    return pair.node


def _drop(editor: Editor, context: Context, path: Path, index: int, rule: str, reason: str) -> None:
    """Remove an entry, and a comment behind the list that spoke of what is gone."""
    editor.remove_item(_array(editor, path), index, rule, reason)
    end = _array(editor, path).end
    line = re.compile(r"[ \t]*#[^\r\n]*").match(editor.text, end)
    if line is not None and context.judge.mentioned(line[0]):
        editor.change(line.start(), line.end(), "", rule, "the comment spoke of it")
