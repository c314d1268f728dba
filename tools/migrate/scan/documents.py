"""Documents: docstrings with doctests, Markdown and reStructuredText with code blocks.

Code in a document is scanned as code, with all blocks of one document seen as one program (an import in the first block
is used in the third); a block that does not parse is text, and left out of it.  Shell and configuration blocks are
read as commands.  The rest is prose, where only what resolves is changed.
"""

from __future__ import annotations

import ast
import json
import posixpath
import re
from collections.abc import Iterator
from typing import Any

from ..layout import relative_to
from .context import Context, World, parse
from .offsets import Offsets, string_tokens
from .sink import Sink
from .snippets import scan_snippet
from .words import Style, scan_words

Piece = tuple[str, int]  # text, offset

_FENCE = re.compile(r"^(?P<indent>[ \t>]*)(?P<fence>`{3,}|~{3,})[ \t]*\{?\.?(?P<lang>[\w+-]*)[^\n]*$", re.M)
_PROMPT = re.compile(r"^(?P<lead>[ \t]*(?:>>>|\.\.\.)(?: |$))(?P<code>[^\r\n]*)$", re.M)
_RST_BLOCK = re.compile(
    r"^(?P<indent>[ \t]*)\.\. (?:code-block|code|sourcecode|testcode|ipython)::[ \t]*(?P<lang>\w*)[^\n]*\n", re.M
)
_TOCTREE = re.compile(
    r"^(?P<indent>[ \t]*)\.\. toctree::[^\n]*\n(?:(?:(?P=indent)[ \t]+[^\n]*|[ \t]*)(?:\n|\Z))*", re.M
)
_DOCUMENT_ROLE = re.compile(r"(?::doc:|\{doc\})`(?P<entry>[^`]+)`")
_DOCUMENTS = ("", ".rst", ".md", ".txt", ".ipynb")
_PYTHON = {"python", "py", "python3", "py3", "ipython", "ipython3", "code-cell"}
_COMMAND = {
    "sh",
    "bash",
    "console",
    "shell",
    "shell-session",
    "toml",
    "yaml",
    "yml",
    "json",
    "ini",
    "cfg",
    "dockerfile",
    "make",
    "makefile",
    "powershell",
    "bat",
    "zsh",
    "text",
    "diff",
}


def scan_docstring(context: Context, sink: Sink, offsets: Offsets, node: ast.Constant, path: str) -> int:

    start, end = offsets.span(node)
    bare = 0
    for a, b, raw in string_tokens(offsets.source[start:end]):
        text = offsets.source[start + a : start + b]
        shown = text if raw else re.sub(r"\\.", "  ", text, flags=re.S)
        shown = _doctests(context.world, sink, shown, start + a, context)
        # What a doctest expects to be printed may name the module itself.
        printed = 3 if ">>>" in shown else None
        bare += scan_words(shown, start + a, sink, context.judge, path, "prose", stage=printed)
    return bare


def scan_markdown(world: World, sink: Sink, path: str) -> int:
    body = sink.body
    blanked = _links(world, sink, path, body)
    programs: list[list[Piece]] = []
    for match in list(_FENCE.finditer(body)):
        if blanked[match.start() : match.start() + 1] == "\0":
            continue
        close = re.compile(rf"^[ \t>]*{re.escape(match['fence'][0])}{{{len(match['fence'])},}}[ \t]*$", re.M).search(
            body, match.end()
        )
        if close is None:
            continue
        if world.judge.mentioned(match.group()):  # `{automodule} pkg.part`, `title="pkg/part.py"`
            scan_words(match.group(), match.start(), sink, world.judge, path, "prose")
        begin, finish = match.end() + 1, close.start()
        language = match["lang"].lower()
        if language in ("code-block", "code", "sourcecode"):  # a directive, which says the language behind its name
            language = match.group().partition("}")[2].strip().lower()
        block = body[begin:finish]
        # mark the whole fence, so that its closing line is not taken for an opening one
        blanked = blanked[: match.start()] + "\0" * (close.end() - match.start()) + blanked[close.end() :]
        if language == "toctree":
            block = _documents(world, sink, path, block, begin)
        if not world.judge.mentioned(block):
            if language in _PYTHON:
                programs.append(_block_lines(block, begin, match["indent"]))
            continue
        if language in _PYTHON and ">>>" not in block:
            programs.append(_block_lines(block, begin, match["indent"]))
        elif language in (*_PYTHON, "pycon", "doctest"):
            rest = _doctests(world, sink, block, begin)
            scan_words(rest, begin, sink, world.judge, path, "prose")
        else:
            style: Style = "command" if language in _COMMAND or not language else "literal"
            scan_words(block, begin, sink, world.judge, path, style)
    blanked = _roles(world, sink, path, blanked)
    bare = _programs(world, sink, programs, path)
    return bare + scan_words(_doctests(world, sink, blanked, 0), 0, sink, world.judge, path, "prose")


def scan_rst(world: World, sink: Sink, path: str) -> int:
    body = sink.body
    blanked = body
    programs: list[list[Piece]] = []
    for match in _RST_BLOCK.finditer(body):
        depth = len(match["indent"].expandtabs())
        lines: list[Piece] = []
        position = match.end()
        while position < len(body):
            line_end = body.find("\n", position)
            line_end = len(body) if line_end < 0 else line_end + 1
            line = body[position:line_end]
            if line.strip() and len(line) - len(line.lstrip()) <= depth:
                break
            if not (line.strip().startswith(":") and not lines):
                lines.append((line, position))
            position = line_end
        if (match["lang"].lower() in _PYTHON or not match["lang"]) and not any(">>>" in t for t, _ in lines):
            programs.append(lines)
            for text, offset in lines:
                blanked = blanked[:offset] + re.sub(r"[^\n]", "\0", text) + blanked[offset + len(text) :]
        elif match["lang"].lower() in _COMMAND:
            for text, offset in lines:
                scan_words(text, offset, sink, world.judge, path, "command")
                blanked = blanked[:offset] + re.sub(r"[^\n]", "\0", text) + blanked[offset + len(text) :]
    for match in _TOCTREE.finditer(blanked):
        listed = _documents(world, sink, path, match.group(), match.start())
        blanked = blanked[: match.start()] + listed + blanked[match.end() :]
    blanked = _roles(world, sink, path, blanked)
    bare = _programs(world, sink, programs, path)
    return bare + scan_words(_doctests(world, sink, blanked, 0), 0, sink, world.judge, path, "prose")


def _roles(world: World, sink: Sink, path: str, text: str) -> str:
    """What is said of documents by :doc:`entry`, as for a table of contents."""
    for match in _DOCUMENT_ROLE.finditer(text):
        start, end = match.span("entry")
        text = text[:start] + _documents(world, sink, path, text[start:end], start) + text[end:]
    return text


def _documents(world: World, sink: Sink, path: str, text: str, base: int) -> str:
    """Entries that are documents of this tree: the paths of those that move are changed, and names of modules listed.

    Returns the text without all of them, so that nobody takes one for a module of that name.
    """
    folder, layout = posixpath.dirname(path), world.layout
    place_after = posixpath.dirname(layout.new_path(path))

    def blank(match: re.Match[str]) -> str:
        inner = re.search(r"<([^<>]+)>\s*$|(\S.*?)\s*$", match.group())
        entry = (inner[1] or inner[2]) if inner else ""
        places = ((posixpath.normpath(posixpath.join(folder, entry.lstrip("/") + end)), end) for end in _DOCUMENTS)
        place, end = next((found for found in places if entry and found[0] in layout.tree), ("", ""))
        if not inner or not place:
            return match.group()
        moved, start = layout.new_path(place), base + match.start() + inner.start(1 if inner[1] else 2)
        new = posixpath.relpath(moved, place_after or ".").removesuffix(end)
        name = posixpath.basename(place).removesuffix(end)
        called = world.judge.value(name, path, "module") if "." in name else None
        if entry.startswith("/") and moved != place:
            sink.list(start, "path.missing", entry, (f"{place}, now {moved}", "a path from another folder"))
        elif not entry.startswith("/") and new != posixpath.normpath(entry):
            sink.edit(start, start + len(entry), new, stage=3, rule="path.tracked", reason=f"{place} moves")
        elif called is not None and called.kind == "change":
            readings = (f"the document {place}, which keeps its name", f"the module, now {called.new}")
            sink.list(start, "document.name", entry, readings, severity="note")
        return "\0" * len(match.group())

    return re.sub(r"[^\n]+", blank, text)


def _programs(world: World, sink: Sink, programs: list[list[Piece]], path: str) -> int:
    """Blocks of code as one program; those that do not parse as text, of which the bare mentions are counted."""
    bare = 0
    if not any(world.judge.mentioned(text) for block in programs for text, _ in block):
        return bare
    good = [block for block in programs if parse("".join(t for t, _ in _dedent(block))) is not None]
    whole = [piece for block in good for piece in (*_dedent(block), ("\n", block[-1][1]) if block else ("", 0))]
    joined = scan_snippet(world, sink, whole)
    for block in programs:
        if not any(world.judge.mentioned(text) for text, _ in block) or (joined and block in good):
            continue
        if block not in good or not scan_snippet(world, sink, _dedent(block)):
            for text, offset in block:
                bare += scan_words(text, offset, sink, world.judge, path, "literal")
    return bare


def _dedent(block: list[Piece]) -> list[Piece]:
    cut = min((len(t) - len(t.lstrip(" \t")) for t, _ in block if t.strip()), default=0)
    return [(t[cut:], o + cut) if t.strip() else ("\n", o) for t, o in block]


def _block_lines(block: str, offset: int, indent: str) -> list[Piece]:
    """Lines of a fenced block without the quote marks that stand before it in a list or a quotation."""
    out: list[Piece] = []
    for match in re.finditer(r"[^\n]*\n|[^\n]+", block):
        line, cut = match.group(), 0
        if not out and re.match(r"[ \t]*:[\w-]+:", line):
            continue  # an option of a directive
        if ">" in indent and line.startswith(indent.rstrip()):
            cut = len(indent.rstrip()) + (line[len(indent.rstrip()) :][:1] == " ")
        out.append((line[cut:], offset + match.start() + cut))
    return out


def _continues(text: str, start: int) -> bool:
    """Whether "..." at this line goes on from a prompt: in prose, and in printed output, it is an ellipsis."""
    while start:
        before = text.rfind("\n", 0, start - 1) + 1
        match = _PROMPT.match(text, before)
        if match is None or ">>>" in match["lead"]:
            return match is not None
        start = before
    return False


def _doctests(world: World, sink: Sink, text: str, base: int, outer: Context | None = None) -> str:
    """Scan the prompts of `text` as one program; the text with what was scanned blanked out."""

    if ">>>" not in text or not world.judge.mentioned(text):
        return text
    lines = [m for m in _PROMPT.finditer(text) if ">>>" in m["lead"] or _continues(text, m.start())]
    pieces = [(m["code"] + "\n", base + m.start("code")) for m in lines]
    if not scan_snippet(world, sink, pieces, outer=outer):
        groups: list[list[Piece]] = []
        for match, piece in zip(lines, pieces, strict=True):
            if ">>>" in match["lead"] or not groups:
                groups.append([])
            groups[-1].append(piece)
        # What parses by itself is one program, so that an import is known further down; the rest is text.
        parsed = [group for group in groups if parse("".join(t for t, _ in group)) is not None]
        scan_snippet(world, sink, [piece for group in parsed for piece in group], outer=outer)
        for group in (g for g in groups if g not in parsed):
            for code, offset in group:
                scan_words(code, offset, sink, world.judge, "", "literal")
    for match in lines:
        text = text[: match.start("code")] + "\0" * len(match["code"]) + text[match.end("code") :]
    return text


def _links(world: World, sink: Sink, path: str, body: str) -> str:
    """Relative links of a document that itself moves, to files that stay."""
    new_path = world.layout.new_path(path)
    if new_path == path:
        return body
    folder, new_folder = posixpath.dirname(path), posixpath.dirname(new_path)
    for match in re.finditer(r"\]\((?P<target>[^)\s#:]+)(?=[)#\s])|^\[[^\]]+\]:[ \t]*(?P<ref>[^\s#:]+)", body, re.M):
        group = "target" if match["target"] else "ref"
        full = posixpath.normpath(posixpath.join(folder, match[group]))
        if full.startswith("..") or not world.layout.tree.exists(full):
            continue
        target = world.layout.old_to_new_path(full) or full
        written = relative_to(target, new_folder)
        if match[group].endswith("/"):
            written += "/"
        if posixpath.normpath(match[group]) != posixpath.normpath(written):
            sink.edit(
                *match.span(group), written, stage=3, rule="link.relative", reason=f"the document moves to {new_path}"
            )
    return body


def json_strings(body: str) -> Iterator[tuple[tuple[Any, ...], int, int]]:
    """(keys and indices, start, end) of every string in a JSON text, without its quotes; those of keys end in "key"."""
    token = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+', re.S)
    stack: list[list[Any]] = []  # [kind, current key or index]
    expect_key = False
    for match in token.finditer(body):
        text = match.group()
        if text in "{[":
            stack.append([text, 0 if text == "[" else None])
            expect_key = text == "{"
        elif text in "}]":
            if stack:
                stack.pop()
            expect_key = False
        elif text == ",":
            if stack and stack[-1][0] == "[":
                stack[-1][1] += 1
            expect_key = bool(stack) and stack[-1][0] == "{"
        elif text == ":":
            expect_key = False
        elif text[0] == '"':
            path = tuple(level[1] for level in stack)
            if expect_key:
                stack[-1][1] = json.loads(text)
                yield (*tuple(level[1] for level in stack), "key"), match.start() + 1, match.end() - 1
            else:
                yield path, match.start() + 1, match.end() - 1
