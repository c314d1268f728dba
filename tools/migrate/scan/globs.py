"""Globs and folders that find fewer files after the move, although they do not name what moves: see `patterns`.

In files of commands and settings, in those of owners and ignores, and in Python, where a folder is walked through or
searched.  All of it is listed: whether the new place should be found as well is for a person to say.  An ignore file
that comes to match moved files is listed, too: git keeps them, but would not see a new file beside them.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Callable
from typing import Literal

from ..layout import Layout
from ..patterns import Change, Patterns
from ..tree import decode
from .calls import words
from .context import Context, World
from .filepaths import FilePaths
from .flows import last_name
from .offsets import Offsets
from .sink import Sink

_IGNORES = re.compile(r"\.\w*ignore$")
_LINE = re.compile(r"^[ \t]*!?(?P<pattern>(?![#!])\S+)", re.M)
_SEARCHES = ("glob", "rglob", "iglob", "glob1")
_WALKS = ("walk", "fwalk", "iterdir", "listdir", "scandir")
_CALL = re.compile(rb"\b(?:[ri]?glob1?|f?walk|iterdir|listdir|scandir)\(")
_LITERAL = re.compile(rb"[\"'}][\w.?\[\]{},/@!^-]{0,120}\*[\w.*?\[\]{},/@-]{0,120}[\"']")
_LARGEST = 1 << 20  # bytes of a file of settings; what is larger is data
_SETTINGS = words("""
    .yml .yaml .cfg .ini .conf .json .jsonc .json5 .sh .bash .zsh .fish .mk .toml .tf .hcl .cmd .bat .ps1 .just .nix
    .properties .bzl .bazel .env .service
""")
_NAMED = re.compile(
    r"(?:Docker|Container|Make|Just|just|Jenkins|Tilt|Rake|Proc)file|(?:BUILD|WORKSPACE)(?:\.|$)"
    r"|\.(?:coveragerc|flake8|pylintrc|envrc|importlinter)$"
)
_OF_LINES = re.compile(r"CODEOWNERS$|\.\w+(?:ignore|attributes)$")


def may_match(layout: Layout, patterns: Patterns) -> Callable[[str, bytes], bool]:
    """Whether a file that does not name what moves may hold a pattern that matches it; a search in its bytes."""
    tops = sorted({m.path.split("/")[0].encode() for m in layout.moves if "/" in m.path})
    named = re.compile(b"|".join(rb"\b" + re.escape(top) + rb"[\"'/]" for top in tops) or rb"(?!)")
    starred = re.compile(rb"[\"']\.{0,2}/?\*\*?/")
    top = any("/" not in m.path for m in layout.moves)  # the root loses a child

    def python(path: str, data: bytes) -> bool:
        called = _CALL.search(data) is not None
        if not called and not (b"*" in data and any(b"/" in m.group() for m in _LITERAL.finditer(data))):
            return False
        if named.search(data) or starred.search(data):
            return True
        folder = posixpath.dirname(path)
        above = top or any(f"{folder}/".startswith(f + "/") for f in patterns.folders)
        return called and above and b"__file__" in data

    def found(path: str, data: bytes) -> bool:
        if path.endswith((".py", ".pyw")):
            return python(path, data)
        name = posixpath.basename(path)
        if _OF_LINES.search(name):
            return True
        if posixpath.splitext(name)[1].lower() not in _SETTINGS and not _NAMED.match(name):
            return False
        if len(data) > _LARGEST or (text := decode(data)) is None:
            return False
        return any(True for _ in patterns.in_text(text.body, path))

    return found


def scan_globs(world: World, sink: Sink, path: str) -> None:
    """Files of commands and settings, after all that names something has been settled."""
    for start, text, change in world.judge.patterns.in_text(sink.body, path):
        if not _told(sink, start, text):
            _list(sink, start, text, change, "warning" if "*" in text else "note")


def scan_lines(world: World, sink: Sink, path: str) -> None:
    """Owners, attributes and ignore files: a pattern to a line, which begins at the file's own folder."""
    patterns, folder = world.judge.patterns, "" if path.endswith("CODEOWNERS") else posixpath.dirname(path)
    ignores, git = _IGNORES.search(path) is not None, path.endswith(".gitignore")
    for match in _LINE.finditer(sink.body):
        start, text = match.start("pattern"), match["pattern"]
        if _told(sink, start, text) or not re.search(r"\w", text):
            continue
        pattern = text if "/" in text.strip("/") or text.startswith("/") else f"**/{text}"
        change = patterns.change(pattern, folder)
        if change.lost and not git:
            _list(sink, start, text, change, "warning" if "*" in text else "note")
        if change.gained and ignores and not (change.lost or change.kept):
            hint = "git keeps what it knows, and does not see new files there" if git else ""
            readings = (f"{change.gained[0]} is to be ignored there", "it means other files: say so with a longer path")
            sink.list(start, "path.ignored", text, readings, hint)


def _told(sink: Sink, start: int, text: str) -> bool:
    """Whether the text has been changed, or listed as one that names what moves."""
    line, shown = sink.lines.line(start), text.strip("/")
    listed = any(f.line == line and f.rule.startswith("path.") and shown in f.text for f in sink.out.findings)
    return listed or sink.covered(start, start + len(text))


def _list(sink: Sink, start: int, text: str, change: Change, severity: Literal["warning", "note"]) -> None:
    sink.list(start, "path.loses", text, change.told(), change.hint(), severity)


class Globs:
    """Calls that search or walk through a folder, and patterns in strings."""

    def __init__(self, context: Context, sink: Sink, offsets: Offsets, paths: FilePaths, path: str) -> None:
        self.context, self.sink, self.at, self.paths = context, sink, offsets, paths
        self.patterns, self.path = context.judge.patterns, path
        self._seen: set[int] = set()  # ids of constants that belong to a call

    def scan(self) -> None:
        for call in self.context.of(ast.Call):
            name = last_name(call.func)
            if name in _SEARCHES or name in _WALKS:
                self._call(call, name)
        for node in self.context.of(ast.Constant):
            if isinstance(node.value, str) and "*" in node.value and "/" in node.value and id(node) not in self._seen:
                self._text(node)

    def _call(self, call: ast.Call, name: str) -> None:
        method = isinstance(call.func, ast.Attribute) and last_name(call.func.value) not in ("os", "glob")
        base = call.func.value if method and isinstance(call.func, ast.Attribute) else None
        given = call.args[0] if call.args else None
        roots = [k.value for k in call.keywords if k.arg == "root_dir"]
        if base is None and roots:
            base = roots[0]
        if name in _WALKS and base is None:
            base, given = given, None
        folder = self._folder(base) if base is not None else "."
        pattern = ""
        if isinstance(given, ast.Constant) and isinstance(given.value, str):
            pattern = given.value
            self._seen.add(id(given))
            if self.sink.covered(*self.at.span(given)):
                return  # it names what moves
        elif given is not None and name in _SEARCHES:
            found = self.paths.value(given)
            if found is None:
                return
            pattern = found
        if folder is None:
            if name in _SEARCHES and "/" in pattern and isinstance(given, ast.Constant):
                self._seen.discard(id(given))  # it may be seen from the root: looked at as any other text
            return
        if name in ("iterdir", "listdir", "scandir") or pattern == "*":
            change = self._children("" if folder == "." else folder)
        else:
            inner = "**" if name in ("walk", "fwalk", "rglob") else ""
            change = self.patterns.change(posixpath.normpath(posixpath.join(folder, inner, pattern)))
        if change.lost and not self._listed(call):
            start, end = self.at.span(call)
            _list(self.sink, start, self.at.source[start:end], change, "note" if name in _WALKS else "warning")

    def _children(self, folder: str) -> Change:
        """What goes from among the children of a folder; one that gets another name there is still found."""
        moves = self.context.layout.moves
        gone = [m for m in moves if posixpath.dirname(m.path) == folder != posixpath.dirname(m.to_path)]
        return Change(tuple(sorted(m.path for m in gone)))

    def _folder(self, node: ast.expr) -> str | None:
        """The folder that is searched; by the parts that are written where what they are joined to is not known."""
        known = self.paths.value(node)
        if known is not None:
            return known
        inner = node.args[0] if isinstance(node, ast.Call) and len(node.args) == 1 else node
        words = [str(n.value) for n in ast.walk(inner) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        joined = "/".join(w.strip("/") for w in words)
        return joined if joined in self.patterns.folders else None

    def _text(self, node: ast.Constant) -> None:
        text, outer = str(node.value), self.context.parents.get(node)
        if not re.fullmatch(r"[\w.*?\[\]{},/@!^-]+", text) or (text[0] == "/" and not isinstance(outer, ast.JoinedStr)):
            return
        start, end = self.at.span(outer if isinstance(outer, ast.JoinedStr) else node)
        if self.sink.covered(start, end) or self._listed(node):
            return
        change = self.patterns.lost(text, posixpath.dirname(self.path))
        if change is not None:
            _list(self.sink, start, text, change, "warning")

    def _listed(self, node: ast.expr) -> bool:
        """Whether another scanner has listed what stands there."""
        lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        rules = ("path.", "import.discovered")
        return any(f.line in lines and f.rule.startswith(rules) for f in self.sink.out.findings)
