"""The golden messages, both ways and damaged: written they give the bytes, read they give the fields.

Damaged, cut or flipped in any bit, each is refused; with the checksum left aside it is either refused with an error
that says why, or still a message that can be read to the end.
"""

from typing import Any

import pytest

from libs.types.protocol.tests.golden_messages import Golden, read

GOLDEN = read()
SIZES = {
    "no-tlvs": 32,
    "coin-trade": 74,
    "quote-on-kraken": 90,
    "small-book": 2493,
    "swap-with-full-price": 242,
    "mint-below-zero": 242,
    "sync-of-reserves": 194,
    "three-reserves": 242,
    "gas-on-polygon": 66,
    "packed-signal": 204,
    "two-invalidated": 258,
    "trace-then-health": 116,
    "ask-again": 58,
    "trade-then-quote": 132,
    "vendor-bytes": 39,
}
golden_messages = pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden.name)
single_tlvs = [golden for golden in GOLDEN if len(golden.tlvs) == 1 and golden.tlvs[0].name is not None]


def plain(codec: Any, fields: dict[str, Any]) -> dict[str, Any]:
    """The fields as a constructor takes them: the elements of a vector as objects of their class."""
    elements = {"bids": "OrderLevel", "asks": "OrderLevel", "instruments": "InstrumentId"}
    return {
        key: [getattr(codec, elements[key])(**item) for item in value] if key in elements else value
        for key, value in fields.items()
    }


def read_all(message: Any) -> None:
    """Touch everything that a message gives."""
    assert bytes(message) and repr(message) and message.header.to_dict()
    for view in message:
        assert len(bytes(view.payload)) == len(view) and repr(view)
        if view.type in KNOWN:
            view.decode().to_dict()


KNOWN = {tlv.type for golden in GOLDEN for tlv in golden.tlvs if tlv.name}


def test_the_file_is_whole() -> None:
    assert {golden.name: len(golden.wire) for golden in GOLDEN} == SIZES


@golden_messages
def test_written(codec: Any, golden: Golden) -> None:
    header = {key: value for key, value in golden.header.items() if key != "checksum"}
    builder = codec.MessageBuilder(**header)
    for tlv in golden.tlvs:
        if tlv.name is None:
            builder.add_raw(tlv.type, tlv.payload)
        else:
            builder.add(getattr(codec, tlv.name)(**plain(codec, tlv.fields)))
    assert builder.size == len(golden.wire)
    assert builder.build() == golden.wire
    room = bytearray(len(golden.wire) + 9)
    assert builder.build_into(room, 7) == len(golden.wire)
    assert bytes(room) == bytes(7) + golden.wire + bytes(2)
    assert builder.build(signed=False) == golden.wire[:28] + bytes(4) + golden.wire[32:]


@golden_messages
def test_read(codec: Any, golden: Golden) -> None:
    message = codec.parse_message(golden.wire)
    expected = {"magic": 0xDEADBEEF, "version": 1, "payload_size": len(golden.wire) - 32, **golden.header}
    assert message.header.to_dict() == expected
    assert (message.relay_domain, message.source) == (golden.header["relay_domain"], golden.header["source"])
    assert (message.sequence, message.timestamp) == (golden.header["sequence"], golden.header["timestamp"])
    assert [(view.type, view.extended) for view in message] == [(tlv.type, tlv.extended) for tlv in golden.tlvs]
    assert (len(message), message.size, bytes(message)) == (len(golden.tlvs), len(golden.wire), golden.wire)
    for view, tlv in zip(message, golden.tlvs, strict=True):
        if tlv.name is None:
            assert bytes(view.payload) == tlv.payload
            with pytest.raises(codec.UnknownTLVType):
                view.decode()
            continue
        cls = getattr(codec, tlv.name)
        assert view.decode().to_dict() == tlv.fields
        assert view.decode() == message.get(cls) == cls(**plain(codec, tlv.fields))
        assert bytes(message.get(cls)) == bytes(view.payload)
        assert golden.wire[view.offset : view.offset + len(view)] == bytes(view.payload)


@pytest.mark.parametrize("golden", single_tlvs, ids=lambda golden: golden.name)
def test_written_by_an_encoder_and_read_by_a_decoder(codec: Any, golden: Golden) -> None:
    tlv = golden.tlvs[0]
    cls = getattr(codec, tlv.name or "")
    header = ["relay_domain", "source", "flags", "sequence", "timestamp"]
    paths = [*(f"header.{name}" for name in header), *tlv.fields]
    given = [golden.header[name] for name in header] + list(plain(codec, tlv.fields).values())
    assert codec.Encoder(cls, *paths)(*given) == golden.wire
    fixed = {name: golden.header[name] for name in header}
    assert codec.Encoder(cls, *tlv.fields, **fixed)(*given[5:]) == golden.wire
    values = [
        [tuple(item.values()) if isinstance(item, dict) else item for item in value]
        if isinstance(value, list)
        else value
        for value in tlv.fields.values()
    ]
    assert codec.Decoder(cls, *paths)(golden.wire) == (*(golden.header[name] for name in header), *values)
    assert codec.Decoder(cls, *tlv.fields)(bytearray(golden.wire)) == tuple(values)


@golden_messages
def test_every_truncation_is_refused(codec: Any, golden: Golden) -> None:
    for length in range(len(golden.wire)):
        with pytest.raises(codec.MessageTooSmall) as caught:
            codec.parse_message(golden.wire[:length])
        assert (caught.value.need, caught.value.got) == (32 if length < 32 else len(golden.wire), length)


@golden_messages
def test_every_shortened_payload_is_refused_or_read(codec: Any, golden: Golden) -> None:
    """The header announces what is there, so that the walk over the TLVs meets the end of the payload."""
    ends = {32}
    for tlv in codec.parse_message(golden.wire):
        ends.add(tlv.offset + len(tlv))
    for length in range(32, len(golden.wire)):
        short = golden.wire[:24] + (length - 32).to_bytes(4, "little") + golden.wire[28:length]
        with pytest.raises(codec.ChecksumMismatch):
            codec.parse_message(short)
        if length in ends:
            read_all(codec.parse_message(short, checksum=False))
        else:
            with pytest.raises(codec.TruncatedTLV):
                codec.parse_message(short, checksum=False)


@golden_messages
def test_every_flipped_bit_is_refused_or_explained(codec: Any, golden: Golden) -> None:
    skip = codec.ChecksumPolicy.SKIP
    accepted = 0
    for bit in range(8 * len(golden.wire)):
        damaged = bytearray(golden.wire)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(codec.RemoteProtocolError) as caught:
            codec.parse_message(damaged)
        assert str(caught.value)
        try:
            message = codec.parse_message(damaged, checksum=skip)
        except codec.RemoteProtocolError as error:
            assert str(error) and bit // 8 not in range(7, 24), "flags, sequence and timestamp may be anything"
        else:
            read_all(message)
            accepted += 1
    assert accepted >= 8 * 21
