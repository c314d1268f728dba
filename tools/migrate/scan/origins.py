"""Where paths in Python code start: `__file__` of this file or of a module, and what a name was assigned before.

`Origins` knows the expressions that are the file or the folder of a module of the tree: `pkg.__file__`,
`pkg.__path__[0]`, `inspect.getfile(pkg)`, `importlib.resources.files("pkg")`, `find_spec("pkg").origin`, whatever name
the module goes by in this file.  `Assigned` knows what stands behind a name, seen from where it is read.  Neither
knows what moves.
"""

from __future__ import annotations

import ast
import posixpath
import re
from functools import cached_property

from ..layout import ModuleName
from ..resolve import absolute
from .context import Context
from .flows import is_sys_modules
from .scopes import Scopes, Use

_SIGN = re.compile(r"\.__file__|\b__path__|__spec__|find_spec|get\w*file\b|\bfiles\b|resource_filename|[\"']__file__")
_FILE_OF = ("getfile", "getsourcefile", "getabsfile")
_LOOPS = (ast.For, ast.While, ast.AsyncFor)
_BODIES = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Assigned:
    def __init__(self, context: Context, scopes: Scopes) -> None:
        self.context, self.scopes = context, scopes

    @cached_property
    def _uses(self) -> dict[int, Use]:
        return {id(use.node): use for use in self.scopes.uses}

    @cached_property
    def _attributes(self) -> dict[str, list[ast.expr | None]]:
        """What `self.name` and names of classes are assigned anywhere in the file."""
        found: dict[str, list[ast.expr | None]] = {}
        for node in self.context.of(ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Attribute):
                    found.setdefault(target.attr, []).append(node.value)
        for scope in self.scopes.all:
            for name, bindings in scope.bound.items() if scope.kind == "class" else ():
                found.setdefault(name, []).extend(self._value(node) for _, node in bindings)
        return found

    @cached_property
    def _returned(self) -> dict[str, list[ast.expr | None]]:
        """What functions without a parameter return."""
        found: dict[str, list[ast.expr | None]] = {}
        for function in self.context.of(ast.FunctionDef):
            given = [n.value for n in ast.walk(function) if isinstance(n, ast.Return)]
            takes = function.args.args or function.args.kwonlyargs or function.args.vararg or function.args.kwarg
            found.setdefault(function.name, []).extend([None] if takes or not given else given)
        return found

    def behind(self, node: ast.expr) -> list[ast.expr]:
        """What a name, `self.name` or a call of a function of this file can stand for; [] if that is not known."""
        values: list[ast.expr | None] = []
        match node:
            case ast.Name():
                values = self._behind_name(node)
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
                values = self._attributes.get(name, [])
            case ast.Call(func=ast.Name(id=name), args=[], keywords=[]):
                values = self._returned.get(name, [])
        return [] if None in values else [v for v in values if v is not None]

    def imported(self, node: ast.Name) -> int | None:
        """Id of the scope that binds a name by import statements alone."""
        use = self._uses.get(id(node))
        owner = use.scope.owner(node.id) if use else None
        if owner is None or any(kind != "import" for kind, _ in owner.bound.get(node.id, ())):
            return None
        return id(owner)

    def _behind_name(self, node: ast.Name) -> list[ast.expr | None]:
        use = self._uses.get(id(node))
        owner = use.scope.owner(node.id) if use else None
        if use is None or owner is None:
            return []
        bindings = [(binding, self._value(binding)) for _, binding in owner.bound.get(node.id, ())]
        if len(bindings) == 1:
            return [bindings[0][1]]
        if any(self._in_loop(binding) for binding, _ in bindings):
            return []  # a search, such as for the folder that holds pyproject.toml
        if not all(isinstance(self.context.parents.get(self._statement(b)), _BODIES) for b, _ in bindings):
            return [value for _, value in bindings]
        if use.scope is not owner:
            return [bindings[-1][1]]
        before = [v for b, v in bindings if _end(self._statement(b)) < (node.lineno, node.col_offset)]
        return before[-1:]

    def _value(self, binding: ast.AST) -> ast.expr | None:
        """What the name is assigned by the node that binds it; None for parameters, loops, parts of tuples."""
        parent = binding if isinstance(binding, ast.NamedExpr) else self.context.parents.get(binding)
        return parent.value if isinstance(parent, ast.Assign | ast.AnnAssign | ast.NamedExpr) else None

    def _statement(self, node: ast.AST) -> ast.AST:
        while not isinstance(node, ast.stmt) and node in self.context.parents:
            node = self.context.parents[node]
        return node

    def _in_loop(self, node: ast.AST) -> bool:
        while (outer := self.context.parents.get(node)) is not None and not isinstance(outer, _BODIES):
            if isinstance(outer, _LOOPS):
                return True
            node = outer
        return False


class Origins:
    """`found`: id of an expression -> path of the module's file or folder, as it is in this tree, and its module.

    Values of `late` expressions change when the names in them do, not with the files.
    """

    def __init__(
        self, context: Context, scopes: Scopes, assigned: Assigned, source: str, path: str, here: ModuleName | None
    ) -> None:
        self.context, self.assigned = context, assigned
        self.layout, self.resolver = context.layout, context.resolver
        self.found: dict[int, tuple[ast.expr, str, str]] = {}
        self.late: set[int] = set()
        self._path, self._here = path, here
        self._names: dict[tuple[int, str], str] = {}
        self._members: dict[tuple[int, str], tuple[str, str]] = {}
        self._scopes: Scopes | None = scopes
        if not _SIGN.search(source):
            return
        for attribute in context.of(ast.Attribute):
            self._attribute(attribute)
        for call in context.of(ast.Call):
            self._call(call)

    def module(self, node: ast.expr) -> str:
        """The module that an expression is, by its name in this file; "" if it is none of the tree."""
        if self._scopes is not None:
            self._collect(self._scopes)
            self._scopes = None
        return self._module(node)

    def _collect(self, scopes: Scopes) -> None:
        for node, scope in scopes.imports:
            owner = id(scopes.module) if any(a.name in scope.globals for a in node.names) else id(scope)
            for alias in node.names:
                if isinstance(node, ast.Import):
                    top = alias.name.split(".")[0]
                    self._names[owner, alias.asname or top] = alias.name if alias.asname else top
                    continue
                base = absolute(node.module, node.level, self._here.package if self._here else "")
                local = alias.asname or alias.name
                if base and self.resolver.submodule(base, alias.name):
                    self._names[owner, local] = f"{base}.{alias.name}"
                elif base:
                    self._members[owner, local] = base, alias.name

    def _module(self, node: ast.expr, depth: int = 0) -> str:
        match node:
            case ast.Name(id=name):
                owner = self.assigned.imported(node)
                if owner is not None:
                    return self._names.get((owner, name), "")
                values = self.assigned.behind(node) if depth < 4 else []
                return self._module(values[0], depth + 1) if len(values) == 1 else ""
            case ast.Attribute(value=inner, attr=leaf):
                package = self._module(inner, depth)
                return f"{package}.{leaf}" if package and self.resolver.submodule(package, leaf) else ""
            case ast.Call(args=[ast.Constant(value=str(name))]):
                return {"import_module": name, "__import__": name.split(".")[0]}.get(self.context.called(node), "")
            case ast.Subscript(value=value, slice=key) if is_sys_modules(value):
                return self._named(key)
        return ""

    def _named(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=str(name)):
                return name
            case ast.Name(id="__name__") if self._here:
                return self._here.name
            case ast.Name(id="__package__") if self._here:
                return self._here.package
            case ast.Attribute(value=inner, attr="__name__" | "__package__"):
                return self.module(inner)
        return self.module(node)

    def _attribute(self, node: ast.Attribute) -> None:
        match node:
            case ast.Attribute(value=ast.Name(id="__spec__"), attr="origin") if self._path:
                self.found[id(node)] = node, self._path, ""
            case ast.Attribute(value=ast.Attribute(value=inner, attr="__spec__"), attr="origin"):
                self._note(node, self.module(inner))
            case ast.Attribute(value=ast.Call() as call, attr="origin"):
                self._spec(node, call)
            case ast.Attribute(value=ast.Name() as spec, attr="origin"):
                for value in self.assigned.behind(spec):
                    self._spec(node, value)
            case ast.Attribute(value=inner, attr="__file__"):
                self._note(node, self.module(inner))
            case ast.Attribute(value=inner, attr="__path__"):
                outer = self.context.parents.get(node)
                if isinstance(outer, ast.Subscript) and isinstance(outer.slice, ast.Constant):
                    self._note(outer, self.module(inner), folder=True)

    def _spec(self, node: ast.Attribute, value: ast.expr) -> None:
        """`node` reads from `value`, which may be what `find_spec` gives."""
        if isinstance(value, ast.Call) and self.context.called(value) == "find_spec" and len(value.args) == 1:
            self._note(node, self._named(value.args[0]), late=True)

    def _call(self, node: ast.Call) -> None:
        name = self.context.called(node)
        match node.args:
            case [argument] if name in _FILE_OF:
                self._note(node, self.module(argument) or self._home(argument))
            case [argument] if name == "files":
                self._note(node, self._named(argument), folder=True)
            case [inner, ast.Constant(value="__file__"), *_] if name == "getattr":
                self._note(node, self.module(inner))

    def _home(self, node: ast.expr) -> str:
        """The module that defines what a name was imported as."""
        owner = self.assigned.imported(node) if isinstance(node, ast.Name) else None
        if owner is None or not isinstance(node, ast.Name):
            return ""
        module, member = self._members.get((owner, node.id), ("", ""))
        names = self.resolver.index.names(self.layout.current_module(module)).names if module else {}
        return module if member in names and names[member] is None else ""

    def _note(self, node: ast.expr, module: str, *, folder: bool = False, late: bool = False) -> None:
        path = self.resolver.index.files.get(self.layout.current_module(module), "") if module else ""
        if path.endswith(".py"):
            self.found[id(node)] = node, posixpath.dirname(path) or "." if folder else path, module
            if late and self.layout.new_module(module) is not None:  # else the name goes on leading to the file
                self.late.add(id(node))


def _end(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "end_lineno", 0) or 0, getattr(node, "end_col_offset", 0) or 0
