"""Captured trades: rows of a real capture, and rows that must be refused."""

import pickle

import pytest

from alphapulse_types import UsdFixedPoint8
from services.feed_replay.app import RowError, Side, Trade, parse_trade, read_trades

HEADER: str = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"
CAPTURE = f"""\
{HEADER}
bitmex,XBTUSD,1583020803145000,1583020803307160,ccc3c1fa-212c-e8b0-1706-9b9c4f3d5ecf,sell,8531.5,2152
bitmex,XBTUSD,1583020803276000,1583020803336743,b46c84da-6942-b404-ab94-18a9ad497fdd,sell,8531.5,1
"""
ROW: list[str] = [*CAPTURE.splitlines()[1].split(",")]


def test_a_real_capture() -> None:
    first, second = read_trades(CAPTURE.splitlines(keepends=True))
    assert first == Trade(
        exchange="bitmex",
        symbol="XBTUSD",
        timestamp_us=1583020803145000,
        local_timestamp_us=1583020803307160,
        trade_id="ccc3c1fa-212c-e8b0-1706-9b9c4f3d5ecf",
        side=Side.SELL,
        price=UsdFixedPoint8(853_150_000_000),
        amount=215_200_000_000,
    )
    assert second.amount == 100_000_000


def test_harmless_differences() -> None:
    assert list(read_trades([])) == []
    assert list(read_trades([HEADER])) == []
    two_files = [*CAPTURE.splitlines(), *CAPTURE.splitlines(), ""]
    assert len(list(read_trades(two_files))) == 4
    assert len(list(read_trades(CAPTURE.replace("\n", "\r\n").splitlines(keepends=True)))) == 2
    quoted = f'{HEADER}\n"bitmex","XBTUSD",1,2,"a,b",buy,1,0\n'
    assert [trade.trade_id for trade in read_trades(quoted.splitlines())] == ["a,b"]


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("timestamp", ""),
        ("timestamp", "-1"),
        ("timestamp", "1_0"),
        ("timestamp", "9" * 19),
        ("local_timestamp", "1.5"),
        ("side", "BUY"),
        ("side", ""),
        ("price", "nan"),
        ("price", "1e3"),
        ("price", "0.000000001"),
        ("price", "1" * 12),
        ("amount", "-1"),
        ("amount", "1" * 12),
        ("amount", "x"),
    ],
)
def test_bad_fields(column: str, text: str) -> None:
    row: list[str] = list(ROW)
    row[HEADER.split(",").index(column)] = text
    with pytest.raises(RowError) as caught:
        parse_trade(row, 7)
    assert (caught.value.line, caught.value.column, caught.value.text) == (7, column, text)
    assert pickle.loads(pickle.dumps(caught.value)) == caught.value


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ([",".join(ROW)], 1),
        ([HEADER.replace("price,amount", "amount,price"), ",".join(ROW)], 1),
        ([HEADER, ",".join(ROW), "bitmex,XBTUSD"], 3),
        ([HEADER, ",".join([*ROW, "more"])], 2),
        ([HEADER, 'bitmex,"XBT"USD,1,2,a,buy,1,1'], 2),
    ],
)
def test_bad_captures_name_the_line(lines: list[str], line: int) -> None:
    with pytest.raises(RowError) as caught:
        list(read_trades(lines))
    assert caught.value.line == line
