"""Groups of entry points in a setup.py, where they are the keys of a dict or the heads of lists that make one.

A group is often called like the package whose plug-ins it holds (`buildbot.changes`); it keeps its name all the same,
as those who look for plug-ins ask for it by that name.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

_NAME = re.compile(r"[\w.]+")


def group_names(tree: ast.Module) -> Iterator[ast.Constant]:
    """The strings that name groups, in what is called `entry_points`: an argument, a key, a variable."""
    names, values = {"entry_points"}, list[ast.expr]()
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg="entry_points", value=value):
                values.append(value)
            case ast.Dict(keys=keys, values=others):
                pairs = zip(keys, others, strict=True)
                values += [v for k, v in pairs if isinstance(k, ast.Constant) and k.value == "entry_points"]
    names |= {value.id for value in values if isinstance(value, ast.Name)}
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in names:
                values.append(value)
    for value in values:
        yield from _below(value)


def _below(value: ast.expr) -> Iterator[ast.Constant]:
    for node in ast.walk(value):
        match node:
            case ast.Dict(keys=keys):
                heads = [key for key in keys if key is not None]
            case (
                ast.Tuple(elts=[head, ast.List() | ast.Tuple() as rest])
                | ast.List(elts=[head, ast.List() | ast.Tuple() as rest])
            ) if any(_holds_modules(each) for each in rest.elts):
                heads = [head]
            case _:
                continue
        for head in heads:
            if isinstance(head, ast.Constant) and isinstance(head.value, str) and _NAME.fullmatch(head.value):
                yield head


def _holds_modules(node: ast.expr) -> bool:
    """An entry of a group, `"name = pkg.module:Name"`, or what makes some: `("pkg.module", ["Name"])`."""
    match node:
        case ast.Constant(value=str(text)):
            return "=" in text
        case ast.Tuple(elts=[ast.Constant(value=str()), ast.List() | ast.Tuple()]):
            return True
    return False
