"""Tardis captures: rows as people have them, and rows that must be refused with their place."""

import io
import pickle
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.types.protocol import MAX_ORDER_LEVELS, AssetType, InstrumentId, OrderBookTLV, TradeTLV, VenueId
from services.feed_replay.app import (
    EXCHANGES,
    BookDepthTLV,
    CaptureError,
    Counts,
    Event,
    Listing,
    Listings,
    events,
    listing_of,
)
from services.feed_replay.tardis import snapshot_columns

TRADES = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"
L2 = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount"
SNAPSHOT_5 = ",".join(snapshot_columns(5))

TRADE = "kraken,XBT/USD,1583020803145000,1583020803307160,ccc3c1fa,sell,8531.5,2152"
LEVELS = "11657.08,1.714,11657.07,10.896,11657.54,5.4,11656.97,0.2,11657.56,0.238,11655.78,0.2"
BOOK = (
    f"binance-futures,BTCUSDT,1598918403696000,1598918403810979,{LEVELS},11657.61,0.077,11655.77,0.98,,,11655.68,0.111"
)
CHANGE = "deribit,BTC-PERPETUAL,1585699200245000,1585699200355684,true,ask,6421.5,18640"

Take = Callable[..., list[Event]]


def take(*lines: str, counts: Counts | None = None, listings: Listings | None = None) -> list[Event]:
    return list(events("f.csv", io.BytesIO("\n".join(lines).encode()), counts=counts, listings=listings))


def test_trades() -> None:
    counts = Counts()
    first, second = take(TRADES, TRADE, TRADE.replace("sell", "unknown").replace("2152", "0.00000001"), counts=counts)
    bitcoin = InstrumentId.coin(VenueId.KRAKEN, "BTCUSD")
    assert first == Event(
        1583020803307160000,
        (
            TradeTLV.of(
                bitcoin,
                price=853_150_000_000,
                volume=215_200_000_000,
                timestamp_ns=1583020803145000000,
                side=1,
            ),
        ),
    )
    trade = second.tlvs[0]
    assert isinstance(trade, TradeTLV)
    assert (trade.side, trade.volume) == (2, 1)
    assert (counts.rows, counts.trades, counts.books) == (2, 2, 0)


def test_a_book_snapshot_with_a_level_missing_at_the_end() -> None:
    (event,) = take(SNAPSHOT_5, BOOK)
    (book,) = event.tlvs
    assert isinstance(book, OrderBookTLV)
    assert event.timestamp_ns == 1598918403810979000 and book.timestamp_ns == 1598918403696000000
    assert book.instrument == InstrumentId.coin(VenueId.BINANCE, "BTCUSDT").replace(asset_type=AssetType.SWAP)
    assert len(book.bids) == 5 and len(book.asks) == 4
    assert book.bids.to_tuples()[0] == (1_165_707_000_000, 1_089_600_000, 0)
    assert book.asks.to_tuples()[3] == (1_165_761_000_000, 7_700_000, 0)


@pytest.mark.parametrize("levels", [1, 5, 25, 50])
def test_snapshots_of_any_depth_that_the_wire_has(levels: int) -> None:
    row = "binance,BTCUSDT,1,2," + ",".join(f"{200 + i},1,{100 - i},2" for i in range(levels))
    ((book,),) = [event.tlvs for event in take(",".join(snapshot_columns(levels)), row)]
    assert isinstance(book, OrderBookTLV)
    assert len(book.bids) == len(book.asks) == levels
    assert book.bid_price(levels - 1) == (101 - levels) * 10**8


def change(local: int, side: str, price: int, amount: str, snapshot: bool = False, symbol: str = "XBT/USD") -> str:
    return f"kraken,{symbol},{local - 1},{local},{str(snapshot).lower()},{side},{price},{amount}"


def sides(event: Event) -> tuple[list[int], list[int]]:
    book = event.tlvs[0]
    assert isinstance(book, OrderBookTLV)
    scale = 10**8
    return [level.price // scale for level in book.bids], [level.price // scale for level in book.asks]


def test_changes_become_one_snapshot_for_each_time_of_arrival() -> None:
    counts = Counts()
    found = take(
        L2,
        change(5, "bid", 99, "1"),  # before the first snapshot: alone, it makes no book
        change(10, "bid", 100, "1", True),
        change(10, "ask", 102, "1", True),
        change(11, "bid", 101, "2"),
        change(11, "ask", 102, "0"),
        change(11, "ask", 103, "1"),
        change(12, "bid", 55, "0"),  # a level that was never there
        change(13, "ask", 201, "1", True),  # the book begins anew
        change(13, "bid", 200, "1", True),
        counts=counts,
    )
    assert [event.timestamp_ns for event in found] == [10_000, 11_000, 12_000, 13_000]
    assert [sides(event) for event in found] == [
        ([100], [102]),
        ([101, 100], [103]),
        ([101, 100], [103]),
        ([200], [201]),
    ]
    assert (counts.rows, counts.books, counts.before_snapshot) == (9, 4, 1)


def test_instruments_of_one_file_keep_apart() -> None:
    found = take(
        L2,
        change(10, "bid", 1, "1", True),
        change(10, "bid", 2, "1", True, "ETH/USD"),
        change(10, "ask", 3, "1", True),
    )
    assert [sides(event) for event in found] == [([1], []), ([2], []), ([1], [3])]


def test_levels_beyond_the_wire_are_stated() -> None:
    counts = Counts()
    rows = [change(1, "bid", 1000 - i, "1", True) for i in range(53)]
    found = take(
        L2, *rows, change(2, "bid", 948, "0"), *[change(3, "bid", 949 + i, "0") for i in range(2)], counts=counts
    )
    depths = [[tlv for tlv in event.tlvs if isinstance(tlv, BookDepthTLV)] for event in found]
    assert depths == [
        [BookDepthTLV(bid_levels=53, ask_levels=0)],
        [BookDepthTLV(bid_levels=52, ask_levels=0)],
        [],
    ]
    assert [len(sides(event)[0]) for event in found] == [MAX_ORDER_LEVELS] * 3
    assert counts.levels_beyond == 5


def test_harmless_differences() -> None:
    assert take() == take(TRADES) == take(L2) == take(SNAPSHOT_5) == take("", "") == []
    assert len(take(TRADES, TRADE, "", TRADES, TRADE)) == 2
    assert len(take("\ufeff" + TRADES + "\r", TRADE + "\r")) == 1
    assert len(take(TRADES, 'kraken,XBT/USD,1,2,"a,b",buy,1,0')) == 1


@pytest.mark.parametrize(
    ("header", "row", "column", "text"),
    [
        (TRADES, TRADE, "exchange", "bitmex"),
        (TRADES, TRADE, "exchange", ""),
        (TRADES, TRADE, "symbol", ""),
        (TRADES, TRADE, "symbol", "123456789"),
        (TRADES, TRADE, "symbol", "A\0"),
        (TRADES, TRADE, "timestamp", ""),
        (TRADES, TRADE, "timestamp", "-1"),
        (TRADES, TRADE, "timestamp", "1_0"),
        (TRADES, TRADE, "timestamp", "\u0661"),
        (TRADES, TRADE, "timestamp", str((2**64 - 1) // 1000 + 1)),
        (TRADES, TRADE, "timestamp", "9" * 5000),
        (TRADES, TRADE, "local_timestamp", "1.5"),
        (TRADES, TRADE, "side", "BUY"),
        (TRADES, TRADE, "side", ""),
        (TRADES, TRADE, "price", "nan"),
        (TRADES, TRADE, "price", "1e3"),
        (TRADES, TRADE, "price", "0.000000001"),
        (TRADES, TRADE, "price", "92233720368.54775808"),
        (TRADES, TRADE, "price", "1" * 5000),
        (TRADES, TRADE, "amount", "-0.5"),
        (TRADES, TRADE, "amount", "1" * 12),
        (TRADES, TRADE, "amount", ""),
        (L2, CHANGE, "is_snapshot", "True"),
        (L2, CHANGE, "side", "buy"),
        (L2, CHANGE, "price", "0"),
        (L2, CHANGE, "amount", "-1"),
        (L2, CHANGE, "symbol", "BTC-27DEC24"),
        (SNAPSHOT_5, BOOK, "asks[0].price", "-1"),
        (SNAPSHOT_5, BOOK, "asks[0].price", ""),
        (SNAPSHOT_5, BOOK, "bids[4].amount", "0"),
        (SNAPSHOT_5, BOOK, "bids[4].amount", ""),
    ],
)
def test_a_bad_cell_is_named(header: str, row: str, column: str, text: str) -> None:
    cells = row.split(",")
    cells[header.split(",").index(column)] = text
    with pytest.raises(CaptureError) as caught:
        take(header, row, ",".join(cells))
    error = caught.value
    assert (error.source, error.line, error.column, error.text) == ("f.csv", 3, column, text)
    assert str(error).startswith(f"f.csv:3: {column}: ") and len(str(error)) < 400
    assert pickle.loads(pickle.dumps(error)) == error


def test_a_level_behind_a_missing_one_is_refused() -> None:
    with pytest.raises(CaptureError, match="level before it is empty") as caught:
        take(SNAPSHOT_5, BOOK.replace("11657.54,5.4", ","))
    assert caught.value.column == "asks[2].price"


@pytest.mark.parametrize(
    ("lines", "line", "column"),
    [
        ([TRADE], 1, "header"),
        ([TRADES.replace("price,amount", "amount,price"), TRADE], 1, "header"),
        ([TRADES.replace("price", "cost"), TRADE], 1, "header"),
        (["a,b,c"], 1, "header"),
        ([SNAPSHOT_5.replace("bids[4].price,", "")], 1, "header"),
        ([",".join(snapshot_columns(51))], 1, "header"),
        ([TRADES, TRADE, "kraken,XBT/USD"], 3, "row"),
        ([TRADES, TRADE + ",more"], 2, "row"),
        ([TRADES, 'kraken,"XBT"USD,1,2,a,buy,1,1'], 2, "row"),
        ([TRADES, TRADE.replace("ccc", '"ccc')], 2, "row"),
    ],
)
def test_a_bad_row_or_header_is_named(lines: list[str], line: int, column: str) -> None:
    with pytest.raises(CaptureError) as caught:
        take(*lines)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_what_is_missing_in_a_header_is_said() -> None:
    with pytest.raises(CaptureError, match="without price"):
        take(TRADES.replace("price", "cost"))
    with pytest.raises(CaptureError, match="another order"):
        take(TRADES.replace("price,amount", "amount,price"))


@pytest.mark.parametrize(
    ("exchange", "symbol", "venue", "name", "kind"),
    [
        ("binance", "btcusdt", VenueId.BINANCE, "BTCUSDT", AssetType.COIN),
        ("coinbase", "BTC-USD", VenueId.COINBASE, "BTCUSD", AssetType.COIN),
        ("kraken", "XBT/USD", VenueId.KRAKEN, "BTCUSD", AssetType.COIN),
        ("kraken", "ETH/XBT", VenueId.KRAKEN, "ETHXBT", AssetType.COIN),
        ("deribit", "BTC-PERPETUAL", VenueId.DERIBIT, "BTCUSD", AssetType.SWAP),
        ("okex-swap", "BTC-USDT-SWAP", VenueId.OKEX, "BTCUSDT", AssetType.SWAP),
        ("bybit", "BTCUSD", VenueId.BYBIT_DERIVATIVES, "BTCUSD", AssetType.SWAP),
    ],
)
def test_the_rule_of_instruments(exchange: str, symbol: str, venue: int, name: str, kind: int) -> None:
    (event,) = take(TRADES, f"{exchange},{symbol},1,2,x,buy,1,1")
    assert event.tlvs[0].instrument == InstrumentId.coin(venue, name).replace(asset_type=kind)  # type: ignore[attr-defined]


def test_exchanges_and_short_names_can_be_added() -> None:
    listings = Listings(
        exchanges={"bitmex": Listing(65000, AssetType.SWAP)}, aliases={("bitmex", "SOLUSDTPERP"): "SOLPERP"}
    )
    first, second = take(TRADES, "bitmex,XBTUSD,1,2,x,buy,1,1", "bitmex,SOLUSDTPERP,1,2,x,buy,1,1", listings=listings)
    assert [event.tlvs[0].asset_id.to_bytes(8, "big") for event in (first, second)] == [  # type: ignore[attr-defined]
        b"BTCUSD\0\0",
        b"SOLPERP\0",
    ]


def test_a_listing_is_read_from_text() -> None:
    listings = Listings({**EXCHANGES, **dict([listing_of("bitmex=65010:SWAP")])})
    (event,) = take(TRADES, "bitmex,XBTUSD,1,2,x,buy,1,1", listings=listings)
    wanted = InstrumentId.coin(65010, "BTCUSD").replace(asset_type=AssetType.SWAP)
    assert event.tlvs[0].instrument == wanted  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "text", ["bitmex", "=1:SWAP", "bitmex=1", "bitmex=0:COIN", "bitmex=65536:COIN", "a=-1:COIN", "a=1:coin"]
)
def test_a_wrong_listing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no EXCHANGE=VENUE:KIND"):
        listing_of(text)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 120), st.sampled_from([0, 1, 7]), st.booleans()), min_size=1, max_size=150))
def test_the_book_is_what_a_table_of_levels_says(changes: list[tuple[int, int, bool]]) -> None:
    table: dict[bool, dict[int, int]] = {True: {}, False: {}}
    lines = [L2, change(1, "bid", 500, "0", True)]
    for price, size, is_bid in changes:
        table[is_bid][price] = size
        lines.append(change(2, "bid" if is_bid else "ask", price, str(size)))
    wanted = {is_bid: sorted((p for p, s in levels.items() if s), reverse=is_bid) for is_bid, levels in table.items()}
    event = take(*lines)[-1]
    assert sides(event) == (wanted[True][:MAX_ORDER_LEVELS], wanted[False][:MAX_ORDER_LEVELS])
    deep = any(len(levels) > MAX_ORDER_LEVELS for levels in wanted.values())
    assert event.tlvs[1:] == (
        (BookDepthTLV(bid_levels=len(wanted[True]), ask_levels=len(wanted[False])),) if deep else ()
    )


@settings(deadline=None)
@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_prices_are_exact(raw: int) -> None:
    whole, fraction = divmod(abs(raw), 10**8)
    text = f"{'-' if raw < 0 else ''}{whole}.{fraction:08d}"
    (event,) = take(TRADES, f"kraken,XBT/USD,1,2,x,buy,{text},1")
    assert event.tlvs[0].price == raw  # type: ignore[attr-defined]
