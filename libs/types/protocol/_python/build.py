"""Building messages in readable Python: `MessageBuilder`, one TLV after the other.

Owns the frame around a payload, the header's last two fields, and what a sender may not send.  Must not know fields
of a TLV: a struct is its bytes.  `_native/build.c` has the same behaviour.
"""

from __future__ import annotations

import struct
import time
from operator import index
from typing import TYPE_CHECKING, Self

from ..buffers import Buffer, WritableBuffer, as_bytes_like, byte_view
from ..constants import EXTENDED_MARKER, HEADER_SIZE, MAGIC, VERSION
from ..explain import explain_builder, explain_payload, explain_target
from .checks import CHECKSUM_OFFSET, HEADER, checksum_of
from .structs import StructBase

if TYPE_CHECKING:
    from ..schema import TLV

MAX_STANDARD = 255
_EXTENDED_HEAD = struct.Struct("<BBBH")


class MessageBuilder:
    """Collects TLVs and writes the message around them.

    `timestamp` is in nanoseconds since 1970; without one, it is the time of `build`.  The builder can be used again:
    `restart` takes the next sequence and drops the TLVs.
    """

    __slots__ = ("_body", "_head", "_timestamp")

    def __init__(
        self, *, relay_domain: int, source: int, sequence: int, timestamp: int | None = None, flags: int = 0
    ) -> None:
        """Raises FieldRange for a value that a reader would refuse, TypeError for no integer."""
        fault = explain_builder(relay_domain, source, sequence, timestamp, flags)
        if fault is not None:
            raise fault
        self._head = (relay_domain, source, flags, sequence)
        self._timestamp = timestamp
        self._body = bytearray()

    def add(self, tlv: TLV) -> Self:
        """Append a TLV; in the extended frame where it has more than 255 bytes.  Raises PayloadTooLarge, TypeError."""
        if not isinstance(tlv, StructBase) or not getattr(type(tlv), "TYPE", 0):
            raise TypeError(f"add takes a TLV, not {type(tlv).__name__}")
        return self._append(type(tlv).TYPE, bytes(tlv), checked=True)

    def add_raw(self, tlv_type: int, payload: Buffer) -> Self:
        """Append bytes as a TLV of any type.

        Raises InvalidTLVType, PayloadTooLarge, and FieldRange for a size that a reader would refuse for this type.
        """
        return self._append(tlv_type, as_bytes_like(payload), checked=False)

    def _append(self, tlv_type: int, payload: bytes, checked: bool) -> Self:
        size = len(payload)
        frame = 2 if size <= MAX_STANDARD else 5
        fault = explain_payload(tlv_type, size, HEADER_SIZE + len(self._body) + frame, checked)
        if fault is not None:
            raise fault
        if frame == 2:
            self._body += bytes((tlv_type, size))
        else:
            self._body += _EXTENDED_HEAD.pack(EXTENDED_MARKER, 0, tlv_type, size)
        self._body += payload
        return self

    @property
    def size(self) -> int:
        """Bytes of the message as it stands."""
        return HEADER_SIZE + len(self._body)

    def build(self, *, signed: bool = True) -> bytes:
        """The message.  `signed=False` leaves the checksum 0, which a reader that enforces it refuses."""
        return bytes(self._assemble(signed))

    def build_into(self, buf: WritableBuffer, offset: int = 0, *, signed: bool = True) -> int:
        """Write the message to `buf` at `offset` and return its size.  Raises FieldRange where it does not fit."""
        offset, view = index(offset), memoryview(byte_view(buf))
        fault = explain_target(offset, self.size, len(view), view.readonly)
        if fault is not None:
            raise fault
        view[offset : offset + self.size] = self._assemble(signed)
        return self.size

    def restart(self, *, sequence: int, timestamp: int | None = None) -> Self:
        """Begin the next message of the same sender.  Raises FieldRange, TypeError."""
        relay_domain, source, flags, _ = self._head
        fault = explain_builder(relay_domain, source, sequence, timestamp, flags)
        if fault is not None:
            raise fault
        self._head = (relay_domain, source, flags, sequence)
        self._timestamp = timestamp
        self._body = bytearray()
        return self

    def _assemble(self, signed: bool) -> bytearray:
        relay_domain, source, flags, sequence = self._head
        timestamp = time.time_ns() if self._timestamp is None else self._timestamp
        message = bytearray(
            HEADER.pack(
                MAGIC, relay_domain, VERSION, source, flags, sequence, timestamp, len(self._body), 0
            )
        )  # fmt: skip
        message += self._body
        if signed:
            message[CHECKSUM_OFFSET:HEADER_SIZE] = checksum_of(memoryview(message), 0, len(message)).to_bytes(
                4, "little"
            )
        return message
