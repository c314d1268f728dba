"""What a relay remembers: the numbers of each source, and the last messages, to send them again.

Owns both.  Must not know subscribers or sockets.

How it works: the numbers of a source are in order, or a gap opens (kept as an interval until its numbers come late), or
a number is met again, or the source has started anew: its number is low and its time is later than all before.  The
last messages are kept as the batches that were passed on, without copying, up to a number of bytes; only when somebody
asks are the batches cut into messages.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from .frames import Batch, frames

MAX_INTERVALS = 64


class Seen(Enum):
    """What a number is that was not the next one."""

    FIRST = "first"
    GAP = "gap"
    LATE = "late"
    REPEAT = "repeat"
    RESTART = "restart"


@dataclass(slots=True)
class Stream:
    """The numbers of one source."""

    expected: int
    time: int
    gaps: int = 0
    missing: int = 0
    """Numbers that never came, so far."""
    repeats: int = 0
    restarts: int = 0
    open: list[tuple[int, int]] = field(default_factory=list)

    @property
    def first_missing(self) -> int:
        """The lowest number that did not come and may come late; 0 where there is none."""
        return self.open[0][0] if self.open else 0

    def see(self, number: int, time: int) -> Seen:
        """Take a number that is not the next one."""
        if number > self.expected:
            self.gaps += 1
            self.missing += number - self.expected
            self.open.append((self.expected, number - 1))
            if len(self.open) > MAX_INTERVALS:  # the two lowest become one, with what has come between them
                (first, end), (begin, last) = self.open[:2]
                self.missing += begin - end - 1
                self.open[:2] = [(first, last)]
            self.expected, self.time = number + 1, max(time, self.time)
            return Seen.GAP
        for at, (first, last) in enumerate(self.open):
            if first <= number <= last:
                self.open[at : at + 1] = [each for each in ((first, number - 1), (number + 1, last))
                                          if each[0] <= each[1]]  # fmt: skip
                self.missing -= 1
                return Seen.LATE
        if time > self.time:
            self.restarts += 1
            self.open.clear()
            self.expected, self.time = number + 1, time
            return Seen.RESTART
        self.repeats += 1
        return Seen.REPEAT


class History:
    """The last batches, at most `limit` bytes of them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._batches: deque[Batch] = deque()
        self.bytes = self.messages = 0

    def add(self, batch: Batch) -> None:
        """Remember; the oldest are forgotten."""
        self._batches.append(batch)
        self.bytes += len(batch.data)
        self.messages += batch.messages
        while self.bytes > self._limit:
            old = self._batches.popleft()
            self.bytes -= len(old.data)
            self.messages -= old.messages

    def find(self, source: int, first: int, last: int, limit: int) -> list[bytes]:
        """The messages of a source with these numbers, in order, as far as they are still there.

        The search ends with the batch in which they have become more than `limit` bytes.
        """
        found: dict[int, bytes] = {}
        size = 0
        for data, _, spans in self._batches:
            if size > limit:
                break
            low, high = spans.get(source, (1, 0))
            if low <= last and high >= first:
                for each, number, begin, end in frames(data):
                    if each == source and first <= number <= last:
                        size += end - begin if number not in found else 0
                        found[number] = data[begin:end]
        return [found[number] for number in sorted(found)]

    def differs(self, source: int, number: int, message: bytes) -> bool:
        """Whether the number is remembered, and never with these bytes."""
        found = False
        for data, _, spans in reversed(self._batches):
            low, high = spans.get(source, (1, 0))
            if low <= number <= high:
                for each, known, begin, end in frames(data):
                    if each == source and known == number:
                        if data[begin:end] == message:
                            return False
                        found = True
        return found

    def latest(self, source: int, limit: int) -> list[tuple[int, bytes]]:
        """The last messages of a source that take at most `limit` bytes together, in the order of arrival."""
        taken: list[tuple[int, bytes]] = []
        size = 0
        for data, _, spans in reversed(self._batches):
            if source not in spans:
                continue
            own = [(number, data[begin:end]) for each, number, begin, end in frames(data) if each == source]
            for number, message in reversed(own):
                size += len(message)
                if size > limit:
                    return taken[::-1]
                taken.append((number, message))
        return taken[::-1]

    @property
    def sources(self) -> set[int]:
        """Who sent what is remembered."""
        return {source for batch in self._batches for source in batch.spans}
