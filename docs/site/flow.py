"""Flowcharts as pictures: the `mermaid` blocks of the pages, drawn while the site is built.

Owns the small part of mermaid's language that the pages use, and the way to SVG (the places are `ranks`').  So the
site needs no script from elsewhere, and its pictures are there without a network; a forge draws the same blocks itself.

Raises FlowError for a block that it does not understand: a picture must not be wrong, nor missing without a word.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from .ranks import Box, Edge, Graph, placed

_BLOCK = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NODE = re.compile(r"\s*(\w+)\s*(?:\[/(.*?)/\]|\[(.*?)\]|\{\{(.*?)\}\})?")
_EDGE = re.compile(r"\s*(?:(-->)|--\s*(.+?)\s*-->|(-\.->)|-\.\s*(.+?)\s*\.->)")
_LETTER, _LINE = 7.0, 17.0
_TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>'
)


class FlowError(Exception):
    """A block that cannot be drawn; says which line."""


@dataclass(frozen=True, slots=True)
class _Node:
    text: tuple[str, ...]
    shape: str  # box, file or check


def with_drawings(text: str) -> str:
    """The page with each mermaid block replaced by its picture."""
    return _BLOCK.sub(lambda match: drawn(match[1]), text)


def drawn(source: str) -> str:
    """One flowchart as SVG, in a single line: Markdown would take an empty one for its end."""
    nodes, edges = parsed(source)
    boxes = {name: _size(node) for name, node in nodes.items()}
    graph = placed(boxes, edges)
    shapes = [_edge(edge, path) for edge, path in zip(edges, graph.paths, strict=True)]
    shapes += [_box(node, graph.boxes[name]) for name, node in nodes.items()]
    shapes += [_label(edge, graph, at) for at, edge in enumerate(edges) if edge.text]
    said = html.escape("; ".join(f"{edge.source} to {edge.target}" for edge in edges))
    width, height = f"{graph.width:.0f}", f"{graph.height:.0f}"
    return (
        f'<div class="flow"><svg viewBox="0 0 {width} {height}" style="max-width:{width}px" '
        f'role="img" aria-label="A flowchart: {said}">{_TIP}{"".join(shapes)}</svg></div>'
    )


def parsed(source: str) -> tuple[dict[str, _Node], list[Edge]]:
    """Nodes and edges of a block.  Raises FlowError."""
    lines = [line.strip() for line in source.splitlines() if line.strip()]
    if not lines or not lines[0].startswith("flowchart "):
        raise FlowError(f"only flowcharts can be drawn, not {lines[:1]}")
    nodes: dict[str, _Node] = {}
    edges: list[Edge] = []
    for line in lines[1:]:
        group, at = _group(line, 0, nodes)
        while at < len(line):
            match = _EDGE.match(line, at)
            if match is None:
                raise FlowError(f"no arrow at {line[at:]!r} in {line!r}")
            text = (match[2] or match[4] or "").strip('" ')
            following, at = _group(line, match.end(), nodes)
            dotted = bool(match[3] or match[4])
            edges += [Edge(one, other, text, dotted) for one in group for other in following]
            group = following
    return nodes, edges


def _group(line: str, at: int, nodes: dict[str, _Node]) -> tuple[list[str], int]:
    names = []
    while True:
        match = _NODE.match(line, at)
        if match is None:
            raise FlowError(f"no node at {line[at:]!r} in {line!r}")
        name, (file, box, check) = match[1], match.groups()[1:]
        text = file or box or check
        if text is not None or name not in nodes:
            shape = "file" if file is not None else "check" if check is not None else "box"
            words = (text or name).strip('"/ ')
            nodes[name] = _Node(tuple(re.split(r"<br\s*/?>", words)), shape)
        names.append(name)
        at = match.end()
        more = re.compile(r"\s*&").match(line, at)
        if more is None:
            return names, len(line.rstrip()) if not line[at:].strip() else at
        at = more.end()


def _size(node: _Node) -> tuple[float, float]:
    return max(len(line) for line in node.text) * _LETTER + 26, len(node.text) * _LINE + 16


def _box(node: _Node, box: Box) -> str:
    left, top = box.x - box.width / 2, box.y - box.height / 2
    if node.shape == "file":
        width, height = f"{box.width:.0f}", f"{box.height:.0f}"
        shape = f'<path class="file" d="M{left + 8:.0f} {top:.0f}h{width}l-16 {height}h-{width}z"/>'
    else:
        radius = box.height / 2 if node.shape == "check" else 5
        shape = (
            f'<rect class="{node.shape}" x="{left:.0f}" y="{top:.0f}" width="{box.width:.0f}" '
            f'height="{box.height:.0f}" rx="{radius:.0f}"/>'
        )
    first = box.y - (len(node.text) - 1) * _LINE / 2 + 4.5
    head = ' class="head"' if len(node.text) > 1 else ""
    lines = [
        f'<text x="{box.x:.0f}" y="{first + at * _LINE:.1f}"{head if at == 0 else ""}>{html.escape(line)}</text>'
        for at, line in enumerate(node.text)
    ]
    return shape + "".join(lines)


def _edge(edge: Edge, path: list[tuple[float, float]]) -> str:
    (x, y), *rest = path
    words = [f"M{x:.0f} {y:.0f}"]
    for at in range(0, len(rest), 3):
        words.append("C" + " ".join(f"{a:.0f} {b:.0f}" for a, b in rest[at : at + 3]))
    return f'<path class="{"edge dotted" if edge.dotted else "edge"}" marker-end="url(#tip)" d="{"".join(words)}"/>'


def _label(edge: Edge, graph: Graph, at: int) -> str:
    x, y = graph.labels[at]
    width = len(edge.text) * 6.2 + 8
    return (
        f'<rect class="label" x="{x - width / 2:.0f}" y="{y - 9:.0f}" width="{width:.0f}" height="18"/>'
        f'<text class="label" x="{x:.0f}" y="{y + 4:.0f}">{html.escape(edge.text)}</text>'
    )
