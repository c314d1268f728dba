"""Patches of a single name that gets another home: `mock.patch("pkg.mod.NAME")`, `monkeypatch.setattr(mod, "NAME", x)`.

A patch acts on those who read the name out of the module that is patched.  Whoever read it as an attribute reads it at
its new home afterwards; the old module itself goes on reading its own.  Where only a person knows which of them a patch
is for, it is listed.
"""

from __future__ import annotations

import ast

from ..resolve import EVERYTHING
from ..syntax import parse
from .calls import words
from .context import Context
from .offsets import Offsets
from .origins import Origins
from .sink import Sink

PATCHES = words("patch object setattr delattr")


def scan_patches(context: Context, sink: Sink, offsets: Offsets, origins: Origins) -> set[int]:
    """Lists them; returns the ids of the texts that are settled so."""
    symbols = {entry.source: entry.target for entry in context.layout.plan.symbols}
    settled: set[int] = set()
    for node in context.of(ast.Attribute) if symbols else ():
        name = "" if isinstance(node.ctx, ast.Load) else f"{origins.module(node.value)}.{node.attr}"
        if name in symbols and _reads_itself(context, name):
            _list(sink, offsets.start(node), name, symbols[name])
    for call in context.of(ast.Call) if symbols else ():
        if context.called(call) not in PATCHES:
            continue
        match call.args:
            case [ast.Constant(value=str(name)) as text, *_] if name in symbols:
                if not _reads_itself(context, name):
                    continue
            case [module, ast.Constant(value=str(part)) as text, *_]:
                name = f"{origins.module(module)}.{part}"
            case _:
                continue
        new = symbols.get(name)
        if new is None:
            continue
        _list(sink, offsets.start(text), name, new)
        settled.add(id(text))
    return settled


def _list(sink: Sink, offset: int, name: str, new: str) -> None:
    readings = (f"what {name.rpartition('.')[0]} itself reads, which stays", f"{new}, which others read now")
    sink.list(offset, "string.patched", name, readings, "a patch acts where the name is read")


def _reads_itself(context: Context, name: str) -> bool:
    """Whether the module that a name leaves reads it."""
    module, _, word = name.rpartition(".")
    index = context.resolver.index
    if index.asked is not None:
        index.asked.add(EVERYTHING)  # the whole of another file matters: the answer is not to be remembered
    path = index.files.get(context.layout.current_module(module))
    text = context.layout.tree.text(path) if path else None
    if text is None or word not in text.body:
        return False
    tree = parse(text.body)
    return tree is None or any(
        isinstance(n, ast.Name) and n.id == word and isinstance(n.ctx, ast.Load) for n in ast.walk(tree)
    )
