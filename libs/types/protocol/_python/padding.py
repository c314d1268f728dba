"""Bytes of a struct that mean nothing: padding, the padding of structs inside it, the unused slots of its vectors.

Owns setting them to zero, which a writer does with all of them, and a comparison with those it ignores.  Must not know
any particular struct.
"""

from __future__ import annotations

from ..explain import explain_count
from ..layout import FieldLayout, Layout, StructKind, VectorKind


def cleared(layout: Layout, raw: bytes, tlv_type: int = 0) -> bytes:
    """The bytes a writer would make of the same values.  Raises InvalidPayload for a count above the capacity."""
    out = bytearray(raw)
    _clear(layout, out, 0, tlv_type)
    return bytes(out)


def clear_rows(layout: Layout, rows: bytearray) -> None:
    """`cleared` for structs that follow each other."""
    if _holds_vectors(layout):
        for at in range(0, len(rows), layout.size):
            _clear(layout, rows, at, 0)
        return
    count = bytes(len(rows) // layout.size)
    for gap in layout.padding:
        for at in range(gap.offset, gap.offset + gap.size):
            rows[at :: layout.size] = count


def _clear(layout: Layout, out: bytearray, base: int, tlv_type: int) -> None:
    for gap in layout.padding:
        out[base + gap.offset : base + gap.offset + gap.size] = bytes(gap.size)
    for field in layout.fields:
        if isinstance(field.kind, VectorKind):
            _clear_vector(field, field.kind, out, base + field.offset, tlv_type)
        elif isinstance(field.kind, StructKind) and _holds_vectors(field.kind.layout):
            _clear(field.kind.layout, out, base + field.offset, tlv_type)


def _clear_vector(field: FieldLayout, kind: VectorKind, out: bytearray, at: int, tlv_type: int) -> None:
    count = int.from_bytes(out[at : at + 2], "little")
    if count > kind.capacity:
        raise explain_count(field, count, tlv_type)
    first, end = at + kind.first, at + kind.first + count * kind.element.size
    if isinstance(kind.element, StructKind):
        rows = out[first:end]
        clear_rows(kind.element.layout, rows)
        out[first:end] = rows
    out[at + 2 : first] = bytes(first - at - 2)
    out[end : at + kind.size] = bytes(at + kind.size - end)


def _holds_vectors(layout: Layout) -> bool:
    return any(
        isinstance(field.kind, VectorKind) or (isinstance(field.kind, StructKind) and _holds_vectors(field.kind.layout))
        for field in layout.fields
    )
