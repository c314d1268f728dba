"""Values in and out of declared structs: constructors, defaults, what does not fit, groups, inner structs."""

import copy
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import libs.types.protocol
from libs.types.protocol.testing import frame, make, message, strategy, values
from libs.types.protocol.tests.shapes import book, trade
from libs.types.protocol.tests.vendor import VENDOR_TLVS, Phase, declare

VENDOR = [*VENDOR_TLVS, "Wide"]
BUILT_IN = sorted(
    name
    for name in libs.types.protocol.__all__
    if isinstance(value := getattr(libs.types.protocol, name), type)
    and issubclass(value, libs.types.protocol.Struct)
    and "__layout__" in vars(value)
)


@pytest.fixture
def vendor(codec: Any) -> Any:
    return declare(codec)


def found(codec: Any, name: str) -> Any:
    return getattr(declare(codec), name, None) or getattr(codec, name)


def plain_of(value: Any) -> Any:
    """What `values` draws, as `to_dict` shows it."""
    if isinstance(value, dict):
        return {name: plain_of(item) for name, item in value.items()}
    return [plain_of(item) for item in value] if isinstance(value, list) else value


# Values in and out.


@pytest.mark.parametrize("name", BUILT_IN + VENDOR)
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_values_go_round(codec: Any, name: str, data: st.DataObject) -> None:
    cls = found(codec, name)
    plain = data.draw(values(cls.__layout__))
    made = make(cls, plain)
    assert made.to_dict() == plain_of(plain)
    assert len(bytes(made)) == cls.SIZE + len(plain.get("data", plain.get("text", b"")))
    again = cls.from_buffer(b"\xff" * 3 + bytes(made), 3)
    assert again == made and hash(again) == hash(made) and again.to_dict() == made.to_dict()
    for same in (made.copy(), again.replace(), copy.copy(again), copy.deepcopy(made), eval_reduced(again)):
        assert type(same) is cls and same == made and bytes(same) == bytes(made)


def eval_reduced(obj: Any) -> Any:
    function, arguments = obj.__reduce__()
    return function(*arguments)


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name.endswith("TLV")])
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_build_then_parse_is_the_identity(codec: Any, name: str, data: st.DataObject) -> None:
    made = data.draw(strategy(found(codec, name)))
    wire = codec.MessageBuilder(relay_domain=1, source=2, sequence=3, timestamp=4).add(made).build()
    parsed = codec.parse_message(wire)
    assert parsed.get(type(made)) == made and bytes(parsed.get(type(made))) == bytes(made)
    assert parsed.find(made.TYPE).decode() == made
    assert parsed.get_all(type(made)) == [made]


def test_only_keywords(codec: Any) -> None:
    with pytest.raises(TypeError):
        codec.InstrumentId(1, 2, 3)
    with pytest.raises(TypeError, match=r"OrderLevel\(\) misses size"):
        codec.OrderLevel(price=1)
    with pytest.raises(TypeError, match="has no field 'prize'"):
        codec.OrderLevel(price=1, size=2, prize=3)


def test_defaults(codec: Any, vendor: Any) -> None:
    assert trade(codec).reserved == 0
    assert book(codec).precision_factor == 100_000_000 and list(book(codec).bids) == []
    shape = vendor.ShapeTLV(
        first=vendor.Point(x=1, mark=2),
        middle=vendor.Wide(tag=bytes(20), amount=3),
        last=vendor.Point(x=4, mark=5, y=6),
    )
    assert (shape.flag, shape.tag, shape.first.y, shape.last.y) == (3, b"shapetag", -1, 6)
    path = vendor.PathTLV(ids=[codec.InstrumentId(asset_id=1, venue=2, asset_type=3)])
    assert list(path.steps) == [1, 2] and list(path.points) == []


def test_enums(codec: Any, vendor: Any) -> None:
    header = codec.MessageHeader(relay_domain=2, source=20, sequence=1, timestamp=0, flags=0x44)
    assert header.relay_domain is codec.RelayDomain.SIGNAL and header.source is codec.SourceType.ARBITRAGE_STRATEGY
    assert header.flags & codec.HeaderFlags.HIGH_PRIORITY and header.flags == 0x44
    assert header.replace(relay_domain=9).relay_domain == 9
    numbers = dict.fromkeys("acdefghij", 0)
    tick = vendor.TickTLV(**numbers)
    assert tick.phase is Phase.OPEN and tick.to_dict()["phase"] == 1
    assert tick.replace(phase=Phase.CLOSED).phase is Phase.CLOSED and tick.replace(phase=77).phase == 77


def test_numbers_without_a_member_are_not_hoarded() -> None:
    from libs.types.protocol.schema import Members

    members = Members(libs.types.protocol.SourceType)
    for number in range(5000):
        assert members[number] == number
    assert len(members) < 300


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("price", 2**63, "FieldRange"),
        ("price", -(2**63) - 1, "FieldRange"),
        ("asset_id", -1, "FieldRange"),
        ("venue_id", 65_536, "FieldRange"),
        ("side", 2**200, "FieldRange"),
        ("price", 1.0, "TypeError"),
        ("price", "1", "TypeError"),
        ("price", None, "TypeError"),
        ("price", int, "TypeError"),
    ],
)
def test_integers_that_do_not_fit(codec: Any, name: str, value: Any, error: str) -> None:
    with pytest.raises((TypeError, codec.FieldRange)) as caught:
        trade(codec, **{name: value})
    assert type(caught.value).__name__ == error and name in str(caught.value)


def test_anything_that_is_an_index_is_an_integer(codec: Any) -> None:
    class Number:
        def __index__(self) -> int:
            return 40

    assert trade(codec, price=Number(), side=True, volume=codec.TLVType.GAS_PRICE) == trade(
        codec, price=40, side=1, volume=18
    )


@pytest.mark.parametrize("value", [b"", bytes(19), bytes(21), "x" * 20, 20, None, [0] * 20])
def test_bytes_that_do_not_fit(codec: Any, vendor: Any, value: Any) -> None:
    with pytest.raises((TypeError, codec.FieldRange), match="tag"):
        vendor.Wide(tag=value, amount=0)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_are_taken_from_any_buffer(vendor: Any, kind: Callable[[bytes], Any]) -> None:
    raw = bytes(range(20))
    assert vendor.Wide(tag=kind(raw), amount=1).tag == raw
    assert type(vendor.Wide(tag=kind(raw), amount=1).tag) is bytes


@pytest.mark.parametrize("many", [51, 300])
@pytest.mark.parametrize("kind", [list, tuple, iter])
def test_too_many_elements(codec: Any, kind: Callable[[Any], Any], many: int) -> None:
    with pytest.raises(codec.CapacityExceeded) as caught:
        book(codec, bids=kind([(1, 2, 3)] * many))
    assert (caught.value.max_capacity, caught.value.attempted, caught.value.field) == (50, many, "bids")


@pytest.mark.parametrize("kind", [list, tuple, iter])
def test_elements_that_do_not_fit(codec: Any, kind: Callable[[Any], Any]) -> None:
    with pytest.raises(codec.FieldRange) as caught:
        book(codec, asks=kind([(1, 2, 3), (1, 2, -1)]))
    assert caught.value.details() == {"field": "asks[1].order_count", "value": -1, "low": 0, "high": 2**32 - 1}
    for wrong in [(1, 2), (1, 2, 3, 4), [1, 2, 3], 5, trade(codec), (1, 2, "3")]:
        with pytest.raises(TypeError, match=r"asks\[0\]"):
            book(codec, asks=kind([wrong]))
    with pytest.raises(TypeError, match="asks takes a sequence"):
        book(codec, asks=5)


def test_a_vector_may_ask_for_a_least_number(codec: Any) -> None:
    with pytest.raises(codec.FieldRange) as caught:
        codec.PoolLiquidityTLV(timestamp_ns=1, reserves=[], pool_address=bytes(20), venue=2)
    assert (caught.value.field, caught.value.value, caught.value.low) == ("len(reserves)", 0, 1)


def test_elements_from_a_generator(codec: Any) -> None:
    levels = [codec.OrderLevel(price=10 - at, size=at) for at in range(5)]
    assert book(codec, bids=(level for level in levels)) == book(codec, bids=levels)


# Groups, inner structs, elements.


def test_groups(codec: Any) -> None:
    instrument = codec.InstrumentId(asset_id=77, venue=101, asset_type=51, reserved=2)
    quote = codec.QuoteTLV.of(instrument, bid_price=1, bid_size=2, ask_price=3, ask_size=4, timestamp_ns=5)
    assert quote.instrument == instrument and type(quote.instrument) is codec.InstrumentId
    assert codec.TradeTLV.of(instrument, price=1, volume=2, timestamp_ns=3, side=0).instrument == instrument
    assert codec.OrderBookTLV.of(instrument, timestamp_ns=1, sequence=2).instrument == instrument
    assert codec.Decoder(codec.QuoteTLV, "instrument")(message(frame(2, bytes(quote)))) == (bytes(instrument),)


def test_inner_structs_are_read_in_place(codec: Any) -> None:
    pool = codec.PoolInfoTLV.from_buffer(bytes(range(88)))
    raw = bytearray(bytes(codec.PoolJournalEntry(timestamp=1, pool=pool, operation=2)))
    entry = codec.PoolJournalEntry.from_buffer(raw)
    assert entry.pool == pool and bytes(entry.pool)[:27] == bytes(range(27))
    raw[8] = 0xFF
    assert entry.pool.discovered_at == pool.discovered_at | 0xFF
    with pytest.raises(TypeError, match="pool takes PoolInfoTLV"):
        codec.PoolJournalEntry(timestamp=1, pool=bytes(88), operation=2)


def test_elements_are_read_in_place(codec: Any, vendor: Any) -> None:
    made = book(codec, bids=[(5, 6, 7), (4, 3, 2)], asks=[(9, 1, 0)])
    assert [made.bid_price(0), made.bid_size(1), made.bid_price(-1), made.ask_price(0)] == [5, 3, 4, 9]
    for index in (2, -3, 50, 2**40):
        with pytest.raises(IndexError):
            made.bid_price(index)
    with pytest.raises(IndexError):
        made.ask_price(1)
    point = vendor.Point(x=-7, mark=0)
    path = vendor.PathTLV(points=[point], ids=[codec.InstrumentId(asset_id=1, venue=2, asset_type=3)])
    assert path.point_x(0) == -7 and path.points[0] == point


def test_any_number_of_classes_have_methods_for_elements(codec: Any) -> None:
    """The first ones are built-in methods, the others objects, and nobody can tell."""
    for number in range(40):
        body = {
            "__annotations__": {"points": codec.Vec[codec.OrderLevel]},
            "__module__": __name__,
            "points": codec.vec(codec.OrderLevel, 3),
            "size_at": codec.element("points", "size"),
            "price_at": codec.element("points", "price"),
        }
        cls = type(codec.Struct)(f"Some{number}", (codec.Struct,), body)
        made = cls(points=[(1, 2, 3), (4, 5, 6)])
        assert [made.size_at(0), made.price_at(1), made.price_at(-2), cls.price_at(made, True)] == [2, 4, 1, 4]
        assert list(map(made.size_at, range(2))) == [2, 5]
        for wrong, error in ((2, IndexError), (-3, IndexError), (None, TypeError), ("0", TypeError)):
            with pytest.raises(error):
                made.size_at(wrong)
        for wrongly in ((), (0, 1)):
            with pytest.raises(TypeError):
                made.size_at(*wrongly)
        with pytest.raises(TypeError):
            made.size_at(at=0)
        with pytest.raises(TypeError):
            cls.size_at(trade(codec), 0)


def test_what_is_read_outlives_every_mention_of_its_class(codec: Any) -> None:
    """Vectors and methods of elements go by what their class has laid down: the compiled codec keeps it."""

    def some() -> tuple[weakref.ref[Any], Any]:
        body = {"__annotations__": {"points": codec.Vec[codec.OrderLevel]}, "__module__": __name__,
                "points": codec.vec(codec.OrderLevel, 3)}  # fmt: skip
        cls = type(codec.Struct)("Some", (codec.Struct,), body)
        return weakref.ref(cls), cls.from_buffer(bytes(cls(points=[(1, 2, 3)]))).points

    known, points = some()
    gc.collect()
    assert codec.implementation != "c" or known() is not None
    assert points.to_tuples() == [(1, 2, 3)]


def test_what_is_changed_on_the_class_is_what_is_read(codec: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As mocks do it, and also after the fields were read in the usual way: no shorter way may go past it."""
    made, reader = trade(codec), codec.TradeTLV.__dict__["price"]
    for _ in range(20):
        assert (made.price, made.volume) == (-5, 7)
        with monkeypatch.context() as patch:
            patch.setattr(codec.TradeTLV, "price", property(lambda self: self.volume + 1))
            assert [made.price, made.price, made.volume] == [8, 8, 7]
        with monkeypatch.context() as patch:
            patch.setattr(codec.TradeTLV, "price", codec.TradeTLV.__dict__["volume"])
            assert [made.price, made.price, made.volume] == [7, 7, 7]
        with monkeypatch.context() as patch:
            patch.setattr(codec.TradeTLV, "__getattr__", lambda self, name: name, raising=False)
            assert [made.price, made.other, made.price] == [-5, "other", -5]
        with monkeypatch.context() as patch:
            patch.setattr(codec.TradeTLV, "__getattribute__", lambda self, name: name)
            assert made.price == "price"
        assert codec.TradeTLV.__dict__["price"] is reader


def test_attributes_by_any_name(codec: Any) -> None:
    made = trade(codec)
    assert [getattr(made, "".join(["pri", "ce"])) for _ in range(3)] == [-5, -5, -5]  # equal, and not the same string
    with pytest.raises(AttributeError, match="'TradeTLV' object has no attribute 'prices'"):
        _ = made.prices
    with pytest.raises(TypeError, match="attribute name must be string"):
        getattr(made, 5)  # type: ignore[call-overload]
