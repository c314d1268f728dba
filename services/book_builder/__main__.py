"""Keeps the best prices from the market data relay; quotes and signals go to the signal relay.

    python -m services.book_builder --market unix:///run/alphapulse/market.sock --signal unix:///run/alphapulse/signal.sock

What the command line offers, and the exit codes: `infra.stage`.  Owns only which relays and which app it is.
"""

import sys

from infra.stage import Stage
from libs.types.protocol import RelayDomain, SourceType

from .app import BookBuilder, Config

STAGE = Stage(
    name="book_builder",
    description="Keeps the best prices from the market data relay; quotes and signals go to the signal relay.",
    reads=RelayDomain.MARKET_DATA,
    writes=RelayDomain.SIGNAL,
    source=SourceType.ARBITRAGE_STRATEGY,
    config=Config(),
    make=BookBuilder,
)
main = STAGE.main

if __name__ == "__main__":
    sys.exit(main())
