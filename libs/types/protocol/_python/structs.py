"""Structs in readable Python: storage, field access, construction, comparison.

Owns `StructBase`, the storage class below every declared struct, and `bind`, which gives a declared class its field
descriptors.  Must not know messages or TLV frames.  `_native/structs.c` and `_native/attributes.c` have the same
behaviour; where they could be read differently, this file is the specification.

A struct object is (buffer, start): either a view on someone's buffer, or on bytes of its own.  Fields are decoded
when they are read.  Nothing is ever written into a struct that exists; new values make a new one.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, ClassVar, NoReturn, Self

from ..buffers import Buffer, as_bytes_like, byte_view
from ..errors import PayloadSizeMismatch
from ..explain import explain_construction, explain_short_buffer
from ..layout import FieldLayout, IntKind, Layout, RawKind, StructKind, TailKind, VectorKind
from .padding import cleared
from .vectors import CODES as _CODES
from .vectors import VectorBase, listed, vector_packer


class StructBase:
    """Immutable object over `size` bytes of a buffer.  Made by keyword arguments, or by `from_buffer`."""

    __slots__ = ("_buffer", "_size", "_start")

    __layout__: ClassVar[Layout]
    _packer: ClassVar[Packer]

    _buffer: bytes | memoryview
    _start: int
    _size: int

    def __new__(cls, /, **values: Any) -> Self:
        return cls._view(_declared(cls).pack(cls, values), 0)

    @classmethod
    def from_buffer(cls, buf: Buffer, offset: int = 0) -> Self:
        """A view on the bytes at `offset`; copies nothing and keeps `buf` alive.

        For a struct with a tail, everything up to the end of `buf` belongs to it.
        Raises FieldRange for an offset outside of `buf`, MessageTooSmall, InvalidPayload.
        """
        view = byte_view(buf)
        _declared(cls)
        size = cls.__layout__.size
        if not 0 <= offset <= len(view) or len(view) - offset < size:
            raise explain_short_buffer(cls.__name__, size, len(view), offset)
        return cls._checked(view, offset, len(view) - offset if cls.__layout__.tail else size)

    @classmethod
    def _view(cls, buffer: bytes | memoryview, start: int, size: int | None = None) -> Self:
        self = object.__new__(cls)
        self._buffer, self._start = buffer, start
        if size is None:
            size = len(buffer) - start if cls.__layout__.tail else cls.__layout__.size
        self._size = size
        return self

    @classmethod
    def _checked(cls, buffer: bytes | memoryview, start: int, size: int, offset: int = 0, whole: int = 0) -> Self:
        for field in cls._packer.vectors:
            VectorBase._open(buffer, start, field, getattr(cls, "TYPE", 0), offset, whole)
        return cls._view(buffer, start, size)

    @classmethod
    def _of_payload(cls, buffer: bytes | memoryview, message: int, start: int, end: int) -> Self:
        """On the payload from `start` to `end` of the message at `message`.

        Raises PayloadSizeMismatch, InvalidPayload.
        """
        size = cls.__layout__.size
        if end - start < size:
            raise PayloadSizeMismatch(getattr(cls, "TYPE", 0), size, end - start, cls.__name__, start - message)
        there = end - start
        return cls._checked(buffer, start, there if cls.__layout__.tail else size, start - message, there)

    def __bytes__(self) -> bytes:
        return bytes(self._buffer[self._start : self._start + self._size])

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self) or not isinstance(other, StructBase):
            return NotImplemented
        return bytes(self) == bytes(other) or self._canonical() == other._canonical()

    def __hash__(self) -> int:
        return hash(self._canonical())

    def _canonical(self) -> bytes:
        """The bytes a writer would make of the same values: padding and unused slots are zero."""
        return cleared(type(self).__layout__, bytes(self), getattr(type(self), "TYPE", 0))

    def _storage(self) -> memoryview:
        return memoryview(self._buffer)[self._start : self._start + self._size]


class Packer:
    """Turns values into the bytes of one layout."""

    def __init__(self, layout: Layout) -> None:
        self.fields = layout.fields
        self.vectors = tuple(field for field in layout.fields if isinstance(field.kind, VectorKind))
        self.tail = layout.tail
        self._converters = [_converter(field) for field in layout.fields]
        codes, end = ["<"], 0
        for field in layout.fields:
            codes += [f"{field.offset - end}x", _code(field)]
            end = field.end
        self._struct = struct.Struct("".join(codes) + f"{layout.size - end}x")
        self._defaults = {field.name: field.default for field in layout.fields if not field.required}
        self._names = [field.name for field in layout.fields]

    def pack(self, cls: type, values: dict[str, Any]) -> bytes:
        """The struct's bytes.  Raises TypeError, FieldRange, CapacityExceeded."""
        try:
            for field in self.vectors:
                if field.name in values:
                    values[field.name] = listed(values[field.name])
            given = {**self._defaults, **values}
            if len(given) != len(self._names):
                raise KeyError
            row = [convert(given[name]) for name, convert in zip(self._names, self._converters, strict=True)]
            if self.tail:
                whole: bytes = self._struct.pack(*row[:-1]) + row[-1]
                return whole
            return self._struct.pack(*row)
        except (KeyError, ValueError, TypeError, AttributeError, OverflowError, struct.error):
            raise explain_construction(cls, self.fields, values) from None


def _code(field: FieldLayout) -> str:
    match field.kind:
        case IntKind(size, signed) if size <= 8:
            return _CODES[size, signed]
        case RawKind(length, pad):
            return f"{length}s{pad}x"
        case TailKind():
            return ""
        case kind:
            return f"{kind.size}s"


def _converter(field: FieldLayout) -> Callable[[Any], Any]:
    match field.kind:
        case IntKind(size, signed):
            if size <= 8:
                return _same
            return lambda value: value.__index__().to_bytes(size, "little", signed=signed)
        case RawKind(length):
            return lambda value: _exact(as_bytes_like(value), length)
        case StructKind(inner, cls):
            return lambda value: _struct_bytes(value, cls, inner)
        case VectorKind() as kind:
            return vector_packer(kind)
        case TailKind():
            return as_bytes_like


def _same(value: Any) -> Any:
    return value


def _exact(data: bytes, length: int) -> bytes:
    if len(data) != length:
        raise ValueError
    return data


def _struct_bytes(value: Any, cls: type, layout: Layout) -> bytes:
    if not isinstance(value, cls):
        raise TypeError
    return cleared(layout, bytes(value))  # type: ignore[call-overload]


def default_bytes(field: FieldLayout) -> bytes:
    """What stands in the bytes of a field that is not given; zeros for one that has to be."""
    if field.required or isinstance(field.kind, TailKind):
        return bytes(field.kind.size)
    value = _converter(field)(field.default)
    if isinstance(field.kind, IntKind) and field.kind.size <= 8:
        value = int(value).to_bytes(field.kind.size, "little", signed=field.kind.signed)
    return bytes(value).ljust(field.kind.size, b"\0")


def tlv_number(cls: Any) -> int:
    """The type number of a declared TLV.  Raises TypeError for anything else."""
    number = getattr(cls, "TYPE", 0)
    if not number or not hasattr(cls, "__layout__"):
        raise TypeError(f"a declared TLV is needed, not {cls!r}")
    return int(number)


def _declared(cls: Any) -> Packer:
    if "_packer" not in cls.__dict__:
        raise TypeError(f"{cls.__name__} declares no fields; it is there to be inherited from")
    packer: Packer = cls._packer
    return packer


class FieldReader:
    """Descriptor of one field; on the class it gives itself, with its `layout`."""

    __slots__ = ("layout",)

    def __init__(self, layout: FieldLayout) -> None:
        self.layout = layout

    def __get__(self, obj: StructBase | None, owner: type | None = None) -> Any:
        return self if obj is None else self.read(obj._buffer, obj._start, obj._size, type(obj))

    def __set__(self, obj: StructBase, value: object) -> NoReturn:
        raise AttributeError(f"{type(obj).__name__} is immutable; use replace({self.layout.name}=...)")

    def read(self, buffer: bytes | memoryview, start: int, size: int, cls: type) -> Any:
        raise NotImplementedError


class _IntReader(FieldReader):
    __slots__ = ("_members", "_unpack")

    def __init__(self, layout: FieldLayout) -> None:
        super().__init__(layout)
        assert isinstance(layout.kind, IntKind)
        self._members = layout.members
        size, signed = layout.kind.size, layout.kind.signed
        if size <= 8:
            unpack = struct.Struct("<" + _CODES[size, signed]).unpack_from
            self._unpack: Callable[[Any, int], int] = lambda buffer, at: unpack(buffer, at)[0]
        else:
            self._unpack = lambda buffer, at: int.from_bytes(buffer[at : at + size], "little", signed=signed)

    def read(self, buffer: bytes | memoryview, start: int, size: int, cls: type) -> Any:
        value = self._unpack(buffer, start + self.layout.offset)
        return value if self._members is None else self._members[value]


class _RawReader(FieldReader):
    __slots__ = ()

    def read(self, buffer: bytes | memoryview, start: int, size: int, cls: type) -> bytes:
        assert isinstance(self.layout.kind, RawKind)
        at = start + self.layout.offset
        return bytes(buffer[at : at + self.layout.kind.length])


class _StructReader(FieldReader):
    __slots__ = ()

    def read(self, buffer: bytes | memoryview, start: int, size: int, cls: type) -> Any:
        assert isinstance(self.layout.kind, StructKind)
        nested: Any = self.layout.kind.cls
        return nested._view(buffer, start + self.layout.offset, self.layout.kind.size)


class _VectorReader(FieldReader):
    __slots__ = ()

    def read(self, buffer: bytes | memoryview, start: int, size: int, cls: type) -> Any:
        return VectorBase._open(buffer, start, self.layout, getattr(cls, "TYPE", 0))


class _TailReader(FieldReader):
    __slots__ = ()

    def read(self, buffer: bytes | memoryview, start: int, size: int, cls: type) -> bytes:
        return bytes(buffer[start + self.layout.offset : start + size])


_READERS: dict[type, type[FieldReader]] = {
    IntKind: _IntReader,
    RawKind: _RawReader,
    StructKind: _StructReader,
    VectorKind: _VectorReader,
    TailKind: _TailReader,
}


def bind(cls: Any, layout: Layout) -> None:
    """Give a declared class its layout, its packer and a descriptor for each field."""
    cls.__layout__ = layout
    cls._packer = Packer(layout)
    for field in layout.fields:
        setattr(cls, field.name, _READERS[type(field.kind)](field))
