"""`python -m infra.topology`: real programs, started in order, watched, stopped in reverse order."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

RELAY = """
import asyncio, os, signal, sys
from infra.topology import own_node
from infra.transport import listen, run
async def main():
    topology, node = own_node()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, lambda: print("usr1", node.name, flush=True))
    print("up", node.name, os.environ.get("EXTRA"), flush=True)  # once it listens it is ready, and others go on
    async with await listen(node.url):
        await stop.wait()
    print("down", node.name, flush=True)
run(main())
"""
ANNOUNCING = """
import signal, sys, time
from infra.topology import announce_ready
time.sleep(0.2)
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
signal.signal(signal.SIGTERM, lambda *_: (print("down announcing", flush=True), sys.exit(0)))
print("announcing", flush=True)
announce_ready()
while True: time.sleep(1)
"""


def node(name: str, code: str, **more: Any) -> str:
    lines = ["[[service]]", f"name = {json.dumps(name)}", f"command = {json.dumps([sys.executable, '-c', code])}"]
    return "\n".join([*lines, *(f"{key} = {json.dumps(value)}" for key, value in more.items())]) + "\n"


class Up:
    """A running `up`: its log lines as they come, and what its children print."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "infra.topology", "up", str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        self.lines: list[dict[str, Any]] = []

    def until(self, event: str, name: str | None = None) -> dict[str, Any]:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(json.loads(line))
            if self.lines[-1]["event"] == event and name in (None, self.lines[-1].get("node")):
                return self.lines[-1]
        raise AssertionError(f"no {event} in {self.lines}")

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        if self.process.poll() is None:
            self.process.send_signal(number)
        out, error = self.process.communicate(timeout=60)
        self.lines += [json.loads(line) for line in error.splitlines()]
        return self.process.returncode, out

    def events(self, event: str) -> list[str]:
        return [line.get("node", "") for line in self.lines if line["event"] == event]


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[[str], Up]]:
    started: list[Up] = []

    def begin(text: str) -> Up:
        path = folder / "t.toml"
        path.write_text(text)
        started.append(Up(path))
        return started[-1]

    yield begin
    for one in started:
        if one.process.poll() is None:
            one.stop()
        for pipe in (one.process.stdout, one.process.stderr):
            if pipe is not None:
                pipe.close()


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        os.kill(pid, 0)
        return True
    return False


def test_everything_starts_in_order_and_stops_in_reverse(folder: Path, start: Callable[[str], Up]) -> None:
    run = start(
        f'socket-dir = "{folder}/s"\n'
        + node("c", RELAY, socket="c.sock", needs=["b"], environment={}).replace(
            "environment = {}", 'environment = { EXTRA = "x" }'
        )
        + node("b", ANNOUNCING, needs=["a"], ready="announced")
        + node("a", RELAY, socket="a.sock")
    )
    run.until("ready", "c")
    assert run.events("started") == ["a", "b", "c"] == run.events("ready")
    pids = [line["pid"] for line in run.lines if line["event"] == "started"]
    run.process.send_signal(signal.SIGUSR1)
    run.until("signal")
    time.sleep(0.3)
    code, out = run.stop(signal.SIGINT)
    assert code == 0
    assert run.events("stopping") == ["c", "b", "a"]
    said = out.splitlines()
    assert said[:3] == ["up a None", "announcing", "up c x"]
    assert sorted(said[3:5]) == ["usr1 a", "usr1 c"]
    assert said[5:] == ["down c", "down announcing", "down a"]
    assert not any(map(alive, pids))
    assert list((folder / "s").iterdir()) == []
    assert all("time" in line for line in run.lines)


def test_a_killed_program_is_started_again(folder: Path, start: Callable[[str], Up]) -> None:
    run = start(node("a", RELAY, socket=f"{folder}/a.sock"))
    pid = run.until("ready", "a")["pid"]
    os.kill(pid, signal.SIGKILL)
    assert run.until("restarting", "a")["code"] == -signal.SIGKILL
    assert run.until("ready", "a")["pid"] != pid
    assert run.stop()[0] == 0


def test_programs_that_end_by_themselves(start: Callable[[str], Up]) -> None:
    run = start(node("a", "print('a')") + node("b", "print('b')", needs=["a"]))
    assert run.process.wait(60) == 0
    assert sorted("".join(run.stop()[1].split())) == ["a", "b"]  # two programs can write into one line


@pytest.mark.parametrize("restart", ["never", "on-failure"])
def test_a_program_that_fails_ends_everything(start: Callable[[str], Up], restart: str) -> None:
    run = start(
        "restart-tries = 3\n"
        + node("a", ANNOUNCING, ready="announced")
        + node("b", "raise SystemExit(3)", restart=restart)
    )
    code, _ = run.process.wait(120), run.stop()
    assert code == 1
    assert run.events("ended" if restart == "never" else "given-up")[0] == "b"
    assert len(run.events("restarting")) == (0 if restart == "never" else 3)
    assert run.lines[-1]["event"] == "down" and run.lines[-1]["failed"]


def test_a_program_that_does_not_get_ready(folder: Path, start: Callable[[str], Up]) -> None:
    run = start(
        "ready-timeout = 0.5\nstop-timeout = 0.5\n"
        + node("a", "import time; time.sleep(100)", socket=f"{folder}/a.sock")
        + node("b", "print('never')", needs=["a"])
    )
    assert run.process.wait(60) == 1
    _, out = run.stop()
    assert run.events("not-ready") == ["a"] and run.events("started") == ["a"] and out == ""


def test_a_program_that_does_not_stop_is_killed(start: Callable[[str], Up]) -> None:
    deaf = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + (
        "from infra.topology import announce_ready\nannounce_ready()\ntime.sleep(100)"
    )
    run = start("stop-timeout = 0.3\n" + node("a", deaf, ready="announced"))
    pid = run.until("ready", "a")["pid"]
    assert run.stop()[0] == 1
    assert run.events("killing") == ["a"] and not alive(pid)


def test_stopped_while_it_starts(folder: Path, start: Callable[[str], Up]) -> None:
    run = start(node("a", "import time; time.sleep(100)", ready="announced") + node("b", "print('b')", needs=["a"]))
    pid = run.until("started", "a")["pid"]
    code, out = run.stop()
    assert (code, out) == (0, "") and not alive(pid)


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "infra.topology", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_check_shows_the_order(folder: Path) -> None:
    path = folder / "t.toml"
    path.write_text(
        f'socket-dir = "{folder}"\n[[service]]\nname = "b"\nmodule = "json.tool"\nneeds = ["signal"]\n'
        '[[relay]]\ndomain = "signal"\n'
    )
    done = command("check", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert first == f"signal: -m relays at unix://{folder}/signals.sock, restart always, ready socket"
    assert second == "b: -m json.tool, needs signal, restart on-failure, ready started"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[relay]]\n", "t.toml:1:1: domain is missing"),
        ("[[service]]\nname = 'x'\nmodule = 'absent.module'\n", "no module absent.module"),
        ("[[service]]\nname = 'x'\nmodule = 'infra'\n", "no module infra.__main__"),
        ("[[service]]\nname = 'x'\nmodule = ''\n", "module is ''"),
        ("[[service]]\nname = 'x'\ncommand = ['/absent/program']\n", "cannot start '/absent/program'"),
        ("[[service]]\nname = 'x'\ncommand = ['true']\nsocket = '{folder}/busy.sock'\n", "somebody listens where x"),
        ("[[service]]\nname = 'x'\ncommand = ['true']\nsocket = '/tmp/x.sock'\n", "others can write to it"),
    ],
)
def test_faults_are_one_line_and_exit_2(folder: Path, text: str, says: str) -> None:
    path = folder / "t.toml"
    path.write_text(text.replace("{folder}", str(folder)))
    with socket.socket(socket.AF_UNIX) as busy:
        busy.bind(str(folder / "busy.sock"))
        busy.listen()
        done = command("up", str(path))
    lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert (done.returncode, len(lines)) == (2, 1), done.stderr
    assert says in lines[0] and "Traceback" not in done.stderr


def test_a_missing_file_and_a_wrong_word(folder: Path) -> None:
    done = command("up", str(folder / "absent.toml"))
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "No such file" in done.stderr
    assert command("up", str(folder)).returncode == 2
    assert command("down", "x").returncode == 2
    assert command("up").returncode == 2
