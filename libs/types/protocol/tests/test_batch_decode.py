"""Decoding many messages: rows, headers, what is skipped, what is wrong, and where reading goes on."""

import mmap
import pickle
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from libs.types.protocol import (
    TLV,
    U8,
    U32,
    BatchError,
    ChecksumMismatch,
    FieldRange,
    InvalidExtendedTLV,
    InvalidMagic,
    InvalidPayload,
    InvalidRelayDomain,
    MessageHeader,
    MessageTooLarge,
    MessageTooSmall,
    OrderBookTLV,
    OrderLevel,
    PayloadSizeMismatch,
    SnapshotTLV,
    SystemHealthTLV,
    TLVType,
    TradeTLV,
    TruncatedTLV,
    UnknownSource,
    UnsupportedVersion,
    Vec,
    batch,
    message_checksum,
    parse_message,
    vec,
)
from libs.types.protocol.batch_results import ArrowBatch, Batch, Columns
from libs.types.protocol.interop import numpy_dtype
from libs.types.protocol.tests.batch_kit import damaged, decode, kernels, message, needs_compiled, trade, trades, using

SIZE = 74
QUOTE = message(500, (TLVType.QUOTE, bytes(56)))


class Small(TLV, type=250, registered=False):
    value: U8


class Sided(TLV, type=251, registered=False):
    levels: Vec[OrderLevel] = vec(OrderLevel, 3)
    value: U32


def patched(data: bytes, offset: int, new: bytes) -> bytes:
    """Other bytes in a message, its checksum made right."""
    out = bytearray(data)
    out[offset : offset + len(new)] = new
    out[28:32] = message_checksum(out).to_bytes(4, "little")
    return bytes(out)


@kernels
@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 109, 110, 111, 257, 1000, 5000])
def test_rows_are_the_messages(kernel: str, count: int) -> None:
    data = b"".join(trades(count))
    got: Any = decode(kernel, data, TradeTLV, headers=True)
    assert type(got) is Batch and issubclass(Batch, np.ndarray)
    assert got.dtype == numpy_dtype(TradeTLV) and len(got) == count
    assert got["price"].tolist() == [-number for number in range(count)]
    assert got["side"].tolist() == [number % 2 for number in range(count)]
    assert got.headers.dtype == numpy_dtype(MessageHeader)
    assert got.headers["sequence"].tolist() == list(range(count))
    assert (got.errors, got.skipped, got.repeated, got.consumed) == ((), 0, 0, len(data))
    assert got.report.messages == count


@kernels
def test_columns_are_contiguous_and_chosen_by_path(kernel: str) -> None:
    data = b"".join(trades(10))
    got = decode(kernel, data, TradeTLV, form="columns")
    assert isinstance(got, Columns) and list(got) == [each.name for each in TradeTLV.__layout__.fields]
    assert all(column.flags.c_contiguous and len(column) == got.rows == 10 for column in got.values())
    paths = ("header.sequence", "instrument", "price")
    got = decode(kernel, data, TradeTLV, form="columns", fields=paths)
    assert tuple(got) == paths
    assert [bytes(each) for each in got["instrument"]] == [bytes(trade(number).instrument) for number in range(10)]
    rows = decode(kernel, data, TradeTLV, fields=["venue_id", "header.timestamp"])
    assert rows.dtype.names == ("venue_id", "header.timestamp") and rows["header.timestamp"].tolist() == [77] * 10


@kernels
def test_an_arrow_batch_is_a_table_and_gives_its_stream(kernel: str) -> None:
    pa = pytest.importorskip("pyarrow")
    got = decode(kernel, b"".join(trades(4)), TradeTLV, form="arrow", headers=True)
    assert isinstance(got, ArrowBatch) and len(got) == 4 and "4 rows" in repr(got)
    assert pa.table(got).column("price").to_pylist() == [0, -1, -2, -3]
    assert got.headers["sequence"].tolist() == [0, 1, 2, 3] and got.errors == ()
    some = decode(kernel, b"".join(trades(4)), TradeTLV, form="arrow", fields=["header.sequence", "side"]).table
    assert some.to_pydict() == {"header.sequence": [0, 1, 2, 3], "side": [0, 1, 0, 1]}


@kernels
def test_messages_of_other_types_are_skipped_and_counted(kernel: str) -> None:
    heartbeat = message(7, (TLVType.HEARTBEAT, bytes(16)))
    parts = [QUOTE, trades(1)[0], heartbeat, message(8), trades(2)[1], QUOTE]
    got = decode(kernel, b"".join(parts), TradeTLV, headers=True)
    assert got["asset_id"].tolist() == [0, 1] and got.skipped == 4 and got.report.messages == 6
    assert got.headers["sequence"].tolist() == [0, 1]
    none = decode(kernel, QUOTE * 3, TradeTLV)
    assert len(none) == 0 and none.skipped == 3


@kernels
def test_a_small_message_behind_full_columns_is_still_looked_at(kernel: str) -> None:
    got = decode(kernel, trades(1)[0] + message(1), TradeTLV)
    assert len(got) == 1 and got.skipped == 1
    got = decode(kernel, message(1), TradeTLV)
    assert len(got) == 0 and got.skipped == 1


@kernels
def test_of_several_tlvs_the_first_counts_and_the_others_are_counted(kernel: str) -> None:
    many = message(1, (TLVType.TRACE_CONTEXT, bytes(32)), trade(5), (210, b"?"), trade(6), trade(7))
    got = decode(kernel, trades(1)[0] + many + trades(4)[3], TradeTLV)
    assert got["asset_id"].tolist() == [0, 5, 3] and got.repeated == 2 and got.skipped == 0


@kernels
def test_a_tlv_in_an_extended_frame_counts_as_well(kernel: str) -> None:
    raw = bytes(trade(9))
    body = b"\xff\x00\x01" + len(raw).to_bytes(2, "little") + raw
    head = message(1)[:24] + len(body).to_bytes(4, "little") + bytes(4)
    wide = patched(head + body, 8, b"\x05")
    data = wide * 6 + trades(1)[0] + wide
    assert decode(kernel, data, TradeTLV)["asset_id"].tolist() == [9] * 6 + [0, 9]


@kernels
@pytest.mark.parametrize("count", [1, 3, 4, 250])
@pytest.mark.parametrize("where", ["first", "second", "middle", "last"])
def test_a_damaged_message_costs_only_itself(kernel: str, count: int, where: str) -> None:
    bad = {"first": 0, "second": min(1, count - 1), "middle": count // 2, "last": count - 1}[where]
    messages = trades(count)
    messages[bad] = damaged(messages[bad], 40)
    got = decode(kernel, b"".join(messages), TradeTLV, on_error="collect", headers=True)
    assert got["asset_id"].tolist() == [number for number in range(count) if number != bad]
    assert got.headers["sequence"].tolist() == got["asset_id"].tolist()
    (error,) = got.errors
    assert (error.index, error.offset, error.lost) == (bad, bad * SIZE, SIZE)
    assert isinstance(error.error, ChecksumMismatch) and got.report.messages == count


@kernels
def test_an_error_is_raised_unless_collected(kernel: str) -> None:
    messages = trades(5)
    messages[3] = damaged(messages[3], 70)
    with pytest.raises(BatchError) as caught:
        decode(kernel, b"".join(messages), TradeTLV)
    assert (caught.value.index, caught.value.offset) == (3, 3 * SIZE)
    assert isinstance(caught.value.__cause__, ChecksumMismatch) and caught.value.__cause__ is caught.value.error
    assert "message 3 of the batch, at byte 222" in str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)) == caught.value
    assert len(decode(kernel, b"".join(messages), TradeTLV, checksum=False)) == 5


@kernels
@pytest.mark.parametrize(
    ("offset", "new", "kind"),
    [
        (4, b"\x09", InvalidRelayDomain), (5, b"\x02", UnsupportedVersion), (6, b"\x63", UnknownSource),
        (33, b"\x29", TruncatedTLV), (33, b"\x27", PayloadSizeMismatch), (32, b"\x02", PayloadSizeMismatch),
        (32, b"\xff", InvalidExtendedTLV),
    ],
)  # fmt: skip
@pytest.mark.parametrize("bad", [0, 2, 5])
def test_every_kind_of_error_is_that_of_the_checks(
    kernel: str, offset: int, new: bytes, kind: type[Exception], bad: int
) -> None:
    messages = trades(6)
    messages[bad] = patched(messages[bad], offset, new)
    got = decode(kernel, b"".join(messages), TradeTLV, on_error="collect")
    (error,) = got.errors
    assert isinstance(error.error, kind) and error.offset == bad * SIZE and error.lost == SIZE
    with pytest.raises(kind) as caught:
        parse_message(messages[bad])
    assert caught.value == error.error and len(got) == 5


@kernels
def test_counts_of_vectors_are_checked(kernel: str) -> None:
    book = OrderBookTLV(timestamp_ns=1, sequence=2, asset_id=3, venue_id=4, asset_type=5, bids=[(10, 1, 0)] * 50)
    messages = [message(number, book) for number in range(12)]
    assert len(messages[0]) == 2493
    messages[4] = patched(messages[4], 37 + 40, b"\x33")
    messages[11] = patched(messages[11], 37 + 1248, b"\x33")
    got = decode(kernel, b"".join(messages), OrderBookTLV, on_error="collect")
    assert [error.index for error in got.errors] == [4, 11] and len(got) == 10
    assert all(isinstance(error.error, InvalidPayload) for error in got.errors)
    assert got["bids"]["count"].tolist() == [50] * 10 and got["bids"]["items"]["price"][3, 49] == 10


@kernels
def test_lost_framing_goes_on_at_the_next_magic(kernel: str) -> None:
    messages = trades(4)
    data = b"noise" + messages[0] + b"\xef\xbe\xad" * 9 + messages[1] + messages[2][:50] + messages[3]
    got = decode(kernel, data, TradeTLV, on_error="collect")
    assert got["asset_id"].tolist() == [0, 1, 3]
    assert [(error.index, error.offset, error.lost) for error in got.errors] == [
        (0, 0, 5), (2, 79, 27), (4, 180, 50),
    ]  # fmt: skip
    assert [type(error.error) for error in got.errors] == [InvalidMagic, InvalidMagic, ChecksumMismatch]
    assert got.consumed == len(data)


@kernels
def test_a_damaged_size_does_not_swallow_the_messages_behind_it(kernel: str) -> None:
    messages = trades(300)
    for bad, size in ((7, 10_000), (100, 2**32 - 1), (200, 0)):
        messages[bad] = messages[bad][:24] + size.to_bytes(4, "little") + messages[bad][28:]
    got = decode(kernel, b"".join(messages), TradeTLV, on_error="collect")
    assert [error.index for error in got.errors] == [7, 100, 200]
    assert [type(error.error) for error in got.errors] == [ChecksumMismatch, MessageTooLarge, ChecksumMismatch]
    assert [error.lost for error in got.errors] == [SIZE] * 3 and len(got) == 297


@kernels
def test_a_right_checksum_is_believed_although_noise_follows(kernel: str) -> None:
    # Inside of the refused message lies another one; it is not mistaken for a message of the batch.
    outer = patched(message(1, (210, trades(1)[0])), 6, b"\x63")
    got = decode(kernel, outer + b"noise" + trades(2)[1], TradeTLV, on_error="collect")
    assert got["asset_id"].tolist() == [1]
    assert [(type(error.error), error.lost) for error in got.errors] == [(UnknownSource, 108), (InvalidMagic, 5)]


@kernels
@pytest.mark.parametrize("cut", [1, 3, 4, 5, 31, 32, 33, 40, 73])
def test_a_truncated_tail(kernel: str, cut: int) -> None:
    data = b"".join(trades(5)) + trades(6)[5][:cut]
    with pytest.raises(BatchError) as caught:
        decode(kernel, data, TradeTLV)
    assert isinstance(caught.value.error, MessageTooSmall) and caught.value.index == 5
    got = decode(kernel, data, TradeTLV, on_error="collect")
    assert len(got) == 5 and [error.lost for error in got.errors] == [cut]
    got = decode(kernel, data, TradeTLV, allow_partial=True)
    assert len(got) == 5 and got.errors == () and got.consumed == 5 * SIZE and got.report.messages == 5


@kernels
def test_a_stream_can_be_decoded_in_pieces_of_any_size(kernel: str) -> None:
    data = b"".join(trades(30)) + QUOTE + b"junk" + trades(40)[39]
    for piece in (1, 7, 33, 74, 100, 1000):
        rest, found, errors = b"", [], 0
        for at in range(0, len(data), piece):
            rest += data[at : at + piece]
            got = decode(kernel, rest, TradeTLV, allow_partial=True, on_error="collect")
            found += got["asset_id"].tolist()
            errors += len(got.errors)
            rest = rest[got.consumed :]
        assert found == [*range(30), 39] and rest == b"" and errors >= 1


@kernels
def test_more_errors_than_are_kept_at_once(kernel: str) -> None:
    messages = [damaged(each, 60) if number % 3 else each for number, each in enumerate(trades(2000))]
    got = decode(kernel, b"".join(messages), TradeTLV, on_error="collect")
    assert [error.index for error in got.errors] == [number for number in range(2000) if number % 3]
    assert got["asset_id"].tolist() == list(range(0, 2000, 3))


@kernels
def test_a_limit_on_the_size(kernel: str) -> None:
    data = b"".join(trades(3))
    assert len(decode(kernel, data, TradeTLV, limit=SIZE)) == 3
    for limit in (SIZE - 1, 31, 0):
        got = decode(kernel, data, TradeTLV, limit=limit, on_error="collect")
        assert len(got) == 0 and [type(error.error) for error in got.errors] == [MessageTooLarge] * 3


@kernels
def test_classes_that_are_not_registered(kernel: str) -> None:
    good = [message(number, (250, bytes([number]))) for number in range(5)]
    longer, shorter = message(5, (250, b"\x05more")), message(6, (250, b""))
    got = decode(kernel, b"".join([*good, longer, shorter]), Small, on_error="collect")
    assert got["value"].tolist() == [0, 1, 2, 3, 4, 5]
    (error,) = got.errors
    assert isinstance(error.error, PayloadSizeMismatch) and error.index == 6
    with pytest.raises(PayloadSizeMismatch) as caught:
        parse_message(shorter).get(Small)
    assert caught.value == error.error
    sided = bytes(Sided(levels=[(1, 2, 3)], value=9))
    wrong = b"\x04" + sided[1:]
    got = decode(kernel, b"".join(message(0, (251, each)) for each in (sided, sided, wrong, sided)), Sided,
                 on_error="collect")  # fmt: skip
    assert got["value"].tolist() == [9] * 3
    assert [(error.index, type(error.error)) for error in got.errors] == [(2, InvalidPayload)]


@kernels
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, np.array, "uint64", "mmap"])
def test_any_contiguous_buffer(kernel: str, kind: Any, tmp_path: Path) -> None:
    data = b"".join(trades(8))
    if kind == "mmap":
        path = tmp_path / "capture"
        path.write_bytes(data)
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            assert decode(kernel, mapped, TradeTLV)["asset_id"].tolist() == list(range(8))
        return
    made = np.frombuffer(data, np.uint64) if kind == "uint64" else kind(data)
    assert decode(kernel, made, TradeTLV)["asset_id"].tolist() == list(range(8))


@kernels
def test_a_buffer_with_gaps_is_refused(kernel: str) -> None:
    data = b"".join(trades(8))
    with pytest.raises(BufferError):
        decode(kernel, memoryview(data)[::2], TradeTLV)
    with pytest.raises(TypeError):
        decode(kernel, "text", TradeTLV)


@kernels
def test_filling_an_earlier_result_again(kernel: str) -> None:
    first, second = b"".join(trades(6)), b"".join(trades(12)[6:])
    rows = decode(kernel, first, TradeTLV)
    again = decode(kernel, second, TradeTLV, out=rows)
    assert np.shares_memory(rows, again) and again["asset_id"].tolist() == [6, 7, 8, 9, 10, 11]
    columns = decode(kernel, first, TradeTLV, form="columns")
    again = decode(kernel, second, TradeTLV, form="columns", out=columns)
    assert np.shares_memory(columns["side"], again["side"]) and columns["asset_id"].tolist() == [6, 7, 8, 9, 10, 11]
    with pytest.raises(FieldRange):
        decode(kernel, first, TradeTLV, out=rows[:5])
    with pytest.raises(TypeError, match="contiguous"):
        decode(kernel, first, TradeTLV, out=np.zeros(6, "<i8"))
    with pytest.raises(TypeError, match="no column price"):
        decode(kernel, first, TradeTLV, form="columns", out={"asset_id": columns["asset_id"]})


@kernels
def test_the_report_belongs_to_the_whole_batch(kernel: str) -> None:
    got = decode(kernel, b"".join(trades(5)), TradeTLV, headers=True)
    assert (
        type(got["price"]) is np.ndarray and type(got[1:3]) is np.ndarray and type(got[got["side"] == 1]) is np.ndarray
    )
    assert np.sort(got, order="price")["price"].tolist() == [-4, -3, -2, -1, 0]
    other: Any = np.sort(got, order="price")
    assert other.headers is None
    with pytest.raises(AttributeError, match="only the batch"):
        other.errors.count(0)
    back = pickle.loads(pickle.dumps(got))
    assert back.report == got.report and (back == got).all() and (back.headers == got.headers).all()


def test_what_cannot_be_a_batch() -> None:
    with pytest.raises(TypeError, match="no fixed size"):
        batch.decode_batch(b"", SnapshotTLV)
    with pytest.raises(TypeError, match="one TLV class"):
        batch.decode_batch(b"", OrderLevel)
    with pytest.raises(ValueError, match="no form"):
        batch.decode_batch(b"", TradeTLV, form="pandas")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="no field 'prize'"):
        batch.decode_batch(b"", TradeTLV, fields=["prize"])
    with pytest.raises(ValueError, match="twice"):
        batch.decode_batch(b"", TradeTLV, fields=["price", "price"])
    with pytest.raises(ValueError, match="not there in every message"):
        batch.decode_batch(b"", OrderBookTLV, fields=["bids[0].price"])


def test_without_numpy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(ImportError, match=r"alphapulse-types\[numpy\]"):
        batch.decode_batch(b"", TradeTLV)
    with pytest.raises(ImportError, match=r"alphapulse-types\[numpy\]"):
        batch.encode_batch(TradeTLV, {}, relay_domain=1, source=1, sequence=0)


def test_without_pyarrow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"alphapulse-types\[arrow\]"):
        batch.decode_batch(b"", TradeTLV, form="arrow")


@kernels
def test_no_blocks_are_kept_for_a_message(kernel: str) -> None:
    counts = {}
    for messages in (1_000, 50_000):
        data = b"".join(trades(1_000)) * (messages // 1_000)
        for _ in range(2):
            before = sys.getallocatedblocks()
            kept = decode(kernel, data, TradeTLV, form="columns")
            counts[messages] = sys.getallocatedblocks() - before
            assert kept.rows == messages
            del kept
    assert counts[50_000] <= counts[1_000] + 50


@needs_compiled
def test_other_threads_run_while_a_batch_is_decoded() -> None:
    """A thread that counts goes on counting during one call of the compiled kernel."""
    data = b"".join(trades(1_000)) * 2_000
    switch = sys.getswitchinterval()
    count, stop = 0, False

    def counting() -> None:
        nonlocal count
        while not stop:
            count += 1
            time.sleep(0)  # gives the lock back at once

    with using("c"):
        out = batch.decode_batch(data, TradeTLV)
        sys.setswitchinterval(60)  # from now on, a thread runs only when another one gives the lock away
        thread = threading.Thread(target=counting)
        try:
            thread.start()
            before = count
            batch.decode_batch(data, TradeTLV, out=out)
            counted = count - before
        finally:
            stop = True
            sys.setswitchinterval(switch)
            thread.join()
    assert counted > 1


def test_a_class_declared_later_is_known() -> None:
    health = SystemHealthTLV(
        timestamp_ns=1, connection_count=2, message_rate_per_sec=3, error_rate_per_thousand=4, latency_p95_us=5,
        service_type=6, health_status=0, cpu_usage_pct=7, memory_usage_pct=8,
    )  # fmt: skip
    assert batch.decode_batch(message(1, health), SystemHealthTLV)["cpu_usage_pct"].tolist() == [7]
