"""Encoder and Decoder in Python: one function per message type, made once, for programs that send or read many.

Owns the making of these functions.  Must not know any particular TLV.  `_native/compiled.c` has the same behaviour.

Interpreting a table field by field would cost more than the work itself, so the source text of one function is put
together from the places of the paths, as `dataclasses` does for `__init__`.  The text holds nothing but numbers and
names made here: paths are resolved before, and never become a part of it.  What the quick function does not take, the
plain reference decides (`_slow`), which also raises the errors.

The function is the `__call__` of a class that only this one encoder or decoder has: a `__call__` that passes its
arguments on to another function would take as long as the packing itself.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ..buffers import as_bytes_like, byte_view
from ..constants import EXTENDED_MARKER, HEADER_SIZE, MAGIC, MAX_MESSAGE_SIZE, VERSION, ChecksumPolicy, must_verify
from ..errors import FieldRange, PayloadSizeMismatch
from ..explain import explain_count, explain_encoding
from ..layout import FieldLayout, IntKind, Layout, RawKind, StructKind, VectorKind
from ..paths import Place, encoder_places, resolve
from ..registry import DOMAINS, known_sources, known_types, vector_places
from .checks import check_message, walk
from .structs import _CODES, _exact, default_bytes
from .vectors import listed, pack_vector

if TYPE_CHECKING:
    from ..schema import TLV

_HEADER_CODES = {"magic": "I", "relay_domain": "B", "version": "B", "source": "B", "flags": "B",
                 "sequence": "Q", "timestamp": "Q", "payload_size": "I", "checksum": "I"}  # fmt: skip


class Encoder:
    """`Encoder(TradeTLV, *paths, relay_domain=..., source=...)`: called with a value for each path, gives bytes.

    Header fields are paths (`header.sequence`) or fixed by keyword; a path not named is zero, or its default.
    """

    __slots__ = ("_fixed", "_places", "cls", "paths")

    def __init__(self, cls: type[TLV], *paths: str, **fixed: int) -> None:
        """Raises ValueError for a path that does not exist or is named twice, FieldRange for a fixed value."""
        self.cls, self.paths = cls, paths
        self._places, self._fixed = encoder_places(cls, paths, fixed)
        _give_call(self, _encoding_function(cls.__layout__, cls.TYPE, self._places, self._fixed))

    def __call__(self, *values: Any) -> bytes:
        """The message.  Raises TypeError, FieldRange, CapacityExceeded."""
        raise NotImplementedError  # replaced when the encoder is made

    def _explain(self, *values: Any) -> Exception:
        given = tuple(value for value in values if value is not _ABSENT)
        return explain_encoding(self.cls, self._places, self._fixed, given)


def _encoding_function(layout: Layout, number: int, places: list[Place], fixed: dict[str, int]) -> Any:
    extended = layout.size > 255
    frame = struct.pack("<BBBH", EXTENDED_MARKER, 0, number, layout.size) if extended else bytes((number, layout.size))
    names = [f"v{index}" for index in range(len(places))]
    given = {place.path: name for name, place in zip(names, places, strict=True)}
    space: dict[str, Any] = {"crc32": zlib.crc32, "faults": _FAULTS, "absent": _ABSENT, "domains": DOMAINS,
                             "sources": known_sources(), "to_bytes": int.to_bytes}  # fmt: skip
    lines: list[str] = []
    codes, arguments, end = [f"<{len(frame)}s"], ["frame"], 0
    space["frame"] = frame
    for offset, size, code, argument in sorted(_payload_parts(layout, given, places, space, lines)):
        codes += [f"{offset - end}x", code]
        arguments.append(argument)
        end = offset + size
    codes.append(f"{layout.size - end}x")
    space["body"] = struct.Struct("".join(codes)).pack
    space["head"] = struct.Struct("<IBBBBQQI").pack
    values = {"magic": str(MAGIC), "payload_size": str(len(frame) + layout.size), "version": str(VERSION)}
    for name in ("relay_domain", "version", "source", "flags", "sequence", "timestamp"):
        path = f"header.{name}"
        values[name] = given[path] if path in given else str(fixed.get(name, values.get(name, "0")))
    for name, allowed in (("relay_domain", "domains"), ("source", "sources")):
        if f"header.{name}" in given:
            lines.append(f"if {values[name]} not in {allowed}: raise ValueError")
    if "header.version" in given:
        lines.append(f"if {values['version']} != {VERSION}: raise ValueError")
    order = ("magic", "relay_domain", "version", "source", "flags", "sequence", "timestamp", "payload_size")
    lines.append(f"h = head({', '.join(values[name] for name in order)})")
    lines.append(f"p = body({', '.join(arguments)})")
    text = f"def encode(self{''.join(f', {name}=absent' for name in names)}, *more):\n try:\n"
    text += f"  if more{f' or {names[-1]} is absent' if names else ''}: raise ValueError\n"
    text += "".join(f"  {line}\n" for line in lines)
    text += f" except faults: raise self._explain({''.join(f'{name}, ' for name in names)}*more) from None\n"
    text += " return h + crc32(p, crc32(h)).to_bytes(4, 'little') + p\n"
    return _function(text, "encode", space)


def _payload_parts(
    layout: Layout, given: dict[str, str], places: list[Place], space: dict[str, Any], lines: list[str]
) -> list[tuple[int, int, str, str]]:
    """(offset, size, struct code, argument) of everything in the payload that is not zero."""
    parts = [
        (start, len(raw), f"{len(raw)}s", _constant(space, raw))
        for start, raw in _default_parts(layout, places)
        if any(raw)
    ]
    for place in places:
        if place.in_header:
            continue
        # What is packed gets a name of its own: an error is explained by the values that were given.
        name, packed, kind = given[place.path], f"p{given[place.path]}", place.kind
        if place.pieces:
            at = 0
            whole = sum(size for _, size in place.pieces)
            lines.append(f"{packed} = {name} if {name}.__class__ is bytes else as_bytes({name})")
            lines.append(f"if len({packed}) != {whole}: raise ValueError")
            for offset, size in place.pieces:
                parts.append((offset, size, f"{size}s", f"{packed}[{at}:{at + size}]"))
                at += size
            space["as_bytes"] = as_bytes_like
        elif isinstance(kind, IntKind) and kind.size <= 8:
            parts.append((place.offset, kind.size, _CODES[kind.size, kind.signed], name))
        elif isinstance(kind, IntKind):
            lines.append(f"{packed} = {name}.__index__().to_bytes({kind.size}, 'little', signed={kind.signed})")
            parts.append((place.offset, kind.size, f"{kind.size}s", packed))
        elif isinstance(kind, RawKind):
            lines.append(f"{packed} = exact(as_bytes({name}), {kind.length})")
            parts.append((place.offset, kind.size, f"{kind.length}s{kind.pad}x", packed))
            space["exact"], space["as_bytes"] = _exact, as_bytes_like
        elif isinstance(kind, VectorKind):
            space[f"k{name}"], space["pack_vector"], space["listed"] = kind, pack_vector, listed
            lines.append(f"{name} = listed({name})")
            lines.append(f"{packed} = pack_vector(k{name}, {name})")
            parts.append((place.offset, kind.size, f"{kind.size}s", packed))
        else:
            assert isinstance(kind, StructKind)
            space["exact"], space["as_bytes"] = _exact, as_bytes_like
            lines.append(f"{packed} = exact(as_bytes({name}), {kind.size})")
            parts.append((place.offset, kind.size, f"{kind.size}s", packed))
    return parts


def _default_parts(layout: Layout, places: list[Place]) -> Iterator[tuple[int, bytes]]:
    """(offset, bytes) of the defaults, without what the places write over."""
    taken = sorted(
        span for place in places if not place.in_header for span in place.pieces or ((place.offset, place.kind.size),)
    )
    for field in layout.fields:
        raw, at = default_bytes(field), field.offset
        for start, size in taken:
            if at < start + size and start < field.end:
                yield at, raw[at - field.offset : max(start - field.offset, 0)]
                at = start + size
        yield at, raw[max(at - field.offset, 0) :]


def _constant(space: dict[str, Any], value: bytes) -> str:
    name = f"c{len(space)}"
    space[name] = value
    return name


class Decoder:
    """`Decoder(TradeTLV, *paths)`: called with a message, checks it whole and gives a tuple of the values at the paths.

    The first TLV of the class is read; None where the message has none.  Values are plain: integers, bytes (also for
    groups and structs), lists of integers or tuples for vectors.  Without paths, all fields in their order.
    """

    __slots__ = ("_limit", "_places", "_trailing", "_verify", "cls", "paths")

    def __init__(
        self, cls: type[TLV], *paths: str, checksum: ChecksumPolicy | bool = ChecksumPolicy.ENFORCE,
        limit: int = MAX_MESSAGE_SIZE, allow_trailing: bool = False,
    ) -> None:  # fmt: skip
        """Raises ValueError for a path that does not exist."""
        self.cls = cls
        self.paths = paths or tuple(field.name for field in cls.__layout__.fields)
        self._verify, self._limit, self._trailing = must_verify(checksum), limit, allow_trailing
        self._places = [resolve(path, cls) for path in self.paths]
        quick = _decoding_function(cls.__layout__, cls.TYPE, self._places, self._verify, limit)
        if quick is not None:
            _give_call(self, quick)

    def __call__(self, buf: Any, offset: int = 0) -> tuple[Any, ...] | None:
        """Raises what `parse_message` raises."""
        return self._slow(buf, offset)  # where no quicker function has replaced this one

    def _slow(self, buf: Any, offset: int = 0) -> tuple[Any, ...] | None:
        buffer = byte_view(buf)
        if not 0 <= offset <= len(buffer):
            raise FieldRange("offset", offset, 0, len(buffer))
        end = check_message(buffer, offset, self._verify, self._limit, self._trailing)
        for frame in walk(buffer, offset, end):
            if frame.type == self.cls.TYPE:
                tlv = self._tlv(memoryview(buffer)[offset:], frame.start - offset, frame.end - offset)
                return tuple(self._read(place, buffer, offset, frame.start, tlv) for place in self._places)
        return None

    def _tlv(self, message: memoryview, start: int, end: int) -> Any:
        """The struct, of either implementation.  Raises PayloadSizeMismatch, InvalidPayload."""
        size, there = self.cls.__layout__.size, end - start
        if there < size:
            raise PayloadSizeMismatch(self.cls.TYPE, size, there, self.cls.__name__, start)
        for field, capacity in vector_places(self.cls.__layout__):
            count = int.from_bytes(message[start + field.offset : start + field.offset + 2], "little")
            if count > capacity:
                raise explain_count(field, count, self.cls.TYPE, start, there)
        return self.cls.from_buffer(message[start:end])

    def _read(self, place: Place, buffer: bytes | memoryview, start: int, payload: int, tlv: Any) -> Any:
        if place.guard is not None:
            count, index = place.guard
            if int.from_bytes(buffer[payload + count : payload + count + 2], "little") <= index:
                return None
        at = place.offset + (start if place.in_header else payload)
        kind = place.kind
        if place.pieces:
            return b"".join(bytes(buffer[at + offset : at + offset + size]) for offset, size in place.pieces)
        if isinstance(kind, IntKind):
            return int.from_bytes(buffer[at : at + kind.size], "little", signed=kind.signed)
        if isinstance(kind, RawKind):
            return bytes(buffer[at : at + kind.length])
        if isinstance(kind, StructKind):
            return bytes(buffer[at : at + kind.size])
        if isinstance(kind, VectorKind):
            length = int.from_bytes(buffer[payload + place.offset : payload + place.offset + 2], "little")
            if length > kind.capacity:
                raise explain_count(FieldLayout(place.path, kind, place.offset), length, self.cls.TYPE)
        value = attrgetter(place.path)(tlv)
        return value.to_tuples() if isinstance(kind, VectorKind) else value


def _decoding_function(layout: Layout, number: int, places: list[Place], verify: bool, limit: int) -> Any:
    """A function for the usual message, which holds just this TLV; None where a path needs more than that."""
    extended = layout.size > 255
    frame = struct.pack("<BBBH", EXTENDED_MARKER, 0, number, layout.size) if extended else bytes((number, layout.size))
    total = HEADER_SIZE + len(frame) + layout.size
    known = known_types()[number]
    if layout.tail or total > limit or any(place.guard for place in places):
        return None
    if known is not None and not known.agrees_with(layout):
        return None  # a class that is not registered, for a type that is
    space: dict[str, Any] = {"crc32": zlib.crc32, "domains": DOMAINS, "sources": known_sources(),
                             "frame": frame, "from_bytes": int.from_bytes}  # fmt: skip
    reads: list[tuple[int, int, str, str]] = []
    results: list[str] = []
    for index, place in enumerate(places):
        name, kind = f"v{index}", place.kind
        if place.in_header:
            results.append(f"h_{place.path.removeprefix('header.')}")
        elif place.pieces:
            for piece, (offset, size) in enumerate(place.pieces):
                reads.append((offset, size, f"{size}s", f"{name}_{piece}"))
            results.append("+".join(f"{name}_{piece}" for piece in range(len(place.pieces))))
        elif isinstance(kind, IntKind):
            small = kind.size <= 8
            reads.append((place.offset, kind.size, _CODES[kind.size, kind.signed] if small else f"{kind.size}s", name))
            results.append(name if small else f"from_bytes({name}, 'little', signed={kind.signed})")
        elif isinstance(kind, RawKind):
            reads.append((place.offset, kind.length, f"{kind.length}s", name))
            results.append(name)
        elif isinstance(kind, VectorKind) and isinstance(kind.element, StructKind) and _row_codes(kind.element.layout):
            reads.append((place.offset, 2, "H", name))
            first = HEADER_SIZE + len(frame) + place.offset + kind.first
            space[f"i{index}"] = struct.Struct(_row_codes(kind.element.layout)).iter_unpack
            results.append(f"list(i{index}(b[{first}:{first}+{kind.element.size}*{name}]))")
        else:
            return None
    counts = [(field.offset, field.kind.capacity) for field in layout.fields if isinstance(field.kind, VectorKind)]
    for index, (offset, _) in enumerate(counts):
        if not any(at == offset for at, *_ in reads):
            reads.append((offset, 2, "H", f"c{index}"))
    reads.sort()
    codes, end = [], 0
    for offset, size, code, _ in reads:
        if offset < end:
            return None  # two paths over the same bytes
        codes += [f"{offset - end}x", code]
        end = offset + size
    names = {offset: name for offset, _, _, name in reads}
    checks = "".join(f" and {names[offset]} <= {capacity}" for offset, capacity in counts)
    header = ", ".join(f"h_{name}" for name in _HEADER_CODES)
    space["unpack"] = struct.Struct(
        "<" + "".join(_HEADER_CODES.values()) + f"{len(frame)}s" + "".join(codes) + f"{layout.size - end}x"
    ).unpack
    text = (
        f"def decode(self, buf, offset=0):\n b = buf\n if b.__class__ is bytes and len(b) == {total} and not offset:\n"
        f"  {header}, f{''.join(', ' + name for _, _, _, name in reads)} = unpack(b)\n"
        f"  if (h_magic == {MAGIC} and h_version == {VERSION} and f == frame and h_payload_size == "
        f"{total - HEADER_SIZE} and h_relay_domain in domains and h_source in sources{checks}"
        + (f"\n    and crc32(b[{HEADER_SIZE}:], crc32(b[:28])) == h_checksum" if verify else "")
        + f"):\n   return ({''.join(result + ', ' for result in results)})\n return self._slow(b, offset)\n"
    )
    return _function(text, "decode", space)


def _row_codes(layout: Layout) -> str:
    """The format of one element whose fields are all of the numbers that `struct` knows; else empty."""
    codes, end = ["<"], 0
    for field in layout.fields:
        if not isinstance(field.kind, IntKind) or field.kind.size > 8:
            return ""
        codes += [f"{field.offset - end}x", _CODES[field.kind.size, field.kind.signed]]
        end = field.end
    return "".join(codes) + f"{layout.size - end}x"


_ABSENT: Any = object()  # what stands for an argument that was not given
_FAULTS = (ValueError, TypeError, AttributeError, OverflowError, struct.error)


def _give_call(compiled: Any, function: Any) -> None:
    base = type(compiled)
    space = {"__slots__": (), "__call__": function, "__module__": base.__module__, "__doc__": base.__doc__}
    compiled.__class__ = type(base.__name__, (base,), space)


def _function(text: str, name: str, space: dict[str, Any]) -> Any:
    exec(compile(text, f"<{name} of protocol>", "exec"), space)
    return space[name]
