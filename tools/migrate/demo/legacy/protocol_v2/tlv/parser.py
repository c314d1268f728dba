"""Reads a message: checks the header and the checksum, then walks the TLVs."""

import logging
from dataclasses import dataclass

from ..checksum import message_checksum
from ..errors import ChecksumMismatch, ProtocolError, TruncatedTLV
from ..header import MessageHeader, parse_header
from . import types

log = logging.getLogger(__name__)

MAX_TLVS = 64
EXTENDED = 255


@dataclass(frozen=True)
class Message:
    header: MessageHeader
    tlvs: tuple[tuple[int, bytes], ...]

    def trades(self) -> list[types.Trade]:
        return [types.Trade.unpack(body) for kind, body in self.tlvs if kind == types.TLVType.TRADE]


def parse_message(data: bytes) -> Message:
    """Read one message; raises a ProtocolError that says what is wrong with the bytes."""
    header = parse_header(data)
    actual = message_checksum(data)
    if actual != header.checksum:
        raise ChecksumMismatch(header.checksum, actual)
    tlvs = []
    at = MessageHeader.SIZE
    while at < len(data):
        kind, body, at = _one(data, at)
        tlvs.append((kind, body))
        if len(tlvs) > MAX_TLVS:
            raise ProtocolError(f"more than {MAX_TLVS} TLVs in one message")
    log.debug("message %d: %d TLVs", header.sequence, len(tlvs))
    return Message(header, tuple(tlvs))


def _one(data: bytes, at: int) -> tuple[int, bytes, int]:
    head = 5 if data[at] == EXTENDED else 2
    if len(data) < at + head:
        raise TruncatedTLV(at, at + head - len(data))
    if head == 5:
        kind, size = data[at + 2], int.from_bytes(data[at + 3 : at + 5], "little")
    else:
        kind, size = data[at], data[at + 1]
    end = at + head + size
    if len(data) < end:
        raise TruncatedTLV(at, end - len(data))
    return kind, data[at + head : end], end
