"""A part of a package that leaves it for another top-level name: whether its distribution still ships it.

`app.parts` becomes `parts`, and the wheel of a project that lists `app` is without it.  A list of package names is
mended by `packages`; here is what searches and lists of folders would not find.  Owns what each back end ships; reads
the manifest as it is after stage 3.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ..model import Move
from .facts import Context, relative, root_of
from .requirements import normal

_MANIFESTS = ("pyproject.toml", "setup.cfg", "setup.py")
_HINT = "name {new} in it, or move the code to another distribution"


def leaving_parts(context: Context, manifest: str) -> list[Move]:
    """The moves of parts of a package to another top-level name, within the distribution of this manifest."""
    folder, tree = posixpath.dirname(manifest), context.tree
    folders = {posixpath.dirname(path) for path in tree if posixpath.basename(path) in _MANIFESTS}

    def owner(path: str) -> str:
        above = posixpath.dirname(path)
        while above and above not in folders:
            above = posixpath.dirname(above)
        return above

    found = [m for m in context.layout.moves if "." in m.source and m.source.split(".")[0] != m.target.split(".")[0]]
    return [m for m in found if context.plan.target is None and owner(m.path) == owner(m.to_path) == folder]


def unshipped(context: Context, manifest: str, data: Mapping[str, Any]) -> list[tuple[str, str, tuple[str, ...], str]]:
    """(what ships, new name, readings, hint) of each part that the wheel would be without."""
    out: list[tuple[str, str, tuple[str, ...], str]] = []
    for move in leaving_parts(context, manifest):
        folder = posixpath.dirname(manifest) or "."
        place = relative(move.to_path, folder)
        inner = relative(move.to_path, root_of(move.to_path, move.target))
        if (what := missing_from(data, move, place, inner)) is not None:
            readings = (f"{move.target} would be missing from the wheel", "it is shipped by another distribution")
            out.append((what, move.target, readings, _HINT.format(new=move.target.split(".")[0])))
    return out


def matched(name: str, include: Iterable[str], exclude: Iterable[str] = ()) -> bool:
    """Whether a search of setuptools takes a package of this name."""
    return any(fnmatchcase(name, p) for p in include) and not any(fnmatchcase(name, p) for p in exclude)


def missing_from(data: Mapping[str, Any], move: Move, place: str, inner: str) -> str | None:
    """The setting that leaves the new place out; None if it is shipped, or nothing says."""
    tool = data.get("tool", {})
    backend = str(data.get("build-system", {}).get("build-backend", ""))
    project = normal(str(data.get("project", {}).get("name") or tool.get("poetry", {}).get("name", ""))).replace(
        "-", "_"
    )
    top = inner.split("/")[0].removesuffix(".py")
    setuptools = tool.get("setuptools", {})
    find = setuptools.get("packages", {}).get("find") if isinstance(setuptools.get("packages"), dict) else None
    if isinstance(find, dict):
        taken = matched(move.target if move.is_package else top, find.get("include", ["*"]), find.get("exclude", ()))
        alone = not move.is_package and "." not in move.target and move.target not in setuptools.get("py-modules", ())
        return None if taken and not alone else "tool.setuptools.packages.find"
    wheel = tool.get("hatch", {}).get("build", {}).get("targets", {}).get("wheel", {})
    hatch = wheel.get("packages") or wheel.get("only-include") or wheel.get("include")
    if hatch or backend.startswith("hatchling"):
        return _by_folders(hatch, place, top, project, "tool.hatch.build.targets.wheel")
    poetry = tool.get("poetry", {}).get("packages")
    if poetry or backend.startswith("poetry"):
        names = [str(e.get("include", "")).split("/")[0] for e in poetry or [{"include": project}]]
        return None if any(fnmatchcase(top, name.removesuffix(".py")) for name in names) else "tool.poetry.packages"
    for key, module, own in (("flit", "flit", "module"), ("uv", "uv_build", "build-backend")):
        table = tool.get(key, {}).get(own, {})
        if (key in tool and table) or backend.startswith(module):
            given: Any = table.get("module-name") or table.get("name") or project
            tops = [str(n).split(".")[0] for n in (given if isinstance(given, list) else [given])]
            return None if top in tops else f"tool.{key}.{own}"
    includes = tool.get("pdm", {}).get("build", {}).get("includes")
    return _by_folders(includes, place, top, project, "tool.pdm.build.includes") if includes else None


def _by_folders(listed: Iterable[str] | None, place: str, top: str, project: str, what: str) -> str | None:
    if listed is None:
        return None if top == project else what  # the back end looks for the package that is called like the project
    for entry in listed:
        folder = entry.strip("/").removesuffix("/**").removesuffix("/*")
        if folder in ("", ".", "*", "**") or place == folder or f"{place}/".startswith(f"{folder}/"):
            return None
        if fnmatchcase(place, folder):
            return None
    return what
