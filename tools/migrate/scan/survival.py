"""Names that have to survive: why a local name cannot be replaced by the new dotted one, and how it is kept.

Rebound, deleted, declared global, exported, reached by other files, an attribute of a class, or the new top-level name
means something else here: then the new module is imported under the old local name, and the uses stay as they are.
"""

from __future__ import annotations

import ast

from ..layout import ModuleName
from .context import Context
from .offsets import Offsets
from .scopes import Scope, Scopes, Use
from .sink import Sink

OUTSIDE = "is used from elsewhere as an attribute of this module"
EXPORTED = "is in __all__"


class Survival:
    def __init__(self, context: Context, sink: Sink, scopes: Scopes, here: ModuleName | None, offsets: Offsets) -> None:
        self.context, self.sink, self.scopes, self.here, self.at = context, sink, scopes, here, offsets

    def same_leaf(
        self,
        name: str,
        moved: str,
        targets: list[tuple[ast.Import | ast.ImportFrom, ast.alias, str | None]],
        changed: list[tuple[Use, str, str]],
    ) -> bool:
        """Whether `from new.parent import name` says it all, so that no use has to change."""
        if moved.rpartition(".")[2] != name or not any(alias.name == name for _, alias, _ in targets):
            return False
        follows = all(new == moved + alias.name[len(name) :] for _, alias, new in targets)
        return follows and all(new == moved + old[len(name) :] for _, old, new in changed)

    def keep(
        self,
        name: str,
        moved: str,
        targets: list[tuple[ast.Import | ast.ImportFrom, ast.alias, str | None]],
        tops: set[str],
        scope: Scope,
        why: str,
    ) -> None:
        """Import the new module under the old local name; the uses stay as they are."""
        starred = scope.kind == "module" and self.here and f"{self.here.name}.*" in self.context.mentions
        taken = bool(starred) or scope.kind == "class" or any(s.bound.get(top) for s in self.scopes.all for top in tops)
        parent, _, leaf = moved.rpartition(".")
        bound = False  # whether a plain import that always runs has bound the name already
        for node, alias, new in targets:
            if parent and leaf == name and alias.name == name and len(node.names) == 1:
                reason = f"{name} moves to {moved}; {why}"
                start, end = self.at.span(node)
                words = f"from {parent} import {name}"
                self.sink.edit(start, end, words, stage=4, rule="import.keep-name", reason=reason)
                bound = bound or isinstance(self.context.parents.get(node), ast.Module | ast.FunctionDef)
                continue
            words = f"{moved} as {name}"
            if new and alias.name != name:
                # The submodule must still be loaded; a private alias keeps it from binding the new top-level name.
                submodule = f"{new} as _{alias.name.replace('.', '_')}" if taken else new
                words = submodule if bound else f"{words}, {submodule}"
            start, end = self.at.dotted(alias)
            self.sink.edit(
                start, end, words, stage=4, rule="import.keep-name", reason=f"{alias.name} moves to {new}; {why}"
            )

    def reason(self, scope: Scope, name: str, tops: set[str], uses: list[Use]) -> str:
        """Why the local name has to survive; "" if it need not."""
        if any(name in s.globals or name in s.nonlocals for s in self.scopes.all):
            return f"{name} is declared global or nonlocal"
        kinds = {kind for kind, _ in scope.bound.get(name, [])}
        if kinds - {"import"}:
            return f"the name {name} is also bound or deleted here"
        if not all(_binds_top(node, name) for _, node in scope.bound.get(name, [])):
            return f"another import binds {name} as well"
        if scope.kind == "class":
            return f"{name} is an attribute of the class"
        if scope.kind == "module" and self.here and f"{self.here.name}.{name}" in self.context.mentions:
            return f"{name} {OUTSIDE}"
        if scope.kind == "module" and name in self.context.exported:
            return f"{name} {EXPORTED}"
        if self.context.calls & {"globals", "locals", "vars", "eval"} and name in self.context.string_values:
            return f"{name} is looked up by name"
        if any(self._reads_first(place, name, scope) for place in self.scopes.all):
            return f"a class binds {name} as well, and may read this one before"
        for top in tops - {name}:
            if self.taken(top, scope, uses):
                return f"the name {top} means something else here"
        return ""

    def _reads_first(self, place: Scope, name: str, scope: Scope) -> bool:
        """Whether `place` is a class that binds the name and reads it: until it is bound there, the global is meant.

        That is so in a function as well: a class body never looks into it for a name that it binds itself.
        """
        if place.kind != "class" or scope is not self.scopes.module or name not in place.bound:
            return False
        sure = [self._statement(node) for kind, node in place.bound[name] if kind != "delete"]
        bound = min((s.end_lineno or s.lineno for s in sure if s is not None), default=None)
        return any(
            u.scope is place and u.node.id == name and (bound is None or u.node.lineno <= bound)
            for u in self.scopes.uses
        )

    def _statement(self, node: ast.AST) -> ast.stmt | None:
        """The statement of a class body that is or holds `node`, if it always runs."""
        current: ast.AST | None = node
        while current is not None and not isinstance(current, ast.stmt):
            current = self.context.parents.get(current)
        return current if current and isinstance(self.context.parents.get(current), ast.ClassDef) else None

    def taken(self, top: str, scope: Scope, uses: list[Use]) -> bool:
        """Whether `top` is, in the scope or where it would be used, anything but the package of that name."""
        for place in [scope, *(u.scope for u in uses)]:
            owner = place.owner(top)
            for kind, node in owner.bound.get(top, []) if owner is not None else ():
                if kind != "import" or not _binds_top(node, top):
                    return True
        return False


def _binds_top(node: ast.AST, name: str) -> bool:
    """Whether the node is an `import name` or `import name.part`, and binds nothing else as `name`."""
    aliases = node.names if isinstance(node, ast.Import) else []
    plain = any(a.asname is None and a.name.split(".")[0] == name for a in aliases)
    return plain and not any(a.asname == name for a in aliases)
