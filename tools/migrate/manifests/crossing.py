"""Code that goes from one distribution to another: who needs which of them now, where no manifest says so.

Owns one question for the design: which requirements are missing once the files lie below another manifest.  In a
checkout with all folders on the path every test passes without them; an installed wheel does not even import.
What is missing is listed at the manifest that lacks it, as only a person knows with which version, and whether at all.
With a `[target]` the requirements are rewritten instead.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Protocol

from ..model import Finding
from ..resolve import absolute
from ..syntax import parse
from .declared import Distribution
from .facts import Context, facts
from .requirements import name_of, normal

RULE = "dependency.missing"


class Importing(Protocol):
    """What a file imports, by the names before the move."""

    @property
    def imports(self) -> Collection[str]: ...


def crossed(context: Context, scans: Mapping[str, Importing]) -> list[Finding]:
    """`scans` says what each file imports, by its path before the move; only modules that move matter."""
    layout = context.layout
    if layout.moved or context.plan.target is not None:
        return []
    dists = sorted(facts(context).distributions.values(), key=lambda d: len(d.folder), reverse=True)
    gone: dict[str, tuple[Distribution, Distribution]] = {}  # path of a file that changes its distribution
    for path, new in layout.moved_files().items():
        old_home, new_home = _home(path, dists), _home(new, dists)
        if path.endswith(".py") and old_home and new_home and old_home is not new_home:
            gone[path] = old_home, new_home
    if not gone:
        return []
    found: dict[tuple[str, str], Finding] = {}
    for user, scan in scans.items():
        home = _home(layout.new_path(user), dists)
        files = {_file(context, m) for m in scan.imports} & gone.keys() if home else ()
        for file in sorted(files):
            assert home is not None
            _need(found, home, *gone[file], f"{layout.new_path(user)} imports {layout.new_path(file)}")
    for file, (old_home, new_home) in sorted(gone.items()):
        for module in sorted(_imported(context, file)):
            where = _file(context, module)
            other = _home(layout.new_path(where), dists) if where else None
            if other is not None:
                _need(found, new_home, old_home, other, f"{layout.new_path(file)} imports {layout.new_path(where)}")
                continue
            for name in _needs(old_home) - _needs(new_home) if not where else ():
                if name.replace("-", "_") == module.partition(".")[0].lower():
                    _add(found, new_home, name, f"{layout.new_path(file)} imports {module}")
    return sorted(found.values())


def _need(
    found: dict[tuple[str, str], Finding], user: Distribution, before: Distribution, now: Distribution, why: str
) -> None:
    """`user` needs `now`, where it could rely on `before` until now."""
    known = user is before or normal(before.name) in _needs(user) or before is now
    if known and user is not now and normal(now.name) not in _needs(user):
        _add(found, user, now.name, why)


def _add(found: dict[tuple[str, str], Finding], user: Distribution, name: str, why: str) -> None:
    readings = (f"{user.name} needs {name}: {why}", "what imports it is not shipped")
    hint = f"add {name} to the dependencies of {user.name}"
    found.setdefault((user.manifest, name), Finding(user.manifest, 1, RULE, name, readings, hint))


def _needs(dist: Distribution) -> frozenset[str]:
    """Normalised names of all that a manifest requires, in whatever table."""
    texts = [*dist.dependencies, *(r for entries in dist.extras.values() for r in entries)]
    texts += [r for entries in dist.groups.values() for r in entries if isinstance(r, str)]
    poetry = dist.table("tool", "poetry", "dependencies")
    return frozenset(name_of(t) for t in texts) | frozenset(map(normal, poetry if isinstance(poetry, dict) else ()))


def _home(path: str, dists: Iterable[Distribution]) -> Distribution | None:
    return next((d for d in dists if d.folder == "." or path.startswith(f"{d.folder}/")), None)


def _file(context: Context, module: str) -> str:
    """The file, before the move, of a module or of what holds the name; "" for those of others."""
    files = context.judge.resolver.index.files
    return files.get(module) or files.get(module.rpartition(".")[0]) or ""


def _imported(context: Context, path: str) -> Iterator[str]:
    here, text = context.layout.module_of(path), context.tree.text(path)
    tree = parse(text.body) if text else None
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(node.module, node.level, here.package if here else "")
            yield from (f"{base}.{alias.name}" for alias in node.names if base)
