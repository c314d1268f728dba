"""Published projects through all six stages, from their source distributions; more of them in `docs/real-projects.md`.

Skipped where the package index cannot be reached.  What is checked after each stage is in `realprojects`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools.migrate.tests.realprojects import FOLDER, CannotBeHad, Checkout, load


@pytest.mark.slow
@pytest.mark.parametrize(("name", "moved"), [("jinja2", 26), ("django-filter", 58)])
def test_all_six_stages(tmp_path: Path, name: str, moved: int) -> None:
    if sys.platform == "win32":
        pytest.skip("the driver needs a POSIX system")
    try:
        checkout = Checkout(load(name), tmp_path)
    except CannotBeHad as error:
        pytest.skip(str(error))
    row = checkout.run()
    assert row.moved == moved
    assert "passed" in row.passed[1] and len(set(row.passed.values())) == 1


@pytest.mark.parametrize("name", sorted(p.stem for p in FOLDER.glob("*.toml")))
def test_each_file_can_be_read(name: str) -> None:
    project = load(name)
    assert project.moves and project.imports and "[gates]" in project.plan
