"""What is decided from figures, without measuring any: slopes, verdicts, repeats, reasons, comparisons."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tools.perf import compare, tables
from tools.perf.check import GATES, Settings, accepted_by, selected, verdict
from tools.perf.counting import figures, slope
from tools.perf.model import Figures, PerfError, Record, change, load_record
from tools.perf.pairing import judge
from tools.perf.workloads import WORKLOADS


def test_a_slope_is_the_cost_of_one_more() -> None:
    assert slope([(100, 5_000), (300, 9_000)]) == 20


def test_figures_are_for_a_message_and_without_the_loop() -> None:
    messages = next(each.messages for each in WORKLOADS if each.name == "framing")
    counted = [None, ["framing", 5], ["framing", 15]]
    segments = [None, ["import", 1], None, ["", 10], ["", 20], *counted, *counted]
    totals = [7, 1000, 9, 100, 150, 11, 5_000, 5_000 + 10 * (5 + messages * 40), 12, 5_000, 99_999]
    assert figures(segments, totals) == {"import": 1000.0, "framing": pytest.approx(40)}


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [(100.0, 101.0, 0.01), (100.0, 50.0, -0.5), (0.0, 0.0, 0.0), (0.0, 1.0, float("inf")), (None, 1.0, None)],
)
def test_change(before: float | None, after: float | None, more: float | None) -> None:
    assert change(before, after) == pytest.approx(more)


@pytest.mark.parametrize(("after", "failed"), [(1000.0, False), (1010.0, False), (1010.2, True), (900.0, False)])
def test_one_percent_is_the_most(after: float, failed: bool) -> None:
    assert bool(verdict("parse trade", 1000.0, after, [1.0], Settings(), {}).failed) is failed


@pytest.mark.parametrize(
    ("ratios", "failed"),
    [([1.2, 1.3, 1.11], True), ([1.2, 1.3, 1.10], False), ([1.2, 1.3], False), ([0.9], False), ([], False)],
)
def test_the_clock_has_to_say_so_in_every_repeat(ratios: list[float], failed: bool) -> None:
    found = verdict("decode batch", 1000.0, 1000.0, ratios, Settings(), {})
    assert bool(found.failed) is failed and found.slower is failed


def test_both_gates_are_told() -> None:
    found = verdict("parse trade", 1000.0, 1100.0, [2.0, 2.0, 2.0], Settings(), {})
    assert ["instructions" in each for each in found.failed] == [True, False]


def test_what_is_only_there_to_compare_with_is_not_judged() -> None:
    assert not verdict("list book, both ways", 10.0, 99.0, [9.0] * 3, Settings(), {}).failed


@pytest.mark.parametrize(("same", "failed"), [(True, True), (False, False)])
def test_an_import_is_judged_under_one_name(same: bool, failed: bool) -> None:
    assert bool(verdict("import", 1000.0, 1100.0, [], Settings(), {}, same).failed) is failed


def test_a_reason_accepts_its_own_workload_alone() -> None:
    reasons = accepted_by(["parse trade: it verifies more", "build trade", "framing:  "])
    assert reasons == {"parse trade": "it verifies more"}
    one = verdict("parse trade", 1000.0, 1100.0, [], Settings(), reasons)
    assert one.failed and one.accepted and not one.slower
    assert verdict("build trade", 1000.0, 1100.0, [], Settings(), reasons).slower
    assert not verdict("parse trade", 1000.0, 1000.0, [], Settings(), reasons).accepted


def test_only_the_suspected_are_measured_again() -> None:
    asked: list[tuple[list[str], int]] = []

    def measure(names: Sequence[str], repeat: int) -> dict[str, float]:
        asked.append((list(names), repeat))
        return {"slow": 2.0, "once": 2.0 if repeat == 0 else 1.0, "fine": 1.0}

    def some(names: Sequence[str], repeat: int) -> dict[str, float]:
        return {name: ratio for name, ratio in measure(names, repeat).items() if name in names}

    found = judge(some, ["slow", "once", "fine"])
    assert found == {"slow": [2.0, 2.0, 2.0], "once": [2.0, 1.0], "fine": [1.0]}
    assert asked == [(["slow", "once", "fine"], 0), (["slow", "once"], 1), (["slow"], 2)]


def test_workloads_are_chosen_by_name() -> None:
    names = [each.name for each in WORKLOADS]
    assert len(set(names)) == len(names) and selected((), False) == names
    assert set(selected((), True)) < set(names) and len(selected((), True)) >= 5
    assert selected((names[3], names[0]), True) == [names[0], names[3]]
    with pytest.raises(PerfError, match="'nothing' is no workload; there are: build trade"):
        selected(("nothing",), False)
    assert all(";" not in name and ":" not in name and name for name in names)


def made(instructions: float, **changes: object) -> Record:
    record = Record(
        commit="a" * 40, committed="2026-11-01T00:00:00+00:00", dirty=False, layout="one", implementation="c",
        machine={"processor": "P", "system": "Linux", "processors": 2, "load": [1.0]},
        interpreter={"python": "3.11.7", "name": "CPython", "compiler": "GCC"}, taken="2026-11-02T00:00:00+00:00",
        valgrind="valgrind-3.19.0",
        figures={"parse trade": Figures(instructions, 30.0, 25.0, 1.0), "import": Figures(instructions * 9)},
        memory={"messages as bytes": 120.5},
    )  # fmt: skip
    return replace(record, **changes)  # type: ignore[arg-type]


def test_a_record_comes_back_from_its_file(tmp_path: Path) -> None:
    record = made(400.0, left_out={"decode batch": "no numpy"})
    path = tmp_path / "one.json"
    path.write_text(record.dump(), encoding="utf-8")
    assert load_record(path) == record
    document = json.loads(record.dump())
    for key in ("machine", "interpreter", "commit", "implementation"):
        assert document[key]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 99}', '{"schema": 1}', '{"schema": 1, "figures": {}}'])
def test_what_is_no_record_is_refused_by_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PerfError, match=r"wrong\.json: .*record --out FILE"):
        load_record(path)
    with pytest.raises(PerfError, match="No such file"):
        load_record(tmp_path / "missing.json")


@pytest.mark.parametrize(("after", "slower"), [(404.0, []), (404.1, ["parse trade", "import"]), (300.0, [])])
def test_compare_judges_instructions(after: float, slower: list[str]) -> None:
    found = compare.compare(made(400.0), made(after))
    assert found.slower == slower and found.differences == ()
    assert ("SLOWER" in "\n".join(tables.comparison(made(400.0), made(after), found))) is bool(slower)


def test_compare_says_what_makes_two_records_incomparable() -> None:
    other = made(900.0, implementation="python", valgrind=None, layout="two")
    found = compare.compare(made(400.0), other)
    assert found.differences == ("valgrind: valgrind-3.19.0 and None", "implementation: c and python")
    assert found.slower == ["parse trade"], "an import of other names is not judged"


def test_a_workload_that_one_record_lacks_is_shown_and_not_judged() -> None:
    before, after = made(400.0), made(400.0)
    found = compare.compare(replace(before, figures={}), after)
    assert [row.change for row in found.rows] == [None, None] and not found.slower


def test_tables_are_for_terminals_and_pages() -> None:
    plain, page = tables.record(made(1234.5)), tables.record(made(1234.5), markdown=True)
    assert any("1,234.5" in line for line in plain)
    assert any(line.startswith("| parse trade | 1,234.5 | 30.0 |") for line in page)
    assert GATES == ("instructions", "ratio")
