"""Type checks and timed commands of the plan: what failed before the move is no fault of it, what fails after is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.migrate.tests import sample
from tools.migrate.tests.sample import Server

# A check that names a path that moves, one that never succeeds, and a program of the user's that is timed.
GATES = """
types = ["python -m compileall -q pkg/http.py && python check_types.py", "python nothing_of_the_kind.py"]
performance = ["python timed.py pkg/text.py", "python slow.py"]
max-slowdown = 5.0
"""
FILES: dict[str, str | bytes] = {
    "check_types.py": "",
    "timed.py": "import sys\nopen(sys.argv[1]).close()\n",
    "slow.py": "raise SystemExit(3)\n",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture(scope="module")
def integrated(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """After stage 4."""
    root = sample.build_modules(tmp_path_factory.mktemp("baseline") / "repository")
    plan = (root / "migration.toml").read_text(encoding="utf-8")
    sample.commit(root, {**FILES, "migration.toml": plan + GATES})
    for stage in "1234":
        done = server.migrate(root, "--stage", stage)
        assert done.code == 0, done.text
    return root


def changed(server: Server, root: Path, files: dict[str, str | bytes]) -> Path:
    """The checkout with other contents, and a plan of that state."""
    sample.commit(root, files)
    assert server.migrate(root, "--stage", "2").code == 0
    return root


def test_what_failed_before_is_reported_and_stops_nothing(server: Server, integrated: Path, tmp_path: Path) -> None:
    done = server.migrate(sample.copy(integrated, tmp_path / "copy"), "--stage", "5", "--json")
    assert done.code == 0, done.text
    found: list[dict[str, Any]] = json.loads(done.out)["stages"][0]["findings"]
    assert {(f["rule"], f["severity"], f["path"]) for f in found if f["rule"].startswith(("types", "performance"))} == {
        ("types.before", "warning", "python nothing_of_the_kind.py"),
        ("performance.before", "warning", "python slow.py"),
    }


def test_what_fails_now_is_an_error(server: Server, integrated: Path, tmp_path: Path) -> None:
    broken: dict[str, str | bytes] = {"check_types.py": "raise SystemExit('no such name')\n", "timed.py": "1 / 0\n"}
    done = server.migrate(changed(server, sample.copy(integrated, tmp_path / "copy"), broken), "--stage", "5")
    assert done.code == 1
    assert "2 checks failed" in done.text
    assert "check_types.py types no such name" in done.text
    assert "python timed.py pkg/text.py performance the command fails" in done.text


def test_what_takes_longer_than_the_budget_is_an_error(server: Server, integrated: Path, tmp_path: Path) -> None:
    slow: dict[str, str | bytes] = {"timed.py": "__import__('time').sleep(2)\n"}
    done = server.migrate(changed(server, sample.copy(integrated, tmp_path / "copy"), slow), "--stage", "5")
    assert done.code == 1
    assert "1 checks failed: python timed.py pkg/text.py performance" in done.text
    assert "times the time before" in done.text
