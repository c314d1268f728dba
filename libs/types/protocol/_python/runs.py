"""Runs: messages that follow each other in a buffer and whose numbers follow each other.

Owns `message_runs`, with which a relay or a recorder looks at a batch of checked messages by the run instead of by the
message.  Must not check a message, beyond what reading in bounds takes.  `_native/runs.c` has the same behaviour.
"""

from __future__ import annotations

import struct

from ..buffers import Buffer, byte_view
from ..constants import HEADER_SIZE

Run = tuple[int, int, int, int, int, int, bool]

_HEAD = struct.Struct("<6xBxQQI4x")


def message_runs(buf: Buffer, apart: bytes) -> tuple[list[Run], int]:
    """The runs from the beginning of `buf`, and where the first message that is not whole starts.

    A run is (begin, end, source, first number, last number, timestamp of its last message, apart).  Its messages have
    one source, and each number is one more than the one before.  A message whose first TLV has one of the types in
    `apart` is a run of its own, for which `apart` is true.  The messages must have been checked.
    """
    buffer = byte_view(buf)
    alone = frozenset(apart)
    runs: list[Run] = []
    run: Run | None = None
    at, room = 0, len(buffer)
    while at + HEADER_SIZE <= room:
        source, number, timestamp, size = _HEAD.unpack_from(buffer, at)
        end = at + HEADER_SIZE + size
        if end > room:
            break
        is_alone = bool(size) and buffer[at + HEADER_SIZE] in alone
        if run is None or is_alone or run[6] or source != run[2] or number != run[4] + 1:
            if run is not None:
                runs.append(run)
            run = (at, end, source, number, number, timestamp, is_alone)
        else:
            run = (run[0], end, source, run[3], number, timestamp, False)
        at = end
    if run is not None:
        runs.append(run)
    return runs, at
