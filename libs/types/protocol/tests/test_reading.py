"""Reading on purpose or by a slip: options, buffers of every kind, messages as values, buffers that change."""

import array
import contextlib
import ctypes
from typing import Any

import numpy as np
import pytest

from libs.types.protocol.testing import frame, message
from libs.types.protocol.tests.expected import BOOK_PAYLOAD, EMPTY, GOLDEN, TRADE, TRADE_PAYLOAD, patched, refused


def test_options(codec: Any) -> None:
    unsigned = patched(TRADE, 28, bytes(4), signed=False)
    policy = codec.ChecksumPolicy
    for skip in (policy.SKIP, False):
        assert codec.parse_message(unsigned, checksum=skip).sequence == 42
    for enforce in (policy.ENFORCE, True):
        assert codec.parse_message(TRADE, checksum=enforce).sequence == 42
        with pytest.raises(codec.ChecksumMismatch):
            codec.parse_message(unsigned, checksum=enforce)
    for slip in (1, 0, None, "enforce", "skip"):
        for read_it in (codec.parse_message, codec.parse_header):
            with pytest.raises(TypeError):
                read_it(TRADE, checksum=slip)
        with pytest.raises(TypeError):
            codec.Decoder(codec.TradeTLV, checksum=slip)
    assert codec.parse_message(TRADE, limit=74).size == 74
    refused(codec, "MessageTooLarge", {"size": 74, "max": 73}, lambda: codec.parse_message(TRADE, limit=73))
    refused(codec, "MessageTooLarge", {"size": 74, "max": 0}, lambda: codec.parse_message(TRADE, limit=0))
    large = message(frame(4, bytes(60_000)) * 20)
    assert len(codec.parse_message(large, limit=2**40)) == 20
    assert codec.parse_message(TRADE + b"x", allow_trailing=True).size == 74
    assert codec.parse_message(b"x" + TRADE + b"x", 1, allow_trailing=True).sequence == 42
    for wrong in (-1, 75, 2**70, -(2**70)):
        fields = {"field": "offset", "value": wrong, "low": 0, "high": 74}
        refused(codec, "FieldRange", fields, codec.parse_message, TRADE, wrong)
        refused(codec, "FieldRange", fields, codec.Decoder(codec.TradeTLV), TRADE, wrong)
    refused(codec, "MessageTooSmall", {"need": 32, "got": 0}, lambda: codec.parse_message(TRADE, 74))


@pytest.mark.parametrize("wrong", ["text", 5, None, [1, 2], object()])
def test_what_is_no_buffer(codec: Any, wrong: Any) -> None:
    for read_it in (
        codec.parse_message,
        codec.parse_header,
        codec.message_size,
        codec.message_checksum,
        codec.Decoder(codec.TradeTLV),
        codec.TradeTLV.from_buffer,
    ):
        with pytest.raises(TypeError):
            read_it(wrong)


def test_any_contiguous_buffer(codec: Any) -> None:
    class Pair(ctypes.LittleEndianStructure):
        _fields_ = (("low", ctypes.c_uint32), ("high", ctypes.c_uint32))

    wire = message(frame(1, TRADE_PAYLOAD) + frame(9, bytes(4)))
    buffers = [
        wire,
        bytearray(wire),
        memoryview(wire),
        memoryview(bytearray(wire)),
        memoryview(wire).cast("i"),
        memoryview(wire).cast("B", (8, len(wire) // 8)),
        array.array("Q", wire),
        (ctypes.c_char * len(wire)).from_buffer_copy(wire),
        (ctypes.c_uint32.__ctype_be__ * (len(wire) // 4)).from_buffer_copy(wire),
        (Pair * (len(wire) // 8)).from_buffer_copy(wire),
    ]
    for buf in buffers:
        assert bytes(codec.parse_message(buf)) == wire
        assert codec.TradeTLV.from_buffer(buf, 34).price == 4512350000000
        assert codec.Decoder(codec.TradeTLV, "price")(buf) == (4512350000000,)


def test_a_buffer_with_gaps(codec: Any) -> None:
    plain = memoryview(bytearray(200))
    rows = np.zeros((5, 40), "u1")
    for gaps in (plain[::2], plain[::-1], rows[:, ::2], rows.T, np.asfortranarray(rows)):
        readers = [codec.parse_message, codec.Decoder(codec.TradeTLV), codec.TradeTLV.from_buffer,
                   codec.MessageHeader.from_buffer, codec.FrameDecoder().feed,
                   codec.MessageBuilder(relay_domain=1, source=2, sequence=1, timestamp=1).build_into,
                   lambda buf: codec.decode_batch(buf, codec.TradeTLV)]  # fmt: skip
        for read_it in readers:
            with pytest.raises(BufferError):
                read_it(gaps)


def test_a_message_is_a_value_and_a_row_of_views(codec: Any) -> None:
    wire = GOLDEN["trade-then-quote"]
    parsed = codec.parse_message(bytearray(wire))
    assert parsed == codec.parse_message(wire) and hash(parsed) == hash(codec.parse_message(wire))
    assert parsed != codec.parse_message(EMPTY) and parsed != wire
    assert bool(codec.parse_message(EMPTY)) and len(codec.parse_message(EMPTY)) == 0
    assert parsed.buffer.readonly and all(view.payload.readonly for view in parsed)
    assert list(map(type, parsed)) == [codec.TLVView] * 2
    assert parsed.find(2).offset == 76 and parsed.find(3) is None and parsed.get(codec.OrderBookTLV) is None
    assert parsed.get_all(codec.OrderBookTLV) == []
    assert repr(parsed) == "<Message domain 1, source 2, sequence 52, 132 bytes, 2 TLVs>"
    assert repr(parsed.find(1)) == "<TLV TRADE (1), 40 bytes, standard, at 34>"


def test_of_several_the_first_is_got(codec: Any) -> None:
    payloads = [bytes([at]) + TRADE_PAYLOAD[1:] for at in range(3)]
    parsed = codec.parse_message(message(b"".join(frame(1, each, extended=each[0] == 1) for each in payloads)))
    assert bytes(parsed.get(codec.TradeTLV)) == bytes(parsed.find(1).payload) == payloads[0]
    assert [bytes(each) for each in parsed.get_all(codec.TradeTLV)] == payloads


def test_a_buffer_that_changes_under_a_message(codec: Any) -> None:
    """Refused or read, but never beyond the message."""
    raw = bytearray(message(frame(1, TRADE_PAYLOAD) + frame(3, BOOK_PAYLOAD)))
    parsed = codec.parse_message(raw)
    book, views = parsed.get(codec.OrderBookTLV), list(parsed)
    raw[33] = 255
    raw[79 + 40] = 51
    for call in (lambda: list(parsed), lambda: len(parsed), lambda: parsed.get(codec.QuoteTLV), lambda: parsed.find(9)):
        with contextlib.suppress(codec.RemoteProtocolError):
            call()
    with pytest.raises(codec.InvalidPayload):
        len(book.bids)
    with pytest.raises(codec.InvalidPayload):
        book.bid_price(0)
    with pytest.raises(codec.InvalidPayload):
        views[1].decode()
    assert len(views[0].payload) == 40 and views[0].decode().price == 4512350000000
