"""FixedVec: a bounded vector inside a struct, or one of its own that is being filled.

Owns what a vector can do.  Its bytes are `u16 count | padding | capacity slots`, all slots always there; the storage
and the reading of elements come from the implementation below.  Must not know which struct it is a part of.

A vector inside a TLV is a read-only view on the TLV's bytes.  A vector made by `FixedVec(OrderLevel, 50)` owns its
bytes and can be filled; given to a constructor (`OrderBookTLV(bids=side, ...)`) its slots are copied as one block.
Nothing is ever cut: one element too many is CapacityExceeded.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast, overload

from ._codec import VectorBase, configure_vector, open_vector
from ._python.vectors import pack_vector
from .errors import CapacityExceeded
from .explain import explain_value
from .layout import IntKind, StructKind, VectorKind

T = TypeVar("T")


class FixedVec(VectorBase, Sequence[T]):
    """A sequence of at most `capacity` elements, in place."""

    __slots__ = ()

    @overload
    def __new__(  # type: ignore[overload-overlap]  # a struct's class is told from U8 to I128, which are no classes
        cls, element: type[T], capacity: int, items: Iterable[T] | Iterable[tuple[int, ...]] = ()
    ) -> Self: ...
    @overload
    def __new__(
        cls: type[FixedVec[int]], element: object, capacity: int, items: Iterable[int] = ()
    ) -> FixedVec[int]: ...
    def __new__(cls, element: Any, capacity: int, items: Iterable[Any] = ()) -> Any:
        """An empty vector of its own, filled with `items`.  `element` is a struct class or an integer type (`U128`)."""
        kind = VectorKind(_element(element), capacity)
        made = cast("FixedVec[Any]", open_vector(cls, bytearray(kind.size), kind))
        made.extend(items)
        return made

    if TYPE_CHECKING:  # the implementation below has them; a method here would only make each access slower

        @overload
        def __getitem__(self, index: int) -> T: ...
        @overload
        def __getitem__(self, index: slice) -> list[T]: ...
        def __getitem__(self, index: int | slice) -> T | list[T]: ...
        def __iter__(self) -> Iterator[T]: ...
        def __len__(self) -> int: ...

    def to_list(self) -> list[T]:
        """The elements as objects."""
        return list(self)

    def as_memoryview(self) -> memoryview:
        """The bytes of the valid elements, in place and read-only."""
        return self._storage().toreadonly()

    def append(self, item: T | tuple[int, ...]) -> None:
        """Put an element at the end.  Raises CapacityExceeded, FieldRange, and TypeError where it is read-only."""
        self.insert(len(self), item)

    push = append

    def extend(self, items: Iterable[Any]) -> None:
        """Append all, or none: raises as `append` does, before anything has changed."""
        new = FixedVec._packed(self._kind, list(items), len(self))
        self._write(len(self), new, len(self) + len(new) // self._kind.element.size)

    def insert(self, index: int, item: T | tuple[int, ...]) -> None:
        """Put an element before the `index`-th."""
        count, size = len(self), self._kind.element.size
        at = min(max(index if index >= 0 else index + count, 0), count)
        moved = bytes(self._storage()[at * size :])
        self._write(at, FixedVec._packed(self._kind, [item], count) + moved, count + 1)

    def insert_sorted(self, item: T, *, key: Callable[[T], Any], descending: bool = False) -> int:
        """Insert where the order by `key` keeps, after equal ones; returns the index."""
        sign = -1 if descending else 1
        keys = [sign * key(each) for each in self]
        at = bisect_right(keys, sign * key(item))
        self.insert(at, item)
        return at

    def clear(self) -> None:
        """Drop all elements; the slots become zero."""
        view = self._writable()
        view[:] = bytes(len(view))

    def _write(self, at: int, data: bytes, count: int) -> None:
        view, kind = self._writable(), self._kind
        first = kind.first + at * kind.element.size
        view[first : first + len(data)] = data
        view[0:2] = count.to_bytes(2, "little")

    def _writable(self) -> memoryview:
        if not self._mutable:
            raise TypeError("this vector is a part of a TLV and read-only; FixedVec(element, capacity) can be filled")
        return self._memory()

    @staticmethod
    def _packed(kind: VectorKind, items: list[Any], there: int) -> bytes:
        if there + len(items) > kind.capacity:
            raise CapacityExceeded(kind.capacity, there + len(items))
        fault = explain_value("FixedVec", VectorKind(kind.element, kind.capacity), items)
        if fault is not None:
            raise fault
        whole = pack_vector(VectorKind(kind.element, kind.capacity), items)
        return whole[kind.first : kind.first + len(items) * kind.element.size]

    def __eq__(self, other: object) -> bool:
        """Compares the valid elements only; also with lists and tuples of elements."""
        if isinstance(other, FixedVec):
            return self._kind.element == other._kind.element and self.to_tuples() == other.to_tuples()
        return list(self) == list(other) if isinstance(other, list | tuple) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"FixedVec({list(self)!r}, capacity={self.capacity})"


def _element(element: Any) -> IntKind | StructKind:
    layout = getattr(element, "__layout__", None)
    if isinstance(element, type) and layout is not None and layout.size and not layout.tail:
        return StructKind(layout, element)
    for argument in getattr(element, "__metadata__", ()):
        if isinstance(argument, IntKind):
            return argument
    raise TypeError(f"a vector holds structs or integers, not {element!r}")


configure_vector(FixedVec)
