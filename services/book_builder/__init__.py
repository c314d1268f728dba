"""book_builder: order books from the market data, best prices and arbitrage signals out of them.

Owns nothing itself; see `services.book_builder.app`.  Must not import relays or other services.
"""
