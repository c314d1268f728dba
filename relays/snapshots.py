"""The snapshot that a relay answers with: where each source is, and the last messages of one of them.

Owns the choice of what goes in.  Must not know subscribers.  A relay looks into no payload, so it names no instruments.

How it works: the text of a snapshot writes bytes as lists of numbers, about four characters a byte, and is compressed;
messages go in as long as the whole stays within the domain's largest message.
"""

import time
from collections.abc import Mapping

from infra.relay_messages import HEAD
from libs.types.protocol.snapshot import SnapshotCompression, write_snapshot
from libs.types.protocol.snapshot_state import BufferedMessage, Snapshot, SystemState
from libs.types.protocol.tlvs import SnapshotTLV

from .domains import DomainPolicy
from .history import History, Stream

# Incompressible bytes cost about 1.7 bytes each as compressed digits; headers and the reply need some room.
_SHARE, _ROOM = 2, 1024


def snapshot_of(
    policy: DomainPolicy,
    streams: Mapping[int, Stream],
    history: History,
    source: int,
    *,
    number: int,
    started_ns: int,
    messages: int,
) -> SnapshotTLV:
    """The state after the last number of `source`."""
    now = time.time_ns()
    latest = history.latest(source, (min(policy.max_message, 60_000) - _ROOM) // _SHARE)
    state = Snapshot(
        relay_domain=policy.domain,
        sequence=streams[source].expected - 1,
        timestamp=now,
        consumer_sequences={each: stream.expected - 1 for each, stream in streams.items()},
        message_buffer=tuple(
            BufferedMessage(sequence=number, timestamp=HEAD.unpack_from(data)[2], data=data) for number, data in latest
        ),
        system_state=SystemState(
            uptime_ns=max(now - started_ns, 0),
            message_count=messages,
            last_heartbeat=now,
        ),
    )
    return write_snapshot(state, snapshot_id=number, compression=SnapshotCompression.ZLIB)
