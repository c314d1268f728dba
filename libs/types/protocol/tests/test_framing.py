"""FrameDecoder: every split gives the same, damage costs no good message, and no input costs quadratic time.

The golden messages are written out by hand; each of them is also what the builder makes.
"""

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.types.protocol import (
    HEADER_SIZE,
    MAX_MESSAGE_SIZE,
    ChecksumMismatch,
    ChecksumPolicy,
    FieldRange,
    HeartbeatTLV,
    InvalidMagic,
    InvalidPayload,
    LocalProtocolError,
    Message,
    MessageBuilder,
    MessageTooLarge,
    MessageTooSmall,
    OrderBookTLV,
    PayloadSizeMismatch,
    RelayDomain,
    RelayDomainMismatch,
    SourceType,
    TradeTLV,
    TruncatedTLV,
    UnknownSource,
    UnsupportedVersion,
    framing,
    message_checksum,
    parse_message,
)
from libs.types.protocol._codec import scan
from libs.types.protocol.framing import Fault, FrameDecoder, StreamEnd

MAGIC = bytes.fromhex("efbeadde")
# No TLV: Kraken collector, sequence 7.
EMPTY = bytes.fromhex("efbeadde01010200070000000000000000002a36fe9c971700000000658ad486")
# One Trade in a standard frame: Kraken collector, sequence 42.
TRADE = bytes.fromhex(
    "efbeadde010102002a00000000000000e8032a36fe9c97172a00000071378eeb"
    "0128000044535543544280d3049d1a0400004e61bc000000000005002a36fe9c97176500330000000000"
)


def build(sequence: int, *payloads: tuple[int, bytes], domain: int = RelayDomain.MARKET_DATA) -> bytes:
    builder = MessageBuilder(relay_domain=domain, source=SourceType.KRAKEN_COLLECTOR, sequence=sequence, timestamp=9)
    for number, payload in payloads:
        builder.add_raw(number, payload)
    return builder.build()


BOOK = build(
    43,
    (3, bytes(OrderBookTLV(timestamp_ns=1, sequence=2, asset_id=3, venue_id=4, asset_type=5, bids=[(9, 1, 0)]))),
    (200 + 5, b"x" * 300),
)
GOLDEN = (EMPTY, TRADE, BOOK, build(44, (250, MAGIC * 3 + MAGIC[:3])))


def patched(message: bytes, offset: int, new: bytes, *, sign: bool = True) -> bytes:
    changed = bytearray(message)
    changed[offset : offset + len(new)] = new
    if sign:
        changed[28:32] = message_checksum(changed).to_bytes(4, "little")
    return bytes(changed)


def run(chunks: Iterable[Any], **options: Any) -> tuple[list[bytes], list[Fault], tuple[int, ...], StreamEnd]:
    decoder = FrameDecoder(**options)
    found = [bytes(message) for chunk in chunks for message in decoder.feed(chunk)]
    end = decoder.close()
    found += map(bytes, end.messages)
    faults = decoder.take_faults()
    counted = decoder.statistics
    assert counted.messages == len(found)
    assert counted.bytes == sum(map(len, found)) + counted.skipped + end.unfinished
    if counted.faults <= 64:
        assert sum(fault.skipped for fault in faults) == counted.skipped
    return found, faults, tuple(counted), end


def cut(stream: bytes, places: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]


def test_the_golden_messages_are_what_the_builder_makes() -> None:
    trade = TradeTLV(asset_id=0x4254435553440000, price=4_512_350_000_000, volume=12_345_678, side=0,
                     timestamp_ns=1_700_000_000_000_000_005, venue_id=101, asset_type=51)  # fmt: skip
    stamp = 1_700_000_000_000_000_000
    builder = MessageBuilder(relay_domain=1, source=2, sequence=7, timestamp=stamp)
    assert builder.build() == EMPTY
    assert builder.restart(sequence=42, timestamp=stamp + 1000).add(trade).build() == TRADE


@pytest.mark.parametrize("message", GOLDEN)
def test_every_split_in_two(message: bytes) -> None:
    stream = TRADE + message + EMPTY
    for place in range(len(stream) + 1):
        found, faults, _, end = run([stream[:place], stream[place:]])
        assert found == [TRADE, message, EMPTY] and faults == [] and end == ([], 0)


def test_byte_by_byte_and_all_at_once() -> None:
    stream = b"".join(GOLDEN)
    for step in (1, 2, 3, 31, 32, 33, len(stream)):
        found, faults, _, end = run(stream[at : at + step] for at in range(0, len(stream), step))
        assert found == list(GOLDEN) and faults == [] and end == ([], 0)


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview, lambda data: memoryview(bytearray(data))])
def test_any_buffer(wrap: Callable[[bytes], Any]) -> None:
    found, _, _, _ = run([wrap(EMPTY + TRADE[:40]), wrap(TRADE[40:] + EMPTY)])
    assert found == [EMPTY, TRADE, EMPTY]


def test_messages_are_views_on_the_chunk() -> None:
    chunk = bytearray(EMPTY + TRADE)
    first, second = FrameDecoder().feed(chunk)
    chunk[32 + 8] = 99
    assert first.sequence == 7 and second.sequence == 99
    with pytest.raises(BufferError):
        chunk.clear()


def test_a_joined_message_does_not_depend_on_the_chunks() -> None:
    decoder = FrameDecoder()
    chunk = bytearray(TRADE[:50])
    decoder.feed(chunk)
    chunk[:] = bytes(50)
    (message,) = decoder.feed(TRADE[50:])
    trade = message.get(TradeTLV)
    assert bytes(message) == TRADE and trade is not None and trade.venue_id == 101


# What is no message, and the error that says so; None where the bytes may also be taken for a part of what follows.
DAMAGE: dict[str, tuple[bytes, type[Exception]]] = {
    "zeros": (bytes(40), InvalidMagic),
    "one byte": (b"\xef", InvalidMagic),
    "a cut magic": (MAGIC[:3], InvalidMagic),
    "another version": (patched(TRADE, 5, b"\2"), UnsupportedVersion),
    "a size above the limit": (patched(TRADE, 24, (MAX_MESSAGE_SIZE - 31).to_bytes(4, "little")), MessageTooLarge),
    "the largest size": (patched(TRADE, 24, b"\xff" * 4, sign=False), MessageTooLarge),
    "a wrong checksum": (patched(TRADE, 40, b"\xff", sign=False), ChecksumMismatch),
    "a size that is too small": (patched(TRADE, 24, b"\x01", sign=False), ChecksumMismatch),
    "a size over the next two": (patched(TRADE, 24, b"\xb0", sign=False), ChecksumMismatch),
    "a wrong TLV size": (patched(build(1, (205, bytes(30))), 32, b"\1"), PayloadSizeMismatch),
    "a cut TLV": (patched(TRADE, 33, b"\x29"), TruncatedTLV),
    "a count above the capacity": (patched(BOOK, 32 + 5 + 40, b"\x33"), InvalidPayload),
    "an unknown source": (patched(TRADE, 6, b"\x63"), UnknownSource),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_costs_no_good_message(name: str) -> None:
    damage, kind = DAMAGE[name]
    good = [EMPTY, TRADE, BOOK, EMPTY]
    stream = EMPTY + damage + TRADE + BOOK + EMPTY
    expected = run([stream])
    found, faults, counted, end = expected
    assert found == good and end == ([], 0)
    assert [(type(fault.error), fault.offset, fault.skipped) for fault in faults] == [(kind, 32, len(damage))]
    assert counted == (4, len(stream), len(damage), 1)
    for place in range(len(stream)):
        assert run([stream[:place], stream[place:]]) == expected
    assert run(bytes([byte]) for byte in stream) == expected


def test_damage_of_every_single_byte_costs_that_message_only() -> None:
    for at in range(len(TRADE)):
        for bit in (0, 5, 7):
            wrong = patched(TRADE, at, bytes([TRADE[at] ^ 1 << bit]), sign=False)
            found, faults, _, _ = run([EMPTY + wrong + BOOK * 20])
            assert found == [EMPTY] + [BOOK] * 20
            assert faults and faults[0].offset == 32


GARBAGE = st.one_of(
    st.binary(max_size=80).filter(lambda data: TRADE not in data and EMPTY not in data),
    st.lists(st.sampled_from([MAGIC, MAGIC[:2], b"\xef", b"\1\1", bytes(4)]), max_size=8).map(b"".join),
    st.sampled_from([damage for damage, _ in DAMAGE.values()]),
    st.sampled_from([*range(42), *range(43, 200)]).map(
        lambda size: patched(TRADE, 24, size.to_bytes(4, "little"), sign=False)
    ),
)


@given(
    st.lists(st.tuples(GARBAGE, st.sampled_from(GOLDEN)), max_size=8), GARBAGE, st.lists(st.integers(0), max_size=12)
)
@settings(max_examples=300, deadline=None)
def test_messages_between_garbage_in_any_chunks(
    parts: list[tuple[bytes, bytes]], rest: bytes, places: list[int]
) -> None:
    stream = b"".join(garbage + message for garbage, message in parts) + rest
    whole = run([stream])
    # Garbage may end in what makes one false message with the start of a good one, but that has no right checksum.
    assert whole[0] == [message for _, message in parts]
    assert run(cut(stream, places)) == whole


@given(st.binary(max_size=400), st.lists(st.integers(0), max_size=6), st.booleans())
def test_any_bytes_in_any_chunks(stream: bytes, places: list[int], verify: bool) -> None:
    stream = stream.replace(b"\0\1", MAGIC + b"\1\1\2\0")
    assert run(cut(stream, places), checksum=verify, limit=200) == run([stream], checksum=verify, limit=200)


def test_garbage_over_many_chunks_is_one_fault() -> None:
    decoder = FrameDecoder()
    for _ in range(5):
        assert decoder.feed(bytes(100)) == []
    assert decoder.take_faults() == [Fault(0, 500, InvalidMagic(0xDEADBEEF, 0, 0))]
    decoder.feed(bytes(100))
    assert decoder.take_faults() == [Fault(500, 100, InvalidMagic(0xDEADBEEF, 0, 0))]
    assert decoder.take_faults() == []
    assert decoder.statistics == (0, 600, 600, 1)


def test_faults_are_bounded_and_counted() -> None:
    decoder = FrameDecoder(max_faults=2)
    decoder.feed((b"!" + EMPTY) * 5)
    assert [fault.offset for fault in decoder.take_faults()] == [0, 33]
    assert decoder.statistics == (5, 165, 5, 5)
    decoder.feed(b"!" + EMPTY)
    assert [fault.offset for fault in decoder.take_faults()] == [165]


def test_faults_keep_no_chunk_alive() -> None:
    decoder, chunk = FrameDecoder(), bytearray(TRADE[:60] + b"!" + TRADE[61:])
    decoder.feed(chunk)
    (fault,) = decoder.take_faults()
    assert fault.error.__traceback__ is None
    chunk.clear()


def test_a_message_of_another_domain_is_skipped_by_its_size() -> None:
    other = build(1, domain=RelayDomain.SIGNAL)
    found, faults, counted, _ = run([EMPTY + other + TRADE], domain=RelayDomain.MARKET_DATA)
    assert found == [EMPTY, TRADE]
    assert faults == [Fault(32, 32, RelayDomainMismatch(1, 2, "MARKET_DATA", "SIGNAL"))]
    assert counted == (2, 138, 32, 1)


def test_a_bad_tlv_without_checksums_is_skipped_by_its_size_only_where_the_checksum_confirms_it() -> None:
    inner = build(5)
    signed = patched(build(1, (205, inner)), 32, b"\2")
    for message, expected in ((signed, [EMPTY, TRADE]), (patched(signed, 28, b"!", sign=False), [EMPTY, inner, TRADE])):
        found, faults, _, _ = run([EMPTY + message + TRADE], checksum=ChecksumPolicy.SKIP)
        assert found == expected
        assert [type(fault.error) for fault in faults] == [PayloadSizeMismatch]


def test_checksums_can_be_left_out() -> None:
    wrong = patched(TRADE, 28, b"1234", sign=False)
    assert run([wrong], checksum=ChecksumPolicy.SKIP)[0] == [wrong]
    assert run([wrong])[0] == []


def test_an_announced_size_above_the_limit_is_refused_at_the_header() -> None:
    decoder = FrameDecoder(limit=len(TRADE))
    (message,) = decoder.feed(TRADE)
    assert bytes(message) == TRADE
    head = patched(TRADE, 24, (len(TRADE) - 31).to_bytes(4, "little"))[:32]
    decoder.feed(head)
    (fault,) = decoder.take_faults()
    assert fault.error == MessageTooLarge(len(TRADE) + 1, len(TRADE), len(TRADE) - 31, 0)


@pytest.mark.parametrize("limit", [31, -1, 1 << 33])
def test_limits_that_make_no_sense(limit: int) -> None:
    with pytest.raises(FieldRange):
        FrameDecoder(limit=limit)


def test_close_tells_what_is_left() -> None:
    for size in range(1, len(TRADE)):
        decoder = FrameDecoder()
        assert decoder.feed(EMPTY + TRADE[:size])[0].sequence == 7
        assert decoder.close() == ([], size)
        assert decoder.take_faults() == []
    decoder = FrameDecoder()
    assert decoder.feed(b"short") == []
    assert decoder.close() == ([], 0)
    assert decoder.take_faults() == [Fault(0, 5, InvalidMagic(0xDEADBEEF, int.from_bytes(b"shor", "little"), 0))]
    with pytest.raises(LocalProtocolError):
        decoder.feed(EMPTY)


def test_what_looked_like_a_magic_at_the_end_belongs_to_the_fault_before_it() -> None:
    assert run([bytes(31) + MAGIC[:1], b"\0"])[1] == [Fault(0, 33, InvalidMagic(0xDEADBEEF, 0, 0))]


def test_close_gives_the_messages_behind_a_damaged_size() -> None:
    wrong = patched(TRADE, 26, b"\7", sign=False)
    decoder = FrameDecoder()
    assert decoder.feed(wrong + TRADE + EMPTY + TRADE[:20]) == []
    messages, unfinished = decoder.close()
    assert list(map(bytes, messages)) == [TRADE, EMPTY] and unfinished == 20
    (fault,) = decoder.take_faults()
    assert (fault.offset, fault.skipped, type(fault.error)) == (0, len(wrong), MessageTooSmall)


def test_strict_returns_what_came_before_and_raises_afterwards() -> None:
    decoder = FrameDecoder(strict=True)
    assert len(decoder.feed(EMPTY + TRADE + bytes(32) + EMPTY)) == 2
    assert isinstance(decoder.failure, InvalidMagic)
    for call in (lambda: decoder.feed(EMPTY), decoder.close, lambda: decoder.feed(b"")):
        with pytest.raises(InvalidMagic):
            call()
    assert [(fault.offset, fault.skipped) for fault in decoder.take_faults()] == [(32 + len(TRADE), 1)]


@pytest.mark.parametrize("name", DAMAGE)
def test_strict_raises_at_once_where_nothing_came_before(name: str) -> None:
    damage, kind = DAMAGE[name]
    decoder = FrameDecoder(strict=True)
    with pytest.raises(kind):
        decoder.feed(damage + EMPTY * 6)
    with pytest.raises(kind):
        decoder.feed(EMPTY)


def test_strict_with_a_cut_message_before_the_fault() -> None:
    decoder = FrameDecoder(strict=True)
    assert decoder.feed(TRADE[:33]) == []
    (message,) = decoder.feed(TRADE[33:] + bytes(40))
    assert bytes(message) == TRADE
    with pytest.raises(InvalidMagic):
        decoder.feed(TRADE)


def test_strict_in_the_domain() -> None:
    decoder = FrameDecoder(strict=True, domain=RelayDomain.SIGNAL)
    with pytest.raises(RelayDomainMismatch):
        decoder.feed(EMPTY)


class Counted(bytearray):
    """Counts the bytes that are put into it."""

    added = 0

    def __iadd__(self, data: Any) -> "Counted":  # type: ignore[misc]
        Counted.added += len(data)
        self.extend(data)
        return self


def test_a_trickle_copies_each_byte_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []

    def counting_scan(buf: bytes, offset: int, limit: int, verify: bool) -> Any:
        looked_at.append(len(buf))
        return scan(buf, offset, limit, verify)

    monkeypatch.setattr(framing, "bytearray", Counted, raising=False)
    monkeypatch.setattr(framing, "scan", counting_scan)
    monkeypatch.setattr(Counted, "added", 0)
    decoder, stream = FrameDecoder(), BOOK * 5
    found: list[Message] = []
    for byte in stream:
        found += decoder.feed(bytes([byte]))
    assert len(found) == 5
    assert Counted.added <= len(stream)
    assert sum(looked_at) <= len(stream) + 5 * (32 + 1 + 1)


@pytest.mark.parametrize("announced", ["each to the end", "each a little further", "above the limit"])
def test_nested_false_headers_are_not_quadratic(announced: str, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = 1 << 13

    def payload_size(index: int, count: int) -> int:
        if announced == "each to the end":
            return min(32 * (count - index) - 31, limit - 32)
        return limit // 2 + 32 * (index % 7) if announced == "each a little further" else 0xFFFFFF00

    def stream(count: int) -> bytes:
        sizes = [payload_size(index, count).to_bytes(4, "little") for index in range(count)]
        return b"".join(patched(EMPTY, 24, size, sign=False) for size in sizes)

    in_vain = []

    def counting_parse(buf: bytes, offset: int, **options: Any) -> Any:
        in_vain.append(HEADER_SIZE + int.from_bytes(buf[offset + 24 : offset + 28], "little"))
        return parse_message(buf, offset, **options)

    monkeypatch.setattr(framing, "parse_message", counting_parse)
    data = stream(5000) + EMPTY
    for chunks in ([data], cut(data, range(0, len(data), 100))):
        in_vain.clear()
        found, faults, _, _ = run(chunks, limit=limit)
        assert faults and len(found) <= 1
        # What a byte pays for, what may have been saved up, and one look without credit for each message skipped.
        assert sum(in_vain) <= 4 * len(data) + 16 * limit + len(data)


def test_heartbeats_in_one_chunk() -> None:
    beat = MessageBuilder(relay_domain=4, source=60, sequence=1, timestamp=2).add(
        HeartbeatTLV(timestamp_ns=3, service=60)
    )
    found = FrameDecoder().feed(beat.build() * 1000)
    last = found[999].get(HeartbeatTLV)
    assert len(found) == 1000 and last is not None and last.timestamp_ns == 3
