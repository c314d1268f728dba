"""The event loop of a program: which one is chosen, and the one that polls."""

import asyncio
import contextlib
import os
import selectors
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from infra.transport import BadSetting, loop_factory, run
from infra.transport.busy_poll import BusyPollSelector


def test_the_loop_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def name() -> str:
        return type(asyncio.get_running_loop()).__module__

    monkeypatch.delenv("ALPHAPULSE_LOOP", raising=False)
    assert run(name()).startswith("asyncio")
    with pytest.raises(BadSetting, match="asyncio or uvloop"):
        run(name(), "curio")
    monkeypatch.setenv("ALPHAPULSE_LOOP", "trio")
    with pytest.raises(BadSetting):
        loop_factory()
    pytest.importorskip("uvloop")
    monkeypatch.setenv("ALPHAPULSE_LOOP", "uvloop")
    assert run(name()).startswith("uvloop")


def test_a_loop_that_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALPHAPULSE_LOOP", raising=False)
    monkeypatch.setenv("ALPHAPULSE_BUSY_POLL", "50")
    with contextlib.closing(loop_factory()()) as loop:
        assert isinstance(loop._selector, BusyPollSelector)  # type: ignore[attr-defined]
    monkeypatch.setenv("ALPHAPULSE_LOOP", "uvloop")
    with pytest.raises(BadSetting, match="cannot poll"):
        loop_factory()
    for wrong in ("-1", "1.5", "much", "1000001", "\u0665"):
        monkeypatch.setenv("ALPHAPULSE_BUSY_POLL", wrong)
        with pytest.raises(BadSetting, match="microseconds from 0"):
            loop_factory()


def test_polling_ends_with_what_comes_or_with_the_time() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, contextlib.closing(BusyPollSelector(20_000)) as selector:
        key = selector.register(ours, selectors.EVENT_READ)
        worked, began = time.thread_time(), time.monotonic()
        assert selector.select(0.3) == []
        assert 0.3 <= time.monotonic() - began < 3
        assert 0 < time.thread_time() - worked < 0.2, "it sleeps after the polling"
        assert selector.select(0) == [] and selector.select(0.001) == []
        for wait in (0.005, 0.1):  # while it polls, and while it sleeps
            sender = threading.Timer(wait, theirs.send, [b"x"])
            sender.start()
            assert selector.select() == [(key, selectors.EVENT_READ)]
            sender.join()
            assert ours.recv(2) == b"x"


@pytest.mark.parametrize(("module", "call"), [("uvloop", "run(main(), 'uvloop')"), ("nats", "run(main())")])
def test_an_extra_that_is_not_installed(module: str, call: str) -> None:
    """A process in which the module cannot be imported, as where it was never installed."""
    code = (
        f"import sys\nsys.modules['{module}'] = None\n"
        "from infra.transport import *\n"
        "async def main(): await connect('nats://127.0.0.1:1/x')\n"
        f"try: {call}\nexcept MissingDependency as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "" and f"alphapulse-infra[{module}]" in done.stdout and done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("path", "variable", "value"),
    [
        ("test_contract.py", "ALPHAPULSE_LOOP", "uvloop"),
        ("test_unix.py", "ALPHAPULSE_LOOP", "uvloop"),
        ("test_contract.py", "ALPHAPULSE_BUSY_POLL", "50"),
    ],
)
def test_the_same_on_other_loops(path: str, variable: str, value: str) -> None:
    if value == "uvloop":
        pytest.importorskip("uvloop")
    environment = {**os.environ, variable: value, "PYTEST_ADDOPTS": ""}  # those are for the session here
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:cov",
         str(Path(__file__).with_name(path)), "-k", "not memory"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
