"""Time and memory of one command with all processes that it starts.

`cpu` is user and system time, of those processes that were waited for.  `memory` is the largest sum over all processes
at one moment, in MB: of each its proportional set size (`Pss` of /proc/PID/smaps_rollup), in which a page that several
share is divided among them, so that the sum counts no page twice.  Looked at every 50 ms.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    """Of one command: seconds, and MB."""

    cpu: float
    wall: float
    memory: float


class Failed(RuntimeError):
    """A command ended with another code than it may, or not in time; what it said last is the text."""


class _Watch(threading.Thread):
    """Adds up the memory of a process and of those below it, again and again; `peak` is in MB."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.peak, self.over = pid, 0.0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.05):
            self.peak = max(self.peak, sum(_shared_size(pid) for pid in _family(self.pid)) / 1024)


def _family(pid: int) -> Iterator[int]:
    yield pid
    found: list[str] = []
    with contextlib.suppress(OSError):  # it may end meanwhile
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            found += children.read_text().split()
    for child in found:
        yield from _family(int(child))


def _shared_size(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def measure(
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    codes: Sequence[int] = (0, 1),
    timeout: float = 3600.0,
) -> Cost:
    """Run the command to its end.  Raises Failed if its exit code is none of `codes`, or after `timeout` seconds."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        late = threading.Timer(timeout, _end, [process.pid])
        late.daemon = True
        late.start()
        watch = _Watch(process.pid)
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        late.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.over.set()
        watch.join()
        # One that was ended may still say 0: its children go first, and it may have waited for nothing else.
        if wall >= timeout or process.returncode not in codes:
            output.seek(0)
            said = output.read().decode(errors="replace")[-2000:]
            why = f"not done in {timeout:.0f} s" if wall >= timeout else f"exit {process.returncode}"
            raise Failed(f"{' '.join(command)}: {why}\n{said}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, watch.peak or usage.ru_maxrss / 1024)


def _end(pid: int) -> None:
    for each in list(_family(pid))[::-1]:
        with contextlib.suppress(OSError):
            os.kill(each, 9)
