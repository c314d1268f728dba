"""Bytes of whole messages in a row: the batch that is passed on, and parts cut out of it by source or number.

Owns the cutting.  Must not look into a payload.  What is in a row is known by the run (see
`libs.types.protocol.framing.message_runs`) where that is enough, and else by the message.
"""

from collections.abc import Container, Iterator
from typing import NamedTuple

from infra.relay_messages import HEAD
from libs.types.protocol import HEADER_SIZE

Run = tuple[int, int, int, int, int, int, bool]
Spans = dict[int, tuple[int, int]]


class Batch(NamedTuple):
    """Some messages; `spans` has the lowest and highest number of each source."""

    data: bytes
    messages: int
    spans: Spans


def batch_of(data: bytes, runs: list[Run]) -> Batch:
    """The messages of runs that follow each other in `data`."""
    spans: Spans = {}
    messages = 0
    for _, _, source, first, last, _, _ in runs:
        messages += last - first + 1
        low, high = spans.get(source, (first, last))
        spans[source] = (min(low, first), max(high, last))
    begin, end = runs[0][0], runs[-1][1]
    return Batch(data if end - begin == len(data) else data[begin:end], messages, spans)


def of_sources(data: bytes, runs: list[Run], sources: Container[int]) -> tuple[bytes, int]:
    """The messages of some sources, and how many they are."""
    kept = [run for run in runs if run[2] in sources]
    return b"".join([data[run[0] : run[1]] for run in kept]), sum([run[4] - run[3] + 1 for run in kept])


def heads(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """(number, time, begin, end) of each message from `at` to `end`."""
    while at < end:
        _, number, sent, size = HEAD.unpack_from(data, at)
        behind = at + HEADER_SIZE + size
        yield number, sent, at, behind
        at = behind


def frames(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """(source, number, begin, end) of each message."""
    at, end = 0, len(data)
    while at < end:
        source, number, _, size = HEAD.unpack_from(data, at)
        behind = at + HEADER_SIZE + size
        yield source, number, at, behind
        at = behind
