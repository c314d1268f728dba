"""Packages that an import statement loads on the way: `import a.b.c` loads `a.b`, `from a.b import c` as well.

Where `c` moves away, the rewritten statement no longer does, and `a.b.x` elsewhere in the file would fail once nobody
else loads `a.b`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..resolve import absolute
from .scopes import Use

if TYPE_CHECKING:
    from .imports import Imports


def staying(imports: Imports, module: str, uses: Sequence[Use]) -> str:
    """The nearest package above a module that left it which these uses go through; the top one if there is none."""
    chains = {".".join([use.node.id, *(a.attr for a in use.attributes)]) for use in uses}
    package = module.rpartition(".")[0]
    while "." in package and (imports.new(package) or not any(f"{c}.".startswith(f"{package}.") for c in chains)):
        package = package.rpartition(".")[0]
    return package


def keep_loaded(imports: Imports, uses: Mapping[tuple[int, str], Sequence[Use]]) -> None:
    """Ask for an import of `pkg.part` beside `import pkg`, where only `from pkg.part import gone` had loaded it."""
    before, after = loaded(imports)
    stays = {m for m in before - after if "." in m and imports.new(m) is None and imports.resolver.is_module(m)}
    for (scope_id, name), binding in imports.names.items() if stays else ():
        edited = any(imports.new(alias.name) for _, alias in binding.statements)
        if not binding.plain or edited or (scope_id, name) in imports.kept:
            continue
        chains = [[binding.module, *(a.attr for a in use.attributes)] for use in uses.get((scope_id, name), ())]
        used = {".".join(c[:n]) for c in chains for n in range(2, len(c))} & stays
        for module in sorted(used):
            if not _loads_itself(imports, module):
                imports.wanted.setdefault(id(binding), (binding, []))[1].append(module)


def needs_loading(imports: Imports, package: str) -> bool:
    """Whether nothing in the rewritten file, nor the package at the top, loads this package."""
    return package not in loaded(imports)[1] and not _loads_itself(imports, package)


def _loads_itself(imports: Imports, module: str) -> bool:
    """Whether the package at the top loads a module below it."""
    origins = imports.resolver.index.names(module.split(".")[0]).names.values()
    return any(f"{origin}.".startswith(f"{module}.") for origin in origins if origin)


def loaded(imports: Imports) -> tuple[set[str], set[str]]:
    """The modules that the statements of the file load, before and after, by what they name."""
    before: set[str] = set()
    after: set[str] = set()
    for node, _ in imports.scopes.imports:
        if isinstance(node, ast.Import):
            before.update(a.name for a in node.names)
            after.update(imports.new(a.name) or a.name for a in node.names)
            continue
        base = absolute(node.module, node.level, imports.here.package if imports.here else "")
        before.add(base)
        moved = [imports.new(f"{base}.{a.name}") for a in node.names if imports.resolver.submodule(base, a.name)]
        if len(moved) < len(node.names) or None in moved:
            after.add(imports.new(base) or base)
    return _with_parents(before), _with_parents(after)


def _with_parents(modules: set[str]) -> set[str]:
    return {m.rsplit(".", n)[0] for m in modules for n in range(m.count(".") + 1)}
