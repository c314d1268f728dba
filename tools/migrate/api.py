"""Compares the public API of packages before and after they moved, by reading the sources only.

Owns: loading both trees with griffe and the recursive comparison.  It must not import anything of the trees and must
not know plans or stages.  It sees what the comparison at run time (`imports.py`) cannot: names of modules that do not
import on this machine, annotations, and the source of values.

Names in annotations, bases and values are resolved through the imports of their module before they are compared, so
that `new.T` after `from libs.types import new` is the same as `old.T` after `import old`.
griffe's own rules for breaking changes are asked as a second opinion; they also see inherited members.  Odd code ends
as a note in the findings, never as an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import griffe

from tools.migrate.imports import same_after_rename
from tools.migrate.model import Finding

_RULE = "public-api"
Rename = Callable[[str], str]


def compare_api(
    before_root: Path,
    after_root: Path,
    roots_before: Sequence[str],
    roots_after: Sequence[str],
    packages: Sequence[tuple[str, str]],
) -> list[Finding]:
    """What the packages (pairs of dotted names, before and after) offered and offer no longer, or differently.

    `roots_*` are the folders on the import path, relative to their tree.  What cannot be read is a note, not an error.
    """
    rename = _renamer(packages)
    findings: list[Finding] = []
    with griffe.logger.disable():
        # One collection per tree: bases in another moved package, or in what stayed, must resolve on both sides.
        olds = _loader(before_root, roots_before)
        news = _loader(after_root, roots_after)
        for name in dict.fromkeys(old.partition(".")[0] for old, _ in packages):
            _load(news, name)
        for old_name, new_name in packages:
            old, new = _load(olds, old_name), _load(news, new_name)
            for loaded, name in ((old, old_name), (new, new_name)):
                if isinstance(loaded, str):
                    findings.append(_finding("", 0, f"{name} cannot be read: {loaded}", severity="note"))
            if isinstance(old, str) or isinstance(new, str):
                continue
            findings += _unread(old, before_root)
            comparison = _Comparison(after_root.resolve(), rename)
            findings += _guarded(comparison.members(old, new), new_name)
            findings += _guarded(comparison.second_opinion(old, new), new_name)
    return sorted(set(findings))


def _renamer(packages: Sequence[tuple[str, str]]) -> Rename:
    longest_first = sorted(packages, key=lambda pair: -len(pair[0]))

    def rename(name: str) -> str:
        for old, new in longest_first:
            if name == old or name.startswith(f"{old}."):
                return new + name[len(old) :]
        return name

    return rename


def _loader(root: Path, roots: Sequence[str]) -> griffe.GriffeLoader:
    loader = griffe.GriffeLoader(search_paths=[(root / r).resolve() for r in roots], allow_inspection=False)
    find = loader.finder.find_spec

    def without_stubs(*arguments: Any, **options: Any) -> Any:
        # griffe merges an `__init__.pyi` into some packages and not into others (those below one that has a stub as
        # well), so a move would seem to lose names. What a stub says moves with it, and is no name at run time.
        name, package = find(*arguments, **options)
        if isinstance(package, griffe.Package) and package.stubs:
            package.stubs = None
        return name, package

    below = loader.finder.submodules

    def sources(module: Any) -> Any:
        # The stub of a module at the top is left out above; once the module lies in a package, it comes from here.
        return [(parts, path) for parts, path in below(module) if not _is_stub_of_source(path)]

    loader.finder.find_spec = without_stubs  # type: ignore[method-assign]
    loader.finder.submodules = sources  # type: ignore[method-assign]
    return loader


def _is_stub_of_source(path: Path) -> bool:
    return path.suffix == ".pyi" and path.with_suffix(".py").is_file()


def _load(loader: griffe.GriffeLoader, name: str) -> Any:
    """The griffe object, or why there is none."""
    try:
        return loader.modules_collection[name]
    except Exception:
        pass
    try:
        return loader.load(name, try_relative_path=False)
    except Exception as error:  # griffe passes on whatever odd code makes it stumble over
        return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _guarded(findings: Iterator[Finding], name: str) -> Iterator[Finding]:
    try:
        yield from findings
    except Exception as error:
        yield _finding("", 0, f"{name} was not compared to its end: {type(error).__name__}: {error}", severity="note")


def _finding(path: str, line: int, text: str, *readings: str, severity: Any = "error") -> Finding:
    hint = "" if severity == "note" else "compare with the file before the move, or list the change in the plan"
    return Finding(path, line, _RULE, text, readings, hint, severity)


def _unread(package: Any, root: Path) -> Iterator[Finding]:
    """Files below the package that griffe left out (they do not parse, or their encoding is beyond it)."""
    modules, read = [package], set()
    while modules:
        module = modules.pop()
        read |= set(_paths(module))
        modules += [m for m in module.members.values() if not m.is_alias and m.is_module]
    folders = [path.parent for path in _paths(package) if path.name == "__init__.py"]
    folders += [path for path in _paths(package) if path.is_dir()]
    for file in sorted(set(chain.from_iterable(folder.rglob("*.py") for folder in folders)) - read):
        path = file.relative_to(root.resolve()).as_posix()
        yield _finding(path, 0, f"{path} was not compared: griffe does not read it", severity="note")


def _paths(module: Any) -> list[Path]:
    path = module.filepath if module.is_module else []
    return [path] if isinstance(path, Path) else list(path)


class _Comparison:
    """Walks two objects side by side; `told` holds the names in the new tree that already have a finding."""

    def __init__(self, root: Path, rename: Rename) -> None:
        self.root, self.rename = root, rename
        self.told: set[str] = set()

    def members(self, old: Any, new: Any) -> Iterator[Finding]:
        for name, member in sorted(old.members.items()):
            if not _is_public(old, member):
                continue
            path = f"{new.path}.{name}"
            if name in new.members:
                yield from self.pair(member, new.members[name], path)
            elif not (member.is_alias and self.is_only_an_import(old, member)):
                yield self.tell(new, path, f"{path} is gone", f"before: {old.path}.{name}")

    def pair(self, old: Any, new: Any, path: str) -> Iterator[Finding]:
        if old.is_alias and new.is_alias and self.same(old.target_path, new.target_path):
            return
        target, replacement = _target(old), _target(new)
        if target is None or replacement is None:
            # One side comes from outside of the tree (or from a file that was not read): only its place can be judged.
            if old.is_alias != new.is_alias or not self.same(old.target_path, new.target_path):
                yield self.tell(
                    new, path, f"{path} comes from elsewhere", f"before: {_source(old)}", f"now: {_source(new)}"
                )
        elif target.kind is not replacement.kind:
            kinds = (f"before: {target.kind.value}", f"now: {replacement.kind.value}")
            yield self.tell(replacement, path, f"{path} is of another kind", *kinds)
        else:
            before, now = _text(target), _text(replacement)
            if not self.same(before, now):
                yield self.tell(replacement, path, f"{path} is not the same", f"before: {before}", f"now: {now}")
            if (target.is_module and not old.is_alias) or target.is_class:
                yield from self.members(target, replacement)

    def second_opinion(self, old: Any, new: Any) -> Iterator[Finding]:
        """What griffe calls breaking and the walk did not tell yet."""
        for breakage in griffe.find_breaking_changes(old, new):
            path = self.rename(breakage.obj.path)
            before, now = _value(breakage.old_value), _value(breakage.new_value)
            gone = breakage.kind is griffe.BreakageKind.OBJECT_REMOVED
            known = any(path == told or path.startswith(f"{told}.") for told in self.told)
            if known or (not gone and self.same(before, now)):
                continue
            where = new if gone else breakage.obj
            yield self.tell(where, path, f"{path}: {breakage.kind.value.lower()}", f"before: {before}", f"now: {now}")

    def same(self, before: str, now: str) -> bool:
        return same_after_rename(before, now, self.rename)

    def is_only_an_import(self, module: Any, alias: Any) -> bool:
        """Whether the name is there because the module uses it, not because it offers it."""
        if module.exports and alias.name in module.exports:
            return False
        is_moved_module = self.rename(alias.target_path) != alias.target_path and _is_module(alias)
        return is_moved_module or not (module.is_module and module.is_init_module)

    def tell(self, where: Any, path: str, text: str, *readings: str) -> Finding:
        self.told.add(path)
        module = where if where.is_module and not where.is_alias else where.parent.module
        files = [f for f in _paths(module) if f.is_relative_to(self.root)]
        file = files[0].relative_to(self.root).as_posix() if files else ""
        line = where.alias_lineno if where.is_alias else where.lineno
        return _finding(file, line or 0, text, *readings)


def _is_public(parent: Any, member: Any) -> bool:
    exports = (parent.exports or ()) if parent.is_module else ()
    special = parent.is_class and member.name.startswith("__") and member.name.endswith("__")
    future = member.is_alias and member.target_path.startswith("__future__.")
    return not future and (not member.name.startswith("_") or special or member.name in exports)


def _is_module(alias: Any) -> bool:
    target = _target(alias)
    return target is not None and target.is_module


def _target(member: Any) -> Any:
    """The object itself, behind aliases; None where the chain leaves what was read."""
    try:
        return member.final_target if member.is_alias else member
    except Exception:
        return None


def _source(member: Any) -> str:
    return str(member.target_path if member.is_alias else member.path)


def _text(member: Any) -> str:
    """A line that is equal for equal objects: signature, bases, or annotation and value."""
    if member.is_function:
        return f"({_parameters(member)})" + (f" -> {_value(member.returns)}" if member.returns is not None else "")
    if member.is_class:
        return f"class({', '.join(map(_value, member.bases))})"
    if member.is_attribute and "property" not in member.labels:
        annotation = f": {_value(member.annotation)}" if member.annotation is not None else ""
        return annotation + (f" = {_value(member.value)}" if member.value is not None else "")
    return ""


def _parameters(function: Any) -> str:
    texts = []
    for parameter in function.parameters:
        text = f"{parameter.name} [{parameter.kind.value if parameter.kind else '?'}]"
        text += f": {_value(parameter.annotation)}" if parameter.annotation is not None else ""
        texts.append(text + (f" = {_value(parameter.default)}" if parameter.default is not None else ""))
    return ", ".join(texts)


def _value(value: Any) -> str:
    """The source of an expression with each name resolved as far as its module's imports tell."""
    if isinstance(value, griffe.ExprName):
        return _resolved(value)
    if isinstance(value, griffe.ExprAttribute) and all(isinstance(v, griffe.ExprName) for v in value.values):
        return _resolved(value)
    if isinstance(value, griffe.Expr):
        return "".join(map(_value, value.iterate(flat=False)))
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value))
    if isinstance(value, griffe.Parameter):
        return f"{value.name}: {_value(value.annotation)} = {_value(value.default)}"
    return str(getattr(value, "path", value))


def _resolved(name: griffe.ExprName | griffe.ExprAttribute) -> str:
    first = name.values[0] if isinstance(name, griffe.ExprAttribute) else name
    try:
        return str(name.canonical_path if _is_bound(first) else name)
    except Exception:
        return str(name)


def _is_bound(name: Any) -> bool:
    """Whether its module binds the name, or a scope inside of it.  griffe goes on in the packages above, where Python
    never looks: a `bool` of the package would be taken for that of an annotation.
    """
    scope = name.parent
    if not isinstance(scope, griffe.Object):
        return True  # a part of a longer name, or one that griffe knows the place of
    while name.name not in scope.members and name.name not in getattr(scope, "type_parameters", ()):
        if scope.is_module or scope.parent is None:
            return False
        scope = scope.parent
    return True
