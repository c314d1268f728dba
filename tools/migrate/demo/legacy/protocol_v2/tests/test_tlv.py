"""Messages with TLVs, by the absolute name of the package."""

import logging

import pytest

from protocol_v2 import ChecksumMismatch, MessageBuilder, ProtocolError, RelayDomain, TLVType, parse_message
from protocol_v2.tlv.types import Trade, UsdFixedPoint8

TRADE = Trade(42, UsdFixedPoint8.of("50000.25"), 3, 0, 1, 2)


def build(count: int = 1) -> bytes:
    builder = MessageBuilder(RelayDomain.MARKET_DATA, source=1, timestamp=0)
    for _ in range(count):
        builder.add_trade(TRADE)
    return builder.build()


def test_a_trade_is_read_back() -> None:
    (trade,) = parse_message(build()).trades()
    assert (trade.instrument, str(trade.price), trade.venue) == (42, "50000.25000000", 2)


def test_a_changed_byte_is_noticed() -> None:
    data = bytearray(build())
    data[-1] ^= 1
    with pytest.raises(ChecksumMismatch):
        parse_message(bytes(data))


def test_long_payloads_use_the_extended_frame() -> None:
    builder = MessageBuilder(RelayDomain.MARKET_DATA, source=1, timestamp=0)
    data = builder.add(TLVType.ORDER_BOOK, bytes(300)).build()
    assert data[32] == 255
    assert parse_message(data).tlvs == ((3, bytes(300)),)


def test_sizes_come_from_the_data_file() -> None:
    with pytest.raises(ProtocolError, match="TRADE is 40 bytes, got 3"):
        MessageBuilder(RelayDomain.MARKET_DATA, source=1).add(TLVType.TRADE, b"abc")


def test_the_limit_can_be_lowered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocol_v2.tlv.parser.MAX_TLVS", 1)
    with pytest.raises(ProtocolError, match="more than 1 TLVs"):
        parse_message(build(2))


def test_parsing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="protocol_v2.tlv.parser"):
        parse_message(build())
    assert "message 0: 1 TLVs" in caplog.messages
