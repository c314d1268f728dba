"""One Python source: parse it once, then imports, names, strings, paths and comments, each by its own scanner.

`World` is what all files share; `Context` is what the scanners of one source share.  A source that does not parse is
searched as text and reported, never edited.  Snippets (doctests, fenced blocks, notebook cells, code in strings) go
through the same scanners with their offsets mapped back.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ..classify import Judge
from ..layout import Layout, ModuleName
from ..resolve import Resolver
from ..rewrite import rename_in_expression
from .distributions import scan_distributions
from .dynamic import Dynamic
from .filepaths import FilePaths
from .imports import Imports
from .literals import Literals
from .offsets import Offsets
from .roots import scan_syspath
from .scopes import Scope, Scopes, analyse
from .sink import Segment, Sink
from .words import scan_words

N = TypeVar("N", bound=ast.AST)


@dataclass(slots=True)
class World:
    """What the scan of every file needs.  `mentions` holds each dotted text in the tree that ends in a moving word."""

    layout: Layout
    resolver: Resolver
    judge: Judge
    mentions: frozenset[str] = frozenset()


@dataclass(slots=True)
class Context:
    world: World
    tree: ast.Module
    nodes: list[ast.AST] = field(default_factory=list)
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)
    calls: set[str] = field(default_factory=set)
    exported: set[str] = field(default_factory=set)
    string_values: set[str] = field(default_factory=set)
    in_fstrings: list[tuple[ast.JoinedStr, str, str]] = field(default_factory=list)
    imports: Imports | None = None
    kinds: dict[type[ast.AST], list[ast.AST]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # One walk for everybody: a second one costs as much as parsing.
        self.nodes = flatten(self.tree, self.parents)
        for node in self.nodes:
            self.kinds.setdefault(type(node), []).append(node)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                self.calls.add(node.func.id)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 200:
                self.string_values.add(node.value)
            elif isinstance(node, ast.Assign | ast.AugAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets):
                    self.exported |= {
                        n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)
                    }

    def of(self, *kinds: type[N]) -> list[N]:
        """All nodes of these classes, each class in the order of the walk."""
        return [n for kind in kinds for n in self.kinds.get(kind, ())]  # type: ignore[misc]

    @property
    def layout(self) -> Layout:
        return self.world.layout

    @property
    def resolver(self) -> Resolver:
        return self.world.resolver

    @property
    def judge(self) -> Judge:
        return self.world.judge

    @property
    def mentions(self) -> frozenset[str]:
        return self.world.mentions

    def matters(self, node: ast.ImportFrom) -> bool:
        words = {*(node.module or "").split("."), *(a.name for a in node.names)}
        return bool(words & self.judge.words)


def scan_python(world: World, sink: Sink, path: str, here: ModuleName | None, there: ModuleName | None) -> None:
    tree = parse(sink.body)
    if tree is None:
        _unparsed(world, sink, path)
        return
    bare = _scan(world, sink, tree, sink.body, path, here, there, whole=True)
    if bare:
        note_bare(sink, bare)


_SINGLETONS = frozenset(["ctx", "op", "ops"])  # ast shares these nodes; nothing lies below them


def flatten(tree: ast.AST, parents: dict[ast.AST, ast.AST]) -> list[ast.AST]:
    """All nodes, outer ones first, as `ast.walk` gives them; the scan of a large tree spends much of its time here."""
    nodes = [tree]
    for node in nodes:
        for name in node._fields:
            if name in _SINGLETONS:
                continue
            value = getattr(node, name, None)
            if type(value) is list:
                for item in value:
                    if isinstance(item, ast.AST):
                        parents[item] = node
                        nodes.append(item)
            elif isinstance(value, ast.AST):
                parents[value] = node
                nodes.append(value)
    return nodes


def parse(source: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _scan(
    world: World,
    sink: Sink,
    tree: ast.Module,
    source: str,
    path: str,
    here: ModuleName | None,
    there: ModuleName | None,
    *,
    whole: bool,
    outer: Context | None = None,
) -> int:
    """Run all scanners over one parsed source; returns the number of bare mentions in prose."""
    context = Context(world, tree)
    scopes = analyse(tree)
    offsets = Offsets(source)
    imports = context.imports = Imports(context, sink, scopes, here, there, offsets)
    imports.scan()
    if here is None and not path:
        imports.unbound(outer.imports if outer else None)
    _fstring_names(context, sink, offsets)
    paths = FilePaths(context, sink, offsets, path)
    scan_syspath(context, sink, offsets, paths.value, paths.claimed)
    paths.scan()
    literals = Literals(context, sink, scopes, offsets, path)
    bare = literals.scan(_docstrings(context), paths.claimed)
    Dynamic(context, sink, offsets, here, there).scan()
    imports.finish()
    _bytes(context, sink, offsets)
    if whole:
        bare += _comments(context, sink, source, path)
    context.imports = None  # the two hold each other, and nobody collects circles while files are scanned
    return bare


def scan_snippet(
    context_or_world: Context | World,
    sink: Sink,
    lines: Sequence[tuple[str, int]],
    *,
    dedent: bool = False,
    outer: Context | None = None,
) -> bool:
    """Scan code that lies in pieces at the given offsets of the sink's text; False if it does not parse.

    Each piece ends with its own line end, or gets one.
    """
    world = context_or_world.world if isinstance(context_or_world, Context) else context_or_world
    pieces: list[tuple[str, int]] = []
    for text, offset in lines:
        position = 0
        for line in re.findall(r"[^\n]*\n|[^\n]+", text):
            pieces.append((line, offset + position))
            position += len(line)
    if dedent:
        indents = [len(p) - len(p.lstrip(" \t")) for p, _ in pieces if p.strip()]
        cut = min(indents, default=0)
        pieces = [(p[cut:], o + cut) if p.strip() else (p.lstrip(" \t"), o) for p, o in pieces]
    source, segments = "", []
    for text, offset in pieces:
        segments.append((len(source), offset, len(text)))
        source += text if text.endswith("\n") else text + "\n"
    tree = parse(source)
    if tree is None:
        return False
    scan_mapped(world, sink, tree, source, segments, outer)
    return True


def scan_mapped(
    world: World, sink: Sink, tree: ast.Module, source: str, segments: Sequence[Segment], outer: Context | None = None
) -> None:
    """Scan parsed code whose pieces lie at other offsets of the sink's text; doctests also see names of `outer`."""
    _scan(world, sink.inside(segments, source), tree, source, "", None, None, whole=True, outer=outer)


def scan_annotation(context: Context, sink: Sink, text: str, base: int, scope: Scope) -> bool:
    """A quoted annotation: an expression whose names are seen from `scope`; False if it is none."""
    try:
        tree = ast.parse(f"({text})", mode="eval")
    except (SyntaxError, ValueError):
        return False
    renames: dict[str, str] = {}
    assert context.imports is not None
    known = False
    target = ast.Name("_", ast.Store())
    inner = analyse(ast.Module([ast.AnnAssign(target, tree.body, None, 1)], []))
    for use in inner.uses:
        bound, found = context.imports.through(scope, use)
        known = known or bound
        if found:
            renames[found[0]] = found[1]
    # Strings inside the string: an annotation of their own (`"Optional['a.B']"`), or a value (`"Literal['a']"`).
    places = Offsets(f"({text})")
    for node, _ in inner.annotations:
        first, last = places.span(node)
        word = str(node.value)
        if context.judge.mentioned(word) and places.source[first + 1 : last - 1] == word:
            known = scan_annotation(context, sink, word, base + first, scope) or known
    if not known:
        return False
    for start, end, new in rename_in_expression(text, sorted(renames.items())) or []:
        sink.edit(
            base + start,
            base + end,
            new,
            stage=4,
            rule="annotation",
            reason=f"a quoted annotation names {text[start:end]}",
        )
    return True


def _fstring_names(context: Context, sink: Sink, offsets: Offsets) -> None:
    groups: dict[int, tuple[ast.JoinedStr, list[tuple[str, str]]]] = {}
    for node, old, new in context.in_fstrings:
        groups.setdefault(id(node), (node, []))[1].append((old, new))
    for node, renames in groups.values():
        start, end = offsets.span(node)
        found = rename_in_expression(offsets.source[start:end], renames)
        if found is None or len(found) != len(renames):
            for old, new in renames:
                sink.list(
                    start, "name.fstring", old, (f"{old}, now {new}",), "inside an f-string; edit it by hand", "error"
                )
            continue
        for begin, finish, new in found:
            sink.edit(
                start + begin,
                start + finish,
                new,
                stage=4,
                rule="name",
                reason=f"{offsets.source[start + begin : start + finish]} moves to {new}",
            )


def _docstrings(context: Context) -> set[int]:
    """Ids of the constants that are docstrings, or bare strings used as comments."""
    return {
        id(n.value)
        for n in context.of(ast.Expr)
        if isinstance(n.value, ast.Constant) and isinstance(n.value.value, str)
    }


def _bytes(context: Context, sink: Sink, offsets: Offsets) -> None:
    for node in context.of(ast.Constant):
        if isinstance(node.value, bytes):
            text = node.value.decode("latin-1")
            if any(True for _ in context.judge.tokens(text)):
                start, end = offsets.span(node)
                sink.list(
                    start,
                    "bytes",
                    offsets.source[start:end],
                    ("data that names the code, such as a pickle", "other data"),
                    "bytes are never rewritten; the shim serves old pickles until cleanup",
                    "note",
                )


def _comments(context: Context, sink: Sink, source: str, path: str) -> int:
    if not context.judge.in_comment(source) and "/// script" not in source:
        return 0
    lines = Offsets(source).lines
    bare = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT and "/// script" in source:
                scan_distributions(
                    context.layout, sink, token.string, lines.starts[token.start[0] - 1] + token.start[1]
                )
            if token.type == tokenize.COMMENT and context.judge.mentioned(token.string):
                offset = lines.starts[token.start[0] - 1] + token.start[1]
                bare += scan_words(token.string, offset, sink, context.judge, path, "prose")
    except (tokenize.TokenError, SyntaxError, IndexError):
        return bare
    return bare


def _unparsed(world: World, sink: Sink, path: str) -> None:
    """Not Python that this interpreter can parse: each candidate is listed, nothing is edited."""
    count = 0
    for start, _, token in world.judge.tokens(sink.body):
        verdict = world.judge.value(token, path, "module") or world.judge.path(token, path)
        if verdict is None or verdict.kind == "none":
            continue
        count += 1
        sink.list(
            start,
            "file.unparsed",
            sink.lines.text(sink.lines.line(start)).strip(),
            (f"{token}, now {verdict.new}", "text of its own"),
            "this file does not parse, so it is left as it is",
        )
    if not count:
        sink.list(0, "file.unparsed", path, (), "this file does not parse; it names no moving code", "note")


def note_bare(sink: Sink, count: int) -> None:
    sink.list(
        0,
        "word.bare",
        f"{count} bare mention{'s' if count > 1 else ''}",
        ("the package by its name", "a plain word"),
        "prose is left as it is",
        "note",
    )


__all__ = ["Context", "Scopes", "World", "note_bare", "parse", "scan_annotation", "scan_python", "scan_snippet"]
