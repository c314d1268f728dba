"""The rewrites that need a concrete syntax tree: splitting a from-import, and names inside f-strings.

Everything else is a replaced span of text (see docs/adr/0003), so that no other byte of a file can change.  These two
cannot be: a split moves names with their comments, and before Python 3.12 `ast` gives wrong positions inside f-strings.
Pure functions from text to text; libcst does the parsing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from .tree import Lines

Part = tuple[str, Sequence[tuple[str, str, str | None]]]  # (module as written, [(old name, new name, alias)])
_COMMENT = re.compile(r"#[^\r\n]*")  # there are no strings in such a statement
_LAZY = re.compile(r"(?<!\w)lazy[ \t]+$")
_PRAGMA = re.compile(r"\s*#\s*(?:noqa|type:|pylint|isort|pyright|mypy|ruff)")


def split_from_import(source: str, start: int, end: int, parts: Sequence[Part]) -> str | None:
    """The statement at [start, end) as one statement for each part; None if it cannot be parsed alone.

    The first part keeps the layout of the original.  Comments stay with their names.
    """
    try:
        statement = cst.parse_module(source[start:end] + "\n").body[0]
    except cst.ParserSyntaxError:
        return None
    if not isinstance(statement, cst.SimpleStatementLine) or not isinstance(statement.body[0], cst.ImportFrom):
        return None
    node = statement.body[0]
    if isinstance(node.names, cst.ImportStar):
        return None
    line_start = max(source.rfind("\n", 0, start), source.rfind("\r", 0, start)) + 1
    indent = source[line_start:start]
    lazy = _LAZY.search(indent)  # which each statement then has to be
    indent = indent[: lazy.start()] if lazy else indent
    rest = re.compile(r"[^\r\n]*").match(source, end)
    after = rest.group() if rest else ""
    alone = not indent.strip() and (not after.strip() or after.strip().startswith("#"))
    ends = re.search(r"\r\n|\r|\n", source)
    newline = ends.group() if ends else "\n"
    pragma = after.strip() if _PRAGMA.match(after) else ""
    apart = _with_last_comment(node)
    first = node if _member(node.names[-1], parts[0][1]) else apart
    statements = [_first(first, parts[0]) if parts[0][0] else _other(apart, parts[0])]
    statements += [(lazy[0] if lazy else "") + _other(apart, part) for part in parts[1:]]
    opening = re.compile(r"[^\r\n#]*\([ \t]*(#[^\r\n]*)").match(source, start)
    if alone and node.lpar is not None and opening and opening.end() <= end and _PRAGMA.match(opening[1]):
        statements[1:] = [s if "  #" in s or after.strip() else f"{s}  {opening[1]}" for s in statements[1:]]
    if alone:
        tail = f"  {pragma}" if pragma else ""
        last = statements[-1]
        if "  #" in last and after.strip():  # two comments cannot share a line; the name's own goes above
            last = _comment_above(last, newline + indent)
        lines = [*(s + tail if "  #" not in s else s for s in statements[:-1]), last]
        kept = _COMMENT.findall("\n".join(lines))
        lost = [c for c in _COMMENT.findall(source, start, end) if not any(c in k for k in kept)]
        where = 1 if lazy else 0  # behind its first word no comment can stand
        return (newline + indent).join([*lines[:where], *lost, *lines[where:]])
    return "; ".join(s.split("  #")[0] for s in statements)


def _module(written: str) -> tuple[list[cst.Dot], cst.Attribute | cst.Name | None]:
    name = written.lstrip(".")
    dots = [cst.Dot() for _ in range(len(written) - len(name))]
    module = cst.parse_expression(name) if name else None
    assert module is None or isinstance(module, cst.Attribute | cst.Name)
    return dots, module


def _with_last_comment(node: cst.ImportFrom) -> cst.ImportFrom:
    """A comment behind the last name belongs to that name, also where no comma stands between them."""
    if node.rpar is None or isinstance(node.names, cst.ImportStar):
        return node
    before = node.rpar.whitespace_before
    if not isinstance(before, cst.ParenthesizedWhitespace) or not before.first_line.comment:
        return node
    last = node.names[-1]
    if isinstance(last.comma, cst.Comma):
        return node
    last = last.with_changes(comma=cst.Comma(whitespace_after=before))
    rpar = node.rpar.with_changes(whitespace_before=cst.SimpleWhitespace(""))
    return node.with_changes(names=[*node.names[:-1], last], rpar=rpar)


def _first(node: cst.ImportFrom, part: Part) -> str:
    written, members = part
    assert not isinstance(node.names, cst.ImportStar)
    kept = [alias for alias in node.names if _member(alias, members)]
    aliases = [_renamed(alias, members) for alias in kept]
    if node.lpar is None:
        aliases[-1] = aliases[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    elif kept[-1] is not node.names[-1]:
        # The closing bracket's own indentation hangs on the last comma.
        closing = node.names[-1].comma
        if isinstance(closing, cst.Comma) and isinstance(aliases[-1].comma, cst.Comma):
            own = aliases[-1].comma.whitespace_after
            after = closing.whitespace_after
            if isinstance(own, cst.ParenthesizedWhitespace) and isinstance(after, cst.ParenthesizedWhitespace):
                after = after.with_changes(first_line=own.first_line)
            aliases[-1] = aliases[-1].with_changes(comma=closing.with_changes(whitespace_after=after))
        else:
            comma: cst.Comma | cst.MaybeSentinel = cst.MaybeSentinel.DEFAULT
            behind = aliases[-1].comma.whitespace_after if isinstance(aliases[-1].comma, cst.Comma) else None
            if isinstance(behind, cst.ParenthesizedWhitespace) and behind.first_line.comment:
                last = cst.SimpleWhitespace("")
                comma = cst.Comma(whitespace_after=behind.with_changes(empty_lines=[], last_line=last))
            aliases[-1] = aliases[-1].with_changes(comma=comma)
    dots, module = _module(written)
    new = node.with_changes(relative=dots, module=module, names=aliases)
    return cst.Module(body=[cst.SimpleStatementLine(body=[new])]).code.rstrip("\r\n")


def _other(node: cst.ImportFrom, part: Part) -> str:
    written, members = part
    assert not isinstance(node.names, cst.ImportStar)
    names, comments = [], []
    for alias in node.names:
        if not _member(alias, members):
            continue
        name, new, local = _member(alias, members)[0]
        local = local or (name if new != name else None)
        names.append(f"{new} as {local}" if local and local != new else new)
        comments += re.findall(r"#[^\r\n]*", cst.Module(body=[]).code_for_node(alias))
    text = f"from {written} import {', '.join(names)}" if written else f"import {', '.join(names)}"
    return f"{text}  {'  '.join(comments)}" if comments else text


def _member(
    alias: cst.ImportAlias, members: Sequence[tuple[str, str, str | None]]
) -> list[tuple[str, str, str | None]]:
    local = alias.evaluated_alias
    return [m for m in members if m[0] == alias.evaluated_name and m[2] == local]


def _renamed(alias: cst.ImportAlias, members: Sequence[tuple[str, str, str | None]]) -> cst.ImportAlias:
    name, new, local = _member(alias, members)[0]
    if new == name:
        return alias
    renamed = alias.with_changes(name=cst.Name(new))
    return renamed if local else renamed.with_changes(asname=cst.AsName(cst.Name(name)))


def _comment_above(statement: str, separator: str) -> str:
    code, _, comment = statement.partition("  #")
    return f"#{comment}{separator}{code}"


def rename_in_expression(segment: str, renames: Sequence[tuple[str, str]]) -> list[tuple[int, int, str]] | None:
    """Spans in `segment` (one expression, f-strings included) to replace: longest old dotted name first.

    None if it cannot be parsed.  Only chains that begin with a plain name count: not attributes, not keyword names.
    """
    try:
        module = cst.parse_module("(" + segment + ")\n")
    except cst.ParserSyntaxError:
        return None
    finder = _Chains(dict(renames))
    wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
    wrapper.visit(finder)
    lines = Lines(segment)
    spans = []
    for begin, finish, new in finder.found:
        spans.append((_offset(lines, *begin), _offset(lines, *finish), new))
    return spans


def string_parts(segment: str) -> list[tuple[int, int, str | None]] | None:
    """The literal pieces of an f-string or a template string: (start, end, None) for text of its own, and the value for
    a whole string inside an expression in braces.  The spans are without quotes.  None if it cannot be parsed."""
    try:
        module = cst.parse_module("(" + segment + ")\n")
    except cst.ParserSyntaxError:
        return None
    finder = _Texts()
    MetadataWrapper(module, unsafe_skip_copy=True).visit(finder)
    lines = Lines(segment)
    return [(_offset(lines, *a), _offset(lines, *b), value) for a, b, value in finder.found]


def _offset(lines: Lines, line: int, column: int) -> int:
    """libcst counts columns in characters; the first line is shifted by the bracket put before it."""
    return lines.starts[line - 1] + column - (1 if line == 1 else 0)


class _Chains(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, renames: dict[str, str]) -> None:
        super().__init__()
        self.renames = renames
        self.found: list[tuple[tuple[int, int], tuple[int, int], str]] = []
        self.hidden: list[str] = []  # names bound by the lambdas and comprehensions around

    def _note(self, node: cst.CSTNode, new: str) -> None:
        place = self.get_metadata(PositionProvider, node)
        assert isinstance(place, CodeRange)
        self.found.append(((place.start.line, place.start.column), (place.end.line, place.end.column), new))

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        name = _dotted(node)
        if name is None:
            node.value.visit(self)
            return False
        inner: cst.BaseExpression = node
        while True:
            text = _dotted(inner)
            if text in self.renames and text.split(".")[0] not in self.hidden:
                self._note(inner, self.renames[text])
                return False
            if not isinstance(inner, cst.Attribute):
                return False
            inner = inner.value

    def visit_Name(self, node: cst.Name) -> None:
        if node.value in self.renames and node.value not in self.hidden:
            self._note(node, self.renames[node.value])

    def visit_Lambda(self, node: cst.Lambda) -> bool:
        parameters = [*node.params.posonly_params, *node.params.params, *node.params.kwonly_params]
        for parameter in parameters:
            self.visit_Param(parameter)
        extra = [p for p in (node.params.star_arg, node.params.star_kwarg) if isinstance(p, cst.Param)]
        self._hiding([p.name.value for p in (*parameters, *extra)], node.body)
        return False

    def _comprehension(self, node: cst.BaseComp) -> bool:
        node.for_in.iter.visit(self)
        names: list[str] = []
        loop: cst.CompFor | None = node.for_in
        parts: list[cst.CSTNode] = []
        while loop is not None:
            names += _names(loop.target)
            parts += [*([] if loop is node.for_in else [loop.iter]), *loop.ifs]
            loop = loop.inner_for_in
        parts += [node.key, node.value] if isinstance(node, cst.DictComp) else [getattr(node, "elt")]  # noqa: B009
        self._hiding(names, *parts)
        return False

    visit_ListComp = _comprehension
    visit_SetComp = _comprehension
    visit_GeneratorExp = _comprehension
    visit_DictComp = _comprehension

    def _hiding(self, names: Sequence[str], *nodes: cst.CSTNode) -> None:
        self.hidden += names
        for node in nodes:
            node.visit(self)
        del self.hidden[len(self.hidden) - len(names) :]

    def visit_Arg(self, node: cst.Arg) -> bool:
        node.value.visit(self)
        return False

    def visit_Param(self, node: cst.Param) -> bool:
        if node.default is not None:
            node.default.visit(self)
        return False


class _Texts(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[tuple[int, int], tuple[int, int], str | None]] = []
        self.depth = 0

    def visit_FormattedStringExpression(self, node: cst.FormattedStringExpression) -> None:
        self.depth += 1

    def leave_FormattedStringExpression(self, original_node: cst.FormattedStringExpression) -> None:
        self.depth -= 1

    def visit_FormattedStringText(self, node: cst.FormattedStringText) -> None:
        self._note(node, 0, 0, None)

    def visit_TemplatedStringExpression(self, node: cst.TemplatedStringExpression) -> None:
        self.depth += 1

    def leave_TemplatedStringExpression(self, original_node: cst.TemplatedStringExpression) -> None:
        self.depth -= 1

    def visit_TemplatedStringText(self, node: cst.TemplatedStringText) -> None:
        self._note(node, 0, 0, None)

    def visit_SimpleString(self, node: cst.SimpleString) -> None:
        value = node.evaluated_value
        if isinstance(value, str):
            before = len(node.prefix) + len(node.quote)
            whole = node.value[before : -len(node.quote)] == value
            self._note(node, before, len(node.quote), value if self.depth and whole else None)

    def _note(self, node: cst.CSTNode, before: int, after: int, value: str | None) -> None:
        place = self.get_metadata(PositionProvider, node)
        assert isinstance(place, CodeRange)
        start, end = place.start, place.end
        self.found.append(((start.line, start.column + before), (end.line, end.column - after), value))


def _dotted(node: cst.BaseExpression) -> str | None:
    parts: list[str] = []
    while isinstance(node, cst.Attribute):
        parts.append(node.attr.value)
        node = node.value
    if not isinstance(node, cst.Name):
        return None
    return ".".join([node.value, *reversed(parts)])


def _names(node: cst.CSTNode) -> list[str]:
    """All plain names below a node (libcst's own matchers take longer to load than all the rest of it)."""
    if isinstance(node, cst.Name):
        return [node.value]
    return [name for child in node.children for name in _names(child)]
