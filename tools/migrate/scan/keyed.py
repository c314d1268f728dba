"""Registers whose keys code makes of its own name: `REG[f"{c.__module__}.{c.__name__}"] = c`, `REG[__name__] = x`.

Such a key is another one as soon as the file has moved, and no shim can keep the old one.  So a text that asks for it,
in whichever file, changes with the move and not with the imports.  `keyed` finds the registers of one file, and the
functions that hand on their parameter as a key; `asks` tells whether a text is such a question.
"""

from __future__ import annotations

import ast
from collections.abc import Container, Iterable, Mapping

from ..syntax import flatten
from .flows import last_name

_ASKING = ("get", "pop", "setdefault", "__getitem__", "index", "count")
_ROUNDS = 3  # from a function that makes a key to the variable that holds it, and on
_SIGNS = (b"__module__", b"[__name__", b"setdefault(__name__")


def noted(name: str) -> str:
    """How it is noted that a register or a function takes the names of modules: no module has such a name."""
    return f"[{name}]"


def may_be_keyed(data: bytes) -> bool:
    """Whether it is worth parsing a file for that."""
    return any(sign in data for sign in _SIGNS)


def keyed(tree: ast.Module, *, moves: bool) -> set[str]:
    """Names of the registers that a file fills in this way, and of the functions that look into them.

    Its own `__name__` matters in a file that moves, the `__module__` of what it is given in each.
    """
    nodes, parents = flatten(tree)
    kinds: dict[type[ast.AST], list[ast.AST]] = {ast.Name: [], ast.Attribute: [], ast.Call: [], ast.Subscript: []}
    for node in nodes:
        if node.__class__ in kinds:
            kinds[node.__class__].append(node)
    own = [n for n in kinds[ast.Attribute] if isinstance(n, ast.Attribute) and n.attr == "__module__"]
    found = _Found(parents)
    found.climb([*own, *(n for n in kinds[ast.Name] if moves and _is(n, {"__name__"}))])
    for _ in range(_ROUNDS if found.names or found.makers else 0):
        names, makers = set(found.names), set(found.makers)
        found.climb(n for n in kinds[ast.Name] if _is(n, names) and isinstance(getattr(n, "ctx", None), ast.Load))
        found.climb(n for n in kinds[ast.Call] if isinstance(n, ast.Call) and last_name(n.func) in makers)
        if (names, makers) == (found.names, found.makers):
            break
    out = found.registers - {""}
    for node in (*kinds[ast.Subscript], *kinds[ast.Call]) if out else ():
        name, register = _looked_up(node)
        function = found.function(node) if name and register in found.registers else None
        if function is not None and name in {a.arg for a in ast.walk(function.args) if isinstance(a, ast.arg)}:
            out.add(f"{function.name}()")
    return out


class _Found:
    """What expressions over the name of a module end up in."""

    def __init__(self, parents: Mapping[ast.AST, ast.AST]) -> None:
        self.parents = parents
        self.registers: set[str] = set()
        self.names: set[str] = set()  # variables that hold such a text
        self.makers: set[str] = set()  # functions that return one

    def climb(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self._climb(node)

    def _climb(self, node: ast.AST) -> None:
        child, parent, key = node, self.parents.get(node), False
        while parent is not None:
            match parent:
                case ast.Subscript(value=register, slice=inner, ctx=ast.Store()) if inner is child:
                    self.registers.add(last_name(register))
                    return
                case ast.Call(func=ast.Attribute(attr="setdefault", value=register), args=[first, *_]) if (
                    first is child
                ):
                    self.registers.add(last_name(register))
                    return
                case ast.Dict(keys=keys):
                    key = key or child in keys
                case ast.DictComp(key=inner):
                    key = key or inner is child
                case ast.Assign(targets=[target, *_]) | ast.AnnAssign(target=target) if target is not child:
                    (self.registers if key else self.names).add(last_name(target))
                    return
                case ast.Return():
                    if (function := self.function(parent)) is not None:
                        self.makers.add(function.name)
                    return
                case ast.stmt():
                    return
            child, parent = parent, self.parents.get(parent)

    def function(self, node: ast.AST) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """The function that holds a node."""
        above: ast.AST | None = node
        while above is not None and not isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef):
            above = self.parents.get(above)
        return above


def asks(node: ast.AST, parent: ast.AST | None, mentions: Container[str]) -> bool:
    """Whether a text is a key of such a register, or is given to a function that looks into one."""
    match parent:
        case ast.Subscript(value=register, slice=key) if key is node:
            return noted(last_name(register)) in mentions
        case ast.Call(func=ast.Attribute(attr=method, value=register), args=[first, *_]) if (
            first is node and method in _ASKING
        ):
            return noted(last_name(register)) in mentions
        case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()], comparators=[register]) if left is node:
            return noted(last_name(register)) in mentions
        case ast.Call(func=func, args=args) if node in args:
            return noted(f"{last_name(func)}()") in mentions
    return False


def _is(node: ast.AST, names: Container[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in names


def _looked_up(node: ast.AST) -> tuple[str, str]:
    """The variable that is looked up here, and in which register."""
    match node:
        case ast.Subscript(value=register, slice=ast.Name(id=name)):
            return name, last_name(register)
        case ast.Call(func=ast.Attribute(attr=method, value=register), args=[ast.Name(id=name), *_]) if (
            method in _ASKING
        ):
            return name, last_name(register)
    return "", ""
