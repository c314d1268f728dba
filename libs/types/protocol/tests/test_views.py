"""Structs as values and as views: comparison, matching, pickling, immutability, and how long a buffer lives."""

import contextlib
import gc
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import libs.types.protocol
from libs.types.protocol.testing import frame, message
from libs.types.protocol.tests.shapes import book, trade
from libs.types.protocol.tests.vendor import declare


@pytest.fixture
def vendor(codec: Any) -> Any:
    return declare(codec)


# Comparison.


def test_padding_is_ignored(codec: Any) -> None:
    raw = bytearray(bytes(trade(codec)))
    raw[37:40] = b"xyz"
    view = codec.TradeTLV.from_buffer(raw)
    assert view == trade(codec) and hash(view) == hash(trade(codec))
    assert bytes(view) == bytes(raw), "what came from a peer is passed on as it came"
    assert bytes(view.replace()) == bytes(trade(codec)), "what is written anew has zeros"
    raw[36] ^= 1
    assert view != trade(codec)


def test_unused_slots_and_padding_of_elements_are_ignored(codec: Any) -> None:
    made = book(codec, bids=[(5, 6, 7), (4, 3, 2)])
    raw = bytearray(bytes(made))
    raw[36:40] = b"\xff" * 4
    raw[42:48] = b"\xff" * 6  # after the count
    raw[68:72] = b"\xff" * 4  # after the first level's count of orders
    raw[96:1248] = b"\xff" * 1152  # the slots that are not used
    view = codec.OrderBookTLV.from_buffer(raw)
    assert view == made and hash(view) == hash(made)
    for again in (view.replace(), made.replace(bids=view.bids), made.replace(bids=list(view.bids))):
        assert bytes(again) == bytes(made)
    assert view.bids == made.bids and list(view.bids) == list(made.bids)
    raw[48] ^= 1
    assert view != made


def test_padding_of_inner_structs_is_ignored(codec: Any, vendor: Any) -> None:
    point = vendor.Point(x=1, mark=2)
    wide = vendor.Wide(tag=b"t" * 20, amount=3)
    made = vendor.ShapeTLV(first=point, middle=wide, last=point)
    raw = bytearray(bytes(made))
    for at in [3, 83, *range(17, 32), *range(52, 64), *range(88, 96)]:
        raw[at] = 0xEE
    view = vendor.ShapeTLV.from_buffer(raw)
    assert view == made and hash(view) == hash(made)
    assert view.first == point and hash(view.first) == hash(point) and view.middle == wide
    assert bytes(view.replace()) == bytes(made) == bytes(made.replace(first=view.first, middle=view.middle))
    address = bytearray(bytes(codec.PoolTickTLV.from_buffer(bytes(64))))
    address[50:64] = b"\xee" * 14
    assert codec.PoolTickTLV.from_buffer(address) == codec.PoolTickTLV.from_buffer(bytes(64))


def test_a_vector_that_a_writer_must_not_leave_empty_can_be_read_and_compared(codec: Any) -> None:
    raw = bytearray(208)
    one, other = codec.PoolLiquidityTLV.from_buffer(bytes(raw)), codec.PoolLiquidityTLV.from_buffer(raw)
    raw[8] = 1
    assert one == other and hash(one) == hash(other)
    raw[0] = 1
    assert one != other


def test_structs_of_other_classes_differ(codec: Any) -> None:
    mint = codec.PoolMintTLV.from_buffer(bytes(208))
    burn = codec.PoolBurnTLV.from_buffer(bytes(208))
    assert mint != burn and mint != bytes(208) and (mint == 0) is False
    assert len({trade(codec), trade(codec), trade(codec, price=1)}) == 2


def test_pattern_matching(codec: Any) -> None:
    TradeTLV: Any = codec.TradeTLV
    match trade(codec, price=12):
        case TradeTLV(asset_id, price=12):
            assert asset_id == 1
        case _:
            raise AssertionError
    assert TradeTLV.__match_args__[:2] == ("asset_id", "price")


def test_pickle() -> None:
    shown = libs.types.protocol.OrderBookTLV(
        timestamp_ns=1, sequence=2, asset_id=3, venue_id=4, asset_type=5, bids=[(7, 8, 9)], asks=()
    )
    note = libs.types.protocol.SnapshotTLV(
        sequence=1, timestamp=2, snapshot_id=3, checksum=4, uncompressed_size=5, data=b"data"
    )
    for made in (shown, note, libs.types.protocol.OrderBookTLV.from_buffer(b"12" + bytes(shown), 2)):
        for level in range(2, pickle.HIGHEST_PROTOCOL + 1):
            assert pickle.loads(pickle.dumps(made, level)) == made


def test_repr_names_every_field(codec: Any) -> None:
    assert repr(codec.OrderLevel(price=1, size=-2)) == "OrderLevel(price=1, size=-2, order_count=0)"
    text = repr(book(codec, bids=[(1, 2, 3)]))
    assert "bids=FixedVec([OrderLevel(price=1, size=2, order_count=3)], capacity=50)" in text


# Immutability, views, lifetime.


def test_nothing_can_be_assigned(codec: Any) -> None:
    made = trade(codec)
    with pytest.raises(AttributeError, match="immutable"):
        made.price = 3
    for name in ("price", "instrument", "nothing", "TYPE", "SIZE"):
        with pytest.raises(AttributeError):
            setattr(made, name, 3)
    with pytest.raises(AttributeError):
        del made.price
    assert made == trade(codec) and not hasattr(made, "__dict__")


def test_a_view_reads_what_its_buffer_holds(codec: Any) -> None:
    raw = bytearray(bytes(trade(codec)))
    view, owned = codec.TradeTLV.from_buffer(raw), codec.TradeTLV.from_buffer(raw).copy()
    raw[8] ^= 0xFF
    assert view.price != owned.price == -5


def test_a_view_keeps_its_buffer(codec: Any) -> None:
    class Raw(bytearray):
        pass

    raw = Raw(bytes(book(codec, bids=[(1, 2, 3)])))
    alive = weakref.ref(raw)
    view = codec.OrderBookTLV.from_buffer(raw)
    level, side = view.bids[0], view.bids
    del raw
    gc.collect()
    assert alive() is not None and view.sequence == 2
    del view
    gc.collect()
    assert alive() is not None and level.price == 1 and len(side) == 1
    del level, side
    gc.collect()
    assert alive() is None


def test_a_viewed_bytearray_keeps_its_size(codec: Any) -> None:
    raw = bytearray(message(frame(1, bytes(trade(codec)))))
    makers: list[Callable[[], Any]] = [
        lambda: codec.TradeTLV.from_buffer(raw, 34),
        lambda: codec.parse_message(raw),
        lambda: codec.parse_message(raw).get(codec.TradeTLV),
        lambda: next(iter(codec.parse_message(raw))).payload,
    ]
    for make_view in makers:
        view = make_view()
        with pytest.raises(BufferError):
            raw.extend(b"more")
        del view
        gc.collect()
    raw.extend(b"more")


def test_a_released_memoryview_does_no_harm(codec: Any) -> None:
    given = memoryview(bytearray(bytes(trade(codec))))
    view = codec.TradeTLV.from_buffer(given)
    with contextlib.suppress(BufferError):  # refusing is an answer too
        given.release()
    assert view.price == -5


def test_an_offset_outside_of_the_buffer(codec: Any) -> None:
    for offset in (-1, 41, 2**70, -(2**70)):
        with pytest.raises(codec.FieldRange) as caught:
            codec.TradeTLV.from_buffer(bytes(40), offset)
        assert caught.value.details() == {"field": "offset", "value": offset, "low": 0, "high": 40}
    with pytest.raises(codec.MessageTooSmall) as short:
        codec.TradeTLV.from_buffer(bytes(40), 1)
    assert (short.value.need, short.value.got, short.value.context) == (40, 39, "TradeTLV")
    with pytest.raises(TypeError):
        codec.TradeTLV.from_buffer("text")


def test_what_declares_nothing_makes_nothing(codec: Any) -> None:
    for cls in (codec.Struct, codec.TLV):
        with pytest.raises(TypeError):
            cls()
        with pytest.raises(TypeError):
            cls.from_buffer(bytes(10))
    empty = codec.parse_message(message(frame(0, b"")))
    for wrong in (codec.TLV, codec.Struct, codec.OrderLevel, int, 5):
        with pytest.raises(TypeError):
            empty.get(wrong)
        with pytest.raises(TypeError):
            empty.get_all(wrong)
