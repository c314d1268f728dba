"""Bounded vectors in readable Python: reading elements in place, and packing a sequence into slots.

Owns `VectorBase`, the storage class below `FixedVec`, and `pack_vector`.  Must not know which struct a vector is a
part of.  `_native/vectors.c` has the same behaviour.

The count is read from the bytes at every use: a vector may be a view on a buffer that its owner goes on filling.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from itertools import starmap
from operator import index as as_index
from typing import Any, ClassVar, Self

from ..buffers import as_bytes_like
from ..explain import explain_count
from ..layout import VECTOR_HEAD, FieldLayout, IntKind, Kind, Layout, RawKind, StructKind, VectorKind
from .padding import clear_rows, cleared

_COUNT = struct.Struct("<H")
CODES = {(1, False): "B", (2, False): "H", (4, False): "I", (8, False): "Q",
         (1, True): "b", (2, True): "h", (4, True): "i", (8, True): "q"}  # fmt: skip
_ROWS = {list, tuple}


class VectorBase:
    """A view on one vector: (buffer, start, kind)."""

    __slots__ = ("_buffer", "_kind", "_mutable", "_start")

    # The class that views are instances of: FixedVec, which builds upon this one.
    _view_class: ClassVar[Any]

    _buffer: bytes | memoryview
    _start: int
    _kind: VectorKind
    _mutable: bool

    @classmethod
    def _over(cls, buffer: bytes | memoryview, start: int, kind: VectorKind, mutable: bool = False) -> Self:
        self = object.__new__(cls)
        self._buffer, self._start, self._kind, self._mutable = buffer, start, kind, mutable
        return self

    @staticmethod
    def _open(
        buffer: bytes | memoryview, start: int, field: FieldLayout, tlv_type: int, offset: int = 0, size: int = 0
    ) -> Any:
        """The vector of `field` in the struct at `start`.  Raises InvalidPayload for a count above the capacity.

        `offset` and `size` are the struct's in its message, where it is in one; they go into the error.
        """
        kind = field.kind
        assert isinstance(kind, VectorKind)
        (count,) = _COUNT.unpack_from(buffer, start + field.offset)
        if count > kind.capacity:
            raise explain_count(field, count, tlv_type, offset, size)
        return VectorBase._view_class._over(buffer, start + field.offset, kind)

    @property
    def capacity(self) -> int:
        """How many elements there is room for."""
        return self._kind.capacity

    def __len__(self) -> int:
        (count,) = _COUNT.unpack_from(self._buffer, self._start)
        if count > self._kind.capacity:
            raise explain_count(FieldLayout("vector", self._kind, 0), count, 0)
        return int(count)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._element(at) for at in range(*index.indices(len(self)))]
        at, count = as_index(index), len(self)
        if not -count <= at < count:
            raise IndexError(f"index {at} in a vector of {count}")
        return self._element(at % count)

    def __iter__(self) -> Iterator[Any]:
        return iter([self._element(at) for at in range(len(self))])

    def _element(self, index: int) -> Any:
        kind = self._kind.element
        at = self._start + self._kind.first + index * kind.size
        if isinstance(kind, StructKind):
            nested: Any = kind.cls
            return nested._view(self._buffer, at, kind.size)
        return int.from_bytes(self._buffer[at : at + kind.size], "little", signed=kind.signed)

    def to_tuples(self) -> list[Any]:
        """All elements as plain values: ints for numbers, a tuple of the fields for structs (whose structs stay)."""
        kind = self._kind.element
        if isinstance(kind, IntKind):
            return list(self)
        names = [field.name for field in kind.layout.fields]
        return [tuple(_plain(getattr(item, name)) for name in names) for item in self]

    def _memory(self) -> memoryview:
        """The vector's whole bytes, writable where it owns them."""
        return memoryview(self._buffer)[self._start : self._start + self._kind.size]

    def _storage(self) -> memoryview:
        """The bytes of the valid elements."""
        first = self._start + self._kind.first
        return memoryview(self._buffer)[first : first + len(self) * self._kind.element.size]


def open_vector(cls: type[VectorBase], storage: bytearray, kind: VectorKind) -> VectorBase:
    """A vector that owns `storage` and may write to it."""
    return cls._over(memoryview(storage), 0, kind, mutable=True)


class ElementReader:
    """Method `book.bid_price(i)`: one field of the i-th element, read in place without making the element."""

    __slots__ = ("_field", "_name", "_owner")

    def __init__(self, owner: Any, vector: str, name: str) -> None:
        layout: Layout = owner.__layout__
        self._owner, self._field, self._name = owner, layout[vector], name

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        return self if obj is None else lambda index: self(obj, index)

    def __call__(self, obj: Any, index: int) -> Any:
        """Raises IndexError; negative indices count from the end."""
        if not isinstance(obj, self._owner):
            raise TypeError(f"does not belong to a {type(obj).__name__}")
        vector = VectorBase._open(obj._buffer, obj._start, self._field, getattr(self._owner, "TYPE", 0))
        return getattr(vector[index], self._name)


def element_method(owner: Any, called: str, vector: str, name: str) -> ElementReader:
    """The method `called` of `owner`."""
    return ElementReader(owner, vector, name)


def row_codes(layout: Layout) -> str:
    """The format of one element whose fields are all of the numbers that `struct` knows; else empty."""
    codes, end = [], 0
    for field in layout.fields:
        if not isinstance(field.kind, IntKind) or field.kind.size > 8:
            return ""
        codes.append(f"{field.offset - end}x{CODES[field.kind.size, field.kind.signed]}")
        end = field.end
    return "".join(codes) + f"{layout.size - end}x"


def vector_packer(kind: VectorKind) -> Callable[[Any], bytes]:
    """`pack_vector` for one kind, quick for rows of plain numbers; the unused slots at the end can be left out.

    What packs it pads it: the format `s` fills up with zeros.
    """
    codes = row_codes(kind.element.layout) if isinstance(kind.element, StructKind) else ""
    if not codes:
        return lambda items: pack_vector(kind, items)
    head, row = struct.Struct(f"<H{kind.first - 2}x").pack, struct.Struct("<" + codes).pack

    def pack(items: Any) -> bytes:
        # A row that is no tuple is left to `pack_vector`; one with another number of values is an error of `row`.
        if items.__class__ not in _ROWS or list(map(type, items)).count(tuple) != len(items):
            return pack_vector(kind, items)
        if not kind.least <= len(items) <= kind.capacity:
            raise ValueError
        return head(len(items)) + b"".join(starmap(row, items))

    return pack


def pack_vector(kind: VectorKind, items: Iterable[Any]) -> bytes:
    """The vector's bytes, unused slots zero.  Raises ValueError or TypeError for what does not fit."""
    body: bytes | bytearray
    if isinstance(items, VectorBase) and items._kind.element == kind.element:
        body, count = bytearray(items._storage()), len(items)
        if isinstance(kind.element, StructKind):
            clear_rows(kind.element.layout, body)
    else:
        rows = [_pack_element(kind.element, item) for item in items]
        body, count = b"".join(rows), len(rows)
    if not kind.least <= count <= kind.capacity:
        raise ValueError
    head = _COUNT.pack(count) + bytes(VECTOR_HEAD - _COUNT.size + kind.first - VECTOR_HEAD)
    return (head + body).ljust(kind.size, b"\0")


def _pack_element(kind: IntKind | StructKind, item: Any) -> bytes:
    if isinstance(kind, IntKind):
        return item.__index__().to_bytes(kind.size, "little", signed=kind.signed)  # type: ignore[no-any-return]
    if isinstance(item, kind.cls):
        return cleared(kind.layout, bytes(item))  # type: ignore[call-overload]
    if not isinstance(item, tuple) or len(item) != len(kind.layout.fields):
        raise TypeError
    out = bytearray(kind.size)
    for field, value in zip(kind.layout.fields, item, strict=True):
        data = _pack_value(field.kind, value)
        out[field.offset : field.offset + len(data)] = data
    return bytes(out)


def _pack_value(kind: Kind, value: Any) -> bytes:
    if isinstance(kind, IntKind):
        return _pack_element(kind, value)
    if isinstance(kind, VectorKind):
        return pack_vector(kind, value)
    if isinstance(kind, RawKind):
        data = as_bytes_like(value)
        if len(data) != kind.length:
            raise ValueError
        return data
    if not isinstance(kind, StructKind) or not isinstance(value, kind.cls):
        raise TypeError
    return _pack_element(kind, value)


def listed(items: Any) -> Any:
    """Something that can be gone through more than once: an error is explained by looking at the elements again."""
    return items if items.__class__ in _ROWS or isinstance(items, (list, tuple, VectorBase)) else list(items)


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, int) else value
