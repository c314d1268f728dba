"""Who depends on whom: the graph of the packages that use the moving ones, as JSON, DOT and a drawing.

Owns the graph, its cycles and its layout.  It must not know where the pairs come from, and it reads and prints nothing:
every function takes a value and gives one.  Whatever the order of the pairs, the output is the same, byte by byte.

The drawing goes from left to right, from the users to what they use.  Packages of one import cycle share a column
(networkx condenses the graph and gives the longest-path layers); a long column is split.  An arrow that passes a column
gets a slot in it, one for all arrows to the same package, so no line runs through a box.  Columns are ordered by the
mean place of their neighbours, and placed as near to it as their order and the distances allow.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import networkx as nx  # type: ignore[import-untyped]

from tools.migrate.summary import clean, quoted

MAX_NODES = 60
MAX_LABEL = 32
ROWS = 20
MAX_ARCS = 24
_CHAR, _PAD, _BOX, _GAP_X, _GAP_Y, _SLOT, _MARGIN = 7.25, 9.0, 22.0, 72.0, 8.0, 12.0, 12.0
_SEPARATOR = re.compile(r"[./]")
_CSS = (
    ".dependencies text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:var(--ink,#1d2430)}"
    ".dependencies rect{fill:var(--panel,#fff);stroke:var(--line-strong,#8a94a3)}"
    ".dependencies .moves rect{fill:var(--accent-soft,#dde9fb);stroke:var(--accent,#1f5fbf);stroke-width:2}"
    ".dependencies .moves text{font-weight:600}"
    ".dependencies path{fill:none;stroke:var(--edge,#8a94a3);stroke-width:1.2}"
    ".dependencies .cycle{stroke:var(--bad,#b3261e);stroke-dasharray:4 3}"
    ".dependencies polygon{fill:var(--edge,#8a94a3)}.dependencies polygon.cycle-end{fill:var(--bad,#b3261e)}"
    ".dependencies .mutual{stroke-dasharray:4 3}.dependencies .faint{opacity:.3}"
    ".dependencies.chosen .faint{opacity:1}.dependencies.chosen .dim{opacity:.15}"
)


def dependency_graph(uses: Iterable[tuple[str, str]]) -> nx.DiGraph:
    """The graph of (user, used) pairs; an edge counts how often its pair came. A package's use of itself is no edge."""
    graph = nx.DiGraph()
    for (user, used), count in sorted(Counter(uses).items()):
        graph.add_nodes_from((user, used))
        if user != used:
            graph.add_edge(user, used, uses=count)
    return graph


def to_json(graph: nx.DiGraph) -> dict[str, Any]:
    """The graph as plain lists, sorted; `from_json` reads it back."""
    return {
        "nodes": [{"id": n, "uses": graph.out_degree(n), "used_by": graph.in_degree(n)} for n in sorted(graph)],
        "edges": [{"user": a, "used": b, "uses": n} for a, b, n in sorted(graph.edges(data="uses", default=1))],
        "cycles": cycles(graph),
    }


def from_json(data: Mapping[str, Any]) -> nx.DiGraph:
    """The graph that `to_json` wrote; an empty mapping is an empty graph."""
    graph = nx.DiGraph()
    graph.add_nodes_from(node["id"] for node in data.get("nodes", ()))
    graph.add_edges_from((e["user"], e["used"], {"uses": e.get("uses", 1)}) for e in data.get("edges", ()))
    return graph


def renamed(graph: nx.DiGraph, names: Mapping[str, str]) -> nx.DiGraph:
    """The graph with other names for some packages, and for what is below them; packages of one name become one."""

    def new(name: str) -> str:
        best = max((old for old in names if name == old or name.startswith(f"{old}.")), key=len, default=None)
        return name if best is None else names[best] + name[len(best) :]

    out, counts = nx.DiGraph(), Counter[tuple[str, str]]()
    out.add_nodes_from(sorted({new(node) for node in graph}))
    for user, used, count in graph.edges(data="uses", default=1):
        counts[new(user), new(used)] += count
    out.add_edges_from((a, b, {"uses": counts[a, b]}) for a, b in sorted(counts) if a != b)
    return out


def to_dot(graph: nx.DiGraph) -> str:
    """The graph in Graphviz's language, one statement a line, sorted."""
    lines = ["digraph dependencies {", "  rankdir=LR;", '  node [shape=box, fontname="monospace"];']
    lines += [f"  {quoted(node)};" for node in sorted(graph)]
    lines += [f"  {quoted(a)} -> {quoted(b)};" for a, b in sorted(graph.edges)]
    return "\n".join([*lines, "}", ""])


def cycles(graph: nx.DiGraph) -> list[list[str]]:
    """Import cycles, each from its first name in the alphabet, without naming that one again at the end.

    There may be exponentially many; for every edge that is in a cycle this gives a shortest one through it.
    """
    found: set[tuple[str, ...]] = set()
    for component in nx.strongly_connected_components(graph):
        # Sorted, because among equally short ways back the search takes the one that was inserted first.
        part = nx.DiGraph()
        part.add_nodes_from(sorted(component))
        part.add_edges_from(sorted(graph.subgraph(component).edges))
        for user, used in part.edges:
            way = nx.shortest_path(part, used, user)
            first = way.index(min(way))
            found.add(tuple(way[first:] + way[:first]))
    return [list(cycle) for cycle in sorted(found, key=lambda names: (len(names), names))]


def grouped(graph: nx.DiGraph, keep: Collection[str] = (), limit: int = MAX_NODES) -> tuple[nx.DiGraph, dict[str, int]]:
    """A graph of at most `limit` nodes, and how many packages each folder in it stands for.

    Names (dotted or paths) are cut to as many leading parts as fit; if even the first parts are too many, the least
    connected ones become one node.  Names in `keep` stay whole as long as they leave room.
    """
    if len(graph) <= limit:
        return graph, {}
    whole = set(keep) & set(graph)
    whole = whole if len(whole) < limit else set()
    names: dict[str, str] = {}
    for depth in (4, 3, 2, 1):
        names = {n: n if n in whole else _leading(n, depth) for n in sorted(graph)}
        if len(set(names.values())) <= limit:
            break
    else:
        degree: Counter[str] = Counter()
        for node, name in names.items():
            degree[name] += graph.degree(node)
        ranked = sorted(degree, key=lambda n: (n not in whole, -degree[n], n))
        shown = set(ranked[: limit - 1])
        names = {n: name if name in shown else "other packages" for n, name in names.items()}
    sizes = Counter(names.values())
    counts: Counter[tuple[str, str]] = Counter()
    for user, used, count in graph.edges(data="uses", default=1):
        counts[names[user], names[used]] += count
    small = nx.DiGraph()
    small.add_nodes_from(sorted(sizes))
    small.add_edges_from((a, b, {"uses": counts[a, b]}) for a, b in sorted(counts) if a != b)
    return small, {name: sizes[name] for name in sorted(sizes) if sizes[name] > 1 or name not in graph}


def to_svg(graph: nx.DiGraph, highlight: Collection[str]) -> str:
    """A drawing to put into a page: sized in pixels, coloured by the page's CSS variables. Nothing for no packages."""
    if not graph:
        return ""
    graph, sizes = grouped(graph, highlight)
    labels = {n: _label(n, sizes.get(n, 0)) for n in graph}
    drawing = _Drawing(graph, labels, _columns(graph), whole=not sizes)
    ids = {node: index for index, node in enumerate(sorted(graph))}
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="dependencies" role="img" width="{drawing.width:.0f}" '
        f'height="{drawing.height:.0f}" viewBox="0 0 {drawing.width:.0f} {drawing.height:.0f}">',
        f"<title>Dependencies between {len(graph)} packages</title><style>{_CSS}</style>",
        *drawing.edges(ids),
    ]
    for node in sorted(graph):
        x, y, width = drawing.box(node)
        about = f"{clean(node)}: uses {graph.out_degree(node)}, used by {graph.in_degree(node)}"
        kind = ' class="moves"' if node in highlight else ""
        out.append(
            f'<g{kind} data-node="{ids[node]}"><title>{escape(about)}</title>'
            f'<rect x="{x:.1f}" y="{y - _BOX / 2:.1f}" width="{width:.1f}" height="{_BOX:.0f}" rx="4"/>'
            f'<text x="{x + _PAD:.1f}" y="{y + 4:.1f}">{escape(labels[node])}</text></g>'
        )
    return "\n".join([*out, "</svg>"])


@dataclass(frozen=True, slots=True, order=True)
class _Item:
    """What takes a place in a column: a package, or (`passing`) the arrows to one further right."""

    name: str
    passing: bool = False

    @property
    def height(self) -> float:
        return _SLOT if self.passing else _BOX + _GAP_Y


# A column is a list of groups; a group is one package, or all packages of one cycle.
_Column = list[list[str]]


class _Drawing:
    """Columns of items with coordinates, and the lines between them."""

    def __init__(
        self, graph: nx.DiGraph, labels: Mapping[str, str], columns: Sequence[_Column], *, whole: bool
    ) -> None:
        self._graph, self._whole = graph, whole
        self._at = {node: i for i, column in enumerate(columns) for group in column for node in group}
        # Each line between two neighbouring columns, with the users whose arrows it carries.
        self._links: dict[tuple[int, _Item, _Item], set[str]] = defaultdict(set)
        layers: list[list[list[_Item]]] = [[[_Item(n) for n in group] for group in column] for column in columns]
        slots: dict[int, set[_Item]] = defaultdict(set)
        for user, used in sorted(graph.edges):
            here = _Item(user)
            for i in range(self._at[user] + 1, self._at[used] + 1):
                there = _Item(used, passing=i < self._at[used])
                if there.passing:
                    slots[i].add(there)
                self._links[i - 1, here, there].add(user)
                here = there
        for i in sorted(slots):
            # In the middle, where they stay unless their neighbours draw them elsewhere.
            half = len(layers[i]) // 2
            layers[i][half:half] = [[item] for item in sorted(slots[i])]
        self._y = _placed(layers, self._links)
        self._x: list[tuple[float, float]] = []
        x = _MARGIN
        for column in columns:
            width = max(_width(labels[n]) for group in column for n in group) + 2 * _PAD
            self._x.append((x, width))
            x += width + _GAP_X
        self.width = x + _MARGIN - (0 if any(self._cyclic(e) for e in graph.edges) else _GAP_X)
        self.height = max((y for y in self._y.values()), default=0) + _BOX / 2 + _MARGIN

    def _cyclic(self, edge: tuple[str, str]) -> bool:
        return self._at[edge[0]] == self._at[edge[1]]

    def box(self, node: str) -> tuple[float, float, float]:
        left, width = self._x[self._at[node]]
        return left, self._y[self._at[node], _Item(node)], width

    def edges(self, ids: Mapping[str, int]) -> list[str]:
        out = []
        for (i, here, there), users in sorted(self._links.items()):
            start, y1 = sum(self._x[i]), self._y[i, here]
            end, y2 = self._x[i + 1][0], self._y[i + 1, there]
            bend = (end - start) / 2
            path = f"M{start:.1f} {y1:.1f}C{start + bend:.1f} {y1:.1f} {end - bend:.1f} {y2:.1f} {end:.1f} {y2:.1f}"
            if there.passing:
                path += f"H{sum(self._x[i + 1]):.1f}"
            carried = " ".join(str(ids[u]) for u in sorted(users))
            out.append(f'<path data-users="{carried}" data-used="{ids[there.name]}" d="{path}"/>')
        cyclic = [e for e in sorted(self._graph.edges) if self._cyclic(e)]
        # Two folders that use each other are no import cycle; and too many arcs say nothing until one is chosen.
        mutual = "cycle" if self._whole else "mutual"
        faint = " faint" if len(cyclic) > MAX_ARCS else ""
        for node in sorted(self._graph):
            left, y, width = self.box(node)
            if any(not self._cyclic(e) for e in self._graph.in_edges(node)):
                out.append(f'<polygon points="{_arrow(left, y, -7)}"/>')
            for user in (user for user, used in cyclic if used == node):
                right, y1 = left + width, self.box(user)[1]
                far = right + min(14 + abs(y - y1) / 4, _GAP_X - 20)
                ends = f'data-users="{ids[user]}" data-used="{ids[node]}"'
                out_y, in_y = y1 + 4, y - 4
                path = f"M{right:.1f} {out_y:.1f}C{far:.1f} {out_y:.1f} {far:.1f} {in_y:.1f} {right + 6:.1f} {in_y:.1f}"
                out.append(f'<path class="{mutual}{faint}" {ends} d="{path}"/>')
                if not faint:
                    out.append(f'<polygon class="{mutual}-end" points="{_arrow(right, in_y, 7)}"/>')
        return out


def _columns(graph: nx.DiGraph) -> list[_Column]:
    """Columns from left to right: users before what they use."""
    condensed = nx.condensation(graph)
    layers = list(nx.topological_generations(condensed.reverse(copy=True)))
    columns: list[_Column] = []
    for layer in reversed(layers):
        groups = sorted(sorted(condensed.nodes[c]["members"]) for c in layer)
        rows = sum(len(g) for g in groups)
        share = rows / -(-rows // ROWS)
        part: _Column = []
        for group in groups:
            if part and sum(len(g) for g in part) + len(group) > share + 0.5:
                columns.append(part)
                part = []
            part.append(group)
        columns.append(part)
    return columns


def _placed(
    layers: list[list[list[_Item]]], links: Mapping[tuple[int, _Item, _Item], set[str]]
) -> dict[tuple[int, _Item], float]:
    """The height of every item's middle: few crossings by ordering each column along its neighbours, to and fro."""
    near: dict[tuple[int, _Item], list[tuple[int, _Item]]] = defaultdict(list)
    for i, here, there in sorted(links):
        near[i, here].append((i + 1, there))
        near[i + 1, there].append((i, here))
    y: dict[tuple[int, _Item], float] = {}
    for i, layer in enumerate(layers):
        y |= _stacked(i, layer, {})
    count = len(layers)
    for turn in range(12):
        for i in range(count) if turn % 2 else range(count - 1, -1, -1):
            wish: dict[_Item, float] = {}
            for item in (item for group in layers[i] for item in group):
                # The last turns look at both sides, which straightens lines; the others order one side by the other.
                places = [y[j, other] for j, other in near[i, item] if turn >= 10 or (j < i) == bool(turn % 2)]
                wish[item] = sum(places) / len(places) if places else y[i, item]
            if turn < 10:
                layers[i] = sorted(layers[i], key=lambda g: round(sum(wish[n] for n in g) / len(g), 1))
            y |= _stacked(i, layers[i], wish)
    top = min(y.values(), default=0)
    return {key: value - top + _BOX / 2 + _MARGIN for key, value in y.items()}


def _stacked(i: int, layer: list[list[_Item]], wish: Mapping[_Item, float]) -> dict[tuple[int, _Item], float]:
    """Places a column in its order, nearest to the wishes by least squares (pooling neighbours that would overlap)."""
    items = [item for group in layer for item in group]
    offset, offsets = 0.0, []
    for item in items:
        offsets.append(offset + item.height / 2)
        offset += item.height
    pools: list[tuple[float, int]] = []
    for item, base in zip(items, offsets, strict=True):
        mean, size = wish.get(item, base) - base, 1
        while pools and pools[-1][0] > mean:
            other, n = pools.pop()
            mean, size = (mean * size + other * n) / (size + n), size + n
        pools.append((mean, size))
    shifts = [mean for mean, size in pools for _ in range(size)]
    return {(i, item): base + shift for item, base, shift in zip(items, offsets, shifts, strict=True)}


def _arrow(x: float, y: float, length: float) -> str:
    return f"{x:.1f},{y:.1f} {x + length:.1f},{y - 4:.1f} {x + length:.1f},{y + 4:.1f}"


def _leading(name: str, depth: int) -> str:
    ends = [m.start() for m in _SEPARATOR.finditer(name)]
    return name if len(ends) < depth else name[: ends[depth - 1]]


def _label(name: str, members: int) -> str:
    text = clean(name)
    if len(text) > MAX_LABEL:
        text = f"{text[: MAX_LABEL // 2 - 1]}\u2026{text[-(MAX_LABEL // 2) :]}"
    return f"{text} ({members})" if members else text


def _width(text: str) -> float:
    return _CHAR * sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
