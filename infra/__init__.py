"""Infrastructure that services and relays share: the topology.

Owns nothing itself; see `infra.topology`.  Must not import relays or services.
"""
