"""Paths whose text is put behind a computed folder: `f"{ROOT}/pkg/data"`, `ROOT + "/pkg"`, `"%s/pkg" % ROOT`.

Where that folder is known, the path is rewritten as any other.  Where it is not, a tracked path is listed: the text may
as well be the end of an address.
"""

from __future__ import annotations

import ast
import posixpath
import re

from .context import Context
from .filepaths import ELSEWHERE, ROOT, FilePaths
from .flows import last_name
from .offsets import Offsets, string_tokens
from .sink import Sink

_PATH = re.compile(r"(?:/[\w.@+-]+)+/?")
_BEHIND = re.compile(r"(?:^|[\s=:'\"(\[,])$")  # what may stand before the folder
_ADDRESS = re.compile(r"(?i)ur[li]|host|server|endpoint|api|https?|site|domain|address|route|prefix|bucket|s3|client")


class Glued:
    def __init__(self, context: Context, sink: Sink, offsets: Offsets, paths: FilePaths) -> None:
        self.context, self.sink, self.at, self.paths = context, sink, offsets, paths
        self.layout = context.layout

    def scan(self) -> None:
        for node in self.context.of(ast.BinOp):
            match node:
                case ast.BinOp(left=left, op=ast.Add(), right=ast.Constant(value=str(text))) if text.startswith("/"):
                    if not isinstance(left, ast.Constant | ast.JoinedStr):
                        self._constant(left, node.right, 0)
                case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod(), right=right) if text.startswith("%s/"):
                    given = right.elts[0] if isinstance(right, ast.Tuple) and right.elts else right
                    self._constant(given, node.left, 2)
        for joined in self.context.of(ast.JoinedStr):
            self._fstring(joined)

    def _constant(self, base: ast.expr, node: ast.expr, skip: int) -> None:
        start, end = self.at.span(node)
        pieces = string_tokens(self.at.source[start:end])
        value = str(getattr(node, "value", ""))
        if len(pieces) == 1 and self.at.source[start + pieces[0][0] : start + pieces[0][1]] == value:
            parent = self.context.parents.get(self.context.parents.get(node, node))
            follows = parent.right if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Add) else None
            more = follows is not None and not str(getattr(follows, "value", "")).startswith("/")
            self._path(base, value[skip:], start + pieces[0][0] + skip, more)

    def _fstring(self, node: ast.JoinedStr) -> None:
        values = node.values
        spots = [
            n for n, v in enumerate(values)
            if n and isinstance(v, ast.Constant) and str(v.value).startswith("/")
            and self.context.judge.mentioned(str(v.value)) and _is_plain(values[n - 1])
        ]  # fmt: skip
        if not spots:
            return
        from ..rewrite import string_parts  # libcst takes a quarter of a second to load

        start, end = self.at.span(node)
        texts = [(a, b) for a, b, value in string_parts(self.at.source[start:end]) or () if value is None]
        constants = [n for n, v in enumerate(values) if isinstance(v, ast.Constant)]
        if len(texts) != len(constants):
            return
        for spot in spots:
            a, b = texts[constants.index(spot)]
            before, folder = values[spot - 2] if spot > 1 else None, values[spot - 1]
            held = str(before.value) if isinstance(before, ast.Constant) else ""
            if self.at.source[start + a : start + b] == str(getattr(values[spot], "value", "")) and (
                before is None or (held and _BEHIND.search(held))
            ):
                assert isinstance(folder, ast.FormattedValue)
                more = spot + 1 < len(values)
                self._path(folder.value, self.at.source[start + a : start + b], start + a, more)

    def _path(self, base: ast.expr, text: str, offset: int, more: bool) -> None:
        """`text`, which lies at `offset` and begins with a slash, behind the folder `base`."""
        match = _PATH.match(text)
        if match is None or not self.context.judge.mentioned(text):
            return
        clean, folder = match.group().strip("/"), self.paths.value(base)
        if ".." in clean.split("/"):
            return  # see `climbs`
        whole, follows = self._whole(folder, clean), text[match.end() : match.end() + 1]
        goes_on = not match.group().endswith("/") and (follows in ("*", "?", "[", "{", "%") or (more and not follows))
        if goes_on and whole is not None:
            new = self.layout.old_to_new_path(whole)
            if new is not None and not (more and not follows and whole not in self.layout.tree.dirs):
                readings = (f"something beside {whole}", f"{whole} itself, now {new}")
                self.sink.list(offset, "path.joined", match.group(), readings)
            return
        if goes_on:
            clean = posixpath.dirname(clean)  # the last part goes on
            whole = self._whole(folder, clean) if clean else None
        new = self.layout.old_to_new_path(whole) if whole else None
        if whole is None or new is None:
            return
        if folder is None and not self._sure(base, whole):
            readings = (f"{whole}, now {new}", "the same name in another folder, or the end of an address")
            named = _ADDRESS.search(last_name(base))
            self.sink.list(offset, "path.joined", match.group(), readings, severity="note" if named else "warning")
            return
        held, moved = folder or ".", self.layout.old_to_new_path(folder) if folder not in (None, ".") else None
        written: str | None = new
        if held != ".":
            home = f"{moved or held}/"
            written = new.removeprefix(home) if new.startswith(home) else None
        if written is None:
            hint = "the folder it starts from does not hold the new place; edit it by hand"
            self.sink.list(offset, "path.joined", match.group(), (f"{whole}, now {new}",), hint, "error")
        elif written != clean:
            end = offset + 1 + len(clean)
            reason = f"{whole} moves to {new}"
            self.sink.edit(offset + 1, end, written, stage=3, rule="path.joined", reason=reason)

    def _whole(self, folder: str | None, clean: str) -> str | None:
        whole = posixpath.normpath(posixpath.join(folder or ".", clean))
        return whole if not whole.startswith("..") and self.layout.existed(whole) else None

    def _sure(self, base: ast.expr, whole: str) -> bool:
        """Whether a folder that is not known is the root, by what it is called and by the file that is named."""
        name, tree = last_name(base), self.layout.tree
        known = ROOT.search(name) and not ELSEWHERE.search(name) and not _ADDRESS.search(name)
        new = self.layout.old_to_new_path(whole)
        return bool(known) and whole not in tree.dirs and new not in tree.dirs


def _is_plain(node: ast.expr) -> bool:
    return isinstance(node, ast.FormattedValue) and node.conversion == -1 and node.format_spec is None
