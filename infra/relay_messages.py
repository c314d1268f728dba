"""What a relay and its peers say to each other, beside the messages that are passed on.

    SubscribeTLV          consumer to relay: these topics, from now on; several in one message are several patterns
    RecoveryRequestTLV    consumer to relay, with a RecoveryStreamTLV behind it that names the source
    SyncTLV               publisher to relay: "what had you when this came?", with a RecoveryStreamTLV for each source;
                          comes back with the relay's number and a StreamStateTLV for each
    RelayReplyTLV         relay to consumer: what became of a request

Owns these layouts (vendor's numbers, ours) and the making of such messages.  Must not open sockets.

How it works: they are ordinary messages of the relay's domain whose first TLV has one of `REQUESTS`, so that they are
framed and checked as all others, in order with them.  A relay answers requests and never passes them on.  Its answers
have its own source number, by which a consumer tells them from data (`is_reply`).
"""

import struct
from collections.abc import Iterable
from enum import IntEnum

from libs.types.protocol import (
    TLV,
    U8,
    U32,
    U64,
    Message,
    MessageBuilder,
    RecoveryRequestTLV,
    RelayDomain,
    SourceType,
    TLVType,
    Vec,
    vec,
)
from libs.types.protocol.sequence import Gap

MAX_PATTERN = 64
# What relays and publishers read of a header without parsing it: source, sequence, timestamp, payload size.
HEAD = struct.Struct("<6xBxQQI4x")


class SlowPolicy(IntEnum):
    """What happens to a subscriber whose queue is full."""

    RELAY_DECIDES = 0
    DROP_OLDEST = 1
    DISCONNECT = 2


class Status(IntEnum):
    """What became of a request."""

    SUCCESS = 0
    PARTIAL = 1
    FAILED = 2
    TOO_MANY_REQUESTS = 3


class SubscribeTLV(TLV, type=206, registered=False):
    """Asks for topics: `*`, a prefix that ends in `*`, or one name."""

    consumer_id: U32
    slow: U8 = 0
    pattern: Vec[U8] = vec(U8, MAX_PATTERN)

    @property
    def text(self) -> str:
        """The pattern.  Raises UnicodeDecodeError for what is no UTF-8."""
        return bytes(self.pattern).decode()


class SyncTLV(TLV, type=207, registered=False):
    """A mark in the stream of a publisher; the relay sends it back when it has passed on what had come before.

    `relay` is filled in by the relay: a number of its own, another one after each start.
    """

    publisher_id: U32
    token: U64
    relay: U64 = 0


class RelayReplyTLV(TLV, type=208, registered=False):
    """The answer to a request of type `request`; `source` and the numbers are those of a recovery."""

    consumer_id: U32
    request: U8
    status: U8
    source: U8 = 0
    sent: U64 = 0
    missing: U64 = 0


class RecoveryStreamTLV(TLV, type=209, registered=False):
    """Whose numbers a RecoveryRequest is about; its own layout has no room for that."""

    source: U8


class StreamStateTLV(TLV, type=211, registered=False):
    """What a relay has of one source: the number it expects next, the first below that is missing or 0, the time."""

    source: U8
    expected: U64
    missing: U64
    timestamp: U64


REQUESTS = frozenset({int(TLVType.RECOVERY_REQUEST), SubscribeTLV.TYPE, SyncTLV.TYPE})
RELAY_SOURCES = {
    RelayDomain.MARKET_DATA: SourceType.MARKET_DATA_RELAY,
    RelayDomain.SIGNAL: SourceType.SIGNAL_RELAY,
    RelayDomain.EXECUTION: SourceType.EXECUTION_RELAY,
}
_REPLIES = frozenset(int(source) for source in RELAY_SOURCES.values())


def is_reply(message: Message) -> bool:
    """Whether a relay wrote this message itself."""
    return message.source in _REPLIES


def subscribe_message(
    domain: RelayDomain,
    *,
    source: int,
    consumer_id: int,
    patterns: Iterable[str] = ("*",),
    slow: SlowPolicy = SlowPolicy.RELAY_DECIDES,
) -> bytes:
    """The request for topics.  Raises FieldRange and InvalidPayload for what has no room."""
    tlvs = [
        SubscribeTLV(consumer_id=consumer_id, slow=int(slow), pattern=list(pattern.encode())) for pattern in patterns
    ]
    return _message(domain, source, tlvs)


def sync_message(
    domain: RelayDomain, *, source: int, publisher_id: int, token: int, sources: Iterable[int] = ()
) -> bytes:
    """The mark behind what was published by these sources."""
    streams = [RecoveryStreamTLV(source=each) for each in sources]
    return _message(domain, source, [SyncTLV(publisher_id=publisher_id, token=token), *streams])


def recovery_request(gap: Gap, *, source: int, consumer_id: int) -> bytes:
    """The request for a gap."""
    request = RecoveryRequestTLV(
        last_sequence=gap.last, current_sequence=gap.current, consumer_id=consumer_id, request_type=int(gap.strategy)
    )
    return _message(RelayDomain(gap.relay_domain), source, [request, RecoveryStreamTLV(source=gap.source)])


def _message(domain: RelayDomain, source: int, tlvs: Iterable[TLV]) -> bytes:
    # A request belongs to no stream, so its number says nothing.
    builder = MessageBuilder(relay_domain=domain, source=source, sequence=0)
    for tlv in tlvs:
        builder.add(tlv)
    return builder.build()
