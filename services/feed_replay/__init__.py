"""feed_replay: captured market data as messages, at real or accelerated time.

Owns nothing itself; see `services.feed_replay.app`.  Must not import relays or other services.
"""
