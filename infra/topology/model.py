"""The topology: which relay domain listens on which Unix socket, as frozen values from a TOML file.

    socket-dir = "/run/alphapulse"     # optional, /tmp/alphapulse without it

    [[relay]]
    domain = "market_data"             # market_data, signal or execution
    socket = "market_data.sock"        # optional; relative to socket-dir

Owns the file format and its errors.  Must not open sockets, and must not know what a relay does with a message.

How it works: the standard parser reads the file but keeps no positions, so an error in a value is placed by a second
look at the text (`_Position`): the n-th `[[relay]]` header, then the key below it.  Two relays may share neither a
domain nor a socket.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from alphapulse_types import AlphaPulseError
from protocol_v2 import RelayDomain

DEFAULT_SOCKET_DIR = "/tmp/alphapulse"
DEFAULT_SOCKET_NAMES: Mapping[RelayDomain, str] = {
    RelayDomain.MARKET_DATA: "market_data.sock",
    RelayDomain.SIGNAL: "signals.sock",
    RelayDomain.EXECUTION: "execution.sock",
}
# The address of a Unix socket is a field of fixed size; 108 bytes with the closing zero on Linux, 104 elsewhere.
MAX_SOCKET_PATH = 103

_DOMAINS = {domain.name.lower(): domain for domain in DEFAULT_SOCKET_NAMES}


class TopologyError(AlphaPulseError):
    """The topology file is wrong at `line` and `column` (both from 1); `expected` says what may stand there."""

    def __init__(self, source: str, line: int, column: int, problem: str, expected: str) -> None:
        self.source, self.line, self.column, self.problem, self.expected = source, line, column, problem, expected
        super().__init__(source, line, column, problem, expected)

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}: {self.problem}; expected {self.expected}"


@dataclass(frozen=True, slots=True)
class RelayNode:
    """One relay: the domain it carries and the socket it listens on."""

    domain: RelayDomain
    socket: PurePosixPath


@dataclass(frozen=True, slots=True)
class Topology:
    """All relays of one deployment, in the order of the file."""

    relays: tuple[RelayNode, ...]

    def socket_of(self, domain: RelayDomain) -> PurePosixPath:
        """Where the relay of `domain` listens.  Raises KeyError when the deployment has none."""
        for relay in self.relays:
            if relay.domain is domain:
                return relay.socket
        raise KeyError(domain)


def load_topology(path: Path) -> Topology:
    """Read a topology file.  Raises OSError, TopologyError."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise TopologyError(str(path), line, 1, "bytes that are not UTF-8", "a UTF-8 text file") from None
    return parse_topology(text, str(path))


def parse_topology(text: str, source: str = "<topology>") -> Topology:
    """Read the text of a topology file.  Raises TopologyError."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, column = _syntax_position(str(error), text)
        raise TopologyError(source, line, column, str(error).split(" (at ")[0], "TOML") from None
    place = _Position(source, text)
    place.check_keys(document, -1, ("socket-dir", "relay"))
    directory = place.text(document, -1, "socket-dir", DEFAULT_SOCKET_DIR)
    if not directory.startswith("/"):
        raise place.error(-1, "socket-dir", f"socket-dir {directory!r} is relative", "an absolute path")
    tables = document.get("relay", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise place.error(-1, "relay", "relay is not a list of tables", "[[relay]] headers")
    relays: list[RelayNode] = []
    for index, table in enumerate(tables):
        node = _relay(table, index, PurePosixPath(directory), place)
        for other in relays:
            if other.domain is node.domain:
                raise place.error(index, "domain", f"a second relay for {table['domain']}", "one relay a domain")
            if other.socket == node.socket:
                raise place.error(index, "socket", f"{node.socket} is taken by another relay", "a socket of its own")
        relays.append(node)
    return Topology(tuple(relays))


def _relay(table: dict[str, Any], index: int, directory: PurePosixPath, place: "_Position") -> RelayNode:
    place.check_keys(table, index, ("domain", "socket"))
    name = place.text(table, index, "domain", None)
    if name not in _DOMAINS:
        raise place.error(index, "domain", f"unknown domain {name!r}", " or ".join(_DOMAINS))
    domain = _DOMAINS[name]
    socket = directory / place.text(table, index, "socket", DEFAULT_SOCKET_NAMES[domain])
    if len(str(socket).encode()) > MAX_SOCKET_PATH:
        raise place.error(index, "socket", f"socket path {socket} is too long", f"at most {MAX_SOCKET_PATH} bytes")
    return RelayNode(domain, socket)


@dataclass(frozen=True, slots=True)
class _Position:
    """Finds the place of a key in the text; `table` is the index of a [[relay]] table, -1 the top of the file."""

    source: str
    text_: str

    def error(self, table: int, key: str | None, problem: str, expected: str) -> TopologyError:
        line, column = self._find(table, key)
        return TopologyError(self.source, line, column, problem, expected)

    def check_keys(self, mapping: Mapping[str, Any], table: int, known: tuple[str, ...]) -> None:
        for key in mapping:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
                expected = repr(near[0]) if near else " or ".join(map(repr, known))
                raise self.error(table, key, f"unknown key {key!r}", expected)

    def text(self, mapping: Mapping[str, Any], table: int, key: str, default: str | None) -> str:
        value = mapping.get(key, default)
        if value is None:
            raise self.error(table, None, f"{key} is missing", f'{key} = "..." in this table')
        if not isinstance(value, str) or not value:
            raise self.error(table, key, f"{key} is {value!r}", "a text that is not empty")
        return value

    def _find(self, table: int, key: str | None) -> tuple[int, int]:
        header, current = (1, 1), -1
        for number, line in enumerate(self.text_.splitlines(), 1):
            stripped = line.strip()
            column = len(line) - len(line.lstrip()) + 1
            if re.match(r"\[\[\s*[\"']?relay[\"']?\s*\]\]", stripped):
                current += 1
            if current == table and (stripped.startswith("[") and current >= 0):
                header = (number, column)
            if key is not None and re.match(rf"\[*\s*[\"']?{re.escape(key)}[\"']?\s*[=.\]]", stripped):
                in_table = current == table or (table == -1 and stripped.startswith("["))
                if in_table:
                    return number, column
        return header


def _syntax_position(message: str, text: str) -> tuple[int, int]:
    found = re.search(r"at line (\d+), column (\d+)", message)
    if found:
        return int(found[1]), int(found[2])
    return max(len(text.splitlines()), 1), 1
