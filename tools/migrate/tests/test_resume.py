"""A run that is killed anywhere: the same command ends where an undisturbed run ends, `rollback` where it began.

Every step of stages 3, 4 and 6, of a slice and of both kinds of rollback is a place to be killed at; the thin
variants take some of the steps, the ones marked slow all of them.

`State` is compared as a whole: files, modes, links, untracked and ignored files, empty folders, HEAD, index.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tools.migrate.tests import sample
from tools.migrate.tests.killcases import JOBS, Case, Cases
from tools.migrate.tests.sample import Server

pytestmark = [
    pytest.mark.skipif(shutil.which("git") is None, reason="needs git"),
    pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL"),
    pytest.mark.timeout(1800),
]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    started = Server()
    yield started
    started.close()


@pytest.fixture(scope="module")
def cases(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Cases:
    return Cases(server, tmp_path_factory.mktemp("resume"))


def killed(server: Server, case: Case, place: Path, at: int, how: str) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    root = sample.copy(case.root, place)
    answer = server(root, **case.job, at=at, how=how)
    assert answer == {"killed": True}, (at, answer)
    return root


def check_point(server: Server, case: Case, place: Path, at: int, how: str = "before") -> None:
    where = (case.job, at, how, case.names[at - 1])
    root = killed(server, case, place, at, how)
    server.ok(root, **case.job)
    assert sample.state(root) == case.after, where
    if "rollback" in case.job:
        return
    root = killed(server, case, place, at, how)
    server.ok(root, rollback=case.back_to)
    now = sample.state(root)
    if not {"journal done", "journal slice"} & set(case.names[: at - 1]) and not case.slices:
        assert now == case.back, where  # nothing was finished, so there is nothing to add a commit for
    assert replace(now, head="") == replace(case.back, head=""), where


@pytest.mark.parametrize("name", JOBS)
def test_killed_at_some_steps(name: str, server: Server, cases: Cases, tmp_path: Path) -> None:
    case = cases(name)
    assert case.steps > 8
    count = 3 if "slice" in name else 5
    for number in range(count):
        at = 1 + number * (case.steps - 1) // (count - 1)
        check_point(server, case, tmp_path / "r", at, "half" if number == 1 else "before")


@pytest.mark.parametrize("name", ["stage 3", "stage 6", "rollback"])
def test_killed_again_while_resuming(name: str, server: Server, cases: Cases, tmp_path: Path) -> None:
    """The way back is cut off as well, at every seventh of its steps, one after the other on the same tree."""
    case = cases(name)
    root = killed(server, case, tmp_path / "r", case.steps * 2 // 3, "before")
    for at in range(2, case.steps, 7):
        assert server(root, **case.job, at=at, how="before") == {"killed": True}, at
    server.ok(root, **case.job)
    assert sample.state(root) == case.after


def test_line_ends_that_git_would_turn_do_not_stop_the_way_back(server: Server, cases: Cases, tmp_path: Path) -> None:
    """Somebody asks for other line ends than a file has that nothing touches: its bytes are those of before."""
    case = cases("stage 3")
    root = killed(server, case, tmp_path / "r", case.steps // 2, "before")
    (root / ".git/info/attributes").write_text("untouched.txt text\n")
    os.utime(root / "untouched.txt", (1, 1))  # git looks again, and finds what it calls a change
    answer = server(root, rollback=3)
    assert answer["code"] == 3 and "uncommitted changes in untouched.txt; commit" in answer["message"], answer
    assert "journal undone" in answer["names"]
    assert sample.state(root).files == case.before.files


@pytest.mark.exhaustive
@pytest.mark.parametrize("how", ["before", "half"])
@pytest.mark.parametrize("name", JOBS)
def test_killed_at_every_step(name: str, how: str, server: Server, cases: Cases, tmp_path: Path) -> None:
    case = cases(name)
    for at in range(1, case.steps + 1):
        if how == "before" or case.names[at - 1].startswith(("git", "journal")):
            check_point(server, case, tmp_path / "r", at, how)
