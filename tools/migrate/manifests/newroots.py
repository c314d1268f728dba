"""What a manifest says of a package that keeps its name in another source root: from where it is shipped and imported.

Owns the settings of build back ends that name the source root (`package-dir`, `where`, `from`, `module-root`,
`python-source`), and the settings of pytest, mypy and pyright that name none because the manifest's folder was the
root by itself.  All of it is of stage 3: no shim stands at the old place.  What a back end would not find at the new
place, and what another distribution ships from now on, is listed as an error.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from ..model import Move
from ..newroots import RootChange, pytest_implies, pytest_settings
from .editor import Editor
from .facts import Context, relative
from .unshipped import matched, missing_from

_MANIFESTS = ("pyproject.toml", "setup.cfg", "setup.py")
_NOT_SHIPPED = {"tests", "test", "docs", "doc", "examples", "benchmarks", "scripts", "tools", "build", "dist"}
_WHY = "the package is shipped from its new source root"
_SETUPTOOLS = ("tool", "setuptools")


def rewrite_new_roots(editor: Editor, context: Context) -> None:
    """The edits of stage 3 in one manifest."""
    if not context.layout.new_roots or context.layout.moved or posixpath.basename(editor.path) == "Pipfile":
        return
    folder = posixpath.dirname(editor.path) or "."
    if posixpath.basename(editor.path) == "pyproject.toml":
        moves = moves_below(context, folder)
        if moves:
            _setuptools(editor, context, folder, moves)
            _other_back_ends(editor, folder, moves)
        for move in [m for m in context.layout.moves if m.keeps_name]:
            _checked(editor, context, folder, move)
    for change in context.layout.new_roots:
        if change.old == folder:
            _settings(editor, context, folder, change)


def settings_files(context: Context) -> dict[str, str]:
    """A `pytest.ini` where pytest took the old root from where its tests lie, and no file could say the new one."""
    out = {}
    for change in context.layout.new_roots:
        lead = "" if change.old == "." else f"{change.old}/"
        has = pytest_settings(context.tree, change.old) or f"{lead}pyproject.toml" in context.tree
        if not has and not context.layout.moved and pytest_implies(context.plan, context.tree, change.old):
            out[f"{lead}pytest.ini"] = f"[pytest]\npythonpath = {posixpath.relpath(change.new, change.old)}\n"
    return out


def moves_below(context: Context, folder: str) -> list[Move]:
    """Packages that keep their names, and that the manifest in this folder ships before and after the move."""
    kept = [m for m in context.layout.moves if m.keeps_name]
    return [m for m in kept if _owner(context, m.path) == _owner(context, m.to_path) == folder]


def _owner(context: Context, path: str) -> str | None:
    """The folder of the nearest manifest above a path."""
    while path not in ("", "."):
        path = posixpath.dirname(path)
        lead = f"{path}/" if path else ""
        if any(f"{lead}{name}" in context.tree for name in _MANIFESTS):
            return path or "."
    return None


def root_below(move: Move, folder: str, *, new: bool) -> str:
    """The source root of a move, as written in a manifest of this folder."""
    path = (move.to_path if new else move.path).removesuffix(".py")
    inner = move.source.replace(".", "/")
    return relative(path[: -len(inner)].rstrip("/") or ".", folder)


def others_below(context: Context, folder: str, root: str, moves: list[Move]) -> list[str]:
    """Top-level packages and modules of a source root that stay there."""
    base = posixpath.normpath(posixpath.join(folder, root))
    lead, moving = "" if base == "." else f"{base}/", {m.source.split(".")[0] for m in moves}
    found = set()
    for path in context.tree.under(base):
        parts = path[len(lead) :].split("/")
        if len(parts) == 2 and parts[1] == "__init__.py" and parts[0] not in _NOT_SHIPPED | moving:
            found.add(parts[0])
    return sorted(found)


def package_dirs(context: Context, folder: str, names: list[str], current: Mapping[str, str]) -> dict[str, str]:
    """What `package-dir` has to say for the new places; `names` are the packages and modules that are listed."""
    moves, out = moves_below(context, folder), dict[str, str]()
    for name, place in current.items():
        full = posixpath.normpath(posixpath.join(folder, place))
        new = context.layout.old_to_new_path(full) if name else None
        if new is not None:
            out[name] = relative(new, folder)
    new_roots = {root_below(m, folder, new=True) for m in moves}
    tops = {n.split(".")[0] for n in names}
    alone = len(new_roots) == 1 and tops <= {m.source.split(".")[0] for m in moves}
    for move in moves:
        if move.source in out or (names and move.source.split(".")[0] not in tops):
            continue
        root, old = root_below(move, folder, new=True), root_below(move, folder, new=False)
        if alone and posixpath.normpath(current.get("", ".")) == old:
            out[""] = root
        elif move.is_package:
            out[move.source] = relative(move.to_path, folder)
    return out


def _setuptools(editor: Editor, context: Context, folder: str, moves: list[Move]) -> None:
    data = editor.data()
    table = data.get("tool", {}).get("setuptools", {})
    back_end = str(data.get("build-system", {}).get("build-backend", "setuptools"))
    if not (table or (back_end.startswith("setuptools") and "project" in data)):
        return
    listed = table.get("packages")
    current = table.get("package-dir") if isinstance(table.get("package-dir"), dict) else {}
    names = [n for key in ("packages", "py-modules") if isinstance(table.get(key), list) for n in table[key]]
    find = listed.get("find") if isinstance(listed, dict) else None
    if names or current:
        for name, place in package_dirs(context, folder, names, current).items():
            editor.put([*_SETUPTOOLS, "package-dir", name], place, "toml.package-dir", _WHY)
        modules = [m.source for m in moves if not m.is_package and m.source in table.get("py-modules", ())]
        dirs = editor.data().get("tool", {}).get("setuptools", {}).get("package-dir", {})
        if modules and dirs.get("", ".") == ".":
            text = f"tool.setuptools.py-modules: {', '.join(modules)}"
            readings = ("setuptools looks for all single modules in one folder", "it is shipped by another list")
            editor.find(0, "toml.unshipped", text, readings, "list it as a package, or move the others too", "error")
    if isinstance(find, dict):
        _find(editor, context, folder, moves, find)
    elif not names and not listed and not _is_set_up(context, folder):
        roots = sorted({root_below(m, folder, new=True) for m in moves})
        if roots not in (["src"], ["."]):  # there setuptools looks by itself
            editor.put([*_SETUPTOOLS, "packages", "find", "where"], roots, "toml.packages", _WHY)


def _is_set_up(context: Context, folder: str) -> bool:
    """Whether a setup.py or setup.cfg stands there, which may say what is shipped."""
    return any(posixpath.normpath(f"{folder}/{name}") in context.tree for name in _MANIFESTS[1:])


def _find(editor: Editor, context: Context, folder: str, moves: list[Move], find: Mapping[str, Any]) -> None:
    where, wanted = list(find.get("where", ["."])), list(find.get("where", ["."]))
    for move in moves:
        old, new = root_below(move, folder, new=False), root_below(move, folder, new=True)
        at = next((n for n, w in enumerate(wanted) if posixpath.normpath(w) == old), None)
        if at is not None:
            staying = others_below(context, folder, old, moves)
            staying = [n for n in staying if matched(n, find.get("include", ["*"]), find.get("exclude", ()))]
            if staying and "include" not in find:
                text = f"tool.setuptools.packages.find: {', '.join(staying)} stays in {old}"
                readings = (f"{new} would be taken for a package as well", "the search is told what to take")
                editor.find(0, "toml.packages", text, readings, "name what is shipped in `include`", "error")
            wanted[at : at + 1] = [wanted[at], new] if staying else [new]
        elif new not in wanted and any(posixpath.normpath(w) == old for w in where):
            wanted.append(new)
    if (wanted := list(dict.fromkeys(wanted))) != where:
        editor.put([*_SETUPTOOLS, "packages", "find", "where"], wanted, "toml.packages", _WHY)


def _other_back_ends(editor: Editor, folder: str, moves: list[Move]) -> None:
    data = editor.data()
    tool, backend = data.get("tool", {}), str(data.get("build-system", {}).get("build-backend", ""))
    roots = {root_below(m, folder, new=True) for m in moves}
    if len(roots) != 1:
        return
    (root,) = roots
    plain = "" if root == "." else root

    def put(path: list[str], value: Any, reason: str = _WHY) -> None:
        editor.put(path, value, "toml.packages", reason)

    wheel = tool.get("hatch", {}).get("build", {}).get("targets", {}).get("wheel", {})
    hatch = ["tool", "hatch", "build", "targets", "wheel"]
    if {"include", "only-include"} & wheel.keys() and "sources" not in wheel and plain:
        put([*hatch, "sources"], [root], "the wheel has the package at its top")
    elif backend.startswith("hatchling") and not wheel and root not in ("src", "."):
        put([*hatch, "packages"], sorted(relative(m.to_path, folder) for m in moves))
    if backend.startswith("poetry") and "packages" not in tool.get("poetry", {}) and root not in ("src", "."):
        put(["tool", "poetry", "packages"], [{"include": m.source.split(".")[0], "from": root} for m in moves])
    module_root = tool.get("uv", {}).get("build-backend", {}).get("module-root")
    if module_root is not None or (backend.startswith("uv_build") and root != "src"):
        put(["tool", "uv", "build-backend", "module-root"], plain)
    package_dir = tool.get("pdm", {}).get("build", {}).get("package-dir")
    if package_dir is not None or (backend.startswith("pdm") and root not in ("src", ".")):
        put(["tool", "pdm", "build", "package-dir"], plain)
    if "python-source" in tool.get("maturin", {}) or backend.startswith("maturin"):
        put(["tool", "maturin", "python-source"], root)
    if (backend.startswith("flit") or "flit" in tool) and root not in ("src", "."):
        text = f"flit looks for a package in its own folder and in src, not in {root}"
        editor.find(0, "toml.unshipped", text, (), 'choose to-path = "src/...", or another back end', "error")


def _checked(editor: Editor, context: Context, folder: str, move: Move) -> None:
    """What this manifest would not ship any more, or not yet, because the package lies below another one now."""
    before, after = _owner(context, move.path), _owner(context, move.to_path)
    if after == folder != before:
        what = missing_from(editor.data(), move, relative(move.to_path, folder), move.source.replace(".", "/"))
        if what is not None:
            text = f"{what}: {move.source}"
            readings = (f"{move.source} would be missing from the wheel", "it is shipped by another distribution")
            editor.find(0, "toml.unshipped", text, readings, f"name {move.source} in it", "error")
    elif before == folder != after:
        where = "no distribution" if after is None else f"the distribution in {after}"
        readings = (f"who requires this one for {move.source} must require that one", "nobody does")
        text = f"{move.source} is shipped by {where} now"
        editor.find(0, "root.distribution", text, readings, "see to its package lists and to who requires it", "error")


def _settings(editor: Editor, context: Context, folder: str, change: RootChange) -> None:
    place, reason = posixpath.relpath(change.new, folder), "the package is imported from there"
    tool = editor.data().get("tool", {})
    if posixpath.basename(editor.path) in ("pytest.toml", ".pytest.toml"):
        keys, base = editor.data().get("pytest", {}), ["pytest"]
    else:
        base = ["tool", "pytest"] if _is_new_pytest(tool) else ["tool", "pytest", "ini_options"]
        keys = tool.get("pytest", {})
        keys = keys if _is_new_pytest(tool) else keys.get("ini_options", {})
    home = pytest_settings(context.tree, folder)
    mine = editor.path == home or (home is None and posixpath.basename(editor.path) == "pyproject.toml")
    if mine and "pythonpath" not in keys and pytest_implies(context.plan, context.tree, change.old):
        editor.put([*base, "pythonpath"], [place], "toml.root", reason)
    if "mypy" in tool and "mypy_path" not in tool["mypy"]:
        editor.put(["tool", "mypy", "mypy_path"], place, "toml.root", reason)
    pyright = tool.get("pyright", {})
    if pyright and place != "src" and "extraPaths" not in pyright:  # it looks into src by itself
        editor.put(["tool", "pyright", "extraPaths"], [place], "toml.root", reason)


def _is_new_pytest(tool: Mapping[str, Any]) -> bool:
    """Whether pytest's settings stand in `[tool.pytest]` itself, as its version 9 has it."""
    return bool(tool.get("pytest")) and "ini_options" not in tool["pytest"]
