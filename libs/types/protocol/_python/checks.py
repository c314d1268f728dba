"""The checks of a message, in their order: the specification of what is refused, and with which error.

Owns the order (header, size, checksum, domain, source, TLV frames, TLV payloads) and the walk over the frames.  Must
not know fields of a payload beyond the counts of its vectors.

The compiled implementation has its own fast "is all well?" and asks this module only after it has said no, so the
errors of both are the same by construction.  All offsets in errors count from the start of the message.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from ..constants import (
    EXTENDED_FRAME_SIZE,
    EXTENDED_MARKER,
    HEADER_SIZE,
    MAGIC,
    MAX_MESSAGE_SIZE,
    STANDARD_FRAME_SIZE,
    SUPPORTED_VERSIONS,
)
from ..errors import (
    ChecksumMismatch,
    InvalidExtendedTLV,
    InvalidMagic,
    InvalidRelayDomain,
    MessageTooLarge,
    MessageTooSmall,
    PayloadSizeMismatch,
    TrailingBytes,
    TruncatedTLV,
    UnknownSource,
    UnsupportedVersion,
)
from ..explain import explain_count
from ..registry import DOMAINS, TypeInfo, known_sources, known_types

HEADER = struct.Struct("<IBBBBQQII")
CHECKSUM_OFFSET = 28


class Frame(NamedTuple):
    """One TLV: its type, whether its frame is the extended one, and where its payload lies in the buffer."""

    type: int
    extended: bool
    start: int
    end: int


def checksum_of(buffer: bytes | memoryview, start: int, end: int) -> int:
    """CRC-32 over the message without its own checksum field, which is skipped, not zeroed."""
    view = memoryview(buffer)
    return zlib.crc32(view[start + HEADER_SIZE : end], zlib.crc32(view[start : start + CHECKSUM_OFFSET]))


def check_size(buffer: bytes | memoryview, start: int, limit: int = MAX_MESSAGE_SIZE) -> int:
    """The announced size of the message at `start`, of which only the header need be there."""
    there = len(buffer) - start
    if there < HEADER_SIZE:
        raise MessageTooSmall(HEADER_SIZE, there, "a message header")
    magic, _, version, _, _, _, _, payload_size, _ = HEADER.unpack_from(buffer, start)
    if magic != MAGIC:
        raise InvalidMagic(MAGIC, magic, 0)
    if version not in SUPPORTED_VERSIONS:
        raise UnsupportedVersion(version, SUPPORTED_VERSIONS)
    size: int = HEADER_SIZE + payload_size
    if size > limit:
        raise MessageTooLarge(size, limit, payload_size, count_frames(buffer, start, min(start + size, len(buffer))))
    return size


def is_whole(buffer: bytes | memoryview, start: int, limit: int) -> bool:
    """Whether `check_size` passes and all announced bytes are there; says no without making an error of it.

    An error counts TLVs in all that follows, which a stream with many wrong headers must not pay for each of them.
    """
    there = len(buffer) - start
    if there < HEADER_SIZE:
        return False
    magic, _, version, _, _, _, _, payload_size, _ = HEADER.unpack_from(buffer, start)
    return magic == MAGIC and version in SUPPORTED_VERSIONS and HEADER_SIZE + payload_size <= min(limit, there)


def check_header(
    buffer: bytes | memoryview, start: int, verify: bool, limit: int = MAX_MESSAGE_SIZE, allow_trailing: bool = False
) -> int:
    """All checks but the TLV walk; returns where the message ends."""
    size = check_size(buffer, start, limit)
    there = len(buffer) - start
    if there < size:
        raise MessageTooSmall(size, there, "the message announced by its header")
    if there > size and not allow_trailing:
        raise TrailingBytes(size, there - size)
    end = start + size
    _, domain, _, source, _, _, _, payload_size, in_header = HEADER.unpack_from(buffer, start)
    if verify:
        calculated = checksum_of(buffer, start, end)
        if calculated != in_header:
            raise ChecksumMismatch(calculated, in_header, size, count_frames(buffer, start, end), payload_size)
    if domain not in DOMAINS:
        raise InvalidRelayDomain(domain)
    if source not in known_sources():
        raise UnknownSource(source)
    return end


def check_message(
    buffer: bytes | memoryview, start: int, verify: bool, limit: int = MAX_MESSAGE_SIZE, allow_trailing: bool = False
) -> int:
    """All checks; returns where the message ends."""
    end = check_header(buffer, start, verify, limit, allow_trailing)
    for frame in walk(buffer, start, end):
        check_payload(buffer, start, frame)
    return end


def walk(buffer: bytes | memoryview, start: int, end: int) -> Iterator[Frame]:
    """The frames of the message from `start` to `end`.  Raises TruncatedTLV, InvalidExtendedTLV."""
    at = start + HEADER_SIZE
    while at < end:
        left, number = end - at, buffer[at]
        if number != EXTENDED_MARKER:
            need = STANDARD_FRAME_SIZE + (buffer[at + 1] if left >= STANDARD_FRAME_SIZE else 0)
            if left < need:
                raise TruncatedTLV(left, need, number, at - start)
            yield Frame(number, False, at + STANDARD_FRAME_SIZE, at + need)
        else:
            if left < EXTENDED_FRAME_SIZE:
                raise TruncatedTLV(left, EXTENDED_FRAME_SIZE, buffer[at + 2] if left > 2 else number, at - start)
            reserved, number = buffer[at + 1], buffer[at + 2]
            need = EXTENDED_FRAME_SIZE + int.from_bytes(buffer[at + 3 : at + 5], "little")
            if left < need:
                raise TruncatedTLV(left, need, number, at - start)
            if reserved != 0:
                raise InvalidExtendedTLV(at - start, 0, reserved, "the byte after the marker is reserved and zero")
            if number == EXTENDED_MARKER:
                raise InvalidExtendedTLV(at - start, 0, number, "255 is the marker itself and no type of a TLV")
            yield Frame(number, True, at + EXTENDED_FRAME_SIZE, at + need)
        at += need


def check_payload(buffer: bytes | memoryview, start: int, frame: Frame) -> None:
    """Size and vector counts of one payload, as far as its type is known."""
    info = known_types()[frame.type]
    if info is None:
        return
    got = frame.end - frame.start
    if not info.low <= got <= info.high:
        bound = info.low if got < info.low else info.high
        raise PayloadSizeMismatch(frame.type, bound, got, info.struct_name, frame.start - start)
    check_counts(buffer, start, frame, info)


def check_counts(buffer: bytes | memoryview, start: int, frame: Frame, info: TypeInfo) -> None:
    """A vector's count above its capacity would lead a reader out of the vector."""
    for field, capacity in info.vectors:
        at = frame.start + field.offset
        count = int.from_bytes(buffer[at : at + 2], "little")
        if count > capacity:
            raise explain_count(field, count, frame.type, frame.start - start, frame.end - frame.start)


def count_frames(buffer: bytes | memoryview, start: int, end: int) -> int:
    """How many TLVs can be walked before something is wrong."""
    count = 0
    try:
        for _ in walk(buffer, start, end):
            count += 1
    except (TruncatedTLV, InvalidExtendedTLV):
        pass
    return count
