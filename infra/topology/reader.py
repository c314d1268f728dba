"""The topology file: TOML in, frozen values out, and every error with its line and column.

    socket-dir = "/run/alphapulse"      # optional, /tmp/alphapulse without it
    ready-timeout = 10.0                # seconds a program has until it is ready
    stop-timeout = 5.0                  # seconds between SIGTERM and SIGKILL
    restart-tries = 10                  # how often in a row a program that fails is started again

    [nats]                              # optional; files relative to this one
    credentials = "user.creds"          # or user and password-file; ca, certificate, key turn TLS on

    [[relay]]
    domain = "market_data"              # market_data, signal or execution
    socket = "market_data.sock"         # optional, relative to socket-dir; or url = "nats://host:4222/md"

    [[service]]
    name = "book_builder"               # optional for a relay, which is named after its domain
    module = "services.book_builder"    # or command = ["program", "argument"]
    args = ["--depth", "10"]            # optional, as is all that follows
    needs = ["market_data"]             # started when these are ready
    restart = "on-failure"              # never, on-failure (services), always (relays)
    ready = "started"                   # socket (whoever has one), announced, started
    environment = { LOG = "json" }

Owns the format.  Must not open sockets or start anything.
"""

import difflib
import graphlib
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from libs.types.protocol import RelayDomain

from ..errors import InfraError, TopologyError
from ..transport.nats_address import NatsSettings, nats_address
from ..transport.socket_files import MAX_SOCKET_PATH, socket_path
from ..transport.urls import scheme_of
from .model import DEFAULT_SOCKET_DIR, DEFAULT_SOCKET_NAMES, Node, Ready, RelayNode, Restart, Topology, unix_url
from .positions import Path as Place
from .positions import Positions, syntax_position

Item = TypeVar("Item")
_DOMAINS = {domain.name.lower(): domain for domain in DEFAULT_SOCKET_NAMES}
_TOP = ("socket-dir", "ready-timeout", "stop-timeout", "restart-tries", "nats", "relay", "service")
_NATS = ("credentials", "user", "password-file", "ca", "certificate", "key")
_NODE = ("name", "socket", "url", "module", "command", "args", "needs", "restart", "ready", "environment")


def load_topology(path: Path) -> Topology:
    """Read a topology file.  Raises OSError, TopologyError."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise TopologyError(str(path), line, 1, "bytes that are not UTF-8", "a UTF-8 text file") from None
    return parse_topology(text, str(path), path.absolute().parent)


def parse_topology(text: str, source: str = "<topology>", folder: Path = Path("/")) -> Topology:
    """Read the text of a topology file; paths of NATS files are relative to `folder`.  Raises TopologyError."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, column = syntax_position(str(error), text)
        raise TopologyError(source, line, column, str(error).split(" (at ")[0], "TOML") from None
    return _Reader(source, Positions(text), folder).topology(document)


@dataclass(frozen=True, slots=True)
class _Reader:
    source: str
    positions: Positions
    folder: Path

    def topology(self, document: dict[str, Any]) -> Topology:
        self._known(document, (), _TOP)
        directory = self._text(document, (), "socket-dir", DEFAULT_SOCKET_DIR)
        if not directory.startswith("/"):
            raise self._error(("socket-dir",), f"socket-dir {directory!r} is relative", "an absolute path")
        place = PurePosixPath(directory)
        relays = [self._relay(table, at, place) for at, table in self._tables(document, "relay")]
        services = [self._node(table, at, place) for at, table in self._tables(document, "service")]
        topology = Topology(
            tuple(relays),
            tuple(services),
            self._nats(document),
            self._seconds(document, "ready-timeout", Topology().ready_timeout),
            self._seconds(document, "stop-timeout", Topology().stop_timeout),
            self._tries(document),
        )
        self._check_unique(topology)
        self._check_needs(topology)
        return topology

    def _tables(self, document: dict[str, Any], name: str) -> Iterable[tuple[Place, dict[str, Any]]]:
        tables = document.get(name, [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise self._error((name,), f"{name} is not a list of tables", f"[[{name}]] headers")
        return [((name, index), table) for index, table in enumerate(tables)]

    def _relay(self, table: dict[str, Any], at: Place, directory: PurePosixPath) -> RelayNode:
        self._known(table, at, ("domain", *_NODE))
        domain = self._choice(table, at, "domain", _DOMAINS, None)
        full = {"name": domain.name.lower(), "restart": Restart.ALWAYS.value, **table}
        if "command" not in table:
            full.setdefault("module", "relays")
        if "url" not in table:
            full.setdefault("socket", DEFAULT_SOCKET_NAMES[domain])
        node = self._node(full, at, directory)
        fields = {name: getattr(node, name) for name in Node.__dataclass_fields__}
        return RelayNode(**fields, domain=domain)

    def _node(self, table: dict[str, Any], at: Place, directory: PurePosixPath) -> Node:
        self._known(table, at, _NODE if at[0] == "service" else ("domain", *_NODE))
        name = self._text(table, at, "name", None)
        url = self._url(table, at, directory)
        module, command = self._text(table, at, "module", ""), self._texts(table, at, "command")
        if bool(module) == bool(command):
            has = "both" if module else "neither"
            raise self._error((*at, "command"), f"{name} has {has} of module and command", "exactly one of them")
        default = Ready.SOCKET if url.startswith("unix:") else Ready.STARTED
        ready = self._choice(table, at, "ready", {item.value: item for item in Ready}, default)
        if ready is Ready.SOCKET and not url.startswith("unix:"):
            raise self._error((*at, "ready"), f"{name} has no socket to wait for", "announced or started")
        arguments = self._texts(table, at, "args")
        return Node(
            name,
            url,
            module,
            ("-m", module, *arguments) if module else (*command, *arguments),
            self._texts(table, at, "needs"),
            self._choice(table, at, "restart", {item.value: item for item in Restart}, Restart.ON_FAILURE),
            ready,
            self._environment(table, at),
        )

    def _url(self, table: dict[str, Any], at: Place, directory: PurePosixPath) -> str:
        if "url" in table and "socket" in table:
            raise self._error((*at, "url"), "both socket and url are given", "one of them")
        if "socket" in table:
            socket = directory / self._text(table, at, "socket", None)
            if len(str(socket).encode()) > MAX_SOCKET_PATH:
                raise self._error(
                    (*at, "socket"), f"socket path {socket} is too long", f"at most {MAX_SOCKET_PATH} bytes"
                )
            return unix_url(socket)
        url = self._text(table, at, "url", "")
        try:
            scheme = scheme_of(url) if url else ""
            if scheme == "memory":
                raise self._error((*at, "url"), f"{url} is of one process", "unix:// or nats://")
            if scheme:
                (socket_path if scheme == "unix" else lambda text: nats_address(text, listening=True))(url)
        except TopologyError:
            raise
        except InfraError as error:
            raise self._error(
                (*at, "url"), str(error).split("; expected ")[0], getattr(error, "expected", "")
            ) from None
        return url

    def _nats(self, document: dict[str, Any]) -> NatsSettings:
        table = document.get("nats", {})
        if not isinstance(table, dict):
            raise self._error(("nats",), "nats is no table", "a [nats] header")
        self._known(table, ("nats",), _NATS)
        values = {name: self._text(table, ("nats",), name, "") for name in _NATS}
        files = {name.replace("-", "_"): str(self.folder / value) if value else "" for name, value in values.items()}
        return NatsSettings.from_files({**files, "user": values["user"]})

    def _environment(self, table: dict[str, Any], at: Place) -> tuple[tuple[str, str], ...]:
        values = table.get("environment", {})
        if not isinstance(values, dict):
            raise self._error((*at, "environment"), "environment is no table", 'NAME = "text" pairs')
        for name, value in values.items():
            if not isinstance(value, str) or not name or "=" in name or "\0" in name + value:
                raise self._error((*at, "environment", name), f"environment {name} is {value!r}", "a text")
        return tuple(values.items())

    def _check_unique(self, topology: Topology) -> None:
        names: dict[str, Place] = {}
        urls: dict[str, str] = {}
        domains: set[RelayDomain] = set()
        for at, node in self._placed(topology):
            if isinstance(node, RelayNode):
                if node.domain in domains:
                    raise self._error(
                        (*at, "domain"), f"a second relay for {node.domain.name.lower()}", "one relay a domain"
                    )
                domains.add(node.domain)
            if node.name in names:
                raise self._error((*at, "name"), f"a second program named {node.name}", "a name of its own")
            if node.url and node.url in urls:
                key = "socket" if self.positions.has((*at, "socket")) else "url"
                shown = node.socket or node.url
                raise self._error(
                    (*at, key), f"{shown} is taken by another program, {urls[node.url]}", "a place of its own"
                )
            names[node.name], urls[node.url] = at, node.name

    def _check_needs(self, topology: Topology) -> None:
        names = [node.name for node in topology.nodes]
        for at, node in self._placed(topology):
            for need in node.needs:
                if need not in names:
                    line, column = self.positions.of_text((*at, "needs"), need)
                    problem = f"{node.name} needs {need!r}, which is none of the programs"
                    raise TopologyError(self.source, line, column, problem, _nearest(need, names))
        try:
            topology.start_order()
        except graphlib.CycleError as error:
            circle = list(reversed(error.args[1]))
            at = next(at for at, node in self._placed(topology) if node.name == circle[0])
            raise self._error((*at, "needs"), f"a circle: {' needs '.join(circle)}", "an order to start in") from None

    def _placed(self, topology: Topology) -> Iterable[tuple[Place, Node]]:
        yield from ((("relay", index), node) for index, node in enumerate(topology.relays))
        yield from ((("service", index), node) for index, node in enumerate(topology.services))

    def _known(self, table: Mapping[str, Any], at: Place, known: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                raise self._error((*at, key), f"unknown key {key!r}", _nearest(key, known))

    def _text(self, table: Mapping[str, Any], at: Place, key: str, default: str | None) -> str:
        value = table.get(key, default)
        if value is None:
            raise self._error(at, f"{key} is missing", f'{key} = "..." in this table')
        if not isinstance(value, str) or "\0" in value or (not value and key in table):
            raise self._error((*at, key), f"{key} is {value!r}", "a text that is not empty")
        return value

    def _texts(self, table: Mapping[str, Any], at: Place, key: str) -> tuple[str, ...]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) and "\0" not in item for item in value):
            raise self._error((*at, key), f"{key} is {value!r}", "a list of texts")
        return tuple(value)

    def _choice(
        self, table: Mapping[str, Any], at: Place, key: str, items: Mapping[str, Item], default: Item | None
    ) -> Item:
        if key not in table and default is not None:
            return default
        name = self._text(table, at, key, None)
        if name not in items:
            raise self._error((*at, key), f"unknown {key} {name!r}", _nearest(name, items))
        return items[name]

    def _seconds(self, table: Mapping[str, Any], key: str, default: float) -> float:
        value = table.get(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
            raise self._error((key,), f"{key} is {value!r}", "seconds above 0")
        return float(value)

    def _tries(self, table: Mapping[str, Any]) -> int:
        value = table.get("restart-tries", Topology().restart_tries)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self._error(("restart-tries",), f"restart-tries is {value!r}", "a number, 0 or more")
        return value

    def _error(self, place: Place, problem: str, expected: str) -> TopologyError:
        line, column = self.positions.of(place)
        return TopologyError(self.source, line, column, problem, expected)


def _nearest(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return repr(near[0]) if near else " or ".join(map(repr, known)) or "no such entry"
