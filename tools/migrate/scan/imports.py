"""Import statements and the names they bind, in one parsed Python file.

For each statement: which module each of its names means (before the move), where that will be, and the smallest edit
that says so.  A plain `import a.b` binds `a`, so its uses are rewritten too; where the name itself must survive (it is
rebound, deleted, exported, or the new top-level name is taken) the new module is imported under the old local name.
A statement whose names end up in two modules is split; that alone is rebuilt with libcst.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Literal

from ..layout import ModuleName
from .context import Context, NamesInScope
from .froms import Froms
from .hiding import hidden
from .loaded import keep_loaded, needs_loading, staying
from .offsets import Offsets
from .patches import PATCHES
from .reach import in_examples
from .scopes import Scope, Scopes, Use
from .sink import Sink
from .survival import EXPORTED, OUTSIDE, Survival


@dataclass(slots=True)
class Binding:
    """What one local name of one scope stands for: a module, by its name before the move."""

    module: str
    plain: bool  # bound by `import a.b` as `a`, so uses must be rewritten together with the statement
    statements: list[tuple[ast.Import | ast.ImportFrom, ast.alias]] = field(default_factory=list)


class Imports:
    """All import edits of one file.  `names` maps (scope, local name) to the module it stands for."""

    def __init__(
        self,
        context: Context,
        sink: Sink,
        scopes: Scopes,
        here: ModuleName | None,
        there: ModuleName | None,
        offsets: Offsets,
    ) -> None:
        self.context, self.sink, self.scopes, self.at = context, sink, scopes, offsets
        self.layout, self.resolver = context.layout, context.resolver
        self.here, self.there = here, there
        self.survival = Survival(context, sink, scopes, here, offsets)
        self.names: dict[tuple[int, str], Binding] = {}
        self.kept: set[tuple[int, str]] = set()
        self.wanted: dict[int, tuple[Binding, list[str]]] = {}  # modules that a binding's statements must also import

    def scan(self) -> None:
        froms = Froms(self)
        for node, scope in self.scopes.imports:
            if isinstance(node, ast.Import):
                self._collect(node, scope)
            else:
                froms.scan(node, scope)
        uses = self._uses_by_binding()
        done: set[int] = set()
        for (scope_id, name), binding in self.names.items():
            if binding.plain:
                self._plain(scope_id, name, binding, uses.get((scope_id, name), []), done)
            else:
                self._chains(scope_id, name, binding, uses.get((scope_id, name), []))
        keep_loaded(self, uses)
        bound = {name for _, name in self.names}
        for use in self.scopes.uses:
            if len(use.attributes) > 1:  # the package and the submodule, at least
                self._through_another(use)
            if use.node.id in bound:
                self._by_string(use)

    # collecting

    def _collect(self, node: ast.Import, scope: Scope) -> None:
        for alias in node.names:
            self.sink.out.imports.add(alias.name)
            top = alias.name.split(".")[0]
            if alias.asname:
                new = self.new(alias.name)
                if new and hidden(self, node, alias):
                    continue
                if new:
                    start, end = self.at.dotted(alias)
                    self.sink.edit(start, end, new, stage=4, rule="import.alias", reason=f"{alias.name} moves to {new}")
                if new or self.reaches(alias.name):
                    self.bind(scope, alias.asname, alias.name, node, alias)
            elif self.reaches(top) or self.new(alias.name):
                key = (id(self._owner(scope, top)), top)
                if key not in self.names or not self.names[key].plain:  # an alias of this name is edited by itself
                    self.names[key] = Binding(top, True)
                self.names[key].statements.append((node, alias))

    def bind(self, scope: Scope, local: str, module: str, node: ast.Import | ast.ImportFrom, alias: ast.alias) -> None:
        """Remember that `local` stands for `module`; an `import a.b` of the same name is no such binding."""
        binding = self.names.setdefault((id(self._owner(scope, local)), local), Binding(module, False))
        if not binding.plain and binding.module == module:
            binding.statements.append((node, alias))

    def reaches(self, name: str) -> bool:
        """Whether attributes of the module `name` can lead to something that moves."""
        symbols = (entry.source for entry in self.layout.plan.symbols)
        return self.layout.mentions(name) or any(s.startswith(name + ".") for s in symbols)

    def _owner(self, scope: Scope, name: str) -> Scope:
        return self.scopes.module if name in scope.globals else scope

    def _uses_by_binding(self) -> dict[tuple[int, str], list[Use]]:
        wanted = {name for _, name in self.names}
        out: dict[tuple[int, str], list[Use]] = {}
        for use in self.scopes.uses:
            if use.node.id in wanted:
                owner = use.scope.owner(use.node.id)
                if owner is not None:
                    out.setdefault((id(owner), use.node.id), []).append(use)
        return out

    # import a.b

    def _plain(self, scope_id: int, name: str, binding: Binding, uses: list[Use], done: set[int]) -> None:
        scope = next(s for s in self.scopes.all if id(s) == scope_id)
        targets = [(node, alias, self.new(alias.name)) for node, alias in binding.statements]
        changed = [(use, *found) for use in uses if (found := self._prefix(binding.module, use)) is not None]
        tops = {new.split(".")[0] for _, _, new in targets if new} | {new.split(".")[0] for _, _, new in changed}
        if not tops:
            return
        moved = self.new(name)
        if moved and name not in tops and self.survival.same_leaf(name, moved, targets, changed):
            self.kept.add((scope_id, name))
            self.survival.keep(name, moved, targets, tops, scope, "its last part stays")
            return
        why = self.survival.reason(scope, name, tops, uses) if tops != {name} else ""
        if why and moved:
            self.kept.add((scope_id, name))
            self.survival.keep(name, moved, targets, tops, scope, why)
            return
        # A name that others only reach for stays bound by a plain import of what did not move.
        reached = bool(why) and not moved and why.endswith((OUTSIDE, EXPORTED))
        if why and not reached:
            for node, alias, new in targets:
                if new:
                    self._list_import(node, alias.name, new, why)
            if changed and not any(new for _, _, new in targets):
                self._list_import(binding.statements[0][0], name, changed[0][2], why)
            return
        provided = {name: False}
        for _, _, new in targets:
            if new:
                provided[new.split(".")[0]] = True
        still_bare = [u for u in uses if not any(u is c[0] for c in changed)]
        # `import a.b` also bound `a`; if `a` stays and is still used, something must go on importing it.
        rest_needed = not moved and (bool(still_bare) or reached) and not any(new is None for _, _, new in targets)
        imported = {new or alias.name for _, alias, new in targets}
        missing = sorted(
            {
                module
                for _, old, new in changed
                if (module := new if self.symbol(old) is None else new.rpartition(".")[0])
                and not any(i == module or i.startswith(module + ".") for i in imported)
                and (self.symbol(old) or not (provided.get(new.split(".")[0]) or new.split(".")[0] == name))
            }
        )
        extra = list(missing)
        for _, alias, new in targets:
            words = [new or alias.name]
            if rest_needed and new:
                package = staying(self, alias.name, still_bare)
                if new.split(".")[0] != name or (package != name and needs_loading(self, package)):
                    words.insert(0, package)
                rest_needed = new.split(".")[0] == name
            words += extra
            extra = []
            if words == [alias.name]:
                continue
            start, end = self.at.dotted(alias)
            self.sink.edit(
                start,
                end,
                ", ".join(words),
                stage=4,
                rule="import.module",
                reason=f"{alias.name} moves to {new}" if new else f"uses need {', '.join(missing)}",
            )
        for use, old, new in changed:
            self._edit_chain(use, old, new)

    # uses of a bound name

    def through(self, scope: Scope, use: Use) -> tuple[bool, tuple[str, str] | None]:
        """(whether `use`, seen from `scope`, goes through a known import; old and new text where it must change)"""
        owner = scope.owner(use.node.id)
        key = (id(owner), use.node.id)
        binding = self.names.get(key) if owner is not None else None
        if binding is None:
            return owner is not None, None
        found = self._prefix(binding.module, use)
        if found is None or key in self.kept:
            return True, None
        if binding.plain:
            return True, found
        if found[0] == binding.module:
            return True, None
        base = self.new(binding.module) or binding.module
        rest = found[0][len(binding.module) :]
        if found[1].startswith(base + "."):
            return True, (use.node.id + rest, use.node.id + found[1][len(base) :])
        assert owner is not None
        local = self._imported(owner, use.node.id, binding, found, [Use(use.node, use.attributes, scope)])
        return (True, (use.node.id + rest, local)) if local else (False, None)

    def unbound(self, outer: NamesInScope | None) -> None:
        """Names in a snippet that nothing there binds: those of the file around it, or written out in full."""
        for use in self.scopes.uses:
            name = use.node.id
            if not self.layout.mentions(name) or use.scope.owner(name) is not None:
                continue
            known, found = outer.through(outer.scopes.module, use) if outer else (False, None)
            if not known and use.attributes and self.resolver.resolve(f"{name}.{use.attributes[0].attr}").found:
                found = self._prefix(name, use)
            if found and not known and in_examples(name) in self.context.mentions:
                readings = (f"what the runner of the examples gives them as {name}", f"the module, now {found[1]}")
                self.sink.list(self.at.start(use.node), "name.given", found[0], readings)
            elif found:
                self._edit_chain(use, *found)

    def _prefix(self, module: str, use: Use) -> tuple[str, str] | None:
        """(old dotted prefix, its new name) that this use names through the binding to `module`; None if unmoved."""
        name = ".".join([module, *(a.attr for a in use.attributes)])
        symbol = self.symbol(name)
        if symbol:
            return symbol
        best: tuple[str, str] | None = None
        walked = module
        new = self.new(walked)
        if new:
            best = (walked, new)
        for attribute in use.attributes:
            if not (self.resolver.submodule(walked, attribute.attr)):
                break
            walked = f"{walked}.{attribute.attr}"
            new = self.new(walked)
            if new and (best is None or new != best[1] + walked[len(best[0]) :]):
                best = (walked, new)
        return best if best and best[0] != best[1] else None

    def symbol(self, name: str) -> tuple[str, str] | None:
        for entry in self.layout.plan.symbols:
            if name == entry.source or name.startswith(entry.source + "."):
                return entry.source, entry.target
        return None

    def _chains(self, scope_id: int, name: str, binding: Binding, uses: list[Use]) -> None:
        """Uses through an alias or a from-import: only what moves away from its parent has to change."""
        base = self.new(binding.module) or binding.module
        scope = next(s for s in self.scopes.all if id(s) == scope_id)
        for use in uses:
            found = self._prefix(binding.module, use)
            if found is None or found[0] == binding.module:
                continue
            old, new = found
            rest = old[len(binding.module) :]
            if new == base + rest:
                continue
            local = name + new[len(base) :] if new.startswith(base + ".") else ""
            local = local or self._imported(scope, name, binding, found, uses)
            if not local:
                self.sink.list(
                    self.at.start(use.node),
                    "name.elsewhere",
                    name + rest,
                    (f"{old}, now {new}",),
                    f"import {new} and use it here",
                    "error",
                )
                continue
            self._edit_chain(use, name + rest, local)

    def _imported(self, scope: Scope, name: str, binding: Binding, found: tuple[str, str], uses: list[Use]) -> str:
        """What to write for a use whose target left the package that `name` stands for; "" if nothing is sure.

        The statement that binds `name` imports the new place as well, so the order and laziness of imports stay.
        """
        if len(scope.bound.get(name, ())) != len(binding.statements) or scope.kind == "class":
            return ""
        old, new = found
        module = new if self.symbol(old) is None else new.rpartition(".")[0]
        top = module.split(".")[0]
        local = "_" + module.replace(".", "_") if self.survival.taken(top, scope, uses) or top == name else ""
        if local and any(s.bound.get(local) for s in self.scopes.all):
            return ""
        _, words = self.wanted.setdefault(id(binding), (binding, []))
        word = f"{module} as {local}" if local else module
        if word not in words:
            words.append(word)
        return (local or module) + new[len(module) :]

    def finish(self) -> None:
        """Write the added imports; called after every scanner had its chance to ask for one."""
        for binding, words in self.wanted.values():
            for node, alias in binding.statements:
                reason = f"names used through {binding.module} now live elsewhere"
                if isinstance(node, ast.Import):
                    place, text = self.at.end(alias), "".join(f", {w}" for w in words)
                else:
                    place, text = self.at.after(node, f"import {', '.join(words)}")
                self.sink.edit(place, place, text, stage=4, rule="import.added", reason=reason)

    def _through_another(self, use: Use) -> None:
        """`other.pkg.http.URL`: a submodule that moves away, reached through a module that holds its package."""
        owner = use.scope.owner(use.node.id)
        if owner is None or (id(owner), use.node.id) in self.names:
            return
        chain = "." + ".".join(a.attr for a in use.attributes) + "."
        for old, move in self.layout.old_names.items():
            along = self.new(old.rpartition(".")[0]) or old.rpartition(".")[0]
            if "." in old and f".{old}." in chain and move.target.rpartition(".")[0] != along:
                self.sink.list(
                    self.at.start(use.node),
                    "name.through",
                    f"{use.node.id}{chain[:-1]}",
                    (f"{old}, now {move.target}", "attributes that only have these names"),
                    f"if it is the module, import {move.target} and use that",
                )
                return

    def _by_string(self, use: Use) -> None:
        """`getattr(pkg, "http")`, `vars(pkg)["http"]`: a submodule that moves away, asked for in a string."""
        owner = use.scope.owner(use.node.id)
        binding = self.names.get((id(owner), use.node.id)) if owner is not None else None
        node: ast.expr = use.attributes[-1] if use.attributes else use.node
        whole = self.context.parents.get(node)
        names = [a.attr for a in use.attributes]
        if isinstance(whole, ast.Call) and whole.args == [node] and self.context.called(whole) == "vars":
            node, whole = whole, self.context.parents.get(whole)
        elif names[-1:] == ["__dict__"]:
            names.pop()
        elif not isinstance(whole, ast.Call):
            return
        match whole:
            case ast.Subscript(value=value, slice=ast.Constant(value=str(leaf))) if value is node:
                pass
            case ast.Call(args=[first, ast.Constant(value=str(leaf)), *_]) if first is node:
                pass
            case _:
                return
        package = ".".join([binding.module, *names]) if binding else ""
        if package and self.resolver.submodule(package, leaf):
            new, index = self.new(f"{package}.{leaf}"), self.resolver.index
            kept = index.binds(self.layout.current_module(package), leaf)
            patch = isinstance(whole, ast.Call) and self.context.called(whole) in PATCHES
            if new and new != f"{self.new(package) or package}.{leaf}" and (patch or not kept):
                start, end = self.at.span(whole)
                readings: tuple[str, ...] = (f"{package}.{leaf}, now {new}",)
                hint = f"import {new} and use it here"
                if kept:
                    readings = (f"{leaf} as {package} itself reads it", *readings)
                severity: Literal["error", "warning"] = "warning" if kept else "error"
                self.sink.list(start, "name.elsewhere", self.at.source[start:end], readings, hint, severity)

    def _edit_chain(self, use: Use, old: str, new: str) -> None:
        count = old.count(".")
        if use.fstring is not None:
            self.context.in_fstrings.append((use.fstring, old, new))
            return
        node: ast.expr = use.attributes[count - 1] if count else use.node
        self.sink.edit(
            self.at.start(use.node), self.at.end(node), new, stage=4, rule="name", reason=f"{old} moves to {new}"
        )

    def unresolved(self, node: ast.stmt) -> None:
        start, end = self.at.span(node)
        self.sink.list(
            start,
            "import.unresolved",
            self.at.source[start:end],
            ("an import of moving code", "an import of something else"),
            "the tool cannot tell what it names",
            "error",
        )

    def _list_import(self, node: ast.stmt, old: str, new: str, why: str) -> None:
        start, end = self.at.span(node)
        self.sink.list(
            start,
            "import.ambiguous",
            self.at.source[start:end],
            (f"{old}, now {new}",),
            f"{why}; rewrite it by hand",
            "error",
        )

    def new(self, name: str) -> str | None:
        new = self.layout.new_module(name)
        return new if new != name else None
