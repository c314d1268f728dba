"""What the compiled implementation calls after it has said no: does it in Python, or raises what explains it.

Owns the mapping from a refusal to the Python implementation.  Each function takes what the refused call was given.  One
that has nothing to do but explain, and finds nothing wrong, returns; the caller reports that as a defect of ours.
"""

from __future__ import annotations

from operator import index
from typing import Any

from ..buffers import Buffer, as_bytes_like, byte_view
from ..constants import ChecksumPolicy, must_verify
from ..errors import FieldRange, PayloadSizeMismatch, UnknownTLVType
from ..explain import explain_builder, explain_count, explain_payload, explain_short_buffer, explain_target
from ..layout import FieldLayout
from ..tlv_types import type_name
from .checks import check_message, walk
from .padding import cleared
from .structs import Packer

_packers: dict[type, Packer] = {}


def pack_slow(cls: Any, values: dict[str, Any]) -> bytes:
    """The bytes of `cls(**values)`, for values that need converting.  Raises what the constructor raises."""
    packer = _packers.get(cls)
    if packer is None:
        packer = _packers[cls] = Packer(cls.__layout__)
    return packer.pack(cls, values)


def canonical(obj: Any) -> bytes:
    """The bytes a writer would make of the same values."""
    return cleared(obj.__layout__, bytes(obj), getattr(type(obj), "TYPE", 0))


def refuse_message(buf: Buffer, offset: int, checksum: ChecksumPolicy | bool, limit: int, trailing: bool) -> None:
    offset, buffer = index(offset), byte_view(buf)
    if not 0 <= offset <= len(buffer):
        raise FieldRange("offset", offset, 0, len(buffer))
    check_message(buffer, offset, must_verify(checksum), limit, trailing)


def refuse_walk(message: Buffer) -> None:
    for _ in walk(byte_view(message), 0, len(message)):  # type: ignore[arg-type]
        pass


def refuse_struct(cls: Any, need: int, length: int, offset: int) -> None:
    raise explain_short_buffer(cls.__name__, need, length, index(offset))


def refuse_payload(cls: Any, got: int, offset: int) -> None:
    raise PayloadSizeMismatch(cls.TYPE, cls.__layout__.size, got, cls.__name__, offset)


def refuse_count(field: Any, count: int, tlv_type: int, offset: int, size: int) -> None:
    if isinstance(field, FieldLayout):
        raise explain_count(field, count, tlv_type, offset, size)
    raise explain_count(FieldLayout("vector", field, 0), count, tlv_type)


def unknown_type(tlv_type: int) -> None:
    raise UnknownTLVType(tlv_type)


def refuse_builder(relay_domain: Any, source: Any, sequence: Any, timestamp: Any, flags: Any) -> tuple[int, ...]:
    """The values as plain integers, where they only needed converting."""
    fault = explain_builder(relay_domain, source, sequence, timestamp, flags)
    if fault is not None:
        raise fault
    return tuple(value.__index__() for value in (relay_domain, source, sequence, timestamp or 0, flags))


def refuse_tlv(tlv_type: Any, size: int, before: int, declared: bool) -> int:
    fault = explain_payload(tlv_type, size, before, declared)
    if fault is not None:
        raise fault
    return int(tlv_type.__index__())


def refuse_target(offset: int, size: int, room: int, readonly: bool) -> None:
    fault = explain_target(index(offset), size, room, readonly)
    if fault is not None:
        raise fault


def message_repr(domain: int, source: int, sequence: int, size: int, count: int) -> str:
    return f"<Message domain {domain}, source {source}, sequence {sequence}, {size} bytes, {count} TLVs>"


def tlv_repr(tlv_type: int, size: int, extended: bool, offset: int) -> str:
    kind = "extended" if extended else "standard"
    return f"<TLV {type_name(tlv_type)} ({tlv_type}), {size} bytes, {kind}, at {offset}>"


as_bytes = as_bytes_like
