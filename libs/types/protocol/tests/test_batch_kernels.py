"""Both kernels against each other and against single messages, on good and on broken data of all kinds."""

import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.types.protocol import BatchError, OrderBookTLV, QuoteTLV, TLVType, TradeTLV, parse_message
from libs.types.protocol.batch_plan import Op, known_numbers, packed, rules_of
from libs.types.protocol.interop import to_arrow
from libs.types.protocol.tests.batch_kit import (
    FIXED,
    compiled_kernel,
    damaged,
    decode,
    encode,
    kernels,
    message,
    needs_compiled,
    objects_of,
    rows_of,
    tidy,
    trade,
)

BOOK = message(3, OrderBookTLV(timestamp_ns=1, sequence=2, asset_id=3, venue_id=4, asset_type=5, bids=[(9, 8, 7)] * 3))
PIECES: dict[str, bytes] = {
    "trade": message(1, trade(1)),
    "another trade": message(2, trade(2), source=3),
    "flagged trade": message(2, trade(3), flags=4),
    "quote": message(1, (TLVType.QUOTE, bytes(56))),
    "book": BOOK,
    "empty": message(4),
    "two trades": message(5, trade(4), trade(5)),
    "trade and book": message(5, trade(4), (210, b""), (TLVType.ORDER_BOOK, BOOK[37:])),
    "opaque": message(6, (210, message(7, trade(6)))),
    "wrong checksum": message(8, trade(7))[:-1] + b"\x01",
    "unsigned": message(8, trade(7))[:28] + bytes(4) + message(8, trade(7))[32:],
    "noise": b"\xef\xbe\xad\x00noise\xef",
    "magic": b"\xef\xbe\xad\xde",
}


def outcome(kernel: str, data: bytes, cls: Any, **options: Any) -> Any:
    """Everything that a batch tells, as values that can be compared."""
    try:
        got = decode(kernel, data, cls, headers=True, **options)
    except BatchError as error:
        return error, repr(error.__cause__)
    return np.asarray(got).tobytes(), got.headers.tobytes(), got.report


# Kinds and numbers of pieces, (place, bits) to change, and where to cut: places as parts of the whole.
PLACE = st.floats(0, 1, exclude_max=True, allow_subnormal=False)
STREAMS = st.tuples(
    st.lists(st.tuples(st.sampled_from(list(PIECES)), st.sampled_from([1, 1, 2, 3, 5, 130])), max_size=8),
    st.lists(st.tuples(PLACE, st.integers(1, 255)), max_size=4),
    st.none() | PLACE,
)


def built(stream: Any) -> bytes:
    """Messages of all kinds, often many of one kind, with some bytes changed, and cut somewhere."""
    parts, changes, cut = stream
    data = bytearray(b"".join(PIECES[name] * count for name, count in parts))
    for place, bits in changes if data else ():
        data[int(place * len(data))] ^= bits
    return bytes(data if cut is None else data[: int(cut * len(data))])


@needs_compiled
@given(
    STREAMS, st.sampled_from([TradeTLV, QuoteTLV, OrderBookTLV]), st.booleans(), st.booleans(),
    st.sampled_from(["raise", "collect"]), st.sampled_from([2**20, 500, 74]),
)  # fmt: skip
@settings(max_examples=400, deadline=None)
def test_both_kernels_agree(stream: Any, cls: Any, checksum: bool, partial: bool, on_error: Any, limit: int) -> None:
    data = built(stream)
    options = {"checksum": checksum, "allow_partial": partial, "on_error": on_error, "limit": limit}
    assert outcome("c", data, cls, **options) == outcome("python", data, cls, **options)


@kernels
@given(stream=STREAMS)
@settings(max_examples=60, deadline=None)
def test_rows_are_what_single_messages_give(kernel: str, stream: Any) -> None:
    """Between the places of the errors, the data are good messages; the rows are theirs."""
    data = built(stream)
    got = decode(kernel, data, TradeTLV, on_error="collect")
    at, rows, skipped, messages = 0, [], 0, 0
    lost = {error.offset: error.lost for error in got.errors}
    while at < len(data):
        messages += 1
        if at in lost:
            at += lost.pop(at)
            continue
        one = parse_message(data, at, allow_trailing=True)
        tlv = one.get(TradeTLV)
        rows += [] if tlv is None else [bytes(tlv)]
        skipped += tlv is None
        at += one.size
    assert not lost and np.asarray(got).tobytes() == b"".join(rows)
    assert (got.skipped, got.report.messages, got.consumed) == (skipped, messages, len(data))


@kernels
@pytest.mark.parametrize("cls", FIXED, ids=lambda cls: cls.__name__)
@given(data=st.data())
@settings(max_examples=8, deadline=None)
def test_every_class_makes_the_round_trip(kernel: str, cls: Any, data: st.DataObject) -> None:
    # Six full order books are more than Hypothesis likes to make up for one example.
    most = 6 if cls.__layout__.size < 1000 else 2
    objects = data.draw(st.lists(objects_of(cls), min_size=1, max_size=most))
    objects = objects * data.draw(st.sampled_from([1, 1, 20]))
    expected = b"".join(message(row, each, sequence=row + 1) for row, each in enumerate(objects))
    rows = rows_of(cls, objects)
    assert encode(kernel, cls, rows) == expected
    got = decode(kernel, expected, cls)
    assert np.asarray(got).tobytes() == rows.tobytes()
    columns = decode(kernel, expected, cls, form="columns")
    assert encode(kernel, cls, columns) == expected
    for each in cls.__layout__.fields:
        assert (columns[each.name] == rows[each.name]).all()
    pytest.importorskip("pyarrow")
    table = decode(kernel, expected, cls, form="arrow").table
    assert table.num_rows == len(objects) and encode(kernel, cls, table) == expected
    for each in cls.__layout__.fields:
        assert to_arrow(rows[each.name].copy(), each.kind).equals(table.column(each.name).combine_chunks())


def kernel_arguments(**changes: Any) -> list[Any]:
    """What decode_rows takes, for a buffer of two trades and one column."""
    given: dict[str, Any] = {
        "data": PIECES["trade"] * 2, "offset": 0, "index": 0, "row": 0, "capacity": 2, "number": 1, "size": 40,
        "verify": True, "partial": False, "limit": 2**20, "known": known_numbers(), "rules": rules_of(TradeTLV),
        "ops": packed([Op(0, 40, True, 0, 0, 40)]), "columns": (bytearray(80),), "faults": bytearray(48),
    }  # fmt: skip
    return list({**given, **changes}.values())


@needs_compiled
@pytest.mark.parametrize(
    "changes",
    [
        {"offset": -1}, {"offset": 149}, {"row": 3}, {"row": -1}, {"index": -1}, {"capacity": 3}, {"size": 39},
        {"size": 41}, {"size": -1}, {"number": 255}, {"number": 70_000}, {"limit": -1}, {"known": bytes(511)},
        {"rules": bytes(10)}, {"rules": rules_of(TradeTLV) + b"x"}, {"faults": bytearray(23)}, {"ops": b"short"},
        {"ops": packed([Op(1, 40, True, 0, 0, 40)])}, {"ops": packed([Op(0, 40, True, 1, 0, 40)])},
        {"ops": packed([Op(0, 40, False, 0, 0, 40)])}, {"ops": packed([Op(0, 40, True, 0, 1, 40)])},
        {"ops": packed([Op(0, 40, True, 0, 0, 41)])}, {"ops": packed([Op(2**63, 40, True, 0, 0, 40)])},
        {"ops": packed([Op(0, 40, True, 0, 2**63, 2**63)])}, {"ops": packed([Op(0, 2**64 - 1, True, 0, 0, 40)])},
        {"rules": rules_of(OrderBookTLV)[: 257 * 8]},
        {"rules": b"\x01\x00\xff\xff\x00\x00\x01\x00" * 257 + bytes(4)},
    ],
)  # fmt: skip
def test_the_compiled_kernel_refuses_arguments_that_do_not_fit(changes: dict[str, Any]) -> None:
    assert compiled_kernel.decode_rows(*kernel_arguments()) == (148, 2, 2, 0, 0, 0)
    with pytest.raises((ValueError, OverflowError)):
        compiled_kernel.decode_rows(*kernel_arguments(**changes))


@needs_compiled
def test_the_compiled_kernel_refuses_what_cannot_be_written() -> None:
    for changes in (
        {"columns": (bytes(80),)},
        {"faults": bytes(48)},
        {"columns": ("text",)},
        {"columns": [bytearray()]},
    ):
        with pytest.raises((TypeError, BufferError)):
            compiled_kernel.decode_rows(*kernel_arguments(**changes))
    one = PIECES["trade"]
    ops = packed([Op(34, 40, False, 0, 0, 40)])
    for arguments in (
        (bytearray(147), one, 2, 1, True, ops, (bytes(80),)), (bytearray(148), one[:31], 2, 1, True, b"", ()),
        (bytearray(148), one, -1, 1, True, b"", ()), (bytearray(148), one, 2, 1, True, ops, (bytes(79),)),
        (bytearray(148), one, 2, -1, True, b"", ()), (bytearray(148), one, 2, 2**64, True, b"", ()),
        (bytearray(148), one, 2, 1, True, packed([Op(35, 40, False, 0, 0, 40)]), (bytes(80),)),
    ):  # fmt: skip
        with pytest.raises((ValueError, OverflowError)):
            compiled_kernel.encode_rows(*arguments)
    with pytest.raises((BufferError, TypeError)):
        compiled_kernel.encode_rows(bytes(148), one, 2, 1, True, b"", ())


@needs_compiled
def test_all_checksums_of_the_compiled_kernel_agree() -> None:
    data = PIECES["trade"] * 50 + PIECES["wrong checksum"] + BOOK * 20
    before = compiled_kernel.crc32_implementation()
    found = []
    try:
        for name in ("slicing", "pclmul", "avx512"):
            try:
                compiled_kernel.crc32_implementation(name)
            except ValueError:
                continue
            found.append(outcome("c", data, TradeTLV, on_error="collect"))
    finally:
        compiled_kernel.crc32_implementation(before)
    assert found and all(each == outcome("python", data, TradeTLV, on_error="collect") for each in found)


@needs_compiled
@pytest.mark.parametrize("checksum", ["slicing", "pclmul", "avx512"])
def test_messages_of_every_size_are_signed(checksum: str) -> None:
    """Four are summed up together, in pieces that depend on their size; also where they are no multiple of four."""
    before = compiled_kernel.crc32_implementation()
    try:
        compiled_kernel.crc32_implementation(checksum)
    except ValueError:
        pytest.skip(f"no {checksum} here")
    noise = np.random.default_rng(1).bytes(600)
    try:
        for size in range(33, 600):
            count = 4 + size % 5
            out, column = bytearray(count * size), noise[:count]
            op = packed([Op(size - 1, 1, False, 0, 0, 1)])
            compiled_kernel.encode_rows(out, noise[:size], count, 2**62, True, op, (column,))
            rows = [out[at : at + size] for at in range(0, len(out), size)]
            for row in rows:
                assert int.from_bytes(row[28:32], "little") == zlib.crc32(row[32:], zlib.crc32(row[:28])), size
            assert bytes(row[-1] for row in rows) == column
            assert [int.from_bytes(row[8:16], "little") - 2**62 for row in rows] == list(range(count))
            kept = noise[:8] + noise[16:28] + noise[32 : size - 1]
            assert all(row[:8] + row[16:28] + row[32:-1] == kept for row in rows)
    finally:
        compiled_kernel.crc32_implementation(before)


@needs_compiled
@pytest.mark.parametrize("at, width", [(0, 1), (3, 1), (20, 8), (24, 1), (27, 4), (30, 4), (33, 1), (4, 40)])
def test_what_rows_have_in_common_is_not_written_where_they_are_signed(at: int, width: int) -> None:
    out, op, column = bytearray(148), packed([Op(at, width, False, 0, 0, width)]), bytes(2 * width)
    with pytest.raises(ValueError, match="op 0 writes to the magic, the size or the first frame"):
        compiled_kernel.encode_rows(out, PIECES["trade"], 2, None, True, op, (column,))
    compiled_kernel.encode_rows(out, PIECES["trade"], 2, None, False, op, (column,))
    assert out[at : at + width] == bytes(width)


@needs_compiled
@pytest.mark.parametrize("checksum", ["slicing", "pclmul", "avx512"])
@pytest.mark.parametrize("cls", FIXED, ids=lambda cls: cls.__name__)
def test_every_damaged_byte_of_a_row_is_found(cls: Any, checksum: str) -> None:
    """Also those that the rows of a block have in common, which a checksum of many rows reads once."""
    before = compiled_kernel.crc32_implementation()
    try:
        compiled_kernel.crc32_implementation(checksum)
    except ValueError:
        pytest.skip(f"no {checksum} here")
    noise = np.random.default_rng(2).bytes(cls.SIZE)
    rows = [message(number, tidy(cls, bytes(number ^ byte for byte in noise))) for number in range(9)]
    size = len(rows[0])
    try:
        for at in range(size):
            got = decode("c", damaged(b"".join(rows), 5 * size + at), cls, on_error="collect")
            assert [error.index for error in got.report.errors] == [5], at
            assert len(got) == 8, at
    finally:
        compiled_kernel.crc32_implementation(before)
