"""Paths in Python code: what an expression over `__file__` and names denotes, and paths joined from literal parts.

`ROOT / "pkg" / "data.json"` and `os.path.join(ROOT, "pkg", "data.json")` name
moved files by their parts; the differing parts are replaced where the joined path is tracked.
"""

from __future__ import annotations

import ast
import posixpath
import re

from ..layout import ModuleName
from .context import Context
from .flows import last_name
from .offsets import Offsets
from .origins import Assigned, Origins
from .scopes import Scopes
from .sink import Sink

SAME = {
    "resolve",
    "absolute",
    "abspath",
    "realpath",
    "normpath",
    "Path",
    "PurePath",
    "PosixPath",
    "str",
    "fspath",
    "expanduser",
}
_PATHS = ("Path", "PurePath", "PosixPath", "PurePosixPath")
# What a folder is called that is the root of the tree, and what one is called that is not in it.
ROOT = re.compile(r"(?i)root|repo|project|base|top|cwd|workspace|checkout|here|src")
ELSEWHERE = re.compile(r"(?i)te?mp|out|dest|build|dist|cache|home|scratch|sandbox|venv|site")


class FilePaths:
    def __init__(
        self,
        context: Context,
        sink: Sink,
        scopes: Scopes,
        offsets: Offsets,
        path: str,
        here: ModuleName | None,
    ) -> None:
        self.context, self.sink, self.at = context, sink, offsets
        self.layout, self.path = context.layout, path
        self.assigned = Assigned(context, scopes)
        self.origins = Origins(context, scopes, self.assigned, offsets.source, path, here)
        self.claimed: set[int] = set()  # ids of constants that are part of a joined path
        self._values: dict[int, str | None] = {}

    def scan(self) -> None:
        parents = self.context.parents
        for joined in self.context.of(ast.BinOp):
            if isinstance(joined.op, ast.Div) and not isinstance(parents.get(joined), ast.BinOp):
                self._joined(*_div_parts(joined))
        for node in self.context.of(ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if (
                name == "join"
                and isinstance(node.func, ast.Attribute)
                and not isinstance(node.func.value, ast.Constant)
            ):
                literal = bool(node.args) and isinstance(node.args[0], ast.Constant)
                self._joined(node.args[0] if node.args and not literal else None, node.args[not literal :])
            elif name == "joinpath" and isinstance(node.func, ast.Attribute):
                self._joined(node.func.value, node.args)
            elif name in ("Path", "PurePath", "PosixPath") and len(node.args) > 1:
                self._joined(None, node.args)

    # __file__

    def value(self, node: ast.expr) -> str | None:
        """The path from the root that an expression over `__file__` and known names denotes; None if not known."""
        if id(node) not in self._values:
            self._values[id(node)] = None  # of a name that is assigned from itself
            self._values[id(node)] = self._value(node)
        return self._values[id(node)]

    def behind(self, node: ast.expr) -> set[str | None]:
        """The paths that a name can hold, by what it is assigned."""
        return {self.value(v) for v in self.assigned.behind(node)}

    def _value(self, node: ast.expr) -> str | None:
        if id(node) in self.origins.found:
            return self.origins.found[id(node)][1]
        match node:
            case ast.Name(id="__file__"):
                return self.path
            case ast.Name() | ast.Attribute(value=ast.Name(id="self" | "cls")) | ast.Call(func=ast.Name(), args=[]):
                held = self.behind(node)
                return held.pop() if len(held) == 1 else None
            case ast.NamedExpr(value=inner) | ast.BoolOp(op=ast.Or(), values=[inner, *_]):
                return self.value(inner)
            case ast.Call(func=func, args=[_, inner]) if last_name(func) == "cast":
                return self.value(inner)
            case ast.Attribute(value=inner, attr="parent"):
                base = self.value(inner)
                return None if base in (None, ".") else posixpath.dirname(base or "") or "."
            case ast.Subscript(value=ast.Attribute(value=inner, attr="parents"), slice=ast.Constant(value=int(count))):
                base = self.value(inner)
                for _ in range(count + 1):
                    base = None if base in (None, ".") else posixpath.dirname(base or "") or "."
                return base
            case ast.Call(func=ast.Attribute(value=inner, attr=name), args=[]) if name in SAME:
                return self.value(inner)
            case ast.Call(func=func, args=[ast.Constant(value=str(first)), *others]) if last_name(func) in _PATHS:
                texts = [o.value for o in others if isinstance(o, ast.Constant) and isinstance(o.value, str)]
                if first.startswith(("/", "~")) or len(texts) != len(others):
                    return None
                return _inside(posixpath.normpath(posixpath.join(first, *texts)))
            case ast.Call(func=func, args=[argument, *_]):
                name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
                base = self.value(argument)
                if base is None:
                    return None
                if name == "dirname":
                    return None if base == "." else posixpath.dirname(base) or "."
                if name == "join" and all(
                    isinstance(a, ast.Constant) and isinstance(a.value, str) for a in node.args[1:]
                ):
                    parts = [str(a.value) for a in node.args[1:] if isinstance(a, ast.Constant)]
                    return _inside(posixpath.normpath(posixpath.join(base, *parts)))
                return base if name in SAME else None
            case ast.BinOp(left=left, op=ast.Add(), right=ast.Constant(value=str(part))) if part.startswith("/"):
                base = self.value(left)
                return None if base is None else _inside(posixpath.normpath(f"{base}{part}"))
            case ast.BinOp(left=left, op=ast.Div(), right=ast.Constant(value=str(part))):
                base = self.value(left)
                return None if base is None else _inside(posixpath.normpath(posixpath.join(base, part)))
        return None

    # joined paths

    def _joined(self, base: ast.expr | None, parts: list[ast.expr]) -> None:
        """Literal parts in a row; the longest run that names a tracked path and moves is rewritten."""
        words: list[ast.Constant] = []
        for part in parts:
            if not (isinstance(part, ast.Constant) and isinstance(part.value, str)):
                break
            words.append(part)
        texts = [str(w.value) for w in words]
        if not words or not any(self.context.judge.mentioned(t) for t in texts):
            return
        start_folder = self.value(base) if base is not None else "."
        if base is not None and self._settled(base, start_folder, words, texts):
            self.claimed.update(id(w) for w in words)
            return
        if base is None and len(words) > 1 and self.layout.old_to_new_path(posixpath.normpath("/".join(texts))) is None:
            self.claimed.update(id(w) for w in words[1:])  # they lie below the first
            return
        joined = posixpath.normpath(posixpath.join(start_folder or ".", *texts)) if start_folder else "/".join(texts)
        if start_folder is not None and self.layout.tree.exists(joined) and not self.layout.old_to_new_path(joined):
            self.claimed.update(id(w) for w in words)  # something that stays where it is
            return
        if joined.startswith("..") or not self.layout.existed(joined):
            if base is None or start_folder is not None or not self.layout.existed("/".join(texts)):
                return
            joined = "/".join(texts)
        new = self.layout.old_to_new_path(joined)
        if new is None:
            return
        new_base = self.layout.old_to_new_path(start_folder) if start_folder and start_folder != "." else None
        if new_base is not None and new == new_base + joined[len(start_folder or "") :]:
            for word in words:
                self.claimed.add(id(word))
            return
        if start_folder not in (None, ".") and not joined.startswith(f"{start_folder}/"):
            return
        prefix = 0 if start_folder in (None, ".") else len(str(start_folder)) + 1
        old_rest, new_rest = joined[prefix:], new
        if prefix:
            held = new_base or str(start_folder)
            if not new.startswith(held + "/"):
                self.sink.list(
                    self.at.start(words[0]),
                    "path.joined",
                    "/".join(texts),
                    (f"{joined}, now {new}",),
                    "the folder it starts from does not hold the new place; edit it by hand",
                    "error",
                )
                return
            new_rest = new[len(held) + 1 :]
        self._replace_parts(words, old_rest.split("/"), new_rest.split("/"), f"{joined} moves to {new}")

    def _settled(self, base: ast.expr, start: str | None, words: list[ast.Constant], texts: list[str]) -> bool:
        """Whether joined parts name nothing that moves, or may do so and were listed; such words are no paths alone."""
        whole = posixpath.normpath(posixpath.join(start or ".", *texts))
        new = None if any(t.startswith("/") for t in texts[1:]) else self.layout.old_to_new_path(whole)
        if start is not None or new is None:
            return new is None and not whole.startswith("..") and start != "."
        name = _last_name(base)
        folder = whole in self.layout.tree.dirs or new in self.layout.tree.dirs
        sure = (self.layout.existed(whole) and ("/" in whole or not folder)) or ROOT.search(name)
        if sure and not ELSEWHERE.search(name) and not _absolute(base):
            return False
        if not _absolute(base):
            readings = (f"{whole}, now {new}", "the same name in another folder")
            self.sink.list(self.at.start(words[0]), "path.joined", "/".join(texts), readings)
        return True

    def _replace_parts(self, words: list[ast.Constant], old: list[str], new: list[str], reason: str) -> None:
        texts = [str(w.value) for w in words]
        if [p for t in texts for p in t.split("/") if p not in ("", ".")] != old:
            return
        for word in words:
            self.claimed.add(id(word))
        head = 0
        while head < min(len(old), len(new)) and old[head] == new[head]:
            head += 1
        tail = 0
        while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
            tail += 1
        # Which literals hold the differing middle?  Each is replaced as a whole.
        first = last = None
        position = 0
        spans: list[tuple[int, int]] = []
        for number, text in enumerate(texts):
            count = len([p for p in text.split("/") if p not in ("", ".")])
            spans.append((position, position + count))
            # where nothing of the old path goes, the part before which the new ones come
            if position < max(len(old) - tail, head + 1) and position + count > min(head, len(old) - 1):
                first = number if first is None else first
                last = number
            position += count
        if first is None or last is None:
            return
        while not (parts := new[spans[first][0] : len(new) - (len(old) - spans[last][1])]):  # some word must stay
            first, last = (first, last + 1) if last + 1 < len(words) else (first - 1, last)
        start, end = self.at.start(words[first]), self.at.end(words[last])
        quote = "'" if self.at.source[start] == "'" else '"'
        separator = (
            " / "
            if " / " in self.at.source[start:] or isinstance(self.context.parents.get(words[first]), ast.BinOp)
            else ", "
        )
        if isinstance(self.context.parents.get(words[first]), ast.Call):
            separator = ", "
        if len(words) == 1 and "/" in texts[0]:
            text = quote + "/".join(parts) + quote
        else:
            text = separator.join(quote + p + quote for p in parts)
        self.sink.edit(start, end, text, stage=3, rule="path.joined", reason=reason)


def _div_parts(node: ast.BinOp) -> tuple[ast.expr, list[ast.expr]]:
    parts: list[ast.expr] = []
    left: ast.expr = node
    while isinstance(left, ast.BinOp) and isinstance(left.op, ast.Div):
        parts.append(left.right)
        left = left.left
    return left, list(reversed(parts))


def _last_name(node: ast.expr) -> str:
    """The word by which an expression is called: `tmp_path`, `settings.BASE_DIR`, `get_root()`."""
    while isinstance(node, ast.Call):
        node = node.args[0] if node.args and last_name(node.func) in SAME else node.func
    return last_name(node)


def _absolute(node: ast.expr) -> bool:
    """Whether a joined path begins with a literal that is outside of every tree."""
    while isinstance(node, ast.Call) and node.args and last_name(node.func) in SAME:
        node = node.args[0]
    return isinstance(node, ast.Constant) and str(node.value).startswith(("/", "~"))


def _inside(path: str) -> str | None:
    return None if path.startswith("..") else path
