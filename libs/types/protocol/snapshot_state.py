"""The state that a snapshot carries, and its form as JSON text.

Owns the form: which keys there are, what type and range each value has.  Must not know TLVs, compression or age.

    {"version": 1, "relay_domain": 1, "sequence": 7, "timestamp": 1700000000000000000,
     "state": {"consumer_sequences": {"3": 6},
               "message_buffer": [{"sequence": 6, "timestamp": 5, "data": [239, 190, ...]}],
               "active_instruments": {"11": {"instrument_id": 11, "symbol": "AAPL", "last_price": 1, "last_update": 2}},
               "system_state": {"uptime_ns": 1, "message_count": 2, "error_count": 0, "last_heartbeat": 3}}}

Keys of maps are numbers as text, since JSON has no others; bytes are lists of numbers.  What the form does not name is
refused rather than lost, so `read_state` gives back what `write_state` was given, and every text gives a Snapshot or a
ParseError.  Offsets count bytes of the text; where a value is wrong and not the syntax, the description has its path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from .constants import RelayDomain
from .errors import LocalProtocolError, ParseError
from .values import Value

SNAPSHOT_VERSION = 1
_U64 = 2**64 - 1
_I64_LOW, _I64_HIGH = -(2**63), 2**63 - 1


class BufferedMessage(Value):
    """A message that the relay still holds."""

    sequence: int
    timestamp: int
    data: bytes


class ActiveInstrument(Value):
    """An instrument that the relay has seen."""

    instrument_id: int
    symbol: str
    last_price: int
    last_update: int


class SystemState(Value):
    """How the relay itself is."""

    uptime_ns: int = 0
    message_count: int = 0
    error_count: int = 0
    last_heartbeat: int = 0


class Snapshot(Value):
    """The state of a relay after `sequence`."""

    relay_domain: RelayDomain
    sequence: int
    timestamp: int
    consumer_sequences: Mapping[int, int] = {}  # copied for each
    message_buffer: tuple[BufferedMessage, ...] = ()
    active_instruments: Mapping[int, ActiveInstrument] = {}  # copied for each
    system_state: SystemState = SystemState()


def write_state(snapshot: Snapshot) -> bytes:
    """The text.  Raises LocalProtocolError for values that a reader would refuse."""
    import json  # a twentieth of what the package's import costs, and few programs keep snapshots

    text = json.dumps(_to_json(snapshot), separators=(",", ":")).encode()
    try:
        read_state(text)
    except ParseError as error:
        raise LocalProtocolError(f"a reader would refuse this snapshot: {error.description}") from None
    return text


def read_state(text: bytes) -> Snapshot:
    """The snapshot in `text`.  Raises ParseError."""
    import json

    def refuse(offset: int, description: str) -> ParseError:
        return ParseError(offset, description, len(text), "snapshot data")

    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        raise refuse(error.start, f"not UTF-8 ({error.reason})") from None
    try:
        value = json.loads(decoded, object_pairs_hook=_once, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise refuse(len(decoded[: error.pos].encode()), f"not JSON ({error.msg})") from None
    except (ValueError, RecursionError) as error:
        raise refuse(0, f"not JSON that can be read ({error})") from None
    try:
        return _snapshot(value)
    except _Wrong as error:
        raise refuse(0, str(error)) from None


def _to_json(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "version": SNAPSHOT_VERSION,
        "relay_domain": int(snapshot.relay_domain),
        "sequence": snapshot.sequence,
        "timestamp": snapshot.timestamp,
        "state": {
            "consumer_sequences": {str(key): value for key, value in snapshot.consumer_sequences.items()},
            "message_buffer": [{**each.as_dict(), "data": list(each.data)} for each in snapshot.message_buffer],
            "active_instruments": {str(key): each.as_dict() for key, each in snapshot.active_instruments.items()},
            "system_state": snapshot.system_state.as_dict(),
        },
    }


class _Wrong(Exception):
    """Which value is wrong, and what it should be."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return made


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _snapshot(value: Any) -> Snapshot:
    # The version first: of another one nothing else is known.
    if isinstance(value, dict) and value.get("version") != SNAPSHOT_VERSION:
        raise _Wrong(f"version is {value.get('version')!r:.40}, only {SNAPSHOT_VERSION} is known")
    version, domain, sequence, timestamp, state = _object(
        value, "the data", "version", "relay_domain", "sequence", "timestamp", "state"
    )
    _integer(version, "version")
    if _integer(domain, "relay_domain") not in RelayDomain._value2member_map_:
        raise _Wrong(f"relay_domain is {domain}, which names none")
    consumers, messages, instruments, system = _object(
        state, "state", "consumer_sequences", "message_buffer", "active_instruments", "system_state"
    )
    return Snapshot(
        RelayDomain(domain),
        _integer(sequence, "sequence"),
        _integer(timestamp, "timestamp"),
        {key: _integer(each, at) for key, each, at in _numbered(consumers, "state.consumer_sequences")},
        tuple(_message(each, f"state.message_buffer[{index}]") for index, each in _listed(messages)),
        {key: _instrument(each, at) for key, each, at in _numbered(instruments, "state.active_instruments")},
        _system(system, "state.system_state"),
    )


def _message(value: Any, at: str) -> BufferedMessage:
    sequence, timestamp, data = _object(value, at, "sequence", "timestamp", "data")
    if not isinstance(data, list) or not all(type(byte) is int and 0 <= byte <= 255 for byte in data):
        raise _Wrong(f"{at}.data must be a list of bytes")
    return BufferedMessage(_integer(sequence, f"{at}.sequence"), _integer(timestamp, f"{at}.timestamp"), bytes(data))


def _instrument(value: Any, at: str) -> ActiveInstrument:
    number, symbol, price, update = _object(value, at, "instrument_id", "symbol", "last_price", "last_update")
    if not isinstance(symbol, str) or not symbol.isprintable():
        raise _Wrong(f"{at}.symbol must be printable text")
    return ActiveInstrument(
        _integer(number, f"{at}.instrument_id"),
        symbol,
        _integer(price, f"{at}.last_price", _I64_LOW, _I64_HIGH),
        _integer(update, f"{at}.last_update"),
    )


def _system(value: Any, at: str) -> SystemState:
    names = ("uptime_ns", "message_count", "error_count", "last_heartbeat")
    return SystemState(*[_integer(each, f"{at}.{name}")
                         for name, each in zip(names, _object(value, at, *names), strict=True)])  # fmt: skip


def _object(value: Any, at: str, *names: str) -> list[Any]:
    if not isinstance(value, dict) or value.keys() != set(names):
        raise _Wrong(f"{at} must be an object with exactly {', '.join(names)}")
    return [value[name] for name in names]


def _listed(value: Any) -> Iterator[tuple[int, Any]]:
    if not isinstance(value, list):
        raise _Wrong("state.message_buffer must be a list")
    return iter(enumerate(value))


def _numbered(value: Any, at: str) -> Iterator[tuple[int, Any, str]]:
    if not isinstance(value, dict):
        raise _Wrong(f"{at} must be an object")
    for key, each in value.items():
        # Only the shortest form, so that no two keys mean one number.
        if not (key.isascii() and key.isdigit() and len(key) <= 20 and str(int(key)) == key and int(key) <= _U64):
            raise _Wrong(f"{at} has the key {key!r:.40}, which is no number")
        yield int(key), each, f"{at}.{key}"


def _integer(value: Any, at: str, low: int = 0, high: int = _U64) -> int:
    if type(value) is not int or not low <= value <= high:
        raise _Wrong(f"{at} must be an integer from {low} to {high}")
    return value
