"""Fixtures for the whole tree."""

import pytest

from alphapulse_types import Side, VenueId
from protocol_v2.header import RelayDomain
from protocol_v2.tlv.builder import MessageBuilder
from protocol_v2.tlv.types import Trade, UsdFixedPoint8


@pytest.fixture
def trade_message() -> bytes:
    trade = Trade(42, UsdFixedPoint8.of("50000.25"), 3, 0, Side.BUY, VenueId.KRAKEN)
    return MessageBuilder(RelayDomain.MARKET_DATA, source=1, timestamp=1_000).add_trade(trade).build()
