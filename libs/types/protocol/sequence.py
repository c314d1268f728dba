"""The numbers of a stream: what is expected, what is a repeat, what is missing and how to ask for it.

Owns the numbers (`SequenceTracker`), the limits of a domain (`GapPolicy`), the gap as a value, and the request for it
(`recovery_message`).  Must not know what is kept or done while a gap is open: that is `recovery`.

A stream is one source within one domain; its numbers start at 1 and grow by 1.  `expected` is the next one.

    number == expected                      in order
    number <  expected, inside the window   a repeat: dropped (the original processed it again)
    number <  expected - window, or 0       Recovery error: no repeat is that old, the source has started again
    number >  expected                      a gap: missing = number - expected, which is current - last - 1
    more than max_gap above all seen        Recovery error: damaged, or too much to ask for
"""

from __future__ import annotations

from ._codec import MessageBuilder
from .constants import MAX_MESSAGE_SIZE
from .errors import FieldRange, Recovery
from .tlvs import RecoveryRequestTLV, RecoveryType
from .values import Value


class GapPolicy(Value):
    """The limits of one domain.  1 to `snapshot_from` - 1 missing messages are sent again, more come as a snapshot."""

    snapshot_from: int = 100
    window: int = 1000
    max_gap: int = 10_000
    max_retries: int = 3
    timeout_ns: int = 5_000_000_000
    pending_messages: int = 10_000
    pending_bytes: int = 16 * MAX_MESSAGE_SIZE

    def _check(self) -> None:
        """Raises FieldRange for limits under which a single message or gap has no place."""
        for name, low in (("snapshot_from", 1), ("window", 0), ("max_gap", 1), ("max_retries", 0), ("timeout_ns", 1),
                          ("pending_messages", 1), ("pending_bytes", MAX_MESSAGE_SIZE)):  # fmt: skip
            if getattr(self, name) < low:
                raise FieldRange(name, getattr(self, name), low, 2**63 - 1)

    def strategy(self, missing: int) -> RecoveryType:
        return RecoveryType.SNAPSHOT if missing >= self.snapshot_from else RecoveryType.RETRANSMIT


class Gap(Value):
    """What to ask for: the messages between `last`, which was delivered, and `current`, which showed the gap."""

    relay_domain: int
    source: int
    last: int
    current: int
    strategy: RecoveryType

    @property
    def missing(self) -> int:
        return self.current - self.last - 1


class SequenceTracker:
    """The numbers of one stream: what is expected, what is a repeat, what is too far away."""

    __slots__ = ("expected", "highest", "policy")

    def __init__(self, policy: GapPolicy, expected: int = 1) -> None:
        self.policy = policy
        self.expected = expected
        self.highest = expected - 1

    def ahead(self, number: int) -> int:
        """How many messages are missing before this one; -1 for a repeat.  Raises Recovery."""
        if number < max(self.expected - self.policy.window, 1):
            raise Recovery(
                f"sequence {number} lies before the window of {self.policy.window} below the expected {self.expected}; "
                "the source has started again: reset the stream"
            )
        if number - self.highest - 1 > self.policy.max_gap:
            raise Recovery(
                f"sequence {number} is {number - self.highest - 1} above the highest known {self.highest}, "
                f"a gap has at most {self.policy.max_gap}; reset the stream if the number is right"
            )
        self.highest = max(self.highest, number)
        return max(number - self.expected, -1)


def recovery_message(gap: Gap, *, source: int, consumer_id: int, sequence: int, timestamp: int | None = None) -> bytes:
    """The signed request for `gap`, from `source` (who asks) to the relay of the gap's domain.

    The wire has no field for the source whose numbers these are; consumer and relay have to agree on it otherwise.
    Raises FieldRange.
    """
    builder = MessageBuilder(relay_domain=gap.relay_domain, source=source, sequence=sequence, timestamp=timestamp)
    request = RecoveryRequestTLV(
        last_sequence=gap.last, current_sequence=gap.current, consumer_id=consumer_id, request_type=gap.strategy
    )
    return builder.add(request).build()
