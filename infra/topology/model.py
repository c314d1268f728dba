"""The topology as frozen values: which programs run, where they listen, what they need.

Owns the values and what follows from them: who listens where, in which order to start.  Must not read files
(`reader`) or start anything (`supervisor`), and must not know what a relay does with a message.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from graphlib import TopologicalSorter
from pathlib import PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from libs.types.protocol import RelayDomain

from ..transport.nats_address import NatsSettings

DEFAULT_SOCKET_DIR = "/tmp/alphapulse"
DEFAULT_SOCKET_NAMES: Mapping[RelayDomain, str] = {
    RelayDomain.MARKET_DATA: "market_data.sock",
    RelayDomain.SIGNAL: "signals.sock",
    RelayDomain.EXECUTION: "execution.sock",
}


class Restart(StrEnum):
    """When a program that has ended is started again."""

    NEVER = "never"
    ON_FAILURE = "on-failure"
    ALWAYS = "always"


class Ready(StrEnum):
    """How it is known that a program is ready: its socket accepts, it says so (`announce_ready`), or it was started."""

    SOCKET = "socket"
    ANNOUNCED = "announced"
    STARTED = "started"


@dataclass(frozen=True, slots=True)
class Node:
    """One program.  `url` is where it listens, or empty; `module` is empty where `command` is a program of its own.

    `command` is complete but for the interpreter, which is that of the supervisor where `module` is given.
    """

    name: str
    url: str = ""
    module: str = ""
    command: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    restart: Restart = Restart.ON_FAILURE
    ready: Ready = Ready.STARTED
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def socket(self) -> PurePosixPath | None:
        """The Unix socket it listens on, if it does."""
        parts = urlsplit(self.url)
        return PurePosixPath(unquote(parts.path)) if parts.scheme == "unix" else None


@dataclass(frozen=True, slots=True)
class RelayNode(Node):
    """The program that relays one domain."""

    domain: RelayDomain = RelayDomain.MARKET_DATA


@dataclass(frozen=True, slots=True)
class Topology:
    """All programs of one deployment, in the order of the file."""

    relays: tuple[RelayNode, ...] = ()
    services: tuple[Node, ...] = ()
    nats: NatsSettings = field(default_factory=NatsSettings)
    ready_timeout: float = 10.0
    stop_timeout: float = 5.0
    restart_tries: int = 10

    @property
    def nodes(self) -> tuple[Node, ...]:
        return (*self.relays, *self.services)

    def node(self, name: str) -> Node:
        """The program of that name.  Raises KeyError."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def relay(self, domain: RelayDomain) -> RelayNode:
        """The relay of that domain.  Raises KeyError when the deployment has none."""
        for relay in self.relays:
            if relay.domain is domain:
                return relay
        raise KeyError(domain)

    def url_of(self, domain: RelayDomain) -> str:
        """Where the relay of `domain` listens.  Raises KeyError when the deployment has none."""
        return self.relay(domain).url

    def socket_of(self, domain: RelayDomain) -> PurePosixPath:
        """The relay's Unix socket.  Raises KeyError when there is no such relay, or it listens elsewhere."""
        socket = self.relay(domain).socket
        if socket is None:
            raise KeyError(domain)
        return socket

    def start_order(self) -> tuple[Node, ...]:
        """Every program behind those it needs; else in the order of the file.  Raises graphlib.CycleError."""
        sorter = TopologicalSorter[str]()
        for node in self.nodes:
            sorter.add(node.name, *node.needs)
        sorter.prepare()
        place = {node.name: index for index, node in enumerate(self.nodes)}
        ordered: list[Node] = []
        while sorter.is_active():
            names = sorted(sorter.get_ready(), key=place.__getitem__)
            ordered += [self.node(name) for name in names]
            sorter.done(*names)
        return tuple(ordered)


def unix_url(path: PurePosixPath) -> str:
    """The URL of a socket's path."""
    return f"unix://{quote(str(path))}"
