"""What a sender may not say, and what a builder and an encoder do with it; and vectors that are being filled."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from libs.types.protocol.testing import frame, message
from libs.types.protocol.tests.expected import BOOK_PAYLOAD, GOLDEN, TRADE, TRADE_PAYLOAD, builder_of, refused
from libs.types.protocol.tests.vendor import declare


@pytest.mark.parametrize(
    ("field", "value", "low", "high"),
    [
        ("relay_domain", 0, 1, 4),
        ("relay_domain", 5, 1, 4),
        ("relay_domain", 256, 0, 255),
        ("relay_domain", -1, 0, 255),
        ("source", 0, 1, 82),
        ("source", 24, 1, 82),
        ("source", 2**64, 0, 255),
        ("flags", 256, 0, 255),
        ("flags", -1, 0, 255),
        ("sequence", -1, 0, 2**64 - 1),
        ("sequence", 2**64, 0, 2**64 - 1),
        ("timestamp", 2**64, 0, 2**64 - 1),
        ("timestamp", -1, 0, 2**64 - 1),
    ],
)
def test_what_a_sender_may_not_say(codec: Any, field: str, value: int, low: int, high: int) -> None:
    good = {"relay_domain": 1, "source": 2, "sequence": 3, "timestamp": 4, "flags": 0}
    fields = {"field": field, "value": value, "low": low, "high": high}
    refused(codec, "FieldRange", fields, lambda: codec.MessageBuilder(**{**good, field: value}))
    if field in ("sequence", "timestamp"):
        builder = codec.MessageBuilder(**good).add_raw(9, b"kept")
        before = builder.build()
        refused(codec, "FieldRange", fields, lambda: builder.restart(**{"sequence": 5, field: value}))
        assert builder.build() == before
    refused(codec, "FieldRange", fields, lambda: codec.Encoder(codec.TradeTLV, **{**good, field: value}))
    rest = {name: number for name, number in good.items() if name != field}
    encoder = codec.Encoder(codec.TradeTLV, f"header.{field}", **rest)
    refused(codec, "FieldRange", fields, lambda: encoder(value))
    for wrong in ("1", 1.0, None, [1]):
        if not (field == "timestamp" and wrong is None):
            with pytest.raises(TypeError):
                codec.MessageBuilder(**{**good, field: wrong})
        with pytest.raises(TypeError):
            encoder(wrong)


BUILDING: dict[str, tuple[Callable[[Any, Any], Any], str, dict[str, Any]]] = {
    "type 255": (lambda c, b: b.add_raw(255, b""), "InvalidTLVType", {"tlv_type": 255}),
    "type -1": (lambda c, b: b.add_raw(-1, b""), "InvalidTLVType", {"tlv_type": -1}),
    "type 256": (lambda c, b: b.add_raw(256, b""), "InvalidTLVType", {"tlv_type": 256}),
    "type beyond 64 bits": (lambda c, b: b.add_raw(2**70, b""), "FieldRange", {"field": "tlv_type", "value": 2**70}),
    "65536 bytes": (lambda c, b: b.add_raw(9, bytes(65_536)), "PayloadTooLarge", {"size": 65_536, "limit": 65_535,
        "tlv_type": 9, "recommendation": "split the data over several TLVs"}),
    "a megabyte": (lambda c, b: b.add_raw(9, bytes(2**20)), "PayloadTooLarge",
        {"recommendation": "check the length: it looks like a number that was never a size"}),
    "type before size": (lambda c, b: b.add_raw(255, bytes(70_000)), "InvalidTLVType", {"tlv_type": 255}),
    "trade of another size": (lambda c, b: b.add_raw(1, bytes(39)), "FieldRange",
        {"field": "len(payload of TradeTLV)", "value": 39, "low": 40, "high": 40}),
    "below the bounds": (lambda c, b: b.add_raw(30, bytes(23)), "FieldRange", {"low": 24, "high": 512}),
    "above the bounds": (lambda c, b: b.add_raw(30, bytes(513)), "FieldRange", {"value": 513}),
    "snapshot too large": (lambda c, b: b.add(c.SnapshotTLV(sequence=1, timestamp=2, snapshot_id=3, checksum=4,
        uncompressed_size=5, data=bytes(65_504))), "PayloadTooLarge", {"size": 65_536, "tlv_type": 101}),
    "no room": (lambda c, b: b.build_into(bytearray(31)), "FieldRange", {"field": "offset", "value": 0, "high": -1}),
    "no room behind the offset": (lambda c, b: b.build_into(bytearray(40), 9), "FieldRange", {"value": 9, "high": 8}),
    "negative offset": (lambda c, b: b.build_into(bytearray(40), -1), "FieldRange", {"value": -1}),
    "offset beyond 64 bits": (lambda c, b: b.build_into(bytearray(40), 2**70), "FieldRange", {"value": 2**70}),
}  # fmt: skip


@pytest.mark.parametrize("case", BUILDING)
def test_what_is_not_built(codec: Any, case: str) -> None:
    call, error, fields = BUILDING[case]
    builder = builder_of(codec)
    raised = refused(codec, error, fields, lambda: call(codec, builder))
    assert isinstance(raised, codec.LocalProtocolError)
    assert builder.build() == message(source=2, sequence=3, timestamp=4), "nothing of it stays"


def test_what_a_builder_does_not_take(codec: Any) -> None:
    builder = builder_of(codec)
    level = codec.OrderLevel(price=1, size=2)
    for wrong in (5, b"bytes", None, level, codec.TradeTLV, codec.parse_message(TRADE)):
        with pytest.raises(TypeError):
            builder.add(wrong)
    for number, payload in [("1", b""), (1.0, b""), (None, b""), (9, "text"), (9, 5), (9, None)]:
        with pytest.raises(TypeError):
            builder.add_raw(number, payload)
    for target in (bytes(40), memoryview(bytes(40)), "text", 5):
        with pytest.raises(TypeError):
            builder.build_into(target)
    with pytest.raises(BufferError):
        builder.build_into(memoryview(bytearray(100))[::2])
    with pytest.raises(TypeError):
        codec.MessageBuilder(1, 2, 3)
    assert builder.size == 32


def test_a_message_is_never_larger_than_readers_take(codec: Any) -> None:
    builder = builder_of(codec)
    for _ in range(15):
        builder.add_raw(9, bytes(65_535))
    builder.add_raw(9, bytes(65_000))
    room = 1_048_576 - builder.size
    refused(codec, "PayloadTooLarge", {"size": room, "limit": room - 5}, lambda: builder.add_raw(9, bytes(room)))
    builder.add_raw(9, bytes(room - 5))
    assert builder.size == 1_048_576 and codec.parse_message(builder.build()).size == 1_048_576
    refused(codec, "PayloadTooLarge", {"limit": 0}, lambda: builder.add_raw(9, b""))


@pytest.mark.parametrize("size", [0, 1, 254, 255, 256, 65_535])
def test_the_size_decides_the_frame(codec: Any, size: int) -> None:
    extended = size > 255
    wire = builder_of(codec).add_raw(9, bytes(size)).build()
    assert wire == message(frame(9, bytes(size), extended=extended), source=2, sequence=3, timestamp=4)
    assert [view.extended for view in codec.parse_message(wire)] == [extended]


def test_a_builder_can_be_used_again(codec: Any) -> None:
    builder = codec.MessageBuilder(relay_domain=1, source=2, sequence=3, timestamp=4, flags=0x90)
    trade = codec.TradeTLV.from_buffer(TRADE, 34)
    first = builder.add(trade).add_raw(9, memoryview(b"bytes")).build()
    assert first == message(frame(1, TRADE_PAYLOAD) + frame(9, b"bytes"), sequence=3, timestamp=4, flags=0x90)
    assert builder.build() == first
    second = builder.restart(sequence=4, timestamp=5).add(trade).build()
    assert second == message(frame(1, TRADE_PAYLOAD), sequence=4, timestamp=5, flags=0x90)
    room = memoryview(bytearray(len(second) * 4)).cast("I")
    assert builder.build_into(room, 4) == len(second) and bytes(room)[4 : 4 + len(second)] == second


def test_the_time_is_now_where_none_is_given(codec: Any) -> None:
    before = time.time_ns()
    stamp = codec.parse_message(codec.MessageBuilder(relay_domain=1, source=2, sequence=3).build()).timestamp
    assert before - 10**9 <= stamp <= time.time_ns() + 10**9


# Encoders and decoders.


ENCODERS: dict[str, tuple[list[str], dict[str, Any], str]] = {
    "no such field": (["prize"], {}, "no field 'prize'"),
    "no such header field": (["header.price"], {}, "the header has no field 'price'"),
    "twice": (["price", "price"], {}, "the same bytes"),
    "group and its field": (["instrument", "venue_id"], {}, "the same bytes"),
    "not to set": (["header.checksum"], {}, "not for the caller"),
    "magic": (["header.magic"], {}, "not for the caller"),
    "fixed and a path": (["header.sequence"], {"sequence": 1}, "fixed and a path"),
    "no header field": (["price"], {"price": 1}, "no header field to fix"),
    "no domain": (["price"], {"relay_domain": None}, "relay_domain is missing"),
    "no vector": (["price[0]"], {}, "is no vector"),
    "inside of a number": (["price.count"], {}, "nothing called count"),
    "empty": ([""], {}, "no field ''"),
}


@pytest.mark.parametrize("case", ENCODERS)
def test_paths_of_an_encoder(codec: Any, case: str) -> None:
    paths, fixed, words = ENCODERS[case]
    options = {name: value for name, value in {"relay_domain": 1, "source": 2, **fixed}.items() if value is not None}
    with pytest.raises(ValueError, match=words):
        codec.Encoder(codec.TradeTLV, *paths, **options)


@pytest.mark.parametrize(
    "path", ["bids[50]", "bids[0].prize", "bids.size", "bids[-1]", "bids[x]", "header.", "bids.count.x"]
)
def test_paths_of_a_decoder(codec: Any, path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        codec.Decoder(codec.OrderBookTLV, path)


def test_an_encoder_writes_what_a_builder_writes(codec: Any) -> None:
    vendor = declare(codec)
    point, wide = vendor.Point(x=1, mark=2), vendor.Wide(tag=b"t" * 20, amount=3)
    shape = vendor.ShapeTLV(first=point, middle=wide, last=point)
    encode = codec.Encoder(
        vendor.ShapeTLV, "first", "middle", "last", relay_domain=1, source=2, sequence=3, timestamp=4
    )
    assert encode(bytes(point), bytes(wide), bytes(point)) == builder_of(codec).add(shape).build()
    inner = codec.Encoder(vendor.ShapeTLV, "first.x", "middle.amount", "tag", relay_domain=1, source=2)
    parsed = codec.parse_message(inner(-9, 2**100, bytearray(b"12345678"))).get(vendor.ShapeTLV)
    assert (parsed.first.x, parsed.middle.amount, parsed.tag, parsed.flag) == (-9, 2**100, b"12345678", 3)
    path = codec.Encoder(vendor.PathTLV, "points", relay_domain=1, source=2)
    parsed = codec.parse_message(path(iter([(1, 2, 3), point]))).get(vendor.PathTLV)
    assert list(parsed.steps) == [1, 2] and parsed.points.to_tuples() == [(1, 2, 3), (1, 2, -1)]


def test_an_encoder_explains_what_was_given(codec: Any) -> None:
    """Not what became of it on the way."""
    fixed = {"relay_domain": 1, "source": 2}
    book = codec.Encoder(codec.OrderBookTLV, "bids", "asks", "header.sequence", **fixed)
    level = (1, 2, 3)
    refused(codec, "FieldRange", {"field": "sequence", "value": -1}, lambda: book([level], [level], -1))
    refused(
        codec, "FieldRange", {"field": "asks[1].size"}, lambda: book(iter([level]), iter([level, (1, 2**63, 3)]), 1)
    )
    refused(codec, "CapacityExceeded", {"field": "bids", "attempted": 51}, lambda: book(iter([level] * 51), [], 1))
    swap = codec.Encoder(codec.PoolSwapTLV, "amount_in", "pool_address", "tick_after", **fixed)
    refused(codec, "FieldRange", {"field": "tick_after"}, lambda: swap(1, bytes(20), 2**31))
    refused(codec, "FieldRange", {"field": "amount_in"}, lambda: swap(-1, bytes(20), 0))
    refused(codec, "FieldRange", {"field": "len(pool_address)", "value": 21}, lambda: swap(1, bytes(21), 0))
    trade = codec.Encoder(codec.TradeTLV, "instrument", "price", **fixed)
    refused(codec, "FieldRange", {"field": "len(instrument)", "value": 11}, lambda: trade(bytes(11), 1))
    for wrong in [(bytes(12),), (bytes(12), 1, 2), (), (5, 1), (bytes(12), "1"), ("text", 1)]:
        with pytest.raises(TypeError):
            trade(*wrong)


def test_a_bound_method_is_the_same_call(codec: Any) -> None:
    encoder = codec.Encoder(codec.TradeTLV, "instrument", "price", relay_domain=1, source=2)
    book = codec.Encoder(codec.OrderBookTLV, "bids", relay_domain=1, source=2)  # not made of parts
    encode, wire = encoder.encode, encoder(bytes(12), 5)
    assert encode(bytes(12), 5) == wire and book.encode([(1, 2, 3)]) == book([(1, 2, 3)])
    refused(codec, "FieldRange", {"field": "price"}, lambda: encode(bytes(12), 2**63))
    decode = codec.Decoder(codec.TradeTLV, "price").decode
    del encoder  # what is bound keeps it
    assert decode(wire) == decode(b"ab" + wire, 2) == (5,) and encode(bytes(12), 6) != wire
    assert decode(b"ab" + wire, offset=2) == decode(buf=wire) == (5,)
    refused(codec, "ChecksumMismatch", {}, lambda: decode(wire[:-1] + b"x"))
    for call in (encode, codec.Encoder(codec.TradeTLV, "price", relay_domain=1, source=2)):
        with pytest.raises(TypeError):
            call(v0=bytes(12), v1=5)  # values go by place: their names are nobody's business
    for values in [(), (bytes(12),), (bytes(12), 1, 2), (5, 1)]:
        with pytest.raises(TypeError):
            encode(*values)
    for given in [(), (wire, 0, 0), (5,), (wire, "0")]:
        with pytest.raises(TypeError):
            decode(*given)


def test_an_encoder_takes_no_tail(codec: Any) -> None:
    with pytest.raises(ValueError, match="MessageBuilder"):
        codec.Encoder(codec.SnapshotTLV, relay_domain=1, source=2)


def test_a_decoder_reads_places(codec: Any) -> None:
    wire = GOLDEN["small-book"]
    paths = [
        "header.sequence",
        "bids.count",
        "bids[0].price",
        "bids[1]",
        "bids[2].price",
        "asks[49]",
        "asks",
        "header.source",
    ]
    level = BOOK_PAYLOAD[48 + 24 : 48 + 48]
    asks = [(4512400000000, 25000000, 1), (4512500000000, 80000000, 4)]
    expected = (44, 2, 4512300000000, level, None, None, asks, 3)
    assert codec.Decoder(codec.OrderBookTLV, *paths)(wire) == expected
    assert codec.Decoder(codec.OrderBookTLV, *paths)(b"ab" + wire, 2) == expected
    assert codec.Decoder(codec.TradeTLV, "price")(wire) is None
    assert codec.Decoder(codec.TradeTLV, "price", "price")(TRADE) == (4512350000000, 4512350000000)
    both = message(frame(9, b"") + frame(1, TRADE_PAYLOAD, extended=True) + frame(1, bytes(40)))
    assert codec.Decoder(codec.TradeTLV, "price")(both) == (4512350000000,)
    entry = message(frame(200, bytes(range(88))))
    assert codec.Decoder(codec.PoolInfoTLV, "pool_address")(entry) == (bytes(range(28, 48)),)
    snapshot = message(frame(101, bytes(32) + b"data"))
    assert codec.Decoder(codec.SnapshotTLV, "data", "sequence")(snapshot) == (b"data", 0)


# Vectors.


def test_a_vector_says_what_is_wrong(codec: Any) -> None:
    vector = codec.FixedVec(codec.OrderLevel, 2, [(5, 1, 0)])
    vector.push((4, 1, 0))
    refused(codec, "CapacityExceeded", {"max_capacity": 2, "attempted": 3}, lambda: vector.append((3, 1, 0)))
    refused(codec, "CapacityExceeded", {"attempted": 5}, lambda: vector.extend([(3, 1, 0)] * 3))
    vector.clear()
    assert len(vector) == 0 and bytes(vector._memory()) == bytes(56)
    refused(codec, "FieldRange", {"value": -1, "high": 2**32 - 1}, lambda: vector.append((3, 1, -1)))
    book = codec.parse_message(GOLDEN["small-book"]).get(codec.OrderBookTLV)
    changes: list[tuple[str, tuple[Any, ...]]] = [
        ("append", ((1, 2, 3),)),
        ("clear", ()),
        ("insert", (0, (1, 2, 3))),
        ("extend", ([],)),
    ]
    for change, arguments in changes:
        with pytest.raises(TypeError, match="read-only"):
            getattr(book.bids, change)(*arguments)
    assert book.bids.as_memoryview().readonly and len(book.bids.as_memoryview()) == 48
    for wrong in (int, "U8", codec.OrderLevel(price=1, size=2), codec.SnapshotTLV, codec.Bytes8, None):
        with pytest.raises(TypeError):
            codec.FixedVec(wrong, 3)
    for capacity in (0, -1, 65_536):
        with pytest.raises(ValueError, match="room for"):
            codec.FixedVec(codec.U8, capacity)
    with pytest.raises(TypeError):
        hash(vector)


def test_a_vector_is_a_sequence(codec: Any) -> None:
    vector = codec.FixedVec(codec.U16, 9, [3, 1, 2, 1])
    assert (vector[0], vector[-1], vector[1:3], vector[::-2]) == (3, 1, [1, 2], [1, 1])
    assert 2 in vector and 9 not in vector and vector.index(1) == 1 and vector.count(1) == 2
    assert (
        list(reversed(vector)) == [1, 2, 1, 3] and vector == [3, 1, 2, 1] == vector.to_list() and vector == (3, 1, 2, 1)
    )
    assert vector != [3, 1, 2] and vector != codec.FixedVec(codec.U16, 9) and vector != 5
    assert vector == codec.FixedVec(codec.U16, 20, vector)
    for index in (4, -5, 2**70):
        with pytest.raises(IndexError):
            vector[index]
    with pytest.raises((TypeError, AttributeError)):
        vector["0"]


def test_sorted_insertion(codec: Any) -> None:
    bids = codec.FixedVec(codec.OrderLevel, 50)
    for price, count in [(5, 1), (9, 2), (7, 3), (9, 4), (5, 5), (1, 6)]:
        bids.insert_sorted(codec.OrderLevel(price=price, size=1, order_count=count), key=lambda each: each.price,
                           descending=True)  # fmt: skip
    assert [(level.price, level.order_count) for level in bids] == [(9, 2), (9, 4), (7, 3), (5, 1), (5, 5), (1, 6)]
