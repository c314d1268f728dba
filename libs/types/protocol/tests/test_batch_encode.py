"""Encoding many messages: every way to give columns, header fields, and what is refused."""

from array import array
from enum import IntEnum
from typing import Any

import numpy as np
import pytest

from libs.types.protocol import (
    I128,
    TLV,
    U8,
    U16,
    Address,
    CapacityExceeded,
    FieldRange,
    GasPriceTLV,
    InstrumentId,
    MessageBuilder,
    OrderBookTLV,
    OrderLevel,
    PoolLiquidityTLV,
    PoolSwapTLV,
    RecoveryRequestTLV,
    SnapshotTLV,
    SourceType,
    StateInvalidationTLV,
    Struct,
    TradeTLV,
    Vec,
    batch,
    field,
    parse_message,
    vec,
)
from libs.types.protocol.interop import arrow_schema, integers, numpy_dtype
from libs.types.protocol.tests.batch_kit import SENDER, decode, encode, kernels, message, rows_of, trade, trades

COLUMNS: dict[str, Any] = {
    "asset_id": np.arange(300, dtype=np.uint64),
    "price": -np.arange(300),
    "volume": 2 * np.arange(300),
    "timestamp_ns": 3 * np.arange(300),
    "venue_id": np.arange(300, dtype=np.uint16),
    "asset_type": 51,
    "side": np.arange(300) % 2,
}
EXPECTED = b"".join(message(number, trade(number), sequence=number + 1) for number in range(300))


class Inner(Struct):
    where: Address
    depth: U8


class Outer(TLV, type=252, registered=False):
    inner: Inner
    total: I128
    kind: U8 = field(default=7)


@kernels
def test_columns_rows_and_tables_give_the_same_messages(kernel: str) -> None:
    pa = pytest.importorskip("pyarrow")
    rows = decode(kernel, EXPECTED, TradeTLV)
    table = decode(kernel, EXPECTED, TradeTLV, form="arrow").table
    lists = {name: column.tolist() for name, column in decode(kernel, EXPECTED, TradeTLV, form="columns").items()}
    for columns in (
        COLUMNS, rows, np.asarray(rows), rows[:], table, table.to_batches()[0], lists, dict(table.to_pydict()),
        pa.concat_tables([table[:100], table[100:]]), np.concatenate([rows[:7], rows[7:]]),
    ):  # fmt: skip
        assert encode(kernel, TradeTLV, columns) == EXPECTED


@kernels
@pytest.mark.parametrize("count", [0, 1, 2, 55, 56, 57, 1000])
def test_any_number_of_rows(kernel: str, count: int) -> None:
    rows = rows_of(TradeTLV, [trade(number) for number in range(count)])
    assert encode(kernel, TradeTLV, rows, sequence=0) == b"".join(trades(count))


@kernels
def test_arrays_that_are_not_contiguous(kernel: str) -> None:
    rows = rows_of(TradeTLV, [trade(number) for number in range(600)])
    assert encode(kernel, TradeTLV, rows[::2]) == encode(kernel, TradeTLV, rows[::2].copy())
    assert encode(kernel, TradeTLV, rows[::-1]) == encode(kernel, TradeTLV, rows[::-1].copy())
    wide = np.zeros((300, 2), np.int64)
    wide[:, 1] = COLUMNS["price"]
    assert encode(kernel, TradeTLV, {**COLUMNS, "price": wide[:, 1]}) == EXPECTED
    back = {name: values[::-1] if isinstance(values, np.ndarray) else values for name, values in COLUMNS.items()}
    again = decode(kernel, encode(kernel, TradeTLV, back), TradeTLV)
    assert again["price"].tolist() == COLUMNS["price"].tolist()[::-1]


@kernels
def test_a_default_may_be_missing_and_a_single_value_is_for_all(kernel: str) -> None:
    data = encode(kernel, Outer, {"inner": [Inner(where=bytes(range(20)), depth=1)] * 3, "total": [-1, 0, 2**100]})
    got = [parse_message(data, at, allow_trailing=True).get(Outer) for at in range(0, len(data), len(data) // 3)]
    assert [(each.kind, each.total) for each in got if each is not None] == [(7, -1), (7, 0), (7, 2**100)]
    assert got[2] is not None and bytes(got[2].inner) == bytes(range(20)) + b"\x01"
    rows = decode(kernel, data, Outer)
    assert integers(rows["total"]) == [-1, 0, 2**100] and rows["inner"]["depth"].tolist() == [1, 1, 1]
    assert encode(kernel, Outer, rows) == data
    pytest.importorskip("pyarrow")
    table = decode(kernel, data, Outer, form="arrow").table
    assert encode(kernel, Outer, table) == data and encode(kernel, Outer, table[1:]) == encode(kernel, Outer, rows[1:])


class Steps(Struct, size=24):
    few: Vec[int] = vec(U16, 4)


class Preset(TLV, type=252, registered=False):
    """Defaults that leave something behind, where a column is shorter than they are."""

    number: U16
    few: Vec[int] = vec(U16, 4, default=(1, 2, 3))
    steps: Steps = Steps.from_buffer(bytes.fromhex("0300aaaaaaaaaaaa 0100 0200 0300 aaaaaaaaaaaaaaaaaaaa"))


@kernels
def test_defaults_of_vectors_and_what_is_left_of_them(kernel: str) -> None:
    """A vector's default was written as an empty vector, and a struct's padding and unused slots as they were."""

    def written(**given: Any) -> bytes:
        data: bytes = encode(kernel, Preset, {"number": np.array([5, 6]), **given})
        return data

    def expected(**given: Any) -> bytes:
        made = [Preset(number=number, **given) for number in (5, 6)]
        return b"".join(MessageBuilder(**SENDER, sequence=at).add(each).build() for at, each in enumerate(made, 1))

    assert written() == expected()
    assert written(few=[(9,), (9,)]) == expected(few=[9])
    assert written(steps=[Steps(few=[7])] * 2) == expected(steps=Steps(few=[7]))
    rows = rows_of(Preset, [Preset(number=number, few=[], steps=Steps(few=[])) for number in (5, 6)])
    assert encode(kernel, Preset, rows) == expected(few=[], steps=Steps(few=[]))


@kernels
def test_header_fields_are_values_or_columns(kernel: str) -> None:
    sources = np.array([1, 2, 3], np.uint8)
    data = encode(
        kernel, TradeTLV, [trade(number) for number in range(3)] and rows_of(TradeTLV, [trade(1)] * 3),
        relay_domain=[1, 2, 3], source=sources, sequence=np.array([9, 7, 2**64 - 1], np.uint64), timestamp=[4, 5, 6],
        flags=[0, 255, 1],
    )  # fmt: skip
    heads = decode(kernel, data, TradeTLV, headers=True).headers
    assert heads["relay_domain"].tolist() == [1, 2, 3] and heads["source"].tolist() == [1, 2, 3]
    assert heads["sequence"].tolist() == [9, 7, 2**64 - 1] and heads["timestamp"].tolist() == [4, 5, 6]
    assert heads["flags"].tolist() == [0, 255, 1]
    now = decode(kernel, encode(kernel, TradeTLV, COLUMNS, timestamp=None), TradeTLV, headers=True).headers
    assert len(set(now["timestamp"].tolist())) == 1 and now["timestamp"][0] > 1_600_000_000_000_000_000
    last = encode(kernel, TradeTLV, COLUMNS, sequence=2**64 - 300)
    assert decode(kernel, last, TradeTLV, headers=True).headers["sequence"].max() == 2**64 - 1


@kernels
def test_unsigned_messages_carry_no_checksum(kernel: str) -> None:
    data = encode(kernel, TradeTLV, COLUMNS, signed=False)
    heads = decode(kernel, data, TradeTLV, checksum=False, headers=True).headers
    assert not heads["checksum"].any()


@kernels
def test_writing_into_a_buffer(kernel: str) -> None:
    out = bytearray(b"\xaa" * (len(EXPECTED) + 5))
    assert encode(kernel, TradeTLV, COLUMNS, out=out) == len(EXPECTED)
    assert out[:-5] == EXPECTED and out[-5:] == b"\xaa" * 5
    array_out = np.zeros(len(EXPECTED), np.uint8)
    assert encode(kernel, TradeTLV, COLUMNS, out=array_out) == len(EXPECTED) and array_out.tobytes() == EXPECTED
    with pytest.raises(FieldRange, match="len"):
        encode(kernel, TradeTLV, COLUMNS, out=bytearray(10))
    for fixed in (bytes(len(EXPECTED)), memoryview(out).toreadonly()):
        with pytest.raises(TypeError, match="writable"):
            encode(kernel, TradeTLV, COLUMNS, out=fixed)
    with pytest.raises(BufferError):
        encode(kernel, TradeTLV, COLUMNS, out=memoryview(bytearray(2 * len(EXPECTED)))[::2])


@kernels
def test_vectors_from_lists_and_padding_is_zero(kernel: str) -> None:
    books: dict[str, Any] = {
        "timestamp_ns": [1, 2], "sequence": [3, 4], "asset_id": 5, "venue_id": 6, "asset_type": 7,
        "bids": [[(10, 1, 2)], [OrderLevel(price=9, size=8)] * 50], "asks": [[], [(11, 1, 0), (12, 1, 0)]],
    }  # fmt: skip
    expected = b"".join(
        message(row, OrderBookTLV(timestamp_ns=row + 1, sequence=row + 3, asset_id=5, venue_id=6, asset_type=7,
                                  bids=books["bids"][row], asks=books["asks"][row]), sequence=row + 1)
        for row in range(2)
    )  # fmt: skip
    assert encode(kernel, OrderBookTLV, books) == expected
    rows = decode(kernel, expected, OrderBookTLV)
    raw = rows.view(np.uint8).reshape(2, -1)
    raw[:, 36:40] = raw[:, 42:48] = 0xAA  # padding of the book and of a vector
    raw[:, 48 + 20 : 48 + 24] = 0xAA  # padding of the first bid
    raw[0, 48 + 24 : 1248] = raw[0, 1256:] = 0xAA  # unused slots
    assert encode(kernel, OrderBookTLV, rows) == expected
    pytest.importorskip("pyarrow")
    table = decode(kernel, expected, OrderBookTLV, form="arrow").table
    assert [len(each) for each in table.column("bids").to_pylist()] == [1, 50]
    assert encode(kernel, OrderBookTLV, table) == expected
    assert encode(kernel, OrderBookTLV, table[1:], sequence=2) == expected[len(expected) // 2 :]
    assert encode(kernel, OrderBookTLV, table.to_pydict()) == expected


@kernels
def test_128_bits_and_addresses(kernel: str) -> None:
    count = 4
    amounts = [0, 1, 2**64, 2**128 - 1]
    addresses = [bytes(20), b"\x01" * 19 + b"\0", bytes(range(20)), b"\xff" * 20]
    swaps = {
        "amount_in": amounts, "amount_out": np.arange(count, dtype=np.uint64), "liquidity_after": np.arange(count),
        "timestamp_ns": 1, "block_number": 2, "tick_after": [-1, 0, 1, -(2**31)], "venue": 300,
        "amount_in_decimals": 18, "amount_out_decimals": 6, "pool_address": addresses,
        "token_in_addr": np.frombuffer(b"".join(addresses), np.uint8).reshape(count, 20),
        "token_out_addr": np.array(addresses, "S20"), "sqrt_price_x96_after": bytes(31) + b"\x01",
    }  # fmt: skip
    data = encode(kernel, PoolSwapTLV, swaps)
    rows = decode(kernel, data, PoolSwapTLV)
    assert integers(rows["amount_in"]) == amounts and integers(rows["amount_out"]) == [0, 1, 2, 3]
    for name in ("pool_address", "token_in_addr", "token_out_addr"):
        assert [bytes(each) for each in rows[name]] == addresses
    assert encode(kernel, PoolSwapTLV, rows) == data
    pytest.importorskip("pyarrow")
    assert encode(kernel, PoolSwapTLV, decode(kernel, data, PoolSwapTLV, form="arrow").table) == data


@pytest.mark.parametrize(
    ("name", "values", "error", "text"),
    [
        ("price", np.zeros(300), TypeError, "float64"),
        ("price", np.zeros(300, bool), TypeError, "bool"),
        ("price", [1.5] * 300, TypeError, "float"),
        ("price", ["1"] * 300, TypeError, "str"),
        ("price", "text", TypeError, "str"),
        ("price", np.zeros((300, 1), np.int64), TypeError, "shape"),
        ("price", np.array(3), TypeError, "shape"),
        ("price", np.zeros(300, "M8[ns]"), TypeError, "datetime64"),
        ("price", 1.5, TypeError, "float"),
        ("price", b"x", TypeError, "bytes"),
        ("asset_id", -np.arange(300), FieldRange, r"asset_id\[299\] is -299"),
        ("price", np.full(300, 2**63, np.uint64), FieldRange, r"price\[0\]"),
        ("venue_id", np.arange(300) + 65_300, FieldRange, r"venue_id\[299\] is 65599"),
        ("venue_id", [1] * 299 + [-1], FieldRange, r"venue_id\[299\] is -1"),
        ("side", 256, FieldRange, "side is 256"),
        ("side", np.zeros(299, int), ValueError, "side has 299 rows"),
        ("prize", np.arange(300), TypeError, "no field 'prize'"),
    ],
)
def test_columns_that_are_refused(name: str, values: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        encode("python", TradeTLV, {**COLUMNS, name: values})


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("relay_domain", 0, FieldRange), ("relay_domain", [1] * 299 + [9], FieldRange),
        ("relay_domain", "1", TypeError),
        ("source", 99, FieldRange), ("source", np.full(300, 99), FieldRange), ("source", 2.0, TypeError),
        ("flags", 256, FieldRange), ("flags", [-1] * 300, FieldRange), ("sequence", -1, FieldRange),
        ("sequence", 2**64 - 299, FieldRange), ("sequence", np.arange(299), ValueError),
        ("timestamp", 2**64, FieldRange), ("timestamp", -np.arange(300), FieldRange), ("timestamp", b"1", TypeError),
    ],
)  # fmt: skip
def test_header_fields_that_are_refused(name: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        encode("python", TradeTLV, COLUMNS, **{name: value})


def test_columns_as_a_whole_that_are_refused() -> None:
    with pytest.raises(TypeError, match="miss price"):
        encode("python", TradeTLV, {name: values for name, values in COLUMNS.items() if name != "price"})
    with pytest.raises(TypeError, match="single values"):
        encode("python", RecoveryRequestTLV, dict.fromkeys(("last_sequence", "current_sequence", "consumer_id",
                                                            "request_type"), 1))  # fmt: skip
    with pytest.raises(TypeError, match="not as list"):
        encode("python", TradeTLV, [1, 2])
    with pytest.raises(TypeError, match="no fixed size"):
        encode("python", SnapshotTLV, {})
    other = np.zeros(3, [("asset_id", "<u8"), ("price", "<f8")])
    with pytest.raises(TypeError, match="miss volume"):
        encode("python", TradeTLV, other)


def test_vectors_that_are_refused() -> None:
    rows = np.zeros(3, numpy_dtype(StateInvalidationTLV))
    with pytest.raises(FieldRange, match=r"len\(instruments\[0\]\) is 0"):
        encode("python", StateInvalidationTLV, rows)
    rows["instruments"]["count"] = [1, 17, 2]
    with pytest.raises(CapacityExceeded, match=r"instruments\[1\]"):
        encode("python", StateInvalidationTLV, rows)
    # Header and payload both have a sequence.
    one = {"timestamp_ns": 1, "asset_id": 5, "venue_id": 6, "asset_type": 7, "bids": [[]] * 2, "asks": [[]] * 2}
    with pytest.raises(ValueError, match=r"header.sequence has 1 rows, bids has 2"):
        encode("python", OrderBookTLV, {**one, "sequence": [3, 4]}, sequence=np.array([1]))
    pools = {"timestamp_ns": 1, "reserves": [[1], []], "pool_address": bytes(20), "venue": 1}
    with pytest.raises(FieldRange, match=r"len\(reserves\[1\]\)"):
        encode("python", PoolLiquidityTLV, pools)
    with pytest.raises(FieldRange, match=r"reserves\[0\]\[0\]"):
        encode("python", PoolLiquidityTLV, {**pools, "reserves": [[-1], [1]]})
    with pytest.raises(FieldRange, match="pool_address"):
        encode("python", PoolLiquidityTLV, {**pools, "reserves": [[1]], "pool_address": [b"short"]})
    with pytest.raises(FieldRange, match="pool_address"):
        encode("python", PoolLiquidityTLV, {**pools, "reserves": [[1]], "pool_address": np.zeros(1, "S19")})
    with pytest.raises(TypeError, match="dtype"):
        encode("python", StateInvalidationTLV, {"sequence": [1], "timestamp_ns": 1, "venue": 1, "reason": 1,
                                                "instruments": np.zeros(1, [("count", "<u2")])})  # fmt: skip


def test_missing_values_of_a_table_are_refused() -> None:
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"asset_id": pa.array([1, None], pa.uint64())})
    with pytest.raises(ValueError, match="1 missing"):
        encode("python", TradeTLV, table)
    longer = pa.table({"instruments": pa.array([[{"asset_id": 1, "venue": 1, "asset_type": 1, "reserved": 0}] * 17])})
    with pytest.raises(ValueError, match="17 elements in row 0"):
        encode("python", StateInvalidationTLV, longer)
    with pytest.raises(TypeError, match="no field 'other'"):
        encode("python", TradeTLV, pa.table({"other": [1]}))


@kernels
def test_integers_of_any_kind_are_taken_when_they_fit(kernel: str) -> None:
    class Kind(IntEnum):
        TOKEN = 51

    for prices in (
        COLUMNS["price"].astype("<i2"), COLUMNS["price"].astype(">i8"), COLUMNS["price"].astype(object),
        COLUMNS["price"].tolist(), array("q", COLUMNS["price"].tolist()), memoryview(array("l", COLUMNS["price"])),
        tuple(COLUMNS["price"]),
    ):  # fmt: skip
        assert encode(kernel, TradeTLV, {**COLUMNS, "price": prices, "asset_type": Kind.TOKEN}) == EXPECTED
    assert encode(kernel, TradeTLV, COLUMNS, source=np.uint8(2), sequence=np.int64(1)) == EXPECTED


def test_other_libraries_frames() -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({name: np.broadcast_to(values, 300).copy() for name, values in COLUMNS.items()})
    assert encode("python", TradeTLV, frame) == EXPECTED
    assert polars.DataFrame(decode("python", EXPECTED, TradeTLV, form="arrow"))["price"].to_list()[-1] == -299


def test_the_schema_tells_units() -> None:
    pa = pytest.importorskip("pyarrow")
    schema = arrow_schema(TradeTLV)
    assert schema.field("price").metadata == {b"unit": b"1e-8"} and schema.field("price").type == pa.int64()
    assert schema.metadata == {b"struct": b"TradeTLV", b"size": b"40", b"tlv_type": b"1"}
    assert not schema.field("price").nullable
    book = arrow_schema(OrderBookTLV)
    assert pa.types.is_list(book.field("bids").type) and book.field("bids").type.value_type.num_fields == 3
    assert arrow_schema(PoolSwapTLV).field("amount_in").type.num_fields == 2
    assert arrow_schema(GasPriceTLV).field("venue").metadata[b"doc"].startswith(b"here the chain id")


@pytest.mark.parametrize("cls", [TradeTLV, OrderBookTLV, PoolSwapTLV, InstrumentId, OrderLevel, StateInvalidationTLV])
def test_a_dtype_has_the_places_of_the_wire(cls: Any) -> None:
    dtype = numpy_dtype(cls)
    assert dtype.itemsize == cls.SIZE and dtype is numpy_dtype(cls)
    assert dtype.fields is not None
    for each in cls.__layout__.fields:
        assert dtype.fields[each.name][1] == each.offset
    with pytest.raises(TypeError):
        numpy_dtype(SnapshotTLV)


def test_an_unknown_source_is_named() -> None:
    with pytest.raises(FieldRange) as caught:
        batch.encode_batch(TradeTLV, COLUMNS, **{**SENDER, "source": [SourceType.DASHBOARD] * 299 + [98]}, sequence=1)
    assert caught.value.args == ("source[299]", 98, 1, 82)
