"""The recoveries a subscription asks for: one at a time for each stream, so that an answer has one meaning.

Owns what is wanted, what was asked, and what has to wait for an answer.  Must not send anything.

How it works: a gap that shows while an answer is awaited waits for it, because the answer may fill it; several become
one.  So a relay is not asked twice for the same messages, and "partial" is about the request that is open.  A new
connection forgets what was asked on the old one.
"""

from collections.abc import Iterable

from libs.types.protocol import RecoveryType
from libs.types.protocol.recovery import StreamKey
from libs.types.protocol.sequence import Gap


def key_of(gap: Gap) -> StreamKey:
    """The stream that a gap is in."""
    return gap.relay_domain, gap.source


def retransmit(key: StreamKey, expected: int, current: int) -> Gap:
    """What to ask for when all from `expected` to before `current` is missing."""
    return Gap(*key, expected - 1, current, RecoveryType.RETRANSMIT)


class Requests:
    """What is wanted from one relay."""

    def __init__(self) -> None:
        self._wanted: list[Gap] = []
        self._asked: dict[StreamKey, tuple[Gap, int]] = {}
        self._waiting: dict[StreamKey, Gap] = {}

    def begin(self, gaps: Iterable[Gap]) -> None:
        """A new connection: nothing is open on it, and these come first."""
        self._asked.clear()
        self._waiting.clear()
        self._wanted[:0] = gaps

    def want(self, gap: Gap) -> None:
        """Ask for this as soon as nothing else is open for its stream."""
        self._wanted.append(gap)

    def due(self, now: int) -> tuple[list[Gap], list[StreamKey]]:
        """What to send now, and the streams that wait for the answer to what they have sent already."""
        due: list[Gap] = []
        waiting: list[StreamKey] = []
        for gap in self._wanted:
            key = key_of(gap)
            if key in self._asked:
                known = self._waiting.get(key, gap)
                self._waiting[key] = gap if gap.current >= known.current else known
                waiting.append(key)
            else:
                self._asked[key] = gap, now
                due.append(gap)
        self._wanted.clear()
        return due, waiting

    def answered(self, key: StreamKey) -> tuple[Gap | None, Gap | None]:
        """What was asked, which is no longer open, and what has waited for that."""
        asked, _ = self._asked.pop(key, (None, 0))
        return asked, self._waiting.pop(key, None)

    def repeat(self, before: int) -> None:
        """Want again what was asked before this time and has no answer, without what waits for it."""
        old = [(key, gap) for key, (gap, since) in self._asked.items() if since < before]
        for key, gap in old:
            del self._asked[key]
            self.want(gap)

    @property
    def open(self) -> bool:
        """Whether an answer is awaited."""
        return bool(self._asked)
