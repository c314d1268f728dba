"""Encoder in Python: one function per message type, made once, for programs that send many.

Owns the making of these functions.  Must not know any particular TLV.  `_native/encoder.c` has the same behaviour.

Interpreting a table field by field would cost more than the work itself, so the source text of one function is put
together from the places of the paths, as `dataclasses` does for `__init__`.  The text holds nothing but numbers and
names made here: paths are resolved before, and never become a part of it.  A value that is not accepted is explained
after the fact (`explain`).

`Encoder(...)` gives that function itself: an object that passes its arguments on to another call would take as long as
the packing does.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..buffers import as_bytes_like
from ..constants import EXTENDED_MARKER, MAGIC, VERSION
from ..explain import explain_encoding
from ..layout import IntKind, Layout, RawKind, StructKind, VectorKind
from ..paths import Place, encoder_places
from ..registry import DOMAINS, known_sources
from .structs import _exact, default_bytes
from .vectors import CODES, listed, vector_packer

if TYPE_CHECKING:
    from ..schema import TLV

_FAULTS = (ValueError, TypeError, AttributeError, OverflowError, struct.error)
_HEAD_ORDER = ("relay_domain", "version", "source", "flags", "sequence", "timestamp")


class MadeFunctions(type):
    """Class of Encoder and Decoder: what they make are functions, and still instances of theirs."""

    def __instancecheck__(cls, instance: object) -> bool:
        return getattr(instance, "made_by", None) is cls


class Encoder(metaclass=MadeFunctions):
    """`Encoder(TradeTLV, *paths, relay_domain=..., source=...)`: called with a value for each path, gives bytes.

    `encode` is the same call.  Bound once (`encode = Encoder(...).encode`), it is the quickest way in C: the
    interpreter calls a built-in method itself, and any other object only by way of its type.
    Header fields are paths (`header.sequence`) or fixed by keyword; a path not named is zero, or its default.
    """

    if TYPE_CHECKING:
        cls: type[TLV]
        paths: tuple[str, ...]
        _places: list[Place]
        _fixed: dict[str, int]

        def __init__(self, cls: type[TLV], *paths: str, **fixed: int) -> None:
            """Raises ValueError for a path that does not exist or is named twice, FieldRange for a fixed value."""

        def __call__(self, *values: Any) -> bytes:
            """The message.  Raises TypeError, FieldRange, CapacityExceeded."""
            raise NotImplementedError

        def encode(self, *values: Any) -> bytes:
            """The message.  Raises TypeError, FieldRange, CapacityExceeded."""
            raise NotImplementedError

    else:

        def __new__(cls, tlv, *paths, **fixed):
            places, known = encoder_places(tlv, paths, fixed)
            made = _encoding_function(tlv, places, known)
            made.made_by, made.cls, made.paths, made._places, made._fixed = cls, tlv, paths, places, known
            made.encode = made
            return made


def _encoding_function(cls: Any, places: list[Place], fixed: dict[str, int]) -> Any:
    layout: Layout = cls.__layout__
    head = (EXTENDED_MARKER, 0, cls.TYPE) if layout.size > 255 else (cls.TYPE,)
    frame = bytes(head) + layout.size.to_bytes(2 if layout.size > 255 else 1, "little")
    names = [f"v{index}" for index in range(len(places))]
    given = {place.path: name for name, place in zip(names, places, strict=True)}

    def explain(*values: Any) -> Exception:
        return explain_encoding(cls, places, fixed, values)

    space: dict[str, Any] = {"crc32": zlib.crc32, "faults": _FAULTS, "explain": explain, "domains": DOMAINS,
                             "sources": known_sources(), "frame": frame,
                             "whole": struct.Struct(f"<28sI{len(frame) + layout.size}s").pack,
                             "head": struct.Struct("<IBBBBQQI").pack}  # fmt: skip
    lines: list[str] = []
    codes, arguments, end = [f"<{len(frame)}s"], ["frame"], 0
    for offset, size, code, argument in sorted(_payload_parts(layout, given, places, space, lines)):
        codes += [f"{offset - end}x", code]
        arguments.append(argument)
        end = offset + size
    space["body"] = struct.Struct("".join(codes) + f"{layout.size - end}x").pack
    values = {name: given.get(f"header.{name}", str(fixed.get(name, 0))) for name in _HEAD_ORDER}
    values["version"] = str(VERSION)
    checks = [f"{given[path]} in {known}" for path, known in
              (("header.relay_domain", "domains"), ("header.source", "sources")) if path in given]  # fmt: skip
    if "header.version" in given:
        checks.append(f"{given['header.version']} == {VERSION}")
    if checks:
        lines.insert(0, f"if not ({' and '.join(checks)}): raise ValueError")
    lines.append(f"h = head({MAGIC}, {', '.join(values[name] for name in _HEAD_ORDER)}, {len(frame) + layout.size})")
    lines.append(f"p = body({', '.join(arguments)})")
    text = f"def encode({', '.join([*names, '/'] if names else [])}):\n try:\n"
    text += "".join(f"  {line}\n" for line in lines)
    text += f" except faults: raise explain({', '.join(names)}) from None\n"
    text += " return whole(h, crc32(p, crc32(h)), p)\n"  # quicker than adding three bytes objects
    return made_function(text, "encode", space)


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
            whole = sum(size for _, size in place.pieces)
            lines.append(f"{packed} = {name} if {name}.__class__ is bytes else as_bytes({name})")
            lines.append(f"if len({packed}) != {whole}: raise ValueError")
            at = 0
            for offset, size in place.pieces:
                cut = _constant(space, slice(at, at + size))  # one made here is not made at every call
                parts.append((offset, size, f"{size}s", f"{packed}[{cut}]" if at else packed))
                at += size
            space["as_bytes"] = as_bytes_like
        elif isinstance(kind, IntKind) and kind.size <= 8:
            parts.append((place.offset, kind.size, CODES[kind.size, kind.signed], name))
        elif isinstance(kind, IntKind):
            lines.append(f"{packed} = {name}.__index__().to_bytes({kind.size}, 'little', signed={kind.signed})")
            parts.append((place.offset, kind.size, f"{kind.size}s", packed))
        elif isinstance(kind, RawKind):
            lines.append(f"{packed} = exact(as_bytes({name}), {kind.length})")
            parts.append((place.offset, kind.size, f"{kind.length}s{kind.pad}x", packed))
            space["exact"], space["as_bytes"] = _exact, as_bytes_like
        elif isinstance(kind, VectorKind):
            space[f"k{name}"], space["listed"] = vector_packer(kind), listed
            lines.append(f"{name} = listed({name})")
            lines.append(f"{packed} = k{name}({name})")
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


def _constant(space: dict[str, Any], value: object) -> str:
    name = f"c{len(space)}"
    space[name] = value
    return name


def made_function(text: str, name: str, space: dict[str, Any]) -> Any:
    """The function that `text` defines, with the names of `space` as its globals."""
    exec(compile(text, f"<{name} of protocol>", "exec"), space)
    return space[name]
