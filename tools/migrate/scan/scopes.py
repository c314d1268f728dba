"""Which binding a name refers to: Python's scoping rules over one parsed module.

Knows nothing of moves.  `analyse` walks the tree once and returns every scope with what it binds, and every use of a
name together with the attributes read from it (`a.b.c` is one use of `a` with the attributes b and c).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..syntax import CHILD_FIELDS

ScopeKind = Literal["module", "class", "function", "comprehension"]
BindKind = Literal["import", "other", "delete"]


@dataclass(eq=False, slots=True)
class Scope:
    kind: ScopeKind
    parent: Scope | None
    bound: dict[str, list[tuple[BindKind, ast.AST]]] = field(default_factory=dict)
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)

    def bind(self, name: str, kind: BindKind, node: ast.AST) -> None:
        self.bound.setdefault(name, []).append((kind, node))

    def owner(self, name: str) -> Scope | None:
        """The scope whose binding of `name` is seen from here; None for a builtin or an unknown name."""
        scope: Scope | None = self
        first = True
        while scope is not None:
            if name in scope.globals:
                while scope.parent is not None:
                    scope = scope.parent
                return scope
            if (scope.kind != "class" or first) and name in scope.bound and name not in scope.nonlocals:
                return scope
            first, scope = False, scope.parent
        return None


@dataclass(frozen=True, slots=True)
class Use:
    """A name that is read, stored to or deleted through, with the chain of attributes read from it, innermost first."""

    node: ast.Name
    attributes: tuple[ast.Attribute, ...]
    scope: Scope
    fstring: ast.JoinedStr | None = None


@dataclass(slots=True)
class Scopes:
    module: Scope
    all: list[Scope]
    uses: list[Use]
    imports: list[tuple[ast.Import | ast.ImportFrom, Scope]]
    annotations: list[tuple[ast.Constant, Scope]]  # strings in the place of an annotation
    strings: list[tuple[ast.Constant, Scope]]
    fstrings: list[ast.JoinedStr]  # outermost ones; positions inside them are not to be trusted before Python 3.12


def analyse(tree: ast.Module) -> Scopes:
    walker = _Walker()
    for node in tree.body:
        walker.visit(node)
    return walker.out


class _Walker:
    """As `ast.NodeVisitor`, at half its price: methods and fields of a class of nodes are looked up once."""

    def __init__(self) -> None:
        module = Scope("module", None)
        self.scope = module
        self.out = Scopes(module, [module], [], [], [], [], [])
        self.in_annotation = False
        self.fstring: ast.JoinedStr | None = None

    def visit(self, node: ast.AST) -> None:
        _METHODS[node.__class__](self, node)

    def generic_visit(self, node: ast.AST) -> None:
        for name in CHILD_FIELDS[node.__class__]:
            value = getattr(node, name, None)
            if type(value) is list:
                for item in value:
                    if isinstance(item, ast.AST):
                        self.visit(item)
            elif isinstance(value, ast.AST):
                self.visit(value)

    # scopes

    def enter(self, kind: ScopeKind) -> Scope:
        outer, self.scope = self.scope, Scope(kind, self.scope)
        self.out.all.append(self.scope)
        return outer

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.scope.bind(node.name, "other", node)
        self._visit_all(node.decorator_list)
        self._arguments_outside(node.args)
        outer = self.enter("function")
        self._type_params(node)
        # Annotations see the enclosing names and the type parameters, and no parameter.
        for argument in _all_arguments(node.args):
            if argument.annotation:
                self._annotation(argument.annotation)
        if node.returns:
            self._annotation(node.returns)
        inner = self.enter("function")
        for argument in _all_arguments(node.args):
            self.scope.bind(argument.arg, "other", argument)
        self._visit_all(node.body)
        self.scope = inner
        self.scope = outer

    visit_FunctionDef = _function
    visit_AsyncFunctionDef = _function

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._arguments_outside(node.args)
        outer = self.enter("function")
        for argument in _all_arguments(node.args):
            self.scope.bind(argument.arg, "other", argument)
        self.visit(node.body)
        self.scope = outer

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.scope.bind(node.name, "other", node)
        self._visit_all(node.decorator_list)
        outer = self.scope
        if getattr(node, "type_params", []):
            self.enter("function")
            self._type_params(node)
        self._visit_all(node.bases)
        self._visit_all(node.keywords)
        self.enter("class")
        self._visit_all(node.body)
        self.scope = outer

    def visit_TypeAlias(self, node: ast.AST) -> None:
        self.visit(node.name)  # type: ignore[attr-defined]
        outer = self.enter("function")
        self._type_params(node)
        self._annotation(node.value)  # type: ignore[attr-defined]
        self.scope = outer

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        self.visit(node.generators[0].iter)
        outer = self.enter("comprehension")
        for number, generator in enumerate(node.generators):
            if number:
                self.visit(generator.iter)
            self.visit(generator.target)
            self._visit_all(generator.ifs)
        if isinstance(node, ast.DictComp):
            self.visit(node.key)
            self.visit(node.value)
        else:
            self.visit(node.elt)
        self.scope = outer

    visit_ListComp = _comprehension
    visit_SetComp = _comprehension
    visit_GeneratorExp = _comprehension
    visit_DictComp = _comprehension

    # bindings

    def visit_Import(self, node: ast.Import) -> None:
        self.out.imports.append((node, self.scope))
        for alias in node.names:
            self._bind_in(self.scope, alias.asname or alias.name.split(".")[0], "import", node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.out.imports.append((node, self.scope))
        for alias in node.names:
            self._bind_in(self.scope, alias.asname or alias.name, "import", node)

    def visit_Global(self, node: ast.Global) -> None:
        self.scope.globals.update(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.scope.nonlocals.update(node.names)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        scope = self.scope
        while scope.kind == "comprehension" and scope.parent is not None:
            scope = scope.parent
        self._bind_in(scope, node.target.id, "other", node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self._bind_in(self.scope, node.name, "other", node)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        if node.name:
            self._bind_in(self.scope, node.name, "other", node)
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name:
            self._bind_in(self.scope, node.name, "other", node)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self._bind_in(self.scope, node.rest, "other", node)
        self.generic_visit(node)

    # uses

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.out.uses.append(Use(node, (), self.scope, self.fstring))
        else:
            self._bind_in(self.scope, node.id, "delete" if isinstance(node.ctx, ast.Del) else "other", node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        chain: list[ast.Attribute] = []
        value: ast.expr = node
        while isinstance(value, ast.Attribute):
            chain.append(value)
            value = value.value
        if isinstance(value, ast.Name):
            self.out.uses.append(Use(value, tuple(reversed(chain)), self.scope, self.fstring))
        else:
            self.visit(value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.target)
        self._annotation(node.annotation)
        if node.value:
            self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        self.visit(node.func)
        places = _TYPED_ARGUMENTS.get(called, ())
        for number, argument in enumerate(node.args):
            if number in places:
                self._annotation(argument)
            elif number == 1 and called in _TYPED_FIELDS:
                self._fields(argument)
            else:
                self.visit(argument)
        for keyword in node.keywords:
            if keyword.arg == "bound" and called == "TypeVar":
                self._annotation(keyword.value)
            else:
                self.visit(keyword.value)

    def _fields(self, node: ast.expr) -> None:
        """The fields of a class that a call makes: `[("name", type)]`, `{"name": type}`."""
        match node:
            case ast.Dict(keys=keys, values=values):
                self._visit_all([k for k in keys if k is not None])
                for value in values:
                    self._annotation(value)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                for item in items:
                    if isinstance(item, ast.Tuple) and len(item.elts) > 1:
                        self.visit(item.elts[0])
                        self._annotation(item.elts[1])
                        self._visit_all(item.elts[2:])
                    else:
                        self.visit(item)
            case _:
                self.visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        head = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
        self.visit(node.value)
        if self.in_annotation and head == "Literal":
            outer, self.in_annotation = self.in_annotation, False
            self.visit(node.slice)
            self.in_annotation = outer
        elif head == "Annotated" and isinstance(node.slice, ast.Tuple):
            self._annotation(node.slice.elts[0])
            kept: bool = self.in_annotation
            self.in_annotation = False  # what follows the type are values
            self._visit_all(node.slice.elts[1:])
            self.in_annotation = kept
        elif head in ("Optional", "Union", "ClassVar", "Final", "Callable"):
            self._annotation(node.slice)
        else:
            self.visit(node.slice)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        outer = self.fstring
        if outer is None:
            self.fstring = node
            self.out.fstrings.append(node)
        self.generic_visit(node)
        self.fstring = outer

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and self.fstring is None:
            (self.out.annotations if self.in_annotation else self.out.strings).append((node, self.scope))

    # helpers

    def _bind_in(self, scope: Scope, name: str, kind: BindKind, node: ast.AST) -> None:
        if name in scope.globals:
            self.out.module.bind(name, kind, node)
        elif name in scope.nonlocals:
            outer = scope.parent
            while outer is not None and not (outer.kind == "function" and name in outer.bound):
                outer = outer.parent
            (outer or scope).bind(name, kind, node)
        else:
            scope.bind(name, kind, node)

    def _annotation(self, node: ast.expr) -> None:
        outer, self.in_annotation = self.in_annotation, True
        self.visit(node)
        self.in_annotation = outer

    def _arguments_outside(self, arguments: ast.arguments) -> None:
        self._visit_all([*arguments.defaults, *(d for d in arguments.kw_defaults if d is not None)])

    def _type_params(self, node: ast.AST) -> None:
        for parameter in getattr(node, "type_params", []):
            self.scope.bind(parameter.name, "other", parameter)
            for value in (getattr(parameter, "bound", None), getattr(parameter, "default_value", None)):
                if value is not None:
                    self._annotation(value)

    def _visit_all(self, nodes: Sequence[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)


def _all_arguments(arguments: ast.arguments) -> list[ast.arg]:
    extra = [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *extra]


# Arguments of calls that are types, by their number.
_TYPED_ARGUMENTS: dict[str, Sequence[int]] = {
    "cast": (0,), "ForwardRef": (0,), "assert_type": (1,), "NewType": (0, 1), "TypeAliasType": (1,),
    "TypeVar": range(99),
}  # fmt: skip
_TYPED_FIELDS = frozenset(("NamedTuple", "TypedDict", "make_dataclass"))


class _Methods(dict[type[ast.AST], Callable[[_Walker, Any], None]]):
    def __missing__(self, kind: type[ast.AST]) -> Callable[[_Walker, Any], None]:
        method: Callable[[_Walker, Any], None] = getattr(_Walker, f"visit_{kind.__name__}", _Walker.generic_visit)
        self[kind] = method
        return method


_METHODS = _Methods()
