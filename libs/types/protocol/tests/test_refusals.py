"""What a reader refuses, in which order and with which error; and what it has to accept.

The tables are written out from the wire specification: a message, the class of the error, the fields that matter.
"""

import zlib
from typing import Any

import pytest

from libs.types.protocol.testing import frame, message
from libs.types.protocol.tests.expected import BOOK_PAYLOAD, EMPTY, TRADE, TRADE_PAYLOAD, patched, refused
from libs.types.protocol.tests.outcomes import outcome

# The header, in the order of its checks.

BOOK_COUNT = 32 + 5 + 40
HEADER: dict[str, tuple[bytes, str, dict[str, Any]]] = {
    "nothing": (b"", "MessageTooSmall", {"need": 32, "got": 0, "context": "a message header"}),
    "31 bytes": (TRADE[:31], "MessageTooSmall", {"need": 32, "got": 31}),
    "31 wrong bytes": (b"\xff" * 31, "MessageTooSmall", {"need": 32, "got": 31}),
    "magic of zeros": (bytes(74), "InvalidMagic", {"expected": 0xDEADBEEF, "actual": 0, "offset": 0,
        "diagnosis": "the buffer was never filled"}),
    "magic of ones": (b"\xff" * 32, "InvalidMagic", {"actual": 2**32 - 1,
        "diagnosis": "the memory or the medium is corrupt"}),
    "magic swapped": (patched(TRADE, 0, b"\xde\xad\xbe\xef"), "InvalidMagic", {"actual": 0xEFBEADDE,
        "diagnosis": "the sender wrote big-endian integers"}),
    "magic of another protocol": (b"GET / HTTP/1.1\r\n" + bytes(16), "InvalidMagic", {"actual": 0x20544547}),
    "magic before version": (patched(TRADE, 0, b"\1\2\3\4\1\2"), "InvalidMagic", {"actual": 0x04030201}),
    "version 0": (patched(TRADE, 5, b"\0"), "UnsupportedVersion", {"version": 0, "supported_versions": (1,)}),
    "version 2": (patched(TRADE, 5, b"\2"), "UnsupportedVersion", {"version": 2}),
    "version before size": (patched(patched(TRADE, 24, b"\xff" * 4), 5, b"\2"), "UnsupportedVersion", {"version": 2}),
    "above the limit": (patched(TRADE, 24, (1_048_545).to_bytes(4, "little")), "MessageTooLarge",
        {"size": 1_048_577, "max": 1_048_576, "payload_size": 1_048_545, "tlv_count": 1, "hint": "split the message"}),
    "far above the limit": (patched(TRADE, 24, b"\xff" * 4), "MessageTooLarge",
        {"size": 2**32 + 31, "payload_size": 2**32 - 1, "hint": "a damaged size field"}),
    "at the limit, cut": (patched(TRADE, 24, (1_048_544).to_bytes(4, "little")), "MessageTooSmall",
        {"need": 1_048_576, "got": 74, "context": "the message announced by its header"}),
    "one byte missing": (TRADE[:-1], "MessageTooSmall", {"need": 74, "got": 73}),
    "missing before checksum": (patched(TRADE, 28, bytes(4), signed=False)[:-1], "MessageTooSmall", {"need": 74}),
    "one byte more": (TRADE + b"x", "TrailingBytes", {"offset": 74, "extra": 1}),
    "another message": (TRADE + EMPTY, "TrailingBytes", {"offset": 74, "extra": 32}),
    "trailing before checksum": (patched(TRADE, 28, bytes(4), signed=False) + b"x", "TrailingBytes", {"extra": 1}),
    "no checksum": (patched(TRADE, 28, bytes(4), signed=False), "ChecksumMismatch", {"actual": 0,
        "expected": 3951966065, "message_size": 74, "payload_size": 42, "tlv_count": 1,
        "likely_cause": "the sender never computed it"}),
    "other checksum": (patched(TRADE, 28, b"\1\0\0\0", signed=False), "ChecksumMismatch", {"actual": 1,
        "expected": 3951966065, "likely_cause": "the bytes were damaged on the way"}),
    "damaged payload": (patched(TRADE, 40, b"\xff", signed=False), "ChecksumMismatch", {"actual": 3951966065}),
    "checksum over all bytes": (TRADE[:28] + zlib.crc32(TRADE[:28] + bytes(4) + TRADE[32:]).to_bytes(4, "little")
        + TRADE[32:], "ChecksumMismatch", {"expected": 3951966065}),
    "checksum before domain": (patched(TRADE, 4, b"\0", signed=False), "ChecksumMismatch", {"actual": 3951966065}),
    "domain 0": (patched(TRADE, 4, b"\0"), "InvalidRelayDomain", {"relay_domain": 0}),
    "domain 5": (patched(TRADE, 4, b"\5"), "InvalidRelayDomain", {"relay_domain": 5}),
    "domain before source": (message(relay_domain=255, source=0), "InvalidRelayDomain", {"relay_domain": 255}),
    "source 0": (patched(TRADE, 6, b"\0"), "UnknownSource", {"source_type": 0}),
    "source 6": (patched(TRADE, 6, b"\6"), "UnknownSource", {"source_type": 6}),
    "source before TLVs": (message(b"\1", source=99), "UnknownSource", {"source_type": 99}),
}  # fmt: skip


@pytest.mark.parametrize("case", HEADER)
def test_the_header(codec: Any, case: str) -> None:
    wire, error, fields = HEADER[case]
    for read_it in (codec.parse_message, codec.parse_header, codec.Decoder(codec.TradeTLV)):
        refused(codec, error, fields, read_it, wire)
        refused(codec, error, fields, read_it, bytearray(b"abc" + wire), 3)


# The TLVs.  Offsets count from the start of the message; 32 is where the first one is.

NOTHING = b""
TLVS: dict[str, tuple[bytes, str, dict[str, Any]]] = {
    "a lone byte": (b"\1", "TruncatedTLV", {"buffer_size": 1, "required_bytes": 2, "tlv_type": 1, "offset": 32,
        "payload_offset": 0, "suggested_action": "read the rest of the message: this looks like a partial read"}),
    "a lone marker": (b"\xff", "TruncatedTLV", {"buffer_size": 1, "required_bytes": 5, "tlv_type": 255,
        "suggested_action": "check the length field: it is far larger than the payload"}),
    "one byte short": (frame(9, b"abc")[:-1], "TruncatedTLV", {"buffer_size": 4, "required_bytes": 5, "tlv_type": 9}),
    "length beyond the end": (b"\x09\xff", "TruncatedTLV", {"buffer_size": 2, "required_bytes": 257, "tlv_type": 9,
        "suggested_action": "check the length field: it is far larger than the payload"}),
    "second one": (frame(9, b"abc") + b"\x09\x02x", "TruncatedTLV", {"buffer_size": 3, "required_bytes": 4,
        "offset": 37, "payload_offset": 5}),
    "extended, two bytes": (b"\xff\0", "TruncatedTLV", {"buffer_size": 2, "required_bytes": 5, "tlv_type": 255}),
    "extended, three bytes": (b"\xff\0\x09", "TruncatedTLV", {"buffer_size": 3, "required_bytes": 5, "tlv_type": 9}),
    "extended, four bytes": (b"\xff\0\x09\1", "TruncatedTLV", {"buffer_size": 4, "required_bytes": 5, "tlv_type": 9}),
    "extended, payload short": (b"\xff\0\x09\2\0x", "TruncatedTLV",
        {"buffer_size": 6, "required_bytes": 7, "tlv_type": 9}),
    "extended, huge length": (b"\xff\0\x09\xff\xffx", "TruncatedTLV", {"buffer_size": 6, "required_bytes": 65_540}),
    "short before reserved": (b"\xff\1\x09\2\0x", "TruncatedTLV", {"required_bytes": 7}),
    "reserved byte": (b"\xff\1\x09\0\0", "InvalidExtendedTLV", {"offset": 32, "payload_offset": 0, "expected_marker": 0,
        "actual_marker": 1}),
    "reserved before inner type": (b"\xff\2\xff\0\0", "InvalidExtendedTLV", {"actual_marker": 2}),
    "inner type 255": (frame(9, b"") + b"\xff\0\xff\0\0", "InvalidExtendedTLV", {"offset": 34, "payload_offset": 2,
        "actual_marker": 255}),
    "the old arbitrage signal": (b"\xff\xb4" + bytes(180), "InvalidExtendedTLV", {"offset": 32, "actual_marker": 0xB4}),
    "trade too short": (frame(1, bytes(39)), "PayloadSizeMismatch", {"tlv_type": 1, "expected": 40, "got": 39,
        "struct_name": "TradeTLV", "offset": 34, "payload_offset": 2}),
    "trade too long": (frame(1, bytes(41)), "PayloadSizeMismatch", {"expected": 40, "got": 41}),
    "trade of nothing": (frame(1, b""), "PayloadSizeMismatch", {"expected": 40, "got": 0}),
    "trade too long, extended": (frame(1, bytes(41), extended=True), "PayloadSizeMismatch", {"got": 41, "offset": 37}),
    "the registry's quote": (frame(2, bytes(52)), "PayloadSizeMismatch", {"expected": 56, "got": 52}),
    "the registry's signal": (frame(32, bytes(168)), "PayloadSizeMismatch", {"expected": 170, "got": 168}),
    "the documented book": (frame(3, bytes(2452)), "PayloadSizeMismatch", {"expected": 2456, "got": 2452}),
    "a book of before": (frame(3, bytes(44 + 24 * 4)), "PayloadSizeMismatch", {"expected": 2456, "got": 140}),
    "fixed size without a struct": (frame(40, bytes(31)), "PayloadSizeMismatch", {"expected": 32, "got": 31,
        "struct_name": "ORDER_REQUEST"}),
    "fixed size, extended": (frame(40, bytes(33), extended=True), "PayloadSizeMismatch", {"expected": 32, "got": 33}),
    "below the bounds": (frame(30, bytes(23)), "PayloadSizeMismatch", {"expected": 24, "got": 23}),
    "above the bounds": (frame(30, bytes(513)), "PayloadSizeMismatch", {"expected": 512, "got": 513,
        "struct_name": "RISK_PARAMETERS"}),
    "snapshot too short": (frame(101, bytes(31)), "PayloadSizeMismatch", {"expected": 32, "got": 31}),
    "bids beyond the capacity": (frame(3, BOOK_PAYLOAD[:40] + b"\x33\0" + BOOK_PAYLOAD[42:]), "InvalidPayload",
        {"tlv_type": 3, "offset": BOOK_COUNT, "payload_offset": BOOK_COUNT - 32, "buffer_size": 2456,
         "validation_error": "bids counts 51 elements, its capacity is 50"}),
    "asks beyond the capacity": (frame(3, BOOK_PAYLOAD[:1248] + b"\xff\xff" + BOOK_PAYLOAD[1250:]), "InvalidPayload",
        {"offset": 32 + 5 + 1248, "validation_error": "asks counts 65535 elements, its capacity is 50"}),
    "reserves beyond the capacity": (frame(10, bytes(16) + b"\x09" + bytes(191)), "InvalidPayload",
        {"tlv_type": 10, "offset": 50, "buffer_size": 208}),
    "instruments beyond the capacity": (frame(106, bytes(16) + b"\x11" + bytes(207)), "InvalidPayload",
        {"tlv_type": 106}),
    "count of 256": (frame(106, bytes(17) + b"\1" + bytes(206)), "InvalidPayload",
        {"validation_error": "instruments counts 256 elements, its capacity is 16"}),
    "size before count": (frame(3, BOOK_PAYLOAD[:40] + b"\x33\0" + BOOK_PAYLOAD[43:]), "PayloadSizeMismatch", {}),
    "first TLV's payload before second's frame": (frame(1, b"") + b"\1", "PayloadSizeMismatch", {"offset": 34}),
}  # fmt: skip


@pytest.mark.parametrize("case", TLVS)
def test_the_tlvs(codec: Any, case: str) -> None:
    payload, error, fields = TLVS[case]
    wire = message(payload)
    refused(codec, error, fields, lambda: codec.parse_message(wire))
    refused(codec, error, fields, lambda: codec.parse_message(b"abc" + wire, 3))
    refused(codec, error, fields, lambda: codec.parse_message(wire + EMPTY, allow_trailing=True))
    for cls in (codec.TradeTLV, codec.OrderBookTLV, codec.PoolLiquidityTLV, codec.StateInvalidationTLV):
        refused(codec, error, fields, codec.Decoder(cls), wire)
        refused(codec, error, fields, codec.Decoder(cls, "timestamp_ns"), wire)
    assert codec.parse_header(wire).payload_size == len(payload)
    damaged = patched(wire, 28, b"abcd", signed=False)
    walked = refused(codec, "ChecksumMismatch", {}, lambda: codec.parse_message(damaged)).tlv_count
    refused(codec, error, fields, lambda: codec.parse_message(damaged, checksum=False))
    one_frame_is_fine = error in ("PayloadSizeMismatch", "InvalidPayload") or case in ("second one", "inner type 255")
    assert walked == (1 if one_frame_is_fine else 0)


ACCEPTED: dict[str, bytes] = {
    "nothing": b"",
    "type 0": frame(0, b"zero"),
    "reserved type": frame(17, b"reserved") + frame(199, b""),
    "vendor types": frame(205, b"") + frame(254, bytes(255)) + frame(254, bytes(256)),
    "extended where standard would do": frame(1, TRADE_PAYLOAD, extended=True) + frame(9, b"", extended=True),
    "repeated": frame(1, TRADE_PAYLOAD) * 3,
    "any domain's types": frame(1, TRADE_PAYLOAD) + frame(110, bytes(24)),
    "bounds": frame(30, bytes(24)) + frame(30, bytes(512)) + frame(82, bytes(4096)),
    "opaque of any size": frame(4, b"") + frame(4, bytes(60_000)),
    "largest payload": frame(5, bytes(65_535)),
    "snapshot beyond the registry's bound": frame(101, bytes(32)) + frame(101, bytes(60_000)),
    "any side, any flag": frame(1, TRADE_PAYLOAD[:36] + b"\xffpad"),
    "full vectors": frame(10, bytes(16) + b"\x08" + bytes(191)),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_is_legal(codec: Any, reference: Any, case: str) -> None:
    wire = message(ACCEPTED[case], relay_domain=4)
    parsed = codec.parse_message(wire)
    assert b"".join(frame(view.type, bytes(view.payload), extended=view.extended) for view in parsed) == ACCEPTED[case]
    assert outcome(lambda: codec.parse_message(wire)) == outcome(lambda: reference.parse_message(wire))


def test_every_domain_and_source(codec: Any) -> None:
    for number in range(256):
        for name, wire, good in [
            ("relay_domain", message(relay_domain=number), range(1, 5)),
            ("source", message(source=number), set(map(int, codec.SourceType))),
        ]:
            if number in good:
                assert getattr(codec.parse_message(wire), name) == number
            else:
                with pytest.raises(codec.RemoteProtocolError):
                    codec.parse_message(wire)


# Every error can be read.


def test_every_error_has_a_text_of_one_line(codec: Any) -> None:
    for table in (HEADER, TLVS):
        for case, (wire, _, _) in table.items():
            with pytest.raises(codec.RemoteProtocolError) as caught:
                codec.parse_message(wire if table is HEADER else message(wire))
            assert "\n" not in str(caught.value) and len(str(caught.value)) < 250, case
