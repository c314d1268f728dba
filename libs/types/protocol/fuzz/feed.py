"""Bytes of the fuzzer turned into decisions and values.

Owns `Feed`, which hands out what is left of an input, and the objects that a careless or a hostile caller passes: ints
of any size, wrong types, integers that only convert, that fail to, or that change something while they are asked.
Must not know the codec, except for the kinds of its fields (by name: two loads of the package are compared).

An input that ends gives zeros, so every input is complete.
"""

from __future__ import annotations

import array
import ctypes
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any, TypeVar

T = TypeVar("T")

EDGES = [0, 1, 127, 128, 255, 256, 2**15 - 1, 2**15, 2**16 - 1, 2**16, 2**30 - 1, 2**30, 2**31 - 1, 2**31, 2**32 - 1,
         2**32, 2**60 - 1, 2**60, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**127, 2**128 - 1, 2**128, 2**200]  # fmt: skip


class Raised(Exception):
    """What the objects made here raise of themselves; it has to come out as it is."""


class Number(IntEnum):
    """An int that is no plain int."""

    ONE = 1
    LARGE = 2**40


class Index:
    """Only converts to an int, as a numpy scalar does.  Compares and hashes as the int."""

    def __init__(self, value: int, before: Callable[[], object] | None = None) -> None:
        self.value, self.before = value, before

    def __index__(self) -> int:
        if self.before is not None:
            self.before()
        return self.value

    def __eq__(self, other: object) -> bool:
        return self.value == other

    def __hash__(self) -> int:
        return hash(self.value)

    def __lt__(self, other: int) -> bool:
        return self.value < other

    def __le__(self, other: int) -> bool:
        return self.value <= other

    def __gt__(self, other: int) -> bool:
        return self.value > other

    def __ge__(self, other: int) -> bool:
        return self.value >= other


class Refuses:
    """Fails when it is asked for anything."""

    def __index__(self) -> int:
        raise Raised

    def __bytes__(self) -> bytes:
        raise Raised

    def __bool__(self) -> bool:
        raise Raised


class Says:
    """Bytes that only convert."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __bytes__(self) -> bytes:
        return self.data


class Feed:
    """What is left of one input.  `comparable` becomes False where two implementations may differ rightly."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.comparable = data, 0, True

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1] if self.at <= len(self.data) else 0

    def flag(self) -> bool:
        return bool(self.byte() & 1)

    def below(self, limit: int) -> int:
        """0 to `limit` - 1; small limits cost one byte."""
        number = self.byte() if limit <= 256 else self.byte() | self.byte() << 8
        return number % limit

    def choice(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def take(self, size: int) -> bytes:
        """`size` bytes."""
        taken = self.data[self.at : self.at + size]
        self.at += size
        return taken.ljust(size, b"\0")

    def some(self, most: int) -> bytes:
        return self.take(min(self.below(most + 1), max(self.left, 0)))

    def rest(self) -> bytes:
        return self.take(max(self.left, 0))

    def integer(self) -> int:
        """Of any size and sign; mostly near an end of some width."""
        how = self.byte()
        if how < 96:
            return how - 16
        if how < 160:
            return int.from_bytes(self.take(1 + how % 17), "little", signed=how >= 128)
        edge = self.choice(EDGES) + how % 3 - 1
        return -edge if how & 64 else edge

    def within(self, low: int, high: int) -> int:
        """An int that fits, mostly."""
        how = self.byte()
        if how < 8:
            return self.integer()
        if how < 64:
            return (low, high, low + 1, high - 1, 0, 1)[how % 6]
        return low + int.from_bytes(self.take(1 + how % 16), "little") % (high - low + 1)

    def offset(self, length: int) -> Any:
        """An offset into `length` bytes: often 0, mostly inside, sometimes no offset at all."""
        how = self.byte()
        if how < 192:
            return 0 if how < 128 else self.below(length + 2)
        if how < 240:
            return self.integer()
        self.comparable = False  # what is no int is refused sooner or later
        return self.odd()

    def buffer(self, data: bytes) -> Any:
        """`data` as one of the many things with the buffer protocol; some end exactly where their memory does."""
        match self.byte() % 12:
            case 0 | 1 | 2:
                return data
            case 3:
                return bytearray(data)
            case 4 | 5:
                return (ctypes.c_ubyte * len(data)).from_buffer_copy(data)
            case 6:
                return memoryview(data)
            case 7:
                return memoryview(bytearray(b"\xff" + data + b"\xff"))[1:-1]
            case 8:
                return array.array("B", data)
            case 9:
                return array.array("I", data.ljust(-(-len(data) // 4) * 4, b"\0"))
            case 10:
                return memoryview(data)[:: self.choice((1, 2, -1))]
            case _:
                return self.odd()

    def odd(self) -> Any:
        """No value that anybody should pass."""
        match self.byte() % 14:
            case 0:
                return None
            case 1:
                return 1.5
            case 2:
                return "text"
            case 3:
                return self.some(40)
            case 4:
                return bytearray(self.some(40))
            case 5:
                return Number.LARGE
            case 6:
                return Index(self.integer())
            case 7:
                self.comparable = False  # how often and in which order values are asked is nobody's business
                return Refuses()
            case 8:
                return True
            case 9:
                return [self.integer() for _ in range(self.below(4))]
            case 10:
                return tuple(self.integer() for _ in range(self.below(6)))
            case 11:
                return Says(self.some(40))
            case 12:
                return {}
            case _:
                return self.integer()

    def of_kind(self, kind: Any) -> Any:
        """A value for a field of this kind, mostly a good one."""
        if self.byte() < 6:
            return self.odd()
        match type(kind).__name__:
            case "IntKind":
                number = self.within(kind.low, kind.high)
                return number if self.byte() < 224 else self.choice((Index(number), Number.ONE, True))
            case "RawKind":
                return self._raw(kind.length)
            case "TailKind":
                return self._raw(self.below(40))
            case "StructKind":
                return self.struct(kind.cls)
            case _:
                return self._vector(kind)

    def _raw(self, size: int) -> Any:
        data = self.take(size)
        match self.byte() % 16:
            case 0:
                return bytearray(data)
            case 1:
                return memoryview(data)
            case 2:
                return Says(data)
            case 3:
                return data + b"!"
            case _:
                return data

    def struct(self, cls: Any) -> Any:
        """A struct over any bytes, its padding included; where its vectors' counts cannot be, with zeros there."""
        data = bytearray(self.take(cls.SIZE))
        for field in cls.__layout__.fields:
            if type(field.kind).__name__ == "VectorKind":
                data[field.offset : field.offset + 2] = self.below(field.kind.capacity + 1).to_bytes(2, "little")
        return cls.from_buffer(bytes(data))

    def _vector(self, kind: Any) -> Any:
        count = self.below(kind.capacity + 2) if self.byte() < 64 else self.below(min(kind.capacity, 4) + 1)
        items = [self.element(kind.element) for _ in range(count)]
        match self.byte() % 8:
            case 0:
                return tuple(items)
            case 1:
                return iter(items)
            case 2 if items:
                # An element that empties the list it is in, when it is asked for its number.
                self.comparable = False
                changing = Index(self.integer(), items.clear)
                items[self.below(len(items))] = changing if self.flag() else (changing,) * 3
                return items
            case _:
                return items

    def element(self, kind: Any) -> Any:
        if type(kind).__name__ == "IntKind":
            return self.of_kind(kind)
        if self.flag():
            return self.struct(kind.cls)
        return tuple(self.of_kind(field.kind) for field in kind.layout.fields)
