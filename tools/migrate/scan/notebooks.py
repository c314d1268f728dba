"""Notebooks: all code cells as one program, Markdown cells as prose, the lines that only IPython reads as commands.

IPython's own syntax becomes Python of the same length, so that every place stays where it is: a magic line an
expression, `%time x = 1` its statement, `name?` the name.  A cell that does not parse after that is listed and left as
it is; the others are one program without it.  Outputs and metadata are left alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from .calls import words
from .context import World, parse
from .documents import Piece, json_strings
from .sink import Segment, Sink
from .snippets import scan_mapped
from .words import Style, scan_words

# What stands behind these is Python among the names of the notebook; `_OTHERS` run it for themselves.
_OURS = words("time timeit capture prun memit mprun lprun snakeviz pyinstrument scalene debug heat")
_OTHERS = words("python python3 pypy")
_SHELLS = words("bash sh zsh script cmd sx system powershell")
_CELL = re.compile(r"\s*%%(?P<magic>\w+)(?P<rest>[^\n]*)(?:\n|\Z)")
_OPTIONS = r"(?:[ \t]+-\w+(?:[ \t]*\d+)?)*[ \t]+"
_STATEMENT = re.compile(rf"(?P<indent>[ \t]*)(?P<magic>%(?:{'|'.join(sorted(_OURS - {'capture'}))}){_OPTIONS})(?=\S)")
_ASSIGNED = re.compile(r"(?P<name>[ \t]*[\w.,\[\]\"' ]+=[ \t]*)(?P<magic>[!%][^\n]*)")
_HELP_BEFORE = re.compile(r"(?P<indent>[ \t]*)(?P<help>\?{1,2})(?=[ \t]*[A-Za-z_])")
_HELP_AFTER = re.compile(r"[ \t]*[^\W\d][\w.]*(?P<help>\?{1,2})[ \t]*$")


def scan_notebook(world: World, sink: Sink, path: str) -> int:
    """Scan all cells; returns the number of bare mentions in prose."""
    try:
        book = json.loads(sink.body)
        strings = {where: (start, end) for where, start, end in json_strings(sink.body)}
        cells = book["cells"]
    except (ValueError, KeyError, TypeError, RecursionError):
        why = "this is no notebook of format 4, so it is left as it is"
        sink.list(0, "file.unparsed", path, (), why, "warning" if world.judge.mentioned(sink.body) else "note")
        return 0
    bare, program, segments = 0, "", list[Segment]()
    for number, cell in enumerate(cells):
        if not isinstance(cell, dict):
            continue
        source, parts = _cell(sink.body, strings, ("cells", number, "source"), cell.get("source", ""))
        magic = _CELL.match(source)
        code = cell.get("cell_type") == "code"
        if code and (magic is None or magic["magic"] in _OURS):
            inner = sink.inside(parts, source)
            tree_text = _python(world, inner, source, path)
            if tree_text is None:
                _unparsed(world, inner, source, path)
                continue
            segments += [(start + len(program), real, length) for start, real, length in parts]
            program += tree_text + "\n"
        elif world.judge.mentioned(source):
            bare += _other(world, sink, source, parts, path, magic["magic"] if magic and code else "")
    tree = parse(program) if world.judge.mentioned(program) else None
    if tree is not None:
        scan_mapped(world, sink, tree, program, segments)
    return bare


def _other(world: World, sink: Sink, source: str, parts: list[Segment], path: str, magic: str) -> int:
    """A cell of prose, of another language, or of Python that another process runs."""
    inner = sink.inside(parts, source)
    end = source.find("\n") + 1
    first = source[:end]
    if end and (magic in _OTHERS or re.match(r"\s*%%(?:writefile|file)\b[^\n]*\.py\s*$", first)):
        blank = re.sub(r"[^\n]", " ", first)
        tree = parse(blank + source[end:])
        if tree is not None:
            scan_words(first, 0, inner, world.judge, path, "command")
            scan_mapped(world, sink, tree, blank + source[end:], parts)
            return 0
    style: Style = "command" if magic in _SHELLS else "prose"
    return scan_words(source, 0, inner, world.judge, path, style)


def _python(world: World, inner: Sink, source: str, path: str) -> str | None:
    """The cell as Python of the same length, None if it is none; lines that are commands are scanned on the way."""
    text: str | None
    for placeholder in ("", "0", "#"):  # as it is; a magic as an expression; one behind what goes on as a comment
        text, commands = _translated(source, placeholder)
        if parse(text) is not None:
            break
    else:
        text = None
    for line, start in commands:
        if world.judge.mentioned(line):
            scan_words(line, start, inner, world.judge, path, "command")
    return text


def _translated(source: str, placeholder: str) -> tuple[str, list[Piece]]:
    """(the text with IPython's own syntax replaced, the lines that are commands with their places)

    Without a placeholder only the magic of the whole cell is replaced: a line in a string may begin like one.
    """
    out: list[str] = []
    commands: list[Piece] = []
    position, continued, body = 0, False, source
    if cell := _CELL.match(source):
        body = source[cell.end() :]
        out.append(re.sub(r"[^\n]", " ", cell.group()))
        commands.append((cell["rest"], cell.start("rest")))
        position = cell.end()
    if not placeholder:
        return "".join([*out, body]), commands
    for line in re.findall(r"[^\n]*\n|[^\n]+", body):
        bare = line.rstrip("\n")
        new = bare
        if continued:
            commands.append((bare, position))
            new = " " * len(bare)
            continued = bare.endswith("\\")
        elif match := _STATEMENT.match(bare):
            new = match["indent"] + "0;".ljust(len(match["magic"])) + bare[match.end() :]
        elif match := _HELP_BEFORE.match(bare):
            new = match["indent"] + "+" * len(match["help"]) + bare[match.end() :]
        elif match := _HELP_AFTER.match(bare):
            new = bare[: match.start("help")] + " " * (len(bare) - match.start("help"))
        elif bare.lstrip()[:1] in ("%", "!", "?") and bare.strip():
            indent = bare[: len(bare) - len(bare.lstrip())]
            commands.append((bare, position))
            new = indent + placeholder.ljust(len(bare) - len(indent))
            continued = bare.endswith("\\")
        elif match := _ASSIGNED.fullmatch(bare):
            commands.append((match["magic"], position + match.start("magic")))
            new = match["name"] + "0".ljust(len(match["magic"]))
        out.append(new + line[len(bare) :])
        position += len(line)
    return "".join(out), commands


def _unparsed(world: World, inner: Sink, source: str, path: str) -> None:
    for start, _, token in world.judge.tokens(source):
        verdict = world.judge.value(token, path, "module") or world.judge.path(token, path)
        if verdict is None or verdict.kind == "none" or inner.covered(start, start + len(token)):
            continue
        line = source[source.rfind("\n", 0, start) + 1 :].partition("\n")[0].strip()
        readings = (f"{token}, now {verdict.new}", "text of its own")
        inner.list(start, "file.unparsed", line, readings, "this cell does not parse, so it is left as it is")


def _cell(
    body: str, strings: dict[tuple[Any, ...], tuple[int, int]], place: tuple[Any, ...], source: Any
) -> tuple[str, list[Segment]]:
    keys = [place] if isinstance(source, str) else [(*place, n) for n in range(len(source))]
    text, segments = "", []
    for key in keys:
        start, end = strings[key]
        for piece, offset in _unescaped(body, start, end):
            segments.append((len(text), offset, len(piece)))
            text += piece
    return text, segments


def _unescaped(body: str, start: int, end: int) -> Iterator[Piece]:
    """Runs of plain characters, and each escape as what it stands for, of the JSON string between the quotes."""
    for match in re.finditer(r"[^\\]+|\\u[0-9a-fA-F]{4}|\\.", body[start:end], re.S):
        text = match.group()
        yield (json.loads(f'"{text}"') if text[0] == "\\" else text), start + match.start()
