"""One program as a child process: start it, wait until it is ready, keep it running, stop it.

Owns one process at a time and its restarts.  Must not know the other programs or their order.

How it works: `run` is the life of the program.  It starts the process, waits until it is ready, then until it ends;
the policy says whether it is started again, after a wait that doubles with each failure and begins anew once the
program has run for a while.  Signals go to this process alone, and only while it has not been waited for, so a number
that the system has given to somebody else is never hit.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from ..errors import SpawnFailed
from ..transport.backoff import Backoff
from ..transport.socket_files import is_live
from .log import Log
from .model import Node, Ready, Restart, Topology
from .own import NODE, READY_FILE, TOPOLOGY

HEALTHY_SECONDS = 30.0
_POLL = 0.01


class Child:
    """The process of one node."""

    def __init__(self, node: Node, topology: Topology, file: Path, folder: Path, log: Log) -> None:
        self.node, self._log = node, log
        self._ready_timeout, self._stop_timeout = topology.ready_timeout, topology.stop_timeout
        self._restarts = Backoff(tries=topology.restart_tries)
        self._ready_file = folder / f"{node.name.encode().hex()[:200]}.ready"
        self._environment = {**os.environ, **topology.nats.environment(), **dict(node.environment)}
        self._environment.update({TOPOLOGY: str(file), NODE: node.name, READY_FILE: str(self._ready_file)})
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self.ready = asyncio.Event()
        self.failed = False

    def command(self) -> list[str]:
        """What is executed.  Raises SpawnFailed for a module that cannot be found."""
        if not self.node.module:
            return list(self.node.command)
        module, package = self.node.module, False
        try:
            spec = find_spec(module)
            package = spec is not None and spec.submodule_search_locations is not None
            if package:
                spec = find_spec(f"{module}.__main__")
        except (ImportError, ValueError):
            spec = None
        if spec is None:
            wanted = f"{module}.__main__" if package else module
            raise SpawnFailed(self.node.name, f"python -m {module}", f"no module {wanted}")
        return [sys.executable, *self.node.command]

    async def run(self) -> None:
        """Until the program has ended for good; `failed` says how.  Raises SpawnFailed."""
        delays, command = self._restarts.delays(), self.command()
        while True:
            began = time.monotonic()
            code = await self._run_once(command)
            if self._stopping or not self._again(code):
                self.failed = self.failed or (code != 0 and not self._stopping)
                self._log("ended", node=self.node.name, code=code)
                return
            if time.monotonic() - began > HEALTHY_SECONDS:
                delays = self._restarts.delays()
            delay = next(delays, None)
            if delay is None:
                self.failed = True
                self._log("given-up", node=self.node.name, code=code, tries=self._restarts.tries)
                return
            self._log("restarting", node=self.node.name, code=code, seconds=round(delay, 3))
            await asyncio.sleep(delay)
            if self._stopping:
                return

    def _again(self, code: int) -> bool:
        return self.node.restart is Restart.ALWAYS or (self.node.restart is Restart.ON_FAILURE and code != 0)

    async def _run_once(self, command: list[str]) -> int:
        with contextlib.suppress(FileNotFoundError):
            self._ready_file.unlink()
        try:
            # A group of its own: Ctrl-C in a terminal reaches the supervisor alone, which stops in order.
            self._process = process = await asyncio.create_subprocess_exec(
                *command, env=self._environment, stdin=subprocess.DEVNULL, process_group=0
            )
        except OSError as error:
            raise SpawnFailed(self.node.name, command[0], error.strerror or str(error)) from None
        self._log("started", node=self.node.name, pid=process.pid)
        if self._stopping:
            process.terminate()
        ending = asyncio.ensure_future(process.wait())
        waiting = asyncio.ensure_future(self._wait_until_ready())
        try:
            await asyncio.wait([ending, waiting], return_when=asyncio.FIRST_COMPLETED)
            if not ending.done() and not waiting.result():
                self._log("not-ready", node=self.node.name, seconds=self._ready_timeout)
                self.failed = True
                await self.stop()
            elif not ending.done():
                self._log("ready", node=self.node.name, pid=process.pid)
                self.ready.set()
            return await ending
        finally:
            waiting.cancel()
            ending.cancel()

    async def _wait_until_ready(self) -> bool:
        end = time.monotonic() + self._ready_timeout
        while time.monotonic() < end:
            if self._is_ready():
                return True
            await asyncio.sleep(_POLL)
        return self._is_ready()

    def _is_ready(self) -> bool:
        if self.node.ready is Ready.SOCKET and self.node.socket is not None:
            with contextlib.suppress(OSError):
                return is_live(Path(self.node.socket))
            return False
        return self.node.ready is Ready.STARTED or self._ready_file.exists()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def send_signal(self, number: int) -> None:
        """Pass a signal on; nothing happens to a process that has ended."""
        if self._process is not None and self.running:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL when the topology's `stop-timeout` has passed; no restart afterwards."""
        self._stopping = True
        if self._process is None or not self.running:
            return
        self._log("stopping", node=self.node.name, pid=self._process.pid)
        self.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self._stop_timeout):
                await self._process.wait()
        except TimeoutError:
            self._log("killing", node=self.node.name, pid=self._process.pid, seconds=self._stop_timeout)
            self.failed = True
            self.send_signal(signal.SIGKILL)
            await self._process.wait()
