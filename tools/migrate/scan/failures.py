"""`error.name` in `except ImportError as error`: the name of the module that was asked for and is not there.

It is written as the statement that failed wrote it, so it changes when that statement does: with the move where that
is relative, else when names are rewritten.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from .context import Context

ERRORS = ("ImportError", "ModuleNotFoundError")


def failures(context: Context) -> dict[int, bool]:
    """Ids of the expressions `error.name` -> whether the import that may have failed is relative."""
    found: dict[int, bool] = {}
    for node in context.of(ast.Try):
        inside = [n for statement in node.body for n in ast.walk(statement) if isinstance(n, ast.ImportFrom)]
        for handler in node.handlers:
            kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
            if handler.name and any(getattr(k, "id", "") in ERRORS for k in kinds):
                for inner in (n for statement in handler.body for n in ast.walk(statement)):
                    match inner:
                        case ast.Attribute(value=ast.Name(id=name), attr="name") if name == handler.name:
                            found[id(inner)] = any(n.level for n in inside)
    return found


def later(node: ast.AST, parents: Mapping[ast.AST, ast.AST], found: Mapping[int, bool]) -> bool:
    """Whether the text `node` is compared with the name of what a statement failed to import that changes later."""
    parent = parents.get(node) if found else None
    while parent is not None and not isinstance(parent, ast.stmt):
        if isinstance(parent, ast.Compare | ast.Call):
            return any(found.get(id(inner)) is False for inner in ast.walk(parent))
        parent = parents.get(parent)
    return False
