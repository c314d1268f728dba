"""PendingMessages: messages that came too early, kept until the ones before them are there.

Owns copies of their bytes (a message that was received is a view on a chunk that will be used again), their order, and
the bound on their number and size.  Must not know why they wait, nor from which stream they are.

What has no room is not kept, or the lowest numbers go for it; one message is always kept.  A dictionary finds one,
a heap the lowest number; the heap may hold numbers that have gone, and drops them when they come up.
"""

from __future__ import annotations

import heapq

from ._codec import Message, parse_message
from .constants import ChecksumPolicy


class PendingMessages:
    """At most `most` messages of `most_bytes` bytes together, by sequence."""

    __slots__ = ("_by_number", "_heap", "_most", "_most_bytes", "dropped", "size")

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._by_number: dict[int, Message] = {}
        self._heap: list[int] = []
        self.size = 0  # bytes of all
        self.dropped = 0  # messages that had to go for want of room

    def __len__(self) -> int:
        return len(self._by_number)

    def __contains__(self, number: int) -> bool:
        return number in self._by_number

    def add(self, message: Message, *, make_room: bool = True) -> bool:
        """Keep a copy; False where a message had to go: the lowest numbers, or without `make_room` this one."""
        number, size = message.sequence, message.size
        full = len(self._by_number) >= self._most or self.size + size > self._most_bytes
        if full and not make_room and self._by_number:
            self.dropped += 1
            return False
        owned = parse_message(bytes(message), checksum=ChecksumPolicy.SKIP, limit=message.size)
        self._by_number[number] = owned
        self.size += owned.size
        heapq.heappush(self._heap, number)
        before = self.dropped
        while len(self._by_number) > 1 and (len(self._by_number) > self._most or self.size > self._most_bytes):
            self._remove(self.lowest())
            self.dropped += 1
        return self.dropped == before

    def lowest(self) -> int:
        """The lowest number.  Raises IndexError where there is none."""
        while self._heap[0] not in self._by_number:
            heapq.heappop(self._heap)
        return self._heap[0]

    def take_from(self, number: int) -> tuple[Message, ...]:
        """Take out the messages `number`, `number` + 1, ... up to the first that is missing."""
        taken: list[Message] = []
        while number in self._by_number:
            taken.append(self._remove(number))
            number += 1
        return tuple(taken)

    def forget_below(self, number: int) -> None:
        """Let go of all below `number`: they are not needed any more."""
        while self._by_number and self.lowest() < number:
            self._remove(self.lowest())

    def clear(self) -> None:
        self._by_number.clear()
        self._heap.clear()
        self.size = 0

    def _remove(self, number: int) -> Message:
        message = self._by_number.pop(number)
        self.size -= message.size
        return message
