"""The message header: golden bytes, the order of checks, the checksum rule, and errors as values.

The two golden messages are written out as hex so that the test depends on nothing but this file.
"""

import array
import inspect
import pickle
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import libs.types.protocol
from libs.types.protocol import (
    BatchError,
    CapacityExceeded,
    ChecksumMismatch,
    ChecksumPolicy,
    FieldRange,
    HeaderFlags,
    InvalidExtendedTLV,
    InvalidInstrument,
    InvalidMagic,
    InvalidPayload,
    InvalidRelayDomain,
    InvalidTLVType,
    MessageHeader,
    MessageTooLarge,
    MessageTooSmall,
    ParseError,
    PayloadSizeMismatch,
    PayloadTooLarge,
    ProtocolError,
    Recovery,
    RelayDomain,
    RelayDomainMismatch,
    SourceType,
    TrailingBytes,
    TruncatedTLV,
    UnknownSource,
    UnknownTLVType,
    UnsupportedVersion,
    message_checksum,
    message_size,
    parse_header,
)

# No TLVs: Kraken collector, sequence 7.
EMPTY = bytes.fromhex("efbeadde01010200070000000000000000002a36fe9c971700000000658ad486")
# One Trade of 40 bytes in a standard frame: Kraken collector, sequence 42.
TRADE = bytes.fromhex(
    "efbeadde010102002a00000000000000e8032a36fe9c97172a00000071378eeb"
    "0128000044535543544280d3049d1a0400004e61bc000000000005002a36fe9c97176500330000000000"
)
U64 = st.integers(0, 2**64 - 1)


def patched(message: bytes, offset: int, new: bytes, *, sign: bool = True) -> bytes:
    """`message` with other bytes at `offset`, its checksum made right again unless told otherwise."""
    changed = bytearray(message)
    changed[offset : offset + len(new)] = new
    if sign:
        changed[28:32] = message_checksum(changed).to_bytes(4, "little")
    return bytes(changed)


def test_golden_header_without_payload() -> None:
    header = parse_header(EMPTY)
    assert header == MessageHeader(
        relay_domain=RelayDomain.MARKET_DATA,
        source=SourceType.KRAKEN_COLLECTOR,
        sequence=7,
        timestamp=1_700_000_000_000_000_000,
        checksum=2262076005,
    )
    assert bytes(header) == EMPTY


def test_golden_header_with_a_trade() -> None:
    header = parse_header(TRADE)
    assert (header.sequence, header.payload_size, header.checksum) == (42, 42, 3951966065)
    assert bytes(header) == TRADE[:32]
    assert header.replace(payload_size=0, checksum=0).signed(TRADE[32:]) == header


def test_checksum_is_the_zlib_one_and_skips_its_own_bytes() -> None:
    assert zlib.crc32(b"123456789") == 0xCBF43926
    assert message_checksum(TRADE) == zlib.crc32(TRADE[:28] + TRADE[32:])
    assert message_checksum(patched(TRADE, 28, b"\0\0\0\0", sign=False)) == message_checksum(TRADE)
    assert message_checksum(TRADE) != zlib.crc32(TRADE[:28] + b"\0\0\0\0" + TRADE[32:])


@given(st.sampled_from(RelayDomain), st.sampled_from(SourceType), st.integers(0, 255), U64, U64, st.binary(max_size=80))
def test_round_trip(
    domain: RelayDomain, source: SourceType, flags: int, sequence: int, timestamp: int, payload: bytes
) -> None:
    header = MessageHeader(
        relay_domain=domain, source=source, flags=HeaderFlags(flags), sequence=sequence, timestamp=timestamp
    ).signed(payload)
    assert parse_header(bytes(header) + payload) == header
    assert header.flags == flags


@given(st.integers(0, len(TRADE) - 1), st.integers(0, 7))
def test_every_flipped_bit_is_noticed(position: int, bit: int) -> None:
    damaged = bytearray(TRADE)
    damaged[position] ^= 1 << bit
    with pytest.raises(ProtocolError):
        parse_header(damaged)


@pytest.mark.parametrize("length", [0, 1, 31])
def test_too_short_for_a_header(length: int) -> None:
    with pytest.raises(MessageTooSmall) as caught:
        parse_header(b"\xff" * length)
    assert (caught.value.need, caught.value.got) == (32, length)


def test_too_short_for_the_announced_payload() -> None:
    with pytest.raises(MessageTooSmall) as caught:
        parse_header(TRADE[:-1])
    assert (caught.value.need, caught.value.got) == (74, 73)


@pytest.mark.parametrize(
    ("magic", "diagnosis"),
    [
        (b"\0\0\0\0", "never filled"),
        (b"\xff\xff\xff\xff", "corrupt"),
        (b"\xde\xad\xbe\xef", "big-endian"),
        (b"GET ", "another protocol"),
    ],
)
def test_magic(magic: bytes, diagnosis: str) -> None:
    with pytest.raises(InvalidMagic) as caught:
        parse_header(patched(TRADE, 0, magic))
    assert diagnosis in caught.value.diagnosis and caught.value.actual == int.from_bytes(magic, "little")


def test_version() -> None:
    with pytest.raises(UnsupportedVersion) as caught:
        parse_header(patched(TRADE, 5, b"\2"))
    assert (caught.value.version, caught.value.supported_versions) == (2, (1,))


def test_the_limit_counts_the_header() -> None:
    assert parse_header(TRADE, limit=74).payload_size == 42
    with pytest.raises(MessageTooLarge) as caught:
        parse_header(TRADE, limit=73)
    error = caught.value
    assert (error.size, error.max, error.payload_size, error.tlv_count) == (74, 73, 42, 1)
    assert error.hint == "split the message"
    with pytest.raises(MessageTooLarge) as caught:
        parse_header(patched(TRADE, 24, b"\xff\xff\xff\xff"))
    assert caught.value.size == 2**32 + 31 and "damaged" in caught.value.hint


def test_trailing_bytes() -> None:
    with pytest.raises(TrailingBytes) as caught:
        parse_header(TRADE + EMPTY)
    assert (caught.value.offset, caught.value.extra) == (74, 32)
    assert parse_header(TRADE + EMPTY, allow_trailing=True).sequence == 42
    assert parse_header(TRADE + EMPTY, 74).sequence == 7


def test_a_stream_reader_learns_the_size_from_the_header_alone() -> None:
    assert message_size(TRADE[:32]) == len(TRADE)
    assert message_size(b"\0" + EMPTY, 1) == 32


@pytest.mark.parametrize("stored", [b"\0\0\0\0", b"\1\2\3\4"])
def test_checksum_mismatch(stored: bytes) -> None:
    damaged = patched(TRADE, 28, stored, sign=False)
    with pytest.raises(ChecksumMismatch) as caught:
        parse_header(damaged)
    error = caught.value
    assert (error.in_header, error.calculated) == (int.from_bytes(stored, "little"), 3951966065)
    assert (error.actual, error.expected) == (error.in_header, error.calculated)
    assert (error.message_size, error.payload_size, error.tlv_count) == (74, 42, 1)
    assert ("never computed" in error.likely_cause) is (stored == b"\0\0\0\0")
    assert parse_header(damaged, checksum=ChecksumPolicy.SKIP).checksum == error.in_header


def test_unknown_domain_and_source() -> None:
    for number in (0, 5, 255):
        with pytest.raises(InvalidRelayDomain) as domain_error:
            parse_header(patched(TRADE, 4, bytes([number])))
        assert domain_error.value.relay_domain == number
    with pytest.raises(UnknownSource) as source_error:
        parse_header(patched(TRADE, 6, b"\x06"))
    assert source_error.value.source_type == 6


def test_the_earlier_check_wins() -> None:
    """Break one thing after another, from the last check to the first: the newest break is what is reported."""
    message = TRADE
    for offset, new, sign, expected in [
        (6, b"\x07", True, UnknownSource),
        (4, b"\x09", True, InvalidRelayDomain),
        (28, b"\1\2\3\4", False, ChecksumMismatch),
        (len(TRADE), b"more", False, TrailingBytes),
        (24, (43 + 4).to_bytes(4, "little"), False, MessageTooSmall),
        (24, (2**31).to_bytes(4, "little"), False, MessageTooLarge),
        (5, b"\x09", False, UnsupportedVersion),
        (0, b"\0\0\0\0", False, InvalidMagic),
    ]:
        message = patched(message, offset, new, sign=sign)
        with pytest.raises(ProtocolError) as caught:
            parse_header(message)
        assert type(caught.value) is expected
    with pytest.raises(MessageTooSmall):
        parse_header(message[:31])


@pytest.mark.parametrize(("start", "count"), [(b"", 0), (b"\x05", 0), (b"\1\0\2\0", 2), (b"\xff\1", 0), (b"\1\x09", 0)])
def test_errors_count_whole_frames_only(start: bytes, count: int) -> None:
    extended = b"\xff\0\3\x01\x01" + b"x" * 257
    header = MessageHeader(
        relay_domain=RelayDomain.SIGNAL, source=SourceType.DASHBOARD, sequence=1, timestamp=0
    ).signed(extended + start)
    with pytest.raises(ChecksumMismatch) as caught:
        parse_header(bytes(header.replace(checksum=header.checksum ^ 1)) + extended + start)
    assert caught.value.tlv_count == count + 1


def test_any_byte_buffer_and_odd_offsets() -> None:
    shifted = b"\0\0\0" + TRADE
    for buffer in (shifted, bytearray(shifted), memoryview(shifted)):
        assert parse_header(buffer, 3).sequence == 42
    words = memoryview(array.array("I", EMPTY))
    assert parse_header(words).sequence == 7


@pytest.mark.parametrize("offset", [-1, 75])
def test_an_offset_outside_the_buffer_is_our_own_fault(offset: int) -> None:
    with pytest.raises(FieldRange):
        parse_header(TRADE, offset)


@pytest.mark.parametrize(
    ("field", "value"), [("sequence", -1), ("sequence", 2**64), ("timestamp", 2**64), ("payload_size", 2**32)]
)
def test_values_that_do_not_fit(field: str, value: int) -> None:
    changes: dict[str, Any] = {field: value}
    with pytest.raises(FieldRange) as caught:
        parse_header(EMPTY).replace(**changes)
    assert (caught.value.field, caught.value.value) == (field, value)


ERRORS: list[ProtocolError] = [
    MessageTooSmall(32, 3, "a message header"),
    InvalidMagic(1, 0, 0),
    UnsupportedVersion(2, (1,)),
    MessageTooLarge(10, 5, 3, 0),
    TrailingBytes(74, 2),
    ChecksumMismatch(1, 0, 74, 1, 42),
    InvalidRelayDomain(9),
    UnknownSource(9),
    RelayDomainMismatch(1, 2, "MARKET_DATA", "SIGNAL"),
    FieldRange("sequence", -1, 0, 1),
    InvalidInstrument("symbol", "TOOLONGNAME", "it has 11 bytes in UTF-8, an id keeps 8"),
    TruncatedTLV(3, 42, 1, 32),
    InvalidExtendedTLV(32, 0, 7, "reserved"),
    PayloadSizeMismatch(1, 40, 39, "TradeTLV", 34),
    InvalidPayload(3, 77, "bids counts 51 elements", 2456),
    UnknownTLVType(250),
    ParseError(3, "no digit", 10, "a table"),
    BatchError(17, 1258, UnknownSource(9), 74),
    Recovery("too many attempts"),
    CapacityExceeded(50, 51, "bids"),
    PayloadTooLarge(70_000, 65_535, 250),
    InvalidTLVType(255),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_are_values(error: ProtocolError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert again == error and hash(again) == hash(error)
    assert again.details() == error.details() and str(again) == str(error)
    assert "\n" not in str(error)


def test_the_list_of_errors_above_is_complete() -> None:
    families = {"ProtocolError", "RemoteProtocolError", "LocalProtocolError"}
    public = {
        name
        for name in libs.types.protocol.__all__
        if inspect.isclass(value := getattr(libs.types.protocol, name)) and issubclass(value, ProtocolError)
    }
    assert public - families == {type(error).__name__ for error in ERRORS}
