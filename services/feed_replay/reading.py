"""From the bytes of a capture to lines and rows.

Owns compression, text encoding, CSV and Parquet.  Must not know what a row means, and opens nothing: it is given a
binary stream.

Gzip is known by its first bytes, not by a name, and may have several members, as concatenated files do.  What comes
out of it is limited a line, so that a small file cannot fill the memory.

Parquet cells become the text that a CSV would have: whole numbers, decimals and texts as they are; a 64-bit float by
its shortest decimal, which is the text that it was read from as long as that had no more than 15 digits.  One that
needs more was computed, not captured, and is an error, as every 32-bit float is.  Timestamps and booleans are taken
too.
"""

import csv
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from typing import IO, Any

from .errors import CaptureError, Place

CHUNK = 1 << 16
MAX_LINE = 1 << 24
GZIP_MAGIC = b"\x1f\x8b"
PARQUET_MAGIC = b"PAR1"
_EXACT_DIGITS = 15
_GZIP_WINDOW = 31
_BATCH_ROWS = 8192

Row = tuple[int, Sequence[str]]


def chunks_of(stream: IO[bytes]) -> Iterator[bytes]:
    """The stream in pieces.  Raises OSError."""
    return iter(partial(stream.read, CHUNK), b"")


def lines(source: str, chunks: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """The lines of a text file, plain or gzip, numbered from 1, without their ends.  Raises CaptureError."""
    rest, number = b"", 0
    for chunk in _plain(source, chunks):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            number += 1
            yield number, _decoded(source, number, line)
        if len(rest) > MAX_LINE:
            raise CaptureError(source, number + 1, "line", "", f"a line of at most {MAX_LINE} bytes")
    if rest:
        yield number + 1, _decoded(source, number + 1, rest)


def _decoded(source: str, number: int, line: bytes) -> str:
    if number == 1:
        line = line.removeprefix(b"\xef\xbb\xbf")
    try:
        return line.removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError as error:
        shown = line[error.start : error.start + 8].hex(" ")
        raise CaptureError(source, number, f"byte {error.start + 1}", shown, "UTF-8 text") from None


def _plain(source: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes, decompressed where they begin as gzip does."""
    iterator = iter(chunks)
    head = b""
    for chunk in iterator:
        head += chunk
        if len(head) >= len(GZIP_MAGIC):
            break
    if not head.startswith(GZIP_MAGIC):
        if head:
            yield head
        yield from iterator
        return
    unpacker, data = zlib.decompressobj(_GZIP_WINDOW), head
    while True:
        try:
            out = unpacker.decompress(data, CHUNK)
        except zlib.error as error:
            raise CaptureError(source, 1, "gzip", "", f"an undamaged file ({error})") from None
        if out:
            yield out
        data = unpacker.unconsumed_tail
        if unpacker.eof:
            # Zeros may pad a member; anything else begins the next one.
            data = unpacker.unused_data.lstrip(b"\0")
            while not data:
                following = next(iterator, None)
                if following is None:
                    return
                data = following.lstrip(b"\0")
            unpacker = zlib.decompressobj(_GZIP_WINDOW)
        elif not data and not (out and len(out) == CHUNK):
            following = next(iterator, None)
            if following is None:
                raise CaptureError(source, 1, "gzip", "", "the end of the compressed data: the file was cut off")
            data = following


def csv_table(source: str, numbered: Iterable[tuple[int, str]]) -> tuple[tuple[str, ...], Iterator[Row]]:
    """The header of a CSV, and its rows with their lines; every row is as wide.  Raises CaptureError.

    Files may be put together: a repeated header is left out, and so are empty lines.
    """
    reader = csv.reader((text for _, text in numbered), strict=True)
    rows = _csv_rows(source, reader)
    _, header = next(rows, (1, []))
    columns = tuple(header)
    return columns, _checked(source, columns, rows)


def _csv_rows(source: str, reader: Any) -> Iterator[tuple[int, list[str]]]:
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise CaptureError(source, reader.line_num, "row", "", f"CSV ({error})") from None


def _checked(source: str, columns: tuple[str, ...], rows: Iterator[tuple[int, list[str]]]) -> Iterator[Row]:
    for line, row in rows:
        if len(row) != len(columns):
            Place(source, line).refuse("row", ",".join(row), f"{len(columns)} columns, not {len(row)}")
        if tuple(row) != columns:
            yield line, row


def parquet_file(source: str, stream: IO[bytes]) -> Any:
    """The open `pyarrow.parquet.ParquetFile`; its `schema_arrow.names` are the columns.

    Raises CaptureError, and ImportError that says which extra is missing.
    """
    try:
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ImportError("Parquet needs pyarrow; pip install 'alphapulse-feed-replay[parquet]'") from error
    with _damage(source, 1):
        return pq.ParquetFile(stream)


def parquet_rows(source: str, file: Any, names: Sequence[str]) -> Iterator[Row]:
    """The rows, numbered from 1, of the named columns.  Raises CaptureError."""
    number = 0
    batches = file.iter_batches(batch_size=_BATCH_ROWS, columns=list(dict.fromkeys(names)))
    while True:
        with _damage(source, number + 1):
            batch = next(batches, None)
        if batch is None:
            return
        columns = [_texts(source, number, name, batch.column(name)) for name in names]
        for row in zip(*columns, strict=True):
            number += 1
            yield number, row


@contextmanager
def _damage(source: str, row: int) -> Iterator[None]:
    """What pyarrow finds wrong in a file is an error of the capture; what the machine cannot read stays an OSError."""
    try:
        yield
    except (ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise CaptureError(source, row, "file", "", f"an undamaged Parquet file ({error})") from None


def _texts(source: str, before: int, name: str, column: Any) -> list[str]:
    """The cells of one column as texts; a missing value is an empty one."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", kind.tz), safe=True).cast(pa.int64())
    elif pa.types.is_float64(kind):
        return [_float_text(source, before + row, name, value) for row, value in enumerate(column.to_pylist(), 1)]
    elif pa.types.is_boolean(kind):
        return ["" if value is None else str(value).lower() for value in column.to_pylist()]
    elif not (
        pa.types.is_null(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or str(kind) == "string_view"
    ):
        Place(source, before + 1).refuse(name, str(kind), "a column of texts, whole numbers, decimals or doubles")
    return ["" if value is None else _number_text(value) for value in column.to_pylist()]


def _number_text(value: object) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _float_text(source: str, row: int, name: str, value: float | None) -> str:
    if value is None:
        return ""
    exact = Decimal(repr(value))
    if not exact.is_finite():
        # A missing number, as pandas writes it: an empty cell.
        return "" if exact.is_nan() else repr(value)
    if len(exact.normalize().as_tuple().digits) > _EXACT_DIGITS:
        Place(source, row).refuse(name, repr(value), f"at most {_EXACT_DIGITS} digits: this number was computed")
    return format(exact, "f")
