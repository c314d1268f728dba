"""The declaration is the schema: a struct is declared once, as a class with typed fields.

    class TickTLV(TLV, type=201):
        price: I64 = field(unit="1e-8 USD")
        venue: U16
        levels: Vec[OrderLevel] = vec(OrderLevel, 10, default=())

Owns how a class body becomes a `Layout`.  Offsets, alignment and padding are computed (see `layout`); packing, reading,
comparison, the numpy dtype, the Arrow schema, the Hypothesis strategy, the documentation and the compiled fast path all
come from that one value.  Must not know any particular struct, nor which implementation runs.

The annotations are what a type checker needs (`U64` is `int` to it) and what the layout needs (`U64` carries
`IntKind(8)`), so there is no second description to keep in step.  All fields are keyword arguments of the constructor.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import (
    Annotated,
    Any,
    ClassVar,
    Generic,
    Self,
    TypeVar,
    cast,
    dataclass_transform,
    get_args,
    get_origin,
)

from . import registry
from ._codec import StructBase, bind, element_method, implementation, register_type
from .buffers import as_bytes_like
from .explain import explain_value
from .layout import FieldSpec, IntKind, Kind, Layout, RawKind, StructKind, TailKind, VectorKind, place
from .vector import FixedVec

T = TypeVar("T")
S = TypeVar("S", bound="Struct")

U8 = Annotated[int, IntKind(1)]
U16 = Annotated[int, IntKind(2)]
U32 = Annotated[int, IntKind(4)]
U64 = Annotated[int, IntKind(8)]
U128 = Annotated[int, IntKind(16)]
I8 = Annotated[int, IntKind(1, signed=True)]
I16 = Annotated[int, IntKind(2, signed=True)]
I32 = Annotated[int, IntKind(4, signed=True)]
I64 = Annotated[int, IntKind(8, signed=True)]
I128 = Annotated[int, IntKind(16, signed=True)]
Bytes8 = Annotated[bytes, RawKind(8)]
Bytes32 = Annotated[bytes, RawKind(32)]
# An address in 20 bytes of its own, and one in a place of 32 of which the last 12 are padding.
Address = Annotated[bytes, RawKind(20)]
PaddedAddress = Annotated[bytes, RawKind(20, pad=12)]
Tail = Annotated[bytes, TailKind()]


class Vec(Generic[T]):
    """Annotation of a bounded vector: reads as `FixedVec[T]`, is set from any iterable of `T` or of field tuples."""

    def __get__(self, obj: object, owner: type | None = None) -> FixedVec[T]:
        raise NotImplementedError  # replaced by a reader when the class is made

    def __set__(self, obj: object, value: Iterable[T] | Iterable[tuple[int, ...]]) -> None:
        raise NotImplementedError


class _Declared:
    """What stands at a field's name in a class body until the class is made."""

    def __init__(self, default: object, options: dict[str, Any], kind: Kind | None = None) -> None:
        self.default, self.options, self.kind = default, options, kind


_REQUIRED: Any = object()


def field(*, default: Any = _REQUIRED, align: int = 0, at: int | None = None, unit: str = "", doc: str = "") -> Any:
    """A field with more than a type: a default, a higher alignment, a fixed offset, a unit, a sentence."""
    return _Declared(default, {"align": align, "at": at, "unit": unit, "doc": doc})


def vec(
    element: type[T] | Any, capacity: int, *, default: Any = _REQUIRED, least: int = 0, unit: str = "", doc: str = ""
) -> Any:
    """A bounded vector of structs (`OrderLevel`) or integers (`U128`); a writer gives `least` to `capacity` of them."""
    kind = VectorKind(_element_kind(element), capacity, least)
    return _Declared(default, {"align": 0, "at": None, "unit": unit, "doc": doc}, kind)


_ARE_BUFFERS = implementation == "c"  # structs, without a copy


class Group(Generic[S]):
    """Several fields that together are the bytes of one struct; reads as that struct, in a copy of its own."""

    def __init__(self, cls: type[S], *names: str) -> None:
        self.cls, self.names = cls, names
        # Of the layout that it is in, once that is known: the pieces as they lie there, and which is which.
        self._read: Callable[[Any], Sequence[bytes]] = struct.Struct("").unpack_from
        self._order: list[int] = []

    def pieces(self, layout: Layout) -> tuple[tuple[int, int], ...]:
        """Offset and size of each piece, in the order of the struct's bytes; fields that follow each other are one."""
        pieces: list[tuple[int, int]] = []
        for offset, size in ((layout[name].offset, layout[name].kind.size) for name in self.names):
            if pieces and sum(pieces[-1]) == offset:
                pieces[-1] = (pieces[-1][0], pieces[-1][1] + size)
            else:
                pieces.append((offset, size))
        return tuple(pieces)

    def check(self, layout: Layout) -> None:
        """Raises ValueError where the fields are not those of `layout`, or together not the bytes of the struct."""
        for name in self.names:
            if name not in layout:
                raise ValueError(f"{layout.name}: a group names {name!r}, which is no field")
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"{layout.name}: a group names a field twice")
        pieces = self.pieces(layout)
        size = sum(length for _, length in pieces)
        if size != self.cls.SIZE:
            names = ", ".join(self.names)
            raise ValueError(f"{layout.name}: {names} have {size} bytes, {self.cls.__name__} has {self.cls.SIZE}")
        codes, end, placed = "<", 0, sorted(pieces)
        for offset, length in placed:
            codes += f"{offset - end}x{length}s"
            end = offset + length
        self._read = struct.Struct(codes).unpack_from
        self._order = [] if list(pieces) == placed else [placed.index(piece) for piece in pieces]

    def __get__(self, obj: Struct | None, owner: type | None = None) -> S:
        if obj is None:
            return cast("S", self)  # on the class: the group itself, for `paths`
        parts = self._read(obj if _ARE_BUFFERS else bytes(obj))
        if self._order:
            parts = [parts[number] for number in self._order]
        return self.cls.from_buffer(b"".join(parts))


class Element:
    """`bid_price = element("bids", "price")`: a method that reads one field of the i-th element in place."""

    def __init__(self, vector: str, name: str) -> None:
        self.vector, self.name = vector, name

    def __get__(self, obj: object, owner: type | None = None) -> Callable[[int], int]:
        raise NotImplementedError  # replaced when the class is made


def element(vector: str, name: str) -> Element:
    """Declare an `Element`."""
    return Element(vector, name)


# A peer chooses the numbers: of those without a member only so many are remembered.
_MEMBERS_KEPT = 256


class Members(dict[int, Any]):
    """Integers to the members of an enum; a number without a member stays the number."""

    def __init__(self, enum: Any) -> None:
        super().__init__({int(member): member for member in enum})
        self.enum = enum
        self.room = len(self) + _MEMBERS_KEPT

    def __missing__(self, value: int) -> Any:
        try:
            shown: Any = self.enum(value)  # a flag makes a member of any combination
        except ValueError:
            shown = value
        if shown != value:  # one that stands for others would be another number when it is written again
            shown = value
        if len(self) < self.room:
            self[value] = shown
        return shown


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field, vec))
class StructMeta(type):
    """Makes a class body into a struct.  `packed`, `size` (bytes in all) and, for a TLV, `type` are class arguments."""

    def __new__(
        mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], *, abstract: bool = False, **options: Any
    ) -> Any:
        namespace.setdefault("__slots__", ())
        declared = {key: namespace.pop(key) for key, value in list(namespace.items()) if isinstance(value, _Declared)}
        elements = {key: namespace.pop(key) for key, value in list(namespace.items()) if isinstance(value, Element)}
        cls: Any = super().__new__(mcls, name, bases, namespace)
        if not abstract:
            _check_names(cls, declared)
            cls._declare(declared, elements, **options)
            for group in namespace.values():
                if isinstance(group, Group):
                    group.check(cls.__layout__)
        return cls

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> None:
        super().__init__(name, bases, namespace)


class Struct(StructBase, metaclass=StructMeta, abstract=True):
    """An immutable value whose storage is its wire form: either bytes of its own, or a view (`from_buffer`).

    A view sees what its buffer holds when it is read.  `copy()` gives one with bytes of its own; take it before the
    buffer is used again, and before using a view on memory that changes as a key.
    """

    SIZE: ClassVar[int] = 0

    @classmethod
    def _declare(
        cls, declared: Mapping[str, _Declared], elements: Mapping[str, Element], *, packed: bool = False,
        size: int | None = None,
    ) -> None:  # fmt: skip
        layout = place(cls.__name__, list(_specs(cls, declared)), packed=packed, size=size)
        for name, each in elements.items():
            _check_element(layout, name, each)
        cls.SIZE = layout.size
        setattr(cls, "__match_args__", tuple(each.name for each in layout.fields))  # noqa: B010
        bind(cls, layout)
        for name, each in elements.items():
            setattr(cls, name, element_method(cls, name, each.vector, each.name))

    @classmethod
    def layout(cls) -> Layout:
        """Fields, offsets, gaps; `layout().byte_map()` prints them."""
        return cls.__layout__

    def to_dict(self) -> dict[str, Any]:
        """The fields by name: integers, bytes, dicts for structs, lists for vectors."""
        return {each.name: _plain(getattr(self, each.name)) for each in self.__layout__.fields}

    def copy(self) -> Self:
        """The same values, in bytes of its own."""
        return type(self).from_buffer(bytes(self))

    def replace(self, /, **changes: Any) -> Self:
        """A new one with other values for the named fields.  Raises what the constructor raises."""
        values = {each.name: getattr(self, each.name) for each in self.__layout__.fields}
        return type(self)(**{**values, **changes})

    __replace__ = replace
    __copy__ = copy

    def __deepcopy__(self, memo: object) -> Self:
        return self.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_buffer, (bytes(self),)

    def __repr__(self) -> str:
        shown = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in self.__layout__.fields)
        return f"{type(self).__name__}({shown})"


class TLV(Struct, abstract=True):
    """A struct with a type number, which a message carries.

    `registered=False` keeps the class out of the table that `decode()` and the size checks consult.
    """

    TYPE: ClassVar[int] = 0

    @classmethod
    def _declare(  # type: ignore[override]
        cls, declared: Mapping[str, _Declared], elements: Mapping[str, Element], *, type: int, registered: bool = True,
        **options: Any,
    ) -> None:  # fmt: skip
        cls.TYPE = registry.declared_number(type)
        super()._declare(declared, elements, **options)
        if registered:
            register_type(registry.register(cls.TYPE, cls, cls.__layout__))


def _check_names(cls: Any, declared: Mapping[str, _Declared]) -> None:
    """Raises TypeError for a class body from which no field, or another than is meant, would be made."""
    for base in cls.__mro__[1:]:
        if "__layout__" in base.__dict__:
            raise TypeError(f"{cls.__name__} inherits from {base.__name__}, which has fields; declare all of them here")
    own = cls.__annotations__  # of the class alone; inspect costs more than the rest of the import
    for name in declared:
        if name not in own:
            raise TypeError(f"{cls.__name__}.{name} has no annotation, so it is no field")
    for name, hint in own.items():
        if "ClassVar" in hint if isinstance(hint, str) else _is_class_variable(hint):
            continue
        if name.startswith("_"):
            raise TypeError(f"{cls.__name__}.{name}: a field's name has no underscore first; padding is computed")
        if hasattr(Struct, name) or name == "TYPE":
            raise TypeError(f"{cls.__name__}.{name}: every struct has something of that name already")


def _check_element(layout: Layout, name: str, each: Element) -> None:
    where = f"{layout.name}.{name}"
    kind = layout[each.vector].kind if each.vector in layout else None
    if not isinstance(kind, VectorKind) or not isinstance(kind.element, StructKind):
        raise ValueError(f"{where}: {each.vector!r} is no vector of structs")
    if each.name not in kind.element.layout:
        raise ValueError(f"{where}: {kind.element.layout.name} has no field {each.name!r}")


def _kept_default(where: str, kind: Kind, default: Any) -> Any:
    """A list could change later, and an iterator is empty the second time.  Raises what the constructor raises."""
    if isinstance(kind, VectorKind) and isinstance(default, Iterable):
        default = tuple(default)
    fault = explain_value(where, kind, default)
    if fault is not None:
        raise fault
    return as_bytes_like(default) if isinstance(kind, RawKind) else default


def _specs(cls: type, declared: Mapping[str, _Declared]) -> Iterable[FieldSpec]:
    for name, hint in _hints(cls):
        if _is_class_variable(hint):
            continue
        given = declared.get(name)
        default = given.default if given else cls.__dict__.get(name, _REQUIRED)
        options = given.options if given else {}
        kind, members = (given.kind, None) if given and given.kind else _kind_of(hint, f"{cls.__name__}.{name}")
        needed = default is _REQUIRED
        if not needed:
            default = _kept_default(f"the default of {cls.__name__}.{name}", kind, default)
        yield FieldSpec(name, kind, required=needed, default=None if needed else default, members=members, **options)


def _hints(cls: type) -> Iterator[tuple[str, Any]]:
    """The annotations of the class body, those in text evaluated in its module.

    `typing.get_type_hints` would go through the base classes too, where no field can be.
    """
    space = sys.modules[cls.__module__].__dict__
    for name, hint in cls.__annotations__.items():  # see _check_names
        yield name, eval(hint, space, dict(vars(cls))) if isinstance(hint, str) else hint


def _is_class_variable(hint: object) -> bool:
    return hint is ClassVar or get_origin(hint) is ClassVar


def _kind_of(hint: Any, where: str) -> tuple[Kind, Members | None]:
    arguments = get_args(hint)
    for argument in arguments[1:]:
        if isinstance(argument, IntKind | RawKind | TailKind):
            enum = arguments[0]
            return argument, Members(enum) if isinstance(enum, type) and issubclass(enum, Enum) else None
    if isinstance(hint, type) and issubclass(hint, Struct):
        return _struct_kind(hint, where), None
    if get_origin(hint) is Vec:
        raise TypeError(f"{where} is a vector and needs `= vec(element, capacity)`")
    raise TypeError(f"{where} is annotated {hint!r}; use U8 to U128, I8 to I128, Bytes32, Address, Tail or a Struct")


def _struct_kind(cls: type[Struct], where: str) -> StructKind:
    layout: Layout | None = getattr(cls, "__layout__", None)
    if layout is None or layout.tail or not layout.size:
        raise TypeError(f"{where}: {cls.__name__} has no size of its own, so it cannot lie inside of another struct")
    return StructKind(layout, cls)


def _element_kind(element: Any) -> IntKind | StructKind:
    if isinstance(element, type) and issubclass(element, Struct):
        return _struct_kind(element, "the element of a vector")
    kind, _ = _kind_of(element, "the element of a vector")
    if not isinstance(kind, IntKind):
        raise TypeError(f"a vector holds structs or integers, not {element!r}")
    return kind


def _plain(value: Any) -> Any:
    if isinstance(value, Struct):
        return value.to_dict()
    if isinstance(value, FixedVec):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, int) else value
