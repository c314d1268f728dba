"""What one manifest declares: pyproject.toml, setup.cfg and setup.py read into frozen values.

Owns the reading, and what a pyproject.toml leaves to others (`dynamic`): the setup.cfg and setup.py beside it, and the
requirements files that setuptools reads for it.  Nothing is run: what is computed is named, so that somebody is told.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..tree import Tree
from .setupcall import read_setup


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
    computed: Mapping[str, str] = field(default_factory=dict)  # field -> what computes it: not all of it is known here

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.manifest) or "."

    def table(self, *path: str) -> Any:
        """The value at `path` in the manifest, {} if there is none."""
        value: Any = self.data
        for part in path:
            value = value.get(part, {}) if isinstance(value, dict) else {}
        return value


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
    dist = _cfg_metadata(path, text)
    return dist if dist and dist.name else None


def _cfg_metadata(path: str, text: str) -> Distribution | None:
    """What a setup.cfg says, also one that leaves the name to a pyproject.toml."""
    import configparser

    config = configparser.RawConfigParser(delimiters=("=",), strict=False)
    config.optionxform = str  # type: ignore[assignment,method-assign]  # names of entry points keep their case
    try:
        config.read_string(text)
        name = config.get("metadata", "name", fallback="")
    except configparser.Error:
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
    requires = lines("options", "install_requires")
    from_files = [line for line in requires if line.startswith("file:")]
    return Distribution(
        name,
        path,
        version if version[:1].isdigit() else None,
        config.get("options", "python_requires", fallback=""),
        () if from_files else tuple(requires),
        {k: lines("options.extras_require", k) for k in extras},
        {named[k]: v for k, v in groups.items() if k in named},
        {k: v for k, v in groups.items() if k not in named},
        computed={"dependencies": path} if from_files else {},
    )


def _from_setup_py(path: str, text: str) -> Distribution | None:
    dist = _setup_metadata(path, text)
    return dist if dist and dist.name else None


def _setup_metadata(path: str, text: str) -> Distribution | None:
    """What a setup.py says, also one that leaves the name to a pyproject.toml or setup.cfg."""
    call = read_setup(text)
    if call is None:
        return None
    name = call.value("name")

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
        name if isinstance(name, str) else "",
        path,
        version if isinstance(version, str) else None,
        str(call.value("python_requires") or ""),
        tuple(strings(call.value("install_requires"))),
        {k: strings(v) for k, v in extras.items()} if isinstance(extras, dict) else {},
        {named[k]: v for k, v in groups.items() if k in named},
        {k: v for k, v in groups.items() if k not in named},
        computed={name: path for name, (_, keyword) in _FIELDS.items() if call.computed(keyword)},
    )


def declared(path: str, tree: Tree) -> Distribution | None:
    """The distribution that the file declares, with what its pyproject.toml leaves to others; None if it is none."""
    read = _READERS.get(posixpath.basename(path))
    text = tree.text(path) if read else None
    dist = read(path, text.body) if read and text else None
    return dist if dist is None or not dist.table("project").get("dynamic") else _completed(dist, tree)


_FIELDS = {
    "version": ("version", "version"),
    "requires-python": ("requires_python", "python_requires"),
    "dependencies": ("dependencies", "install_requires"),
    "optional-dependencies": ("extras", "extras_require"),
    "scripts": ("scripts", "entry_points"),
    "gui-scripts": ("scripts", "entry_points"),
    "entry-points": ("entry_points", "entry_points"),
}


def _completed(dist: Distribution, tree: Tree) -> Distribution:
    """`dynamic` fields from [tool.setuptools.dynamic], else from the setup.cfg and the setup.py beside, as setuptools
    reads them; the last one wins."""
    listed = dist.data["project"]["dynamic"]
    dynamic = [name for name in listed if name in _FIELDS] if isinstance(listed, list) else []
    found, computed = dist, dict[str, str]()
    for base, read in (("setup.cfg", _cfg_metadata), ("setup.py", _setup_metadata)):
        path = posixpath.join(posixpath.dirname(dist.manifest), base)
        text = tree.text(path) if path in tree else None
        other = read(path, text.body) if text else None
        for name in dynamic if other else ():
            attribute = _FIELDS[name][0]
            if other and (value := getattr(other, attribute)):
                change: dict[str, Any] = {attribute: value}
                if name in _TABLES:
                    change = {attribute: {**getattr(found, attribute), **value}}
                found = replace(found, **change)
            if other and name in other.computed:
                computed[name] = path
    files = dist.table("tool", "setuptools", "dynamic")
    for name in dynamic if isinstance(files, dict) else ():
        if name not in files:
            continue
        computed.pop(name, None)
        if name == "dependencies" and (lines := _lines_of(files[name], dist, tree)) is not None:
            found = replace(found, dependencies=tuple(lines))
        elif name == "optional-dependencies" and isinstance(files[name], dict):
            extras = {extra: _lines_of(entry, dist, tree) for extra, entry in files[name].items()}
            found = replace(found, extras={**found.extras, **{k: v for k, v in extras.items() if v is not None}})
            if None in extras.values():
                computed[name] = dist.manifest
        elif name != "version":
            computed[name] = dist.manifest
    known: dict[str, Any] = {name: getattr(found, attribute) for name, (attribute, _) in _FIELDS.items()}
    known |= {name: found.scripts.get(name) for name in ("scripts", "gui-scripts")}
    backs = not str(dist.table("build-system").get("build-backend") or "setuptools").startswith("setuptools")
    for name in dynamic:
        if (backs or name == "version") and not known[name]:  # by the back end or a plug-in of it
            computed.setdefault(name, dist.manifest)
    return replace(found, computed=computed)


_TABLES = {"optional-dependencies", "scripts", "gui-scripts", "entry-points"}


def _lines_of(entry: Any, dist: Distribution, tree: Tree) -> list[str] | None:
    """Requirements in the files that `{ file = [...] }` names; None if one has more than plain requirements."""
    names = entry.get("file") if isinstance(entry, dict) else None
    out: list[str] = []
    for name in [names] if isinstance(names, str) else names or [""]:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(dist.manifest), name))
        text = tree.text(path) if path in tree else None
        if text is None:
            return None
        lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in text.body.splitlines()]
        if any(line.startswith("-") or line.endswith("\\") for line in lines):
            return None
        out += filter(None, lines)
    return out


_READERS: dict[str, Callable[[str, str], Distribution | None]] = {
    "pyproject.toml": _from_pyproject,
    "setup.cfg": _from_cfg,
    "setup.py": _from_setup_py,
}
