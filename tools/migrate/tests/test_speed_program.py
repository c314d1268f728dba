"""The benchmark runs, on a few files: its tree migrates, and it says for each step how long that took."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tools.migrate.benchmarks import growth, speed
from tools.migrate.layout import resolve_layout
from tools.migrate.plan import parse_plan
from tools.migrate.scan import make_world, scan_tree
from tools.migrate.tree import Tree

STEPS = ["audit", "design", "again", "again, imported", "migrate", "integrate", "check-shims"]


@pytest.mark.parametrize(("files", "users"), [(60, 6), (200, 40), (150, 0)])
def test_a_generated_tree_has_the_files_and_users_that_it_says(tmp_path: Path, files: int, users: int) -> None:
    source, target = speed.generate(tmp_path, files, users)
    found = {p.relative_to(tmp_path).as_posix(): p.read_bytes() for p in tmp_path.rglob("*.py")}
    assert abs(len(found) - files) <= 2 + files // 100
    plan = parse_plan(f'[migration]\nname = "x"\n[[move]]\nfrom = "{source}"\nto = "{target}"\n')
    layout = resolve_layout(plan, Tree.from_files(found))
    edited = [s for s in scan_tree(make_world(layout)) if s.edits and s.path.startswith("apps/")]
    assert len(edited) == users
    assert all(len(s.edits) == 4 for s in edited)  # an import, a from-import, a string, a use


@pytest.mark.slow
def test_the_program_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "given"
    source, target = speed.generate(folder, 40, 4)
    rows = tmp_path / "rows.json"
    given = ["--folder", str(folder), "--from", source, "--to", target, "--jobs", "1", "--json", str(rows)]
    assert speed.main([*given, "--plot", str(tmp_path / "growth.png")]) == 0
    table = capsys.readouterr().out.splitlines()
    assert [c.strip() for c in table[0].split("|")[5:-2]] == STEPS
    assert len(table) == 3
    found = json.loads(rows.read_text())["rows"]
    assert [row["step"] for row in found] == STEPS
    assert all(row["cpu"] > 0 and row["wall"] > 0 and row["memory"] > 1 for row in found)
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.exhaustive
@pytest.mark.skipif(sys.platform != "linux", reason="measures with /proc")
def test_planning_a_tree_of_20000_files_takes_no_more_memory_than_it_may(tmp_path: Path) -> None:
    """One file in five uses the moving package; the parent and both workers together."""
    root, plan = tmp_path / "tree", tmp_path / "plan.toml"
    source, target = speed.generate(root, 20_000, 4_000)
    speed.repository(root)
    plan.write_text(f'[migration]\nname = "large"\n[[move]]\nfrom = "{source}"\nto = "{target}"\n')
    for stage in ("audit", "design", "migrate", "integrate"):
        assert speed.measured(root, plan, ["--stage", stage], 2).memory < 250, stage


def test_the_plot_has_a_line_for_each_series(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    rows = [
        speed.Row(f"{series}, {files:,}", files, files // 5, step, files / 1000, 1.0, 50 + files / 1000)
        for series in ("few users", "one in five") for files in (1000, 10_000) for step in STEPS
    ]  # fmt: skip
    points = speed.totals(rows)
    assert [(p.series, p.files, p.users) for p in points][1::2] == [
        (s, 10_000, 2000) for s in ("few users", "one in five")
    ]
    assert {p.cpu for p in points} == {4.0, 40.0} and {p.memory for p in points} == {51.0, 60.0}
    growth.draw(points, "a title", tmp_path / "growth.svg")
    drawn = (tmp_path / "growth.svg").read_text()
    assert "few users" in drawn and "one in five" in drawn and "10,000" in drawn


@pytest.mark.parametrize("given", [["--peers"], ["--pad", "5"], ["--folder", "x"]])
def test_options_that_need_others_say_so(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        speed.main(given)
    assert "need" in capsys.readouterr().err
