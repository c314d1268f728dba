"""Public names of the message protocol.

Owns the list of what users may import; every definition lives in a module beside this one.
Nothing in this package opens a socket, reads a clock or logs: bytes in, values out.
"""

from .constants import (
    HEADER_SIZE,
    MAGIC,
    MAX_EXTENDED_PAYLOAD,
    MAX_MESSAGE_SIZE,
    MAX_STANDARD_PAYLOAD,
    VERSION,
    ChecksumPolicy,
    HeaderFlags,
    RelayDomain,
    SourceType,
)
from .errors import (
    ChecksumMismatch,
    FieldRange,
    InvalidInstrument,
    InvalidMagic,
    InvalidRelayDomain,
    LocalProtocolError,
    MessageTooLarge,
    MessageTooSmall,
    ProtocolError,
    RelayDomainMismatch,
    RemoteProtocolError,
    TrailingBytes,
    UnknownSource,
    UnsupportedVersion,
)
from .header import MessageHeader, message_checksum, message_size, parse_header
from .venues import AssetType, VenueId

__all__ = [
    "HEADER_SIZE",
    "MAGIC",
    "MAX_EXTENDED_PAYLOAD",
    "MAX_MESSAGE_SIZE",
    "MAX_STANDARD_PAYLOAD",
    "VERSION",
    "AssetType",
    "ChecksumMismatch",
    "ChecksumPolicy",
    "FieldRange",
    "HeaderFlags",
    "InvalidInstrument",
    "InvalidMagic",
    "InvalidRelayDomain",
    "LocalProtocolError",
    "MessageHeader",
    "MessageTooLarge",
    "MessageTooSmall",
    "ProtocolError",
    "RelayDomain",
    "RelayDomainMismatch",
    "RemoteProtocolError",
    "SourceType",
    "TrailingBytes",
    "UnknownSource",
    "UnsupportedVersion",
    "VenueId",
    "message_checksum",
    "message_size",
    "parse_header",
]
