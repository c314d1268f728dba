"""Simulates orders and fills from the signal relay's quotes and signals.

    python -m services.execution_sim --signal unix:///run/alphapulse/signal.sock --execution unix:///run/alphapulse/execution.sock

`--set NAME=NUMBER` changes a setting of `config`, `--set fee_ppm=VENUE:PPM` a venue's fee.  `--clock header` takes the
time from the messages, for replays.  Exit codes: 0 after SIGTERM or SIGINT; 1 when a relay went away for good; 2 for
what is wrong with the command line, the topology or a place, in one line.

Owns the command line.  Must not do what `app` does.
"""

import argparse
import sys

from infra.program import Parser, add_relay_options, backoff_of, changed, relay_url, run_program, stop_event
from infra.publisher import Publisher
from infra.reactor import CLOCKS, Reactor
from infra.subscription import Subscription
from infra.topology.log import Log
from protocol_v2 import RelayDomain, SourceType

from .app import Config, ExecutionSim


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = Parser(
        prog="python -m services.execution_sim",
        description="Simulates orders and fills from the signal relay's quotes and signals.",
    )
    add_relay_options(made, signal="the relay to read", execution="the relay to write")
    made.add_argument("--set", action="append", default=[], metavar="NAME=NUMBER", help="change a setting")
    made.add_argument("--clock", choices=CLOCKS, default="wall")
    made.add_argument("--topics", nargs="+", default=["*"], metavar="PATTERN", help="what to read")
    return made


async def serve(given: argparse.Namespace) -> int:
    """Run until a signal."""
    app = ExecutionSim(changed(Config(), given.set))
    inward = relay_url(given.signal, RelayDomain.SIGNAL, given.topology)
    outward = relay_url(given.execution, RelayDomain.EXECUTION, given.topology)
    source, backoff = SourceType.EXECUTION_ENGINE, backoff_of(given.tries)
    stream = Subscription(inward, RelayDomain.SIGNAL, source=source, patterns=given.topics, backoff=backoff)
    publisher = Publisher(outward, RelayDomain.EXECUTION, source=source, backoff=backoff)
    stop = stop_event()
    await Reactor(stream, publisher, app.handle, app.on_time, clock=given.clock).run(stop, Log())
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run; returns the exit code."""
    given = parser().parse_args(arguments)
    return run_program("execution_sim", lambda: serve(given))


if __name__ == "__main__":
    sys.exit(main())
