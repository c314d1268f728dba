"""A minute of fuzzing of the compiled codec under the sanitizers; docs/fuzzing.md says how to run it for longer."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from libs.types.protocol.testing import load_implementation

RUN = Path(__file__).resolve().parents[1] / "fuzz" / "run.py"
CANNOT_RUN = 2
REQUIRE = "ALPHAPULSE_REQUIRE_FUZZ"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_minute_of_fuzzing_is_clean(tmp_path: Path) -> None:
    seconds = os.environ.get("ALPHAPULSE_FUZZ_SECONDS", "60")
    command = [sys.executable, str(RUN), "--seconds", seconds, "--work", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == CANNOT_RUN and not os.environ.get(REQUIRE):
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    assert "fuzz: clean" in done.stdout and "executions: " in done.stdout


def test_the_seeds_show_nothing(tmp_path: Path) -> None:
    """What the fuzzer begins with, on the usual build: both implementations say the same.  In a process of its own,
    because the target declares structs."""
    try:
        load_implementation("c")
    except ImportError as error:
        pytest.skip(f"the compiled codec is not built: {error}")
    spec = importlib.util.spec_from_file_location("fuzz_run", RUN)
    assert spec is not None and spec.loader is not None
    run = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(run)
    seeds = sorted(map(str, run.seeds(tmp_path / "corpus").iterdir()))
    command = [sys.executable, "-m", run.TARGET, *seeds]
    environment = {**os.environ, "ALPHAPULSE_CODEC": "c"}  # which the target compares with the Python one
    done = subprocess.run(command, cwd=run.ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": clean") == len(seeds) > 100


def test_a_missing_clang_is_said(tmp_path: Path) -> None:
    command = [sys.executable, str(RUN), "--work", str(tmp_path)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": str(tmp_path)}
    )
    assert done.returncode == CANNOT_RUN
    assert "clang is missing" in done.stderr and "apt-get install" in done.stderr
