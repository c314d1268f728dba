"""Decoder in Python: one function per message type, made once, for programs that read many.

Owns the making of these functions, and the plain reader behind them.  Must not know any particular TLV.
`_native/compiled.c` has the same behaviour.

As with `encoders`, a function is put together from the places of the paths.  It only takes the usual message, which
holds just this TLV and is right in every way; everything else goes to `_Reader`, which is the specification and also
raises the errors.
"""

from __future__ import annotations

import re
import struct
import zlib
from functools import reduce
from operator import index
from typing import TYPE_CHECKING, Any

from ..buffers import byte_view
from ..constants import EXTENDED_MARKER, HEADER_SIZE, MAGIC, MAX_MESSAGE_SIZE, VERSION, ChecksumPolicy, must_verify
from ..errors import FieldRange, PayloadSizeMismatch
from ..explain import explain_count
from ..layout import FieldLayout, IntKind, Layout, RawKind, StructKind, VectorKind
from ..paths import Place, resolve
from ..registry import known_senders, known_types, vector_places
from .checks import Frame, check_message, walk
from .encoders import MadeFunctions, made_function
from .vectors import CODES, row_codes

if TYPE_CHECKING:
    from ..schema import TLV

# The magic is read as a signed number: it has one digit then, and such numbers compare faster.
_HEADER_CODES = {"magic": "i", "relay_domain": "B", "version": "B", "source": "B", "flags": "B",
                 "sequence": "Q", "timestamp": "Q", "payload_size": "I", "checksum": "I"}  # fmt: skip
_FAULTS = (struct.error, TypeError, ValueError, BufferError)


class Decoder(metaclass=MadeFunctions):
    """`Decoder(TradeTLV, *paths)`: called with a message, checks it whole and gives a tuple of the values at the paths.

    The first TLV of the class is read; None where the message has none.  Values are plain: integers, bytes (also for
    groups and structs), lists of integers or tuples for vectors.  Without paths, all fields in their order.
    `decode` is the same call, and quicker when it is bound once, as `Encoder.encode` is.
    """

    if TYPE_CHECKING:
        cls: type[TLV]
        paths: tuple[str, ...]
        _places: list[Place]
        _verify: bool

        def __init__(
            self, cls: type[TLV], *paths: str, checksum: ChecksumPolicy | bool = ChecksumPolicy.ENFORCE,
            limit: int = MAX_MESSAGE_SIZE, allow_trailing: bool = False,
        ) -> None:  # fmt: skip
            """Raises ValueError for a path that does not exist."""

        def __call__(self, buf: Any, offset: int = 0) -> tuple[Any, ...] | None:
            """Raises what `parse_message` raises."""
            raise NotImplementedError

        def decode(self, buf: Any, offset: int = 0) -> tuple[Any, ...] | None:
            """Raises what `parse_message` raises."""
            raise NotImplementedError

    else:

        def __new__(
            cls, tlv, *paths, checksum=ChecksumPolicy.ENFORCE, limit=MAX_MESSAGE_SIZE, allow_trailing=False
        ):  # fmt: skip
            paths = paths or tuple(field.name for field in tlv.__layout__.fields)
            places = [resolve(path, tlv) for path in paths]
            reader = _Reader(tlv, places, must_verify(checksum), limit, allow_trailing)
            made = _decoding_function(tlv.__layout__, tlv.TYPE, places, reader) or _plain_function(reader)
            made.made_by, made.cls, made.paths, made._places, made._verify = cls, tlv, paths, places, reader.verify
            made.decode = made
            return made


class _Reader:
    """Reads any message, one place after the other."""

    def __init__(self, cls: Any, places: list[Place], verify: bool, limit: int, trailing: bool) -> None:
        self.cls, self.places, self.verify, self.limit, self.trailing = cls, places, verify, limit, trailing

    def read(self, buf: Any, offset: int = 0) -> tuple[Any, ...] | None:
        offset, buffer = index(offset), byte_view(buf)
        if not 0 <= offset <= len(buffer):
            raise FieldRange("offset", offset, 0, len(buffer))
        end = check_message(buffer, offset, self.verify, self.limit, self.trailing)
        for frame in walk(buffer, offset, end):
            if frame.type == self.cls.TYPE:
                tlv = self._tlv(memoryview(buffer)[offset:], frame.start - offset, frame.end - offset)
                return tuple(self._read(place, buffer, offset, frame, tlv) for place in self.places)
        return None

    def _tlv(self, message: memoryview, start: int, end: int) -> Any:
        """The struct, of either implementation.  Raises PayloadSizeMismatch, InvalidPayload."""
        size, there = self.cls.__layout__.size, end - start
        if there < size:
            raise PayloadSizeMismatch(self.cls.TYPE, size, there, self.cls.__name__, start)
        for field, capacity in vector_places(self.cls.__layout__):
            count = int.from_bytes(message[start + field.offset : start + field.offset + 2], "little")
            if count > capacity:
                raise explain_count(field, count, self.cls.TYPE, start, there)
        return self.cls.from_buffer(message[start:end])

    def _read(self, place: Place, buffer: bytes | memoryview, start: int, frame: Frame, tlv: Any) -> Any:
        payload = frame.start
        if place.guard is not None:
            count, index = place.guard
            if int.from_bytes(buffer[payload + count : payload + count + 2], "little") <= index:
                return None
        at = place.offset + (start if place.in_header else payload)
        kind = place.kind
        if place.pieces:
            return b"".join(bytes(buffer[at + offset : at + offset + size]) for offset, size in place.pieces)
        if isinstance(kind, IntKind):
            return int.from_bytes(buffer[at : at + kind.size], "little", signed=kind.signed)
        if isinstance(kind, RawKind):
            return bytes(buffer[at : at + kind.length])
        if isinstance(kind, StructKind):
            return bytes(buffer[at : at + kind.size])
        if isinstance(kind, VectorKind):
            length = int.from_bytes(buffer[payload + place.offset : payload + place.offset + 2], "little")
            if length > kind.capacity:
                field = FieldLayout(place.path, kind, place.offset)
                raise explain_count(field, length, self.cls.TYPE, payload - start, frame.end - payload)
        value = reduce(_step, re.findall(r"\w+", place.path), tlv)
        return value.to_tuples() if isinstance(kind, VectorKind) else value


def _step(value: Any, part: str) -> Any:
    """One step on the way along a path: into an element, or into a field."""
    return value[int(part)] if part.isdigit() else getattr(value, part)


def _plain_function(reader: _Reader) -> Any:
    def decode(buf: Any, offset: int = 0) -> tuple[Any, ...] | None:
        return reader.read(buf, offset)

    return decode


class _Reads:
    """What is unpacked of the payload: each place once, in order, none over another."""

    def __init__(self) -> None:
        self.names: dict[tuple[int, int, str], str] = {}

    def name(self, offset: int, size: int, code: str) -> str:
        return self.names.setdefault((offset, size, code), f"v{len(self.names)}")

    def codes(self, size: int) -> str | None:
        """The format for a payload of `size` bytes; None where two places overlap."""
        codes, end = [], 0
        for offset, length, code in sorted(self.names):
            if offset < end:
                return None
            codes.append(f"{offset - end}x{code}")
            end = offset + length
        return "".join(codes) + f"{size - end}x"


def _decoding_function(layout: Layout, number: int, places: list[Place], reader: _Reader) -> Any:
    """A function for the usual message, which holds just this TLV; None where a path needs more than that."""
    extended = layout.size > 255
    head = (EXTENDED_MARKER, 0, number) if extended else (number,)
    frame = bytes(head) + layout.size.to_bytes(2 if extended else 1, "little")
    start, known = HEADER_SIZE + len(frame), known_types()[number]
    if layout.tail or start + layout.size > reader.limit or (known is not None and not known.agrees_with(layout)):
        return None  # the last: a class that is not registered, for a type that is
    space: dict[str, Any] = {"crc32": zlib.crc32, "senders": known_senders(), "faults": _FAULTS,
                             "frame": frame, "from_bytes": int.from_bytes, "slow": reader.read,
                             "before": slice(28), "behind": slice(HEADER_SIZE, None)}  # fmt: skip
    reads = _Reads()
    results = [_result(place, index, start, reads, space) for index, place in enumerate(places)]
    vectors = [(field.offset, field.kind.capacity) for field in layout.fields if isinstance(field.kind, VectorKind)]
    checks = "".join(f" and {reads.name(offset, 2, 'H')} <= {capacity}" for offset, capacity in vectors)
    if vectors:  # they are cut out of `buf`, which takes items that are bytes
        checks += f" and len(buf) == {start + layout.size}"
    codes = reads.codes(layout.size)
    if codes is None or not all(results):
        return None
    header = ", ".join(f"h_{name}" for name in _HEADER_CODES)
    body = "".join(f", {reads.names[key]}" for key in sorted(reads.names))
    # The frame is compared as one number where it is short, because small integers compare fastest.
    frame_code, expected = ("5s", "frame") if extended else ("H", str(int.from_bytes(frame, "little")))
    space["unpack"] = struct.Struct("<" + "".join(_HEADER_CODES.values()) + frame_code + codes).unpack
    checksum = " and crc32(buf[behind], crc32(buf[before])) == h_checksum" if reader.verify else ""
    # False is the 0 that is tested fastest.
    text = (
        f"def decode(buf, offset=False):\n if not offset:\n  try:\n   {header}, f{body} = unpack(buf)\n"
        f"   if (senders[h_relay_domain][h_source] and h_version == {VERSION} and f == {expected}"
        f" and h_payload_size == {len(frame) + layout.size} and h_magic == {MAGIC - 2**32}{checks}{checksum}):\n"
        f"    return ({''.join(f'{result}, ' for result in results)})\n"
        "  except faults: pass  # not this many bytes, or no bytes at all\n"
        " return slow(buf, offset)\n"
    )
    return made_function(text, "decode", space)


def _result(place: Place, index: int, start: int, reads: _Reads, space: dict[str, Any]) -> str | None:
    """The expression for the value at `place`; None where the plain reader has to do it."""
    kind = place.kind
    if place.in_header:
        name = place.path.removeprefix("header.")
        return str(MAGIC) if name == "magic" else f"h_{name}"
    if place.pieces:
        return "+".join(reads.name(offset, size, f"{size}s") for offset, size in place.pieces)
    if isinstance(kind, IntKind) and kind.size <= 8:
        value = reads.name(place.offset, kind.size, CODES[kind.size, kind.signed])
    elif isinstance(kind, IntKind):
        value = f"from_bytes({reads.name(place.offset, kind.size, f'{kind.size}s')}, 'little', signed={kind.signed})"
    elif isinstance(kind, RawKind):
        value = reads.name(place.offset, kind.length, f"{kind.length}s")
    elif isinstance(kind, StructKind):
        value = reads.name(place.offset, kind.size, f"{kind.size}s")
    elif "." in place.path:
        return None  # a vector inside of a struct, whose count is not among those that were checked
    elif isinstance(kind, VectorKind) and isinstance(kind.element, StructKind) and row_codes(kind.element.layout):
        count, first = reads.name(place.offset, 2, "H"), start + place.offset + kind.first
        space[f"rows{index}"] = struct.Struct("<" + row_codes(kind.element.layout)).iter_unpack
        return f"list(rows{index}(buf[{first}:{first}+{kind.element.size}*{count}]))"
    else:
        return None
    if place.guard is None:
        return value
    return f"({value} if {reads.name(place.guard[0], 2, 'H')} > {place.guard[1]} else None)"
