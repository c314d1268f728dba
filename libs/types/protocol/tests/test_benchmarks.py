"""The benchmark programs run: a few calls of each, so that a changed interface does not leave them behind.

Their figures are not looked at.  None of the other libraries is needed.
"""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "benchmarks"


def run(*command: str) -> str:
    done = subprocess.run([sys.executable, *command], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_peers(tmp_path: Path) -> None:
    shown = run("peers.py", "--rounds", "1", "--only", "struct", "--json", str(tmp_path / "figures.json"))
    assert "struct+zlib" in shown and "trade build / struct+zlib" in shown
    assert '"goals"' in (tmp_path / "figures.json").read_text(encoding="utf-8")


def test_latency() -> None:
    assert "row 14" in run("latency.py", "--calls", "200", "--repeats", "1")


def test_layouts() -> None:
    assert "ArbitrageSignalTLV" in run("layouts.py", "--repeats", "1")
