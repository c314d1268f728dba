"""Worker processes end with the run, however that ends, and never keep it from ending."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.migrate.processes import each
from tools.migrate.tests.sample import alive

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

# Items take longer than any test; the workers say who they are, and signals are handled as the command line does it.
RUN = """
import os, signal, sys, time
from tools.migrate.processes import each

for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a shell lets what it starts with & ignore the first
    signal.signal(name, signal.default_int_handler)

def work(item):
    with open(sys.argv[1], "a") as file:
        file.write(f"{os.getpid()}\\n")
    end = time.monotonic() + 300
    while time.monotonic() < end:
        sum(range(1000))
    return item

try:
    list(each(work, range(100), 2))
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """A run in a group of its own, and its two workers, which are in the middle of an item."""
    said = tmp_path / "workers.txt"
    process = subprocess.Popen([sys.executable, "-c", RUN, str(said)], start_new_session=True)
    end = time.monotonic() + 60
    while time.monotonic() < end and (not said.exists() or len(said.read_text().split()) < 2):
        time.sleep(0.05)
    yield process, [int(pid) for pid in said.read_text().split()]
    with contextlib.suppress(ProcessLookupError):  # all is gone, where nothing failed
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(20)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("group", [True, False], ids=["to all", "to the run"])
def test_a_signal_ends_all(started: tuple[subprocess.Popen[bytes], list[int]], number: int, group: bool) -> None:
    process, workers = started
    assert len(workers) == 2
    (os.killpg if group else os.kill)(process.pid, number)
    assert process.wait(20) == 130
    assert not any(map(alive, workers))


def test_nothing_outlives_a_run_that_is_killed(started: tuple[subprocess.Popen[bytes], list[int]]) -> None:
    process, workers = started
    process.kill()
    process.wait(20)
    end = time.monotonic() + 20
    while any(map(alive, workers)) and time.monotonic() < end:
        time.sleep(0.1)
    assert not any(map(alive, workers))


# What is raised where the answers are used leaves the iterator as it is, for as long as the error is held.
HELD = """
import sys
from tools.migrate.processes import each, end

def work(item):
    if item > 40:
        sum(range(10**11))
    return item

found = each(work, range(100), 2)
try:
    next(found)
    raise KeyboardInterrupt
except KeyboardInterrupt:
    sys.exit(130)
finally:
    end()
"""


def test_an_error_beside_the_workers_ends_them() -> None:
    assert subprocess.run([sys.executable, "-c", HELD], timeout=60).returncode == 130


def test_an_error_of_one_item_is_that_of_the_run() -> None:
    def work(item: int) -> int:
        return 1 // (item - 70)

    with pytest.raises(ZeroDivisionError):
        list(each(work, range(100), 2))
    assert list(each(lambda item: item * 2, range(100), 2)) == [2 * item for item in range(100)]


def test_a_reader_may_stop_early() -> None:
    found = each(lambda item: item, range(100), 2)
    assert next(found) == 0
    found.close()  # type: ignore[attr-defined]
