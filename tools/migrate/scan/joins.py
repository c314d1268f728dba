"""What stands beside a string where code puts longer strings together: sums, formats, joins, f-strings.

`"app." + "shop"` is not the module `shop`, and `"shop" + "_extras"` neither.  `before` and `after` give the text next
to a node in the value that it becomes part of: "" if nothing is there, None if only running the code can tell.
`leads` says whether a value can be the beginning of the name that an expression builds.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence

Parents = Mapping[ast.AST, ast.AST]
_FIELD = re.compile(r"%(?:\((?P<key>\w+)\))?[-#0 +]*(?:\*|\d+)?(?:\.(?:\*|\d+))?[a-zA-Z%]")
_BRACE = re.compile(r"\{\{|\}\}|\{(?P<key>\w*)[^{}]*\}")
_STEPS = 12


def before(node: ast.AST, parents: Parents) -> str | None:
    """The text just before the value of `node`."""
    child, parent = node, parents.get(node)
    for _ in range(_STEPS):
        match parent:
            case ast.BinOp(op=ast.Add()) if isinstance(child, ast.Tuple | ast.List):
                return ""  # two containers
            case ast.BinOp(op=ast.Add(), left=left, right=right) if child is right:
                text = _end(left)
                if text != "":
                    return text
            case ast.BinOp(op=ast.Add()) | ast.FormattedValue() | ast.Tuple() | ast.Starred() | ast.keyword():
                pass
            case ast.BinOp(op=ast.Mod(), left=ast.Constant(value=str(template)), right=right) if child is right:
                text = _percent(template, right, node)
                if text != "":
                    return text
            case ast.BinOp(op=ast.Mod()):
                pass
            case ast.JoinedStr(values=values):
                place = _place(values, child)
                text = _end(values[place - 1]) if place else ""
                if text != "":
                    return text
            case ast.Call(func=ast.Attribute(attr="format", value=ast.Constant(value=str(template)))):
                text = _braces(template, parent, child)
                if text != "":
                    return text
            case ast.Call(func=ast.Attribute(attr="join", value=ast.Constant(value=str(divider))), args=[listed]):
                items = listed.elts if isinstance(listed, ast.List | ast.Tuple) else [child]
                inner = _holder(node, listed, parents)
                place = next((n for n, i in enumerate(items) if i is inner), 0)
                if place:
                    return divider or _end(items[place - 1])
            case ast.List() if isinstance(parents.get(parent), ast.Call):
                pass
            case _:
                return ""
        assert parent is not None
        child, parent = parent, parents.get(parent)
    return ""


def after(node: ast.AST, parents: Parents) -> str | None:
    """The text just after the value of `node`, where it is added or interpolated."""
    child, parent = node, parents.get(node)
    for _ in range(_STEPS):
        match parent:
            case ast.BinOp(op=ast.Add(), left=left, right=right) if child is left:
                return _start(right)
            case ast.BinOp(op=ast.Add()) | ast.FormattedValue():
                pass
            case ast.JoinedStr(values=values):
                place = _place(values, child)
                if place + 1 < len(values):
                    return _start(values[place + 1])
            case _:
                return ""
        assert parent is not None
        child, parent = parent, parents.get(parent)
    return ""


def leads(node: ast.AST, parents: Parents) -> bool:
    """Whether the value of `node` can begin the name that the expression around it makes."""
    text = before(node, parents)
    return text is None or not re.search(r"[\w.]$", text)


def _place(values: Sequence[ast.expr], child: ast.AST) -> int:
    return next((n for n, v in enumerate(values) if v is child), 0)


def _holder(node: ast.AST, outer: ast.AST, parents: Parents) -> ast.AST:
    """The child of `outer` that holds `node`."""
    current = node
    while (parent := parents.get(current)) is not None and parent is not outer:
        current = parent
    return current


def _end(node: ast.AST) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            last = _end(right)
            return last if last != "" else _end(left)
        case ast.JoinedStr(values=[]):
            return ""
        case ast.JoinedStr(values=[*_, last]):
            return _end(last)
        case ast.BinOp(op=ast.Mod(), left=ast.Constant(value=str(template))):
            return template if template and not _FIELD.search(template[-6:]) else None
    return None


def _start(node: ast.AST) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            head = _start(left)
            return head if head != "" else _start(right)
        case ast.JoinedStr(values=[]):
            return ""
        case ast.JoinedStr(values=[first, *_]):
            return _start(first)
    return None


def _percent(template: str, right: ast.AST, node: ast.AST) -> str | None:
    """The text before the field of a `%` template that takes `node`."""
    fields = [m for m in _FIELD.finditer(template) if not m.group().endswith("%")]
    place = 0
    if isinstance(right, ast.Tuple):
        place = next((n for n, e in enumerate(right.elts) if e is node), -1)
    elif isinstance(right, ast.Dict):
        keys = [
            k.value for k, v in zip(right.keys, right.values, strict=True) if v is node and isinstance(k, ast.Constant)
        ]
        place = next((n for n, f in enumerate(fields) if f["key"] in keys), -1)
    return _prefix(template, fields, place)


def _braces(template: str, call: ast.Call, child: ast.AST) -> str | None:
    """The same for `str.format`; `child` is an argument or a keyword of the call."""
    fields = [m for m in _BRACE.finditer(template) if m.group() not in ("{{", "}}")]
    if isinstance(child, ast.keyword):
        place = next((n for n, f in enumerate(fields) if f["key"] == child.arg), -1)
    else:
        position = next((n for n, a in enumerate(call.args) if a is child), -1)
        wanted = (str(position), "") if position >= 0 else ()
        numbered = [n for n, f in enumerate(fields) if f["key"] in wanted]
        place = -1
        if numbered:
            place = position if fields[numbered[0]]["key"] == "" and position < len(fields) else numbered[0]
    return _prefix(template, fields, place)


def _prefix(template: str, fields: list[re.Match[str]], place: int) -> str | None:
    if not 0 <= place < len(fields):
        return None
    start = fields[place].start()
    return None if place and fields[place - 1].end() == start else template[:start]
