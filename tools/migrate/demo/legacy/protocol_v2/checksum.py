"""The checksum of a message: CRC-32 over everything but its own four bytes."""

import zlib

CHECKSUM_AT = 28


def message_checksum(message: bytes) -> int:
    return zlib.crc32(message[CHECKSUM_AT + 4 :], zlib.crc32(message[:CHECKSUM_AT]))
