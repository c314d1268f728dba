"""Stamping: numbers without holes, the given time, and a signature."""

import pytest

from infra.stamping import Stamp
from libs.types.protocol import FieldRange, HeartbeatTLV, RelayDomain, SourceType, parse_message

BEAT = HeartbeatTLV(timestamp_ns=1, service=20)


def test_numbers_count_from_one_and_the_messages_are_signed() -> None:
    stamp = Stamp(RelayDomain.SIGNAL, SourceType.ARBITRAGE_STRATEGY)
    read = [parse_message(stamp.message([BEAT] * count, 1000 + count)) for count in range(3)]
    assert [(message.sequence, message.timestamp, len(message)) for message in read] == [
        (1, 1000, 0),
        (2, 1001, 1),
        (3, 1002, 2),
    ]
    assert {(message.relay_domain, message.source) for message in read} == {(2, 20)}


def test_a_message_that_cannot_be_made_takes_no_number() -> None:
    stamp = Stamp(RelayDomain.SIGNAL, SourceType.ARBITRAGE_STRATEGY, first=7)
    with pytest.raises(FieldRange):
        stamp.message([BEAT], -1)
    assert parse_message(stamp.message([BEAT], 0)).sequence == 7


@pytest.mark.parametrize(("domain", "source", "first"), [(9, 20, 1), (2, 0, 1), (2, 20, -1), (2, 20, 2**64)])
def test_what_no_reader_would_take_is_refused_at_once(domain: int, source: int, first: int) -> None:
    with pytest.raises(FieldRange):
        Stamp(domain, source, first=first)
