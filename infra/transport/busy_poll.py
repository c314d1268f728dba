"""A selector that asks again for a while before it sleeps.

Owns the waiting of an event loop that has a processor to spend.  Must not be the default: a loop that polls keeps its
processor busy for as long as it is told, also where another program needs it.

How it works: a process that sleeps has to be woken, and waking an idle processor, above all a virtual one, takes
several times as long as passing a message on.  So `select` first asks without waiting, again and again, and sleeps only
when nothing has come for the whole time.  Between two questions it yields, so that a process on the same processor goes
on.
"""

import os
import selectors
import time

_yield = getattr(os, "sched_yield", None) or (lambda: None)


class BusyPollSelector(selectors.DefaultSelector):
    """The platform's selector, which polls for `microseconds` before each sleep."""

    def __init__(self, microseconds: int) -> None:
        super().__init__()
        self._seconds = microseconds / 1e6

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As `BaseSelector.select`; never later than `timeout`."""
        if timeout is not None and timeout <= 0:
            return super().select(timeout)
        began = time.monotonic()
        end = began + (self._seconds if timeout is None else min(timeout, self._seconds))
        while not (ready := super().select(0)):
            now = time.monotonic()
            if now >= end:
                return super().select(None if timeout is None else max(0.0, timeout - (now - began)))
            _yield()
        return ready
