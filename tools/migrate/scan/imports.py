"""Import statements and the names they bind, in one parsed Python file.

For each statement: which module each of its names means (before the move), where that will be, and the smallest edit
that says so.  A plain `import a.b` binds `a`, so its uses are rewritten too; where the name itself must survive (it is
rebound, deleted, exported, or the new top-level name is taken) the new module is imported under the old local name.
A statement whose names end up in two modules is split; that alone is rebuilt with libcst.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..layout import ModuleName
from ..resolve import absolute
from ..rewrite import split_from_import
from ..tree import Lines
from .scopes import Scope, Scopes, Use
from .sink import Sink

if TYPE_CHECKING:
    from .python import Context

_FROM = re.compile(
    r"from(?:\s|\\\r?\n)*(?P<module>(?:\.|\w|\s|\\\r?\n)*?)(?=(?:\s|\\\r?\n|(?<=\.))import(?:\s|\(|\*|\\))", re.UNICODE
)


@dataclass(slots=True)
class Binding:
    """What one local name of one scope stands for: a module, by its name before the move."""

    module: str
    plain: bool  # bound by `import a.b` as `a`, so uses must be rewritten together with the statement
    statements: list[tuple[ast.Import, ast.alias]] = field(default_factory=list)


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
        self.names: dict[tuple[int, str], Binding] = {}
        self.kept: set[tuple[int, str]] = set()

    def scan(self) -> None:
        for node, scope in self.scopes.imports:
            if isinstance(node, ast.Import):
                self._collect(node, scope)
            else:
                self._from(node, scope)
        uses = self._uses_by_binding()
        done: set[int] = set()
        for (scope_id, name), binding in self.names.items():
            if binding.plain:
                self._plain(scope_id, name, binding, uses.get((scope_id, name), []), done)
            else:
                self._chains(binding, uses.get((scope_id, name), []))

    # collecting

    def _collect(self, node: ast.Import, scope: Scope) -> None:
        for alias in node.names:
            self.sink.out.imports.add(alias.name)
            top = alias.name.split(".")[0]
            if alias.asname:
                new = self._new(alias.name)
                if new:
                    start, end = self.at.dotted(alias)
                    self.sink.edit(start, end, new, stage=4, rule="import.alias", reason=f"{alias.name} moves to {new}")
                if new or self.layout.mentions(alias.name):
                    self.names[id(self._owner(scope, alias.asname)), alias.asname] = Binding(alias.name, False)
            elif self.layout.mentions(top) or self._new(alias.name):
                key = (id(self._owner(scope, top)), top)
                binding = self.names.setdefault(key, Binding(top, True))
                binding.statements.append((node, alias))

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
        targets = [(node, alias, self._new(alias.name)) for node, alias in binding.statements]
        changed = [(use, *found) for use in uses if (found := self._prefix(binding.module, use)) is not None]
        tops = {new.split(".")[0] for _, _, new in targets if new} | {new.split(".")[0] for _, _, new in changed}
        if not tops:
            return
        moved = self._new(name)
        if moved and name not in tops and self._same_leaf(name, moved, targets, changed):
            self.kept.add((scope_id, name))
            self._keep(name, moved, targets, tops, scope, "its last part stays")
            return
        why = self._must_keep(scope, name, tops, uses) if tops != {name} else ""
        if why and moved:
            self.kept.add((scope_id, name))
            self._keep(name, moved, targets, tops, scope, why)
            return
        if why:
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
        rest_needed = not moved and bool(still_bare) and not any(new is None for _, _, new in targets)
        missing = sorted(
            {new for _, _, new in changed if not provided.get(new.split(".")[0]) and new.split(".")[0] != name}
        )
        extra = list(missing)
        for _, alias, new in targets:
            words = [new or alias.name]
            if rest_needed and new and new.split(".")[0] != name:
                words.insert(0, name)
                rest_needed = False
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

    def _same_leaf(
        self, name: str, moved: str, targets: list[tuple[ast.Import, ast.alias, str | None]],
        changed: list[tuple[Use, str, str]],
    ) -> bool:  # fmt: skip
        """Whether `from new.parent import name` says it all, so that no use has to change."""
        if moved.rpartition(".")[2] != name or not any(alias.name == name for _, alias, _ in targets):
            return False
        follows = all(new == moved + alias.name[len(name) :] for _, alias, new in targets)
        return follows and all(new == moved + old[len(name) :] for _, old, new in changed)

    def _keep(
        self,
        name: str,
        moved: str,
        targets: list[tuple[ast.Import, ast.alias, str | None]],
        tops: set[str],
        scope: Scope,
        why: str,
    ) -> None:
        """Import the new module under the old local name; the uses stay as they are."""
        taken = any(scope.bound.get(top) for top in tops)
        parent, _, leaf = moved.rpartition(".")
        bound = False  # whether a plain import that always runs has bound the name already
        for node, alias, new in targets:
            if parent and leaf == name and alias.name == name and len(node.names) == 1:
                self.sink.edit(
                    *self.at.span(node), f"from {parent} import {name}", stage=4, rule="import.keep-name",
                    reason=f"{name} moves to {moved}; {why}",
                )  # fmt: skip
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

    def _must_keep(self, scope: Scope, name: str, tops: set[str], uses: list[Use]) -> str:
        """Why the local name has to survive; "" if it need not."""
        kinds = {kind for kind, _ in scope.bound.get(name, [])}
        if kinds - {"import"}:
            return f"the name {name} is also bound or deleted here"
        if scope.kind == "class":
            return f"{name} is an attribute of the class"
        if scope.kind == "module" and self.here and f"{self.here.name}.{name}" in self.context.mentions:
            return f"{name} is used from elsewhere as an attribute of this module"
        if scope.kind == "module" and name in self.context.exported:
            return f"{name} is in __all__"
        if self.context.calls & {"globals", "locals", "vars", "eval"} and name in self.context.string_values:
            return f"{name} is looked up by name"
        for top in tops - {name}:
            for place in [scope, *(u.scope for u in uses)]:
                owner = place.owner(top)
                if owner is None:
                    continue
                for kind, node in owner.bound.get(top, []):
                    same = (
                        kind == "import"
                        and isinstance(node, ast.Import)
                        and any(a.asname is None and a.name.split(".")[0] == top for a in node.names)
                    )
                    if not same:
                        return f"the name {top} means something else here"
        return ""

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
        base = self._new(binding.module) or binding.module
        if found[0] == binding.module or not found[1].startswith(base + "."):
            return True, None
        rest = found[0][len(binding.module) :]
        return True, (use.node.id + rest, use.node.id + found[1][len(base) :])

    def unbound(self, outer: Imports | None) -> None:
        """Names in a snippet that nothing there binds: those of the file around it, or written out in full."""
        for use in self.scopes.uses:
            name = use.node.id
            if not self.layout.mentions(name) or use.scope.owner(name) is not None:
                continue
            known, found = outer.through(outer.scopes.module, use) if outer else (False, None)
            if not known and use.attributes and self.resolver.resolve(f"{name}.{use.attributes[0].attr}").found:
                found = self._prefix(name, use)
            if found:
                self._edit_chain(use, *found)

    def _prefix(self, module: str, use: Use) -> tuple[str, str] | None:
        """(old dotted prefix, its new name) that this use names through the binding to `module`; None if unmoved."""
        name = ".".join([module, *(a.attr for a in use.attributes)])
        symbol = self._symbol(name)
        if symbol:
            return symbol
        best: tuple[str, str] | None = None
        walked = module
        new = self._new(walked)
        if new:
            best = (walked, new)
        for attribute in use.attributes:
            if not (self.resolver.submodule(walked, attribute.attr)):
                break
            walked = f"{walked}.{attribute.attr}"
            new = self._new(walked)
            if new and (best is None or new != best[1] + walked[len(best[0]) :]):
                best = (walked, new)
        return best if best and best[0] != best[1] else None

    def _symbol(self, name: str) -> tuple[str, str] | None:
        for entry in self.layout.plan.symbols:
            if name == entry.source or name.startswith(entry.source + "."):
                return entry.source, entry.target
        return None

    def _chains(self, binding: Binding, uses: list[Use]) -> None:
        """Uses through an alias or a from-import: only what moves away from its parent has to change."""
        base = self._new(binding.module) or binding.module
        for use in uses:
            found = self._prefix(binding.module, use)
            if found is None or found[0] == binding.module:
                continue
            old, new = found
            if new == base + old[len(binding.module) :]:
                continue
            count = old[len(binding.module) :].count(".")
            if use.fstring is not None or not new.startswith(base + "."):
                self.sink.list(
                    self.at.start(use.node),
                    "name.elsewhere",
                    f"{use.node.id}{old[len(binding.module) :]}",
                    (f"{old}, now {new}",),
                    f"import {new} and use it here",
                    "error",
                )
                continue
            start = self.at.end(use.node)
            end = self.at.end(use.attributes[count - 1])
            self.sink.edit(start, end, new[len(base) :], stage=4, rule="name.chain", reason=f"{old} moves to {new}")

    def _edit_chain(self, use: Use, old: str, new: str) -> None:
        count = old.count(".")
        if use.fstring is not None:
            self.context.in_fstrings.append((use.fstring, old, new))
            return
        node: ast.expr = use.attributes[count - 1] if count else use.node
        self.sink.edit(
            self.at.start(use.node), self.at.end(node), new, stage=4, rule="name", reason=f"{old} moves to {new}"
        )

    # from a import b

    def _from(self, node: ast.ImportFrom, scope: Scope) -> None:
        base = absolute(node.module, node.level, self.here.package if self.here else "")
        if not base:
            if node.level and self.context.matters(node):
                self._unresolved(node)
            return
        groups: list[tuple[str, list[tuple[ast.alias, str]]]] = []
        touched = bool(node.level) and self.here != self.there
        for alias in node.names:
            old = f"{base}.{alias.name}"
            self.sink.out.imports.add(old if alias.name != "*" and self.resolver.submodule(base, alias.name) else base)
            symbol = self._symbol(old) if alias.name != "*" else None
            new_base, leaf = self._new(base) or base, alias.name
            if symbol and symbol[0] == old:
                new_base, _, leaf = symbol[1].rpartition(".")
            elif alias.name != "*" and self.resolver.submodule(base, alias.name):
                new = self._new(old)
                if new:
                    new_base, _, leaf = new.rpartition(".")
                    new_base = new_base or new
                if new or self.layout.mentions(old):
                    local = alias.asname or alias.name
                    self.names[id(self._owner(scope, local)), local] = Binding(old, False)
            touched = touched or new_base != base or leaf != alias.name
            if groups and groups[-1][0] == new_base:
                groups[-1][1].append((alias, leaf))
            elif (earlier := next((g for g in groups if g[0] == new_base), None)) is not None:
                earlier[1].append((alias, leaf))
            else:
                groups.append((new_base, [(alias, leaf)]))
        if not touched:
            return
        if len(groups) > 1:
            self._split(node, groups)
            return
        new_base, members = groups[0]
        stage, written = self._written(node, base, new_base, members)
        start, _ = self.at.span(node)
        match = _FROM.match(self.at.source, start)
        if match is None:
            self._unresolved(node)
            return
        self.sink.edit(
            *match.span("module"),
            written + _padding(match["module"]),
            stage=stage,
            rule="import.from",
            reason=f"{base} moves to {new_base}" if new_base != base else "this file moves away from it",
        )
        for alias, leaf in members:
            if leaf != alias.name:
                begin, finish = self.at.dotted(alias)
                text = leaf if alias.asname else f"{leaf} as {alias.name}"
                self.sink.edit(
                    begin, finish, text, stage=stage, rule="import.name", reason=f"{base}.{alias.name} is now {leaf}"
                )

    def _written(
        self, node: ast.ImportFrom, base: str, new_base: str, members: list[tuple[ast.alias, str]]
    ) -> tuple[int, str]:
        """(stage, text between `from` and `import`): relative if it was, and unchanged where it still is right."""
        old = "." * node.level + (node.module or "")
        if not node.level:
            return 4, new_base
        package = self.there.package if self.there else ""
        unedited = absolute(node.module, node.level, package)
        if unedited == new_base:
            same = unedited == base or all(leaf == alias.name for alias, leaf in members)
            return (4 if same else 3), old
        # The unedited text goes on working until stage 4 if it leads to a shim, or to the old place of one name.
        # A module that is not beside the others any more is not found there.
        gone = unedited != base and any(self.resolver.submodule(base, alias.name) for alias, _ in members)
        later = unedited == (self._new(base) or base) or (unedited == base and self._new(base) is not None)
        return (4 if later and not gone else 3), self._relative(package, new_base)

    def _relative(self, package: str, target: str) -> str:
        """Relative only inside one regular package; across a namespace it depends on how the file was imported."""
        written = relative_module(package, target)
        shared = package.split(".")[: len(package.split(".")) + 1 - (len(written) - len(written.lstrip(".")))]
        common = ".".join(shared)
        regular = any(common == m.target or common.startswith(m.target + ".") for m in self.layout.moves)
        regular = regular or self.resolver.index.files.get(common, "").endswith("__init__.py")
        return written if regular else target

    def _split(self, node: ast.ImportFrom, groups: list[tuple[str, list[tuple[ast.alias, str]]]]) -> None:
        base = absolute(node.module, node.level, self.here.package if self.here else "")
        parts = []
        stages = set()
        for new_base, members in groups:
            stage, written = self._written(node, base, new_base, members)
            moved_base = self._new(base) or base
            if (
                node.level
                and stage == 4
                and written == "." * node.level + (node.module or "")
                and new_base != moved_base
            ):
                written = self._relative(self.there.package if self.there else "", new_base)
            stages.add(stage)
            parts.append((written, [(a.name, leaf, a.asname) for a, leaf in members]))
        start, end = self.at.span(node)
        new = split_from_import(self.at.source, start, end, parts)
        if new is None:
            self._unresolved(node)
            return
        self.sink.edit(
            start,
            end,
            new,
            stage=min(stages),
            rule="import.split",
            reason="its names now live in " + " and ".join(g[0] for g in groups),
        )

    def _unresolved(self, node: ast.stmt) -> None:
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

    def _new(self, name: str) -> str | None:
        new = self.layout.new_module(name)
        return new if new != name else None


def relative_module(package: str, target: str) -> str:
    """`target` as written after `from` in a module of `package`; absolute where they share no top-level package."""
    here, there = package.split("."), target.split(".")
    common = 0
    while common < min(len(here), len(there)) and here[common] == there[common]:
        common += 1
    if not package or not common:
        return target
    return "." * (len(here) - common + 1) + ".".join(there[common:])


def _padding(module: str) -> str:
    """White space or a continuation that the pattern took along with the module's name."""
    return module[len(module.rstrip(" \t\\\r\n\f")) :]


class Offsets:
    """Character offsets of AST nodes in the scanned source."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines = Lines(source)

    def start(self, node: ast.expr | ast.stmt | ast.alias) -> int:
        return self.lines.offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt | ast.alias) -> int:
        return self.lines.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def span(self, node: ast.expr | ast.stmt | ast.alias) -> tuple[int, int]:
        return self.start(node), self.end(node)

    def dotted(self, alias: ast.alias) -> tuple[int, int]:
        """The span of the dotted name in `a.b as c`."""
        start = self.start(alias)
        if not alias.asname:
            return start, self.end(alias)
        pattern = r"(?:\s|\\\r?\n)*\.(?:\s|\\\r?\n)*".join(re.escape(p) for p in alias.name.split("."))
        match = re.compile(pattern).match(self.source, start)
        return start, match.end() if match else start + len(alias.name)
