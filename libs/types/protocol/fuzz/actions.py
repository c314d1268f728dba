"""What one input does to the codec: one function for each entry, over a `Run`.

Owns the entries for one message, one struct, one vector; a byte of the input chooses one.  Must not know how results
are compared.
"""

from __future__ import annotations

import gc
from typing import Any

from .feed import Index
from .reading import Run, read_message, read_struct, read_vector
from .world import HEADER_PATHS, plain, refusal


def parse(run: Run) -> None:
    feed, options = run.feed, dict[str, Any]()
    how = feed.byte()
    if how & 1:
        options["checksum"] = feed.choice((True, False, *run.package.ChecksumPolicy, 0, None))
    if how & 2:
        options["limit"] = feed.choice((100, 0, -1, 1 << 20, 1 << 40, 300, feed.integer() % 2**63))
    if how & 4:
        options["allow_trailing"] = feed.flag()
    data = run.message()
    offset = feed.offset(len(data)) if how & 24 == 24 else 0
    if how & 32:
        data = bytes(offset) + data if isinstance(offset, int) and 0 <= offset < 999 else data
    read_message(run, run.call(run.package.parse_message, feed.buffer(data), *[offset] * (how >> 3 & 1), **options))


def from_buffer(run: Run) -> None:
    feed = run.feed
    cls = feed.choice(run.world.structs)
    size = cls.SIZE + feed.choice((0, 0, 0, 1, -1, 7))
    data = bytearray(feed.take(max(size, 0)))
    how = feed.byte()
    for field in cls.__layout__.fields if how & 3 else ():
        if type(field.kind).__name__ == "VectorKind":
            data[field.offset : field.offset + 2] = feed.below(field.kind.capacity + 1).to_bytes(2, "little")
    offset = feed.offset(len(data))
    if isinstance(offset, int) and 0 < offset < 999 and how & 4:
        data = bytearray(offset) + data
    buffer = feed.buffer(bytes(data))
    places: tuple[tuple[Any, ...], dict[str, Any]] = ((), {}) if how & 8 else ((offset,), {})
    if how & 48 == 48:
        places = (), {"offset": offset}
    value = run.call(cls.from_buffer, buffer, *places[0], **places[1])
    read_struct(run, value)
    if value is not None and how & 64:
        changed = feed.choice(cls.__layout__.fields)
        replaced = run.call(value.replace, **{changed.name: feed.of_kind(changed.kind)})
        run.call(lambda: (value == replaced, hash(value) == hash(replaced)))
        run.log.append(refusal(set_field(value, changed.name)))
        run.call(lambda: bytes(value.__reduce__()[1][0]))


def set_field(value: Any, name: str) -> BaseException:
    try:
        setattr(value, name, 1)
    except AttributeError as error:
        return error
    raise AssertionError(f"{name} was set")


def construct(run: Run) -> None:
    feed = run.feed
    cls = feed.choice(run.world.structs)
    how = feed.byte()
    values = {}
    for field in cls.__layout__.fields:
        if field.required or feed.byte() & 3:
            name = field.name if how & 1 else "".join(list(field.name))
            values[name] = feed.of_kind(field.kind)
    if how & 60 == 60:
        values.pop(next(iter(values)), None)
    if how & 58 == 58:
        values[feed.choice(("nothing", "TYPE", cls.__layout__.fields[0].name))] = feed.odd()
    value = run.call(cls, *[1] * (how & 62 == 62), **values)
    read_struct(run, value)
    if value is not None and how & 2:
        rest = {name: each for name, each in values.items() if not hasattr(each, "__next__")}
        run.call(lambda: (value == cls(**rest), value.__reduce__()[1]))


def paths_of(run: Run, cls: Any) -> tuple[str, ...]:
    feed = run.feed
    how = feed.byte()
    if how < 64:
        fields = tuple(field.name for field in cls.__layout__.fields)
        return ("header.sequence", "header.timestamp", *fields) if how & 1 else fields
    if how < 112:
        return tuple(run.world.groups[cls])
    head = [feed.choice(HEADER_PATHS[: 6 if how < 240 else 10]) for _ in range(feed.below(3))]
    return (*head, *(feed.choice(run.world.paths[cls]) for _ in range(feed.below(5))))


def decode(run: Run) -> None:
    feed = run.feed
    cls = feed.choice(run.world.tlvs)
    options = feed.choice(((True, 1 << 20, True), (False, 1 << 20, True), (True, 200, False), (False, -1, False)))
    decoder = run.call(run.world.decoder, cls, paths_of(run, cls), *options)
    if decoder is None:
        return
    data = run.message() if feed.byte() < 128 else run.signed(
        b"\xef\xbe\xad\xde\1\1\2" + bytes(17) + (cls.SIZE + 5).to_bytes(4, "little") + bytes(4)
        + b"\xff\0" + bytes((cls.TYPE,)) + cls.SIZE.to_bytes(2, "little") + bytes(feed.struct(cls))
    )  # fmt: skip
    for _ in range(1 + feed.below(2)):
        offset = feed.offset(len(data))
        buffer = feed.buffer(data)
        run.call(decoder, buffer, *[offset] * feed.below(2), **({"x": 1} if feed.byte() == 255 else {}))
    run.call(lambda: (decoder.paths, decoder.cls.__name__))


def encode(run: Run) -> None:
    feed = run.feed
    cls = feed.choice(run.world.tlvs)
    paths = paths_of(run, cls)
    fixed = {name: number for name, number in (("relay_domain", 1), ("source", 2)) if f"header.{name}" not in paths}
    if feed.byte() < 24:
        fixed[feed.choice(("sequence", "flags", "version", "timestamp", "source", "checksum"))] = feed.integer()
    encoder = run.call(run.world.encoder, cls, paths, tuple(fixed.items()))
    if encoder is None:
        return
    layout = cls.__layout__
    values = []
    for path in paths:
        if path in layout:
            kind = layout[path].kind
            value = feed.of_kind(kind)
            nested = type(kind).__name__ == "StructKind" and feed.byte() & 3
            values.append(bytes(value) if nested and hasattr(value, "SIZE") else value)
        elif path.startswith("header."):
            values.append(feed.within(0, 2**64 - 1) if feed.flag() else 1 + feed.below(4))
        else:
            values.append(feed.within(0, 255) if feed.byte() < 64 else feed.take(12))
    if feed.byte() > 250:
        values = values[1:]
    message = run.call(encoder, *values, **({"x": 1} if feed.byte() == 255 else {}))
    if message is not None:
        read_message(run, run.call(run.package.parse_message, message))


def build(run: Run) -> None:
    feed = run.feed
    header = {"relay_domain": 1 + feed.below(4), "source": 1 + feed.below(3), "sequence": feed.within(0, 2**64 - 1),
              "timestamp": feed.within(0, 2**64 - 1), "flags": feed.below(256)}  # fmt: skip
    if feed.byte() < 32:
        header[feed.choice(tuple(header))] = feed.odd()
    if feed.byte() < 8:
        header.pop(feed.choice(tuple(header)))
    if header.get("timestamp") is None:
        feed.comparable = False  # the time of the build
    builder = run.call(run.package.MessageBuilder, **header)
    if builder is None:
        return
    for _ in range(feed.below(8)):
        match feed.byte() % 10:
            case 0 | 1 | 2:
                run.call(builder.add, feed.struct(feed.choice(run.world.tlvs)))
            case 3:
                run.call(builder.add, feed.struct(feed.choice(run.world.structs)))
            case 4:
                run.call(builder.add, feed.odd())
            case 5 | 6:
                number = feed.byte() if feed.byte() < 240 else feed.odd()
                size = feed.choice((0, 3, 255, 256, 300, 65535, 65536))
                run.call(builder.add_raw, number, feed.buffer(feed.take(size)))
            case 7:
                run.call(builder.restart, sequence=feed.within(0, 2**64 - 1), timestamp=feed.within(0, 2**64 - 1))
            case 8:
                target = bytearray(builder.size + feed.below(8))
                writable = feed.byte() < 224
                given = {"signed": feed.flag()} if feed.flag() else {}
                offset = feed.offset(len(target) - builder.size)
                if feed.flag():
                    run.call(builder.build_into, target if writable else bytes(target), offset, **given)
                else:
                    run.call(builder.build_into, target if writable else memoryview(b""), **given, offset=offset)
                run.log.append(bytes(target))
            case _:
                run.call(builder.build, signed=feed.flag())
        run.log.append(builder.size)
    message = run.call(builder.build)
    run.call(run.package.parse_message, message)


def vector(run: Run) -> None:
    feed, package = run.feed, run.package
    elements = (package.U8, package.I16, package.U64, package.I128, package.U128, *run.world.structs)
    element, capacity = feed.choice(elements), feed.below(12)
    mine = run.call(package.FixedVec, element, capacity)
    if mine is None:
        return
    kind = mine._kind.element
    kept = []
    for _ in range(feed.below(12)):
        match feed.byte() % 8:
            case 0 | 1 | 2:
                run.call(mine.append, feed.element(kind))
            case 3:
                run.call(mine.insert, feed.within(-3, 12), feed.element(kind))
            case 4:
                run.call(mine.extend, [feed.element(kind) for _ in range(feed.below(4))])
            case 5:
                run.call(mine.insert_sorted, feed.element(kind), key=lambda each: each if isinstance(each, int) else 0,
                         descending=feed.flag())  # fmt: skip
            case 6:
                kept.append(run.call(mine.as_memoryview))
                kept += run.call(list, mine) or []
            case _:
                run.call(mine.clear)
        read_vector(run, mine)
    for cls in run.world.structs:
        for field in cls.__layout__.fields:
            if type(field.kind).__name__ == "VectorKind" and len(cls.__layout__.fields) == 1:
                run.call(cls, **{field.name: mine})
    del mine
    gc.collect(0) if feed.byte() < 8 else None
    run.log.append(plain(kept))


def scan(run: Run) -> None:
    feed, data = run.feed, run.messages()
    limit = feed.choice((1 << 20, 1 << 20, 100, 0, -1))
    offset = feed.below(len(data) + 1) if feed.byte() < 64 else 0
    found = run.call(run.package._codec.scan, feed.buffer(data), offset, limit, feed.flag())
    for message in found[0][:3] if found else ():
        read_message(run, message)


def moving(run: Run) -> None:
    """Views on memory that changes under them: whatever they give then, it comes from inside of the memory."""
    feed, data = run.feed, bytearray(run.message())
    message = run.call(run.package.parse_message, data, checksum=False, allow_trailing=True)
    if message is None or not data:
        return
    views: list[Any] = [message.header]
    for tlv in run.call(list, message) or []:
        views.append(run.call(tlv.decode))
    vectors = [
        run.call(getattr, view, field.name)
        for view in views if view is not None
        for field in view.__layout__.fields if type(field.kind).__name__ == "VectorKind"
    ]  # fmt: skip

    def change() -> None:
        at, new = feed.below(len(data)), feed.some(4)
        end = min(len(data), at + len(new))
        data[at:end] = new[: end - at]

    for _ in range(1 + feed.below(3)):
        change()
        read_message(run, message)
        for view in views:
            read_struct(run, view)
        for each in vectors:
            if each is not None:
                read_vector(run, each)
                number = feed.below(4)
                run.call(lambda each=each, number=number: each[Index(number, change)])
        for view in views:
            if hasattr(type(view), "bid_price"):
                run.call(view.bid_price, Index(feed.below(4), change))
                feed.comparable = False  # asked for its number before the count is read, or after
