"""Both gates on real trees: nothing is found where nothing changed, and what was made slower is found and named.

The normal run has each case once, on few workloads; the exhaustive run has all workloads, ten times.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.perf import check, cli
from tools.perf.check import Outcome, Settings
from tools.perf.trees import layout_of

from .conftest import ROOT, copy_in_the_build_path, git, needs_compiler, needs_valgrind, wait_in_batches

pytestmark = pytest.mark.timeout(900)  # counting takes many times as long where others work on the same cores
FEW = ("build trade", "parse trade", "decode batch")
# Whatever fills in the bytes of a new object; the fixed book is packed before it is read.
BUILDING = {"build trade", "build book", "build trade by objects", "fixed book, both ways"}


def run(root: Path, **settings: object) -> Outcome:
    return check.run(root, Settings(base="HEAD", **settings), lambda text: None)  # type: ignore[arg-type]


def slower(outcome: Outcome) -> set[str]:
    return {each.name for each in outcome.verdicts if each.slower}


def by_name(outcome: Outcome) -> dict[str, check.Verdict]:
    return {each.name: each for each in outcome.verdicts}


@needs_valgrind
def test_an_unchanged_tree_passes_both_gates(repository: Path) -> None:
    outcome = run(repository, implementation="python", names=("parse trade",), rounds=15)
    assert outcome.passed and not slower(outcome)
    for verdict in outcome.verdicts:
        assert verdict.before and verdict.after
        assert abs(verdict.after / verdict.before - 1) < 0.003, verdict
    assert all(each.ratios for each in outcome.verdicts if each.name != "import")


@needs_valgrind
@needs_compiler
def test_what_was_made_slower_is_named_by_the_gate_that_sees_it(repository: Path) -> None:
    copy_in_the_build_path(repository)
    wait_in_batches(repository)
    outcome = run(repository, names=FEW, rounds=15)
    found = by_name(outcome)
    assert slower(outcome) == {"build trade", "decode batch"}
    assert "instructions" in found["build trade"].failed[0]  # it may be seen by the clock as well
    assert found["build trade"].after / found["build trade"].before < 1.08  # type: ignore[operator]
    (why,) = found["decode batch"].failed  # equal for the first gate
    assert "times as long" in why and len(found["decode batch"].ratios) == 3
    assert abs(found["decode batch"].after / found["decode batch"].before - 1) < 0.01  # type: ignore[operator]


@needs_valgrind
def test_what_cannot_run_any_more_fails(repository: Path) -> None:
    path = repository / layout_of(repository).folder / "__init__.py"
    path.write_text(path.read_text(encoding="utf-8") + "\ndel FrameDecoder\n", encoding="utf-8")
    outcome = run(
        repository, implementation="python", names=("framing", "parse trade"), gates=(check.RATIO,), rounds=5, limit=9.0
    )
    assert slower(outcome) == {"framing"}
    assert "FrameDecoder" in by_name(outcome)["framing"].failed[0]


@needs_valgrind
@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_check_that_is_ended_leaves_nothing(repository: Path, tmp_path: Path, signal_number: int) -> None:
    """While it counts, which is when other threads wait for other processes."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    command = [sys.executable, "-m", "tools.perf", "check", "--root", str(repository), "--base", "HEAD",
               "--implementation", "python", "--only", "parse trade"]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "TMPDIR": str(scratch)}, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "counting" in line:
            break
    deadline = time.monotonic() + 60
    while not list(scratch.glob("perf-count-*")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal_number)
    assert process.wait(timeout=60) == cli.INTERRUPTED
    process.stderr.close()
    assert list(scratch.iterdir()) == []
    assert git(repository, "worktree", "list").count("\n") == 0


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
@needs_valgrind
@needs_compiler
def test_ten_runs_on_an_unchanged_tree_never_fail(repository: Path) -> None:
    for _ in range(10):
        outcome = run(repository)
        assert outcome.passed, [(each.name, each.failed) for each in outcome.verdicts if each.failed]


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
@needs_valgrind
@needs_compiler
def test_ten_runs_with_a_slow_down_always_fail_and_name_it(repository: Path) -> None:
    copy_in_the_build_path(repository)
    wait_in_batches(repository)
    for _ in range(10):
        outcome = run(repository)
        assert {"build trade", "decode batch"} <= slower(outcome) <= BUILDING | {"decode batch", "relay round trip"}
