"""Stage 4 for a manifest that depends on a merged distribution.

Owns requirement lists (PEP 621, dependency groups, build requirements, uv, hatch, pdm), `[tool.uv.sources]` and
poetry's dependency tables: the merged names become the target, once a list, at the first one's place.  What names a
source that only a person can replace (git, an index) is listed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from .editor import Editor, toml_key, toml_value
from .facts import Context, Facts, facts, relative
from .hints import value_hint
from .requirements import name_of, normal, parse, unify, written
from .spans import Node, Pair

_LISTS = {
    "dev-dependencies",
    "constraint-dependencies",
    "override-dependencies",
    "build-constraint-dependencies",
    "dependencies",
    "extra-dependencies",
    "requires",
    "deps",
    "overrides",
}
_PACKAGE_LISTS = (
    "reinstall-package",
    "no-build-package",
    "no-binary-package",
    "no-build-isolation-package",
    "upgrade-package",
)


def requirement_lists(editor: Editor) -> Iterator[Node]:
    """Every array of requirement strings of the file."""
    for node in editor.doc.walk():
        if isinstance(node, Node) and node.kind == "array" and _holds_requirements(tuple(map(str, node.path))):
            yield node


def _holds_requirements(path: tuple[str, ...]) -> bool:
    if path in (("project", "dependencies"), ("build-system", "requires")):
        return True
    if path[:2] == ("project", "optional-dependencies") or path[:1] == ("dependency-groups",):
        return True
    return path[:1] == ("tool",) and (path[-1] in _LISTS or path[1:3] == ("pdm", "dev-dependencies"))


def rewrite_dependents(editor: Editor, context: Context) -> None:
    known = facts(context)
    if not known.merged:
        return
    own = editor.path == known.target_manifest
    for path in [n.path for n in requirement_lists(editor)]:
        if own and path[0] == "project":
            continue
        _list(editor, known, path)
    _sources(editor, known, own)
    for pair in [p for p in editor.doc.walk() if isinstance(p, Pair)]:
        if _is_table_of_needs(tuple(map(str, pair.path)), editor.path) and normal(str(pair.path[-1])) in known.replaced:
            _poetry(editor, known, pair.path)
    _package_lists(editor, known)
    _leftover_names(editor, known)


def _array(editor: Editor, path: tuple[str | int, ...]) -> Node:
    return next(n for n in editor.doc.walk() if isinstance(n, Node) and n.kind == "array" and n.path == path)


def _list(editor: Editor, known: Facts, path: tuple[str | int, ...]) -> None:
    node = _array(editor, path)
    entries = [i.value if i.kind == "string" else "" for i in node.items]
    quotes = [i.quote for i in node.items]
    result = unify(entries, known.replaced, known.target_name, known.version, quotes=quotes)
    where = ".".join(map(str, path))
    for problem in result.problems:
        editor.find(node.start, "toml.requirement", f"{where}: {problem}", severity="error")
    reason = "; ".join([f"{known.target_name} ships what it needs", *result.notes])
    for index, new in reversed(list(enumerate(result.entries))):
        node = _array(editor, path)
        if new is None:
            editor.remove_item(node, index, "toml.requirement", f"{known.target_name} is in the list already")
        elif new != entries[index]:
            editor.set_string(node.items[index], new, "toml.requirement", reason)
    names = [name_of(e) for e in entries]
    if known.partial & set(names) and known.target_key not in names and not known.replaced & set(names):
        node = _array(editor, path)
        why = "part of a distribution that it needs moved there"
        editor.add_item(node, toml_value(known.target_name), "toml.requirement", why)


# [tool.uv.sources]


def _sources(editor: Editor, known: Facts, own: bool) -> None:
    base = ("tool", "uv", "sources")
    data = editor.data().get("tool", {}).get("uv", {}).get("sources", {})
    old = [k for k in data if normal(k) in known.replaced]
    has = any(normal(k) == known.target_key for k in data)
    why = f"{known.target_name} takes the place of the merged distributions"
    for name in old:
        value, new = data[name], None
        if isinstance(value, dict) and value.get("workspace"):
            new = value
        elif isinstance(value, dict) and isinstance(value.get("path"), str):
            new = _moved_path(editor.path, value, known)
        if own or has or name == "":
            pass
        elif new is None:
            at = _place(editor, (*base, name))
            hint = f"name the source of {known.target_name} yourself"
            editor.find(at, "toml.source", f"tool.uv.sources.{name}: {value}", hint=hint, severity="error")
            continue
        if own or has:
            editor.drop_table((*base, name), "toml.source", why)
            editor.drop_if_empty(base, "toml.source", "nothing is left in it")
            continue
        has = True
        _rename(editor, (*base, name), known.target_name, why)
        if new != value and isinstance(new, dict):
            pair = editor.doc.find(*base, known.target_name, "path") or editor.doc.find(*base, known.target_name)
            node = pair and next(
                (n for n in editor.doc.walk() if isinstance(n, Node) and n.path == (*base, known.target_name, "path")),
                None,
            )
            if node:
                editor.set_string(node, str(new["path"]), "toml.source", "the source is the target's folder")


def _moved_path(manifest: str, value: dict[str, object], known: Facts) -> dict[str, object] | None:
    folder = posixpath.dirname(manifest) or "."
    full = posixpath.normpath(posixpath.join(folder, str(value["path"])))
    if any(d and d.folder == full for d in known.merged.values()):
        return {**value, "path": relative(posixpath.dirname(known.target_manifest) or ".", folder)}
    return None


def _place(editor: Editor, path: tuple[str | int, ...]) -> int:
    return next((s.start for s in editor.doc.segments() if s.path == path), 0)


def _rename(editor: Editor, path: tuple[str | int, ...], new: str, why: str) -> None:
    """Another name for the key at `path`, wherever it is written."""
    places = [s for s in editor.doc.segments() if s.path == path]
    for segment in sorted(places, key=lambda s: -s.start):
        editor.change(segment.start, segment.end, toml_key(new), "toml.key", why)


# poetry and pipenv, which write them alike


def _is_table_of_needs(path: tuple[str, ...], manifest: str) -> bool:
    if posixpath.basename(manifest) == "Pipfile":
        return len(path) == 2 and path[0] in ("packages", "dev-packages")
    if path[:2] != ("tool", "poetry"):
        return False
    return (len(path) == 4 and path[2] in ("dependencies", "dev-dependencies")) or (
        len(path) == 6 and path[2] == "group" and path[4] == "dependencies"
    )


def _poetry(editor: Editor, known: Facts, path: tuple[str | int, ...]) -> None:
    pair = editor.doc.find(*path)
    if pair is None:
        return
    table: Any = editor.data()
    for part in path[:-1]:
        table = table[part]
    value = table[path[-1]]
    present = next((k for k in table if normal(k) == known.target_key), None)
    why = f"{known.target_name} takes the place of the merged distribution"
    extras = list(value.get("extras", ())) if isinstance(value, dict) else []
    if isinstance(value, dict) and {"git", "url"} & set(value):
        editor.find(
            pair.start,
            "toml.source",
            f"{'.'.join(map(str, path))}: {value}",
            hint="name the new source",
            severity="error",
        )
        return
    if present is not None:
        editor.drop(pair, "toml.requirement", why)
        other = table[present]
        if extras:
            full = dict(other) if isinstance(other, dict) else {"version": other}
            full["extras"] = [*full.get("extras", ()), *(e for e in extras if e not in full.get("extras", ()))]
            editor.put([*map(str, path[:-1]), present], full, "toml.requirement", "the extra is still wanted")
        return
    if isinstance(value, str):
        editor.set_string(
            pair.node, "*", "toml.requirement", "a bound on the old distribution says nothing of the new one"
        )
    elif isinstance(value, dict):
        new = dict(value)
        if "version" in new:
            new["version"] = "*"
        if "path" in new:
            new = _moved_path(editor.path, new, known) or new
        if new != value:
            editor.put(list(map(str, path)), new, "toml.requirement", why)
    _rename(editor, path, known.target_name, why)


# names of distributions elsewhere


def _package_lists(editor: Editor, known: Facts) -> None:
    for node in [
        n for n in editor.doc.walk() if isinstance(n, Node) and n.kind == "array" and n.path[-1] in _PACKAGE_LISTS
    ]:
        names = [normal(i.value) for i in node.items if i.kind == "string"]
        for index in range(len(node.items) - 1, -1, -1):
            if index < len(names) and names[index] in known.replaced:
                current = _array(editor, node.path)
                if known.target_key in names or names.index(names[index]) != index:
                    editor.remove_item(current, index, "toml.distribution", "the list names the target already")
                else:
                    names[index] = known.target_key
                    editor.set_string(
                        current.items[index], known.target_name, "toml.distribution", "names a merged distribution"
                    )


def _leftover_names(editor: Editor, known: Facts) -> None:
    """Strings that are the name of a merged distribution at places that no rule knows."""
    for node in editor.doc.walk():
        if not isinstance(node, Node) or node.kind != "string" or not node.value:
            continue
        path = tuple(map(str, node.path))
        if len(node.value.split()) > 1:
            _named_in_text(editor, known, node)
            continue
        if "." in node.value or "_" in node.value or normal(node.value) not in known.replaced:
            continue
        if path[:2] in (("project", "name"), ("project", "keywords"), ("project", "classifiers")) or path == (
            "tool",
            "poetry",
            "name",
        ):
            continue
        where, new = ".".join(path), known.target_name
        readings = (f"the distribution, now {new}", "a word of its own")
        editor.find(node.start, "toml.distribution", f"{where}: {node.value}", readings)
    for segment in editor.doc.segments():
        path = tuple(map(str, segment.path))
        if path[:1] == ("tool",) and normal(segment.name) in known.replaced and "_" not in segment.name:
            readings = (f"the distribution, now {known.target_name}", "a word of its own")
            editor.find(segment.start, "toml.distribution", ".".join(path), readings)


def _named_in_text(editor: Editor, known: Facts, node: Node) -> None:
    """A merged name inside a longer text, such as a tox configuration in one string."""
    if value_hint(node.path) in ("prose", "skip"):
        return
    for name in known.replaced:
        if name == known.target_key:
            continue
        match = re.search(rf"(?<![\w./-]){re.escape(name)}(?![\w/-])", node.value)
        if match:
            where = ".".join(map(str, node.path))
            readings = (f"the distribution, now {known.target_name}", "a word of its own")
            editor.find(node.start, "toml.distribution", f"{where}: {match[0]}", readings, severity="note")


def self_requirement(text: str, names: frozenset[str], target: str, quote: str = '"') -> str | None:
    """A requirement on the distribution itself: its extras under the target's name, None without extras."""
    found = parse(text)
    if found is None or normal(found.name) not in names:
        return text
    if not found.extras:
        return None
    return written(target, sorted(found.extras), "", str(found.marker or ""), quote=quote)
