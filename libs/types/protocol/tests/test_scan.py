"""`scan`: whole messages from an offset, where it stops, and that a stop costs no walk over what follows."""

import time

import pytest

from libs.types.protocol import HeartbeatTLV, MessageBuilder, RelayDomain, SourceType
from libs.types.protocol._codec import scan

LIMIT = 1 << 20


def message(sequence: int) -> bytes:
    builder = MessageBuilder(
        relay_domain=RelayDomain.SYSTEM, source=SourceType.DASHBOARD, sequence=sequence, timestamp=5
    )
    return builder.add(HeartbeatTLV(timestamp_ns=sequence, service=60)).build()


def with_size(whole: bytes, payload_size: int) -> bytes:
    return whole[:24] + payload_size.to_bytes(4, "little") + whole[28:]


@pytest.mark.parametrize(
    "rest",
    [b"", message(3)[:31], message(3)[:-1], b"\0" + message(3), with_size(message(3), LIMIT), message(3)[:-1] + b"!"],
    ids=["nothing", "half a header", "half a message", "garbage", "oversized", "bad checksum"],
)
def test_scan_stops_before_the_first_that_is_not_whole(rest: bytes) -> None:
    good = message(1) + message(2)
    found, stop = scan(b"xx" + good + rest, 2, LIMIT, True)
    assert [each.sequence for each in found] == [1, 2]
    assert stop == 2 + len(good)


def test_a_stop_costs_no_walk_over_the_rest() -> None:
    # Thousands of small frames follow each wrong header; counting them at each stop would take minutes.
    pair = message(1) + with_size(message(2), 0xFFFFFF00)
    stream = pair * 500 + b"\1\0" * 400_000
    begin = time.perf_counter()
    for index in range(500):
        found, stop = scan(stream, index * len(pair), LIMIT, True)
        assert len(found) == 1 and stop == index * len(pair) + len(message(1))
    assert time.perf_counter() - begin < 5
