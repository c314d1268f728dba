"""`PYTHONPATH` as files set it: for a command, in an environment file or a list of variables, in code for a child.

Owns where such a value stands; what becomes of the roots in it is the business of `roots`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

from ..layout import Layout
from ..oldroots import old_roots
from .context import Context
from .flows import called
from .offsets import Offsets
from .roots import alone, cut_of, drop, exchange_words, list_root, named_root, put, with_cut
from .sink import Sink, Snippet

_NAME = "PYTHONPATH"
_VALUE = r"(?P<value>(?:\$\{\{[^}\n]*\}\}|`pwd`|[^\"'\s;&|,`])+)"  # another backtick ends code in a document
PYTHONPATH = re.compile(rf"PYTHONPATH[\"']?[ \t]*(?:[+?:]?=|:(?!=)|[ \t](?=[\w./$]))[ \t]*[\"']?{_VALUE}")
# `- name: PYTHONPATH` and `value: ...` in a line of its own, also in JSON and in a call.
_APART = re.compile(rf"PYTHONPATH[\"']?,?\s+[\"']?value[\"']?[ \t]*[:=][ \t]*[\"']?{_VALUE}")
ENTRY = re.compile(r"(?:\$?\{\{?[^}]*\}\}?|[^:])+")
_ADDED = re.compile(r"\b(?:path_add|PATH_add)[ \t]+PYTHONPATH[ \t]+(?P<value>[^\n#;&|]+)")  # of direnv: words
_BATCH = re.compile(r"PYTHONPATH[\"']?[ \t]*=[ \t]*[\"']?(?P<value>[^\"'\s&|,]+)")  # where a semicolon divides
_SETTERS = {"setenv", "setdefault", "putenv", "set", "prepend", "append"}


def scan_pythonpath(layout: Layout, sink: Sink, text: str, base: int = 0, mark: str = ":") -> None:
    """Wherever a text sets it: `PYTHONPATH=.:libs/types`.  `mark` is what divides folders on that system."""
    if not old_roots(layout) or _NAME not in text:
        return
    added = [*_ADDED.finditer(text)]
    found = [*PYTHONPATH.finditer(text), *_APART.finditer(text)] if mark == ":" else [*_BATCH.finditer(text)]
    for match in [*added, *(m for m in found if not any(a.start() <= m.start() < a.end() for a in added))]:
        start, divider = base + match.start("value"), " " if match in added else mark
        entries = ENTRY.finditer(match["value"]) if divider == ":" else re.finditer(r"[^\s;]+", match["value"])
        exchange_words(layout, sink, [(start + e.start(), start + e.end()) for e in entries], divider)


def scan_pythonpath_code(
    context: Context, sink: Sink, at: Offsets, value: Callable[[ast.expr], str | None], claimed: set[int]
) -> None:
    """`env["PYTHONPATH"] = X`, `dict(os.environ, PYTHONPATH=X)`, `{"PYTHONPATH": X}`, `monkeypatch.setenv(...)`."""
    layout = context.world.layout
    roots = {r.old: r for r in old_roots(layout)}
    if not roots or _NAME not in at.source:
        return
    for whole in values(context):
        listed = whole.args[0] if isinstance(whole, ast.Call) and called(whole) == "join" and whole.args else None
        if not isinstance(listed, ast.List | ast.Tuple):
            if (span := _text(at, whole)) is not None:
                words = [(span[0] + e.start(), span[0] + e.end()) for e in ENTRY.finditer(at.source[slice(*span)])]
                exchange_words(layout, sink, words, ":")
                claimed.add(id(whole))
            elif (root := named_root(whole, roots, value(whole))) is not None:
                list_root(sink, at, whole, root, "warning")
            continue
        written = {at.source[slice(*at.span(item))] for item in listed.elts}
        for item in listed.elts:
            cut = None if isinstance(sink, Snippet) else cut_of(item, roots, at, value)
            start, end = at.span(item)
            if cut is not None:
                new = with_cut(cut, at.source, start, end)
                gap = alone(context, at, None, item) if new in written else None
                if gap is not None:
                    drop(sink, *gap, cut.root)
                else:
                    put(sink, start, end, f"{at.source[start:end]}, {new}", new, cut.root)
                claimed.update(id(word) for word in cut.words)
            elif (root := named_root(item, roots, value(item))) is not None:
                list_root(sink, at, item, root, "warning")


def scan_pythonpath_texts(context: Context, sink: Sink, at: Offsets) -> None:
    """`"PYTHONPATH=libs/types python -m money"`; its other words have been read by then."""
    if not old_roots(context.world.layout) or f"{_NAME}=" not in at.source:
        return
    for node in [*context.of(ast.Constant), *context.of(ast.JoinedStr)]:
        span = _text(at, node)
        if span is not None and f"{_NAME}=" in at.source[slice(*span)]:
            scan_pythonpath(context.world.layout, sink, at.source[slice(*span)], span[0])


def _text(at: Offsets, node: ast.expr) -> tuple[int, int] | None:
    """The span between the quotes of a plain string or f-string of one line."""
    if not (isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))):
        return None
    start, end = at.span(node)
    match = re.fullmatch(r"[rRfF]{0,2}([\"'])(?!\1)([^\\\n]*)\1", at.source[start:end])
    return (start + match.start(2), start + match.end(2)) if match else None


def values(context: Context) -> Iterator[ast.expr]:
    """What code sets the variable to."""
    for pairs in context.of(ast.Dict):
        yield from (v for k, v in zip(pairs.keys, pairs.values, strict=True) if _is_name(k))
    for call in context.of(ast.Call):
        yield from (k.value for k in call.keywords if k.arg == _NAME)
        if called(call) in _SETTERS and len(call.args) > 1 and _is_name(call.args[0]):
            yield call.args[1]
    assigned: list[ast.Assign | ast.AugAssign] = [*context.of(ast.Assign), *context.of(ast.AugAssign)]
    for node in assigned:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(isinstance(t, ast.Subscript) and _is_name(t.slice) for t in targets):
            yield node.value


def _is_name(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value == _NAME
