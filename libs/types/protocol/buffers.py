"""Bytes of other people: one way to look at any object with the buffer protocol.

Owns the conversions and their errors.  Must not know what the bytes mean.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

    Buffer: TypeAlias = ReadableBuffer
    WritableBuffer: TypeAlias = WriteableBuffer
else:
    Buffer = WritableBuffer = Any


def byte_view(buf: Buffer) -> bytes | memoryview:
    """`buf` as a row of bytes, without a copy.  Raises TypeError for no buffer, BufferError for one with gaps."""
    if type(buf) is bytes:
        return buf
    view = memoryview(buf)
    if view.format == "B" and view.ndim == 1 and view.c_contiguous:
        return view
    if not view.c_contiguous:
        raise BufferError("memoryview: underlying buffer is not C-contiguous")
    try:
        return view.cast("B")
    except ValueError:
        # Items of a kind that `cast` does not know: structs, or numbers of a fixed byte order.
        from pickle import PickleBuffer

        return PickleBuffer(view).raw()


def as_bytes_like(value: Any) -> bytes:
    """The bytes of a buffer, or of an object that says its bytes (`__bytes__`).  Raises TypeError."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, (bytearray, memoryview)) or hasattr(value, "__bytes__"):
        return bytes(value)
    return bytes(memoryview(value))
