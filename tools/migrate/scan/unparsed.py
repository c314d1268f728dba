"""Python that no syntax tree is made of, whole or in part: what it names is listed, and nothing of it is edited."""

from __future__ import annotations

import ast
import re

from ..layout import ModuleName
from ..newer import Older
from ..resolve import absolute
from .context import World
from .sink import Sink

_RELATIVE = re.compile(r"^[ \t]*(from[ \t]+\.[\w.]*[ \t]+import[ \t]+(?:\w+|\*|(?=\S)))", re.M)
_WHY = "this file does not parse, so it is left as it is"


def scan_unparsed(world: World, sink: Sink, path: str, here: ModuleName | None, there: ModuleName | None) -> None:
    """No Python, or an old one: each candidate is listed, and relative imports that will lead elsewhere."""
    count = _relative(world, sink, here, there) if here else 0
    for start, _, token in world.judge.tokens(sink.body):
        verdict = world.judge.value(token, path, "module") or world.judge.path(token, path)
        if verdict is None or verdict.kind == "none":
            continue
        count += 1
        readings = (f"{token}, now {verdict.new}", "text of its own")
        sink.list(start, "file.unparsed", sink.lines.text(sink.lines.line(start)).strip(), readings, _WHY)
    if not count:
        sink.list(0, "file.unparsed", path, (), "this file does not parse; it names no moving code", "note")


def scan_unseen(world: World, sink: Sink, tree: Older, path: str) -> None:
    """What stands in the parts of a source that only a newer Python reads."""
    for start, end in tree.unseen:
        for first, _, token in world.judge.tokens(sink.body[start:end]):
            verdict = world.judge.value(token, path) or world.judge.path(token, path)
            if verdict is not None and verdict.kind != "none":
                readings = (f"{token}, now {verdict.new}", "text of its own")
                why = "type parameters and f-strings in a newer Python than the tool's own are not edited"
                sink.list(start + first, "syntax.newer", token, readings, why)


def _relative(world: World, sink: Sink, here: ModuleName, there: ModuleName | None) -> int:
    """Lists imports that mean another module afterwards than before; returns how many there are."""
    count, layout = 0, world.layout
    for found in _RELATIVE.finditer(sink.body):
        try:
            (node,) = ast.parse(found[1] if found[1][-1] not in " \t" else f"{found[1]}_").body
        except SyntaxError:
            continue
        if not isinstance(node, ast.ImportFrom):
            continue
        meant = absolute(node.module, node.level, here.package)
        leads = absolute(node.module, node.level, (there or here).package)
        name = node.names[0].name
        for old in (f"{meant}.{name}", meant) if meant else ():
            wanted = layout.new_module(old)
            if wanted or (old == meant and meant != leads):
                new = wanted or meant
                if new != (f"{leads}.{name}" if old != meant else leads):
                    count += 1
                    readings = (f"{old}, which is {new} afterwards", "text of its own")
                    sink.list(found.start(1), "file.unparsed", found[1].strip(), readings, _WHY, "error")
                break
    return count
