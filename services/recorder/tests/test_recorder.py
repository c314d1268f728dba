"""The recorder: every message comes back byte by byte, once; where it went, and what the rows say."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.types.protocol import (
    TLV,
    U8,
    ArbitrageSignalTLV,
    EconomicsTLV,
    HeartbeatTLV,
    InstrumentId,
    MessageBuilder,
    OrderBookTLV,
    PoolSwapTLV,
    QuoteTLV,
    SignalIdentityTLV,
    SnapshotTLV,
    SourceType,
    StateInvalidationTLV,
    TradeTLV,
    VenueId,
    message_checksum,
)
from services.recorder import app, files
from services.recorder.app import Config, Part, Reason, Recorder, decoded_classes
from services.recorder.rebuild import messages_of

pa = pytest.importorskip("pyarrow", reason="the recorder needs pyarrow")
import pyarrow.parquet as pq  # noqa: E402

DAY = 86_400 * 10**9
KRAKEN = InstrumentId.coin(VenueId.KRAKEN, "BTCUSD")
TRADE = TradeTLV.of(KRAKEN, price=1, volume=2, timestamp_ns=3, side=1)
BOOK = OrderBookTLV.of(KRAKEN, timestamp_ns=1, sequence=2, bids=[(5, 6, 7), (4, 1, 0)], asks=[(6, 1, 0)])
IDENTITY = SignalIdentityTLV(signal_id=1, strategy_id=2, confidence=3, strategy_version=4, chain_id=5)
ECONOMICS = EconomicsTLV(expected_profit=-1, required_capital=2, gas_cost=3, confidence_bps=4, impact_bps=5, urgency=6)


def message(
    *tlvs: TLV, sequence: int = 1, time: int = 0, source: int = 2, domain: int = 1, signed: bool = True, flags: int = 0
) -> bytes:
    builder = MessageBuilder(relay_domain=domain, source=source, sequence=sequence, timestamp=time, flags=flags)
    for tlv in tlvs:
        builder.add(tlv)
    return builder.build(signed=signed)


def record(*data: bytes, **options: Any) -> tuple[Recorder, list[Part]]:
    recorder = Recorder(run=7, **options)
    for number, each in enumerate(data):
        recorder.add(each, 1000 + number)
    return recorder, recorder.take()


def by_table(parts: Iterable[Part]) -> dict[str, list[Any]]:
    tables: dict[str, list[Any]] = {}
    for part in parts:
        tables.setdefault(part.table, []).append(part.rows)
    return tables


def test_a_row_says_what_the_message_said() -> None:
    _, (part,) = record(message(TRADE, sequence=9, time=DAY + 5, flags=0x84))
    assert (part.table, part.date, part.venue) == ("trade", "1970-01-02", "KRAKEN")
    (row,) = part.rows.to_pylist()
    assert row.pop("msg_checksum") != 0
    assert row == {
        "run": 7,
        "arrival": 1,
        "received_ns": 1000,
        "msg_domain": 1,
        "msg_source": 2,
        "msg_flags": 0x84,
        "msg_sequence": 9,
        "msg_timestamp_ns": DAY + 5,
        "tlv_index": 0,
        "asset_id": KRAKEN.asset_id,
        "price": 1,
        "volume": 2,
        "timestamp_ns": 3,
        "venue_id": 101,
        "asset_type": 51,
        "reserved": 0,
        "side": 1,
    }


def test_a_table_for_each_type_split_by_day_and_venue() -> None:
    binance = TradeTLV.of(InstrumentId.coin(VenueId.BINANCE, "BTCUSD"), price=1, volume=2, timestamp_ns=3, side=1)
    unnamed = TradeTLV.of(InstrumentId.coin(7777, "BTCUSD"), price=1, volume=2, timestamp_ns=3, side=1)
    _, parts = record(
        message(TRADE, sequence=1),
        message(binance, sequence=2),
        message(BOOK, sequence=3),
        message(TRADE, sequence=4, time=DAY),
        message(TRADE, sequence=5),
        message(unnamed, sequence=6),
        message(IDENTITY, ECONOMICS, sequence=7),
        message(IDENTITY, sequence=8, time=2**64 - 1),
    )
    found = {(part.table, part.date, part.venue): part.rows.column("msg_sequence").to_pylist() for part in parts}
    assert found == {
        ("trade", "1970-01-01", "KRAKEN"): [1, 5],
        ("trade", "1970-01-01", "BINANCE"): [2],
        ("trade", "1970-01-01", "7777"): [6],
        ("trade", "1970-01-02", "KRAKEN"): [4],
        ("order_book", "1970-01-01", "KRAKEN"): [3],
        ("signal_identity", "1970-01-01", "none"): [7],
        ("economics", "1970-01-01", "none"): [7],
        ("signal_identity", "2554-07-21", "none"): [8],
    }


def test_the_venue_of_other_types() -> None:
    swap = PoolSwapTLV.from_buffer(bytes(PoolSwapTLV.SIZE)).replace(venue=400, amount_in=2**100)
    arbitrage = ArbitrageSignalTLV.from_buffer(bytes(ArbitrageSignalTLV.SIZE)).replace(source_venue=300)
    gone = StateInvalidationTLV(sequence=1, timestamp_ns=2, instruments=[KRAKEN], venue=101, reason=0)
    data = [message(tlv, sequence=number) for number, tlv in enumerate((swap, arbitrage, gone))]
    _, parts = record(*data)
    assert {(part.table, part.venue) for part in parts} == {
        ("pool_swap", "QUICKSWAP"),
        ("arbitrage_signal", "UNISWAP_V2"),
        ("state_invalidation", "KRAKEN"),
    }
    assert "venue_id" in parts[0].rows.column_names and "venue" not in parts[0].rows.column_names
    assert messages_of(by_table(parts)) == data


def test_each_number_of_a_sender_is_recorded_once() -> None:
    first, second = message(TRADE, sequence=1), message(TRADE, sequence=2)
    other = [message(TRADE, sequence=1, source=3), message(TRADE, sequence=1, domain=2)]
    recorder, parts = record(first, second, first, *other, second)
    assert recorder.counts.duplicates == 2
    assert messages_of(by_table(parts)) == [first, second, *other]
    recorder.add(first, 1)
    assert recorder.take() == [] and recorder.counts.duplicates == 3
    assert recorder.missing(1, 2) == recorder.missing(4, 20) == []
    recorder.add(message(TRADE, sequence=5), 1)
    assert recorder.missing(1, 2) == [(3, 4)]


def test_a_sender_that_starts_again_loses_nothing() -> None:
    data = [message(TRADE, sequence=1), message(BOOK, sequence=1)]
    recorder, parts = record(*data)
    assert messages_of(by_table(parts)) == data
    assert {part.table: part.rows.num_rows for part in parts} == {"trade": 1, "messages": 1}
    assert by_table(parts)["messages"][0].column("reason").to_pylist() == [Reason.CONFLICT]
    assert recorder.counts.conflicts == 1


def extended(tlv: TLV) -> bytes:
    """A small TLV in the extended frame, which is legal and not what a builder writes."""
    data = bytearray(message(tlv))
    data[32:34] = bytes((255, 0, tlv.TYPE)) + tlv.SIZE.to_bytes(2, "little")
    data[24:28] = (len(data) - 32).to_bytes(4, "little")
    data[28:32] = message_checksum(data).to_bytes(4, "little")
    return bytes(data)


def spoiled(data: bytes, at: int, sign: bool = True) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 0x5A
    if sign:
        changed[28:32] = message_checksum(changed).to_bytes(4, "little")
    return bytes(changed)


def test_what_rows_cannot_say_is_kept_as_bytes() -> None:
    opaque = MessageBuilder(relay_domain=3, source=42, sequence=2, timestamp=0).add_raw(40, bytes(32)).build()
    snapshot = SnapshotTLV(sequence=1, timestamp=2, snapshot_id=3, checksum=4, uncompressed_size=5, data=b"{}")
    cases = {
        Reason.UNREADABLE: [b"", b"garbage", message(TRADE)[:-1], spoiled(message(TRADE), 50, sign=False)],
        Reason.UNDECODED: [
            message(),
            opaque,
            message(snapshot),
            message(TRADE, TRADE),
            extended(TRADE),
            MessageBuilder(relay_domain=1, source=2, sequence=1, timestamp=0).add(TRADE).add_raw(250, b"x").build(),
        ],
        Reason.INEXACT: [
            spoiled(message(TRADE), 32 + 2 + 38),  # padding
            spoiled(message(BOOK), 32 + 5 + 40 + 2),  # padding behind a count
            spoiled(message(BOOK), 32 + 5 + 40 + 8 + 24 * 10),  # a slot behind the end
        ],
    }
    for reason, several in cases.items():
        for data in several:
            recorder, parts = record(data)
            tables = by_table(parts)
            (row,) = tables["messages"][0].to_pylist()
            assert (row["reason"], row["data"]) == (reason, data)
            assert messages_of(tables) == [data]
            assert (len(parts) == 2) is (reason is Reason.INEXACT)
            counts = recorder.counts
            assert (counts.unreadable, counts.undecoded, counts.inexact) == tuple(
                reason is each for each in (Reason.UNREADABLE, Reason.UNDECODED, Reason.INEXACT)
            )


def test_a_damaged_message_counts_for_no_number() -> None:
    good = message(TRADE)
    recorder, parts = record(spoiled(good, 50, sign=False), good)
    assert {part.table: part.rows.num_rows for part in parts} == {"trade": 1, "messages": 1}
    row = by_table(parts)["messages"][0].to_pylist()[0]
    assert row["msg_sequence"] == 1 and row["error"].startswith("ChecksumMismatch: ")
    assert recorder.counts.conflicts == 0


def test_messages_that_were_never_signed_are_taken() -> None:
    data = message(TRADE, signed=False)
    recorder, parts = record(data)
    assert messages_of(by_table(parts)) == [data] and recorder.counts.unreadable == 0


def test_layouts_that_the_protocol_does_not_have() -> None:
    class RequestTLV(TLV, type=40, registered=False, size=32):
        """As long as the specification says."""

        first: U8

    data = message(IDENTITY, RequestTLV(first=5), domain=3)
    classes = [*decoded_classes(), RequestTLV]
    _, parts = record(data, classes=classes)
    assert {part.table for part in parts} == {"signal_identity", "request"}
    assert by_table(parts)["request"][0].column("first").to_pylist() == [5]
    assert messages_of(by_table(parts), classes) == [data]


def test_names_that_would_clash() -> None:
    class TradeTLV(TLV, type=210, registered=False):
        """Another table of trades."""

        first: U8

    class MessagesTLV(TLV, type=210, registered=False):
        """The table of what is kept as bytes."""

        first: U8

    class RunTLV(TLV, type=210, registered=False):
        """Fields with names of ours."""

        run: U8
        venue: U8
        venue_id: U8

    class OtherTLV(TLV, type=1, registered=False):
        """A second class of a type."""

        first: U8

    for cls, text in [
        (TradeTLV, "'trade' is taken by TradeTLV"),
        (MessagesTLV, "'messages' is taken by the table of raw messages"),
        (RunTLV, "the names run, venue_id are those of other columns"),
        (OtherTLV, "1 is taken by TradeTLV"),
    ]:
        with pytest.raises(ValueError, match=text):
            Recorder(run=1, classes=[*decoded_classes(), cls])


def test_damage_names_no_days() -> None:
    _, (part,) = record(spoiled(message(TRADE, time=2**63), 16, sign=False))
    assert (part.table, part.date) == ("messages", "1970-01-01")


def test_shapes_that_are_remembered_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "_MAX_SHAPES", 2)
    several: list[list[TLV]] = [[TRADE], [BOOK], [TRADE, BOOK], [BOOK, TRADE], [TRADE]]
    data = [message(*tlvs, sequence=number) for number, tlvs in enumerate(several)]
    _, parts = record(*data)
    assert messages_of(by_table(parts)) == data


def test_a_class_in_several_shapes_is_one_table() -> None:
    data = [
        message(IDENTITY, sequence=1),
        message(IDENTITY, ECONOMICS, sequence=2),
        message(ECONOMICS, IDENTITY, sequence=3),
    ]
    _, parts = record(*data)
    assert sorted((part.table, part.rows.num_rows) for part in parts) == [("economics", 2), ("signal_identity", 3)]
    assert messages_of(by_table(parts)) == data


def test_when_it_is_time() -> None:
    recorder = Recorder(Config(max_messages=3, max_bytes=400, max_age_ns=50), run=1)
    assert not recorder.due(10**9)
    recorder.add(message(TRADE, sequence=1), 100)
    recorder.add(message(TRADE, sequence=2), 140)
    assert not recorder.due(149) and recorder.due(150)
    recorder.add(message(TRADE, sequence=3), 141)
    assert recorder.due(141)
    assert len(recorder.take()) == 1 and not recorder.due(10**9)
    recorder.add(message(BOOK, sequence=4), 200)
    assert recorder.due(200)
    recorder.take()
    recorder.add(message(TRADE, sequence=4), 300)
    assert not recorder.due(349) and recorder.due(350)
    assert (recorder.counts.messages, recorder.counts.parts, recorder.counts.rows) == (5, 2, 4)


@pytest.mark.parametrize("name", ["max_messages", "max_bytes", "max_age_ns"])
def test_settings_without_sense(name: str) -> None:
    wrong: list[Any] = [0, -1, 1.5, True]
    for value in wrong:
        with pytest.raises(ValueError, match=name):
            Config(**{name: value})


def test_files_are_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, parts = record(message(TRADE, sequence=1), message(BOOK, sequence=2), b"garbage")
    written = [files.write_part(tmp_path, part, 7, number) for number, part in enumerate(parts)]
    assert [str(path.relative_to(tmp_path)) for path in written] == [
        "trade/date=1970-01-01/venue=KRAKEN/7-000000.parquet",
        "order_book/date=1970-01-01/venue=KRAKEN/7-000001.parquet",
        "messages/date=1970-01-01/venue=none/7-000002.parquet",
    ]
    for path, part in zip(written, parts, strict=True):
        assert pq.ParquetFile(path).read().equals(part.rows)
    before = written[0].read_bytes()
    assert files.write_part(tmp_path, parts[0], 7, 0).read_bytes() == before

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", fail)
    with pytest.raises(OSError, match="No space"):
        files.write_part(tmp_path, parts[0], 7, 9)
    assert sorted(tmp_path.rglob("7-*")) == sorted(written)
    left = written[0].with_name("7-000009.parquet.tmp")
    left.write_bytes(b"half")
    assert list(files.clean(tmp_path)) == [left] and not left.exists()


numbers = st.integers(0, 2**63 - 1)
tlvs = st.one_of(
    st.builds(
        TradeTLV.of, st.just(KRAKEN), price=numbers, volume=numbers, timestamp_ns=numbers, side=st.integers(0, 255)
    ),
    st.builds(
        QuoteTLV.of, st.just(KRAKEN), bid_price=numbers, bid_size=numbers, ask_price=numbers, ask_size=numbers,
        timestamp_ns=numbers,
    ),
    st.just(BOOK),
    st.just(IDENTITY),
    st.just(ECONOMICS),
    st.builds(HeartbeatTLV, timestamp_ns=numbers, service=st.integers(0, 255)),
)  # fmt: skip
built = st.builds(
    lambda several, sequence, source, time, signed: message(
        *several, sequence=sequence, source=source, time=time, signed=signed
    ),
    st.lists(tlvs, max_size=3),
    st.integers(0, 5),
    st.sampled_from([SourceType.KRAKEN_COLLECTOR, SourceType.BINANCE_COLLECTOR]),
    st.integers(0, 2**64 - 1),
    st.booleans(),
)
damage = st.tuples(built, st.integers(0, 300), st.booleans()).map(
    lambda given: spoiled(given[0], given[1] % len(given[0]), given[2])
)


@settings(deadline=None)
@given(st.lists(st.one_of(built, damage, st.binary(max_size=60)), max_size=12), st.integers(1, 5))
def test_everything_comes_back_once(sent: list[bytes], rotation: int) -> None:
    recorder = Recorder(Config(max_messages=rotation), run=7)
    tables: dict[str, list[Any]] = {}
    for now, data in enumerate(sent):
        recorder.add(memoryview(bytearray(data)), now)
        if recorder.due(now):
            for name, rows in by_table(recorder.take()).items():
                tables.setdefault(name, []).extend(rows)
    for name, rows in by_table(recorder.take()).items():
        tables.setdefault(name, []).extend(rows)
    back = messages_of(tables)
    assert len(back) == len(sent) - recorder.counts.duplicates
    kept = iter(back)
    following = next(kept, None)
    for data in sent:  # in order, and only repetitions are missing
        if data == following:
            following = next(kept, None)
        else:
            assert sent.count(data) > 1
    assert following is None


def test_classes_are_those_with_a_size() -> None:
    assert {cls.TYPE for cls in decoded_classes()} >= {1, 2, 3, 20, 22, 32, 106}
    assert SnapshotTLV not in decoded_classes()


def test_tables_without_rows_are_no_messages() -> None:
    _, (part,) = record(message(TRADE))
    assert messages_of({"trade": [part.rows.slice(0, 0)]}) == messages_of({}) == []
