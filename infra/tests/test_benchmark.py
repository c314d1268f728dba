"""The benchmark runs, and what it counts is what it sent."""

import subprocess
import sys


def test_it_runs() -> None:
    command = [sys.executable, "-m", "infra.benchmarks.sockets", "--messages", "2000", "--rounds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 5 and "there and back" in done.stdout
