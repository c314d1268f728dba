"""The dependency graph: counting, cycles, JSON, DOT, grouping and the drawing."""

from __future__ import annotations

import itertools
import json
import random
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.migrate import graph as g
from tools.migrate.summary import graph_of

PAIRS = [("app", "lib"), ("app", "lib"), ("app", "core"), ("lib", "core"), ("core", "core")]
HOSTILE = "<script>&\"'\n\x00\u202e\udc80.py"


def boxes(svg: str) -> dict[str, tuple[float, float, float, float]]:
    """Left, top, right and bottom of each package in a drawing, by the name in its title."""
    found = {}
    for node in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}g"):
        title, rect = node[0], node[1]
        x, y, width, height = (float(rect.attrib[k]) for k in ("x", "y", "width", "height"))
        found[str(title.text).split(":")[0]] = (x, y, x + width, y + height)
    return found


def random_pairs(count: int, seed: int, *, acyclic: bool = True) -> list[tuple[str, str]]:
    rng, names = random.Random(seed), [f"{'abcde'[i % 5]}.part{i % 3}.package_{i}" for i in range(count)]
    pairs = [
        (names[i], names[rng.randrange(i + 1 if acyclic else 0, count)]) for i in range(count - 1) for _ in range(2)
    ]
    return pairs + [(name, names[-1]) for name in names]


def test_pairs_are_counted_and_own_uses_are_no_edges() -> None:
    graph = g.dependency_graph(PAIRS)
    assert sorted(graph.edges(data="uses")) == [("app", "core", 1), ("app", "lib", 2), ("lib", "core", 1)]
    assert sorted(g.dependency_graph([("alone", "alone")])) == ["alone"]
    assert len(g.dependency_graph([])) == 0


def test_json_reads_back() -> None:
    data = g.to_json(g.dependency_graph(PAIRS))
    assert data["nodes"][0] == {"id": "app", "uses": 2, "used_by": 0}
    assert data["cycles"] == []
    assert g.to_json(g.from_json(json.loads(json.dumps(data)))) == data
    assert len(g.from_json({})) == 0


def test_dot_is_sorted_and_escaped() -> None:
    graph = g.dependency_graph([("b", 'a"\\\n'), ("a", "b")])
    body = g.to_dot(graph).splitlines()[3:]
    assert body == ['  "a";', '  "a\\"\\\\\\n";', '  "b";', '  "a" -> "b";', '  "b" -> "a\\"\\\\\\n";', "}"]


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([("a", "b"), ("b", "c"), ("a", "c")], []),
        ([("a", "a")], []),
        ([("b", "a"), ("a", "b")], [["a", "b"]]),
        ([("c", "a"), ("a", "b"), ("b", "c"), ("d", "a")], [["a", "b", "c"]]),
        (
            [("a", "b"), ("b", "a"), ("b", "c"), ("c", "b"), ("x", "y"), ("y", "x")],
            [["a", "b"], ["b", "c"], ["x", "y"]],
        ),
        ([("a", "b"), ("b", "a"), ("b", "c"), ("c", "a")], [["a", "b"], ["a", "b", "c"]]),
    ],
)
def test_cycles_are_named_from_their_first_name(pairs: list[tuple[str, str]], expected: list[list[str]]) -> None:
    assert g.cycles(g.dependency_graph(pairs)) == expected


def test_every_edge_of_a_dense_cycle_is_in_a_named_one_without_naming_them_all() -> None:
    names = [f"n{i:02}" for i in range(14)]
    found = g.cycles(g.dependency_graph(itertools.permutations(names, 2)))
    assert len(found) == 14 * 13 / 2
    assert {frozenset(cycle) for cycle in found} == {frozenset(pair) for pair in itertools.combinations(names, 2)}


@pytest.mark.parametrize("acyclic", [True, False])
def test_the_order_of_the_pairs_does_not_matter(acyclic: bool) -> None:
    pairs = random_pairs(40, 5, acyclic=acyclic)
    first = g.dependency_graph(pairs)
    random.Random(1).shuffle(pairs)
    other = g.dependency_graph(pairs)
    assert g.to_dot(first) == g.to_dot(other)
    assert g.to_json(first) == g.to_json(other)
    assert g.to_svg(first, {pairs[0][1]}) == g.to_svg(other, {pairs[0][1]})


@pytest.mark.parametrize("acyclic", [True, False])
@pytest.mark.parametrize("count", [2, 4, 17, 60])
def test_boxes_lie_inside_the_drawing_and_never_overlap(count: int, acyclic: bool) -> None:
    svg = g.to_svg(g.dependency_graph(random_pairs(count, count, acyclic=acyclic)), set())
    found, root = boxes(svg), ET.fromstring(svg)
    assert len(found) == count
    for x1, y1, x2, y2 in found.values():
        assert 0 <= x1 < x2 <= float(root.attrib["width"]) and 0 <= y1 < y2 <= float(root.attrib["height"])
    for a, b in itertools.combinations(found.values(), 2):
        assert a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1]


def test_users_stand_left_of_what_they_use_and_no_line_crosses_a_box() -> None:
    pairs = random_pairs(40, 9)
    svg = g.to_svg(g.dependency_graph(pairs), set())
    found = boxes(svg)
    assert all(found[user][2] < found[used][0] for user, used in pairs if user != used)
    # Only the level part of a line runs through a column.
    level = re.findall(r' ([\d.]+) ([\d.]+)H([\d.]+)"', svg)
    assert level
    for x1, y, x2 in level:
        assert not [
            n for n, box in found.items() if box[1] <= float(y) <= box[3] and box[0] < float(x2) and box[2] > float(x1)
        ]


def test_one_column_does_not_grow_without_end() -> None:
    svg = g.to_svg(g.dependency_graph([(f"services.unit_{i:02}", "moving") for i in range(59)]), {"moving"})
    assert float(ET.fromstring(svg).attrib["height"]) < 700
    assert len({box[0] for box in boxes(svg).values()}) == 4


def test_what_moves_is_marked() -> None:
    svg = g.to_svg(g.dependency_graph(PAIRS), {"core", "not there"})
    assert len(re.findall('<g class="moves"', svg)) == 1
    assert svg.index('<g class="moves"') < svg.index(">core</text>")


def test_cycles_are_drawn_in_one_column_with_arrows_of_their_own() -> None:
    svg = g.to_svg(g.dependency_graph([("a", "b"), ("b", "a"), ("c", "a")]), set())
    found = boxes(svg)
    assert found["a"][0] == found["b"][0] > found["c"][0]
    assert len(re.findall('<path class="cycle"', svg)) == 2
    assert 'class="cycle"' not in g.to_svg(g.dependency_graph(PAIRS), set())


def test_hostile_names_are_text_in_the_drawing() -> None:
    svg = g.to_svg(g.dependency_graph([(HOSTILE, "b")]), {HOSTILE})
    assert "<script" not in svg
    assert ET.fromstring(svg.encode("utf-8")) is not None
    assert "<script>&\"'\\n\\x00\\u202e\\udc80.py" in "".join(ET.fromstring(svg).itertext())


def test_no_packages_no_drawing() -> None:
    assert g.to_svg(g.dependency_graph([]), set()) == ""


@pytest.mark.parametrize(
    ("names", "limit", "expected"),
    [
        (["a.b.c", "a.b.d", "e"], 3, {"a.b.c", "a.b.d", "e"}),
        (["a.b.c", "a.b.d", "e.f"], 2, {"a.b", "e.f"}),
        (["a.b.c", "a.d.e", "f.g"], 2, {"a", "f"}),
        (["a/b/c", "a/b/d", "a/x", "e"], 3, {"a/b", "a/x", "e"}),
        (["a.b", "a.c", "a.moves"], 2, {"a", "a.moves"}),
        (["a", "b", "c", "d"], 3, {"a", "d", "other packages"}),
    ],
)
def test_too_many_packages_are_grouped_by_folder(names: list[str], limit: int, expected: set[str]) -> None:
    graph = g.dependency_graph([(name, names[-1]) for name in names])
    small, sizes = g.grouped(graph, {n for n in names if n.endswith("moves")}, limit)
    assert set(small) == expected
    assert sum(sizes.get(n, 1) for n in small) == len(names)
    assert not [n for n in small if small.has_edge(n, n)]


def test_a_graph_that_fits_is_not_grouped() -> None:
    graph = g.dependency_graph(PAIRS)
    assert g.grouped(graph, (), 3) == (graph, {})


def test_grouping_keeps_the_counts_of_references() -> None:
    graph: Any = g.dependency_graph([("a.x", "m"), ("a.x", "m"), ("a.y", "m"), ("b.z", "m")])
    small, sizes = g.grouped(graph, {"m"}, 3)
    assert sorted(small.edges(data="uses")) == [("a", "m", 3), ("b", "m", 1)]
    assert sizes == {"a": 2, "b": 1}


def test_folders_that_use_each_other_are_not_drawn_as_an_import_cycle() -> None:
    pairs = [(f"a.p{i}", f"b.q{i}") for i in range(40)] + [(f"b.r{i}", f"a.s{i}") for i in range(40)]
    graph = g.dependency_graph(pairs)
    svg = g.to_svg(graph, set())
    assert g.cycles(graph) == []
    assert 'class="cycle' not in svg and 'class="mutual"' in svg
    assert "a (80)" in svg


@given(st.lists(st.tuples(st.sampled_from('abcde/"\\'), st.sampled_from('abcde/"\\')), max_size=12))
def test_the_audit_writes_the_same_graph_without_networkx(pairs: list[tuple[str, str]]) -> None:
    graph = g.dependency_graph(pairs)
    assert graph_of(pairs) == (g.to_json(graph), g.to_dot(graph))


def test_networkx_is_loaded_for_cycles_alone() -> None:
    code = "import sys; from tools.migrate.summary import graph_of; graph_of({}); print('networkx' in sys.modules)"
    said = []
    for pairs in ("[('a', 'b'), ('b', 'c')]", "[('a', 'b'), ('b', 'a')]"):
        command = [sys.executable, "-c", code.format(pairs)]
        said.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    assert said == ["False", "True"]
