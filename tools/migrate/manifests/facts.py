"""What the manifests of one tree say about its distributions, before anything moves.

Owns which distributions there are, and which of them merge into the target.  Reads only the tree it is given, never
writes; the answer is kept for the last few contexts because every manifest of a stage asks for it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from ..classify import Judge
from ..layout import Layout
from ..model import Edit, Finding, Move
from ..plan import Plan
from ..tree import Tree
from .declared import Distribution, declared
from .requirements import normal

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
        dist = declared(path, context.tree)
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
