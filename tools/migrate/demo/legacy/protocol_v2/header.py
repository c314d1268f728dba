"""The 32 bytes in front of every message, little-endian."""

import logging
import struct
import time
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from .errors import BadMagic, TruncatedTLV

log = logging.getLogger(__name__)

MAGIC = 0xDEADBEEF
WIRE_VERSION = 1
_LAYOUT = struct.Struct("<IBBBBQQII")


class RelayDomain(IntEnum):
    MARKET_DATA = 1
    SIGNAL = 2
    EXECUTION = 3


def now_ns() -> int:
    return time.time_ns()


@dataclass(frozen=True)
class MessageHeader:
    SIZE: ClassVar[int] = _LAYOUT.size

    relay_domain: RelayDomain
    source: int
    sequence: int
    timestamp: int
    payload_size: int = 0
    checksum: int = 0
    flags: int = 0

    def pack(self) -> bytes:
        return _LAYOUT.pack(
            MAGIC,
            self.relay_domain,
            WIRE_VERSION,
            self.source,
            self.flags,
            self.sequence,
            self.timestamp,
            self.payload_size,
            self.checksum,
        )


def parse_header(data: bytes) -> MessageHeader:
    """Read the header; raises BadMagic, or TruncatedTLV for fewer than 32 bytes."""
    if len(data) < MessageHeader.SIZE:
        raise TruncatedTLV(0, MessageHeader.SIZE - len(data))
    magic, domain, version, source, flags, sequence, timestamp, size, checksum = _LAYOUT.unpack_from(data)
    if magic != MAGIC:
        raise BadMagic(magic)
    if version != WIRE_VERSION:
        log.warning("wire version %d, this code knows %d", version, WIRE_VERSION)
    return MessageHeader(RelayDomain(domain), source, sequence, timestamp, size, checksum, flags)
