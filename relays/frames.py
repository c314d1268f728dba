"""Bytes of whole messages in a row: what a relay reads of each, and parts cut out by source or number.

Owns the cutting.  Must not look into a TLV: of the payload only the first type number is read.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from infra.relay_messages import HEAD
from protocol_v2 import HEADER_SIZE

Spans = dict[int, tuple[int, int]]


class Batch(NamedTuple):
    """Some messages; `spans` has the lowest and highest number of each source."""

    data: bytes
    messages: int
    spans: Spans


def frames(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """(source, number, begin, end) of each message."""
    at, end = 0, len(data)
    while at < end:
        source, number, _, size = HEAD.unpack_from(data, at)
        behind = at + HEADER_SIZE + size
        yield source, number, at, behind
        at = behind


def of_sources(data: bytes, passes: Callable[[int], bool]) -> tuple[bytes, int]:
    """The messages of some sources, and how many they are."""
    kept = [data[begin:end] for source, _, begin, end in frames(data) if passes(source)]
    return b"".join(kept), len(kept)
