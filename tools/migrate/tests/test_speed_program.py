"""The benchmark runs, on a few files: its tree migrates, and it says for each step how long that took."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.migrate.benchmarks import speed
from tools.migrate.layout import resolve_layout
from tools.migrate.plan import parse_plan
from tools.migrate.scan import make_world, scan_tree
from tools.migrate.tree import Tree

STEPS = ["audit", "design", "audit again", "design again", "migrate", "integrate", "check-shims"]


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
    assert speed.main([*given, "--svg", str(tmp_path / "growth.svg")]) == 0
    table = capsys.readouterr().out.splitlines()
    assert [c.strip() for c in table[0].split("|")[5:-2]] == STEPS
    assert len(table) == 3
    found = json.loads(rows.read_text())
    assert [row["step"] for row in found] == STEPS
    assert all(row["cpu"] > 0 and row["wall"] > 0 and row["memory"] > 1 for row in found)
    assert (tmp_path / "growth.svg").read_text().startswith("<svg")
