"""Parameters of tests, and the values that `parametrize` of pytest writes out for them.

Owns the way from a value to the parameters that take it: through rows, `pytest.param` and names in one text or in
several.  Must not know what moves, nor what becomes of a parameter.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

PARAMETRIZE = "parametrize"


def _called(node: ast.AST | None) -> str:
    func = node.func if isinstance(node, ast.Call) else None
    return func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")


def takers(node: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> list[ast.arg]:
    """The parameters of the decorated test, or of those of the decorated class, that take what `node` is part of."""
    way = [node]
    while _called(parents.get(way[-1])) != PARAMETRIZE:
        parent = parents.get(way[-1])
        if parent is None or isinstance(parent, ast.stmt):
            return []
        way.append(parent)
    call = parents[way[-1]]
    if not isinstance(call, ast.Call) or len(call.args) < 2 or way[-1] is not call.args[1] or len(way) < 2:
        return []
    names, place = _names(call.args[0]), 0
    if len(names) > 1:
        row = way[-2]
        items: Sequence[ast.AST] = row.args if isinstance(row, ast.Call) else getattr(row, "elts", ())
        place = next((n for n, item in enumerate(items) if len(way) > 2 and item is way[-3]), len(names))
    decorated = parents.get(call)
    body = decorated.body if isinstance(decorated, ast.ClassDef) else [decorated]
    tests = [f for f in body if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [a for f in tests for a in (*f.args.args, *f.args.kwonlyargs) if names[place : place + 1] == [a.arg]]


def _names(node: ast.AST) -> list[str]:
    texts = node.elts if isinstance(node, ast.Tuple | ast.List) else [node]
    found = [str(t.value) for t in texts if isinstance(t, ast.Constant)]
    return [name.strip() for text in found for name in text.split(",")] if len(found) == len(texts) else []
