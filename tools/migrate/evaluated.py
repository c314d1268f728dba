"""Attributes that a statement reads as it runs: `("base", "Base")` in `class A(base.Base)`.

Owns which expressions are evaluated for certain: no body of a function, no second operand of `and`, no element of a
comprehension.  Must not know what the names stand for.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

Chain = tuple[str, ...]  # a name, and attributes of it


def chains(node: ast.stmt, *, annotations: bool) -> Iterator[tuple[Chain, int]]:
    """The chains that this statement, apart from those inside of it, evaluates, each with its line, in order.

    `annotations`: they are evaluated, too, which a module can put off (PEP 563).
    """
    for expression in _parts(node, annotations):
        yield from _evaluated(expression)


def _parts(node: ast.stmt, annotations: bool) -> Iterator[ast.expr]:
    """The expressions of a statement that are evaluated before it binds anything."""
    match node:
        case ast.ClassDef():
            yield from [*node.decorator_list, *node.bases, *(k.value for k in node.keywords)]
        case ast.FunctionDef(args=args) | ast.AsyncFunctionDef(args=args):
            yield from [*node.decorator_list, *args.defaults, *(d for d in args.kw_defaults if d)]
            every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
            yield from (a.annotation for a in every if annotations and a is not None and a.annotation)
            if annotations and node.returns:
                yield node.returns
        case ast.AnnAssign(value=value, annotation=annotation, target=target):
            yield from [value] if value else []
            yield target
            if annotations:
                yield annotation
        case ast.For(iter=first) | ast.AsyncFor(iter=first):
            yield first
        case ast.With(items=items) | ast.AsyncWith(items=items):
            yield items[0].context_expr
        case ast.If(test=first) | ast.While(test=first) | ast.Match(subject=first) | ast.Assert(test=first):
            yield first
        case ast.Assign(value=value, targets=targets):
            yield from [value, *targets]
        case _ if type(node).__name__ == "TypeAlias":  # `type A = b.C`, evaluated when somebody asks
            return
        case _:
            yield from (child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))


def _evaluated(node: ast.expr) -> Iterator[tuple[Chain, int]]:
    first: Iterable[ast.AST]
    match node:
        case ast.Attribute(value=value, ctx=ast.Load()):
            chain = _chain(node)
            if chain:
                yield chain, node.lineno
                return
            first = [value]
        case ast.Attribute(value=value):
            first = [value]
        case ast.Lambda(args=args):
            first = [*args.defaults, *(d for d in args.kw_defaults if d)]
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            first = [node.generators[0].iter]
        case ast.IfExp(test=test):
            first = [test]
        case ast.BoolOp(values=values):
            first = values[:1]
        case ast.Compare(left=left, comparators=others):
            first = [left, *others[:1]]
        case _:
            first = ast.iter_child_nodes(node)
    for child in first:
        if isinstance(child, ast.keyword | ast.FormattedValue):
            child = child.value
        if isinstance(child, ast.expr):
            yield from _evaluated(child)


def _chain(node: ast.expr) -> Chain:
    """`a.b.c`; nothing for what does not begin with a name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node.id, *reversed(parts)) if isinstance(node, ast.Name) else ()
