"""Defects that the fuzzer has found, each with the smallest input that shows it, on both implementations.

Most of them were in the compiled codec only; what they did is said where it is not plain.  A read outside of the memory
need not fail here, but does under AddressSanitizer (docs/fuzzing.md).
"""

# The base classes come from whichever load of the package is asked for, and no type checker can follow that.
# mypy: disable-error-code="misc, call-arg"
# pyright: reportInvalidTypeForm=false, reportGeneralTypeIssues=false, reportCallIssue=false

import gc
from contextlib import suppress
from types import SimpleNamespace
from typing import Annotated, Any

import pytest

HUGE = 2**70
_declared: dict[str, Any] = {}


@pytest.fixture
def odd(codec: Any) -> Any:
    """Structs in vectors in structs; none of them is in the table of types."""
    found = _declared.get(codec.__name__)
    if found is not None:
        return found

    shown: Any = Annotated[codec.HeaderFlags, codec.U8.__metadata__[0]]

    class Pair(codec.Struct):
        first: codec.U8
        second: codec.U32

    class Nested(codec.Struct):
        pair: Pair
        number: codec.U8

    class Flagged(codec.Struct):
        flags: shown

    class Deep(codec.Struct):
        few: codec.Vec[int] = codec.vec(codec.U64, 2)

    class OfNested(codec.TLV, type=230, registered=False):
        items: codec.Vec[Nested] = codec.vec(Nested, 2)

    class OfFlagged(codec.TLV, type=230, registered=False):
        items: codec.Vec[Flagged] = codec.vec(Flagged, 2)

    class OfDeep(codec.TLV, type=230, registered=False):
        deep: Deep

    class Noted(codec.TLV, type=230, registered=False):
        number: codec.U8
        text: codec.Tail

    named = [Pair, Nested, Flagged, Deep, OfNested, OfFlagged, OfDeep, Noted]
    found = _declared[codec.__name__] = SimpleNamespace(**{cls.__name__: cls for cls in named})
    return found


def message(codec: Any, *tlvs: Any) -> bytes:
    builder = codec.MessageBuilder(relay_domain=1, source=2, sequence=3, timestamp=4)
    for tlv in tlvs:
        builder.add(tlv)
    made: bytes = builder.build()
    return made


def trade(codec: Any) -> Any:
    return codec.TradeTLV(asset_id=1, price=2, volume=3, timestamp_ns=4, venue_id=5, asset_type=6, side=1)


def test_structs_in_the_elements_of_a_vector(codec: Any, odd: Any) -> None:
    """Gave views without an owner: a crash."""
    items = [odd.Nested(pair=odd.Pair(first=1, second=2), number=3)]
    vector = odd.OfNested(items=items).items
    ((pair, number),) = vector.to_tuples()
    assert (pair.first, pair.second, number) == (1, 2, 3)
    wire = bytearray(message(codec, odd.OfNested(items=items)))
    for buffer in (bytes(wire), wire):
        ((pair, number),) = codec.Decoder(odd.OfNested)(buffer)[0]
        assert (pair.first, pair.second, number) == (1, 2, 3)


def test_enums_in_the_elements_of_a_vector_are_plain(codec: Any, odd: Any) -> None:
    ((flags,),) = odd.OfFlagged(items=[odd.Flagged(flags=3)]).items.to_tuples()
    assert type(flags) is int and flags == 3


def test_a_decoder_compares_the_count_of_a_vector_inside_of_a_struct(codec: Any, odd: Any) -> None:
    """Read as many elements as the message said, outside of the memory."""
    wire = bytearray(message(codec, odd.OfDeep(deep=odd.Deep(few=[7]))))
    decoder = codec.Decoder(odd.OfDeep, "deep.few", checksum=False)
    assert decoder(wire) == ([7],)
    wire[34:36] = b"\xff\xff"
    with pytest.raises(codec.InvalidPayload, match="counts 65535 elements"):
        decoder(wire)


def test_a_decoder_reads_memory_that_a_finalizer_changes(codec: Any) -> None:
    """Making the result can run a finalizer, after the counts were compared."""
    book = codec.OrderBookTLV(timestamp_ns=1, sequence=2, asset_id=3, venue_id=4, asset_type=5, bids=[(1, 2, 3)])
    wire = bytearray(message(codec, book))
    count = 32 + 5 + codec.OrderBookTLV.layout()["bids"].offset

    class Changes:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            wire[count : count + 2] = b"\xff\xff"

    decoder = codec.Decoder(codec.OrderBookTLV, "bids", checksum=False)
    before = gc.get_threshold()
    gc.collect()
    Changes()
    gc.set_threshold(1)
    try:
        assert decoder(wire) == ([(1, 2, 3)],)
    except codec.InvalidPayload:
        pass
    finally:
        gc.set_threshold(*before)
        gc.collect()


def test_an_unregistered_class_is_explained(codec: Any, odd: Any) -> None:
    """Was an AttributeError; and the place of a wrong count was counted from the payload."""
    builder = codec.MessageBuilder(relay_domain=1, source=2, sequence=3, timestamp=4)
    short = builder.add_raw(230, b"\1").build()
    with pytest.raises(codec.PayloadSizeMismatch) as caught:
        codec.Decoder(odd.OfNested)(short)
    assert caught.value.details()["offset"] == 34
    wrong = builder.restart(sequence=4).add_raw(230, b"\xff" * odd.OfNested.SIZE).build()
    for read in (codec.Decoder(odd.OfNested), lambda wire: codec.parse_message(wire).get(odd.OfNested)):
        with pytest.raises(codec.InvalidPayload) as refused:
            read(wrong)
        assert refused.value.details()["offset"] == 34


def test_frames_that_no_longer_fit_are_truncated(codec: Any) -> None:
    """Was a SystemError where the header had changed to a size that fits again."""
    wire = bytearray(message(codec, trade(codec)))
    view = codec.parse_message(wire)
    wire[33] = 255
    wire[24:28] = bytes(4)
    for read in (list, len, repr, lambda view: view.get(codec.QuoteTLV), lambda view: view.find(3)):
        with pytest.raises(codec.TruncatedTLV):
            read(view)


@pytest.mark.parametrize("offset", [HUGE, -HUGE, -1, 1000])
def test_offsets_of_any_size(codec: Any, offset: int) -> None:
    """Were an OverflowError above 63 bits."""
    wire = message(codec)
    builder = codec.MessageBuilder(relay_domain=1, source=2, sequence=3)
    calls: list[Any] = [
        lambda: codec.parse_message(wire, offset),
        lambda: codec.MessageHeader.from_buffer(wire, offset),
        lambda: codec.Decoder(codec.TradeTLV)(wire, offset),
        lambda: builder.build_into(bytearray(32), offset),
    ]
    for call in calls:
        with pytest.raises(codec.FieldRange) as caught:
            call()
        assert caught.value.details()["value"] == offset


def test_an_offset_is_looked_at_before_the_policy(codec: Any) -> None:
    with pytest.raises(codec.FieldRange):
        codec.parse_message(b"", 1, checksum=None)


def test_arguments_by_name(codec: Any) -> None:
    builder = codec.MessageBuilder(relay_domain=1, source=2, sequence=3, timestamp=4)
    target = bytearray(40)
    assert builder.build_into(target, offset=8, signed=False) == 32
    assert builder.build_into(buf=target, offset=8) == 32
    assert codec.parse_message(target, offset=8).sequence == 3
    assert codec.MessageHeader.from_buffer(buf=target, offset=8).sequence == 3
    assert codec.MessageHeader.from_buffer(offset=8, buf=target).sequence == 3
    calls: list[Any] = [
        lambda: codec.MessageHeader.from_buffer(target, offset_of=8),
        lambda: codec.MessageHeader.from_buffer(target, 8, offset=8),
        lambda: codec.MessageHeader.from_buffer(offset=8),
        lambda: builder.build_into(target, 8, offset=8),
        lambda: builder.build_into(offset=8),
        lambda: builder.build(True),
        lambda: codec.parse_message(target, buf=target),
        lambda: codec.parse_message(),
    ]
    for call in calls:
        with pytest.raises(TypeError):
            call()


def test_find_takes_any_number(codec: Any) -> None:
    assert codec.parse_message(message(codec, trade(codec))).find(HUGE) is None


def test_a_payload_with_gaps_is_copied(codec: Any) -> None:
    builder = codec.MessageBuilder(relay_domain=1, source=2, sequence=3)
    builder.add_raw(254, memoryview(b"abcd")[::2])
    (tlv,) = codec.parse_message(builder.build())
    assert bytes(tlv.payload) == b"ac"


def test_an_index_is_an_int(codec: Any) -> None:
    """Was an AttributeError in the Python codec."""
    with pytest.raises(TypeError):
        codec.FixedVec(codec.U8, 1)["x"]


def test_slices_backwards(codec: Any) -> None:
    """Read outside of the memory when it was compiled with clang: arguments were made in another order than gcc's."""
    vector = codec.FixedVec(codec.I16, 4, [1, 2, 3])
    assert vector[::-1] == [3, 2, 1] and vector[:-9:-2] == [3, 1] and vector[9::-2] == [3, 1] and vector[-9:2] == [1, 2]


def test_an_index_that_changes_the_count(codec: Any) -> None:
    vector = codec.FixedVec(codec.U8, 4, [1, 2, 3])

    class Clears:
        def __index__(self) -> int:
            vector.clear()
            return 1

    with pytest.raises(IndexError):
        vector[Clears()]


def test_a_huge_index_in_a_vector_whose_count_has_become_wrong(codec: Any) -> None:
    """Was an IndexError, in the compiled codec only."""
    wire = bytearray(bytes(codec.OrderBookTLV(timestamp_ns=1, sequence=2, asset_id=3, venue_id=4, asset_type=5)))
    book = codec.OrderBookTLV.from_buffer(wire)
    bids, count = book.bids, codec.OrderBookTLV.layout()["bids"].offset
    with pytest.raises(IndexError, match=str(HUGE)):
        bids[HUGE]
    wire[count : count + 2] = b"\xff\xff"
    for read in (bids.__getitem__, book.bid_price):
        with pytest.raises(codec.InvalidPayload):
            read(HUGE)


def test_bytes_that_add_up_to_something_else(codec: Any, odd: Any) -> None:
    """The compiled codec took the sum for bytes, without looking: a crash."""

    class Odd(bytes):
        def __radd__(self, other: object) -> int:
            return 7

    with suppress(TypeError):
        assert bytes(odd.Noted(number=1, text=Odd(b"text"))) == b"\1text"


def test_a_class_with_an_init_of_its_own(codec: Any) -> None:
    """The compiled codec made the struct without calling it."""

    class Checked(codec.TLV, type=230, registered=False):
        number: codec.U8

        def __init__(self, **fields: int) -> None:
            if self.number > 9:
                raise ValueError("above 9")

    class Doubled(codec.TLV, type=230, registered=False):
        number: codec.U8

        def __new__(cls, **fields: int) -> Any:
            return super().__new__(cls, number=2 * fields["number"])

    assert Checked(number=9).number == 9 and Doubled(number=9).number == 18
    with pytest.raises(ValueError, match="above 9"):
        Checked(number=10)


def test_a_class_without_fields_of_its_own_has_no_instances(codec: Any, odd: Any) -> None:
    """Each one kept the class alive for good, in the compiled codec."""

    class Abstract(odd.Noted, abstract=True):
        pass

    for make in (lambda: Abstract(number=1, text=b""), lambda: Abstract.from_buffer(b"1")):
        with pytest.raises(TypeError):
            make()


def test_batches_of_nothing(codec: Any) -> None:
    """Was a ValueError: the second of several columns does not start inside of an empty array."""
    np = pytest.importorskip("numpy")
    from importlib import import_module

    batch = import_module(f"{codec.__name__}.batch")
    rows = batch.decode_batch(b"", codec.TradeTLV, fields=("price", "volume"))
    assert len(rows) == 0
    empty = {name: np.zeros(0, np.int64) for name in ("price", "volume")}
    header = {"relay_domain": 1, "source": 2, "sequence": 3}
    fields = {"asset_id": 1, "timestamp_ns": 2, "venue_id": 3, "asset_type": 4, "side": 0, **empty}
    assert batch.encode_batch(codec.TradeTLV, fields, **header) == b""
