"""Defects that random declarations have found, each with the smallest one that shows it, on both implementations.

As `test_regressions`, which has those of the fuzzer: declared types there are fixed, and the bytes are random.
"""

# The base classes come from whichever load of the package is asked for, and no type checker can follow that.
# mypy: disable-error-code="misc, call-arg"
# pyright: reportInvalidTypeForm=false, reportGeneralTypeIssues=false, reportCallIssue=false

from array import array
from enum import IntFlag
from types import SimpleNamespace
from typing import Annotated, Any

import pytest

from libs.types.protocol.testing import frame, sign
from libs.types.protocol.testing import message as framed

_declared: dict[str, Any] = {}


@pytest.fixture
def odd(codec: Any) -> Any:
    """Vectors of plain numbers inside of structs, which are in the TLV or in a vector of it."""
    found = _declared.get(codec.__name__)
    if found is not None:
        return found

    class Pair(codec.Struct):
        first: codec.U8
        count: codec.U16

    class Deep(codec.Struct):
        pairs: codec.Vec[Pair] = codec.vec(Pair, 2)

    class OfDeep(codec.TLV, type=230, registered=False):
        deep: Deep
        behind: codec.U64

    class OfDeeps(codec.TLV, type=230, registered=False):
        deeps: codec.Vec[Deep] = codec.vec(Deep, 2)
        behind: codec.U64

    class OfPair(codec.TLV, type=230, registered=False):
        pair: Pair

    class OfPairs(codec.TLV, type=230, registered=False):
        pairs: codec.Vec[Pair] = codec.vec(Pair, 3)

    class Reserved(codec.TLV, type=230, registered=False, size=1):
        pass

    named = [Pair, Deep, OfDeep, OfDeeps, OfPair, OfPairs, Reserved]
    found = _declared[codec.__name__] = SimpleNamespace(**{cls.__name__: cls for cls in named})
    return found


def message(codec: Any, tlv: Any) -> bytes:
    made: bytes = codec.MessageBuilder(relay_domain=1, source=2, sequence=3, timestamp=4).add(tlv).build()
    return made


def test_a_struct_of_one_byte_that_means_nothing(codec: Any, odd: Any) -> None:
    """Comparing two wrote a zero into the one-byte `bytes` that the whole interpreter shares."""
    one, other = odd.Reserved.from_buffer(b"\xc8"), odd.Reserved.from_buffer(b"\xc9")
    assert one == other and hash(one) == hash(other)
    assert bytes([0xC8]) != bytes([0xC9]) and bytes([0xC8])[0] == 0xC8


def test_more_than_64_fields(codec: Any) -> None:
    """Were refused by the compiled codec alone."""
    names = [f"field_{number}" for number in range(70)]
    body = {"__module__": __name__, "__annotations__": dict.fromkeys(names, codec.U8), "field_66": 7}
    wide = type(codec.TLV)("WideTLV", (codec.TLV,), body, type=230, registered=False)
    given = {name: number for number, name in enumerate(names) if name != "field_66"}
    assert list(bytes(wide(**given))) == [*range(66), 7, *range(67, 70)]
    del given["field_69"]
    with pytest.raises(TypeError, match="misses field_69"):
        wide(**given)


@pytest.mark.parametrize("count", [3, 65_535])
def test_a_decoder_compares_the_counts_of_vectors_inside_of_structs(codec: Any, odd: Any, count: int) -> None:
    """Gave what lies behind the vector as its elements."""
    for cls, path, at in ((odd.OfDeep, "deep.pairs", 0), (odd.OfDeeps, "deeps[0].pairs", 8)):
        payload = bytearray(b"\1" + bytes(cls.SIZE - 1))
        payload[at : at + 2] = count.to_bytes(2, "little")
        with pytest.raises(codec.InvalidPayload, match=f"counts {count} elements") as caught:
            codec.Decoder(cls, path)(framed(frame(230, bytes(payload))))
        assert caught.value.details()["offset"] == 34 + at


def test_a_decoder_reads_vectors_in_the_elements_of_a_vector(codec: Any, odd: Any) -> None:
    """Behind the last element they were empty, not None; by the plain reader they were an AttributeError."""
    wire = message(codec, odd.OfDeeps(deeps=[odd.Deep(pairs=[(1, 2)])], behind=9))
    for received in (wire, sign(wire[:32] + frame(9, b"other") + wire[32:])):
        received = sign(received[:24] + (len(received) - 32).to_bytes(4, "little") + received[28:])
        assert codec.Decoder(odd.OfDeeps, "deeps[0].pairs", "deeps[1].pairs")(received) == ([(1, 2)], None)


@pytest.mark.parametrize("checksum", [True, False])
def test_a_decoder_reads_buffers_of_wider_items(codec: Any, odd: Any, checksum: bool) -> None:
    """Without the checksum, the vector was cut out of the buffer by its items."""
    wire = message(codec, odd.OfPairs(pairs=[(1, 2), (3, 4)]))
    assert len(wire) % 2 == 0
    for buffer in (array("H", wire), memoryview(wire).cast("H")):
        assert codec.Decoder(odd.OfPairs, "pairs", checksum=checksum)(buffer) == ([(1, 2), (3, 4)],)


class Index:
    """A number as numpy's are: it has an index, and is none for `<=`."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __index__(self) -> int:
        return self.number


@pytest.mark.parametrize("offset", [1, 3, -1, 2**70])
def test_an_offset_is_any_index(codec: Any, odd: Any, offset: int) -> None:
    """Was a TypeError in the Python codec; numpy's numbers went on into the sums there, and ran over."""
    wire = bytes(3) + message(codec, odd.OfPairs(pairs=[(1, 2)]))
    builder = codec.MessageBuilder(relay_domain=1, source=2, sequence=3, timestamp=4)
    calls: list[Any] = [
        lambda at: codec.parse_message(wire, at).size,
        lambda at: codec.parse_header(wire, at).sequence,
        lambda at: codec.message_size(wire, at),
        lambda at: codec.Decoder(odd.OfPairs, "pairs")(wire, at),
        lambda at: bytes(codec.MessageHeader.from_buffer(wire, at)),
        lambda at: builder.build_into(bytearray(40), at),
    ]
    for call in calls:
        results = []
        for at in (offset, Index(offset)):
            try:
                results.append(call(at))
            except codec.ProtocolError as error:
                results.append((type(error), error.details()))
        assert results[0] == results[1]


def test_an_encoder_takes_a_field_that_is_called_count(codec: Any, odd: Any) -> None:
    """Was taken for the count of a vector, which cannot be written."""
    wire = codec.Encoder(odd.OfPair, "pair.first", "pair.count", relay_domain=1, source=2)(5, 6)
    assert codec.parse_message(wire).get(odd.OfPair).pair == odd.Pair(first=5, count=6)
    with pytest.raises(ValueError, match="write the whole vector"):
        codec.Encoder(odd.OfPairs, "pairs.count", relay_domain=1, source=2)


def test_a_default_is_what_it_was_at_the_declaration(codec: Any) -> None:
    """A list that grew later changed the default of the Python codec, and an iterator was empty in both."""
    numbers, text = [1, 2], bytearray(b"12345678")

    class Defaults(codec.TLV, type=230, registered=False):
        few: codec.Vec[int] = codec.vec(codec.U8, 3, default=numbers)
        more: codec.Vec[int] = codec.vec(codec.U8, 3, default=map(int, "345"))
        raw: codec.Bytes8 = text

    numbers.append(3)
    text[:] = bytes(8)
    made = Defaults()
    assert (made.few, made.more, made.raw) == ([1, 2], [3, 4, 5], b"12345678")


def test_a_number_that_an_enum_turns_into_another_stays(codec: Any) -> None:
    """A negative number read as the flags that its lowest bits name, and was written as those."""

    class Bits(IntFlag):
        ONE = 1
        TWO = 2

    bits: Any = Annotated[Bits, codec.I8.__metadata__[0]]

    class Flagged(codec.TLV, type=230, registered=False):
        flags: bits

    for number in range(-128, 128):
        flagged = Flagged.from_buffer(number.to_bytes(1, "little", signed=True))
        assert flagged.flags == number and flagged.replace() == flagged
    assert Flagged(flags=3).flags is Bits.ONE | Bits.TWO
