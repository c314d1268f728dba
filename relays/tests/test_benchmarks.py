"""The measurement runs, with a few messages."""

import pytest

from relays.benchmarks.measure import percentiles
from relays.benchmarks.throughput import main


def test_figures_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--messages", "2000", "--latencies", "50", "--subscribers", "2", "--runs", "1", "--codecs", "python"]
    assert main([*few, "--no-peers"]) == 0
    shown = capsys.readouterr().out
    for words in ("2 subscribers", "1 subscriber that parses", "p50", "load average"):
        assert words in shown


def test_percentiles() -> None:
    assert percentiles([number * 1000 for number in range(1, 1001)]) == (500, 990, 999)
