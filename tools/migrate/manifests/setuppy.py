"""setup.py: literal strings edited at their positions, the rest listed.

Owns package lists, package_dir, package_data, requirements, entry points, extension names, and paths that are
written as one string or as the parts of a `join`.  Reads with ast, never runs the file.  Import statements are the
Python rewriter's.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterable
from typing import Literal

from ..classify import Hint
from ..entrypoints import group_names
from ..model import Edit, Finding
from ..tree import Lines
from .declared import Distribution
from .facts import Context, facts, moves_of, relative, stays_beside
from .packages import directory_entry, mapped_names
from .requirements import unify
from .sections import hits
from .setupcall import SetupCall, read_setup
from .setuproots import py_new_roots
from .thin import requirement_on_target

_REQUIRES = ("install_requires", "setup_requires", "tests_require")
_MODULES = ("packages", "py_modules", "package_dir", "package_data", "exclude_package_data")
_PROSE = ("name", "description", "long_description", "keywords", "classifiers", "author", "url")
_MADE = {"write_to", "version_file", "versionfile_source"}
_JOINS = {"join", "joinpath", "Path", "PurePath"}


class _File:
    def __init__(self, path: str, text: str, stage: int, context: Context, call: SetupCall) -> None:
        self.path, self.text, self.stage, self.context, self.call = path, text, stage, context, call
        self.lines = Lines(text)
        self.edits: list[tuple[int, int, str, str]] = []
        self.findings: list[Finding] = []

    def span(self, node: ast.expr) -> tuple[int, int]:
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        return self.lines.offset(node.lineno, node.col_offset), self.lines.offset(end_line, end_column)

    def literal(self, node: ast.expr, value: str) -> str:
        """`value` in the quotes of the string that stands at `node`."""
        quote = self.text[self.span(node)[1] - 1]
        quote = quote if quote not in value else "'" if quote == '"' else '"'
        return f"{quote}{value}{quote}"

    def change(self, node: ast.expr, value: str, reason: str) -> None:
        self.edits.append((*self.span(node), self.literal(node, value), reason))

    def find(
        self,
        node: ast.expr,
        text: str,
        hint: str = "",
        readings: tuple[str, ...] = (),
        severity: Literal["warning", "note"] = "warning",
    ) -> None:
        self.findings.append(Finding(self.path, node.lineno, "setup.py", text, readings, hint, severity))

    def remove(self, nodes: list[ast.expr], index: int, reason: str) -> None:
        start, end = self.span(nodes[index])
        if index:
            start = self.span(nodes[index - 1])[1]
        elif len(nodes) > 1:
            end = self.span(nodes[1])[0]
        self.edits.append((start, end, "", reason))

    def add(self, nodes: list[ast.expr], owner: ast.expr, source: str, reason: str) -> None:
        if not nodes:
            at = self.span(owner)[0] + 1
            self.edits.append((at, at, source, reason))
            return
        at = self.span(nodes[-1])[1]
        line_start = self.text.rfind("\n", 0, self.span(nodes[-1])[0]) + 1
        indent = self.text[line_start : self.span(nodes[-1])[0]]
        own_line = len(nodes) > 1 and not indent.strip()
        newline = "\r\n" if "\r\n" in self.text else "\n"
        self.edits.append((at, at, f",{newline}{indent}{source}" if own_line else f", {source}", reason))


def rewrite_setup_py(path: str, text: str, stage: int, context: Context) -> tuple[str, list[Edit], list[Finding]]:
    call = read_setup(text)
    if call is None:
        finding = Finding(path, 1, "setup.py", "the file cannot be parsed", (), "edit it by hand")
        return text, [], [finding] if context.judge.mentioned(text) or facts(context).old(path) else []
    file = _File(path, text, stage, context, call)
    dist = facts(context).old(path)
    if dist is not None and dist.manifest == path:
        if stage == 3:
            _thin(file, dist)
        return _finished(file)
    handled: set[int] = set()
    for name in _MODULES:
        node = call.keywords.get(name)
        for part in _pieces(call, name, node) if node is not None else ():
            handled |= {id(n) for n in ast.walk(part)}
            if stage in (3, 6):
                _packages(file, name, part)
    py_new_roots(file)
    for name in (*_REQUIRES, "extras_require"):
        node = call.keywords.get(name)
        if node is not None and stage == 4:
            for one in node.values if isinstance(node, ast.Dict) else [node]:
                for part in call.lists(one):
                    if id(part) not in handled:  # one list may be used twice
                        handled.add(id(part))
                        _requirements(file, part)
    for name in _PROSE:
        if name in call.keywords:
            handled |= {id(n) for n in ast.walk(call.keywords[name])}
    if stage == 3 and path in file.context.layout.scripts:
        _files(file, handled)
    if stage in (3, 4):
        _joins(file, handled)
        _strings(file, handled)
    return _finished(file)


def _finished(file: _File) -> tuple[str, list[Edit], list[Finding]]:
    text, notes = file.text, []
    for start, end, new, reason in sorted(file.edits, reverse=True):
        if text[start:end] != new:
            notes.append(Edit(0, 0, text[start:end], new, file.lines.line(start), file.stage, "setup.py", reason))
        text = text[:start] + new + text[end:]
    return text, notes[::-1], file.findings


def _thin(file: _File, dist: Distribution) -> None:
    """The setup.py of a merged distribution: it depends on the target and ships the shim only."""
    context, why = file.context, "thin until cleanup: the target ships this now"
    call = file.call.call
    if call is None:
        return
    own = [m for m in moves_of(context, dist) if "." not in m.source]
    places = {m.source: relative(m.path, dist.folder).removesuffix(".py") for m in own}
    entries = [directory_entry(name, place) for name, place in places.items()]
    wanted: dict[str, object] = {
        "install_requires": [requirement_on_target(context)],
        "packages": sorted(m.source for m in own if m.is_package),
        "py_modules": sorted(m.source for m in own if not m.is_package),
        "package_dir": dict(e for e in entries if e is not None),
        "extras_require": {extra: [requirement_on_target(context, extra)] for extra in dist.extras},
        "entry_points": {},
        "package_data": {},
        "ext_modules": [],
    }
    needed = {"install_requires", "packages" if wanted["packages"] else "py_modules"}
    needed |= {"package_dir"} if wanted["package_dir"] else set()
    missing = []
    for name, value in wanted.items():
        source = repr(value).replace("'", '"')
        node = file.call.keywords.get(name)
        if node is not None:
            if file.call.value(name) != value:
                file.edits.append((*file.span(node), source, why))
        elif name in needed:
            missing.append(f"{name}={source}")
    if missing and call.keywords:
        at = file.span(call.keywords[-1].value)[1]
        file.edits.append((at, at, "".join(f", {m}" for m in missing), why))
    if file.call.value("version") is None:
        file.find(call, f"the version of {dist.name} is computed", "write it into setup.py before stage 3")


def _constant(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _packages(file: _File, name: str, node: ast.expr) -> None:
    layout, why = (
        file.context.layout,
        "the package is shipped under its new name" if file.stage == 3 else "its shim is gone",
    )
    folder = posixpath.dirname(file.path) or "."
    if isinstance(node, ast.List | ast.Tuple):
        names = [_constant(e) for e in node.elts]
        if any(n is None for n in names) and any(n and layout.new_module(n) for n in names):
            file.find(node, f"{name} is computed in part", "check that the new packages are shipped")
            return
        known = [n for n in names if n is not None]
        if not any(layout.new_module(n) for n in known):
            return
        wanted = mapped_names(file.context, known, file.stage, file.path)
        if name == "py_modules":
            wanted = [w for w in wanted if w in known]
        elements, added = list(node.elts), [w for w in wanted if w not in known]
        for index, one in enumerate(known):
            if one in wanted:
                continue
            if added:
                file.change(elements[index], added.pop(0), why)
            else:
                file.remove(elements, index, why)
        for one in added:
            file.add(elements, node, file.literal(elements[-1], one), why)
    elif isinstance(node, ast.Dict):
        keys = {k: n for n in node.keys if n is not None and (k := _constant(n)) is not None}
        for index, key in enumerate(node.keys):
            old = _constant(key) if key is not None else None
            new = layout.new_module(old) if old else None
            if key is None or old is None or new is None:
                continue
            value = node.values[index]
            if file.stage == 6:
                start, end = file.span(key)[0], file.span(value)[1]
                if index:
                    start = file.span(node.values[index - 1])[1]
                elif len(node.values) > 1 and node.keys[1] is not None:
                    end = file.span(node.keys[1])[0]
                file.edits.append((start, end, "", why))
                continue
            source = file.text[slice(*file.span(value))]
            if name == "package_dir":
                move = layout.old_names.get(old)
                entry = move and directory_entry(move.target, relative(move.to_path, folder))
                if not entry:
                    continue
                new, source = entry[0], file.literal(value, entry[1])
            if new not in keys:
                file.add([node.values[-1]], node, f"{file.literal(key, new)}: {source}", why)
                keys[new] = key
    elif file.stage == 3 and file.context.layout.old_names and file.context.judge.mentioned(ast.unparse(node)):
        file.find(node, f"{name}={ast.unparse(node)}", "computed: check that the new packages are shipped")
    elif file.stage == 3 and name == "packages" and isinstance(node, ast.Call) and _covers_moves(file, folder):
        file.find(
            node, f"packages={ast.unparse(node)}", "found by search: check that it finds the new packages and the shims"
        )


def _pieces(call: SetupCall, name: str, node: ast.expr) -> list[ast.expr]:
    """What an argument is made of: itself, or the lists of which `packages=["pkg"] + parts + tests` is the sum."""
    whole = name not in ("packages", "py_modules") or any(isinstance(n, ast.Call) for n in ast.walk(node))
    return [node] if whole else [*call.lists(node)] or [node]


def _covers_moves(file: _File, folder: str) -> bool:
    moves = (m for m in file.context.layout.moves if not m.keeps_name)
    return any(folder == "." or m.path.startswith(folder + "/") for m in moves)


def _requirements(file: _File, node: ast.List | ast.Tuple) -> None:
    known = facts(file.context)
    if not known.replaced:
        return
    entries = [_constant(e) or "" for e in node.elts]
    quotes = [file.text[file.span(e)[1] - 1] for e in node.elts]
    result = unify(entries, known.replaced, known.target_name, known.version, quotes=quotes)
    for problem in result.problems:
        file.find(node, problem)
    for index, new in enumerate(result.entries):
        if new is None:
            file.remove(list(node.elts), index, f"{known.target_name} is in the list already")
        elif new != entries[index]:
            file.change(node.elts[index], new, "; ".join([f"{known.target_name} ships what it needs", *result.notes]))


def _files(file: _File, handled: set[int]) -> None:
    """Paths in a script that goes to another folder: they are meant from where it lies.

    A word alone may be a folder or anything else, so it is listed; a path, a pattern or a file's name is not.
    """
    docs = _docstrings(file.call.tree)
    for node in ast.walk(file.call.tree):
        if not isinstance(node, ast.expr) or id(node) in handled or id(node) in docs:
            continue
        text = _constant(node)
        if not text:
            continue
        verdict = file.context.judge.path(text, file.path)
        if verdict is None or verdict.kind != "change" or text.startswith(verdict.new):
            continue
        handled.add(id(node))
        if "/" in text or "*" in text or "." in text:
            file.change(node, verdict.new, "the script is run from another folder")
        else:
            readings = (f"the folder, now {verdict.new}", "a word of its own")
            file.find(node, text, "the script is run from another folder", readings)


def _joins(file: _File, handled: set[int]) -> None:
    """`os.path.join(here, "src", "package", "file.py")`: the literal parts are one path."""
    for call in ast.walk(file.call.tree):
        if not isinstance(call, ast.Call) or id(call) in handled:
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        parts = list(call.args)
        while parts and _constant(parts[0]) is None:
            parts.pop(0)
        values = [_constant(p) for p in parts]
        if name not in _JOINS or len(parts) < 2:
            continue
        count = next((i for i, v in enumerate(values) if v is None), len(values))
        strings = [v for v in values[:count] if v is not None]
        joined = "/".join(strings)
        verdict = file.context.judge.path(joined, file.path)
        if verdict is None:
            new_places = [m.to_path for m in file.context.layout.moves]
            if any(joined == p or joined.startswith(p + "/") for p in new_places):  # as stage 3 left it
                handled |= {id(p) for p in parts[:count]}
            continue
        handled |= {id(p) for p in parts[:count]}
        if verdict.kind != "change" or file.stage != 3 or stays_beside(file.context, joined, file.path):
            continue
        new, old = verdict.new.split("/"), strings
        while old and new and old[-1] == new[-1] and len(old) > 1 and len(new) > 1:
            old, new = old[:-1], new[:-1]
        first = 0
        while first < min(len(old), len(new)) - 1 and old[first] == new[first]:
            first += 1
        start, end = file.span(parts[first])[0], file.span(parts[len(old) - 1])[1]
        source = ", ".join(file.literal(parts[first], part) for part in new[first:])
        file.edits.append((start, end, source, verdict.reason))


def _strings(file: _File, handled: set[int]) -> None:
    docs = _docstrings(file.call.tree)
    points = _entry_points(file.call)
    modules = {id(n) for n in ast.walk(points)} if points is not None else set()
    handled |= {id(node) for node in group_names(file.call.tree)}
    for call in ast.walk(file.call.tree):
        if isinstance(call, ast.Call) and "Extension" in ast.unparse(call.func) and call.args:
            modules.add(id(call.args[0]))
    early = {
        id(c.args[0])
        for c in ast.walk(file.call.tree)
        if isinstance(c, ast.Call) and "Extension" in ast.unparse(c.func) and c.args
    }
    made = {id(n) for n in _made(file.call.tree)}
    for node in ast.walk(file.call.tree):
        if (
            not isinstance(node, ast.Constant)
            or not isinstance(node.value, str)
            or id(node) in handled
            or id(node) in docs
        ):
            continue
        start, end = file.span(node)
        source = file.text[start:end]
        points_at = node.value.find("=") + 1 if id(node) in modules else 0  # the name of an entry point stays
        hint: Hint = "module" if id(node) in modules else "path" if id(node) in made else "unknown"
        for hit in hits(node.value[points_at:], file.path, file.context, hint):
            stage = 3 if id(node) in early and hit.verdict.kind == "change" else hit.verdict.stage
            group = id(node) in modules and re.search(rf"^\s*\[{re.escape(hit.token)}\]", node.value, re.M)
            if stage != file.stage or group:
                continue
            skip = source.find("=") + 1 if points_at else 0
            token, new = hit.token, hit.verdict.new
            if token not in source[skip:] and token.partition(":")[2] == new.partition(":")[2]:
                token, new = token.partition(":")[0], new.partition(":")[0]  # the object is in a second piece
            if hit.verdict.kind == "change" and source.count(token, skip) == 1:
                at = start + source.index(token, skip)
                file.edits.append((at, at + len(token), new, hit.verdict.reason))
            elif hit.verdict.kind != "none":
                file.find(node, hit.token, hit.verdict.reason, hit.verdict.readings)
            elif hit.verdict.rule == "string.missing" and hit.token == node.value:  # `provides`, say
                file.find(node, hit.token, hit.verdict.reason, hit.verdict.readings, "note")


def _made(tree: ast.Module) -> Iterable[ast.expr]:
    """Paths of files that are made when the distribution is built, so that none is tracked: `write_to=...`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and "Extension" in ast.unparse(node.func):  # C that Cython writes
            yield from (n for a in [*node.args[1:], *node.keywords] for n in ast.walk(a) if isinstance(n, ast.Constant))
        elif isinstance(node, ast.keyword) and node.arg in _MADE:
            yield node.value
        elif isinstance(node, ast.Dict):
            keys = [_constant(k) if k is not None else None for k in node.keys]
            yield from (v for k, v in zip(keys, node.values, strict=True) if k in _MADE)


def _entry_points(call: SetupCall) -> ast.expr | None:
    """What `setup` takes as entry points, also by way of a variable."""
    points = call.keywords.get("entry_points")
    if isinstance(points, ast.Name):
        for node in ast.walk(call.tree):
            if isinstance(node, ast.Assign) and [getattr(t, "id", "") for t in node.targets] == [points.id]:
                return node.value
    return points


def _docstrings(tree: ast.Module) -> set[int]:
    return {id(n.body[0].value) for n in _with_body(tree) if n.body and isinstance(n.body[0], ast.Expr)}


def _with_body(tree: ast.Module) -> Iterable[ast.Module | ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            yield node
