"""All programs of a topology: up in order, watched, down in reverse order.

Owns the order and the reaction to signals.  Must not know how a single program is kept running (`child`), nor read the
file (`reader`).

How it works: one task for each program.  A program is started when all that it needs are ready.  SIGINT and SIGTERM end
everything; SIGHUP, SIGUSR1 and SIGUSR2 are passed on.  A program that has failed for good, or is not ready in time,
ends everything too: a deployment of which a part is missing must not look as if it ran.  When all programs have ended
by themselves, so does the supervisor.
"""

import asyncio
import signal
import tempfile
from pathlib import Path

from ..errors import AddressInUse, SpawnFailed
from ..transport.socket_files import check_directory, is_live
from .child import Child
from .log import Log
from .model import Topology

_STOP = (signal.SIGINT, signal.SIGTERM)
_PASSED_ON = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


async def up(topology: Topology, file: Path, log: Log) -> bool:
    """Run all programs until a signal or their end; True when nothing failed.

    Raises AddressInUse, UnsafeDirectory, SpawnFailed before anything is started; SpawnFailed also later, after
    everything was stopped.
    """
    check_places(topology)
    with tempfile.TemporaryDirectory(prefix="alphapulse-") as folder:
        return await _Supervisor(topology, file.absolute(), Path(folder), log).run()


def check_places(topology: Topology) -> None:
    """Whether all sockets can be had.  Raises AddressInUse, UnsafeDirectory."""
    for node in topology.nodes:
        if node.socket is None:
            continue
        path = Path(node.socket)
        try:
            check_directory(path.parent)
            busy = is_live(path)
        except FileNotFoundError:
            continue  # the program makes the directory
        except OSError as error:
            raise AddressInUse(node.url, error.strerror or str(error)) from None
        if busy:
            raise AddressInUse(node.url, f"somebody listens where {node.name} should")


class _Supervisor:
    def __init__(self, topology: Topology, file: Path, folder: Path, log: Log) -> None:
        self._log = log
        self._children = {node.name: Child(node, topology, file, folder, log) for node in topology.start_order()}
        self._stop = asyncio.Event()
        self._failed = False
        self._fault: SpawnFailed | None = None

    async def run(self) -> bool:
        for child in self._children.values():
            child.command()
        loop = asyncio.get_running_loop()
        for number in _STOP:
            loop.add_signal_handler(number, self._on_stop, number)
        for number in _PASSED_ON:
            loop.add_signal_handler(number, self._pass_on, number)
        tasks = {name: asyncio.create_task(self._live(child)) for name, child in self._children.items()}
        stopping = asyncio.create_task(self._stop.wait())
        try:
            while not stopping.done() and (alive := [task for task in tasks.values() if not task.done()]):
                await asyncio.wait([stopping, *alive], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            await self._bring_down(tasks)
            for number in (*_STOP, *_PASSED_ON):
                loop.remove_signal_handler(number)
        for task in tasks.values():
            if not task.cancelled():
                task.result()  # a defect of this program, if anything
        if self._fault is not None:
            raise self._fault
        failed = self._failed or any(child.failed for child in self._children.values())
        self._log("down", failed=failed)
        return not failed

    async def _live(self, child: Child) -> None:
        for need in child.node.needs:
            await self._children[need].ready.wait()
        if self._stop.is_set():
            return
        try:
            await child.run()
        except SpawnFailed as error:
            self._fault = self._fault or error
        if child.failed or self._fault is not None:
            self._failed = True
            self._stop.set()
        child.ready.set()  # who needed it may start: it has done its work

    async def _bring_down(self, tasks: "dict[str, asyncio.Task[None]]") -> None:
        self._stop.set()
        for name, child in reversed(self._children.items()):
            await child.stop()
            if not tasks[name].done() and not child.running:
                tasks[name].cancel()  # it waits for its turn, or between two tries, or for what the process left
            await asyncio.wait([tasks[name]])

    def _on_stop(self, number: int) -> None:
        self._log("signal", signal=signal.Signals(number).name)
        self._stop.set()

    def _pass_on(self, number: int) -> None:
        self._log("signal", signal=signal.Signals(number).name)
        for child in self._children.values():
            child.send_signal(number)
