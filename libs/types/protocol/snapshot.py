"""Snapshot TLVs: a relay's state as text, optionally compressed, with the checks of a careful reader.

Owns the 32-byte header's meaning, the compression and the checks.  Must not know clocks (`now` is an argument); the
text itself is made and read in `snapshot_state`.

The reader trusts nothing: age and announced size are checked before a byte is inflated, inflating stops at the
announced size, and the checksum is over the data before compression.  lz4 and zstd have numbers in the format but no
implementation here; the original writes none of the three.  Offsets in errors count from the start of the TLV's
payload; those of a ParseError, which is about the text, from the start of the text.
"""

from __future__ import annotations

import zlib
from enum import IntEnum

from .constants import MAX_EXTENDED_PAYLOAD
from .errors import FieldRange, InvalidPayload, PayloadTooLarge
from .snapshot_state import Snapshot, read_state, write_state
from .tlv_types import TLVType
from .tlvs import SnapshotTLV

MAX_SNAPSHOT_AGE_NS = 3_600_000_000_000
MAX_SNAPSHOT_SIZE = 4 * 1_048_576


class SnapshotCompression(IntEnum):
    """`compression_type` of a snapshot."""

    NONE = 0
    ZLIB = 1
    LZ4 = 2
    ZSTD = 3


def write_snapshot(
    snapshot: Snapshot, *, snapshot_id: int, compression: SnapshotCompression = SnapshotCompression.NONE
) -> SnapshotTLV:
    """The TLV that carries `snapshot`.

    Raises FieldRange for a compression that is not implemented, LocalProtocolError for values that a reader would
    refuse, PayloadTooLarge for more than a TLV carries.
    """
    if compression not in (SnapshotCompression.NONE, SnapshotCompression.ZLIB):
        error = FieldRange("compression_type", int(compression), SnapshotCompression.NONE, SnapshotCompression.ZLIB)
        error.add_note("lz4 and zstd are not implemented here; use NONE or ZLIB")
        raise error
    text = write_state(snapshot)
    if len(text) > MAX_SNAPSHOT_SIZE:
        raise PayloadTooLarge(len(text), MAX_SNAPSHOT_SIZE, TLVType.SNAPSHOT)
    data = zlib.compress(text, 9) if compression is SnapshotCompression.ZLIB else text
    if len(data) > MAX_EXTENDED_PAYLOAD - SnapshotTLV.SIZE:
        raise PayloadTooLarge(len(data) + SnapshotTLV.SIZE, MAX_EXTENDED_PAYLOAD, TLVType.SNAPSHOT)
    return SnapshotTLV(
        sequence=snapshot.sequence,
        timestamp=snapshot.timestamp,
        snapshot_id=snapshot_id,
        checksum=zlib.crc32(text),
        uncompressed_size=len(text),
        compression_type=compression,
        data=data,
    )


def read_snapshot(
    tlv: SnapshotTLV, *, now: int, max_age_ns: int = MAX_SNAPSHOT_AGE_NS, limit: int = MAX_SNAPSHOT_SIZE
) -> Snapshot:
    """The state in `tlv`, checked.  `now` is in nanoseconds; `limit` bounds the data before compression.

    Raises InvalidPayload where the TLV contradicts itself, is too large or too old, ParseError for what is wrong in
    its text.
    """
    if (tlv.tlv_type, tlv.tlv_length) != (TLVType.SNAPSHOT, SnapshotTLV.SIZE):
        raise _invalid(tlv, "tlv_type", f"the inner header says type {tlv.tlv_type}, length {tlv.tlv_length}")
    age = now - tlv.timestamp
    if not -max_age_ns < age < max_age_ns:
        raise _invalid(tlv, "timestamp", f"taken {age} ns ago, a snapshot is good for {max_age_ns} ns")
    if tlv.uncompressed_size > limit:
        raise _invalid(tlv, "uncompressed_size", f"{tlv.uncompressed_size} bytes announced, at most {limit} are read")
    text = _uncompressed(tlv)
    calculated = zlib.crc32(text)
    if calculated != tlv.checksum:
        raise _invalid(tlv, "checksum", f"checksum is 0x{tlv.checksum:08X}, of the data 0x{calculated:08X}")
    snapshot = read_state(text)
    for name in ("sequence", "timestamp"):
        outside, inside = getattr(tlv, name), getattr(snapshot, name)
        if outside != inside:
            raise _invalid(tlv, name, f"{name} is {outside} in the header and {inside} in the data")
    return snapshot


def _uncompressed(tlv: SnapshotTLV) -> bytes:
    data, size = tlv.data, tlv.uncompressed_size
    if tlv.compression_type == SnapshotCompression.NONE:
        text = data
    elif tlv.compression_type == SnapshotCompression.ZLIB:
        inflater = zlib.decompressobj()
        try:
            # No limit would be written as 0.  The second call takes the stream's end, or one byte too many.
            text = inflater.decompress(data, max(size, 1))
            text += b"" if inflater.eof else inflater.decompress(inflater.unconsumed_tail, 1)
        except zlib.error as error:
            raise _invalid(tlv, "data", f"zlib cannot read the data ({error})") from None
        if len(text) <= size and not inflater.eof:
            raise _invalid(tlv, "data", f"the compressed data breaks off after {len(text)} bytes of {size}")
        if inflater.unused_data:
            raise _invalid(tlv, "data", f"{len(inflater.unused_data)} bytes follow the compressed data")
    else:
        known = {each.value: each.name.lower() for each in SnapshotCompression}
        name = known.get(tlv.compression_type, "unknown")
        raise _invalid(tlv, "compression_type", f"compression {tlv.compression_type} ({name}) cannot be read here")
    if len(text) != size:
        least = "at least " if tlv.compression_type != SnapshotCompression.NONE else ""
        raise _invalid(tlv, "uncompressed_size", f"{size} bytes announced, the data has {least}{len(text)}")
    return text


def _invalid(tlv: SnapshotTLV, name: str, text: str) -> InvalidPayload:
    return InvalidPayload(TLVType.SNAPSHOT, SnapshotTLV.layout()[name].offset, text, SnapshotTLV.SIZE + len(tlv.data))
