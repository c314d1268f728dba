"""The command of the topology.

    python -m infra.topology check FILE     read the file and show what would be started, in order
    python -m infra.topology up FILE        start everything, keep it running, stop it on SIGINT or SIGTERM
    python -m infra.topology watch FILE     rates, queues, losses and gaps of the relays, live

Exit codes: 0 everything ended well; 1 a program failed, or had to be killed; 2 the command line, the file or the
machine is not as it must be, and one line says what.

Owns the command line and the exit codes.  Must not do what `supervisor` and `reader` do.
"""

import argparse
import contextlib
import sys
from pathlib import Path

from ..errors import BadSetting, InfraError
from ..transport.loop import run
from .log import Log
from .model import Topology
from .reader import load_topology
from .supervisor import check_places, up
from .watch import watch

FAILED, USAGE = 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.topology", description="Relays and services of one file.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("check", "read the file and show what would be started"),
        ("up", "start all of it"),
        ("watch", "show the relays' numbers, live"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("file", type=Path, metavar="FILE")
    command.add_argument("--seconds", type=float, default=1.0, help="between two looks")
    command.add_argument("--once", action="store_true", help="one table, then the end")
    given = parser.parse_args(arguments)
    try:
        topology = load_topology(given.file)
        if given.command == "check":
            check_places(topology)
            show(topology)
            return 0
        if given.command == "watch":
            if not 0.05 <= given.seconds <= 3600:
                raise BadSetting("--seconds", given.seconds, "seconds from 0.05 to 3600")
            with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
                run(watch(topology, given.seconds, given.once))
            return 0
        return 0 if run(up(topology, given.file, Log())) else FAILED
    except OSError as error:
        print(f"{given.file}: {error.strerror or error}; expected a topology file", file=sys.stderr)
    except InfraError as error:
        print(error, file=sys.stderr)
    return USAGE


def show(topology: Topology) -> None:
    """Print the programs in the order of their start."""
    for node in topology.start_order():
        place = f" at {node.url}" if node.url else ""
        needs = f", needs {', '.join(node.needs)}" if node.needs else ""
        print(f"{node.name}: {' '.join(node.command)}{place}{needs}, restart {node.restart}, ready {node.ready}")


if __name__ == "__main__":
    sys.exit(main())
