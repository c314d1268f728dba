"""The topology file: what it means, and that every error names its place."""

import pickle
from pathlib import Path, PurePosixPath

import pytest

from infra.topology import (
    Node,
    Ready,
    RelayNode,
    Restart,
    Topology,
    TopologyError,
    announce_ready,
    load_topology,
    own_node,
    parse_topology,
)
from infra.transport import BadSetting
from libs.types.protocol import RelayDomain

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
    (relay,) = parse_topology('[[relay]]\ndomain = "signal"\n').relays
    assert relay == RelayNode(
        "signal",
        "unix:///tmp/alphapulse/signals.sock",
        module="relays",
        command=("-m", "relays"),
        restart=Restart.ALWAYS,
        ready=Ready.SOCKET,
        domain=RelayDomain.SIGNAL,
    )
    (service,) = parse_topology('[[service]]\nname = "a"\ncommand = ["b"]\nargs = ["c"]\n').services
    assert service == Node("a", command=("b", "c"), restart=Restart.ON_FAILURE, ready=Ready.STARTED)


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
        ("[[service]]\nmodule = 'x'\n", 1, 1, "name is missing"),
        ("[[service]]\nname = 'x'\n", 1, 1, "neither of module and command"),
        ("[[service]]\nname = 'x'\nmodule = 'm'\n  command = ['c']\n", 4, 3, "both of module and command"),
        ("[[service]]\nname = 'x'\ncommand = 'c'\n", 3, 1, "command is 'c'"),
        ("[[service]]\nname = 'x'\ncommand = ['c']\nargs = [1]\n", 4, 1, "args is [1]"),
        ("[[service]]\nname = 'x'\ncommand = ['c']\nneeds = ['y']\n", 4, 10, "needs 'y', which is none"),
        ("[[service]]\nname = 'x'\ncommand = ['c']\nneeds = [\n  'x',\n]\n", 4, 1, "a circle: x needs x"),
        ("[[service]]\nname = 'x'\ncommand = ['c']\nrestart = 'often'\n", 4, 1, "unknown restart 'often'"),
        ("[[service]]\nname = 'x'\ncommand = ['c']\nready = 'socket'\n", 4, 1, "no socket to wait for"),
        ("[[service]]\nname = 'x'\ncommand = ['c']\nurl = 'nats://'\n", 4, 1, "no NATS server"),
        ("[[service]]\nname = 'x'\ncommand = ['c']\nurl = 'memory://a'\n", 4, 1, "is of one process"),
        ("[[service]]\nname = 'x'\ncommand = ['c']\nurl = 'unix://a'\n", 4, 1, "no Unix socket"),
        ("[[service]]\nname = 'x'\ncommand = ['c']\nurl = 'unix:///a'\nsocket = 'b'\n", 4, 1, "both socket and url"),
        ("[[service]]\nname = 'x'\ncommand = ['c']\nurl = 'unix:///a'\n" * 2, 6, 1, "a second program named x"),
        ("[[service]]\nname = 'x'\ncommand = ['c']\n[service.environment]\n A = 1\n", 5, 2, "environment A is 1"),
        ("[[service]]\nname = 'x'\ncommand = ['c']\nenvironment = 'A'\n", 4, 1, "environment is no table"),
        ("ready-timeout = 0\n", 1, 1, "ready-timeout is 0"),
        ("# x\nstop-timeout = true\n", 2, 1, "stop-timeout is True"),
        ("restart-tries = -1\n", 1, 1, "restart-tries is -1"),
        ("nats = 1\n", 1, 1, "nats is no table"),
        ("[nats]\npassword = 'x'\n", 2, 1, "unknown key 'password'"),
        ('[[relay]]\ndomain = "signal"\nurl = "nats://u:p@h:1/x"\n', 3, 1, "credentials in a URL"),
        ('[[ "relay" ]]\ndomain = "signal"\n"sokcet" = "x"\n', 3, 1, "unknown key 'sokcet'"),
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


FULL = """\
socket-dir = "/run/ap"
stop-timeout = 1
[nats]
credentials = "user.creds"
user = "joe"
[[service]]
name = "late"
module = "services.late"
needs = ["early", "signal"]
environment = { A = "1" }
[[service]]
name = "early"
command = ["early"]
socket = "early.sock"
[[relay]]
domain = "signal"
url = "nats://127.0.0.1:4222/sig?stream=SIG"
"""


def test_all_that_a_file_can_say(tmp_path: Path) -> None:
    topology = parse_topology(FULL, "t.toml", tmp_path)
    assert [node.name for node in topology.start_order()] == ["signal", "early", "late"]
    assert topology.url_of(RelayDomain.SIGNAL).startswith("nats://") and topology.stop_timeout == 1.0
    with pytest.raises(KeyError):
        topology.socket_of(RelayDomain.SIGNAL)
    with pytest.raises(KeyError):
        topology.node("absent")
    late, early = topology.services
    assert late.environment == (("A", "1"),) and late.command == ("-m", "services.late")
    assert early.socket == PurePosixPath("/run/ap/early.sock") and early.ready is Ready.SOCKET
    assert topology.nats.environment() == {
        "ALPHAPULSE_NATS_CREDENTIALS": str(tmp_path / "user.creds"),
        "ALPHAPULSE_NATS_USER": "joe",
    }


def test_the_nearest_name_is_offered() -> None:
    with pytest.raises(TopologyError) as caught:
        parse_topology(FULL.replace('"early", "signal"', '"earyl", "signal"'))
    assert (caught.value.line, caught.value.column, caught.value.expected) == (9, 10, "'early'")
    with pytest.raises(TopologyError) as caught:
        parse_topology('[[relay]]\ndomain = "marketdata"\n')
    assert caught.value.expected == "'market_data'"


def test_a_program_finds_itself(tmp_path: Path) -> None:
    path = tmp_path / "t.toml"
    path.write_text(FULL)
    environment = {"ALPHAPULSE_TOPOLOGY": str(path), "ALPHAPULSE_NODE": "early"}
    topology, node = own_node(environment)
    assert node is topology.services[1]
    for wrong in ({}, {"ALPHAPULSE_TOPOLOGY": str(path)}, {**environment, "ALPHAPULSE_NODE": "absent"}):
        with pytest.raises(BadSetting):
            own_node(wrong)
    announce_ready({})
    announce_ready({"ALPHAPULSE_READY_FILE": str(tmp_path / "ready")})
    assert (tmp_path / "ready").exists()
