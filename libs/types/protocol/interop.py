"""A declared struct as a numpy dtype and as an Arrow schema.

Owns the two mappings and the conversion of columns to and from Arrow.  Must not know messages.  numpy and pyarrow are
optional (`pip install alphapulse-types[numpy]`, `[arrow]`) and imported at the first use, never with the package.

    declared            numpy                                   Arrow
    U8 to U64, I8..I64  <u1 to <u8, <i1 to <i8                  uint8 to uint64, int8 to int64
    U128, I128          low <u8, high <u8 (<i8 for I128)        struct of low and high
    Address, Bytes32    V20, V32: all bytes, also trailing 0    fixed_size_binary
    a struct            nested, with the same offsets           struct
    Vec                 count <u2, items (slots of elements)    list, of the valid elements only

The offsets and the size of the dtype are those of the wire, gaps included, so a payload can be viewed in place.

128 bits are two fields because no wider integer is understood everywhere: Arrow's decimal128 has 38 digits, one too
few, and decimal256 is read by few.  `integers` makes Python ints of them.  Addresses are `V`, not `S`, because numpy
cuts trailing zeros off an `S` when it is read; to sort or group them, look at the column with `.view("S20")`, which is
exact.  Fields in nanoseconds stay integers: Arrow's timestamps are signed.  Unit and doc of a field are in its Arrow
metadata.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from .extras import require_arrow, require_numpy
from .layout import FieldLayout, IntKind, Kind, Layout, RawKind, StructKind, TailKind, VectorKind

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

COUNT, ITEMS, LOW, HIGH = "count", "items", "low", "high"


@cache
def numpy_dtype(cls: Any) -> np.dtype[np.void]:
    """The structured dtype of a Struct.  Raises TypeError where the struct has no fixed size, ImportError."""
    require_numpy()
    return _layout_dtype(cls.__layout__)


def arrow_schema(cls: Any) -> Any:
    """The `pyarrow.Schema` of a Struct, with units in the fields' metadata.  Raises TypeError, ImportError."""
    pa = require_arrow()
    numpy_dtype(cls)
    about = {"struct": cls.__name__, "size": str(cls.SIZE)}
    if getattr(cls, "TYPE", 0):
        about["tlv_type"] = str(cls.TYPE)
    return pa.schema([arrow_field(each.name, each.kind, each) for each in cls.__layout__.fields], metadata=about)


def kind_dtype(kind: Kind) -> np.dtype[Any]:
    """The dtype of one field as a column of its own.  Raises TypeError for a tail."""
    if isinstance(kind, IntKind | RawKind):
        return _plain_dtype(kind)
    np = require_numpy()
    match kind:
        case StructKind(layout):
            return _layout_dtype(layout)
        case VectorKind(element, capacity):
            formats = ["<u2", (kind_dtype(element), (capacity,))]
            return np.dtype({  # type: ignore[no-any-return]
                "names": [COUNT, ITEMS], "formats": formats, "offsets": [0, kind.first], "itemsize": kind.size,
            })  # fmt: skip
        case TailKind():
            raise TypeError("a struct whose last field takes the rest of the payload has no dtype")


@cache
def _plain_dtype(kind: IntKind | RawKind) -> np.dtype[Any]:
    np = require_numpy()
    match kind:
        case IntKind(16, signed):
            return np.dtype([(LOW, "<u8"), (HIGH, "<i8" if signed else "<u8")])  # type: ignore[no-any-return]
        case IntKind(size, signed):
            return np.dtype(f"<{'i' if signed else 'u'}{size}")  # type: ignore[no-any-return]
        case RawKind(length):
            return np.dtype(f"V{length}")  # type: ignore[no-any-return]


def _layout_dtype(layout: Layout) -> np.dtype[np.void]:
    np = require_numpy()
    return np.dtype({  # type: ignore[no-any-return]
        "names": [each.name for each in layout.fields],
        "formats": [kind_dtype(each.kind) for each in layout.fields],
        "offsets": [each.offset for each in layout.fields],
        "itemsize": layout.size,
    })  # fmt: skip


def integers(column: npt.NDArray[Any]) -> list[int]:
    """A column of 128-bit numbers as Python ints."""
    low, high = column[LOW].tolist(), column[HIGH].tolist()
    return [part + (upper << 64) for part, upper in zip(low, high, strict=True)]


def arrow_field(name: str, kind: Kind, about: FieldLayout | None = None) -> Any:
    """The `pyarrow.Field` of a column."""
    notes = {} if about is None else {key: getattr(about, key) for key in ("unit", "doc") if getattr(about, key)}
    if isinstance(kind, IntKind) and kind.size == 16:
        notes["value"] = f"{LOW} + {HIGH} * 2**64"
    return require_arrow().field(name, _arrow_type(kind), nullable=False, metadata=notes or None)


def _arrow_type(kind: Kind) -> Any:
    pa = require_arrow()
    match kind:
        case IntKind(16, signed):
            high = pa.int64() if signed else pa.uint64()
            return pa.struct([pa.field(LOW, pa.uint64(), nullable=False), pa.field(HIGH, high, nullable=False)])
        case IntKind(size, signed):
            return getattr(pa, f"{'' if signed else 'u'}int{8 * size}")()
        case RawKind(length):
            return pa.binary(length)
        case StructKind(layout):
            return pa.struct([arrow_field(each.name, each.kind, each) for each in layout.fields])
        case VectorKind(element):
            return pa.list_(arrow_field("item", element))
        case TailKind():
            raise TypeError("a struct whose last field takes the rest of the payload has no Arrow type")


def to_arrow(column: npt.NDArray[Any], kind: Kind) -> Any:
    """The `pyarrow.Array` of a column; numbers and bytes of a contiguous column are shared, not copied."""
    np, pa = require_numpy(), require_arrow()
    match kind:
        case IntKind(16):
            parts = [pa.array(np.ascontiguousarray(column[part])) for part in (LOW, HIGH)]
            return pa.StructArray.from_arrays(parts, fields=list(_arrow_type(kind)))
        case IntKind():
            return pa.array(column)
        case RawKind(length):
            shared = pa.py_buffer(np.ascontiguousarray(column).view(np.uint8))
            return pa.FixedSizeBinaryArray.from_buffers(pa.binary(length), len(column), [None, shared])
        case StructKind(layout):
            parts = [to_arrow(np.ascontiguousarray(column[each.name]), each.kind) for each in layout.fields]
            return pa.StructArray.from_arrays(parts, fields=list(_arrow_type(kind)))
        case VectorKind(element, capacity):
            counts = column[COUNT].astype(np.int32)
            valid = np.arange(capacity)[None, :] < counts[:, None]
            ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])
            if ends[-1] > np.iinfo(np.int32).max:
                raise OverflowError(f"{ends[-1]} elements are more than one Arrow list column can count")
            items = to_arrow(column[ITEMS][valid], element)
            return pa.ListArray.from_arrays(pa.array(ends.astype(np.int32)), items, type=_arrow_type(kind))
        case TailKind():
            raise TypeError("a struct whose last field takes the rest of the payload has no Arrow type")


def from_arrow(array: Any, kind: Kind, name: str) -> Any:
    """A column of what `encode_batch` takes, from a `pyarrow.Array` or ChunkedArray.

    Raises ValueError for missing values, and for a list that is longer than the vector.
    """
    np, pa = require_numpy(), require_arrow()
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
        array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    if array.null_count:
        raise ValueError(f"{name} has {array.null_count} missing values; a message has none")
    match kind:
        case RawKind(length) if array.type == pa.binary(length) and length:
            raw = np.frombuffer(array.buffers()[1], np.uint8) if len(array) else np.zeros(0, np.uint8)
            at = array.offset * length
            return raw[at : at + len(array) * length].view(f"V{length}")
        case IntKind(16) if pa.types.is_struct(array.type):
            parts = [(LOW, array.field(LOW)), (HIGH, array.field(HIGH))]
            return _assemble(kind_dtype(kind), [(part, from_arrow(values, IntKind(8), name)) for part, values in parts])
        case StructKind(layout) if pa.types.is_struct(array.type):
            columns = [
                (each.name, from_arrow(array.field(each.name), each.kind, f"{name}.{each.name}"))
                for each in layout.fields
            ]
            return _assemble(kind_dtype(kind), columns)
        case VectorKind(element, capacity) if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
            ends = array.offsets.to_numpy().astype(np.int64)
            counts = np.diff(ends)
            if len(counts) and counts.max() > capacity:
                raise ValueError(f"{name} has {counts.max()} elements in row {counts.argmax()}, room for {capacity}")
            out = np.zeros(len(array), kind_dtype(kind))
            out[COUNT] = counts
            slots = np.arange(capacity)[None, :] < counts[:, None]
            out[ITEMS][slots] = from_arrow(array.flatten(), element, name)
            return out
        case IntKind() if pa.types.is_integer(array.type):
            return array.to_numpy(zero_copy_only=False)
    return array.to_pylist()


def _assemble(dtype: Any, columns: list[tuple[str, Any]]) -> Any:
    np = require_numpy()
    out = np.zeros(len(columns[0][1]), dtype)
    for name, values in columns:
        out[name] = values
    return out
