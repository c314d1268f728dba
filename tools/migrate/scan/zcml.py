"""ZCML: attributes and texts that hold nothing but names, as `handler="pkg.module.function"`, or a path.

A name that begins with a dot is meant from the package in whose folder the file lies, and a path from that folder, so
both may have to change where the file and what it names come apart.  Other XML may be data and is not read here.
"""

from __future__ import annotations

import posixpath
import re

from ..layout import relative_to
from ..resolve import absolute
from .context import World
from .offsets import relative_module
from .sink import Sink

_VALUE = re.compile(
    r"""<!--.*?--> | \s(?!xmlns)(?P<name>[\w:.-]+)\s*=\s*(?P<quote>["'])(?P<attribute>[\w.:/*\s-]*)(?P=quote)
        | >(?P<text>[\w.:\s]+)</""",
    re.X | re.S,
)


def scan_zcml(world: World, sink: Sink, path: str) -> None:
    for match in _VALUE.finditer(sink.body):
        kind = "attribute" if match["attribute"] is not None else "text"
        words = [w for w in re.finditer(r"\S+", match[kind] or "") if w.group() != "*"]  # none of a comment
        for word in words:
            text, start = word.group(), match.start(kind) + word.start()
            if len(words) == 1 and ("/" in text or "." in text.lstrip(".") or match["name"] == "directory"):
                _file(world, sink, path, text, start)
            if re.fullmatch(r"\.+[A-Za-z_][\w.]*", text):
                _relative(world, sink, path, text, start)
            elif all("." in w.group() for w in words):  # else it is prose
                _name(world, sink, path, text, start)


def _name(world: World, sink: Sink, path: str, text: str, start: int) -> None:
    verdict = world.judge.value(text, path)
    if verdict is not None and verdict.kind == "change":
        stage, reason = verdict.stage, verdict.reason
        sink.edit(start, start + len(text), verdict.new, stage=stage, rule="config.key", reason=reason)


def _relative(world: World, sink: Sink, path: str, text: str, start: int) -> None:
    layout, package = world.layout, posixpath.join(posixpath.dirname(path), "__init__.py")
    here, there = layout.module_of(package), layout.new_module_of(package)
    if here is None or there is None:
        return
    inner = text.lstrip(".")
    level = len(text) - len(inner)
    name = absolute(inner, level, here.name)
    new = layout.new_module(name) or name
    if not name or absolute(inner, level, there.name) == new:
        return
    written = relative_module(there.name, new)
    if world.resolver.resolve(name).found:
        stage, reason = 4 if here == there else 3, f"{name} is {new}, seen from {there.name}"
        sink.edit(start, start + len(text), written, stage=stage, rule="config.relative", reason=reason)
    else:
        sink.list(start, "config.relative", text, (f"a name in {name}, now {written}", "another text with a dot"))


def _file(world: World, sink: Sink, path: str, text: str, start: int) -> None:
    layout = world.layout
    full = posixpath.normpath(posixpath.join(posixpath.dirname(path), text))
    if full.startswith("..") or not layout.existed(full):
        return
    new = layout.old_to_new_path(full) or full
    written = relative_to(new, posixpath.dirname(layout.new_path(path)))
    if written != posixpath.normpath(text):
        reason = f"{full} is {new}, seen from the new place"
        sink.edit(start, start + len(text), written, stage=3, rule="path.tracked", reason=reason)
