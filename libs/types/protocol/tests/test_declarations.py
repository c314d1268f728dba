"""A vendor's own types, and what a declaration may not say."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

import libs.types.protocol
from libs.types.protocol.testing import frame, message
from libs.types.protocol.tests.shapes import trade
from libs.types.protocol.tests.vendor import declare


@pytest.fixture
def vendor(codec: Any) -> Any:
    return declare(codec)


# A vendor's own types.


def test_a_registered_type_is_known_everywhere(codec: Any, vendor: Any) -> None:
    note = vendor.NoteTLV(at=1, kind=2, text=b"hello")
    wire = codec.MessageBuilder(relay_domain=1, source=1, sequence=1, timestamp=1).add(note).build()
    parsed = codec.parse_message(wire)
    assert parsed.get(vendor.NoteTLV).text == b"hello" and parsed.find(243).decode() == note
    assert bytes(note) == (1).to_bytes(8, "little") + b"\2" + bytes(7) + b"hello"
    with pytest.raises(codec.PayloadSizeMismatch) as caught:
        codec.parse_message(message(frame(243, bytes(15))))
    assert (caught.value.expected, caught.value.got, caught.value.struct_name) == (16, 15, "NoteTLV")
    mark = codec.MessageBuilder(relay_domain=1, source=1, sequence=1, timestamp=1).add(vendor.MarkTLV()).build()
    assert codec.parse_message(mark).get(vendor.MarkTLV) == vendor.MarkTLV()


def test_an_unregistered_type_is_read_when_asked_for(codec: Any, vendor: Any) -> None:
    old = vendor.OldTradeTLV(asset_id=1, price=2)
    parsed = codec.parse_message(message(frame(1, bytes(trade(codec)))))
    assert parsed.get(vendor.OldTradeTLV) == vendor.OldTradeTLV(asset_id=1, price=-5)
    assert type(parsed.find(1).decode()) is codec.TradeTLV
    wire = message(frame(1, bytes(old)))
    for read in (codec.parse_message, codec.Decoder(vendor.OldTradeTLV)):
        with pytest.raises(codec.PayloadSizeMismatch):
            read(wire)
    short = codec.parse_message(message(frame(250, b"\1\0")))
    with pytest.raises(codec.PayloadSizeMismatch):
        short.get(vendor.OldNoteTLV)
    with pytest.raises(codec.UnknownTLVType):
        short.find(250).decode()


def test_a_count_beyond_the_capacity_in_an_unregistered_type(codec: Any, vendor: Any) -> None:
    parsed = codec.parse_message(message(frame(9, b"123") + frame(250, b"\4" + bytes(15))))
    for read in (parsed.get, parsed.get_all):
        with pytest.raises(codec.InvalidPayload) as caught:
            read(vendor.OldNoteTLV)
        error = caught.value
        assert (error.tlv_type, error.offset, error.payload_offset, error.buffer_size) == (250, 39, 7, 16)


def test_a_struct_declared_after_the_message_was_parsed(codec: Any, reference: Any) -> None:
    number = 246 if codec.implementation == "c" else 247
    parsed = codec.parse_message(message(frame(number, b"123") + frame(number, bytes(8))))
    for package in {id(each): each for each in (libs.types.protocol, codec, reference)}.values():
        namespace = {"__annotations__": {"value": package.U32}, "__module__": __name__}
        type(package.TLV)("LateTLV", (package.TLV,), namespace, type=number)
    with pytest.raises(codec.PayloadSizeMismatch) as caught:
        parsed.find(number).decode()
    assert (caught.value.offset, caught.value.got, caught.value.expected) == (34, 3, 4)
    assert len(bytes(list(parsed)[1].decode())) == 4


# What a declaration may not say.


def declared(codec: Any, annotations: dict[str, Any], body: dict[str, Any] | None = None, **options: Any) -> Any:
    namespace = {"__annotations__": annotations, "__module__": __name__, **(body or {})}
    return type(codec.Struct)("Wrong", (codec.Struct,), namespace, **options)


MISTAKES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "no wire type": (lambda c: declared(c, {"x": int}), r"Wrong\.x is annotated .*U8"),
    "vector without vec": (lambda c: declared(c, {"x": c.Vec[c.OrderLevel]}), r"Wrong\.x is a vector and needs"),
    "no annotation": (lambda c: declared(c, {}, {"x": c.field(default=1)}), r"Wrong\.x has no annotation"),
    "vec without annotation": (lambda c: declared(c, {}, {"x": c.vec(c.U8, 3)}), r"Wrong\.x has no annotation"),
    "padding by hand": (lambda c: declared(c, {"_pad": c.U32}), "padding is computed"),
    "name of a method": (lambda c: declared(c, {"copy": c.U32}), r"Wrong\.copy"),
    "name of a constant": (lambda c: declared(c, {"TYPE": c.U32}), r"Wrong\.TYPE"),
    "default too large": (lambda c: declared(c, {"x": c.U8}, {"x": 300}), r"Wrong\.x is 300, must be 0 to 255"),
    "default of another kind": (lambda c: declared(c, {"x": c.U8}, {"x": "a"}), r"Wrong\.x takes an int"),
    "default of another length": (lambda c: declared(c, {"x": c.Bytes8}, {"x": b"a"}), r"Wrong\.x.*must be 8"),
    "default beyond the capacity": (
        lambda c: declared(c, {"x": c.Vec[int]}, {"x": c.vec(c.U8, 1, default=(1, 2))}), "at most 1"),
    "capacity 0": (lambda c: c.vec(c.U8, 0), "room for 1 to 65535"),
    "capacity beyond a count": (lambda c: c.vec(c.U8, 65_536), "room for 1 to 65535"),
    "least beyond the capacity": (lambda c: c.vec(c.U8, 3, least=4), "at least 4"),
    "vector of bytes": (lambda c: c.vec(c.Bytes8, 3), "structs or integers"),
    "vector of tails": (lambda c: c.vec(c.SnapshotTLV, 3), "no size of its own"),
    "vector of anything": (lambda c: c.vec(int, 3), "is annotated"),
    "tail inside": (lambda c: declared(c, {"x": c.SnapshotTLV}), "no size of its own"),
    "nothing inside": (lambda c: declared(c, {"x": declare(c).MarkTLV}), "no size of its own"),
    "root inside": (lambda c: declared(c, {"x": c.Struct}), "no size of its own"),
    "tail not last": (lambda c: declared(c, {"x": c.Tail, "y": c.U8}), "must be the last field"),
    "alignment of three": (lambda c: declared(c, {"x": c.U8}, {"x": c.field(align=3)}), "power of two"),
    "offset over another": (
        lambda c: declared(c, {"x": c.U64, "y": c.U8}, {"y": c.field(at=4)}), r"Wrong\.y: at=4"),
    "size too small": (lambda c: declared(c, {"x": c.U64}, size=4), "size=4"),
    "size not aligned": (lambda c: declared(c, {"x": c.U64}, size=12), "multiple of 8"),
    "more than a TLV carries": (
        lambda c: declared(c, {"x": c.Vec[int]}, {"x": c.vec(c.U64, 9000)}), "more than the 65535"),
    "unknown option": (lambda c: declared(c, {"x": c.U64}, endian="big"), "endian"),
    "inherited fields": (
        lambda c: type(c.TLV)("Wrong", (c.TradeTLV,), {"__annotations__": {"x": c.U8}}, type=220), "inherits from"),
    "group of nothing": (
        lambda c: declared(c, {"x": c.U64}, {"g": c.Group(c.InstrumentId, "y")}), "names 'y'"),
    "group of a field twice": (
        lambda c: declared(c, {"x": c.U64}, {"g": c.Group(c.InstrumentId, "x", "x")}), "names a field twice"),
    "group of another size": (
        lambda c: declared(c, {"x": c.U64}, {"g": c.Group(c.InstrumentId, "x")}), "8 bytes, InstrumentId has 12"),
    "element of no vector": (lambda c: declared(c, {"x": c.U64}, {"e": c.element("x", "y")}), "no vector of structs"),
    "element of no field": (
        lambda c: declared(
            c, {"x": c.Vec[c.OrderLevel]}, {"x": c.vec(c.OrderLevel, 1), "e": c.element("x", "prize")}), "'prize'"),
    "TLV without a type": (lambda c: type(c.TLV)("Wrong", (c.TLV,), {"__annotations__": {"x": c.U8}}), "type"),
    "type as text": (lambda c: type(c.TLV)("Wrong", (c.TLV,), {}, type="trade"), "takes the number"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_in_a_declaration(codec: Any, mistake: str) -> None:
    wrong, words = MISTAKES[mistake]
    with pytest.raises((TypeError, ValueError, codec.LocalProtocolError), match=words):
        wrong(codec)


@pytest.mark.parametrize("number", [-1, 0, 255, 256, 2**40])
@pytest.mark.parametrize("registered", [True, False])
def test_numbers_that_no_type_has(codec: Any, number: int, registered: bool) -> None:
    with pytest.raises(codec.InvalidTLVType) as caught:
        type(codec.TLV)("Wrong", (codec.TLV,), {}, type=number, registered=registered)
    assert caught.value.tlv_type == number


def test_a_type_is_declared_once(codec: Any) -> None:
    with pytest.raises(codec.InvalidTLVType, match=r"declared already, by .*TradeTLV"):
        type(codec.TLV)("Wrong", (codec.TLV,), {"__annotations__": {"x": codec.U8}}, type=1)


def test_a_field_may_have_any_other_name(codec: Any) -> None:
    names = ["cls", "self", "values", "type", "size", "offset", "kind", "class", "name", "v0"]
    cls = declared(codec, dict.fromkeys(names, codec.U8))
    made = cls(**{name: at for at, name in enumerate(names)})
    assert made.to_dict() == {name: at for at, name in enumerate(names)}
    assert made.replace(cls=9, self=8).to_dict()["self"] == 8


def test_class_variables_and_methods_are_no_fields(codec: Any) -> None:
    class Fine(codec.Struct):  # type: ignore[misc]
        x: codec.U8  # pyright: ignore[reportInvalidTypeForm]
        LIMIT = 5

        @property
        def twice(self) -> int:
            return int(2 * self.x)

    assert Fine(x=4).twice == 8 and Fine.SIZE == 1 and Fine.LIMIT == 5


def test_a_group_is_read_in_its_own_order(codec: Any) -> None:
    """Not in that of the fields; those that lie apart, side by side, and the other way round."""
    body = {"id": codec.Group(codec.InstrumentId, "asset", "venue", "kind", "rest"), "__module__": __name__}
    for order in itertools.permutations(("asset", "venue", "kind", "rest", "between")):
        sizes = {"asset": codec.U64, "venue": codec.U16, "kind": codec.U8, "rest": codec.U8, "between": codec.U32}
        cls = type(codec.Struct)(
            "Some", (codec.Struct,), {**body, "__annotations__": {name: sizes[name] for name in order}}, packed=True
        )
        made = cls(asset=2**63, venue=7, kind=8, rest=9, between=5)
        assert made.id == codec.InstrumentId(asset_id=2**63, venue=7, asset_type=8, reserved=9)
        assert bytes(cls.from_buffer(bytes(made)).id) == bytes(made.id)
