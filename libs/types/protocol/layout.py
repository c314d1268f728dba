"""Where the bytes of a struct lie: kinds of field, and the offsets, gaps and sizes that follow from them.

Owns the rules of placement.  Must not know any particular struct, how values are packed, or which implementation runs.

The rules are those of the C family: a field starts at the next multiple of its alignment, a struct's alignment is the
largest of its fields', and its size is rounded up to it; in a packed struct every alignment is 1.  Padding is what the
rules leave between fields.  It is never declared: it is computed, written as zeros, and ignored when read.

A bounded vector (`VectorKind`) lies inside the struct: u16 count, then its slots at the next multiple of 8 and of the
element's alignment, all of them always there.

A `Layout` is a value; `byte_map()` prints it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .values import Value

VECTOR_HEAD = 8
MAX_COUNT = 65_535
MAX_TLV_STRUCT = 65_535


class IntKind(Value):
    """An integer of `size` bytes, little-endian, two's complement where signed."""

    size: int
    signed: bool = False

    @property
    def align(self) -> int:
        return self.size

    @property
    def low(self) -> int:
        return -(1 << (8 * self.size - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        return (1 << (8 * self.size - self.signed)) - 1

    def __str__(self) -> str:
        return f"{'i' if self.signed else 'u'}{8 * self.size}"


class RawKind(Value):
    """`size` bytes as they are, followed by `pad` bytes that belong to the field's place and are always zero."""

    length: int
    pad: int = 0
    align: int = 1

    @property
    def size(self) -> int:
        return self.length + self.pad

    def __str__(self) -> str:
        return f"bytes {self.length}"


class StructKind(Value):
    """Another struct, in place.  `cls` is the class that reads it."""

    layout: Layout
    cls: type

    @property
    def size(self) -> int:
        return self.layout.size

    @property
    def align(self) -> int:
        return self.layout.align

    def __str__(self) -> str:
        return self.layout.name


class VectorKind(Value):
    """Up to `capacity` elements in place; a writer must give at least `least`."""

    element: IntKind | StructKind
    capacity: int
    least: int = 0

    def _check(self) -> None:
        if not 0 < self.capacity <= MAX_COUNT:
            raise ValueError(f"a vector has room for 1 to {MAX_COUNT} elements, not {self.capacity}")
        if not 0 <= self.least <= self.capacity:
            raise ValueError(f"a vector of {self.capacity} cannot ask for at least {self.least} elements")

    @property
    def align(self) -> int:
        return max(2, self.element.align)

    @property
    def first(self) -> int:
        """Offset of the first element from the vector's own start."""
        return _up(VECTOR_HEAD, self.element.align)

    @property
    def size(self) -> int:
        return _up(self.first + self.capacity * self.element.size, self.align)

    def __str__(self) -> str:
        return f"vec of {self.capacity} {self.element}"


class TailKind(Value):
    """All bytes after the fixed part; only as the last field of a TLV."""

    size: int = 0
    align: int = 1

    def __str__(self) -> str:
        return "rest"


Kind = IntKind | RawKind | StructKind | VectorKind | TailKind


class FieldLayout(Value):
    """One field in its place.

    `required` fields have no default; `unit` and `doc` are for people; `members` gives the object to show for an
    integer (an enum's member).
    """

    name: str
    kind: Kind
    offset: int
    required: bool = True
    default: object = None
    unit: str = ""
    doc: str = ""
    members: Mapping[int, object] | None = None

    @property
    def end(self) -> int:
        return self.offset + self.kind.size


class FieldSpec(Value):
    """What a declaration says of one field, before it has a place.

    `align` raises the kind's own alignment; `at` names an offset that no rule gives (it may only leave a gap).
    """

    name: str
    kind: Kind
    align: int = 0
    at: int | None = None
    required: bool = True
    default: object = None
    unit: str = ""
    doc: str = ""
    members: Mapping[int, object] | None = None


class Gap(Value):
    """Padding: `size` bytes at `offset` that no field owns."""

    offset: int
    size: int


class Layout(Value):
    """A struct's fields in their places.  `size` counts the fixed part; `tail` says that more may follow.

    `padding` are all bytes of the fixed part that carry no value, also those inside of fields; not those inside of
    vectors, which depend on the count.
    """

    name: str
    fields: tuple[FieldLayout, ...]
    size: int
    align: int
    tail: bool = False
    padding: tuple[Gap, ...] = ()

    def __getitem__(self, name: str) -> FieldLayout:
        for each in self.fields:
            if each.name == name:
                return each
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(each.name == name for each in self.fields)

    def gaps(self) -> Iterator[Gap]:
        """The computed padding, in order; that inside a field's own kind (an address's pad) is not repeated here."""
        end = 0
        for each in self.fields:
            if each.offset > end:
                yield Gap(end, each.offset - end)
            end = each.end
        if self.size > end:
            yield Gap(end, self.size - end)

    def byte_map(self) -> str:
        """A table of all bytes for people: offset, size, type, name, unit."""
        rows = [(each.offset, each.kind.size, str(each.kind), each.name, each.unit) for each in self.fields]
        rows += [(gap.offset, gap.size, "pad", "", "") for gap in self.gaps()]
        rows.sort(key=lambda row: (row[0], row[1]))
        shown = [(str(offset), str(size) if size else "*", *rest) for offset, size, *rest in rows]
        head = ("offset", "size", "type", "field", "unit")
        widths = [max(len(str(row[column])) for row in [head, *shown]) for column in range(5)]
        title = f"{self.name}, {self.size} bytes{' and more' if self.tail else ''}, aligned to {self.align}"
        lines = [
            "  ".join(
                str(cell).rjust(width) if at < 2 else str(cell).ljust(width)
                for at, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in [head, *shown]
        ]
        return "\n".join([title, *lines])


def place(name: str, specs: Sequence[FieldSpec], *, packed: bool = False, size: int | None = None) -> Layout:
    """Give every field its offset.  `size` reserves bytes at the end (it may only be larger than what is needed).

    Raises ValueError, naming the field, for a declaration that cannot be placed.
    """
    placed: list[FieldLayout] = []
    end, align = 0, 1
    for index, spec in enumerate(specs):
        if isinstance(spec.kind, TailKind) and index != len(specs) - 1:
            raise ValueError(f"{name}.{spec.name} takes all remaining bytes, so it must be the last field")
        own = 1 if packed and not spec.align else max(spec.kind.align, spec.align)
        if own & (own - 1):
            raise ValueError(f"{name}.{spec.name}: an alignment is a power of two, not {own}")
        offset = _up(end, own)
        if spec.at is not None:
            if spec.at < offset:
                raise ValueError(f"{name}.{spec.name}: at={spec.at} is before the first free offset {offset}")
            offset = spec.at
        placed.append(
            FieldLayout(spec.name, spec.kind, offset, spec.required, spec.default, spec.unit, spec.doc, spec.members)
        )
        end, align = offset + spec.kind.size, max(align, own)
    whole = _up(end, align)
    if size is not None:
        if size < whole or size % align:
            raise ValueError(f"{name}: size={size} must be a multiple of {align} and at least {whole}")
        whole = size
    if whole > MAX_TLV_STRUCT:
        raise ValueError(f"{name} has {whole} bytes, more than the {MAX_TLV_STRUCT} that one TLV can carry")
    tail = bool(specs) and isinstance(specs[-1].kind, TailKind)
    if tail:
        # What follows the fixed part follows all of it, also the padding at its end.
        placed[-1] = placed[-1].changed(offset=whole)
    return Layout(name, tuple(placed), whole, align, tail, tuple(_padding(placed, whole)))


def _padding(fields: Sequence[FieldLayout], size: int) -> Iterator[Gap]:
    end = 0
    for each in fields:
        if each.offset > end:
            yield Gap(end, each.offset - end)
        end = each.end
        if isinstance(each.kind, RawKind) and each.kind.pad:
            yield Gap(each.offset + each.kind.length, each.kind.pad)
        elif isinstance(each.kind, StructKind):
            yield from (Gap(each.offset + gap.offset, gap.size) for gap in each.kind.layout.padding)
    if size > end:
        yield Gap(end, size - end)


def _up(offset: int, align: int) -> int:
    return -(-offset // align) * align
