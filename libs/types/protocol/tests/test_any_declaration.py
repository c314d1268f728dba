"""Both implementations agree on structs that nobody has thought of: the declaration itself is drawn at random.

A declaration is drawn as plain data and made into a class of each load.  Then the values, the bytes and the paths are
drawn, and everything that can be asked of them is compared.  On Python alone it says that no such class and no such
bytes end in anything but an error of the protocol.
"""

# The base classes come from whichever load of the package is asked for, and no type checker can follow that.
# mypy: disable-error-code="misc, call-arg"

from collections.abc import Callable
from typing import Annotated, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.types.protocol.testing import frame, make, message, values
from libs.types.protocol.tests.outcomes import outcome
from libs.types.protocol.tests.vendor import Phase

NUMBER = 253
INTEGERS = ("U8", "U16", "U32", "U64", "U128", "I8", "I16", "I32", "I64", "I128")

integers = st.tuples(st.just("int"), st.sampled_from(INTEGERS))
plain = st.one_of(
    integers,
    st.tuples(st.just("enum"), st.sampled_from(("U8", "I16", "U64"))),
    st.tuples(st.just("raw"), st.sampled_from(((1, 0), (1, 2), (7, 1), (20, 12)))),
)
options = st.fixed_dictionaries({}, optional={"align": st.sampled_from((1, 2, 16))})


def structs(kinds: st.SearchStrategy[Any], least: int = 1) -> st.SearchStrategy[Any]:
    """Kinds of the fields with their options, whether it is packed, and how many bytes are reserved at its end."""
    fields = st.lists(st.tuples(kinds, options), min_size=least, max_size=4)
    return st.tuples(st.just("struct"), fields, st.booleans(), st.sampled_from((0, 0, 1, 2)))


def vectors(elements: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(st.just("vector"), elements, st.integers(1, 4))


inner = structs(plain)
deep = structs(st.one_of(plain, inner, vectors(st.one_of(integers, inner))))
declarations = structs(st.one_of(plain, inner, deep, vectors(st.one_of(integers, inner, deep))), least=0)


def declared(package: Any, drawn: Any, **arguments: Any) -> Any:
    """The class of a drawn struct in this load of the package."""
    _, fields, packed, reserved = drawn
    base, hints, body = package.TLV if arguments else package.Struct, {}, {}
    for index, (kind, chosen) in enumerate(fields):
        name = f"f{index}"
        hints[name], body[name] = annotated(package, kind, chosen)
    body = {"__module__": __name__, "__annotations__": hints, **body}
    made = type(base)("Bare", (package.Struct,), dict(body), packed=packed)
    size = made.SIZE + reserved * made.layout().align
    return type(base)("Drawn", (base,), body, packed=packed, size=size, **arguments)


def annotated(package: Any, kind: Any, chosen: Any) -> tuple[Any, Any]:
    raw = type(package.Bytes8.__metadata__[0])
    match kind:
        case ("int", name):
            return getattr(package, name), package.field(**chosen)
        case ("enum", name):
            return Annotated[Phase, getattr(package, name).__metadata__[0]], package.field(**chosen)
        case ("raw", (length, pad)):
            return Annotated[bytes, raw(length, pad)], package.field(**chosen)
        case ("vector", ("int", name), capacity):
            return package.Vec[int], package.vec(getattr(package, name), capacity)
        case ("vector", element, capacity):
            return package.Vec[Any], package.vec(declared(package, element), capacity)
    return declared(package, kind), package.field(**chosen)


def paths_of(layout: Any, deeper: bool = True) -> list[str]:
    paths = []
    for field in layout.fields:
        kind = field.kind
        paths.append(field.name)
        if hasattr(kind, "capacity"):
            paths += [f"{field.name}.count", *(f"{field.name}[{at}]" for at in range(kind.capacity))]
        nested = getattr(getattr(kind, "element", kind), "layout", None)
        if nested is not None and deeper:
            start = f"{field.name}[0]" if hasattr(kind, "capacity") else field.name
            paths += [f"{start}.{path}" for path in paths_of(nested, deeper=False) if path.isalnum()]
    return paths


def counts_in(layout: Any, at: int = 0) -> list[tuple[int, int]]:
    """Where the counts of the vectors lie, those inside of structs too, and their capacities."""
    found = []
    for field in layout.fields:
        kind, start = field.kind, at + field.offset
        if hasattr(kind, "capacity"):
            found.append((start, kind.capacity))
            if hasattr(kind.element, "layout"):
                found += counts_in(kind.element.layout, start + kind.first)
        elif hasattr(kind, "layout"):
            found += counts_in(kind.layout, start)
    return found


@given(drawn=declarations, data=st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_declaration(codec: Any, reference: Any, drawn: Any, data: st.DataObject) -> None:
    mine, other = (declared(package, drawn, type=NUMBER, registered=False) for package in (codec, reference))
    layout = mine.layout()
    assert layout.byte_map() == other.layout().byte_map()

    def same(call: Callable[[Any, Any], Any]) -> tuple[Any, ...]:
        results = [outcome(call, codec, mine), outcome(call, reference, other)]
        assert results[0] == results[1]
        return results[0]

    fields = data.draw(values(layout))
    built = same(lambda package, cls: make(cls, fields))
    assert built[0] == "gave"
    wire = same(lambda package, cls: signed(package, make(cls, fields)))[1]
    raw = bytearray(data.draw(st.binary(min_size=layout.size, max_size=layout.size)))
    for at, capacity in counts_in(layout):
        raw[at : at + 2] = data.draw(st.sampled_from((0, 1, capacity, capacity + 1, 65_535))).to_bytes(2, "little")
    same(lambda package, cls: cls.from_buffer(bytes(raw)))
    same(lambda package, cls: [hash(cls.from_buffer(raw)) == hash(cls.from_buffer(raw).replace()), bytes(raw)])
    odd = message(frame(NUMBER, bytes(raw)))
    for _ in range(3):
        paths = data.draw(st.lists(st.sampled_from([*paths_of(layout), "header.sequence"]), max_size=5))
        for received in (wire, odd):
            same(lambda package, cls, paths=paths, received=received: package.Decoder(cls, *paths)(received))
    names = data.draw(st.permutations([field.name for field in layout.fields]))
    same(lambda package, cls: encoded(package, cls, names, make(cls, fields)))


def signed(package: Any, tlv: Any) -> bytes:
    made: bytes = package.MessageBuilder(relay_domain=1, source=2, sequence=3, timestamp=4).add(tlv).build()
    return made


def encoded(package: Any, cls: Any, names: list[str], tlv: Any) -> bytes:
    given_ = [getattr(tlv, name) for name in names]
    flat = [bytes(value) if hasattr(value, "SIZE") else value for value in given_]
    made: bytes = package.Encoder(cls, *names, relay_domain=1, source=2)(*flat)
    return made
