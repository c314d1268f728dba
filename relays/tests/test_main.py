"""The relay as a process: what it says when it is started wrongly, how it ends, and its metrics."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.errors import BadUrl, MissingDependency
from infra.relay_messages import subscribe_message, sync_message
from libs.types.protocol import MessageBuilder, RelayDomain
from relays.__main__ import parser, place

ROOT = Path(__file__).resolve().parents[2]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "relays", *arguments], cwd=ROOT, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "ALPHAPULSE_TOPOLOGY": ""},
        )  # fmt: skip
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


def wait_for(path: Path) -> None:
    end = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--domain", "market"], "invalid choice: 'market'"),
        ([], "ALPHAPULSE_TOPOLOGY is ''"),
        (["--domain", "signal"], "--listen"),
        (["--domain", "signal", "--listen", "tcp://x"], "unknown scheme 'tcp'"),
        (["--topology", "no-such.toml"], "no-such.toml: No such file"),
        (["--domain", "signal", "--listen", "unix:///tmp/x.sock", "--queue", "0"], "--queue"),
        (["--domain", "signal", "--listen", "nats://127.0.0.1:1/x"], "cannot connect"),
        (["--domain", "execution", "--listen", "unix:///tmp/x.sock", "--audit", "/no/such/file"], "/no/such/file"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(start: Start, arguments: list[str], said: str) -> None:
    process = start(*arguments)
    _, text = process.communicate(timeout=60)
    assert process.returncode == 2 and said in text and text.count("\n") == 1, text


def test_a_busy_place(start: Start, folder: Path) -> None:
    url = f"unix://{folder}/m.sock"
    start("--domain", "market_data", "--listen", url)
    wait_for(folder / "m.sock")
    second = start("--domain", "market_data", "--listen", url)
    _, text = second.communicate(timeout=60)
    assert second.returncode == 2 and text.count("\n") == 1 and url in text


def test_sigterm_drains_and_ends_well(start: Start, folder: Path) -> None:
    topology = folder / "t.toml"
    topology.write_text(f'socket-dir = "{folder}"\n[[relay]]\ndomain = "signal"\n')
    process = start("--topology", str(topology), "--name", "signal", "--metrics", f"unix://{folder}/metrics")
    wait_for(folder / "metrics")
    with socket.socket(socket.AF_UNIX) as peer, socket.socket(socket.AF_UNIX) as scraper:
        peer.settimeout(30)
        peer.connect(str(folder / "signals.sock"))
        peer.sendall(subscribe_message(RelayDomain.SIGNAL, source=60, consumer_id=1))
        assert peer.recv(4096)
        scraper.settimeout(30)
        scraper.connect(str(folder / "metrics"))
        scraper.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        text = b"".join(iter(lambda: scraper.recv(65536), b"")).decode()
        assert 'relay_subscribers{domain="signal"} 1.0' in text and "relay_batch_seconds_bucket" in text
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        assert peer.recv(4096) == b""
    assert not (folder / "signals.sock").exists() and not (folder / "metrics").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
def test_a_full_disk_below_the_audit_is_told(start: Start, folder: Path) -> None:
    """The messages were passed on, and nobody was told that they are not in the audit."""
    url = f"unix://{folder}/x.sock"
    process = start("--domain", "execution", "--listen", url, "--audit", "/dev/full")
    wait_for(folder / "x.sock")
    order = MessageBuilder(relay_domain=RelayDomain.EXECUTION, source=40, sequence=1).build()
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(30)
        peer.connect(str(folder / "x.sock"))
        peer.sendall(order + sync_message(RelayDomain.EXECUTION, source=40, publisher_id=1, token=1))
        assert peer.recv(4096), "a message that is not audited is passed on, and acknowledged"
    process.send_signal(signal.SIGTERM)
    _, text = process.communicate(timeout=30)
    (line,) = [line for line in map(json.loads, text.splitlines()) if line["event"] == "unaudited"]
    assert (line["source"], line["sequence"], line["unaudited"], process.returncode) == (40, 1, 1, 1)


def test_connections_above_the_limit_are_told(start: Start, folder: Path) -> None:
    process = start("--domain", "signal", "--listen", f"unix://{folder}/s.sock", "--max-connections", "1")
    wait_for(folder / "s.sock")
    with contextlib.ExitStack() as peers:
        for _ in range(3):
            peer = peers.enter_context(socket.socket(socket.AF_UNIX))
            peer.connect(str(folder / "s.sock"))
        assert process.stderr is not None
        lines = map(json.loads, process.stderr)
        told = next(line for line in lines if line["event"] == "refused")
    assert (told["connections"], told["open"]) == (2, 1)


def test_names_in_a_topology(folder: Path) -> None:
    topology = folder / "t.toml"
    topology.write_text(f'socket-dir = "{folder}"\n[[relay]]\ndomain = "signal"\nname = "s"\n')
    given = parser().parse_args(["--topology", str(topology), "--name", "s"])
    assert place(given) == (RelayDomain.SIGNAL, f"unix://{folder}/signals.sock")
    with pytest.raises(Exception, match=r"--name is 'x'; expected a relay of .* \(s\)"):
        place(parser().parse_args(["--topology", str(topology), "--name", "x"]))


async def test_metrics_at_a_port(running: Callable[..., object]) -> None:
    import asyncio

    pytest.importorskip("prometheus_client")
    from relays.metrics import MetricsEndpoint

    async with running() as here:  # type: ignore[attr-defined]
        endpoint = MetricsEndpoint(here.relay, "127.0.0.1:0")
        await endpoint.start()
        url = f"http://127.0.0.1:{endpoint.port}"

        def fetch(path: str) -> str:
            with urllib.request.urlopen(url + path, timeout=10) as answer:
                return str(answer.read(), "utf-8")

        assert "relay_messages_in_total" in await asyncio.to_thread(fetch, "/metrics")
        with pytest.raises(urllib.error.HTTPError) as caught:
            await asyncio.to_thread(fetch, "/else")
        caught.value.close()
        await endpoint.close()
        for place in ("0.0.0.0:9000", "localhost", "127.0.0.1:x"):
            with pytest.raises(BadUrl):
                await MetricsEndpoint(here.relay, place).start()


async def test_metrics_without_the_package(running: Callable[..., object], monkeypatch: pytest.MonkeyPatch) -> None:
    from relays.metrics import MetricsEndpoint

    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    async with running() as here:  # type: ignore[attr-defined]
        with pytest.raises(MissingDependency, match="prometheus-client"):
            MetricsEndpoint(here.relay, "127.0.0.1:0")
