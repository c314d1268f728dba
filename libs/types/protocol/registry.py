"""Which type numbers are known, how large their payloads may be, and which class reads them.

Owns the one table that the walk over a message consults, and the set of sources that are known.  Must not know fields:
a struct comes here with the places of its vectors, because a count beyond the capacity is the one thing inside a
payload that a walk refuses.
"""

from __future__ import annotations

from enum import Enum

from .constants import RelayDomain, SourceType
from .errors import FieldRange, InvalidTLVType
from .layout import FieldLayout, Layout, VectorKind
from .tlv_types import SIZE_BOUNDS, TLVType, type_name
from .values import Value

MAX_PAYLOAD = 65_535
DOMAINS = frozenset(map(int, RelayDomain))
_sources = set(map(int, SourceType))
_byte_is_source = [number in _sources for number in range(256)]
_senders = [_byte_is_source if number in DOMAINS else [False] * 256 for number in range(256)]
TYPE_COUNT = 255
_NAMED = frozenset(map(int, TLVType))


class TypeState(Enum):
    """How much is known of a type; see `tlv_types`."""

    DECODED = "decoded"
    SIZED = "sized"
    OPAQUE = "opaque"


class TypeInfo(Value):
    """A known type: `low` to `high` bytes; `cls` where a struct is declared."""

    number: int
    low: int
    high: int
    struct_name: str
    cls: type | None = None
    vectors: tuple[tuple[FieldLayout, int], ...] = ()

    @property
    def state(self) -> TypeState:
        return TypeState.SIZED if self.cls is None else TypeState.DECODED

    def agrees_with(self, layout: Layout) -> bool:
        """Whether the checks that are made for the type are those that a payload of this layout needs."""
        return self.low <= layout.size <= self.high and self.vectors == vector_places(layout)


_known: list[TypeInfo | None] = [None] * (TYPE_COUNT + 1)
for _type, (_low, _high) in SIZE_BOUNDS.items():
    _known[_type] = TypeInfo(_type, _low, _high, type_name(_type))


def known_types() -> list[TypeInfo | None]:
    """The table, by number; None where nothing is known."""
    return _known


def state_of(number: int) -> TypeState:
    """What is known of a type number."""
    info = _known[number]
    return TypeState.OPAQUE if info is None else info.state


def declared_number(number: object) -> int:
    """The number for a class to declare.  Raises TypeError, and InvalidTLVType for one that cannot be a type."""
    if not isinstance(number, int):
        raise TypeError(f"type= takes the number of the type, not {number!r}")
    if not 0 < number < TYPE_COUNT:
        raise InvalidTLVType(int(number), "a declared type is 1 to 254")
    return int(number)


def register(number: int, cls: type, layout: Layout) -> TypeInfo:
    """Make `cls` the class of `number`.  Raises InvalidTLVType for a number that is taken."""
    taken = _known[number]
    if taken is not None and taken.cls is not None:
        raise InvalidTLVType(number, f"it is declared already, by {taken.cls.__module__}.{taken.cls.__qualname__}")
    info = TypeInfo(number, layout.size, MAX_PAYLOAD if layout.tail else layout.size, cls.__name__, cls,
                    vector_places(layout))  # fmt: skip
    _known[number] = info
    return info


def known_sources() -> set[int]:
    """The numbers that header byte 6 may have: those of `SourceType`, and what was added."""
    return _sources


def known_senders() -> list[list[bool]]:
    """By domain byte and source byte, whether both are known: quicker to ask than two sets are."""
    return _senders


def add_source(number: int) -> None:
    """Accept one more source number.  Raises FieldRange for what is no byte, or the reserved 0."""
    if not 0 < number < 256:
        raise FieldRange("source", number, 1, 255)
    _sources.add(number)
    _byte_is_source[number] = True


def vector_places(layout: Layout) -> tuple[tuple[FieldLayout, int], ...]:
    """The fields of `layout` that are vectors, and their capacities."""
    return tuple((field, field.kind.capacity) for field in layout.fields if isinstance(field.kind, VectorKind))


def described_types() -> list[tuple[int, str, TypeState, int, int]]:
    """Number, name, state and size bounds of every type that has a name or a struct, for documentation."""
    rows = []
    for number in range(1, TYPE_COUNT):
        info = _known[number]
        if info is not None:
            rows.append((number, type_name(number), info.state, info.low, info.high))
        elif number in _NAMED:
            rows.append((number, type_name(number), TypeState.OPAQUE, 0, MAX_PAYLOAD))
    return rows
