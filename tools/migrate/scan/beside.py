"""Paths that a file writes from its own folder, `"parts/ad.py"` in `pkg/BUILD`: what moves is found by the short path.

Everywhere else a path is found by the part that the whole tree knows it by (`Judge.tokens`).  Owns such short paths in
commands and settings, and what Bazel says of them: a file of another package is no source of this one.
"""

from __future__ import annotations

import posixpath
import re

from .context import World
from .sink import Sink

_BUILD = ("BUILD", "BUILD.bazel")


def scan_beside(world: World, sink: Sink, path: str, *, bazel: bool) -> None:
    folder = posixpath.dirname(path)
    inside = [m for m in world.layout.moves if folder and m.path.startswith(f"{folder}/")]
    if not inside:
        return
    short = (re.escape(m.path[len(folder) + 1 :]) + r"/[\w./-]*\w" * m.is_package for m in inside)
    for found in re.finditer(rf"(?<![\w./@:$}}*-])(?:\./)?(?:{'|'.join(short)})(?![\w*/-])", sink.body):
        if sink.covered(*found.span()):
            continue
        text = found.group()
        verdict = world.judge.path(text, path, "path")
        if verdict is None or verdict.kind != "change" or not world.layout.existed(f"{folder}/{text}"):
            continue
        new = posixpath.normpath(posixpath.join(posixpath.dirname(world.layout.new_path(path)), verdict.new))
        if bazel and (verdict.new.startswith("../") or _foreign(world, path, new)):
            readings = (f"the file {folder}/{text}, now {new}, of another package", "another text")
            hint = "a rule takes files of its own package: write a BUILD file there, and name its target"
            sink.list(found.start(), "path.package", text, readings, hint, "error")
        else:
            sink.edit(*found.span(), verdict.new, stage=3, rule="path.tracked", reason=verdict.reason)


def _foreign(world: World, path: str, new: str) -> bool:
    """Whether another BUILD file stands between the one at `path` and the new place of a file of its package."""
    home, tree = posixpath.dirname(world.layout.new_path(path)), {world.layout.new_path(p) for p in world.layout.tree}
    folder = posixpath.dirname(new)
    while folder != home and folder:
        if any(f"{folder}/{name}" in tree for name in _BUILD):
            return True
        folder = posixpath.dirname(folder)
    return False
