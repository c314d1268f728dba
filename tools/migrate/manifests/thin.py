"""The manifests of merged distributions: thin from stage 3, gone in stage 6.

Owns what an old distribution still says while shims stand: it depends on the target, passes its extras on, ships
the shim's package and nothing else.  In cleanup it is deleted when its folder holds nothing but the shim and
itself.
"""

from __future__ import annotations

import posixpath
import tomllib
from collections.abc import Mapping
from functools import lru_cache

from ..model import Move
from .declared import Distribution
from .editor import Editor
from .facts import Context, facts, moves_of, relative, root_of
from .packages import directory_entry
from .requirements import merge, normal
from .target import renamed_object

_PACKAGING = {"pyproject.toml", "setup.py", "setup.cfg", "MANIFEST.in", "py.typed"}
_PAPERS = (
    "readme",
    "license",
    "licence",
    "changelog",
    "changes",
    "history",
    "notice",
    "copying",
    ".git",
    "uv.lock",
    "poetry.lock",
)
_WHY = "thin until cleanup: the target ships this now"


def requirement_on_target(context: Context, extra: str = "") -> str:
    known = facts(context)
    bound = f">={known.version}" if known.version and not extra else ""
    return f"{known.target_name}{f'[{extra}]' if extra else ''}{bound}"


def rewrite_thin(editor: Editor, context: Context, dist: Distribution) -> None:
    """Stage 3 for the pyproject.toml of a merged distribution."""
    known = facts(context)
    project = editor.data().get("project")
    if not isinstance(project, dict):
        editor.find(
            0,
            "thin.project",
            f"{dist.name} has no [project] table",
            hint="make it depend on the target by hand",
            severity="error",
        )
        return
    partial = normal(dist.name) in known.partial
    wanted = requirement_on_target(context)
    entries = merge(project.get("dependencies", []), [wanted], known.replaced).entries if partial else [wanted]
    if project.get("dependencies") != entries:
        if partial:
            editor.set_array(
                ("project", "dependencies"), entries, "thin.requirement", "part of its code is in the target now"
            )
        else:
            editor.put(("project", "dependencies"), entries, "thin.requirement", _WHY)
    _dynamic(editor, context, dist, project, partial)
    _readme(editor, context, dist, project)
    _entry_points(editor, context, dist, partial)
    _sources(editor, context, partial)
    if not partial:
        for extra, current in project.get("optional-dependencies", {}).items():
            passed = [requirement_on_target(context, extra)]
            if current != passed:
                editor.put(
                    ("project", "optional-dependencies", extra), passed, "thin.extra", "the target has this extra now"
                )
        _packages(editor, context, dist)
        kept = {"uv", "setuptools", "hatch", "flit", "poetry", "pdm", "setuptools_scm"}
        lost = [t for t in editor.data().get("tool", {}) if t not in kept]
        if lost:
            hint = f"carry what is still wanted to {known.target_manifest} before cleanup"
            editor.find(0, "thin.tools", f"settings that go with this file: {', '.join(sorted(lost))}", hint=hint)


def _readme(editor: Editor, context: Context, dist: Distribution, project: Mapping[str, object]) -> None:
    """A description that moves along with the code is that of the target's part; a thin distribution needs none."""
    readme = project.get("readme")
    name = readme.get("file") if isinstance(readme, dict) else readme
    path = posixpath.normpath(posixpath.join(dist.folder, name)) if isinstance(name, str) else ""
    if path in context.tree and context.layout.new_path(path) != path:
        editor.drop_table(("project", "readme"), "thin.readme", f"it is {context.layout.new_path(path)} now")


def _moves_away(context: Context, dist: Distribution) -> bool:
    """Whether a version that is not written in the manifest may be read from code that moves."""
    setup = posixpath.join(posixpath.dirname(dist.manifest), "setup.py")
    if dist.version is not None and setup not in context.layout.scripts:  # setup.py or setup.cfg says it
        return False
    source = dist.table("tool", "setuptools", "dynamic", "version")
    if isinstance(source, dict) and isinstance(attr := source.get("attr"), str):
        return context.layout.new_module(attr.rpartition(".")[0]) is not None
    if isinstance(source, dict) and isinstance(source.get("file"), str | list):
        names = [source["file"]] if isinstance(source["file"], str) else source["file"]
        paths = [posixpath.normpath(posixpath.join(dist.folder, name)) for name in names]
        return any(context.layout.new_path(path) != path for path in paths)
    return True


def _dynamic(editor: Editor, context: Context, dist: Distribution, project: dict[str, object], partial: bool) -> None:
    dynamic = project.get("dynamic")
    if not isinstance(dynamic, list) or partial:
        return
    gone = {"dependencies", "optional-dependencies", "scripts", "gui-scripts", "entry-points"}
    if gone & set(dynamic):
        editor.set_array(("project", "dynamic"), [d for d in dynamic if d not in gone], "thin.dynamic", _WHY)
    if "version" in dynamic and _moves_away(context, dist):
        hint = "write the version into [project] before stage 3"
        editor.find(
            0, "thin.version", f"the version of {dist.name} is read from code that moves", hint=hint, severity="error"
        )


def _entry_points(editor: Editor, context: Context, dist: Distribution, partial: bool) -> None:
    if not partial:
        for key in ("scripts", "gui-scripts", "entry-points"):
            if editor.data()["project"].get(key) is not None:
                editor.drop_table(("project", key), "thin.script", "the target declares it now")
        return
    tables: list[tuple[tuple[str, ...], Mapping[str, str]]] = [(("project", k), v) for k, v in dist.scripts.items()]
    tables += [(("project", "entry-points", g), v) for g, v in dist.entry_points.items()]
    for base, entries in tables:
        for name, value in entries.items():
            pair = editor.doc.find(*base, name)
            if pair is not None and renamed_object(context, value, dist.manifest) != value:
                editor.drop(pair, "thin.script", "the target declares it now")
                editor.drop_if_empty(base, "thin.script", "nothing is left in it")


def _sources(editor: Editor, context: Context, partial: bool) -> None:
    known = facts(context)
    sources = editor.data().get("tool", {}).get("uv", {}).get("sources", {})
    for name in list(sources):
        if normal(name) != known.target_key and (not partial or normal(name) in known.replaced):
            editor.drop_table(("tool", "uv", "sources", name), "thin.source", "nothing here depends on it")
    if workspace_of(context) is not None:
        present = editor.data().get("tool", {}).get("uv", {}).get("sources", {})
        if not any(normal(n) == known.target_key for n in present):
            path = ("tool", "uv", "sources", known.target_name)
            editor.put(path, {"workspace": True}, "thin.source", "the target is a member of the workspace")
    else:
        editor.drop_if_empty(("tool", "uv", "sources"), "thin.source", "nothing is left in it")


def leave_workspace(editor: Editor, context: Context) -> None:
    """Stage 4: nobody in the workspace needs the old distribution any more, so it is no member of it.

    It can still be built and installed on its own, for those outside of the tree; it finds the target by its path.
    """
    known = facts(context)
    sources = editor.data().get("tool", {}).get("uv", {}).get("sources", {})
    for name, value in list(sources.items()):
        if normal(name) == known.target_key and isinstance(value, dict) and value.get("workspace"):
            place = {"path": relative(posixpath.dirname(known.target_manifest) or ".", posixpath.dirname(editor.path))}
            editor.drop_table(("tool", "uv", "sources", name), "thin.source", "no member of the workspace any more")
            editor.put(("tool", "uv", "sources", name), place, "thin.source", "no member of the workspace any more")


@lru_cache(maxsize=4)
def workspace_of(context: Context) -> str | None:
    """The manifest that declares the uv workspace, if there is one."""
    manifests = [p for p in context.tree if posixpath.basename(p) == "pyproject.toml"]
    for path in sorted(manifests, key=lambda p: p.count("/")):
        text = context.tree.text(path)
        if text is None or "workspace" not in text.body:
            continue
        try:
            tool = tomllib.loads(text.body).get("tool", {})
        except tomllib.TOMLDecodeError:
            continue
        if "workspace" in tool.get("uv", {}):
            return path
    return None


def _packages(editor: Editor, context: Context, dist: Distribution) -> None:
    data = editor.data()
    if not str(data.get("build-system", {}).get("build-backend", "setuptools")).startswith("setuptools"):
        return  # the other back ends name the package's old place, where the shim stands
    base = ["tool", "setuptools"]
    moves = [m for m in moves_of(context, dist) if "." not in m.source]
    packages = sorted(m.source for m in moves if m.is_package)
    modules = sorted(m.source for m in moves if not m.is_package)
    current = data.get("tool", {}).get("setuptools", {})
    data_files = {m.source: kinds for m in moves if (kinds := _stub_kinds(context, m))}
    for key in ("package-data", "exclude-package-data", "ext-modules"):
        if current.get(key) is not None and (key != "package-data" or current[key] != data_files):
            editor.drop_table([*base, key], "thin.packages", _WHY)
    if isinstance(current.get("packages"), dict):
        editor.drop_table([*base, "packages"], "thin.packages", "the shim is the only package left")
    if not packages and not modules:
        return
    if current.get("packages") != packages:
        editor.put([*base, "packages"], packages, "thin.packages", "the shim is the only package left")
    if modules and current.get("py-modules") != modules:
        editor.put([*base, "py-modules"], modules, "thin.packages", "the shim is the only module left")
    if current.get("package-data") != data_files:
        for name, kinds in data_files.items():
            editor.put([*base, "package-data", name], kinds, "thin.packages", "type checkers read it beside the shim")
    directories = {}
    for move in moves:
        entry = directory_entry(move.source, relative(move.path, dist.folder).removesuffix(".py"))
        if entry is not None and move.is_package:
            directories[entry[0]] = entry[1]
        elif entry is not None:
            directories[""] = relative(root_of(move.path, move.source), dist.folder)
    present = current.get("package-dir", {})
    if directories != present:
        if present:
            editor.drop_table([*base, "package-dir"], "thin.packages", _WHY)
        for name, place in directories.items():
            editor.put([*base, "package-dir", name], place, "thin.packages", "where the shim stands")


def _stub_kinds(context: Context, move: Move) -> list[str]:
    """Patterns for the stubs that stage 3 puts beside the shim; by depth, as old setuptools know no `**`."""
    inner = [p[len(move.path) + 1 :] for p in context.tree.under(move.path)] if move.is_package else []
    depths = {p.count("/") for p in inner if p.endswith((".py", ".pyi")) and p not in ("__init__.py", "__main__.py")}
    return [*sorted("*/" * depth + "*.pyi" for depth in depths), *(["py.typed"] if "py.typed" in inner else [])]


# cleanup


def leftovers(context: Context, dist: Distribution) -> tuple[list[str], list[str]]:
    """What stays in the distribution's folder after stage 6: (files that keep the manifest alive, papers)."""
    real: list[str] = []
    papers: list[str] = []
    nested = {d.folder for d in facts(context).distributions.values() if d.folder.startswith(dist.folder + "/")}
    for path in context.tree.under(dist.folder):
        new = context.layout.new_path(path)
        base = posixpath.basename(path)
        if new != path and not new.startswith(dist.folder + "/"):
            continue
        if base in _PACKAGING or any(path.startswith(n + "/") for n in nested):
            continue
        (papers if base.lower().startswith(_PAPERS) else real).append(path)
    return real, papers


@lru_cache(maxsize=4)
def doomed(context: Context) -> frozenset[str]:
    """Folders whose packaging files are deleted in stage 6."""
    known = facts(context)
    gone = set()
    for key, dist in known.merged.items():
        if dist is None or key in known.partial or dist.folder == "." or dist.manifest == known.target_manifest:
            continue
        if not leftovers(context, dist)[0]:
            gone.add(dist.folder)
    return frozenset(gone)


def dead_at_once(context: Context, path: str) -> bool:
    """Whether this manifest goes in stage 3: it has the target's own name, and a name can be declared only once."""
    known = facts(context)
    dist = known.merged.get(known.target_key)
    return dist is not None and dist.manifest == path and dist.manifest != known.target_manifest
