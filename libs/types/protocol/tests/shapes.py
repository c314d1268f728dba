"""A trade and a book with small numbers, for tests of what structs do."""

from typing import Any


def trade(codec: Any, **changes: Any) -> Any:
    given = {"asset_id": 1, "price": -5, "volume": 7, "timestamp_ns": 9, "venue_id": 101, "asset_type": 51, "side": 1}
    return codec.TradeTLV(**{**given, **changes})


def book(codec: Any, bids: Any = (), asks: Any = ()) -> Any:
    return codec.OrderBookTLV(timestamp_ns=1, sequence=2, asset_id=3, venue_id=4, asset_type=5, bids=bids, asks=asks)
