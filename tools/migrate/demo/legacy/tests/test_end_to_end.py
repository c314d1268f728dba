"""A message through all parts."""

import typing

from alphapulse_types import Side, UsdFixedPoint8
from alphapulse_types.events import TradeEvent, read_trades
from protocol_v2.paths import REPO_ROOT
from relays.market_data import largest_fixed_tlv, relay
from services.book_builder.book import Book, describe
from services.gateway import plugins, settings
from services.strategy import signals


def test_from_relay_to_book(trade_message: bytes) -> None:
    book = Book()
    for data in relay([trade_message, b"noise", signals.signal(9, "1", Side.SELL)]):
        book.feed(data)
    book.feed(b"noise")
    assert book.last == {42: (UsdFixedPoint8.of("50000.25"), Side.BUY)}
    assert book.rejected == 1


def test_events_have_the_shared_types(trade_message: bytes) -> None:
    (event,) = read_trades(trade_message)
    assert type(event.price) is UsdFixedPoint8
    assert typing.get_type_hints(TradeEvent)["price"] is UsdFixedPoint8


def test_an_answer_is_the_other_side() -> None:
    assert signals.CAN_WRITE
    (event,) = read_trades(signals.answer(signals.signal(7, "12.5", Side.BUY)))
    assert (event.instrument, event.side, str(event.price)) == (7, Side.SELL, "12.50000000")


def test_the_settings_name_things_that_exist(trade_message: bytes) -> None:
    codec = plugins.resolve(settings.CODEC)
    assert codec(trade_message).header.timestamp == 1_000
    assert plugins.resolve(settings.HANDLERS["trade"]) is TradeEvent
    assert issubclass(plugins.resolve(settings.HANDLERS["reject"]), ValueError)
    assert plugins.resolve(settings.FORMATTER["class"])().format
    assert plugins.builder_module().MessageBuilder is signals.MessageBuilder


def test_a_keyword_keeps_its_name() -> None:
    assert describe("BTC") == {"key": "COINBASE:BTC", "wire": "deadbeef", "taker": "BUY"}
    assert describe("BTC", protocol_v2=False)["wire"] == "json"


def test_files_are_found_from_the_code() -> None:
    assert "[tool.uv.workspace]" in (REPO_ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert largest_fixed_tlv() == 56
