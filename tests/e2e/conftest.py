"""Real programs for the end-to-end tests: started, watched by their log lines, and ended by their own number.

Owns the processes of a test: every one that it starts is ended with it, and none other.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.tests.conftest import folder, nats_server, pytest_pyfunc_call

__all__ = ["folder", "nats_server", "pytest_pyfunc_call"]

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 90.0


class Program:
    """One process and what it has logged."""

    def __init__(self, arguments: list[str], log: Path) -> None:
        self.arguments, self._log = arguments, log
        with log.open("w") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=stream
            )

    def lines(self) -> list[dict[str, Any]]:
        """The log lines that are complete."""
        text = self._log.read_text()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines() if line.startswith("{")]

    def text(self) -> str:
        return self._log.read_text()

    def wait_for(self, event: str, **fields: object) -> dict[str, Any]:
        """The first line of this kind."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            for line in self.lines():
                if line["event"] == event and fields.items() <= line.items():
                    return line
            if self.process.poll() is not None and not any(line["event"] == event for line in self.lines()):
                break
            time.sleep(0.02)
        raise AssertionError(f"{self.arguments[0]}: no {event} in\n{self.text()}")

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=SECONDS)


Start = Callable[..., Program]


@pytest.fixture
def start() -> Iterator[Start]:
    """start(module, *arguments) -> a running Program"""
    logs = Path(tempfile.mkdtemp(prefix="ap-logs-", dir="/tmp"))
    started: list[Program] = []

    def run(module: str, *arguments: object) -> Program:
        program = Program([module, *map(str, arguments)], logs / f"{len(started)}.log")
        started.append(program)
        return program

    yield run
    for program in reversed(started):
        if program.process.poll() is None:
            program.process.kill()
        program.process.wait()
    shutil.rmtree(logs)


def relay(start: Start, domain: str, url: str, *arguments: object) -> Program:
    """A relay that listens."""
    program = start("relays", "--domain", domain, "--listen", url, *arguments)
    program.wait_for("listening")
    return program


def resident_bytes(pid: int) -> int:
    """The memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def metric(path: Path, name: str) -> float:
    """The sum of one metric over its labels, asked at a relay's metrics endpoint."""
    with socket.socket(socket.AF_UNIX) as scraper:
        scraper.settimeout(SECONDS)
        scraper.connect(str(path))
        scraper.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        text = b"".join(iter(lambda: scraper.recv(65536), b"")).decode()
    lines = [line for line in text.splitlines() if line.split("{")[0].split(" ")[0] == name]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def wait_until(true: Callable[[], bool]) -> None:
    """Poll, and fail after a generous time."""
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
