"""Records what passes at the relays to Parquet files.

    python -m services.recorder FOLDER --market URL --signal URL --execution URL
    python -m services.recorder FOLDER --topology FILE --layouts services.execution_sim.layouts

Without URLs it records the relays of the topology, all of them.  After SIGTERM or SIGINT it takes what is still under
way, until nothing has come for `--linger` seconds, writes the last files and ends.  Types that the protocol only sizes
get tables where `--layouts` names the module that declares them; else their messages are kept as bytes.

The last line of the log says how many rows were written, and how many could not be (`unwritten`).

Exit codes: 0 done; 1 when a relay went away for good (what was collected is written); 2 for what is wrong with the
command line, the topology, a place or the folder, in one line.  Needs the extra `parquet`.

Owns the connections, the clock and when files are written.  Must not do what `app` and `files` do.
"""

import argparse
import asyncio
import contextlib
import importlib
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from infra.errors import BadSetting, InfraError
from infra.program import (
    Parser,
    add_relay_options,
    backoff_of,
    changed,
    relay_url,
    run_program,
    stop_event,
    until_stopped,
)
from infra.subscription import Subscription
from infra.topology import load_topology
from infra.topology.log import Log
from infra.topology.own import announce_ready, own_node
from libs.types.protocol import TLV, Message, RelayDomain, SourceType

from .app import Config, Recorder, decoded_classes
from .files import clean, write_part
from .tables import Part

_DOMAINS = {"market": RelayDomain.MARKET_DATA, "signal": RelayDomain.SIGNAL, "execution": RelayDomain.EXECUTION}
_TICK = 0.25


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = Parser(prog="python -m services.recorder", description="Records what passes at the relays.")
    made.add_argument("folder", type=Path, metavar="FOLDER")
    add_relay_options(made, **{name: f"the {name} relay" for name in _DOMAINS})
    made.add_argument("--set", action="append", default=[], metavar="NAME=NUMBER", help="when files are written")
    made.add_argument("--layouts", action="append", default=[], metavar="MODULE", help="its TLVs get tables")
    made.add_argument("--linger", type=float, default=0.5, metavar="SECONDS")
    return made


def places(given: argparse.Namespace) -> dict[RelayDomain, str]:
    """Which relays to record.  Raises BadSetting, OSError, TopologyError."""
    named = {domain: getattr(given, name) for name, domain in _DOMAINS.items() if getattr(given, name)}
    if named:
        return named
    topology = load_topology(given.topology) if given.topology is not None else own_node()[0]
    found = {relay.domain: relay.url for relay in topology.relays}
    return found or {RelayDomain.MARKET_DATA: relay_url(None, RelayDomain.MARKET_DATA, given.topology)}


def classes_of(modules: Iterable[str]) -> list[Any]:
    """The protocol's classes, and those that these modules declare.  Raises BadSetting, ImportError."""
    classes = decoded_classes()
    for name in modules:
        found = [value for value in vars(importlib.import_module(name)).values() if _declared(value, name)]
        if not found:
            raise BadSetting("--layouts", name, "a module that declares TLV classes of fixed size")
        classes += found
    return classes


def _declared(value: object, module: str) -> bool:
    """Whether it is a TLV class of this module, with a size that rows can have."""
    if not isinstance(value, type) or value.__module__ != module:
        return False
    return issubclass(value, TLV) and not value.__layout__.tail


class Recording:
    """One run: streams in, files out."""

    def __init__(self, folder: Path, recorder: Recorder, streams: list[Subscription], log: Log) -> None:
        self._folder, self._recorder, self._streams, self._log = folder, recorder, streams, log
        self._unwritten: list[Part] = []
        self._writes = threading.Lock()
        self._files = self._rows = 0

    async def run(self, stop: asyncio.Event, linger: float) -> None:
        """Until `stop`, and then until nothing comes any more.  Raises ConnectFailed, OSError."""
        for path in clean(self._folder):
            self._log("removed", file=str(path))
        async with contextlib.AsyncExitStack() as stack:
            for stream in self._streams:
                await stack.enter_async_context(stream)
            announce_ready()
            self._log("ready", relays=[stream.url for stream in self._streams], run=self._recorder.run)
            try:
                await until_stopped(stop, self._tick(), *(self._read(stream) for stream in self._streams))
                await asyncio.gather(*(self._rest(stream, linger) for stream in self._streams))
            finally:
                try:
                    await self._write()
                finally:
                    counts, unwritten = self._recorder.counts, sum(part.rows.num_rows for part in self._unwritten)
                    self._log("recorded", messages=counts.messages, duplicates=counts.duplicates, rows=self._rows,
                              files=self._files, lost=sum(stream.numbers.lost for stream in self._streams),
                              unwritten=unwritten)  # fmt: skip

    def _add(self, messages: list[Message]) -> None:
        now = time.time_ns()
        for message in messages:
            self._recorder.add(message.buffer, now)

    async def _read(self, stream: Subscription) -> None:
        async for messages in stream:
            self._add(messages)
            if self._recorder.due(time.time_ns()):
                await self._write()

    async def _rest(self, stream: Subscription, linger: float) -> None:
        with contextlib.suppress(TimeoutError, InfraError):
            while True:
                async with asyncio.timeout(linger):
                    messages = await stream.receive()
                self._add(messages)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            if self._recorder.due(time.time_ns()):
                await self._write()

    async def _write(self) -> None:
        self._unwritten += self._recorder.take()
        writing = asyncio.ensure_future(asyncio.to_thread(self._write_parts))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await writing  # the end has come meanwhile, and closes what is written to
            raise

    def _write_parts(self) -> None:
        """What could not be written is kept for the next time, which is at the end if not before."""
        with self._writes:
            while self._unwritten:
                part = self._unwritten[0]
                write_part(self._folder, part, self._recorder.run, self._files)
                self._files, self._rows = self._files + 1, self._rows + part.rows.num_rows
                del self._unwritten[0]


async def serve(given: argparse.Namespace) -> int:
    """Run until a signal."""
    import pyarrow.parquet  # noqa: F401  # better missed now than with the first file

    recorder = Recorder(changed(Config(), given.set), run=time.time_ns(), classes=classes_of(given.layouts))
    streams = [
        Subscription(url, domain, source=SourceType.STATE_MANAGER, backoff=backoff_of(given.tries))
        for domain, url in places(given).items()
    ]
    given.folder.mkdir(parents=True, exist_ok=True)
    await Recording(given.folder, recorder, streams, Log()).run(stop_event(), given.linger)
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run; returns the exit code."""
    given = parser().parse_args(arguments)
    return run_program("recorder", lambda: serve(given))


if __name__ == "__main__":
    sys.exit(main())
