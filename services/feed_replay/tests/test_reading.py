"""Bytes to lines and rows: gzip in all its forms, text that is none, Parquet with the types that people have."""

import datetime
import gzip
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.types.protocol import OrderBookTLV, TradeTLV
from services.feed_replay import reading
from services.feed_replay.app import CaptureError, events
from services.feed_replay.tardis import INCREMENTAL, TRADES, snapshot_columns

TEXT = b"exchange,symbol,timestamp,local_timestamp,id,side,price,amount\nkraken,XBT/USD,1,2,x,buy,1,1\n"


def lines(*chunks: bytes) -> list[tuple[int, str]]:
    return list(reading.lines("f", chunks))


@settings(deadline=None)
@given(
    st.lists(st.text("abc\u00e9,\r", max_size=8), max_size=8),
    st.booleans(),
    st.integers(1, 9),
)
def test_lines_do_not_depend_on_how_they_are_packed(texts: list[str], packed: bool, step: int) -> None:
    data = "".join(f"{text}\n" for text in texts).encode()
    stored = gzip.compress(data) if packed else data
    chunks = [stored[at : at + step] for at in range(0, len(stored), step)]
    assert lines(*chunks) == [(number, text.removesuffix("\r")) for number, text in enumerate(texts, 1)]


def test_gzip_of_several_members_with_padding() -> None:
    data = gzip.compress(b"a\nb") + gzip.compress(b"\nc\n") + b"\0" * 600
    for step in (1, 7, len(data)):
        assert [text for _, text in lines(*[data[at : at + step] for at in range(0, len(data), step)])] == [
            "a",
            "b",
            "c",
        ]


def test_gzip_that_unpacks_to_much_more() -> None:
    (event,) = events("f", io.BytesIO(gzip.compress(TEXT.replace(b"x,buy", b"x" * 100_000 + b",buy"))))
    assert isinstance(event.tlvs[0], TradeTLV)


@pytest.mark.parametrize(
    ("data", "column"),
    [
        (gzip.compress(TEXT)[:-9], "gzip"),
        (gzip.compress(TEXT) + b"trailing", "gzip"),
        (gzip.compress(TEXT)[:20] + b"\xff" * 20, "gzip"),
        (b"\x1f\x8b", "gzip"),
        (TEXT + b"\xff\n", "byte 1"),
    ],
    ids=["cut", "more behind it", "garbled", "header alone", "not UTF-8"],  # the bytes themselves hold the time
)
def test_damage_is_an_error(data: bytes, column: str) -> None:
    with pytest.raises(CaptureError) as caught:
        lines(data)
    assert caught.value.column == column


def test_a_line_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_LINE", 100)
    with pytest.raises(CaptureError, match="at most 100 bytes"):
        lines(gzip.compress(b"a\n" + b"x" * 1000))


def parquet(columns: dict[str, Any]) -> io.BytesIO:
    pa = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    out.seek(0)
    return out


def trade_columns(**changed: Any) -> dict[str, Sequence[Any]]:
    columns: dict[str, Any] = {
        "exchange": ["kraken"],
        "symbol": ["XBT/USD"],
        "timestamp": [1],
        "local_timestamp": [2],
        "id": ["x"],
        "side": ["buy"],
        "price": ["8531.5"],
        "amount": ["0.1"],
    }
    return {**columns, **changed}


@pytest.mark.parametrize("price", ["8531.5", 8531.5, Decimal("8531.50")])
def test_parquet_prices(price: object) -> None:
    (event,) = events("f", parquet(trade_columns(price=[price], amount=[1e-08])))
    trade = event.tlvs[0]
    assert isinstance(trade, TradeTLV)
    assert (trade.price, trade.volume, event.timestamp_ns) == (853_150_000_000, 1, 2000)


def test_parquet_with_other_columns_and_types() -> None:
    pa = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    time = datetime.datetime(1970, 1, 1, 0, 0, 1, tzinfo=datetime.UTC)
    columns = trade_columns(
        extra=[[1.5]],
        exchange=pa.array(["kraken"]).dictionary_encode(),
        timestamp=pa.array([time], pa.timestamp("ns", "UTC")),
        amount=[3],
        id=pa.array([None], pa.string()),
    )
    shuffled = dict(reversed(columns.items()))
    (event,) = events("f", parquet(shuffled))
    trade = event.tlvs[0]
    assert isinstance(trade, TradeTLV)
    assert (trade.timestamp_ns, trade.volume) == (10**9, 3 * 10**8)


def test_parquet_books() -> None:
    row: dict[str, list[Any]] = {name: [1.5] for name in snapshot_columns(2)}
    row |= {"exchange": ["kraken"], "symbol": ["XBT/USD"], "timestamp": [1], "local_timestamp": [2]}
    row |= {"bids[1].price": [float("nan")], "bids[1].amount": [None]}
    (event,) = events("f", parquet(row))
    book = event.tlvs[0]
    assert isinstance(book, OrderBookTLV)
    assert (len(book.bids), len(book.asks)) == (1, 2)
    changes = {**trade_columns(), "is_snapshot": [True], "side": ["ask"]}
    (event,) = events("f", parquet({name: changes[name] for name in INCREMENTAL}))
    assert isinstance(event.tlvs[0], OrderBookTLV)


def test_the_first_wrong_parquet_cell_is_named() -> None:
    pa = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    for changed, line, column in [
        ({"price": [0.1 + 0.2]}, 1, "price"),
        ({"price": [float("inf")]}, 1, "price"),
        ({"price": pa.array([1.5], pa.float32())}, 1, "price"),
        ({"side": ["BUY"]}, 1, "side"),
        ({"price": [None]}, 1, "price"),
        ({"amount": [b"1"]}, 1, "amount"),
    ]:
        with pytest.raises(CaptureError) as caught:
            list(events("f", parquet(trade_columns(**changed))))
        assert (caught.value.line, caught.value.column) == (line, column)
    for data in (b"PAR1", b"PAR1" + b"\0" * 60):
        with pytest.raises(CaptureError, match="an undamaged Parquet file"):
            list(events("f", io.BytesIO(data)))
    with pytest.raises(CaptureError, match="without price"):
        list(events("f", parquet({name: ["x"] for name in TRADES if name != "price"})))


def test_damage_inside_a_parquet_file() -> None:
    data = bytearray(parquet(trade_columns()).getvalue())
    data[4:200] = b"\xff" * 196
    with pytest.raises(CaptureError, match="an undamaged Parquet file"):
        list(events("f", io.BytesIO(data)))

    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() < 100 and size != 4:
                raise OSError(5, "Input/output error")
            return super().read(size)

    with pytest.raises(OSError, match="Input/output error"):
        list(events("f", Failing(parquet(trade_columns()).getvalue())))


def test_many_row_groups_count_their_rows() -> None:
    columns = trade_columns(price=["1"] * 9000 + ["x"])
    whole = {name: values if len(values) > 1 else list(values) * 9001 for name, values in columns.items()}
    with pytest.raises(CaptureError) as caught:
        list(events("f", parquet(whole)))
    assert (caught.value.line, caught.value.column) == (9001, "price")


@settings(deadline=None)
@given(st.decimals(min_value=0, max_value=10**7, places=8))
def test_doubles_give_the_text_that_they_were_read_from(number: Decimal) -> None:
    pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    (event,) = events("f", parquet(trade_columns(amount=[float(number)])))
    assert event.tlvs[0].volume == int(number * 10**8)  # type: ignore[attr-defined]


def test_without_pyarrow_the_error_says_which_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"alphapulse-feed-replay\[parquet\]"):
        events("f", io.BytesIO(b"PAR1"))
