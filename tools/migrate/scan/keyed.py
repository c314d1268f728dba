"""Registers whose keys code makes of its own name: `REG[f"{c.__module__}.{c.__name__}"] = c`, `REG[__name__] = x`.

Such a key is another one as soon as the file has moved, and no shim can keep the old one.  So a text that asks for it,
in whichever file, changes with the move and not with the imports.  `keyed` finds the registers of one file, and the
functions that hand on their parameter as a key; `asks` tells whether a text is such a question.
"""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator

from .flows import last_name

_ASKING = ("get", "pop", "setdefault", "__getitem__", "index", "count")
_SIGNS = (b"__module__", b"[__name__", b"setdefault(__name__")


def noted(name: str) -> str:
    """How it is noted that a register or a function takes the names of modules: no module has such a name."""
    return f"[{name}]"


def may_be_keyed(data: bytes) -> bool:
    """Whether it is worth parsing a file for that."""
    return any(sign in data for sign in _SIGNS)


def keyed(tree: ast.Module, *, moves: bool) -> Iterator[str]:
    """Names of the registers that a file fills in this way, and of the functions that look into them.

    Its own `__name__` matters in a file that moves, the `__module__` of what it is given in each.
    """
    own = "__name__" if moves else ""
    makers: set[str] = set()
    names: set[str] = set()
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    for function in functions:
        returned = [n.value for n in ast.walk(function) if isinstance(n, ast.Return) and n.value is not None]
        if any(_own(value, own, makers, set()) for value in returned):
            makers.add(function.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _own(node.value, own, makers, set()):
            names.update(t.id for t in node.targets if isinstance(t, ast.Name))
    registers = {name for node in ast.walk(tree) for name in _filled(node, own, makers, names)} - {""}
    yield from registers
    for function in functions:
        parameters = {a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)}
        if any(_looked_up(n) & parameters and _register(n) in registers for n in ast.walk(function)):
            yield f"{function.name}()"


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


def _own(node: ast.expr, own: str, makers: set[str], names: set[str]) -> bool:
    """Whether a value is made of the name of the module that something is in."""
    for inner in ast.walk(node):
        match inner:
            case ast.Attribute(attr="__module__"):
                return True
            case ast.Name(id=name) if name == own or name in names:
                return True
            case ast.Call(func=func) if last_name(func) in makers:
                return True
    return False


def _filled(node: ast.AST, own: str, makers: set[str], names: set[str]) -> Iterator[str]:
    """The register into which a statement or an expression puts something under such a key."""
    match node:
        case ast.Subscript(value=register, slice=key, ctx=ast.Store()) if _own(key, own, makers, names):
            yield last_name(register)
        case ast.Call(func=ast.Attribute(attr="setdefault", value=register), args=[key, *_]) if _own(
            key, own, makers, names
        ):
            yield last_name(register)
        case ast.Assign(targets=[target, *_], value=value) | ast.AnnAssign(target=target, value=ast.expr() as value):
            if any(_own(k, own, makers, names) for n in ast.walk(value) for k in _keys(n)):
                yield last_name(target)


def _keys(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.Dict(keys=keys):
            return [k for k in keys if k is not None]
        case ast.DictComp(key=key):
            return [key]
    return []


def _looked_up(node: ast.AST) -> set[str]:
    """The name that is looked up here, as a set."""
    match node:
        case ast.Subscript(slice=ast.Name(id=name)):
            return {name}
        case ast.Call(func=ast.Attribute(attr=method), args=[ast.Name(id=name), *_]) if method in _ASKING:
            return {name}
    return set()


def _register(node: ast.AST) -> str:
    match node:
        case ast.Subscript(value=register) | ast.Call(func=ast.Attribute(value=register)):
            return last_name(register)
    return ""
