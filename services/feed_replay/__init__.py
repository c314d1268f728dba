"""Replay of captured market data.

Owns nothing itself; the logic is in `services.feed_replay.app`.  Must not import relays or other services.
"""
