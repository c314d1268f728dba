"""Public names of the topology: which programs run, and where they listen.

Owns the list of what users may import; every definition lives in a module beside this one.
"""

from ..errors import TopologyError
from .model import Node, Ready, RelayNode, Restart, Topology
from .own import announce_ready, own_node
from .reader import load_topology, parse_topology

__all__ = [
    "Node",
    "Ready",
    "RelayNode",
    "Restart",
    "Topology",
    "TopologyError",
    "announce_ready",
    "load_topology",
    "own_node",
    "parse_topology",
]
