"""A program that reads one relay and writes to another: its command line, its connections, its exit code.

Owns what all such programs have in common.  Must not know what a program does with the messages: that is its `app`,
made from the settings that the command line has changed.

`--set NAME=NUMBER` changes a setting, `--set fee_ppm=VENUE:PPM` a venue's fee.  `--clock header` takes the time from
the messages, for replays.  Exit codes: 0 after SIGTERM or SIGINT; 1 when a relay went away for good; 2 for what is
wrong with the command line, the topology or a place, in one line.
"""

import argparse
import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from libs.types.protocol import RelayDomain, SourceType

from .program import Parser, add_relay_options, backoff_of, changed, relay_url, run_program, stop_event
from .publisher import Publisher
from .reactor import CLOCKS, App, Reactor
from .subscription import Subscription
from .topology.log import Log

_NAMES = {RelayDomain.MARKET_DATA: "market", RelayDomain.SIGNAL: "signal", RelayDomain.EXECUTION: "execution"}


@dataclass(frozen=True, slots=True)
class Stage:
    """One such program; `make` gives the app for `config` with the changes of the command line."""

    name: str
    description: str
    reads: RelayDomain
    writes: RelayDomain
    source: SourceType
    config: Any
    make: Callable[[Any], App]

    def parser(self) -> argparse.ArgumentParser:
        """The command line."""
        made = Parser(prog=f"python -m services.{self.name}", description=self.description)
        relays = {_NAMES[self.reads]: "the relay to read", _NAMES[self.writes]: "the relay to write"}
        add_relay_options(made, **relays)
        made.add_argument("--set", action="append", default=[], metavar="NAME=NUMBER", help="change a setting")
        made.add_argument("--clock", choices=CLOCKS, default="wall")
        made.add_argument("--topics", nargs="+", default=["*"], metavar="PATTERN", help="what to read")
        return made

    async def serve(self, given: argparse.Namespace, stop: asyncio.Event | None = None) -> int:
        """Run until `stop`, without one until a signal.  Raises what `run_program` turns into a line."""
        app = self.make(changed(self.config, given.set))
        inward, outward = (
            relay_url(getattr(given, _NAMES[domain]), domain, given.topology) for domain in (self.reads, self.writes)
        )
        backoff = backoff_of(given.tries)
        stream = Subscription(inward, self.reads, source=self.source, patterns=given.topics, backoff=backoff)
        publisher = Publisher(outward, self.writes, source=self.source, backoff=backoff)
        await Reactor(stream, publisher, app, clock=given.clock).run(stop or stop_event(), Log())
        return 0

    def main(self, arguments: list[str] | None = None) -> int:
        """Run; returns the exit code."""
        given = self.parser().parse_args(arguments)
        return run_program(self.name, lambda: self.serve(given))
