"""What the manifests of one tree say about its distributions, before anything moves.

Owns the reading of distribution metadata (pyproject.toml, setup.cfg, setup.py) into frozen values, and which
distributions merge into the target.  Reads only the tree it is given, never writes; the answer is kept for the last few
contexts because every manifest of a stage asks for it.
"""

from __future__ import annotations

import posixpath
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..classify import Judge
from ..layout import Layout
from ..model import Edit, Finding, Move
from ..plan import Plan
from ..tree import Tree
from .requirements import normal
from .setupcall import read_setup

if TYPE_CHECKING:
    from packaging.version import Version


@dataclass(frozen=True, slots=True)
class Context:
    """What every rewrite needs; `tree` is the tree before the move."""

    layout: Layout
    judge: Judge
    tree: Tree
    plan: Plan


@dataclass(frozen=True, slots=True)
class Rewritten:
    """`text` is the file's new text, None if the file goes."""

    text: str | None
    notes: tuple[Edit, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Distribution:
    """One distribution as its manifest declares it; `data` is the whole parsed pyproject.toml, {} for the others."""

    name: str
    manifest: str
    version: str | None = None
    requires_python: str = ""
    dependencies: tuple[str, ...] = ()
    extras: Mapping[str, list[str]] = field(default_factory=dict)
    scripts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # "scripts", "gui-scripts" -> name -> value
    entry_points: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    groups: Mapping[str, list[Any]] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.manifest) or "."

    def table(self, *path: str) -> Any:
        """The value at `path` in the manifest, {} if there is none."""
        value: Any = self.data
        for part in path:
            value = value.get(part, {}) if isinstance(value, dict) else {}
        return value


@dataclass(frozen=True, slots=True)
class Facts:
    """`merged` are the distributions (normalised name) that become the target, the target itself not among them."""

    distributions: Mapping[str, Distribution]
    merged: Mapping[str, Distribution | None]
    partial: frozenset[str]
    target: Distribution | None
    target_name: str
    target_manifest: str
    version: str | None

    @property
    def target_key(self) -> str:
        return normal(self.target_name) if self.target_name else ""

    def old(self, manifest: str) -> Distribution | None:
        """The merged distribution that a packaging file belongs to."""
        folder = posixpath.dirname(manifest) or "."
        return next((d for d in self.merged.values() if d and d.folder == folder), None)

    @property
    def replaced(self) -> frozenset[str]:
        """Names that dependents give up for the target."""
        return frozenset(self.merged) - self.partial


def relative(path: str, folder: str) -> str:
    return posixpath.relpath(path, folder)


def stays_beside(context: Context, text: str, at: str) -> bool:
    """Whether the path, read from the folder of the file `at`, is a file or folder of its own that does not move.

    A namesake of a moving package beside a manifest is what that manifest means by the name.
    """
    folder = posixpath.dirname(at)
    if not folder or not text or text.startswith("/"):
        return False
    full = posixpath.normpath(posixpath.join(folder, text.rstrip("/*")))
    return context.tree.exists(full) and context.layout.new_path(full) == full


def root_of(path: str, module: str) -> str:
    """The import root from which `module` lies at `path`."""
    inner = module.replace(".", "/")
    base = path.removesuffix(".py")
    return (
        (base[: -len(inner)].rstrip("/") or ".")
        if base == inner or base.endswith("/" + inner)
        else posixpath.dirname(base) or "."
    )


@lru_cache(maxsize=4)
def facts(context: Context) -> Facts:
    found: dict[str, Distribution] = {}
    homes = {normal(m.distribution): m.path for m in context.layout.moves if m.distribution}
    for path in context.tree:
        read = _READERS.get(path.rpartition("/")[2])
        text = context.tree.text(path) if read else None
        dist = read(path, text.body) if read and text else None
        if dist is None:
            continue
        key = normal(dist.name)
        # of two that declare one name, the one whose folder holds the moving code is meant
        if key not in found or (_holds(dist, homes.get(key)) and not _holds(found[key], homes.get(key))):
            found[key] = dist
    plan = context.plan
    if plan.target is None:
        return Facts(found, {}, frozenset(), None, "", "", None)
    name, key = plan.target.distribution, normal(plan.target.distribution)
    manifest = posixpath.normpath(posixpath.join(plan.target.path, "pyproject.toml"))
    target = found.get(key)
    if target is not None and target.manifest != manifest:
        target = None
    merged = {normal(m.distribution): found.get(normal(m.distribution)) for m in context.layout.moves if m.distribution}
    if target is None:
        # the target takes over the name of a distribution that lies elsewhere: that one is merged too, under one name
        merged = dict(sorted(merged.items(), key=lambda item: item[0] != key))
    else:
        merged.pop(key, None)
    partial = frozenset(k for k, d in merged.items() if d and k != key and others(context, d, found))
    versions = [d.version for d in merged.values() if d and d.version]
    version = target.version if target else max(versions, key=_version, default="0.1.0")
    return Facts(found, merged, partial, target, target.name if target else name, manifest, version)


def moves_of(context: Context, dist: Distribution) -> list[Move]:
    """The moves that take code out of this distribution, in the plan's order."""
    order = {entry.source: number for number, entry in enumerate(context.plan.moves)}
    own = [m for m in context.layout.moves if m.distribution and normal(m.distribution) == normal(dist.name)]
    return sorted(own, key=lambda m: order.get(m.source, 0))


_NOT_SHIPPED = {"tests", "test", "docs", "doc", "examples", "benchmarks", "scripts", "tools", "build", "dist"}
_NOT_CODE = {"setup.py", "conftest.py", "noxfile.py", "tasks.py", "versioneer.py", "fabfile.py"}


def others(context: Context, dist: Distribution, found: Mapping[str, Distribution] | None = None) -> list[str]:
    """Python files below the distribution's folder that are likely shipped by it and do not move."""
    found = facts(context).distributions if found is None else found
    nested = {d.folder for d in found.values() if d.folder != dist.folder}
    out = []
    for path in context.tree.under(dist.folder):
        inner = path if dist.folder == "." else path[len(dist.folder) + 1 :]
        if not path.endswith(".py") or inner in _NOT_CODE or set(inner.split("/")[:-1]) & _NOT_SHIPPED:
            continue
        if context.layout.new_path(path) != path or any(path.startswith(n + "/") for n in nested):
            continue
        if inner.endswith("__init__.py") and (text := context.tree.text(path)) and not text.body.strip():
            continue
        out.append(path)
    return out


def _holds(dist: Distribution, path: str | None) -> bool:
    return path is not None and (dist.folder == "." or (path + "/").startswith(dist.folder + "/"))


def _version(text: str) -> Version:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")


def _from_pyproject(path: str, text: str) -> Distribution | None:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
    project = data.get("project")
    poetry = data.get("tool", {}).get("poetry", {}) if isinstance(data.get("tool"), dict) else {}
    if not isinstance(project, dict) or not isinstance(project.get("name"), str):
        if isinstance(poetry, dict) and isinstance(poetry.get("name"), str):
            return Distribution(poetry["name"], path, poetry.get("version"), data=data)
        return None
    version = project.get("version")
    return Distribution(
        project["name"],
        path,
        version if isinstance(version, str) else None,
        project.get("requires-python", ""),
        tuple(d for d in project.get("dependencies", ()) if isinstance(d, str)),
        project.get("optional-dependencies", {}),
        {k: project[k] for k in ("scripts", "gui-scripts") if isinstance(project.get(k), dict)},
        project.get("entry-points", {}),
        data.get("dependency-groups", {}),
        data,
    )


def _from_cfg(path: str, text: str) -> Distribution | None:
    import configparser

    config = configparser.RawConfigParser(delimiters=("=",), strict=False)
    config.optionxform = str  # type: ignore[assignment,method-assign]  # names of entry points keep their case
    try:
        config.read_string(text)
        name = config.get("metadata", "name", fallback="")
    except configparser.Error:
        return None
    if not name:
        return None

    def lines(section: str, key: str) -> list[str]:
        raw = config.get(section, key, fallback="")
        return [x.strip() for x in raw.splitlines() if x.strip() and not x.strip().startswith("#")]

    def points(key: str) -> dict[str, str]:
        pairs = (line.partition("=") for line in lines("options.entry_points", key))
        return {k.strip(): v.strip() for k, _, v in pairs if v.strip()}

    groups = {
        k: points(k) for k in (config["options.entry_points"] if config.has_section("options.entry_points") else ())
    }
    named = {"console_scripts": "scripts", "gui_scripts": "gui-scripts"}
    extras = config["options.extras_require"] if config.has_section("options.extras_require") else {}
    version = config.get("metadata", "version", fallback="")
    return Distribution(
        name,
        path,
        version if version[:1].isdigit() else None,
        config.get("options", "python_requires", fallback=""),
        tuple(lines("options", "install_requires")),
        {k: lines("options.extras_require", k) for k in extras},
        {named[k]: v for k, v in groups.items() if k in named},
        {k: v for k, v in groups.items() if k not in named},
    )


def _from_setup_py(path: str, text: str) -> Distribution | None:
    call = read_setup(text)
    name = call.value("name") if call else None
    if call is None or not isinstance(name, str):
        return None

    def strings(value: Any) -> list[str]:
        lines = value.splitlines() if isinstance(value, str) else value if isinstance(value, list | tuple) else []
        return [str(x).strip() for x in lines if str(x).strip()]

    points = call.value("entry_points")
    groups: dict[str, dict[str, str]] = {}
    for group, entries in points.items() if isinstance(points, dict) else ():
        pairs = (entry.partition("=") for entry in strings(entries))
        groups[group] = {k.strip(): v.strip() for k, _, v in pairs}
    named = {"console_scripts": "scripts", "gui_scripts": "gui-scripts"}
    version, extras = call.value("version"), call.value("extras_require")
    return Distribution(
        name,
        path,
        version if isinstance(version, str) else None,
        str(call.value("python_requires") or ""),
        tuple(strings(call.value("install_requires"))),
        {k: strings(v) for k, v in extras.items()} if isinstance(extras, dict) else {},
        {named[k]: v for k, v in groups.items() if k in named},
        {k: v for k, v in groups.items() if k not in named},
    )


_READERS: dict[str, Callable[[str, str], Distribution | None]] = {
    "pyproject.toml": _from_pyproject,
    "setup.cfg": _from_cfg,
    "setup.py": _from_setup_py,
}
