"""Names in strings that begin with dots: `config.include(".tasks")`, as Pyramid reads it in the package of the file.

Owns what such a name means before and after the move; a call that takes modules decides that it is one.  What
`import_module` is given together with a package is `dynamic`.
"""

from __future__ import annotations

import ast
import re

from ..resolve import absolute
from .calls import RELATIVE_CALLS
from .context import Context
from .offsets import Offsets, relative_module, string_tokens
from .sink import Sink

_RELATIVE = re.compile(r"(?P<dots>\.+)(?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)*)(?::[\w.]+)?")


def scan_relative(context: Context, sink: Sink, at: Offsets, node: ast.Constant, path: str) -> bool:
    """Whether the text is the relative name of a module that is another one, or elsewhere, afterwards."""
    match = _RELATIVE.fullmatch(str(node.value))
    layout = context.layout
    here, there = layout.module_of(path), layout.new_module_of(path)
    if match is None or here is None or there is None:
        return False
    level, name = len(match["dots"]), match["name"]
    meant = absolute(name, level, here.package)
    new = layout.new_module(meant) or meant
    if absolute(name, level, there.package) == new or not context.resolver.is_module(meant):
        return False
    start, end = at.span(node)
    pieces = string_tokens(at.source[start:end])
    call, written = context.parents.get(node), relative_module(there.package, new)
    if not isinstance(call, ast.Call) or node not in call.args:
        return False  # a part of a computed name, or a table of them: see `dynamic` and `leaving`
    first = start + (pieces[0][0] if pieces else 0)
    whole = at.source[first : first + match.end("name")] == match.group()[: match.end("name")]
    if whole and call.args[0] is node and context.called(call) in RELATIVE_CALLS:
        stage, reason = 4 if here == there else 3, f"{meant} is {new}, seen from {there.package}"
        sink.edit(first, first + match.end("name"), written, stage=stage, rule="string.relative", reason=reason)
    else:
        readings = (f"the module {meant}, now {written}", "another text with a dot")
        sink.list(first, "string.relative", match.group(), readings, severity="note")
    return True
