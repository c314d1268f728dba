"""What every program of the system does the same way: its command line, its end, its exit code.

Owns the exit codes: 0 done, 1 failed at work, 2 what was given is wrong (command line, file, place), in one line.  Must
not know what a program does.

How it works: `run_program` runs a coroutine and turns the errors of other hands into one line on standard error.  A
program waits with `until_stopped`, which SIGINT and SIGTERM end; what it does then is its own.  A peer that is not
there at the start is a wrong place (2); one that goes away for good later is a failure (1).
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from libs.types.common import AlphaPulseError
from libs.types.protocol import RelayDomain

from .errors import BadSetting, LocalInfraError, RemoteInfraError
from .topology import load_topology
from .topology.own import NODE, TOPOLOGY, own_node
from .transport import Backoff, run

FAILED, USAGE = 1, 2
_WHILE_WORKING = "while the program was at work"
Settings = TypeVar("Settings", bound=Any)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message}; see --help", file=sys.stderr)
        raise SystemExit(USAGE)


def run_program(name: str, main: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Run to the end; returns the exit code."""
    try:
        return run(main())
    except KeyboardInterrupt:
        return 130
    except RemoteInfraError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return FAILED if _WHILE_WORKING in getattr(error, "__notes__", ()) else USAGE
    except (LocalInfraError, AlphaPulseError, ValueError, ImportError) as error:
        print(f"{name}: {error}", file=sys.stderr)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"{name}: {place}{error.strerror or error}", file=sys.stderr)
    return USAGE


def stop_event() -> asyncio.Event:
    """An event that SIGINT and SIGTERM set."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


async def until_stopped(stop: asyncio.Event, *work: Coroutine[Any, Any, None]) -> None:
    """Until `stop` is set or any of `work` has ended; the others are cancelled.  Raises what `work` raises."""
    tasks = [asyncio.ensure_future(each) for each in work]
    waiting = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (waiting, *tasks):
            task.cancel()
        results = await asyncio.gather(waiting, *tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            result.add_note(_WHILE_WORKING)
            raise result


def relay_url(given: str | None, domain: RelayDomain, topology: Path | None) -> str:
    """Where the relay of `domain` listens: as given, or as the topology says.

    Raises BadSetting where nothing says it; OSError, TopologyError.
    """
    if given:
        return given
    found = load_topology(topology) if topology is not None else own_node()[0]
    try:
        return found.url_of(domain)
    except KeyError:
        raise BadSetting("topology", domain.name.lower(), "a [[relay]] of this domain in the file") from None


def add_relay_options(parser: argparse.ArgumentParser, **relays: str) -> None:
    """`--market URL` and the like, and the topology that stands for them."""
    for name, text in relays.items():
        parser.add_argument(f"--{name}", metavar="URL", help=text)
    parser.add_argument("--tries", type=int, default=10, help="how often to try to connect; ten take ten seconds")
    where = f"where the relays are; else ${TOPOLOGY}, ${NODE}"
    parser.add_argument("--topology", type=Path, metavar="FILE", help=where)


def backoff_of(tries: int) -> Backoff:
    """How long a program waits for a relay: ten tries are about ten seconds."""
    return Backoff(first=0.05, cap=2.0, tries=tries)


def changed(config: Settings, texts: Iterable[str]) -> Settings:
    """The settings with `NAME=NUMBER` and `fee_ppm=VENUE:PPM` changed.  Raises ValueError."""
    known = {field.name: getattr(config, field.name) for field in fields(config)}
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not isinstance(known.get(name), (int, Mapping)):
            numbers = ", ".join(each for each, now in known.items() if isinstance(now, (int, Mapping)))
            raise ValueError(f"--set {text}: expected NAME=NUMBER, where NAME is one of {numbers}")
        try:
            if isinstance(known[name], Mapping):
                key, _, amount = value.partition(":")
                values[name] = {**values.get(name, known[name]), int(key): int(amount)}
            else:
                values[name] = int(value)
        except ValueError:
            raise ValueError(f"--set {text}: {value!r} is no whole number") from None
    return replace(config, **values)
