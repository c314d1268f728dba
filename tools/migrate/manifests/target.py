"""The target's manifest in stage 3: one distribution for what was several.

Owns the merge of metadata: the stricter Python, one requirement a name, extras, scripts and entry points under
their new module names, sources, dependency groups, and a package list that ships the new packages.  A conflict
between two distributions is an error for a person, never a choice made here.  Also writes the first text of a
manifest that is not there yet.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from .declared import Distribution
from .dependents import self_requirement
from .editor import Editor, toml_value
from .facts import Context, facts, relative
from .packages import directory_entry, mapped_names, new_packages, ships
from .requirements import combine, merge, name_of, normal
from .spans import Node

_WHY = "carried from a distribution that is merged into this one"


def first_text(context: Context) -> str:
    """A minimal manifest for a target that has none; `rewrite_target` fills it."""
    known = facts(context)
    source = next((d for d in known.merged.values() if d and d.data.get("build-system")), None)
    build = (
        source.data["build-system"]
        if source
        else {"requires": ["setuptools>=77"], "build-backend": "setuptools.build_meta"}
    )
    lines = ["[build-system]", *(f"{k} = {toml_value(v)}" for k, v in build.items())]
    lines += ["", "[project]", f"name = {toml_value(known.target_name)}", f"version = {toml_value(known.version)}", ""]
    return "\n".join(lines)


def rewrite_target(editor: Editor, context: Context) -> None:
    known = facts(context)
    merged = [d for d in known.merged.values() if d]
    if not editor.data().get("project"):
        editor.find(0, "target.project", "no [project] table: the merged metadata has no place", severity="error")
        return
    own = frozenset({*known.replaced, known.target_key})
    for missing in (k for k, d in known.merged.items() if d is None):
        editor.find(0, "target.missing", f"no manifest of {missing} was found: nothing is carried from it")
    _unnamed(editor, context)
    for dist in merged:
        _computed(editor, dist)
    _python(editor, merged)
    _requirements(editor, ("project", "dependencies"), [list(d.dependencies) for d in merged], own)
    for dist in merged:
        for extra, entries in dist.extras.items():
            _extra(editor, extra, entries, own, known.target_name)
        _scripts(editor, context, dist)
        for group, entries in dist.groups.items():
            _group(editor, group, entries, own)
        for key in ("keywords", "classifiers", "urls"):
            value = dist.table("project").get(key)
            if value and key not in editor.data()["project"]:
                _first(editor, key, value)
        _uv_sources(editor, dist)
    if editor.path not in context.tree:
        _rights(editor, merged)
    for name in list(editor.data().get("tool", {}).get("uv", {}).get("sources", {})):
        if normal(name) in own:
            editor.drop_table(("tool", "uv", "sources", name), "target.source", "a distribution is no source of itself")
            editor.drop_if_empty(("tool", "uv", "sources"), "target.source", "nothing is left in it")
    _packages(editor, context, merged)


_NEEDED = {"dependencies", "optional-dependencies", "scripts", "gui-scripts", "entry-points"}


def _computed(editor: Editor, dist: Distribution) -> None:
    """What is not known of a distribution before it is built; without its requirements the target would be broken."""
    homes: dict[str, list[str]] = {}
    for name, path in dist.computed.items():
        homes.setdefault(path, []).append(name)
    for path, names in homes.items():
        lost = [name for name in names if name in _NEEDED]
        hint = f"write by hand into {editor.path} what {dist.name} has when it is built, and is not there"
        if lost:
            editor.find(0, "target.dynamic", f"{path} computes {', '.join(lost)}", hint=hint, severity="error")
        if rest := [name for name in names if name not in _NEEDED and (name != "version" or dist.version is None)]:
            hint = "what a build step computes is not carried"
            editor.find(0, "target.dynamic", f"{path} computes {', '.join(rest)}", hint=hint)
    known = {*_NEEDED, "version", "requires-python", "readme", "description"}
    if rest := [name for name in dist.table("project").get("dynamic", ()) if name not in known]:
        what = f"{dist.manifest} computes {', '.join(rest)}"
        editor.find(0, "target.dynamic", what, hint="what a build step computes is not carried")


def _unnamed(editor: Editor, context: Context) -> None:
    """Moves without a distribution, of code in the folder of one: nothing of it is merged, and dependants keep it."""
    known, planned = facts(context), {entry.source for entry in context.plan.moves}
    for move in context.layout.moves:
        holders = [d for d in known.distributions.values() if _within(move.path, d.folder)]
        holder = max(holders, key=lambda d: d.folder.count("/") if d.folder != "." else -1, default=None)
        if move.distribution or holder is None or move.source not in planned or normal(holder.name) == known.target_key:
            continue
        editor.find(
            0,
            "target.unnamed",
            f"{move.source} lies in the folder of {holder.name}, which the plan does not name",
            (f"{holder.name} ships it: who needs that, needs {known.target_name}", "it ships other code, and stays"),
            f'in the first case, add distribution = "{holder.name}" to the [[move]]; its manifest is {holder.manifest}',
        )


def _within(path: str, folder: str) -> bool:
    return folder == "." or path == folder or path.startswith(folder + "/")


def _python(editor: Editor, merged: Sequence[Distribution]) -> None:
    current = editor.data()["project"].get("requires-python", "")
    bounds = current
    for dist in merged:
        both = combine(bounds, dist.requires_python)
        if both is None:
            editor.find(
                0,
                "target.python",
                f"{bounds} and {dist.requires_python} ({dist.name}) exclude each other",
                severity="error",
            )
        elif both != bounds.replace(" ", ""):
            bounds = both
    if bounds != current:
        editor.put(("project", "requires-python"), bounds, "target.python", "the stricter of the merged distributions")


def _requirements(editor: Editor, path: tuple[str, ...], added: Sequence[Sequence[str]], own: frozenset[str]) -> None:
    pair = editor.doc.find(*path)
    base = [i.value for i in pair.node.items] if pair else []
    result = merge(base, [r for entries in added for r in entries], own)
    for problem in result.problems:
        editor.find(pair.start if pair else 0, "target.requirement", problem, severity="error")
    if pair is None or pair.node.kind != "array":
        if result.entries:
            editor.put(path, result.entries, "target.requirement", _WHY)
        return
    kept = [i for i, text in enumerate(base) if name_of(text) not in own]
    for position, index in enumerate(kept):
        node = _array(editor, path).items[index]
        if node.kind == "string":
            editor.set_string(
                node, result.entries[position], "target.requirement", "bounds and extras of both are combined"
            )
    for index in sorted(set(range(len(base))) - set(kept), reverse=True):
        editor.remove_item(
            _array(editor, path), index, "target.requirement", "a distribution does not depend on itself"
        )
    for text in result.entries[len(kept) :]:
        editor.add_item(_array(editor, path), toml_value(text), "target.requirement", _WHY)


def _array(editor: Editor, path: tuple[str, ...]) -> Node:
    return next(n for n in editor.doc.walk() if isinstance(n, Node) and n.kind == "array" and n.path == path)


def _extra(editor: Editor, extra: str, entries: Sequence[str], own: frozenset[str], target: str) -> None:
    present = editor.data()["project"].get("optional-dependencies", {})
    name = next((k for k in present if normal(k) == normal(extra)), extra)
    renamed = [r for e in entries if (r := self_requirement(e, own, target)) is not None]
    path = ("project", "optional-dependencies", name)
    if name not in present:
        editor.put(path, renamed, "target.extra", _WHY)
    else:
        _requirements(editor, path, [[r for r in renamed if r not in present[name]]], frozenset())


def _group(editor: Editor, group: str, entries: Sequence[Any], own: frozenset[str]) -> None:
    present = editor.data().get("dependency-groups", {})
    wanted = [e for e in entries if not (isinstance(e, str) and name_of(e) in own)]
    if group not in present:
        editor.put(("dependency-groups", group), wanted, "target.group", _WHY)
        return
    _requirements(editor, ("dependency-groups", group), [[e for e in wanted if isinstance(e, str)]], frozenset())


def renamed_object(context: Context, value: str, manifest: str) -> str:
    """An entry point's value under the new module name."""
    verdict = context.judge.value(value, manifest, "module")
    return verdict.new if verdict and verdict.kind == "change" else value


def _scripts(editor: Editor, context: Context, dist: Distribution) -> None:
    partial = normal(dist.name) in facts(context).partial
    tables: list[tuple[tuple[str, ...], Mapping[str, str]]] = [(("project", k), v) for k, v in dist.scripts.items()]
    tables += [(("project", "entry-points", group), entries) for group, entries in dist.entry_points.items()]
    for base, entries in tables:
        for name, value in entries.items():
            new = renamed_object(context, value, dist.manifest)
            if partial and new == value:
                continue
            pair = editor.doc.find(*base, name)
            if pair is None:
                editor.put((*base, name), new, "target.script", _WHY)
            elif renamed_object(context, pair.node.value, editor.path) != new:
                readings = (f"{pair.node.value} (here)", f"{new} (from {dist.name})")
                editor.find(
                    pair.start, "target.script", f"{'.'.join(base)}.{name} means two things", readings, severity="error"
                )


def _first(editor: Editor, key: str, value: Any) -> None:
    if isinstance(value, dict):
        for name, entry in value.items():
            editor.put(("project", key, name), entry, "target.metadata", _WHY)
    else:
        editor.put(("project", key), value, "target.metadata", _WHY)


def _rights(editor: Editor, merged: Sequence[Distribution]) -> None:
    """License and people of a target that is new; licenses that differ are a question."""
    for key in ("authors", "maintainers"):
        people = [person for dist in merged for person in dist.table("project").get(key, ())]
        if people and key not in editor.data()["project"]:
            editor.put(
                ("project", key), [p for i, p in enumerate(people) if p not in people[:i]], "target.metadata", _WHY
            )
    values = [dist.table("project").get("license") for dist in merged]
    said = [v for v in values if v and not (isinstance(v, dict) and "file" in v)]
    if not said or "license" in editor.data()["project"]:
        return
    if all(value == said[0] for value in values):
        editor.put(("project", "license"), said[0], "target.metadata", _WHY)
        return
    hint = f"write the license of the target into {editor.path}"
    editor.find(0, "target.metadata", f"license: not the same for {', '.join(d.name for d in merged)}", hint=hint)


def _uv_sources(editor: Editor, dist: Distribution) -> None:
    own = facts_names(editor, dist)
    folder = posixpath.dirname(editor.path) or "."
    for name, value in dist.table("tool", "uv", "sources").items():
        if normal(name) in own:
            continue
        if isinstance(value, dict) and isinstance(value.get("path"), str) and not value["path"].startswith("/"):
            value = {**value, "path": relative(posixpath.normpath(posixpath.join(dist.folder, value["path"])), folder)}
        present = editor.data().get("tool", {}).get("uv", {}).get("sources", {})
        same = next((k for k in present if normal(k) == normal(name)), None)
        if same is None:
            editor.put(("tool", "uv", "sources", name), value, "target.source", _WHY)
        elif present[same] != value:
            editor.find(0, "target.source", f"{name}: {present[same]} here, {value} in {dist.name}", severity="error")


def facts_names(editor: Editor, dist: Distribution) -> set[str]:
    """Names that are no source for the target: itself (merged ones are dropped afterwards)."""
    return {normal(dist.name), normal(str(editor.data()["project"].get("name", "")))}


# package lists


def _packages(editor: Editor, context: Context, merged: Sequence[Distribution]) -> None:
    known = facts(context)
    data = editor.data()
    back_end = str(data.get("build-system", {}).get("build-backend", "setuptools"))
    folder = posixpath.dirname(editor.path) or "."
    moves = list(context.layout.moves)
    new = new_packages(context, [m.source for m in moves])
    if not new and all(m.is_package for m in moves):
        return
    if not back_end.startswith("setuptools"):
        hint = f"make {back_end} ship {', '.join(new)}"
        if not any(n.split(".")[0] in editor.text for n in new):
            editor.find(
                0, "target.packages", "the package list of this back end is not extended", hint=hint, severity="error"
            )
        return
    setuptools = data.get("tool", {}).get("setuptools", {})
    listed = setuptools.get("packages")
    base = ["tool", "setuptools"]
    if isinstance(listed, list):
        packages = mapped_names(context, listed, 3)
        packages += [n for n in new if n not in packages]
    else:
        own = known.target
        packages = sorted({*(ships(context, own) if own else ()), *new})
        if isinstance(listed, dict):
            editor.drop_table(
                [*base, "packages"], "target.packages", "a dotted package in this folder is not found by search"
            )
    if packages != listed:
        editor.set_array([*base, "packages"], packages, "target.packages", "the new packages are shipped")
    for move in sorted(moves, key=lambda m: m.target):
        place = relative(move.to_path, folder)
        entry = directory_entry(move.target, place.removesuffix(".py"))
        if place.startswith(".."):
            editor.find(0, "target.packages", f"{move.to_path} lies outside of {folder}", severity="error")
        elif entry is not None:
            current = editor.data().get("tool", {}).get("setuptools", {}).get("package-dir", {})
            if entry[0] in current and posixpath.normpath(current[entry[0]]) != entry[1]:
                entry = (move.target, place)
            if current.get(entry[0]) is None:
                editor.put([*base, "package-dir", entry[0]], entry[1], "target.packages", "where the new packages lie")
    _carry_data(editor, context, merged)


def _carry_data(editor: Editor, context: Context, merged: Sequence[Distribution]) -> None:
    base = ["tool", "setuptools"]
    for dist in merged:
        for key in ("package-data", "exclude-package-data"):
            for name, value in dist.table("tool", "setuptools", key).items():
                new = context.layout.new_module(name)
                present = editor.data().get("tool", {}).get("setuptools", {}).get(key, {})
                if new is not None and new not in present:
                    editor.put([*base, key, new], value, "target.packages", _WHY)
        extensions = dist.table("tool", "setuptools", "ext-modules") or []
        present_names = {
            e.get("name") for e in editor.data().get("tool", {}).get("setuptools", {}).get("ext-modules", [])
        }
        for extension in extensions:
            name = context.layout.new_module(str(extension.get("name", ""))) or extension.get("name")
            if name in present_names:
                continue
            lines = ["", "[[tool.setuptools.ext-modules]]"]
            for field, value in {**extension, "name": name}.items():
                if field in ("sources", "include-dirs", "depends"):
                    value = [_moved(context, dist.folder, v, posixpath.dirname(editor.path) or ".") for v in value]
                lines.append(f"{field} = {toml_value(value)}")
            end = len(editor.text.rstrip())
            editor.note(end, "", lines[1], "target.packages", _WHY)
            editor.text = editor.text[:end] + editor.newline + editor.newline.join(lines) + editor.newline


def _moved(context: Context, folder: str, path: str, new_folder: str) -> str:
    full = posixpath.normpath(posixpath.join(folder, path))
    return relative(context.layout.new_path(full), new_folder)
