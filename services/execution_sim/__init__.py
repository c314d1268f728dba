"""execution_sim: signals into orders and fills, against the last known prices.

Owns nothing itself; see `services.execution_sim.app`.  Must not import relays or other services.
"""
