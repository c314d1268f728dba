"""Says what is wrong: turns input that was refused into the error that explains it.

Owns the way from a refused value to a typed error.  Must not decide whether something is refused: both
implementations only accept or refuse, and come here afterwards, so that their errors are the same and the good path
pays nothing for them.
"""

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .buffers import as_bytes_like
from .constants import EXTENDED_MARKER, MAX_EXTENDED_PAYLOAD, MAX_MESSAGE_SIZE, VERSION
from .errors import (
    CapacityExceeded,
    FieldRange,
    InvalidPayload,
    InvalidTLVType,
    MessageTooSmall,
    PayloadTooLarge,
    ProtocolError,
)
from .layout import FieldLayout, IntKind, RawKind, StructKind, TailKind, VectorKind
from .registry import DOMAINS, known_sources, known_types

_U8, _U64 = IntKind(1), IntKind(8)


def explain_construction(cls: type, fields: Sequence[FieldLayout], values: Mapping[str, Any]) -> Exception:
    """Why `cls(**values)` cannot be: TypeError, FieldRange or CapacityExceeded, for the first field at fault."""
    name = cls.__name__
    known = {field.name for field in fields}
    for given in values:
        if given not in known:
            return TypeError(f"{name}() has no field {given!r}; it has {', '.join(sorted(known))}")
    missing = [field.name for field in fields if field.required and field.name not in values]
    if missing:
        return TypeError(f"{name}() misses {', '.join(missing)}")
    for field in fields:
        if field.name in values:
            fault = explain_value(field.name, field.kind, values[field.name])
            if fault is not None:
                return TypeError(f"{name}.{fault}") if isinstance(fault, TypeError) else fault
    return TypeError(f"{name}() cannot be made of these values")


def explain_value(name: str, kind: object, value: Any) -> Exception | None:
    """Why `value` does not fit a field of this kind; None if it does."""
    match kind:
        case IntKind():
            return _explain_int(name, kind, value)
        case RawKind(length):
            return _explain_bytes(name, value, length)
        case TailKind():
            return _explain_bytes(name, value, None)
        case StructKind(_, cls):
            return None if isinstance(value, cls) else TypeError(f"{name} takes {cls.__name__}, not {_of(value)}")
        case VectorKind():
            return _explain_vector(name, kind, value)
    return None


def explain_short_buffer(name: str, need: int, length: int, offset: int) -> ProtocolError:
    """Why no struct of `need` bytes can be read at `offset` of `length` bytes."""
    if not 0 <= offset <= length:
        return FieldRange("offset", offset, 0, length)
    return MessageTooSmall(need, length - offset, name)


def explain_builder(relay_domain: Any, source: Any, sequence: Any, timestamp: Any, flags: Any) -> Exception | None:
    """Why no message can have this header; None if it can."""
    for name, value, known in (("relay_domain", relay_domain, DOMAINS), ("source", source, known_sources())):
        fault = _explain_int(name, _U8, value)
        if fault is not None:
            return fault
        if value not in known:
            return FieldRange(name, value, min(known), max(known))
    fault = _explain_int("flags", _U8, flags) or _explain_int("sequence", _U64, sequence)
    return fault or (None if timestamp is None else _explain_int("timestamp", _U64, timestamp))


def explain_payload(tlv_type: Any, size: int, before: int, declared: bool) -> Exception | None:
    """Why a payload cannot be added after `before` bytes of message; None if it can."""
    fault = _explain_int("tlv_type", IntKind(8, signed=True), tlv_type)
    if fault is not None:
        return fault
    if not 0 <= tlv_type < EXTENDED_MARKER:
        return InvalidTLVType(tlv_type)
    if size > MAX_EXTENDED_PAYLOAD:
        return PayloadTooLarge(size, MAX_EXTENDED_PAYLOAD, tlv_type)
    if before + size > MAX_MESSAGE_SIZE:
        return PayloadTooLarge(size, max(MAX_MESSAGE_SIZE - before, 0), tlv_type)
    info = known_types()[tlv_type]
    if info is not None and not declared and not info.low <= size <= info.high:
        return FieldRange(f"len(payload of {info.struct_name})", size, info.low, info.high)
    return None


def explain_encoding(cls: Any, places: Sequence[Any], fixed: Mapping[str, int], values: Sequence[Any]) -> Exception:
    """Why an encoder of `places` cannot take these values."""
    if len(values) != len(places):
        names = ", ".join(place.path for place in places)
        return TypeError(f"the encoder takes {len(places)} values ({names}), got {len(values)}")
    head = {"relay_domain": 1, "source": 1, "flags": 0, "sequence": 0, "timestamp": 0, **fixed}
    for place, value in zip(places, values, strict=True):
        if place.in_header:
            head[place.path.removeprefix("header.")] = value
            continue
        kind = RawKind(sum(size for _, size in place.pieces)) if place.pieces else place.kind
        kind = RawKind(kind.size) if isinstance(kind, StructKind) else kind
        fault = explain_value(place.path, kind, value)
        if fault is not None:
            return fault
    version = head.pop("version", VERSION)
    fault = explain_builder(**head) or _explain_int("version", _U8, version)
    if fault is None and version != VERSION:
        fault = FieldRange("version", version, VERSION, VERSION)
    return fault or TypeError("the values cannot be encoded")


def explain_count(field: FieldLayout, count: int, tlv_type: int, offset: int = 0, size: int = 0) -> ProtocolError:
    """Why a vector with this count cannot be read."""
    assert isinstance(field.kind, VectorKind)
    return InvalidPayload(tlv_type, offset + field.offset, count_error(field, count), size or field.kind.size)


def count_error(field: FieldLayout, count: int) -> str:
    """What is wrong with a count; the same words wherever it is met."""
    assert isinstance(field.kind, VectorKind)
    return f"{field.name} counts {count} elements, its capacity is {field.kind.capacity}"


def explain_target(offset: int, size: int, room: int, readonly: bool) -> Exception | None:
    """Why a message of `size` bytes cannot be written at `offset` of `room` bytes; None if it can."""
    if readonly:
        return TypeError("build_into needs a writable buffer")
    if not 0 <= offset <= room - size:
        return FieldRange("offset", offset, 0, room - size)
    return None


def _explain_int(name: str, kind: IntKind, value: Any) -> Exception | None:
    try:
        number = operator.index(value)
    except TypeError:
        return TypeError(f"{name} takes an int, not {_of(value)}")
    return None if kind.low <= number <= kind.high else FieldRange(name, number, kind.low, kind.high)


def _explain_bytes(name: str, value: Any, length: int | None) -> Exception | None:
    try:
        got = len(as_bytes_like(value))
    except TypeError:
        return TypeError(f"{name} takes bytes, not {_of(value)}")
    return None if length is None or got == length else FieldRange(f"len({name})", got, length, length)


def _explain_vector(name: str, kind: VectorKind, value: Any) -> Exception | None:
    if not isinstance(value, Iterable):
        return TypeError(f"{name} takes a sequence of elements, not {_of(value)}")
    items = list(value)
    if len(items) > kind.capacity:
        return CapacityExceeded(kind.capacity, len(items), name)
    if len(items) < kind.least:
        return FieldRange(f"len({name})", len(items), kind.least, kind.capacity)
    for index, item in enumerate(items):
        fault = _explain_element(f"{name}[{index}]", kind.element, item)
        if fault is not None:
            return fault
    return None


def _explain_element(name: str, element: IntKind | StructKind, item: Any) -> Exception | None:
    if isinstance(element, IntKind):
        return _explain_int(name, element, item)
    if isinstance(item, element.cls):
        return None
    fields = element.layout.fields
    if not isinstance(item, tuple):
        return TypeError(f"{name} takes {element.cls.__name__} or a tuple of its fields, not {_of(item)}")
    if len(item) != len(fields):
        return TypeError(f"{name} has {len(item)} values, {element.cls.__name__} has {len(fields)} fields")
    for field, value in zip(fields, item, strict=True):
        fault = explain_value(f"{name}.{field.name}", field.kind, value)
        if fault is not None:
            return fault
    return None


def _of(value: object) -> str:
    return type(value).__name__
