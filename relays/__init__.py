"""Relays: programs that take messages of one domain and pass the same bytes on.

Owns nothing itself; see `relays.domains`.  Must not import services: they meet on the wire.
"""
