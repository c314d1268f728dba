"""Both implementations agree on every input, errors with their fields and texts included.

Any bytes at all give a message or an error of the protocol.  With the fixture `codec` on Python these properties hold
the reference against itself, which leaves what is said of it absolutely: no other error, no difference between a
buffer's kinds.
"""

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import libs.types.protocol
from libs.types.protocol.registry import known_types
from libs.types.protocol.testing import frame, make, make_value, message, messages, sign, values
from libs.types.protocol.tests.expected import GOLDEN, TRADE_PAYLOAD, builder_of, patched
from libs.types.protocol.tests.outcomes import outcome
from libs.types.protocol.tests.vendor import VENDOR_TLVS, declare

BUILT_IN = {name for name in libs.types.protocol.__all__ if name.endswith("TLV")} - {
    "TLV",
    "TruncatedTLV",
    "InvalidExtendedTLV",
}
CLASSES = sorted(BUILT_IN | set(VENDOR_TLVS))


def found(codec: Any, name: str) -> Any:
    return getattr(declare(codec), name, None) or getattr(codec, name)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A message with something wrong, more often in the bytes that matter, and signed again more often than not."""
    wire = bytearray(draw(messages()))
    for _ in range(draw(st.integers(1, 3))):
        action = draw(st.sampled_from(["set", "set", "flip", "cut", "insert", "size"]))
        ends = [at for at in (*range(8), *range(24, 42)) if at < len(wire)] or [0]
        at = draw(st.one_of(st.sampled_from(ends), st.integers(0, max(len(wire) - 1, 0))))
        if action == "set" and wire:
            wire[at] = draw(st.sampled_from([0, 1, 2, 3, 40, 127, 128, 254, 255]))
        elif action == "flip" and wire:
            wire[at] ^= 1 << draw(st.integers(0, 7))
        elif action == "cut":
            del wire[at : at + draw(st.integers(1, 40))]
        elif action == "insert":
            wire[at:at] = draw(st.binary(max_size=8))
        elif len(wire) >= 32:
            wire[24:28] = (len(wire) - 32 + draw(st.integers(-3, 3))).to_bytes(4, "little", signed=True)
    if len(wire) >= 32 and draw(st.sampled_from([True, True, True, False])):
        return sign(bytes(wire))
    return bytes(wire)


any_bytes = st.one_of(
    messages(),
    damaged(),
    st.builds(lambda wire, end: wire[:end], messages(), st.integers(0, 3000)),
    st.binary(max_size=120),
    st.builds(message, st.binary(max_size=60)),
    st.builds(lambda one, other: one + other, messages(2), st.one_of(messages(1), st.binary(max_size=40))),
)
options = st.fixed_dictionaries(
    {},
    optional={
        "checksum": st.sampled_from(["ENFORCE", "SKIP", True, False]),
        "limit": st.sampled_from([0, 31, 32, 74, 100, 2**20, 2**40]),
        "allow_trailing": st.booleans(),
    },
)


def kept(codec: Any, chosen: dict[str, Any]) -> dict[str, Any]:
    """The options with this load's own policy."""
    policy = chosen.get("checksum")
    return {**chosen, "checksum": codec.ChecksumPolicy[policy]} if isinstance(policy, str) else chosen


def protocol_only(result: tuple[Any, ...]) -> None:
    assert result[0] == "gave" or len(result) > 2, f"{result} is no error of the protocol"


def everything(codec: Any, wire: Any, offset: int, chosen: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """All that can be asked of bytes, step by step."""
    settings_ = kept(codec, chosen)
    yield outcome(lambda: codec.parse_header(wire, offset, **settings_))
    yield outcome(lambda: codec.message_size(wire, offset, limit=chosen.get("limit", 2**20)))
    yield outcome(lambda: codec.parse_message(wire, offset, **settings_))
    yield outcome(lambda: codec.parse_message(wire, offset, **settings_).header)
    try:
        parsed = codec.parse_message(wire, offset, **settings_)
    except codec.ProtocolError:
        return
    for view in parsed:
        yield outcome(view.decode)
        yield outcome(parsed.find, view.type)
    for name in CLASSES:
        cls = found(codec, name)
        if any(view.type == cls.TYPE for view in parsed):
            yield outcome(parsed.get, cls)
            yield outcome(parsed.get_all, cls)
            yield outcome(codec.Decoder(cls, **settings_), wire, offset)


@given(wire=any_bytes, offset=st.sampled_from([0, 0, 0, 1, 32, 5000]), chosen=options)
@example(wire=GOLDEN["small-book"], offset=0, chosen={})
@example(wire=message(frame(241, b"\xff" * 96)), offset=0, chosen={})
@example(wire=message(frame(242, b"\xff" * 304)), offset=0, chosen={})
@example(wire=message(frame(250, b"\xff" * 14)), offset=0, chosen={})
@example(wire=message(frame(1, bytes(16))), offset=0, chosen={})
@settings(max_examples=400, deadline=None)
def test_any_bytes_at_all(codec: Any, reference: Any, wire: bytes, offset: int, chosen: dict[str, Any]) -> None:
    results = list(everything(codec, wire, offset, chosen))
    for result in results:
        protocol_only(result)
    assert results == list(everything(reference, wire, offset, chosen))
    assert results == list(everything(codec, bytearray(wire), offset, chosen))


@given(wire=messages())
@settings(deadline=None)
def test_a_message_can_be_put_together_again(codec: Any, wire: bytes) -> None:
    parsed = codec.parse_message(wire)
    body = b"".join(frame(view.type, bytes(view.payload), extended=view.extended) for view in parsed)
    assert body == wire[32:]
    if any(view.extended and len(view) <= 255 for view in parsed):
        return  # a builder uses the extended frame only where it has to
    header = parsed.header
    builder = codec.MessageBuilder(
        relay_domain=header.relay_domain, source=header.source, sequence=header.sequence,
        timestamp=header.timestamp, flags=header.flags,
    )  # fmt: skip
    for view in parsed:
        info = known_types()[view.type]
        if info is not None and info.cls is not None:
            builder.add(view.decode())
        else:
            builder.add_raw(view.type, view.payload)
    assert builder.build() == wire


@pytest.mark.parametrize("name", [*CLASSES, "MessageHeader", "InstrumentId", "OrderLevel", "PoolJournalEntry", "Wide"])
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_any_bytes_as_a_struct(codec: Any, reference: Any, name: str, data: st.DataObject) -> None:
    size = found(codec, name).SIZE
    raw = data.draw(st.one_of(st.binary(max_size=size + 3), st.binary(min_size=size, max_size=size + 40)))
    vectors = [field for field in found(codec, name).layout().fields if type(field.kind).__name__ == "VectorKind"]
    changed = bytearray(raw)
    for field in vectors:
        if field.offset + 2 <= len(raw):
            count = data.draw(st.sampled_from([0, 1, field.kind.capacity, field.kind.capacity + 1, 65_535]))
            changed[field.offset : field.offset + 2] = count.to_bytes(2, "little")
    raw = bytes(changed)
    offset = data.draw(st.sampled_from([0, 0, 1, 3]))
    results = [outcome(found(package, name).from_buffer, raw, offset) for package in (codec, reference)]
    protocol_only(results[0])
    assert results[0] == results[1]
    if results[0][0] == "gave" and name.endswith("TLV"):
        built = [outcome(rebuilt, package, name, raw, offset) for package in (codec, reference)]
        assert built[0] == built[1]


def rebuilt(package: Any, name: str, raw: bytes, offset: int) -> bytes:
    wire: bytes = builder_of(package).add(found(package, name).from_buffer(raw, offset)).build()
    return wire


class Odd:
    """Something that is a number to whoever asks for an index."""

    def __index__(self) -> int:
        return 7


junk: st.SearchStrategy[Any] = st.sampled_from(
    [None, "text", 1.5, -1, 2**63, 2**64, 2**128, -(2**127) - 1, b"", b"12345678", bytes(20), bytearray(32), (), [],
     (1, 2, 3), [(1, 2, 3)] * 51, [(1, 2)], [1, 2], [-1], [2**200], True, Odd(), 255, 256, {}, range(3)]
)  # fmt: skip


@pytest.mark.parametrize("name", [*CLASSES, "OrderLevel", "InstrumentId", "MessageHeader"])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_construction_from_anything(codec: Any, reference: Any, name: str, data: st.DataObject) -> None:
    plain = dict(data.draw(values(found(reference, name).__layout__)))
    for _ in range(data.draw(st.integers(0, 2))):
        if plain:
            chosen = data.draw(st.sampled_from(sorted(plain)))
            if data.draw(st.booleans()):
                plain[chosen] = data.draw(junk)
            else:
                del plain[chosen]
    if data.draw(st.integers(0, 9)) == 0:
        plain["nonsense"] = 1

    def built(package: Any) -> tuple[Any, ...]:
        return outcome(made_of, found(package, name), plain)

    result = built(codec)
    assert result[0] == "gave" or result[1] in ("TypeError", "FieldRange", "CapacityExceeded")
    assert result == built(reference)


def made_of(cls: Any, plain: dict[str, Any]) -> Any:
    """`make`, but junk and unknown names go to the constructor as they are."""
    values_ = dict(plain)
    for name, value in plain.items():
        with contextlib.suppress(Exception):
            values_[name] = make_value(cls.__layout__[name].kind, value)
    return cls(**values_)


@pytest.mark.parametrize("name", [name for name in CLASSES if name not in ("SnapshotTLV", "NoteTLV")])
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_encoders_with_random_paths(codec: Any, reference: Any, name: str, data: st.DataObject) -> None:
    layout = found(reference, name).__layout__
    heads = ["header.sequence", "header.timestamp", "header.flags", "header.source", "header.relay_domain"]
    names = [field.name for field in layout.fields] + (["instrument"] if name in ("TradeTLV", "QuoteTLV") else [])
    paths = data.draw(st.permutations(names + heads)) if names else heads
    paths = paths[: data.draw(st.integers(0, len(paths)))]
    plain = data.draw(values(layout))
    head = {"header.sequence": 5, "header.timestamp": 2**64 - 1, "header.flags": 255, "header.source": 20,
            "header.relay_domain": 2}  # fmt: skip
    given_ = []
    for path in paths:
        value = plain.get(path, head.get(path, bytes(12)))
        given_.append(data.draw(junk) if data.draw(st.integers(0, 14)) == 0 else value)
    if data.draw(st.integers(0, 14)) == 0:
        given_.append(1)
    bound = data.draw(st.booleans())

    def encoded(package: Any) -> tuple[Any, ...]:
        fixed = {key: number for key, number in [("relay_domain", 3), ("source", 40)] if f"header.{key}" not in paths}
        return outcome(lambda: encoder(package, fixed)(*map(flat, given_)))

    def encoder(package: Any, fixed: dict[str, int]) -> Any:
        made = package.Encoder(found(package, name), *paths, **fixed)
        return made.encode if bound else made

    result = encoded(codec)
    assert result[0] == "gave" or result[1] in ("TypeError", "FieldRange", "CapacityExceeded", "ValueError")
    assert result == encoded(reference)


def flat(value: Any) -> Any:
    """Plain values as an encoder takes them: a tuple for an element, and bytes for a struct (here never right)."""
    if isinstance(value, list):
        return [tuple(item.values()) if isinstance(item, dict) else item for item in value]
    return bytes(8) if isinstance(value, dict) and value else value


def all_paths(layout: Any) -> list[str]:
    paths = ["header.sequence", "header.relay_domain", "header.checksum", "header.magic", "header.payload_size"]
    for field in layout.fields:
        paths.append(field.name)
        kind = type(field.kind).__name__
        if kind == "VectorKind":
            paths += [f"{field.name}.count", f"{field.name}[0]", f"{field.name}[{field.kind.capacity - 1}]"]
            if type(field.kind.element).__name__ == "StructKind":
                paths += [f"{field.name}[1].{inner.name}" for inner in field.kind.element.layout.fields]
        elif kind == "StructKind":
            paths += [f"{field.name}.{inner.name}" for inner in field.kind.layout.fields]
    return paths


@pytest.mark.parametrize("name", CLASSES)
@given(data=st.data(), chosen=options)
@settings(max_examples=25, deadline=None)
def test_decoders_with_random_paths(
    codec: Any, reference: Any, name: str, data: st.DataObject, chosen: dict[str, Any]
) -> None:
    cls = found(reference, name)
    paths = data.draw(st.lists(st.sampled_from(all_paths(cls.__layout__)), max_size=6))
    payload = bytes(make(cls, data.draw(values(cls.__layout__))))
    size = data.draw(st.sampled_from([None, None, None, len(payload) - 1, len(payload) + 1]))
    payload = payload if size is None else (payload + b"\xff")[: max(size, 0)]
    others = data.draw(st.sampled_from([b"", b"", frame(9, b"other"), frame(1, TRADE_PAYLOAD)]))
    wire = message(others + frame(cls.TYPE, payload, extended=data.draw(st.booleans())))
    if data.draw(st.integers(0, 4)) == 0:
        wire = wire[: data.draw(st.integers(0, len(wire)))]
    if wire and data.draw(st.integers(0, 2)) == 0:
        at = data.draw(st.integers(0, min(len(wire) - 1, 120)))
        wire = sign_if_whole(patched(wire, at, data.draw(st.binary(min_size=1, max_size=1)), signed=False))

    def decoded(package: Any, buf: Any) -> tuple[Any, ...]:
        return outcome(lambda: package.Decoder(found(package, name), *paths, **kept(package, chosen)).decode(buf))

    result = decoded(codec, wire)
    protocol_only(result)
    assert result == decoded(reference, wire) == decoded(codec, memoryview(wire))
    whole = outcome(lambda: codec.parse_message(wire, **kept(codec, chosen)).get(found(codec, name)))
    if whole[0] == "raised":
        assert result == whole


def sign_if_whole(wire: bytes) -> bytes:
    return sign(wire) if len(wire) >= 32 else wire


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_vectors_filled_at_random(codec: Any, reference: Any, data: st.DataObject) -> None:
    """The same operations on both; a list with a capacity says what they do."""
    capacity = data.draw(st.integers(1, 6))
    element = data.draw(st.sampled_from(["U16", "I64", "U128", "OrderLevel", "InstrumentId"]))
    packages = [codec, reference]
    vectors = [package.FixedVec(getattr(package, element), capacity) for package in packages]
    numbers = st.integers(-1, 70_000)
    items = numbers if element[0] in "IU" and element != "InstrumentId" else st.one_of(
        st.tuples(numbers, numbers, st.integers(0, 255)), st.tuples(numbers, numbers, numbers, numbers), junk
    )  # fmt: skip
    for _ in range(data.draw(st.integers(1, 8))):
        action = data.draw(st.sampled_from(["append", "append", "insert", "extend", "clear", "get", "slice", "sorted"]))
        at = data.draw(st.integers(-8, 8))
        item, more = data.draw(items), data.draw(st.lists(items, max_size=4))
        before = [list(vector.to_tuples()) for vector in vectors]
        results = [outcome(partial(done, vector, action, at, item, more)) for vector in vectors]
        assert results[0] == results[1]
        states = [outcome(lambda: vectors[0]), outcome(lambda: vectors[1])]
        assert states[0] == states[1] and states[0][0] == "gave"
        if results[0][0] == "raised":
            assert results[0][1] in ("TypeError", "FieldRange", "CapacityExceeded", "IndexError")
            assert [list(vector.to_tuples()) for vector in vectors] == before, "nothing changes on the way to an error"


def done(vector: Any, action: str, at: int, item: Any, more: list[Any]) -> Any:
    match action:
        case "append":
            return vector.append(item)
        case "insert":
            return vector.insert(at, item)
        case "extend":
            return vector.extend(iter(more))
        case "clear":
            return vector.clear()
        case "get":
            return vector[at]
        case "slice":
            return vector[at : at + 3]
    return vector.insert_sorted(vector[0], key=key_of, descending=at > 0)


def key_of(item: Any) -> int:
    return item if isinstance(item, int) else int.from_bytes(bytes(item)[:4], "little")
