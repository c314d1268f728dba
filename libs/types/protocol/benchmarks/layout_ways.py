"""One declaration, placed by the rules of six libraries.

Owns the translation of a declared struct into each library's own terms.  Nothing about padding is passed on, except
where a way has no rule of its own (the formats by hand).  Must not judge: `layouts` compares the results with the wire.
"""

from __future__ import annotations

import ctypes
import re
import struct
from collections.abc import Callable
from typing import Any

from libs.types.protocol.benchmarks.harness import library
from libs.types.protocol.layout import FieldSpec, IntKind, Layout, RawKind, StructKind, VectorKind, place

# By hand: integers of 16 bytes and arrays as bytes, every pad counted by a person.
BY_HAND = {
    "TradeTLV": "<QqqQHBBB3x",
    "PoolSwapTLV": "<16s16s16sQQiHBB8x20s12x20s12x20s12x32s",
    "OrderBookTLV": "<QQqQHBB4xH6x1200sH6x1200s",
    "ArbitrageSignalTLV": "<HQI20s20sHH20s20sqqHqqqqHIIH2xQ",
}

Placed = tuple[dict[str, int], int]  # offset of each field, size


def by_struct(layout: Layout) -> Placed:
    """What the format by hand says: the offsets of its values, in order."""
    offsets, names = [], [each.name for each in layout.fields]
    text, end = BY_HAND[layout.name][1:], 0
    for count, code in re.findall(r"(\d*)([a-zA-Z])", text):
        size = int(count or 1) if code in "sx" else struct.calcsize("<" + code)
        if code != "x":
            offsets.append(end)
        end += size
    if layout.name == "OrderBookTLV":  # a count and its slots are one field
        del offsets[-1], offsets[-2]
    return dict(zip(names, offsets, strict=True)), end


def by_ctypes(layout: Layout) -> Placed:
    """The rules of the platform's C compiler; it has no integers of 16 bytes."""
    made = _ctypes_structure(layout)
    return {each.name: getattr(made, each.name).offset for each in layout.fields}, ctypes.sizeof(made)


def _ctypes_structure(layout: Layout) -> Any:
    space: dict[str, Any] = {"_fields_": [(each.name, _ctypes_type(each.kind)) for each in layout.fields]}
    if layout.align == 1:
        space.update(_pack_=1, _layout_="ms")
    return type(layout.name, (ctypes.LittleEndianStructure,), space)


def _ctypes_type(kind: Any) -> Any:
    if isinstance(kind, IntKind):
        if kind.size == 16:
            return ctypes.c_uint64 * 2
        return getattr(ctypes, f"c_{'' if kind.signed else 'u'}int{8 * kind.size}")
    if isinstance(kind, RawKind):
        return ctypes.c_uint8 * kind.size
    if isinstance(kind, StructKind):
        return _ctypes_structure(kind.layout)
    assert isinstance(kind, VectorKind)
    slots = _ctypes_type(kind.element) * kind.capacity
    return type("Vector", (ctypes.LittleEndianStructure,), {"_fields_": [("count", ctypes.c_uint16), ("slots", slots)]})


def by_numpy(layout: Layout) -> Placed:
    """numpy with align=True; integers of 16 bytes are raw there."""
    made = _numpy_dtype(library("numpy"), layout)
    return {each.name: made.fields[each.name][1] for each in layout.fields}, made.itemsize


def _numpy_dtype(np: Any, layout: Layout) -> Any:
    def of(kind: Any) -> Any:
        if isinstance(kind, IntKind):
            return f"<{'i' if kind.signed else 'u'}{kind.size}" if kind.size < 16 else "V16"
        if isinstance(kind, RawKind):
            return f"V{kind.size}"
        if isinstance(kind, StructKind):
            return _numpy_dtype(np, kind.layout)
        return np.dtype([("count", "<u2"), ("slots", of(kind.element), (kind.capacity,))], align=True)

    return np.dtype([(each.name, of(each.kind)) for each in layout.fields], align=layout.align > 1)


def by_construct(layout: Layout) -> Placed:
    """construct places fields one after the other; padding is for the user to write."""
    c = library("construct")

    def of(kind: Any) -> Any:
        if isinstance(kind, IntKind):
            return c.BytesInteger(kind.size, signed=kind.signed, swapped=True)
        if isinstance(kind, RawKind):
            return c.Bytes(kind.size)
        if isinstance(kind, StructKind):
            return c.Struct(*[each.name / of(each.kind) for each in kind.layout.fields])
        return c.Struct("count" / c.Int16ul, "slots" / c.Array(kind.capacity, of(kind.element)))

    made = c.Struct(*[each.name / of(each.kind) for each in layout.fields])
    offsets, end = {}, 0
    for each in made.subcons:
        offsets[each.name], end = end, end + each.sizeof()
    return offsets, made.sizeof()


def by_dissect(layout: Layout) -> Placed:
    """dissect.cstruct with align=True."""
    module = library("dissect.cstruct")
    parser = module.cstruct()
    names = {1: "int8", 2: "int16", 4: "int32", 8: "int64", 16: "int128"}
    lines: list[str] = []

    def of(kind: Any, name: str) -> str:
        if isinstance(kind, IntKind):
            return f"{'' if kind.signed else 'u'}{names[kind.size]} {name};"
        if isinstance(kind, RawKind):
            return f"char {name}[{kind.size}];"
        if isinstance(kind, StructKind):
            lines.append(f"struct {kind.layout.name} {{ {' '.join(of(e.kind, e.name) for e in kind.layout.fields)} }};")
            return f"{kind.layout.name} {name};"
        element = of(kind.element, "slots").replace("slots;", f"slots[{kind.capacity}];")
        lines.append(f"struct vec_{name} {{ uint16 count; {element} }};")
        return f"vec_{name} {name};"

    body = " ".join(of(each.kind, each.name) for each in layout.fields)
    parser.load("\n".join(dict.fromkeys(lines)) + f"\nstruct Whole {{ {body} }};", align=layout.align > 1)
    made = parser.Whole
    return {each.name: made.fields[each.name].offset for each in layout.fields}, len(made)


def by_ours(layout: Layout) -> Placed:
    """The same fields, placed again from their declaration."""
    made = _placed_again(layout)
    return {each.name: each.offset for each in made.fields}, made.size


def _placed_again(layout: Layout) -> Layout:
    # What a declaration may say beyond types: `packed`, and where an address or a timestamp is put by the wire.
    said: dict[str, dict[str, int]] = {"pool_address": {"align": 16}} if layout.name == "PoolSwapTLV" else {}
    if layout.name == "ArbitrageSignalTLV":
        said["timestamp_ns"] = {"at": 162}
    specs = [FieldSpec(f.name, f.kind, **said.get(f.name, {})) for f in layout.fields]  # type: ignore[arg-type]
    return place(layout.name, specs, packed=layout.align == 1)


WAYS: dict[str, tuple[Callable[[Layout], Placed], str]] = {
    "struct, by hand": (by_struct, "import struct"),
    "this package": (by_ours, "import libs.types.protocol"),
    "ctypes": (by_ctypes, "import ctypes"),
    "numpy, align=True": (by_numpy, "import numpy"),
    "construct": (by_construct, "import construct"),
    "dissect.cstruct, align=True": (by_dissect, "import dissect.cstruct"),
}
