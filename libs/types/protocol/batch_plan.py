"""What a batch kernel is told: rules, known numbers, and which bytes go where.

Owns the packed forms that `_python/batch.py` and `_native/batch_python.c` read.  Must not know messages at hand, nor
numpy.  Plans depend on the class and the names only, so they are made once.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from ._python.structs import default_bytes
from .constants import (
    EXTENDED_FRAME_SIZE,
    EXTENDED_MARKER,
    HEADER_SIZE,
    MAGIC,
    MAX_STANDARD_PAYLOAD,
    STANDARD_FRAME_SIZE,
    VERSION,
)
from .layout import FieldLayout, IntKind, Kind, RawKind, StructKind, VectorKind
from .paths import Place, resolve
from .registry import DOMAINS, MAX_PAYLOAD, TypeInfo, known_sources, known_types, vector_places
from .values import Value

_OP = struct.Struct("<9Q")
_RULE = struct.Struct("<4H")
_VECTOR = struct.Struct("<2H")
_HEADER = struct.Struct("<IBBBBQQII")

ROWS = " rows"  # an array in wire layout, in place of the columns; no field has a blank
# What may be a column of its own beside the payload's fields: where it is, and what it is.
HEADER_COLUMNS = {
    "header.relay_domain": (4, IntKind(1)),
    "header.source": (6, IntKind(1)),
    "header.flags": (7, IntKind(1)),
    "header.timestamp": (16, IntKind(8)),
    "header.sequence": (8, IntKind(8)),
}


def known_numbers() -> bytes:
    """256 bytes for the domains, 256 for the sources: 1 for a known number."""
    return _known_numbers(frozenset(DOMAINS), frozenset(known_sources()))


@lru_cache(maxsize=8)
def _known_numbers(*sets: frozenset[int]) -> bytes:
    return bytes(number in numbers for numbers in sets for number in range(256))


class Op(Value):
    """`width` bytes at `at` of the header or the payload; row i lies at `start + i * stride` of column `column`.

    For writing a vector, `times` elements at most lie `step` bytes apart, and the u16 at `counts + i * stride` of the
    column says how many there are.
    """

    at: int
    width: int
    in_payload: bool
    column: int
    start: int
    stride: int
    times: int = 0
    step: int = 0
    counts: int = 0


def packed(ops: Iterable[Op]) -> bytes:
    """The ops as the kernels read them."""
    return b"".join(
        _OP.pack(op.at, op.width, op.in_payload, op.column, op.start, op.stride, op.times, op.step, op.counts)
        for op in ops
    )


def check_batch_class(cls: Any) -> None:
    """Raises TypeError unless messages can carry `cls` and it has a fixed size."""
    if not getattr(cls, "TYPE", 0):
        raise TypeError(f"a batch is of one TLV class, not of {getattr(cls, '__name__', cls)!r}")
    if cls.__layout__.tail:
        raise TypeError(f"{cls.__name__} has no fixed size, so it has no columns; use parse_message")


@lru_cache(maxsize=256)
def message_size_of(cls: Any) -> int:
    """Bytes of the smallest message that carries a `cls`: what `encode_batch` writes."""
    return HEADER_SIZE + len(_frame(cls)) + int(cls.SIZE)


@lru_cache(maxsize=256)
def fields_of(cls: Any) -> dict[str, FieldLayout]:
    """The fields by name."""
    return {each.name: each for each in cls.__layout__.fields}


@lru_cache(maxsize=256)
def message_template(cls: Any) -> bytes:
    """A message with the defaults of `cls`, zeros elsewhere, and no checksum."""
    payload = bytearray(cls.SIZE)
    for each in cls.__layout__.fields:
        payload[each.offset : each.end] = default_bytes(each)
    body = _frame(cls) + payload
    return _HEADER.pack(MAGIC, 0, VERSION, 0, 0, 0, 0, len(body), 0) + body


def _frame(cls: Any) -> bytes:
    if cls.SIZE <= MAX_STANDARD_PAYLOAD:
        assert STANDARD_FRAME_SIZE == 2
        return bytes((cls.TYPE, cls.SIZE))
    assert EXTENDED_FRAME_SIZE == 5
    return bytes((EXTENDED_MARKER, 0, cls.TYPE)) + int(cls.SIZE).to_bytes(2, "little")


_rules_cache: dict[Any, tuple[list[TypeInfo | None], bytes]] = {}


def rules_of(cls: Any) -> bytes:
    """Sizes and vectors of all known types, and of `cls` itself where it is not the registered class of its number."""
    known = known_types()
    cached = _rules_cache.get(cls)
    if cached is not None and cached[0] == known:
        return cached[1]
    rules, vectors = [], list[bytes]()

    def rule(low: int, high: int, places: Sequence[tuple[FieldLayout, int]]) -> bytes:
        first = len(vectors)
        vectors.extend(_VECTOR.pack(field.offset, capacity) for field, capacity in places)
        return _RULE.pack(low, high, first, len(places))

    for info in known:
        rules.append(rule(0, MAX_PAYLOAD, ()) if info is None else rule(info.low, info.high, info.vectors))
    registered = known[cls.TYPE]
    own = () if registered is not None and registered.cls is cls else vector_places(cls.__layout__)
    rules.append(rule(cls.SIZE, MAX_PAYLOAD, own))
    made = b"".join(rules + vectors)
    _rules_cache[cls] = (list(known), made)
    return made


@lru_cache(maxsize=256)
def places_of(cls: Any, paths: tuple[str, ...] | None) -> tuple[Place, ...]:
    """The places of the columns; all fields without `paths`.  Raises ValueError."""
    names = [each.name for each in cls.__layout__.fields] if paths is None else paths
    places = tuple(resolve(name, cls) for name in names)
    for place in places:
        if place.guard is not None:
            raise ValueError(f"path {place.path!r} is not there in every message; take the whole vector as a column")
    if len(set(names)) != len(names):
        raise ValueError(f"a path is named twice in {', '.join(names)}")
    return places


def width_of(kind: Kind) -> int:
    """Bytes of a column's value: those of the field without the padding behind an address."""
    return kind.length if isinstance(kind, RawKind) else kind.size


def reading_ops(place: Place, column: int, start: int, stride: int) -> list[Op]:
    """The ops that bring one place into a column."""
    ops, at = [], start
    for offset, size in place.pieces or ((place.offset, width_of(place.kind)),):
        ops.append(Op(offset, size, not place.in_header, column, at, stride))
        at += size
    return ops


def _writing_ops(kind: Kind, at: int, column: int, start: int, stride: int) -> list[Op]:
    """The ops that write a column of a field at `at` of the message; padding is left as it is."""
    if isinstance(kind, VectorKind):
        ops, step = [Op(at, 2, False, column, start, stride)], kind.element.size
        for offset, width in _meaningful(kind.element):
            first = kind.first + offset
            ops.append(Op(at + first, width, False, column, start + first, stride, kind.capacity, step, start))
        return ops
    if isinstance(kind, StructKind):
        return [
            op
            for each in kind.layout.fields
            for op in _writing_ops(each.kind, at + each.offset, column, start + each.offset, stride)
        ]
    return [Op(at, width_of(kind), False, column, start, stride)]


def _meaningful(kind: IntKind | StructKind) -> Iterator[tuple[int, int]]:
    """Offset and size of what is no padding."""
    end = 0
    for gap in kind.layout.padding if isinstance(kind, StructKind) else ():
        if gap.offset > end:
            yield end, gap.offset - end
        end = gap.offset + gap.size
    if kind.size > end:
        yield end, kind.size - end


@lru_cache(maxsize=1024)
def writing_plan(cls: Any, columns: tuple[str, ...]) -> bytes:
    """The ops that write these columns, in this order: fields, `header.sequence` and its like, or ROWS as the first."""
    payload, ops = message_size_of(cls) - cls.SIZE, list[Op]()
    for number, name in enumerate(columns):
        if name == ROWS:
            ops += _rows_ops(cls, payload)
        elif name in HEADER_COLUMNS:
            at, kind = HEADER_COLUMNS[name]
            ops += _writing_ops(kind, at, number, 0, kind.size)
        else:
            field = cls.__layout__[name]
            ops += _writing_ops(field.kind, payload + field.offset, number, 0, width_of(field.kind))
    return packed(ops)


def _rows_ops(cls: Any, payload: int) -> list[Op]:
    """The ops that write column 0, an array in wire layout, into messages."""
    ops: list[Op] = []
    for each in cls.__layout__.fields:
        ops += _writing_ops(each.kind, payload + each.offset, 0, each.offset, cls.SIZE)
    return _merged(ops)


def _merged(ops: Sequence[Op]) -> list[Op]:
    """The same with neighbours joined that lie side by side in the message and in the column."""
    out: list[Op] = []
    for op in sorted(ops, key=lambda op: op.at):
        last = out[-1] if out else None
        if (
            last
            and not (last.times or op.times)
            and last.column == op.column
            and last.stride == op.stride
            and last.in_payload == op.in_payload
            and (last.at + last.width == op.at and last.start + last.width == op.start)
        ):
            out[-1] = Op(last.at, last.width + op.width, last.in_payload, last.column, last.start, last.stride)
        else:
            out.append(op)
    return out
