"""Code inside other text: pieces of a document, scripts in strings, quoted annotations.

Puts the pieces together as one source, has it scanned by `World.scan_code`, and maps what is found back to the file.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from .context import Context, World, parse
from .offsets import Offsets
from .scopes import Scope, analyse
from .sink import Segment, Sink


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
    world.scan_code(world, sink.inside(segments, source), tree, source, "", None, None, whole=True, outer=outer)


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
    for node, _ in inner.strings:
        first, last = places.span(node)
        word = str(node.value)
        verdict = context.judge.value(word, sink.path) if places.source[first + 1 : last - 1] == word else None
        if verdict is not None and verdict.kind == "change":
            where = base + first, base + first + len(word)
            sink.edit(*where, verdict.new, stage=verdict.stage, rule=verdict.rule, reason=verdict.reason)
            known = True
    if not known:
        return False
    if not renames:
        return True
    from ..rewrite import rename_in_expression  # libcst takes a quarter of a second to load

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
