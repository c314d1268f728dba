"""Many messages at once: `decode_batch` into columns, `encode_batch` from them.

    batch = decode_batch(data, TradeTLV)                      # a numpy structured array; checksums are verified
    batch["price"].mean(), batch.skipped
    data = encode_batch(TradeTLV, batch, relay_domain=RelayDomain.MARKET_DATA,
                        source=SourceType.KRAKEN_COLLECTOR, sequence=1)

Owns the two functions: arguments in, the kernel's runs, results and errors out.  Must not know fields.  The kernel
(`decode_rows`, `encode_rows`) is the compiled one or that of `_python/batch.py`; the compiled one works without the
interpreter's lock.  numpy is needed (extra `numpy`), pyarrow for Arrow (extra `arrow`).

One row is one message that carries the TLV.  Where a message has several of the class, the first one counts and the
others are in `.repeated`; messages without one are in `.skipped`.  A wrong message stops the decoding with a
`BatchError` that says which one, unless errors are collected: then the good ones before and behind it are kept.
"""

from __future__ import annotations

import time
from array import array
from functools import cache, lru_cache
from operator import index
from typing import TYPE_CHECKING, Any, Literal, overload

from . import _codec
from ._python import checks
from .batch_plan import (
    HEADER_COLUMNS,
    ROWS,
    Op,
    check_batch_class,
    fields_of,
    known_numbers,
    message_size_of,
    message_template,
    packed,
    places_of,
    reading_ops,
    rules_of,
    writing_plan,
)
from .buffers import Buffer, WritableBuffer, byte_view
from .constants import HEADER_SIZE, MAX_MESSAGE_SIZE, ChecksumPolicy, must_verify
from .errors import BatchError, FieldRange, ParseError, ProtocolError
from .explain import explain_builder, explain_value
from .extras import require_arrow, require_numpy
from .header import MessageHeader
from .interop import arrow_field, arrow_schema, kind_dtype, numpy_dtype, to_arrow
from .layout import FieldLayout, IntKind, RawKind, StructKind, VectorKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .batch_results import ArrowBatch, Batch, Columns

blank_buffer, decode_rows, encode_rows = _codec.blank_buffer, _codec.decode_rows, _codec.encode_rows

_FAULTS_AT_ONCE = 256
_HEADERS = " headers"  # no path has a blank
_KNOWN_AT = {"relay_domain": 0, "source": 256}  # where `known_numbers` has those of the field


@overload
def decode_batch(
    buf: Buffer, cls: Any, *, form: Literal["numpy"] = "numpy", fields: Sequence[str] | None = None,
    checksum: ChecksumPolicy | bool = ..., headers: bool = False, on_error: Literal["raise", "collect"] = "raise",
    limit: int = ..., allow_partial: bool = False, out: Any = None,
) -> Batch: ...  # fmt: skip
@overload
def decode_batch(
    buf: Buffer, cls: Any, *, form: Literal["columns"], fields: Sequence[str] | None = None,
    checksum: ChecksumPolicy | bool = ..., headers: bool = False, on_error: Literal["raise", "collect"] = "raise",
    limit: int = ..., allow_partial: bool = False, out: Any = None,
) -> Columns: ...  # fmt: skip
@overload
def decode_batch(
    buf: Buffer, cls: Any, *, form: Literal["arrow"], fields: Sequence[str] | None = None,
    checksum: ChecksumPolicy | bool = ..., headers: bool = False, on_error: Literal["raise", "collect"] = "raise",
    limit: int = ..., allow_partial: bool = False, out: Any = None,
) -> ArrowBatch: ...  # fmt: skip
def decode_batch(
    buf: Buffer,
    cls: Any,
    *,
    form: Literal["numpy", "columns", "arrow"] = "numpy",
    fields: Sequence[str] | None = None,
    checksum: ChecksumPolicy | bool = ChecksumPolicy.ENFORCE,
    headers: bool = False,
    on_error: Literal["raise", "collect"] = "raise",
    limit: int = MAX_MESSAGE_SIZE,
    allow_partial: bool = False,
    out: Any = None,
) -> Batch | Columns | ArrowBatch:
    """The TLVs of class `cls` in messages that follow each other in `buf`, as columns.

    `form` is "numpy" (a `Batch`, a structured array), "columns" (a dict of contiguous arrays) or "arrow" (a table).
    `fields` names the columns, all by default; also paths as `Decoder` takes them (`header.sequence`, `instrument`).
    `headers=True` gives the message headers of the rows as `.headers`.  With `allow_partial`, the last message may be
    incomplete; it starts at `.consumed`.  `out` is an earlier result's array or columns to be filled again, with room
    for `len(buf) // message_size_of(cls)` rows; the result is then a view of it.

    Raises BatchError, with the reason as its cause, unless `on_error="collect"`, which puts it into `.errors`.  Raises
    TypeError for a class without a fixed size, ValueError for a path or a form that does not exist, ImportError.
    """
    np = require_numpy()
    _, results = _numpy_modules()
    check_batch_class(cls)
    if form not in ("numpy", "columns", "arrow") or on_error not in ("raise", "collect"):
        raise ValueError(f"no form {form!r} with on_error={on_error!r}; use numpy, columns or arrow, raise or collect")
    data = byte_view(buf)
    paths = None if fields is None else tuple(fields)
    dtypes, ops = _reading_plan(cls, form == "numpy", paths, bool(headers))
    room = len(data) // message_size_of(cls)
    arrays = _arrays(np, dtypes, room, {ROWS: out} if form == "numpy" and out is not None else out)
    run = _Run(data, cls, room, must_verify(checksum), limit, allow_partial, on_error == "raise")
    run.decode(ops, tuple([each.view(np.uint8) for each in arrays.values()]))
    if out is not None:
        done = {name: each[: run.row] for name, each in arrays.items()}
    else:
        done = {name: _shrunk(each, run.row) for name, each in arrays.items()}
    head = done.pop(_HEADERS, None)
    report = results.BatchReport(run.index, run.others, run.repeats, run.offset, tuple(run.errors))
    if form == "numpy":
        return done[ROWS].view(results.Batch)._attach(report, head)  # type: ignore[no-any-return]
    if form == "columns":
        return results.Columns(done)._attach(report, head)  # type: ignore[no-any-return]
    return results.ArrowBatch(_table(cls, paths, done))._attach(report, head)  # type: ignore[no-any-return]


def encode_batch(
    cls: Any,
    columns: Mapping[str, Any] | Any,
    *,
    relay_domain: Any,
    source: Any,
    sequence: Any,
    timestamp: Any = None,
    flags: Any = 0,
    signed: bool = True,
    out: WritableBuffer | None = None,
) -> bytearray | int:
    """One message for each row, one after the other: a bytearray, or their size where they were written to `out`.

    `columns` is a mapping from field names to arrays (or to one value for all rows), a structured array (as
    `numpy_dtype` says), an Arrow table, or what gives one.  Fields with a default may be missing.  The header's fields
    are one value or an array each; one `sequence` is that of the first message, and the next ones count on; without a
    `timestamp` it is now.

    Raises TypeError for columns or dtypes that are not taken, ValueError for lengths that differ, FieldRange and
    CapacityExceeded for values that do not fit; nothing is wrapped or cut.  Padding and unused slots are written
    as zeros.
    """
    np = require_numpy()
    given, _ = _numpy_modules()
    check_batch_class(cls)
    write = _Writing(np, given, cls)
    if given.is_wire_array(cls, columns):
        write.rows(np.asarray(columns))
    else:
        fields = fields_of(cls)
        for name, values in given.given_columns(cls, columns).items():
            write.field(fields[name], values)
    timestamp = time.time_ns() if timestamp is None else timestamp
    head = {"relay_domain": relay_domain, "source": source, "flags": flags, "timestamp": timestamp,
            "sequence": sequence}  # fmt: skip
    for name, values in head.items():
        write.header(name, values)
    first = int(sequence) if given.is_scalar(sequence) else None
    count = write.count()
    if first is not None and first + max(count - 1, 0) >= 2**64:
        raise FieldRange("sequence", first + count - 1, 0, 2**64 - 1)
    size = count * len(write.message)
    target = blank_buffer(size) if out is None else byte_view(out)
    if isinstance(target, bytes) or (isinstance(target, memoryview) and target.readonly):
        raise TypeError("encode_batch needs a writable buffer")
    if len(target) < size:
        raise FieldRange("len(out)", len(target), size, 2**63 - 1)
    plan = writing_plan(cls, tuple(write.lengths))
    encode_rows(target, bytes(write.message), count, first, signed, plan, tuple(write.inputs))
    return target if isinstance(target, bytearray) else size


@cache
def _numpy_modules() -> tuple[Any, Any]:
    """The modules that import numpy.  Looked up once: small batches would wait for the import machinery."""
    from . import batch_columns, batch_results

    return batch_columns, batch_results


class _Run:
    """The runs of the decoding kernel over one buffer, from one full list of faults to the next."""

    def __init__(self, data: Any, cls: Any, room: int, verify: bool, limit: int, partial: bool, stop: bool) -> None:
        self.data, self.cls, self.room = data, cls, room
        self.verify, self.limit, self.partial, self.stop = verify, limit, partial, stop
        self.offset = self.index = self.row = self.others = self.repeats = 0
        self.errors: list[BatchError] = []

    def decode(self, ops: bytes, columns: tuple[Any, ...]) -> None:
        known, rules = known_numbers(), rules_of(self.cls)
        room = 1 if self.stop else _FAULTS_AT_ONCE
        faults = array("Q", bytes(24 * room))
        while True:
            self.offset, self.index, self.row, others, repeats, count = decode_rows(
                self.data, self.offset, self.index, self.row, self.room, self.cls.TYPE, self.cls.SIZE, self.verify,
                self.partial, self.limit, known, rules, ops, columns, faults,
            )  # fmt: skip
            self.others += others
            self.repeats += repeats
            for at in range(0, 3 * count, 3):
                index, offset, after = faults[at : at + 3]
                error = self._explain(offset)
                self.errors.append(BatchError(index, offset, error, after - offset))
                if self.stop:
                    raise self.errors[0] from error
            if count < room:
                return

    def _explain(self, offset: int) -> ProtocolError:
        """The reason why the message at `offset` was refused."""
        try:
            end = checks.check_message(self.data, offset, self.verify, self.limit, True)
            one = memoryview(self.data)[offset:end]
            _codec.parse_message(one, checksum=self.verify, limit=self.limit).get(self.cls)
        except ProtocolError as error:
            return error.with_traceback(None)
        return ParseError(offset, "the bytes changed while they were read", len(self.data), "batch")


class _Writing:
    """What the encoding kernel is given, as it is put together."""

    def __init__(self, np: Any, given: Any, cls: Any) -> None:
        self.np, self.given, self.cls = np, given, cls
        self.known, self.plain = known_numbers(), _plain_dtypes(cls)
        self.message = bytearray(message_template(cls))
        self.payload = len(self.message) - cls.SIZE
        self.inputs: list[Any] = []
        self.lengths: dict[str, int] = {}  # of each column, in the order of `inputs`

    def rows(self, rows: Any) -> None:
        """A structured array in wire layout: all fields at once."""
        for each in self.cls.__layout__.fields:
            if isinstance(each.kind, VectorKind | StructKind):
                self.given.check_vectors(each.name, each.kind, rows[each.name])
        self.message[self.payload :] = bytes(self.cls.SIZE)  # no default is left where a vector is shorter
        self._add(ROWS, rows)

    def field(self, field: FieldLayout, values: Any) -> None:
        name, kind, at = field.name, field.kind, self.payload + field.offset
        if self._is_ready(name, values):
            self._add(name, values)
            return
        if self.given.is_scalar(values):
            fault = explain_value(name, kind, values)
            if fault is not None:
                raise fault
            raw = self.given.as_column(name, kind, [values]).tobytes()
            self.message[at : at + len(raw)] = raw
            return
        column = self.given.as_column(name, kind, values)
        self.message[at : at + kind.size] = bytes(kind.size)  # as in `rows`
        self._add(name, column)

    def _is_ready(self, name: str, values: Any) -> bool:
        """Whether a column is what `as_column` would make of it: without this look, small batches wait for Python."""
        return (
            type(values) is self.np.ndarray
            and name in self.plain
            and values.dtype == self.plain[name]
            and values.ndim == 1
            and values.flags.c_contiguous
        )

    def _add(self, name: str, column: Any) -> None:
        self.lengths[name] = len(column)
        self.inputs.append(column.view(self.np.uint8))

    def header(self, name: str, values: Any) -> None:
        at, kind = HEADER_COLUMNS[f"header.{name}"]
        known = _KNOWN_AT.get(name)
        if self.given.is_scalar(values):
            number = -1 if isinstance(values, bytes) else index(values)
            if not 0 <= number <= kind.high or (known is not None and not self.known[known + number]):
                good = {"relay_domain": 1, "source": 1, "sequence": 0, "timestamp": 0, "flags": 0}
                raise explain_builder(**{**good, name: values}) or TypeError(f"{name} is no integer")
            self.message[at : at + kind.size] = number.to_bytes(kind.size, "little")
            return
        numbers = self.given.as_column(name, kind, values)
        if known is not None:
            wrong = ~self.np.frombuffer(self.known, self.np.bool_, 256, known)[numbers]
            if wrong.any():
                row = int(wrong.argmax())
                allowed = [number for number in range(256) if self.known[known + number]]
                raise FieldRange(f"{name}[{row}]", int(numbers[row]), allowed[0], allowed[-1])
        self._add(f"header.{name}", numbers)

    def count(self) -> int:
        """How many rows there are.  Raises ValueError where columns differ, TypeError where there is none."""
        if not self.lengths:
            raise TypeError("all columns are single values; give at least one array, it says how many rows there are")
        name, count = next(iter(self.lengths.items()))
        for other, length in self.lengths.items():
            if length != count:
                name = "the array" if name == ROWS else name
                raise ValueError(f"{other} has {length} rows, {name} has {count}")
        return count


@lru_cache(maxsize=256)
def _plain_dtypes(cls: Any) -> dict[str, Any]:
    """The dtypes of those fields of which any value of that dtype may be written."""
    fields = cls.__layout__.fields
    return {each.name: kind_dtype(each.kind) for each in fields if isinstance(each.kind, IntKind | RawKind)}


@lru_cache(maxsize=256)
def _reading_plan(
    cls: Any, as_rows: bool, paths: tuple[str, ...] | None, headers: bool
) -> tuple[dict[str, Any], bytes]:
    """The dtypes of the columns by name, and the ops that fill them."""
    dtypes: dict[str, Any] = {}
    ops: list[Op] = []
    if as_rows and paths is None:
        dtypes[ROWS] = numpy_dtype(cls)
        ops.append(Op(0, cls.SIZE, True, 0, 0, cls.SIZE))
    elif as_rows:
        places = places_of(cls, paths)
        formats = [(place.path, kind_dtype(place.kind)) for place in places]
        dtypes[ROWS] = rows = require_numpy().dtype(formats, align=True)
        for place in places:
            ops += reading_ops(place, 0, rows.fields[place.path][1], rows.itemsize)
    else:
        for column, place in enumerate(places_of(cls, paths)):
            dtypes[place.path] = dtype = kind_dtype(place.kind)
            ops += reading_ops(place, column, 0, dtype.itemsize)
    if headers:
        ops.append(Op(0, HEADER_SIZE, False, len(dtypes), 0, HEADER_SIZE))
        dtypes[_HEADERS] = numpy_dtype(MessageHeader)
    return dtypes, packed(ops)


def _arrays(np: Any, dtypes: dict[str, Any], room: int, out: Any) -> dict[str, Any]:
    """An array for each column: those of `out`, or new ones."""
    arrays = {}
    for name, dtype in dtypes.items():
        if out is None or name == _HEADERS:
            arrays[name] = np.empty(room, dtype)
            continue
        if name not in out:
            raise TypeError(f"out has no column {name}")
        arrays[name] = given = np.asarray(out[name])
        if given.dtype != dtype or given.ndim != 1 or not given.flags.c_contiguous or not given.flags.writeable:
            raise TypeError(f"out must have {name.strip()} as a contiguous, writable array of {dtype}")
        if len(given) < room:
            raise FieldRange(f"len(out {name.strip()})", len(given), room, 2**63 - 1)
    return arrays


def _shrunk(rows: Any, count: int) -> Any:
    """The rows that were filled; in an array of their own where the larger one would be a waste."""
    if 2 * count >= len(rows):
        return rows[:count]
    return rows[:count].view("u1").copy().view(rows.dtype)  # as bytes: a copy by fields would leave the gaps unset


def _table(cls: Any, fields: Any, columns: dict[str, Any]) -> Any:
    pa = require_arrow()
    if fields is None:
        schema = arrow_schema(cls)
        kinds = [each.kind for each in cls.__layout__.fields]
    else:
        places = places_of(cls, fields)
        kinds = [place.kind for place in places]
        schema = pa.schema([arrow_field(place.path, place.kind) for place in places])
    arrays = [to_arrow(column, kind) for column, kind in zip(columns.values(), kinds, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
