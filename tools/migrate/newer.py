"""Sources in a newer Python than the one that runs the tool, written so that this one can parse them.

Knows `ast` and libcst, whose grammar is that of the newest Python.  Nothing is moved: every character keeps its place,
so that a place in the syntax tree is the same place in the source.  Type parameters become blanks, `type X = Y` an
assignment, an f-string that only a newer Python reads the tuple of its expressions, `except A, B:` becomes
`except A| B:`, and `lazy import a` loses its first word.  What became blank is told, as nothing in it can be seen in
the tree.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .tree import Lines

if TYPE_CHECKING:
    import libcst as cst

Span = tuple[int, int]


class Older(ast.Module):
    """The syntax tree of a source in a newer Python; nothing of the source's spans `unseen` is in it."""

    unseen: tuple[Span, ...] = ()


@lru_cache(maxsize=1)
def as_older(source: str) -> Older | None:
    """The syntax tree of what this Python cannot parse; None if a newer one cannot either."""
    import libcst  # late: it takes a tenth of a second, and most trees never need it

    try:
        wrapper = libcst.MetadataWrapper(libcst.parse_module(source), unsafe_skip_copy=True)
        draft = _Draft(source, wrapper)
        for node in _inside(wrapper.module):
            draft.look_at(node)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = Older(body=ast.parse("".join(draft.out)).body, type_ignores=[])
        tree.unseen = tuple(draft.blanks)
        return tree
    except (libcst.ParserSyntaxError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


@dataclass
class _Draft:
    """The text that is made: `out` holds what stands for each character of the source."""

    source: str
    wrapper: cst.MetadataWrapper
    out: list[str] = field(default_factory=list)
    blanks: list[Span] = field(default_factory=list)

    def __post_init__(self) -> None:
        from libcst.metadata import PositionProvider

        self.out = list(self.source)
        self.starts = Lines(self.source).starts
        self.places = self.wrapper.resolve(PositionProvider)

    def look_at(self, node: cst.CSTNode) -> None:
        match type(node).__name__:
            case "TypeParameters":
                self.blank(*self.span(node))
            case "TypeAlias" | "LazyImport" | "LazyImportFrom":  # `type` or `lazy`
                start = self.span(node)[0]
                self.out[start : start + 4] = "0;  "
            case "ConcatenatedString" | "FormattedString" | "TemplatedString":
                start, end = self.span(node)
                if not _readable(self.source[start:end]):
                    self.strings(node, start, end)
            case "ExceptHandler" | "ExceptStarHandler":
                kinds: Any = node.type  # type: ignore[attr-defined]
                if type(kinds).__name__ == "Tuple" and not kinds.lpar:
                    for element in kinds.elements[:-1]:
                        self.out[self.source.index(",", self.span(element.value)[1])] = "|"
            case _:
                pass

    def strings(self, node: cst.CSTNode, start: int, end: int) -> None:
        """Texts as the tuple of the expressions in them, each at its place."""
        if self.out[start] == " " or self.out[end - 1] == " ":
            return  # lies in something that is blank
        kept = list(self.expressions(node))
        at = start
        for first, last in kept:
            self.blank(at, first)
            while self.source[last] in "\r\n":
                last += 1
            self.out[last] = ","
            at = last + 1
        self.blank(at, end)
        self.out[start], self.out[end - 1] = "(", ")"

    def expressions(self, node: Any) -> Iterator[Span]:
        """Where the expressions in a text are, those of their formats behind them."""
        match type(node).__name__:
            case "ConcatenatedString":
                yield from self.expressions(node.left)
                yield from self.expressions(node.right)
            case "FormattedString" | "TemplatedString":
                for part in node.parts:
                    yield from self.expressions(part)
            case "FormattedStringExpression" | "TemplatedStringExpression":
                start, end = self.span(node)
                rest = [node.whitespace_after_expression, *(node.format_spec or ())]
                after = sum(len(self.wrapper.module.code_for_node(n)) for n in rest) + 1
                after += len(self.wrapper.module.code_for_node(node.equal)) if node.equal else 0
                after += (len(node.conversion) + 1 if node.conversion else 0) + (node.format_spec is not None)
                yield start + 1, end - after
                for part in node.format_spec or ():
                    yield from self.expressions(part)
            case _:
                pass

    def blank(self, start: int, end: int) -> None:
        if self.source[start:end].strip():
            self.blanks.append((start, end))
        for at in range(start, end):
            if self.source[at] not in "\r\n":
                self.out[at] = " " * len(self.source[at].encode())  # columns are counted in bytes

    def span(self, node: cst.CSTNode) -> Span:
        place = self.places[node]
        return (
            self.starts[place.start.line - 1] + place.start.column,
            self.starts[place.end.line - 1] + place.end.column,
        )


def _inside(module: cst.Module) -> Iterator[cst.CSTNode]:
    """All nodes, outer ones first."""
    rest: list[cst.CSTNode] = [module]
    while rest:
        node = rest.pop()
        yield node
        children: Sequence[cst.CSTNode] = node.children
        rest += reversed(children)


def _readable(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(f"({text}\n)", mode="eval")
    except (SyntaxError, ValueError):
        return False
    return True
