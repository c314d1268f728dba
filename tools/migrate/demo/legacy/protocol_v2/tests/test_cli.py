"""The dump tool, in this process and as `python -m`."""

import io
import subprocess
import sys

import pytest

from protocol_v2.cli import main
from protocol_v2.paths import REPO_ROOT
from protocol_v2.tests.test_tlv import build


def test_it_prints_trades(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(build().hex()))
    assert main([]) == 0
    assert capsys.readouterr().out == "MARKET_DATA #0\n  trade 42 50000.25000000\n"


def test_it_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "protocol_v2.cli"]
    done = subprocess.run(command, input=bytes(32).hex(), cwd=REPO_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pv2-dump: magic is 0x00000000" in done.stderr
