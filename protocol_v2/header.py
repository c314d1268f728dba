"""The 32-byte message header: layout, packing, the checksum rule and the order of checks.

    0 magic u32 | 4 relay_domain u8 | 5 version u8 | 6 source u8 | 7 flags u8
    8 sequence u64 | 16 timestamp u64 (ns since 1970) | 24 payload_size u32 | 28 checksum u32

Owns these bytes.  Must not know what any TLV means; it only steps over TLV frames to count them for an error.

The checksum is CRC-32 (the zlib one) over everything except its own four bytes: they are skipped, not zeroed.

`parse_header` checks in this order, so that the first error is the one that explains the rest: 32 bytes there,
magic, version, announced size within the limit, all announced bytes there, nothing after them, checksum, domain,
source.  A stream reader first asks `message_size`, which does the checks that need only the header.
"""

import struct
import zlib
from dataclasses import dataclass, fields, replace
from typing import ClassVar, Self, TypeAlias

from .constants import (
    EXTENDED_FRAME_SIZE,
    EXTENDED_MARKER,
    HEADER_SIZE,
    MAGIC,
    MAX_MESSAGE_SIZE,
    STANDARD_FRAME_SIZE,
    SUPPORTED_VERSIONS,
    VERSION,
    ChecksumPolicy,
    HeaderFlags,
    RelayDomain,
    SourceType,
)
from .errors import (
    ChecksumMismatch,
    FieldRange,
    InvalidMagic,
    InvalidRelayDomain,
    MessageTooLarge,
    MessageTooSmall,
    TrailingBytes,
    UnknownSource,
    UnsupportedVersion,
)

ReadableBuffer: TypeAlias = bytes | bytearray | memoryview

_LAYOUT = struct.Struct("<IBBBBQQII")
_CHECKSUM_OFFSET = 28
_BITS = {
    "relay_domain": 8,
    "version": 8,
    "source": 8,
    "flags": 8,
    "sequence": 64,
    "timestamp": 64,
    "payload_size": 32,
    "checksum": 32,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageHeader:
    """The header's fields, in wire order after the magic, which is always MAGIC.

    `flags` keeps bits without a name.  `payload_size` counts the bytes after the header.
    """

    SIZE: ClassVar[int] = HEADER_SIZE

    relay_domain: RelayDomain
    version: int = VERSION
    source: SourceType
    flags: HeaderFlags = HeaderFlags.NONE
    sequence: int
    timestamp: int
    payload_size: int = 0
    checksum: int = 0

    def pack(self) -> bytes:
        """The 32 bytes, with the fields as they are.  Raises FieldRange."""
        self._check_ranges()
        return _LAYOUT.pack(
            MAGIC,
            self.relay_domain,
            self.version,
            self.source,
            self.flags,
            self.sequence,
            self.timestamp,
            self.payload_size,
            self.checksum,
        )

    def signed(self, payload: ReadableBuffer) -> Self:
        """This header with the size and the checksum that belong to `payload`.  Raises FieldRange."""
        sized = replace(self, payload_size=memoryview(payload).nbytes)
        return replace(sized, checksum=zlib.crc32(payload, zlib.crc32(sized.pack()[:_CHECKSUM_OFFSET])))

    def _check_ranges(self) -> None:
        for field in fields(self):
            value, high = int(getattr(self, field.name)), 2 ** _BITS[field.name] - 1
            if not 0 <= value <= high:
                raise FieldRange(field.name, value, 0, high)


def message_checksum(message: ReadableBuffer) -> int:
    """The checksum that belongs into the header of `message`, one whole message.  Raises MessageTooSmall."""
    view = _bytes_view(message)
    if len(view) < HEADER_SIZE:
        raise MessageTooSmall(HEADER_SIZE, len(view), "a message header")
    return zlib.crc32(view[HEADER_SIZE:], zlib.crc32(view[:_CHECKSUM_OFFSET]))


def message_size(buf: ReadableBuffer, offset: int = 0, *, limit: int = MAX_MESSAGE_SIZE) -> int:
    """How many bytes the message at `offset` has, header included; only its header needs to be there.

    Raises MessageTooSmall, InvalidMagic, UnsupportedVersion, MessageTooLarge.
    """
    return _announced_size(_view_from(buf, offset), limit)


def parse_header(
    buf: ReadableBuffer,
    offset: int = 0,
    *,
    checksum: ChecksumPolicy = ChecksumPolicy.ENFORCE,
    limit: int = MAX_MESSAGE_SIZE,
    allow_trailing: bool = False,
) -> MessageHeader:
    """Check the whole message at `offset` and return its header; nothing of the payload is copied.

    Raises, in the order of the checks: MessageTooSmall, InvalidMagic, UnsupportedVersion, MessageTooLarge,
    MessageTooSmall, TrailingBytes (unless allowed), ChecksumMismatch, InvalidRelayDomain, UnknownSource.
    """
    view = _view_from(buf, offset)
    size = _announced_size(view, limit)
    if len(view) < size:
        raise MessageTooSmall(size, len(view), "the message announced by its header")
    if len(view) > size and not allow_trailing:
        raise TrailingBytes(size, len(view) - size)
    _, domain, version, source, flags, sequence, timestamp, payload_size, in_header = _LAYOUT.unpack_from(view)
    if checksum is ChecksumPolicy.ENFORCE:
        calculated = message_checksum(view[:size])
        if calculated != in_header:
            tlv_count = _walkable_tlvs(view[HEADER_SIZE:size])
            raise ChecksumMismatch(calculated, in_header, size, tlv_count, payload_size)
    return MessageHeader(
        relay_domain=_known_domain(domain),
        version=version,
        source=_known_source(source),
        flags=HeaderFlags(flags),
        sequence=sequence,
        timestamp=timestamp,
        payload_size=payload_size,
        checksum=in_header,
    )


def _bytes_view(buf: ReadableBuffer) -> memoryview:
    view = memoryview(buf)
    return view if view.format == "B" and view.ndim == 1 else view.cast("B")


def _view_from(buf: ReadableBuffer, offset: int) -> memoryview:
    view = _bytes_view(buf)
    # A negative offset would count from the end, one past the end would look like an empty buffer: both are slips.
    if not 0 <= offset <= len(view):
        raise FieldRange("offset", offset, 0, len(view))
    return view[offset:]


def _announced_size(view: memoryview, limit: int) -> int:
    if len(view) < HEADER_SIZE:
        raise MessageTooSmall(HEADER_SIZE, len(view), "a message header")
    magic, _, version, _, _, _, _, payload_size, _ = _LAYOUT.unpack_from(view)
    if magic != MAGIC:
        raise InvalidMagic(MAGIC, magic, 0)
    if version not in SUPPORTED_VERSIONS:
        raise UnsupportedVersion(version, SUPPORTED_VERSIONS)
    size: int = HEADER_SIZE + payload_size
    if size > limit:
        raise MessageTooLarge(size, limit, payload_size, _walkable_tlvs(view[HEADER_SIZE:size]))
    return size


def _known_domain(number: int) -> RelayDomain:
    try:
        return RelayDomain(number)
    except ValueError:
        raise InvalidRelayDomain(number) from None


def _known_source(number: int) -> SourceType:
    try:
        return SourceType(number)
    except ValueError:
        raise UnknownSource(number) from None


def _walkable_tlvs(payload: memoryview) -> int:
    """How many whole TLV frames stand at the start of `payload`."""
    count = position = 0
    while position + STANDARD_FRAME_SIZE <= len(payload):
        if payload[position] != EXTENDED_MARKER:
            position += STANDARD_FRAME_SIZE + payload[position + 1]
        elif payload[position + 1] != 0 or position + EXTENDED_FRAME_SIZE > len(payload):
            break
        else:
            position += EXTENDED_FRAME_SIZE + int.from_bytes(payload[position + 3 : position + 5], "little")
        if position > len(payload):
            break
        count += 1
    return count
