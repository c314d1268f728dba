"""The topology file: what it means, and that every error names its place."""

import pickle
from pathlib import Path, PurePosixPath

import pytest

from infra.topology import RelayNode, Topology, TopologyError, load_topology, parse_topology
from protocol_v2 import RelayDomain

GOOD = """\
socket-dir = "/run/alphapulse"

[[relay]]
domain = "market_data"

[[relay]]
domain = "execution"
socket = "orders.sock"
"""


def test_sockets_by_domain() -> None:
    topology = parse_topology(GOOD)
    assert topology.socket_of(RelayDomain.MARKET_DATA) == PurePosixPath("/run/alphapulse/market_data.sock")
    assert topology.socket_of(RelayDomain.EXECUTION) == PurePosixPath("/run/alphapulse/orders.sock")
    with pytest.raises(KeyError):
        topology.socket_of(RelayDomain.SIGNAL)


def test_defaults() -> None:
    assert parse_topology("") == Topology(())
    expected = Topology((RelayNode(RelayDomain.SIGNAL, PurePosixPath("/tmp/alphapulse/signals.sock")),))
    assert parse_topology('[[relay]]\ndomain = "signal"\n') == expected


def test_an_absolute_socket_leaves_the_folder() -> None:
    topology = parse_topology('[[relay]]\ndomain = "signal"\nsocket = "/srv/s.sock"\n')
    assert topology.socket_of(RelayDomain.SIGNAL) == PurePosixPath("/srv/s.sock")


@pytest.mark.parametrize(
    ("text", "line", "column", "problem"),
    [
        ("[[relay]]\ndomain = \n", 2, 10, "Invalid value"),
        ("sockets = 1\n", 1, 1, "unknown key 'sockets'"),
        ("\nsocket-dir = 5\n", 2, 1, "socket-dir is 5"),
        ('socket-dir = "tmp"\n', 1, 1, "relative"),
        ("relay = 3\n", 1, 1, "not a list"),
        ('[[relay]]\ndomain = "signal"\n\n[[relay]]\nsocket = "x"\n', 4, 1, "domain is missing"),
        ('[[relay]]\n  domain = "system"\n', 2, 3, "unknown domain 'system'"),
        ('[[relay]]\ndomain = "signal"\nsokcet = "a"\n', 3, 1, "unknown key 'sokcet'"),
        ('[[relay]]\ndomain = "signal"\n[[relay]]\ndomain = "signal"\n', 4, 1, "a second relay"),
        (GOOD.replace("orders", "market_data"), 8, 1, "taken by another"),
        ('[[relay]]\ndomain = "signal"\nsocket = "' + "x" * 104 + '"\n', 3, 1, "too long"),
        ('[[relay]]\ndomain = "signal"\nsocket = ""\n', 3, 1, "socket is ''"),
        ("[nodes]\nx = 1\n", 1, 1, "unknown key 'nodes'"),
    ],
)
def test_errors_name_their_place(text: str, line: int, column: int, problem: str) -> None:
    with pytest.raises(TopologyError) as caught:
        parse_topology(text, "t.toml")
    error = caught.value
    assert (error.source, error.line, error.column) == ("t.toml", line, column)
    assert problem in error.problem
    assert str(error).startswith(f"t.toml:{line}:{column}: ")
    assert pickle.loads(pickle.dumps(error)) == error


def test_the_nearest_key_is_offered() -> None:
    with pytest.raises(TopologyError) as caught:
        parse_topology('socket_dir = "/x"\n')
    assert caught.value.expected == "'socket-dir'"


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "topology.toml"
    path.write_text(GOOD, encoding="utf-8")
    assert load_topology(path) == parse_topology(GOOD)
    path.write_bytes(b'socket-dir = "/x"\n# \xff\n')
    with pytest.raises(TopologyError) as caught:
        load_topology(path)
    assert (caught.value.source, caught.value.line) == (str(path), 2)
    with pytest.raises(FileNotFoundError):
        load_topology(tmp_path / "absent.toml")
