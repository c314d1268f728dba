"""The 32-byte message header as a struct, and the checks that need no more than it.

    0 magic u32 | 4 relay_domain u8 | 5 version u8 | 6 source u8 | 7 flags u8
    8 sequence u64 | 16 timestamp u64 (ns since 1970) | 24 payload_size u32 | 28 checksum u32

Owns these bytes.  Must not know what any TLV means.  The checksum is CRC-32 (the zlib one) over everything except its
own four bytes: they are skipped, not zeroed.

`parse_header` checks in this order, so that the first error is the one that explains the rest: 32 bytes there, magic,
version, announced size within the limit, all announced bytes there, nothing after them, checksum, domain, source.
`message.parse_message` goes on with the TLVs.  A stream reader first asks `message_size`.
"""

import zlib
from operator import index
from typing import Annotated, Self

from . import registry
from ._codec import configure
from ._codec import register_source as _register_source
from ._python import checks
from .buffers import Buffer, byte_view
from .constants import (
    HEADER_SIZE,
    MAGIC,
    MAX_MESSAGE_SIZE,
    VERSION,
    ChecksumPolicy,
    HeaderFlags,
    RelayDomain,
    SourceType,
    must_verify,
)
from .errors import FieldRange, MessageTooSmall
from .layout import IntKind
from .schema import U8, U32, U64, Struct, field

_BYTE = IntKind(1)


class MessageHeader(Struct):
    """The header's fields in wire order.

    `flags` keeps bits without a name.  `payload_size` counts the bytes after the header.  A number without a member
    in `RelayDomain` or `SourceType` reads as that number; `parse_header` and `parse_message` refuse it.
    """

    magic: U32 = field(default=MAGIC)
    relay_domain: Annotated[RelayDomain, _BYTE]
    version: U8 = field(default=VERSION)
    source: Annotated[SourceType, _BYTE]
    flags: Annotated[HeaderFlags, _BYTE] = field(default=HeaderFlags.NONE)
    sequence: U64 = field(doc="of its source, one more each message")
    timestamp: U64 = field(unit="ns")
    payload_size: U32 = field(default=0, unit="bytes")
    checksum: U32 = field(default=0)

    def signed(self, payload: Buffer) -> Self:
        """This header with the size and the checksum that belong to `payload`.  Raises FieldRange."""
        sized = self.replace(payload_size=len(byte_view(payload)))
        return sized.replace(checksum=zlib.crc32(payload, zlib.crc32(bytes(sized)[: checks.CHECKSUM_OFFSET])))


configure(MessageHeader)


def register_source(number: int) -> None:
    """Accept messages of a source that `SourceType` does not name: a collector or strategy of your own.

    Holds for this process; every process that reads these messages has to know the number.  Raises FieldRange.
    """
    registry.add_source(number)
    _register_source(number)


def message_checksum(message: Buffer) -> int:
    """The checksum that belongs into the header of `message`, one whole message.  Raises MessageTooSmall."""
    view = byte_view(message)
    if len(view) < HEADER_SIZE:
        raise MessageTooSmall(HEADER_SIZE, len(view), "a message header")
    return checks.checksum_of(view, 0, len(view))


def message_size(buf: Buffer, offset: int = 0, *, limit: int = MAX_MESSAGE_SIZE) -> int:
    """How many bytes the message at `offset` has, header included; only its header needs to be there.

    Raises MessageTooSmall, InvalidMagic, UnsupportedVersion, MessageTooLarge.
    """
    return checks.check_size(*_from(buf, offset), limit)


def parse_header(
    buf: Buffer,
    offset: int = 0,
    *,
    checksum: ChecksumPolicy | bool = ChecksumPolicy.ENFORCE,
    limit: int = MAX_MESSAGE_SIZE,
    allow_trailing: bool = False,
) -> MessageHeader:
    """Check the message at `offset`, but not its TLVs, and return its header; nothing of the payload is copied.

    Raises, in the order of the checks: MessageTooSmall, InvalidMagic, UnsupportedVersion, MessageTooLarge,
    MessageTooSmall, TrailingBytes (unless allowed), ChecksumMismatch, InvalidRelayDomain, UnknownSource.
    """
    view, offset = _from(buf, offset)
    checks.check_header(view, offset, must_verify(checksum), limit, allow_trailing)
    return MessageHeader.from_buffer(view, offset)


def _from(buf: Buffer, offset: int) -> tuple[bytes | memoryview, int]:
    offset, view = index(offset), byte_view(buf)
    # A negative offset would count from the end, one past the end would look like an empty buffer: both are slips.
    if not 0 <= offset <= len(view):
        raise FieldRange("offset", offset, 0, len(view))
    return view, offset
