"""One relay as a program.

    python -m relays --domain market_data --listen unix:///run/alphapulse/market_data.sock
    python -m relays --topology FILE --name NAME
    python -m relays                             started by `python -m infra.topology up FILE`

Exit codes: 0 after SIGTERM or SIGINT, once what waited has been sent; 1 then, where audit lines were lost; 2 when the
command line, the topology or the place is wrong, and one line says what.  Log lines are JSON on standard error;
`--audit FILE` gets a line for each message of an audited domain (execution), which without it go to the log as well.  A
line that cannot be written holds no message back: it is counted, and the log tells it at once (`unaudited`).

Owns the command line.  Must not relay.
"""

import argparse
import contextlib
import sys
from pathlib import Path

from infra.errors import BadSetting
from infra.program import FAILED, Parser, run_program, stop_event, until_stopped
from infra.relay_messages import SlowPolicy
from infra.topology import load_topology
from infra.topology.log import Log
from infra.topology.model import RelayNode, Topology
from infra.topology.own import announce_ready, own_node
from libs.types.protocol import RelayDomain

from .domains import POLICIES
from .metrics import MetricsEndpoint
from .relay import Relay, RelaySettings
from .server import Server, settings_of

_DOMAINS = {domain.name.lower(): domain for domain in POLICIES}
_SLOW = {"drop-oldest": SlowPolicy.DROP_OLDEST, "disconnect": SlowPolicy.DISCONNECT}
_MEGA = 1024 * 1024


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = Parser(prog="python -m relays", description="Passes the messages of one domain on.")
    made.add_argument("--domain", choices=_DOMAINS)
    made.add_argument("--listen", metavar="URL", help="unix:///path, or nats://host:port/subject")
    made.add_argument("--topology", type=Path, metavar="FILE", help="where this relay is an entry")
    made.add_argument("--name", help="its name there; by default that of its domain")
    made.add_argument("--metrics", metavar="PLACE", help="unix:///path or 127.0.0.1:PORT, for Prometheus")
    made.add_argument("--audit", type=Path, metavar="FILE", help="where the audit of an audited domain goes")
    made.add_argument("--slow", choices=_SLOW, default="drop-oldest", help="what slow subscribers meet")
    made.add_argument("--queue", type=float, default=4.0, metavar="MB", help="what may wait for one subscriber")
    made.add_argument("--history", type=float, default=32.0, metavar="MB", help="what can be sent again")
    made.add_argument("--high-water", type=float, default=1.0, metavar="MB", help="what a connection takes at once")
    made.add_argument("--max-connections", type=int, default=1000)
    made.add_argument("--drain", type=float, default=5.0, metavar="SECONDS", help="time for the end")
    return made


def place(given: argparse.Namespace) -> tuple[RelayDomain, str]:
    """Domain and URL, from the command line, the file, or the supervisor's environment.

    Raises BadSetting, OSError, TopologyError.
    """
    if given.domain and given.listen:
        return _DOMAINS[given.domain], given.listen
    if given.topology is not None:
        return _entry(load_topology(given.topology), given.name or given.domain or "", str(given.topology))
    if given.domain or given.listen:
        raise BadSetting("--listen" if given.domain else "--domain", "", "both --domain and --listen, or --topology")
    topology, node = own_node()
    return _entry(topology, node.name, "the topology")


def _entry(topology: Topology, name: str, source: str) -> tuple[RelayDomain, str]:
    for node in topology.relays:
        if isinstance(node, RelayNode) and node.name == name:
            return node.domain, node.url
    known = ", ".join(node.name for node in topology.relays) or "none"
    raise BadSetting("--name", name, f"a relay of {source} ({known})")


def size(megabytes: float, name: str) -> int:
    """Bytes.  Raises BadSetting."""
    if not 1 / 256 <= megabytes <= 65_536:
        raise BadSetting(name, megabytes, "megabytes from 0.004 to 65536")
    return int(megabytes * _MEGA)


async def serve(given: argparse.Namespace) -> int:
    """Run until a signal."""
    domain, url = place(given)
    policy, log = POLICIES[domain], Log()
    settings = RelaySettings(size(given.queue, "--queue"), size(given.history, "--history"), _SLOW[given.slow])
    transport = settings_of(
        policy, max_connections=given.max_connections, high_water=size(given.high_water, "--high-water")
    )
    audit_file = given.audit.open("a", encoding="utf-8") if given.audit is not None and policy.audited else None
    try:
        audit = None if not policy.audited else log if audit_file is None else Log(audit_file)
        relay = Relay(policy, settings, log, audit)
        endpoint = MetricsEndpoint(relay, given.metrics) if given.metrics else None
        stop = stop_event()
        server = await Server.start(relay, url, transport, log)
        try:
            if endpoint is not None:
                await endpoint.start()
            announce_ready()
            await until_stopped(stop, server.accept_all(), server.watch())
        finally:
            if endpoint is not None:
                await endpoint.close()
            await server.stop(given.drain)
    finally:
        if audit_file is not None:
            with contextlib.suppress(OSError):  # of the last lines, which have been counted
                audit_file.close()
    return FAILED if relay.counts.unaudited else 0


def main(arguments: list[str] | None = None) -> int:
    """Run; returns the exit code."""
    given = parser().parse_args(arguments)
    return run_program("relays", lambda: serve(given))


if __name__ == "__main__":
    sys.exit(main())
