"""Which packages a distribution ships: package lists of the build back ends, while shims stand and afterwards.

Owns [tool.setuptools] (packages, package-dir, package-data, py-modules), and the package lists of hatch, poetry,
pdm, flit and uv's back end.  In stage 3 a list that names a moving package names the shim's package and the new
ones; in stage 6 the shim's entry goes.  A back end that cannot ship the new place is listed as an error.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from fnmatch import fnmatchcase

from ..model import Move
from .declared import Distribution
from .editor import Editor
from .facts import Context, facts, moves_of, relative, root_of
from .requirements import normal
from .unshipped import unshipped

_SETUPTOOLS = ("tool", "setuptools")
_WHY_NEW, _WHY_OLD = "the package is shipped under its new name", "its shim is gone"


def new_packages(context: Context, sources: Iterable[str]) -> list[str]:
    """The dotted names, after the move, of all regular packages below these moves.

    Test packages are left out, but for those that the distribution ships by its own settings.
    """
    wanted, out = set(sources), []
    for old, new in context.layout.moved_files().items():
        move = next(
            (m for m in context.layout.moves if m.source in wanted and (old + "/").startswith(m.path + "/")), None
        )
        if move is None or posixpath.basename(old) != "__init__.py":
            continue
        inner = posixpath.dirname(old)[len(move.path) :].strip("/")
        name = ".".join([move.source, *filter(None, inner.split("/"))])
        if not set(inner.split("/")) & {"tests", "test"} or _ships_tests(context, move, name):
            out.append(context.layout.new_module(name) or "")
        del new
    for move in context.layout.moves:  # a single module is shipped with the package that it goes to
        if move.source in wanted and not move.is_package and "." in move.target:
            parent = move.target.rpartition(".")[0]
            folder = posixpath.dirname(move.to_path)
            if f"{folder}/__init__.py" in context.tree or not out:
                out.append(parent)
    return sorted({name for name in out if name})


def _ships_tests(context: Context, move: Move, name: str) -> bool:
    """Whether the moving distribution's list of packages, or its search for them, has this package of tests."""
    dist = facts(context).distributions.get(normal(move.distribution or ""))
    packages = dist.table("tool", "setuptools", "packages") if dist else None
    if isinstance(packages, list):
        return name in packages
    find = packages.get("find") if isinstance(packages, dict) else None
    if not isinstance(find, dict):
        return False
    wanted, unwanted = find.get("include", ["*"]), find.get("exclude", [])
    return any(fnmatchcase(name, p) for p in wanted) and not any(fnmatchcase(name, p) for p in unwanted)


def mapped_names(context: Context, names: Iterable[str], stage: int, manifest: str = "") -> list[str]:
    """A list of package names as it must be after the stage.

    A shim is listed only if it stands below the manifest: one that moves along with its package leaves it behind.
    """
    out: list[str] = []
    folder = posixpath.dirname(context.layout.new_path(manifest))
    left = bool(manifest) and context.layout.new_path(manifest) != manifest
    shims = {m.source for m in context.layout.moves if not left or (m.path + "/").startswith(folder + "/")}
    for name in names:
        new = context.layout.new_module(name)
        if new is None:
            out.append(name)
            continue
        if stage < 6 and name in shims:
            out.append(name)
        if stage == 3 or (stage == 6 and name in shims):
            out.append(new)
    if stage == 3:
        moved = [m for m in context.layout.moves if not m.is_package and m.target.rpartition(".")[0]]
        for move in moved:
            parent, target = move.source.rpartition(".")[0], move.target.rpartition(".")[0]
            if parent in out and target not in out and context.layout.new_module(target) is None:
                out.append(target)
    return list(dict.fromkeys(out))


def directory_entry(module: str, path: str) -> tuple[str, str] | None:
    """The package-dir entry with which setuptools finds `module` at `path`; None if it needs none."""
    names, parts = module.split("."), [p for p in path.split("/") if p != "."]
    while names and parts and names[-1] == parts[-1]:
        names.pop()
        parts.pop()
    if not names and not parts:
        return None
    return ".".join(names), "/".join(parts) or "."


def rewrite_packages(editor: Editor, context: Context) -> None:
    """Stage 3 and 6 for a manifest that stays the same distribution."""
    if editor.stage not in (3, 6):
        return
    why = _WHY_NEW if editor.stage == 3 else _WHY_OLD
    folder = posixpath.dirname(context.layout.new_path(editor.path)) or "."
    data = editor.data().get("tool", {})
    table = data.get("setuptools", {}) if isinstance(data, dict) else {}
    for key in ("packages", "py-modules"):
        names = table.get(key)
        if isinstance(names, list) and any(context.layout.new_module(n) for n in names):
            wanted = mapped_names(context, names, editor.stage, editor.path)
            if key == "py-modules":
                wanted = [n for n in wanted if n in names]
            editor.set_array([*_SETUPTOOLS, key], wanted, "toml.packages", why)
    _package_dir(editor, context, folder, table)
    for key in ("package-data", "exclude-package-data"):
        _keyed(editor, context, [*_SETUPTOOLS, key], table.get(key, {}), why)
    find = table.get("packages", {}).get("find", {}) if isinstance(table.get("packages"), dict) else {}
    for key in ("include", "exclude"):
        if isinstance(find.get(key), list):
            _globs(editor, context, [*_SETUPTOOLS, "packages", "find", key], find[key], why)
    if editor.stage == 3 and isinstance(find, dict) and find.get("namespaces") is False:
        pair = editor.doc.find(*_SETUPTOOLS, "packages", "find", "namespaces")
        for target, parent in unseen(context, editor.path):
            editor.find(pair.start if pair else 0, *not_shipped("namespaces = false", target, parent), severity="error")
    _other_back_ends(editor, context, folder, data, why)
    if editor.stage == 3 and posixpath.basename(editor.path) == "pyproject.toml":
        for what, target, readings, hint in unshipped(context, editor.path, editor.data()):
            pair = editor.doc.find(*what.split("."))
            editor.find(pair.start if pair else 0, "toml.unshipped", f"{what}: {target}", readings, hint, "error")


def unseen(context: Context, manifest: str) -> list[tuple[str, str]]:
    """(new name, parent) of what moves below a parent without an `__init__.py`, where a search passes it over."""
    layout, folder = context.layout, posixpath.dirname(manifest)
    after, out = {layout.new_path(path) for path in context.tree}, []
    for move in layout.moves:
        if move.keeps_name:
            continue
        depth = move.target.count(".")
        ours = not folder or move.path.startswith(f"{folder}/")
        top = "/".join(move.to_path.split("/")[:-depth]) if depth else ""
        if ours and top and f"{top}/__init__.py" not in after:
            out.append((move.target, move.target.split(".")[0]))
    return sorted(out)


def not_shipped(search: str, target: str, parent: str) -> tuple[str, str, tuple[str, ...], str]:
    """Rule, text, readings and hint of the finding for one such package."""
    readings = (f"{target} would be missing from the wheel", "it is shipped by another list")
    hint = f"give {parent} an __init__.py before the move, or let the search look into namespaces and name {parent}*"
    return "toml.namespaces", f"{search}, and {parent} has no __init__.py", readings, hint


def _package_dir(editor: Editor, context: Context, folder: str, table: dict[str, object]) -> None:
    current = table.get("package-dir")
    if not isinstance(current, dict):
        return
    base = [*_SETUPTOOLS, "package-dir"]
    for name in list(current):
        new = context.layout.new_module(name) if name else None
        if new is None:
            continue
        move = context.layout.old_names.get(name)
        if editor.stage == 3 and move is not None:
            entry = directory_entry(move.target, relative(move.to_path, folder))
            if entry and entry[0] not in current:
                editor.put([*base, entry[0]], entry[1], "toml.package-dir", _WHY_NEW)
        elif editor.stage == 3 or move is not None:
            editor.drop_table([*base, name], "toml.package-dir", "nothing is left there")


def _keyed(editor: Editor, context: Context, base: list[str], current: object, why: str) -> None:
    """A table with package names as keys."""
    if not isinstance(current, dict):
        return
    for name, value in current.items():
        new = context.layout.new_module(name) if name and name != "*" else None
        if new is None:
            continue
        if editor.stage == 3 and new not in current:
            editor.put([*base, new], value, "toml.packages", why)
        elif editor.stage == 6:
            editor.drop_table([*base, name], "toml.packages", why)


def _globs(editor: Editor, context: Context, path: list[str], globs: list[str], why: str) -> None:
    wanted: list[str] = []
    for glob in globs:
        stem = glob.rstrip("*").rstrip(".")
        new = context.layout.new_module(stem) if stem else None
        if editor.stage == 3 or new is None:
            wanted.append(glob)
        if new is not None:
            wanted.append(new + glob[len(stem) :])
    if wanted != globs:
        editor.set_array(path, list(dict.fromkeys(wanted)), "toml.packages", why)


def _other_back_ends(editor: Editor, context: Context, folder: str, data: dict[str, object], why: str) -> None:
    def table(*path: str) -> object:
        value: object = data
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        return value

    hatch = ("hatch", "build", "targets", "wheel", "packages")
    folders = table(*hatch)
    if isinstance(folders, list):
        wanted = []
        for name in folders:
            full = posixpath.normpath(posixpath.join(folder, name))
            move = next((m for m in context.layout.moves if m.path == full), None)
            if move is None:
                wanted.append(name)
                continue
            if editor.stage == 3 and not move.keeps_name:
                wanted.append(name)
            # hatch ships the last folder of the path, so the entry is the top folder of the new name
            top = posixpath.join(root_of(move.to_path, move.target), move.target.split(".")[0])
            wanted.append(relative(top, folder))
        if wanted != folders:
            editor.set_array(["tool", *hatch], list(dict.fromkeys(wanted)), "toml.packages", why)
    _poetry(editor, context, folder, table("poetry", "packages"), why)
    for keys in (("flit", "module", "name"), ("uv", "build-backend", "module-name")):
        name = table(*keys)
        for one in name if isinstance(name, list) else [name]:
            new = context.layout.new_module(one) if isinstance(one, str) else None
            pair = editor.doc.find("tool", *keys)
            if new is None or pair is None or editor.stage != 3:
                continue
            node = next((i for i in pair.node.items if i.value == one), pair.node)
            editor.set_string(node, new, "toml.packages", why)
            hint = "keep the old release on the index until cleanup, or change the back end"
            editor.find(
                pair.start, "toml.packages", f"{'.'.join(keys)} ships one package: not the shim {one}", hint=hint
            )


def _poetry(editor: Editor, context: Context, folder: str, entries: object, why: str) -> None:
    if not isinstance(entries, list):
        return
    for index in range(len(entries) - 1, -1, -1):
        entry = entries[index]
        place = posixpath.normpath(posixpath.join(folder, entry.get("from", "."), entry["include"]))
        move = next((m for m in context.layout.moves if m.path == place), None)
        pair = editor.doc.find("tool", "poetry", "packages")
        if move is None or pair is None:
            continue
        base = root_of(move.to_path, move.target)
        new = {"include": relative(move.to_path, base)}
        if base != folder:
            new["from"] = relative(base, folder)
        if new not in entries and editor.stage in (3, 6):
            inner = ", ".join(f'{k} = "{v}"' for k, v in new.items())
            editor.add_item(pair.node, f"{{ {inner} }}", "toml.packages", why)
            pair = editor.doc.find("tool", "poetry", "packages")
        if editor.stage == (3 if move.keeps_name else 6) and pair is not None:
            editor.remove_item(pair.node, index, "toml.packages", why)


def ships(context: Context, dist: Distribution) -> list[str]:
    """Packages that stay in a distribution by themselves, found as setuptools would in a flat folder."""
    out = set()
    known = facts(context)
    nested = {d.folder for d in known.distributions.values() if d.folder != dist.folder}
    for path in context.tree.under(dist.folder):
        inner = path if dist.folder == "." else path[len(dist.folder) + 1 :]
        inner = inner.removeprefix("src/")
        parts = inner.split("/")
        if parts[-1] != "__init__.py" or len(parts) == 1 or {"tests", "test", "docs"} & set(parts):
            continue
        if context.layout.new_path(path) == path and not any(path.startswith(n + "/") for n in nested):
            out.add(".".join(parts[:-1]))
    own = {m.source for m in moves_of(context, dist) if m.is_package and "." not in m.source}
    return sorted(out | own)
