"""A program's own side of the topology: who am I, where do the others listen, and "I am ready".

Owns the three environment variables between the supervisor and the programs it starts.  Must not start or stop
anything.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from ..errors import BadSetting
from .model import Node, Topology
from .reader import load_topology

TOPOLOGY, NODE, READY_FILE = "ALPHAPULSE_TOPOLOGY", "ALPHAPULSE_NODE", "ALPHAPULSE_READY_FILE"


def own_node(environment: Mapping[str, str] = os.environ) -> tuple[Topology, Node]:
    """The topology that this program belongs to, and its own entry.  Raises BadSetting, OSError, TopologyError."""
    path, name = environment.get(TOPOLOGY, ""), environment.get(NODE, "")
    if not path or not name:
        missing = NODE if path else TOPOLOGY
        raise BadSetting(missing, "", "what `python -m infra.topology up FILE` sets; start the program by it")
    topology = load_topology(Path(path))
    try:
        return topology, topology.node(name)
    except KeyError:
        raise BadSetting(NODE, name, f"a program of {path}") from None


def announce_ready(environment: Mapping[str, str] = os.environ) -> None:
    """Say that this program does its work from now on; without a supervisor that wants to know, nothing happens."""
    path = environment.get(READY_FILE)
    if path:
        Path(path).touch()
