"""Places for the boxes and arrows of a flowchart: ranks along the flow, order and position across it.

Owns the geometry alone.  The steps are the usual ones of layered drawing: a box's rank is the longest way to it; an
arrow over several ranks gets a point in each of those between; the order within a rank follows the neighbours'; so does
the position, as far as the boxes leave room.  Few ranks run from left to right, many from top to bottom, so that the
letters stay readable in a column of text.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

_ACROSS_GAP, _ALONG_GAP, _LABEL_GAP, _MARGIN = 18.0, 44.0, 26.0, 12.0
_MAX_LEFT_TO_RIGHT = 820.0


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow."""

    source: str
    target: str
    text: str = ""
    dotted: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A box by its middle."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Graph:
    """Everything in its place; a path is a start and three points for each curve."""

    width: float
    height: float
    boxes: dict[str, Box]
    paths: list[list[tuple[float, float]]]
    labels: list[tuple[float, float]]


def placed(sizes: dict[str, tuple[float, float]], edges: list[Edge]) -> Graph:
    """Places for boxes of these sizes."""
    ranks = _ranks(list(sizes), edges)
    count = max(ranks.values()) + 1
    length = sum(max(sizes[name][0] for name in sizes if ranks[name] == rank) for rank in range(count))
    length += sum(_gap(edges, ranks, rank, True) for rank in range(count - 1))
    sideways = length <= _MAX_LEFT_TO_RIGHT
    return _Layout(sizes, edges, ranks, sideways).graph()


def _ranks(names: list[str], edges: list[Edge]) -> dict[str, int]:
    """The longest way to each box; an arrow that leads back is left aside."""
    found = dict.fromkeys(names, 0)
    for _ in names:
        for edge in edges:
            if not _leads_back(edge, edges, names):
                found[edge.target] = max(found[edge.target], found[edge.source] + 1)
    return found


def _leads_back(edge: Edge, edges: list[Edge], names: list[str]) -> bool:
    """Whether the arrow's target was named first and leads to its source."""
    if names.index(edge.target) > names.index(edge.source):
        return False
    seen, waiting = {edge.target}, [edge.target]
    while waiting:
        here = waiting.pop()
        for each in edges:
            if each.source == here and each.target not in seen:
                seen.add(each.target)
                waiting.append(each.target)
    return edge.source in seen


def _gap(edges: list[Edge], ranks: dict[str, int], rank: int, sideways: bool) -> float:
    """Room between two ranks: for the words on the arrows, where there are any."""
    words = [len(edge.text) for edge in edges if min(ranks[edge.source], ranks[edge.target]) == rank and edge.text]
    if not words:
        return _ALONG_GAP
    return _ALONG_GAP + max(words) * 6.2 if sideways else _ALONG_GAP + _LABEL_GAP


class _Layout:
    """One drawing.  `along` is the direction of the flow, `across` the other one."""

    def __init__(
        self, sizes: dict[str, tuple[float, float]], edges: list[Edge], ranks: dict[str, int], sideways: bool
    ) -> None:
        self.edges, self.sideways = edges, sideways
        self.sizes = dict(sizes)
        self.ranks = dict(ranks)
        self.chains = [self._chain(number, edge) for number, edge in enumerate(edges)]
        self.rows: list[list[str]] = [[] for _ in range(max(ranks.values()) + 1)]
        for name, rank in self.ranks.items():
            self.rows[rank].append(name)
        self.place = {name: float(at) for row in self.rows for at, name in enumerate(row)}

    def _chain(self, number: int, edge: Edge) -> list[str]:
        """The boxes and points that an arrow passes, along the flow."""
        low, high = sorted((self.ranks[edge.source], self.ranks[edge.target]))
        first, last = (edge.source, edge.target) if self.ranks[edge.source] <= low else (edge.target, edge.source)
        names = [f"{number}:{rank}" for rank in range(low + 1, high)]
        for rank, name in enumerate(names, low + 1):
            self.ranks[name], self.sizes[name] = rank, (1.0, 1.0)
        return [first, *names, last]

    def _across(self, name: str) -> float:
        width, height = self.sizes[name]
        return height if self.sideways else width

    def _neighbours(self, name: str) -> list[str]:
        found = []
        for chain in self.chains:
            for one, other in pairwise(chain):
                found += [other] if one == name else [one] if other == name else []
        return found

    def _settle(self) -> None:
        near = {name: self._neighbours(name) for name in self.place}
        for turn in range(24):
            for row in self.rows if turn % 2 == 0 else reversed(self.rows):
                wanted = {name: self._mean(near[name] or [name]) for name in row}
                if turn < 12:
                    row.sort(key=wanted.__getitem__)
                self._spread(row, wanted)

    def _mean(self, names: list[str]) -> float:
        return sum(self.place[name] for name in names) / len(names)

    def _spread(self, row: list[str], wanted: dict[str, float]) -> None:
        """As near to where they want to be as the others leave room."""
        places: list[float] = []
        for at, name in enumerate(row):
            least = places[-1] + self._distance(row[at - 1], name) if at else wanted[name]
            places.append(max(wanted[name], least))
        shift = sum(wanted[name] - place for name, place in zip(row, places, strict=True)) / len(row)
        for name, place in zip(row, places, strict=True):
            self.place[name] = place + shift

    def _distance(self, one: str, other: str) -> float:
        return (self._across(one) + self._across(other)) / 2 + _ACROSS_GAP

    def graph(self) -> Graph:
        """Everything in its place."""
        for row in self.rows:
            self._spread(row, dict.fromkeys(row, 0.0))
        self._settle()
        least = min(self.place[name] - self._across(name) / 2 for name in self.place) - _MARGIN
        most = max(self.place[name] + self._across(name) / 2 for name in self.place) + _MARGIN
        along, at = {}, _MARGIN
        for rank, row in enumerate(self.rows):
            thick = max(self.sizes[name][0 if self.sideways else 1] for name in row)
            for name in row:
                along[name] = at + thick / 2
            at += thick + (_gap(self.edges, self.ranks, rank, self.sideways) if rank < len(self.rows) - 1 else _MARGIN)
        spots = {name: self._spot(along[name], self.place[name] - least) for name in self.place}
        boxes = {name: Box(*spots[name], *self.sizes[name]) for name in self.place}
        paths = [self._path(chain, edge, boxes) for chain, edge in zip(self.chains, self.edges, strict=True)]
        return Graph(*self._spot(at, most - least), boxes, paths, [_middle(path) for path in paths])

    def _spot(self, along: float, across: float) -> tuple[float, float]:
        return (along, across) if self.sideways else (across, along)

    def _path(self, chain: list[str], edge: Edge, boxes: dict[str, Box]) -> list[tuple[float, float]]:
        """From border to border, in curves that leave and arrive along the flow."""
        first, last = boxes[chain[0]], boxes[chain[-1]]
        if self.sideways:
            points = [(first.x + first.width / 2, first.y), (last.x - last.width / 2, last.y)]
        else:
            points = [(first.x, first.y + first.height / 2), (last.x, last.y - last.height / 2)]
        points[1:1] = [(boxes[name].x, boxes[name].y) for name in chain[1:-1]]
        path = points[:1]
        for (x, y), (u, v) in pairwise(points):
            half = (u - x) / 2 if self.sideways else (v - y) / 2
            path += [(x + half, y), (u - half, v), (u, v)] if self.sideways else [(x, y + half), (u, v - half), (u, v)]
        return path if chain[0] == edge.source else path[::-1]


def _middle(path: list[tuple[float, float]]) -> tuple[float, float]:
    """The middle of the first curve: between two ranks, where there is room for words."""
    (a, b), (c, d), (e, f), (g, h) = path[:4]
    return (a + 3 * c + 3 * e + g) / 8, (b + 3 * d + 3 * f + h) / 8
