"""The `setup(...)` call of a setup.py, read without running it.

Owns finding the call's keyword arguments with their positions, following a name to the module-level constant that
it stands for, and evaluating what is literal.  What is computed has no value here; the caller lists it.
"""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field
from typing import Any

_GROWING = {"append", "extend", "insert", "update", "setdefault", "remove", "pop"}


@dataclass(slots=True)
class SetupCall:
    """`keywords` maps an argument's name to its expression, constants followed; `tree` is the whole module."""

    tree: ast.Module
    keywords: dict[str, ast.expr] = field(default_factory=dict)
    call: ast.Call | None = None
    constants: dict[str, ast.expr] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # argument -> the constant that it stands for

    def lists(self, node: ast.expr, depth: int = 0) -> list[ast.List | ast.Tuple]:
        """The literal lists that an expression is put together from: `BASE + ["a"]`, `[*BASE, "a"]`, `BASE`."""
        match node:
            case ast.List(elts=items) | ast.Tuple(elts=items):
                inner = [item.value for item in items if isinstance(item, ast.Starred)]
                return [node, *(found for item in inner for found in self.lists(item, depth + 1))]
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return [*self.lists(left, depth + 1), *self.lists(right, depth + 1)]
            case ast.Name(id=name) if name in self.constants and depth < 9:
                return self.lists(self.constants[name], depth + 1)
        return []

    def value(self, name: str) -> Any:
        """The literal value of an argument, None if it is absent or computed."""
        node = self.keywords.get(name)
        try:
            return ast.literal_eval(node) if node is not None else None
        except (ValueError, TypeError, SyntaxError):
            return None

    def computed(self, name: str) -> bool:
        """Whether an argument is given and is more than the literal that `value` reads."""
        if name not in self.keywords:
            return bool(self.call and any(k.arg is None for k in self.call.keywords))  # `**metadata`
        try:
            ast.literal_eval(self.keywords[name])
        except (ValueError, TypeError, SyntaxError):
            return True
        return name in self.names and self._grows(self.names[name])

    def _grows(self, name: str) -> bool:
        """Whether a constant gets more after its first value: `NAME.append(...)`, `NAME += ...`, `NAME[...] = ...`."""
        bound = 0
        for node in ast.walk(self.tree):
            match node:
                case ast.Call(func=ast.Attribute(value=inner, attr=attr)) if attr in _GROWING:
                    target: ast.expr = inner
                case ast.AugAssign(target=target):
                    pass
                case ast.Assign(targets=[ast.Subscript(value=target)]):
                    pass
                case ast.Assign(targets=[ast.Name(id=other)]):
                    bound += other == name
                    continue
                case _:
                    continue
            while isinstance(target, ast.Subscript | ast.Attribute):
                target = target.value
            if isinstance(target, ast.Name) and target.id == name:
                return True
        return bound > 1


def read_setup(text: str) -> SetupCall | None:
    """The first call of `setup`; None if the file does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    constants: dict[str, ast.expr] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            constants[node.targets[0].id] = node.value
    found = SetupCall(tree, constants=constants)
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name == "setup":
            found.call = call
            for keyword in call.keywords:
                if keyword.arg:
                    value = keyword.value
                    if isinstance(value, ast.Name):
                        found.names[keyword.arg] = value.id
                        value = constants.get(value.id, value)
                    found.keywords[keyword.arg] = value
            break
    return found
