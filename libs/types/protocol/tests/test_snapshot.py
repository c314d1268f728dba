"""Snapshots: the text and the TLV, both compressions, every check of the reader, and that no bytes crash it."""

import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.types.protocol import (
    FieldRange,
    InvalidPayload,
    LocalProtocolError,
    MessageBuilder,
    ParseError,
    PayloadTooLarge,
    ProtocolError,
    RelayDomain,
    SnapshotTLV,
    SourceType,
    parse_message,
)
from libs.types.protocol.snapshot import MAX_SNAPSHOT_AGE_NS, SnapshotCompression, read_snapshot, write_snapshot
from libs.types.protocol.snapshot_state import (
    ActiveInstrument,
    BufferedMessage,
    Snapshot,
    SystemState,
    read_state,
    write_state,
)

NOW = 1_700_000_000_000_000_000
SNAPSHOT = Snapshot(
    RelayDomain.SIGNAL,
    sequence=77,
    timestamp=NOW,
    consumer_sequences={3: 76, 2**64 - 1: 0},
    message_buffer=(BufferedMessage(76, NOW - 5, b"\x00\xff"), BufferedMessage(77, NOW, b"")),
    active_instruments={11: ActiveInstrument(11, "AAPL", -5, NOW)},
    system_state=SystemState(uptime_ns=1, message_count=2, error_count=3, last_heartbeat=4),
)
TEXT = (
    b'{"version":1,"relay_domain":2,"sequence":77,"timestamp":1700000000000000000,"state":{'
    b'"consumer_sequences":{"3":76,"18446744073709551615":0},'
    b'"message_buffer":[{"sequence":76,"timestamp":1699999999999999995,"data":[0,255]},'
    b'{"sequence":77,"timestamp":1700000000000000000,"data":[]}],'
    b'"active_instruments":{"11":{"instrument_id":11,"symbol":"AAPL","last_price":-5,'
    b'"last_update":1700000000000000000}},'
    b'"system_state":{"uptime_ns":1,"message_count":2,"error_count":3,"last_heartbeat":4}}}'
)
COMPRESSIONS = [SnapshotCompression.NONE, SnapshotCompression.ZLIB]


def tlv(text: bytes, compression: int = 0, data: bytes | None = None, **changes: int) -> SnapshotTLV:
    values: dict[str, Any] = {
        "sequence": 77, "timestamp": NOW, "snapshot_id": 9, "checksum": zlib.crc32(text),
        "uncompressed_size": len(text), "compression_type": compression,
        "data": data if data is not None else zlib.compress(text) if compression == 1 else text,
    }  # fmt: skip
    return SnapshotTLV(**{**values, **changes})


def test_the_text() -> None:
    assert write_state(SNAPSHOT) == TEXT
    assert read_state(TEXT) == SNAPSHOT
    assert read_state(json.dumps(json.loads(TEXT), indent=2).encode()) == SNAPSHOT


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_there_and_back_in_a_message(compression: SnapshotCompression) -> None:
    made = write_snapshot(SNAPSHOT, snapshot_id=9, compression=compression)
    assert (made.sequence, made.timestamp, made.snapshot_id) == (77, NOW, 9)
    assert (made.uncompressed_size, made.checksum) == (len(TEXT), zlib.crc32(TEXT))
    assert made.compression_type == compression and (made.data == TEXT) == (compression == 0)
    builder = MessageBuilder(relay_domain=RelayDomain.SIGNAL, source=SourceType.SIGNAL_RELAY, sequence=1, timestamp=NOW)
    found = parse_message(builder.add(made).build()).get(SnapshotTLV)
    assert found is not None and read_snapshot(found, now=NOW + 5) == SNAPSHOT


@pytest.mark.parametrize("compression", [SnapshotCompression.LZ4, SnapshotCompression.ZSTD])
def test_lz4_and_zstd_are_refused(compression: SnapshotCompression) -> None:
    with pytest.raises(FieldRange, match="compression_type") as caught:
        write_snapshot(SNAPSHOT, snapshot_id=1, compression=compression)
    assert "not implemented" in caught.value.__notes__[0]
    with pytest.raises(InvalidPayload, match=f"{compression.name.lower()}\\) cannot be read here") as refused:
        read_snapshot(tlv(TEXT, compression), now=NOW)
    assert refused.value.offset == 30


@pytest.mark.parametrize(
    ("made", "offset", "text"),
    [
        (tlv(TEXT, checksum=5), 20, "checksum is 0x00000005"),
        (tlv(TEXT, 1, checksum=5), 20, "checksum is 0x00000005"),
        (tlv(TEXT, uncompressed_size=len(TEXT) + 1), 24, f"announced, the data has {len(TEXT)}"),
        (tlv(TEXT, uncompressed_size=len(TEXT) - 1), 24, f"announced, the data has {len(TEXT)}"),
        (tlv(TEXT, 1, uncompressed_size=len(TEXT) + 1), 24, f"announced, the data has at least {len(TEXT)}"),
        (tlv(TEXT, 1, uncompressed_size=len(TEXT) - 1), 24, f"announced, the data has at least {len(TEXT)}"),
        (tlv(TEXT, 1, uncompressed_size=0), 24, "0 bytes announced"),
        (tlv(TEXT, uncompressed_size=2**32 - 1), 24, "at most 4194304 are read"),
        (tlv(TEXT, 1, zlib.compress(TEXT) + b"x"), 32, "1 bytes follow"),
        (tlv(TEXT, 1, zlib.compress(TEXT)[:-1]), 32, "breaks off"),
        (tlv(TEXT, 1, zlib.compress(TEXT)[:-1] + b"x"), 32, "zlib cannot read"),
        (tlv(TEXT, 1, b""), 32, "breaks off after 0 bytes"),
        (tlv(TEXT, 1, TEXT), 32, "zlib cannot read"),
        (tlv(TEXT, 7), 30, "compression 7 (unknown)"),
        (tlv(TEXT, tlv_type=100), 28, "type 100"),
        (tlv(TEXT, tlv_length=31), 28, "length 31"),
        (tlv(TEXT, sequence=76), 0, "sequence is 76 in the header and 77 in the data"),
        (tlv(TEXT, timestamp=NOW - 1), 8, "timestamp is"),
        (tlv(TEXT, timestamp=NOW - MAX_SNAPSHOT_AGE_NS), 8, "good for"),
        (tlv(TEXT, timestamp=NOW + MAX_SNAPSHOT_AGE_NS), 8, "good for"),
    ],
)
def test_what_contradicts_itself_is_refused(made: SnapshotTLV, offset: int, text: str) -> None:
    with pytest.raises(InvalidPayload) as caught:
        read_snapshot(made, now=NOW)
    error = caught.value
    assert (error.tlv_type, error.offset, error.buffer_size) == (101, offset, 32 + len(made.data))
    assert text in error.validation_error


def test_the_age_is_below_an_hour() -> None:
    made = write_snapshot(SNAPSHOT, snapshot_id=1)
    assert read_snapshot(made, now=NOW + MAX_SNAPSHOT_AGE_NS - 1) == SNAPSHOT
    with pytest.raises(InvalidPayload):
        read_snapshot(made, now=NOW + MAX_SNAPSHOT_AGE_NS)
    assert read_snapshot(made, now=NOW + MAX_SNAPSHOT_AGE_NS, max_age_ns=MAX_SNAPSHOT_AGE_NS + 1) == SNAPSHOT


def test_a_bomb_is_not_inflated_beyond_what_it_announces(monkeypatch: pytest.MonkeyPatch) -> None:
    import libs.types.protocol.snapshot as module

    inflated = []

    class Spy:
        def __init__(self) -> None:
            self.inner = zlib.decompressobj()

        def decompress(self, data: bytes, most: int) -> bytes:
            out = self.inner.decompress(data, most)
            inflated.append(len(out))
            return out

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

    class FakeZlib:
        error, crc32, decompressobj = zlib.error, staticmethod(zlib.crc32), Spy

    monkeypatch.setattr(module, "zlib", FakeZlib)
    bomb = zlib.compress(bytes(50_000_000), 9)
    with pytest.raises(InvalidPayload, match="1000 bytes announced"):
        read_snapshot(tlv(b"", 1, bomb, uncompressed_size=1000), now=NOW)
    assert sum(inflated) == 1001
    with pytest.raises(InvalidPayload, match="at most 999"):
        read_snapshot(tlv(b"", 1, bomb, uncompressed_size=1000), now=NOW, limit=999)
    assert sum(inflated) == 1001


def changed(path: str, value: Any) -> bytes:
    document = json.loads(TEXT)
    *before, last = path.split("/")
    place = document
    for key in before:
        place = place[int(key) if isinstance(place, list) else key]
    if value is KeyError:
        del place[last]
    else:
        place[last] = value
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("version", 2, "version is 2, only 1 is known"),
        ("version", KeyError, "version is None"),
        ("version", True, "version must be an integer"),
        ("relay_domain", 9, "relay_domain is 9"),
        ("relay_domain", "Signal", "relay_domain must be an integer"),
        ("sequence", -1, "sequence must be an integer from 0 to 18446744073709551615"),
        ("sequence", 2**64, "sequence must be"),
        ("timestamp", 1.0, "timestamp must be"),
        ("more", 1, "the data must be an object with exactly version, "),
        ("state", [], "state must be an object with exactly consumer_sequences, "),
        ("state/system_state/uptime_ns", None, "state.system_state.uptime_ns must be"),
        ("state/system_state", {}, "state.system_state must be an object with exactly uptime_ns, "),
        ("state/consumer_sequences", [], "state.consumer_sequences must be an object"),
        ("state/consumer_sequences/03", 1, "state.consumer_sequences has the key '03'"),
        ("state/consumer_sequences/-3", 1, "no number"),
        ("state/consumer_sequences/\u0663", 1, "no number"),
        ("state/consumer_sequences/18446744073709551616", 1, "no number"),
        ("state/consumer_sequences/3", "1", "state.consumer_sequences.3 must be an integer"),
        ("state/message_buffer", {}, "state.message_buffer must be a list"),
        ("state/message_buffer/0/data", [256], "state.message_buffer[0].data must be a list of bytes"),
        ("state/message_buffer/1/data", "00", "state.message_buffer[1].data"),
        ("state/message_buffer/0/data", [True], "state.message_buffer[0].data"),
        ("state/active_instruments/11/symbol", 5, "state.active_instruments.11.symbol must be printable"),
        ("state/active_instruments/11/symbol", "\ud800", "must be printable"),
        ("state/active_instruments/11/last_price", 2**63, "state.active_instruments.11.last_price"),
    ],
)
def test_wrong_values_are_named_by_their_path(path: str, value: Any, text: str) -> None:
    with pytest.raises(ParseError) as caught:
        read_state(changed(path, value))
    assert text in caught.value.description and caught.value.context == "snapshot data"


@pytest.mark.parametrize(
    ("text", "offset", "description"),
    [
        (b"", 0, "not JSON"),
        (TEXT[:-1], len(TEXT) - 1, "not JSON"),
        ('{"\u00e9": !}'.encode(), 7, "not JSON"),
        (b'{"a": "\xff"}', 7, "not UTF-8"),
        (b"[" * 100_000, 0, "not JSON that can be read"),
        (b"1" * 5000, 0, "not JSON that can be read"),
        (b'{"a": NaN}', 0, "NaN is no number"),
        (b'{"a": 1, "a": 1}', 0, "a key appears twice"),
        (b"null", 0, "the data must be an object"),
    ],
)
def test_texts_that_are_none(text: bytes, offset: int, description: str) -> None:
    with pytest.raises(ParseError) as caught:
        read_state(text)
    assert (caught.value.offset, caught.value.buffer_size) == (offset, len(text))
    assert description in caught.value.description


@pytest.mark.parametrize(
    "changes",
    [{"sequence": -1}, {"timestamp": 2**64}, {"consumer_sequences": {-1: 1}}, {"relay_domain": 9},
     {"active_instruments": {1: ActiveInstrument(1, "\n", 1, 1)}}],
)  # fmt: skip
def test_a_writer_refuses_what_a_reader_would(changes: dict[str, Any]) -> None:
    values: dict[str, Any] = {"relay_domain": RelayDomain.SIGNAL, "sequence": 1, "timestamp": 2}
    with pytest.raises(LocalProtocolError, match="a reader would refuse"):
        write_snapshot(Snapshot(**{**values, **changes}), snapshot_id=1)


def test_what_does_not_fit_a_tlv_is_refused() -> None:
    large = Snapshot(RelayDomain.SIGNAL, 1, NOW, message_buffer=(BufferedMessage(1, 1, bytes(40_000)),))
    with pytest.raises(PayloadTooLarge):
        write_snapshot(large, snapshot_id=1)
    made = write_snapshot(large, snapshot_id=1, compression=SnapshotCompression.ZLIB)
    assert read_snapshot(made, now=NOW) == large
    with pytest.raises(PayloadTooLarge):
        write_snapshot(
            Snapshot(RelayDomain.SIGNAL, 1, NOW, message_buffer=(BufferedMessage(1, 1, bytes(3_000_000)),)),
            snapshot_id=1,
            compression=SnapshotCompression.ZLIB,
        )


U64 = st.integers(0, 2**64 - 1)
SNAPSHOTS = st.builds(
    Snapshot,
    st.sampled_from(RelayDomain),
    U64,
    st.integers(NOW - MAX_SNAPSHOT_AGE_NS + 1, NOW + MAX_SNAPSHOT_AGE_NS - 1),
    st.dictionaries(U64, U64, max_size=5),
    st.lists(st.builds(BufferedMessage, U64, U64, st.binary(max_size=50)), max_size=5).map(tuple),
    st.dictionaries(
        U64,
        st.builds(
            ActiveInstrument, U64, st.text(max_size=9).filter(str.isprintable), st.integers(-(2**63), 2**63 - 1), U64
        ),
        max_size=3,
    ),
    st.builds(SystemState, U64, U64, U64, U64),
)


@given(SNAPSHOTS, st.sampled_from(COMPRESSIONS))
def test_every_snapshot_comes_back(snapshot: Snapshot, compression: SnapshotCompression) -> None:
    assert read_snapshot(write_snapshot(snapshot, snapshot_id=1, compression=compression), now=NOW) == snapshot


def either(read: Callable[[], Snapshot]) -> None:
    try:
        assert isinstance(read(), Snapshot)
    except ProtocolError as error:
        assert str(error)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.binary(max_size=200)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.tuples(st.sampled_from(["state", "sequence", "state/message_buffer", "state/system_state",
                                 "state/consumer_sequences", "state/active_instruments/11"]), JSON)
    .map(lambda pair: changed(*pair)),
    st.integers(0, 4),
    st.sampled_from([None, 0, 2**32 - 1]),
)  # fmt: skip
@settings(max_examples=400)
def test_any_data_gives_a_snapshot_or_an_error(text: bytes, compression: int, size: int | None) -> None:
    made = tlv(text, compression, uncompressed_size=len(text) if size is None else size)
    either(lambda: read_snapshot(made, now=NOW))


@given(st.binary(max_size=120), st.sampled_from(COMPRESSIONS), st.integers(0), st.binary(max_size=8))
@settings(max_examples=400)
def test_any_bytes_give_a_snapshot_or_an_error(
    raw: bytes, compression: SnapshotCompression, place: int, patch: bytes
) -> None:
    either(lambda: read_snapshot(SnapshotTLV.from_buffer(raw), now=NOW))
    whole = bytearray(bytes(write_snapshot(SNAPSHOT, snapshot_id=1, compression=compression)))
    at = place % len(whole)
    whole[at : at + len(patch)] = patch
    either(lambda: read_snapshot(SnapshotTLV.from_buffer(whole), now=NOW))
