"""Published projects through all six stages, from their source distributions; more of them in `docs/real-projects.md`.

Skipped where the package index cannot be reached.  What is checked after each stage is in `realprojects`.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from tools.migrate.tests.realprojects import FOLDER, CannotBeHad, Checkout, load, summary_of


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


@pytest.mark.parametrize(
    ("log", "expected", "seconds"),
    [
        ("..\n=== 3 passed, 1 skipped, 2 warnings in 1.50s ===\n", {"passed": 3, "skipped": 1, "warnings": 2}, 1.5),
        ("Ran 7 tests in 0.250s\n\nOK\nDestroying test database\n", {"passed": 7}, 0.25),
        (
            "Ran 9 tests in 2.0s\n\nOK (skipped=2, expected failures=1)\n",
            {"passed": 6, "skipped": 2, "xfailed": 1},
            2.0,
        ),
        ("Ran 1 test in 2.0s\n\nFAILED (errors=1)\n", {"passed": 0, "errors": 1}, 2.0),
        ("Ran 4 tests in 2.0s\n\nFAILED (failures=1, errors=2)\n", {"passed": 1, "failed": 1, "errors": 2}, 2.0),
        ("Traceback: it did not start\n", {}, 0.0),
    ],
)
def test_the_counts_of_a_suite_are_read(log: str, expected: dict[str, int], seconds: float) -> None:
    assert summary_of(log) == (Counter(expected), seconds)
