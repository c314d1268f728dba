"""Modules that their own package hides: `from .parse import parse` in `pkg/__init__.py`.

`import pkg.parse as p` gives what the package calls `parse` then, and not the module.  Where the module gets another
name or another parent, the two part, and each reference follows what it gives.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .context import Context
from .offsets import Offsets
from .sink import Sink

if TYPE_CHECKING:
    from .imports import Imports


_PATCHES = ("patch", "setattr", "delattr")


def hidden(imports: Imports, node: ast.Import, alias: ast.alias) -> bool:
    """Let `import pkg.parse as p` go on giving the name that hides the module; False where it gives the module."""
    kept = imports.context.judge.hiding(alias.name)
    index, current = imports.resolver.index, imports.layout.current_module(alias.name)
    read = {use.attributes[0].attr for use in imports.scopes.uses if use.node.id == alias.asname and use.attributes}
    if not kept or any(index.binds(current, name) for name in read):
        return False
    package, _, leaf = kept.rpartition(".")
    start, end = imports.at.span(node)
    if len(node.names) > 1:
        readings = (f"what {package} calls {leaf}", f"the module, now {imports.new(alias.name)}")
        hint = f"write: from {package} import {leaf} as {alias.asname}"
        imports.sink.list(start, "import.hidden", imports.at.source[start:end], readings, hint, "error")
    else:
        local = "" if alias.asname == leaf else f" as {alias.asname}"
        reason = f"{package} binds {leaf} itself, and the module moves away from that name"
        written = f"from {package} import {leaf}{local}"
        imports.sink.edit(start, end, written, stage=4, rule="import.hidden", reason=reason)
    return True


def scan_hidden_patches(context: Context, sink: Sink, offsets: Offsets) -> set[int]:
    """`mock.patch("pkg.parse")` acts on the attribute of the package; the ids of the texts that are settled so."""
    settled: set[int] = set()
    for call in context.of(ast.Call):
        match call.args:
            case [ast.Constant(value=str(name)) as text, *_] if "." in name and context.judge.mentioned(name):
                kept = context.judge.hiding(name) if context.called(call) in _PATCHES else ""
                if not kept:
                    continue
                settled.add(id(text))
                at = offsets.source.find(name, *offsets.span(text))  # -1 where it is not written as it reads
                if kept != name and at > 0:
                    reason = f"a patch of what {name.rpartition('.')[0]} binds"
                    sink.edit(at, at + len(name), kept, stage=4, rule="string.hidden", reason=reason)
            case _:
                pass
    return settled
