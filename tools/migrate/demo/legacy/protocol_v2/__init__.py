"""Wire format of AlphaPulse: a 32-byte header, then TLVs."""

from .errors import BadMagic, ChecksumMismatch, ProtocolError, TruncatedTLV
from .header import MAGIC, MessageHeader, RelayDomain, parse_header
from .tlv import Message, MessageBuilder, TLVType, parse_message

__version__ = "2.3.0"

__all__ = [
    "MAGIC",
    "BadMagic",
    "ChecksumMismatch",
    "Message",
    "MessageBuilder",
    "MessageHeader",
    "ProtocolError",
    "RelayDomain",
    "TLVType",
    "TruncatedTLV",
    "parse_header",
    "parse_message",
]
