"""Captured trades (Tardis CSV) as frozen values with integer prices.

    exchange,symbol,timestamp,local_timestamp,id,side,price,amount

Owns the meaning of a row.  Must not open files or sockets and must not read a clock: lines in, trades out.

How it works: the first line names the columns and is checked once, the rows are then read by position.  Prices and
amounts go from decimal text straight to integers; a digit that would be lost is an error, not a rounding.  Files may
be concatenated: a repeated line of column names is skipped.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from alphapulse_types import AlphaPulseError, FixedPointError, UsdFixedPoint8, parse_scaled

COLUMNS = ("exchange", "symbol", "timestamp", "local_timestamp", "id", "side", "price", "amount")
AMOUNT_DECIMALS = 8
_MAX_I64 = 2**63 - 1


class Side(StrEnum):
    """Who took liquidity; some venues do not say."""

    BUY = "buy"
    SELL = "sell"
    UNKNOWN = "unknown"


class RowError(AlphaPulseError):
    """Line `line` of the capture is wrong in `column`, which holds `text`."""

    def __init__(self, line: int, column: str, text: str, problem: str) -> None:
        self.line, self.column, self.text, self.problem = line, column, text, problem
        super().__init__(line, column, text, problem)

    def __str__(self) -> str:
        return f"line {self.line}, {self.column} {self.text!r}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade.  Times are microseconds since 1970; `amount` counts hundred-millionths of the traded unit."""

    exchange: str
    symbol: str
    timestamp_us: int
    local_timestamp_us: int
    trade_id: str
    side: Side
    price: UsdFixedPoint8
    amount: int


def parse_trade(row: Sequence[str], line: int) -> Trade:
    """One row as a trade; `line` is its number in the capture, for the error.  Raises RowError."""
    if len(row) != len(COLUMNS):
        raise RowError(line, "row", ",".join(row), f"{len(row)} columns, expected {len(COLUMNS)}")
    exchange, symbol, timestamp, local_timestamp, trade_id, side, price, amount = row
    return Trade(
        exchange=exchange,
        symbol=symbol,
        timestamp_us=_microseconds(timestamp, "timestamp", line),
        local_timestamp_us=_microseconds(local_timestamp, "local_timestamp", line),
        trade_id=trade_id,
        side=_side(side, line),
        price=_price(price, line),
        amount=_amount(amount, line),
    )


def read_trades(lines: Iterable[str]) -> Iterator[Trade]:
    """All trades of a capture, one at a time.  Raises RowError; an empty capture has no trades."""
    reader = csv.reader(lines, strict=True)
    named = False
    try:
        for row in reader:
            if tuple(row) == COLUMNS:
                named = True
            elif not named:
                raise RowError(reader.line_num, "row", ",".join(row), f"expected the columns {','.join(COLUMNS)}")
            elif row:
                yield parse_trade(row, reader.line_num)
    except csv.Error as error:
        raise RowError(reader.line_num, "row", "", f"not CSV: {error}") from None


def _microseconds(text: str, column: str, line: int) -> int:
    # int() would also take signs, spaces, underscores and other scripts' digits.
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= _MAX_I64):
        raise RowError(line, column, text, "not a number of microseconds")
    return int(text)


def _side(text: str, line: int) -> Side:
    try:
        return Side(text)
    except ValueError:
        raise RowError(line, "side", text, "expected buy, sell or unknown") from None


def _price(text: str, line: int) -> UsdFixedPoint8:
    try:
        return UsdFixedPoint8.from_decimal_str(text)
    except FixedPointError as error:
        raise RowError(line, "price", text, str(error)) from None


def _amount(text: str, line: int) -> int:
    try:
        amount = parse_scaled(text, AMOUNT_DECIMALS)
    except FixedPointError as error:
        raise RowError(line, "amount", text, str(error)) from None
    if not 0 <= amount <= _MAX_I64:
        raise RowError(line, "amount", text, "must be positive and fit 64 bits")
    return amount
