"""Public names of the topology: who listens where.

Owns the list of what users may import; the definitions live in `model`.
"""

from .model import RelayNode, Topology, TopologyError, load_topology, parse_topology

__all__ = ["RelayNode", "Topology", "TopologyError", "load_topology", "parse_topology"]
