"""The columns that `encode_batch` is given, checked and brought into the form that the kernel reads.

Owns what is accepted for each kind of field, and the errors.  Must not know messages.  Imports numpy, so it is imported
only when a batch is written.

Nothing is wrapped or cut: an integer array of another dtype is taken when all of its values fit; booleans, floats and
text are refused; a value that does not fit is FieldRange with its row (`price[17]`).
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from operator import index
from typing import Any

import numpy as np
import numpy.typing as npt

from .batch_plan import fields_of
from .errors import CapacityExceeded, FieldRange
from .explain import explain_value
from .extras import require_arrow
from .interop import COUNT, HIGH, LOW, from_arrow, kind_dtype, numpy_dtype
from .layout import IntKind, Kind, RawKind, StructKind, VectorKind

Column = npt.NDArray[Any]


def is_scalar(value: Any) -> bool:
    """Whether `value` is one value for all rows."""
    return isinstance(value, (int, bytes)) or (not isinstance(value, np.ndarray) and hasattr(value, "__index__"))


def given_columns(cls: Any, columns: Any) -> dict[str, Any]:
    """The columns by name, from a mapping, a structured array, or anything that gives Arrow data.

    Raises TypeError for something else, for a field that does not exist, and for a required one that is missing.
    """
    fields = fields_of(cls)
    if isinstance(columns, Mapping):
        given = dict(columns)
    elif isinstance(columns, np.ndarray) and columns.dtype.names is not None:
        plain = np.asarray(columns)
        given = {name: plain[name] for name in columns.dtype.names}
    elif hasattr(columns, "__arrow_c_stream__"):
        table = require_arrow().table(columns)
        given = {
            name: from_arrow(table.column(name), fields[name].kind, name) if name in fields else None
            for name in table.column_names
        }
    else:
        raise TypeError(
            f"columns of {cls.__name__} come as a mapping, a structured array or Arrow data, not as "
            f"{type(columns).__name__}"
        )
    for name in given:
        if name not in fields:
            raise TypeError(f"{cls.__name__} has no field {name!r}; it has {', '.join(fields)}")
    missing = [each.name for each in fields.values() if each.name not in given and each.required]
    if missing:
        raise TypeError(f"columns of {cls.__name__} miss {', '.join(missing)}")
    return given


def is_wire_array(cls: Any, columns: Any) -> bool:
    """Whether `columns` is a contiguous structured array with the very layout of `cls`."""
    return (
        isinstance(columns, np.ndarray)
        and columns.ndim == 1
        and columns.dtype == numpy_dtype(cls)
        and bool(columns.flags.c_contiguous)
    )


def as_column(name: str, kind: Kind, values: Any) -> Column:
    """`values` as a contiguous array of the field's own dtype.  Raises TypeError, FieldRange, CapacityExceeded."""
    dtype = kind_dtype(kind)
    if hasattr(values, "__array__") or isinstance(values, array | memoryview):
        values = np.asarray(values)
    if not isinstance(values, np.ndarray):
        return _from_objects(name, kind, values, dtype)
    if isinstance(kind, RawKind) and values.dtype == np.uint8 and values.ndim == 2 and values.shape[1] == kind.length:
        return np.ascontiguousarray(values).reshape(-1).view(dtype)
    if values.ndim != 1:
        raise TypeError(f"{name} has shape {values.shape}; a column has one dimension")
    if values.dtype == object:
        return _from_objects(name, kind, values.tolist(), dtype)
    match kind:
        case IntKind(16) if values.dtype.names is None:
            _require_integers(name, values)
            _check_range(name, values, kind)
            wide = np.zeros(len(values), dtype)
            wide[LOW] = values.astype(np.uint64)
            if values.dtype.kind == "i":
                wide[HIGH] = (values >> 63).astype(wide[HIGH].dtype)
            return wide
        case IntKind(size) if size <= 8:
            _require_integers(name, values)
            if values.dtype != dtype:
                _check_range(name, values, kind)
            return np.ascontiguousarray(values, dtype)
        case RawKind(length) if values.dtype.kind in "SV" and values.dtype.names is None:
            if values.dtype.itemsize != length:
                raise FieldRange(f"len({name})", values.dtype.itemsize, length, length)
            return np.ascontiguousarray(values).view(dtype)
    if values.dtype != dtype:
        raise TypeError(f"{name} has dtype {values.dtype}, takes {dtype}")
    column: Column = np.ascontiguousarray(values)
    check_vectors(name, kind, column)
    return column


def check_vectors(name: str, kind: Kind, values: Column) -> None:
    """The counts of all vectors of a column.  Raises CapacityExceeded, FieldRange."""
    if isinstance(kind, StructKind):
        for each in kind.layout.fields:
            check_vectors(f"{name}.{each.name}", each.kind, values[each.name])
    if not isinstance(kind, VectorKind) or not len(values):
        return
    counts = values[COUNT]
    if counts.max() > kind.capacity:
        row = int(np.argmax(counts))
        raise CapacityExceeded(kind.capacity, int(counts[row]), f"{name}[{row}]")
    if counts.min() < kind.least:
        row = int(np.argmin(counts))
        raise FieldRange(f"len({name}[{row}])", int(counts[row]), kind.least, kind.capacity)


def _require_integers(name: str, values: Column) -> None:
    if values.dtype.kind not in "iu":
        raise TypeError(f"{name} has dtype {values.dtype}; only integers are taken, convert them on purpose")


def _check_range(name: str, values: Column, kind: IntKind) -> None:
    if not len(values):
        return
    for value, row in ((values.min(), np.argmin(values)), (values.max(), np.argmax(values))):
        if not kind.low <= int(value) <= kind.high:
            raise FieldRange(f"{name}[{int(row)}]", int(value), kind.low, kind.high)


def _from_objects(name: str, kind: Kind, values: Any, dtype: Any) -> Column:
    """A column of a sequence of Python values, each one checked."""
    if isinstance(values, (str, Mapping)) or not hasattr(values, "__len__") or not hasattr(values, "__iter__"):
        raise TypeError(f"{name} takes an array or a sequence of values, not {type(values).__name__}")
    items = list(values)
    if isinstance(kind, VectorKind):
        items = [_element_tuples(item) for item in items]
    for row, value in enumerate(items):
        fault = explain_value(f"{name}[{row}]", kind, value)
        if fault is not None:
            raise fault
    if isinstance(kind, IntKind):
        raw = b"".join([index(value).to_bytes(kind.size, "little", signed=kind.signed) for value in items])
    elif isinstance(kind, VectorKind):
        from ._python.vectors import pack_vector

        raw = b"".join([pack_vector(kind, value) for value in items])
    else:
        raw = b"".join([bytes(value) for value in items])
    return np.frombuffer(raw, dtype) if raw else np.zeros(len(items), dtype)


def _element_tuples(item: Any) -> Any:
    """Elements as Arrow and JSON have them, dicts, become tuples in the order they are given in."""
    if isinstance(item, Sequence) and item and isinstance(item[0], dict):
        return [tuple(each.values()) for each in item]
    return item
