"""`meson.build`: the files that it installs or compiles, the folders that it goes into, and where it installs them.

Meson finds nothing by itself.  Where it installs to (`subdir: 'pkg/part'`) is edited; a file of a list and a folder
that it enters are for a person, as at the new place another `meson.build` has to name them.
"""

from __future__ import annotations

import posixpath
import re

from .context import World
from .sink import Sink

_STRING = re.compile(r"#[^\n]*|'''.*?'''|'(?P<text>(?:[^'\\\n]|\\.)*)'", re.S)
_ENTERED = re.compile(r"(?<![\w.])subdir\(\s*$")
_INSTALLED = re.compile(r"\b(?:subdir|install_dir|install_subdir)\s*:\s*(?:[\w.()]+\s*/\s*)*$")
_HINT = "a meson.build at the new place has to name it, or the wheel is without it; the shim stays where this one looks"


def scan_meson(world: World, sink: Sink, path: str) -> None:
    layout, folder = world.layout, posixpath.dirname(path)
    for match in _STRING.finditer(sink.body):
        text = match["text"]
        if not text:
            continue
        start, end = match.span("text")
        before = sink.body[max(0, start - 120) : start - 1]
        full = posixpath.normpath(posixpath.join(folder, text))
        known = full in layout.tree or full in layout.tree.dirs
        new = (layout.old_to_new_path(full) or full) if known else None
        written = posixpath.relpath(new, posixpath.dirname(layout.new_path(path)) or ".") if new else text
        if _INSTALLED.search(before):
            # an import name, written with slashes: where packages are installed is no folder of this tree
            module = layout.new_module(text.strip("/").replace("/", "."))
            if module is not None:
                reason = f"what is imported as {module} is installed there"
                sink.edit(start, end, module.replace(".", "/"), stage=3, rule="path.tracked", reason=reason)
        elif written != posixpath.normpath(text) and text.startswith("../"):
            sink.edit(start, end, written, stage=3, rule="path.tracked", reason=f"{full} is {new} from there")
        elif written != posixpath.normpath(text):
            what = "the folder" if _ENTERED.search(before) else "the file"
            readings = (f"{what} is {new} after the move", "another one of that name")
            sink.list(start, "meson.source", text, readings, _HINT, "error")
        elif world.judge.mentioned(text) and (named := world.judge.value(text, path)) is not None:
            if named.kind == "change" and named.rule != "path.tracked":
                sink.edit(start, end, named.new, stage=3, rule=named.rule, reason=named.reason)
            elif named.readings:
                sink.list(start, named.rule, text, named.readings, severity="note")
