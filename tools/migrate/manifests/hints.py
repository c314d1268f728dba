"""Which TOML keys hold paths, module names, either, or prose.

Owns the table of known keys of the tools that read pyproject.toml and its relatives.  A key is known by its own
name and, where that name is common, by the table around it.  What is not in the table is "unknown": then only
evidence decides (a dotted name that resolves, a path that is tracked).  Knows nothing of the plan.
"""

from __future__ import annotations

import re
from typing import Literal

from ..classify import Hint
from ..options import meaning
from .spans import Path

Kind = Literal["module", "path", "either", "unknown", "prose", "skip"]

_PATH = {
    "root",
    "testpaths",
    "files",
    "file",
    "mypy-path",
    "exclude",
    "extend-exclude",
    "force-exclude",
    "include",
    "extend-include",
    "src",
    "src-paths",
    "omit",
    "readme",
    "license-files",
    "where",
    "norecursedirs",
    "pythonpath",
    "extrapaths",
    "extra-paths",
    "stubpath",
    "path",
    "paths",
    "sources",
    "include-dirs",
    "config-file",
    "roots",
    "source-roots",
    "source-files",
    "per-file-ignores",
    "extend-per-file-ignores",
    "per-file-target-version",
    "cache-keys",
    "skip",
    "targets",
    "only-include",
    "artifacts",
    "force-include",
    "includes",
    "excludes",
    "package-dir",
    "root-dir",
    "confcutdir",
    "extend-skip",
    "skip-glob",
    "version-file",
    "versionfile-source",
    "write-to",
    "template-file",
    "depends",
    "search-path",
    "directory",
    "ignore-paths",
    "exclude-dirs",
    "source-includes",
    "source-excludes",
    "environments-root",
    "watch",
    "version-files",
    "version-variables",
    "filename",
    "build-data",
    "search-paths",
    "project-includes",
    "project-excludes",
    "strict",
    "ignore",
}
_MODULE = {
    "package",
    "known-first-party",
    "known-third-party",
    "known-local-folder",
    "module",
    "modules",
    "root-package",
    "root-packages",
    "source-modules",
    "forbidden-modules",
    "layers",
    "containers",
    "ignore-imports",
    "scripts",
    "gui-scripts",
    "attr",
    "entry-points",
    "source-pkgs",
    "required-imports",
    "banned-api",
    "banned-module-level-imports",
    "extension-pkg-allow-list",
    "ignored-modules",
    "load-plugins",
    "filterwarnings",
    "exempt-modules",
    "typing-modules",
    "logger-objects",
    "allowed-modules",
    "runtime-evaluated-base-classes",
    "runtime-evaluated-decorators",
    "ignore-packages",
    "cli",
    "domain-modules",
    "aliases",
    "package-module-name-map",
    "always-import",
    "app-import-path",
    "settings-module",
    "django-settings-module",
    "import-names",
    "module-name",
    "application-import-names",
    "application-package-names",
}
_EITHER = {"source", "plugins", "cov", "packages"}
_PROSE = {
    "description",
    "keywords",
    "classifiers",
    "urls",
    "authors",
    "maintainers",
    "msg",
    "message",
    "help",
    "title",
    "summary",
    "comment",
    "reason",
    "homepage",
    "documentation",
    "markers",
    "license",
    "contract-name",
    "doc",
}

# Handled by other files of this package, or never a name of code.
_SKIP: tuple[tuple[str, ...], ...] = (
    ("project", "name"),
    ("project", "version"),
    ("project", "dependencies"),
    ("project", "optional-dependencies"),
    ("build-system", "requires"),
    ("dependency-groups",),
    ("tool", "uv", "sources"),
    ("tool", "uv", "workspace"),
    ("tool", "uv", "dev-dependencies"),
    ("tool", "uv", "constraint-dependencies"),
    ("tool", "uv", "override-dependencies"),
    ("tool", "uv", "build-backend"),
    ("tool", "uv", "build-constraint-dependencies"),
    ("tool", "poetry", "name"),
    ("tool", "poetry", "dependencies"),
    ("tool", "poetry", "dev-dependencies"),
    ("tool", "poetry", "group"),
    ("tool", "poetry", "packages"),
    ("tool", "poetry", "extras"),
    ("tool", "setuptools", "packages"),
    ("tool", "setuptools", "package-dir"),
    ("tool", "setuptools", "package-data"),
    ("tool", "setuptools", "exclude-package-data"),
    ("tool", "setuptools", "py-modules"),
    ("tool", "flit", "module"),
    ("tool", "hatch", "build", "targets", "wheel", "packages"),
)
# Keys of these tables are names themselves (the others name settings, groups or commands).
_NAMING = _PATH & {
    "per-file-ignores",
    "extend-per-file-ignores",
    "per-file-target-version",
    "force-include",
    "build-data",
    "sources",
}
_NAMING |= {"banned-api", "aliases"}
_NEVER_KEYS = ("project",), ("dependency-groups",), ("build-system",), ("tool", "uv"), ("tool", "poetry")


def _plain(part: str | int) -> str:
    return str(part).replace("_", "-").lower()


def value_hint(path: Path) -> Kind:
    """What a string at this path is by its key."""
    names: tuple[str, ...] = tuple(_plain(p) for p in path if isinstance(p, str))
    last = names[-1] if names else ""
    if any(names[: len(s)] == s for s in _SKIP):
        return "skip"
    if names[:3] == ("tool", "setuptools", "ext-modules") and last == "name":
        return "module"
    if names[:2] == ("tool", "setuptools-rust") and last == "target":
        return "module"
    if (len(names) > 1 and names[-2] == "import-linter") or names[:2] == ("tool", "importlinter"):
        return "prose" if last == "name" else "module"
    if names[:2] == ("tool", "mypy") and last in ("packages", "modules"):
        return "module"
    if names[:2] == ("tool", "tach"):
        return "path" if {"exclude", "source-roots"} & set(names) else "module"
    if names[:3] == ("tool", "coverage", "paths"):
        return "path"
    for name in reversed(names):
        if name in _PROSE:
            return "prose"
        if name in _MODULE:
            return "module"
        if name in _PATH:
            # "ignore" and "strict" are lists of rules in some tools and lists of folders in others
            return "path" if name not in ("ignore", "strict", "skip", "targets", "filename") else "unknown"
        if name in _EITHER:
            return "either"
    return "unknown"


def key_hint(path: Path) -> Kind:
    """What the last segment of this key path is: "skip" where keys are settings."""
    names = tuple(_plain(p) for p in path if isinstance(p, str))
    if any(names[: len(n)] == n for n in _NEVER_KEYS) or any(names[: len(s)] == s for s in _SKIP):
        return "skip"
    parent = names[-2] if len(names) > 1 else ""
    if parent in _NAMING:
        return "module" if parent in ("banned-api", "aliases") else "path"
    return "unknown"


_OPTION_EITHER = re.compile(r"--cov[= ]$|--source[= ]$")
_OPTION_MODULE = re.compile(
    r"(?:error|ignore|always|default|module|once):[^:\s]*:$"
    r"|(?:^|\s)(?:-p|-m|-W|--pyargs|--import|-p=)[= ]?$|(?:[\s'\";(]|^)(?:from|import) $"
)


def hint_before(text: str, start: int, default: Hint) -> Hint:
    """What the word at `start` of a command line is, by the option before it."""
    before = text[:start]
    if _OPTION_EITHER.search(before):
        return "either"
    if _OPTION_MODULE.search(before):
        marker = default == "path" and re.search(r"\s?-m[= ]?$", before)  # in pytest's addopts
        return "unknown" if marker or meaning(before) != "module" else "module"
    return default
