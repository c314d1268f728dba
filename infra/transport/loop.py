"""The event loop of a program: asyncio's own, one that polls before it sleeps, or uvloop.

Owns the choice.  Must not be used by libraries: a loop is chosen once, by whoever starts the program.

How it works: the argument decides, else the environment variable ALPHAPULSE_LOOP, else it is asyncio.  uvloop is never
taken merely because it is installed, so a measurement says which loop it was made on.  ALPHAPULSE_BUSY_POLL gives the
microseconds that asyncio's loop polls before each sleep (`busy_poll`); uvloop has no place for it.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from ..errors import BadSetting, MissingDependency
from .busy_poll import BusyPollSelector

VARIABLE = "ALPHAPULSE_LOOP"
BUSY_POLL = "ALPHAPULSE_BUSY_POLL"
LONGEST_POLL = 1_000_000  # microseconds; above this a program might as well never sleep
Result = TypeVar("Result")


def loop_factory(choice: str | None = None) -> Callable[[], asyncio.AbstractEventLoop]:
    """What makes the loop.  Raises BadSetting for a wrong name or number, MissingDependency without uvloop."""
    wanted = choice or os.environ.get(VARIABLE) or "asyncio"
    microseconds = busy_poll_microseconds()
    if wanted == "asyncio":
        return partial(_polling_loop, microseconds) if microseconds else asyncio.new_event_loop
    if wanted != "uvloop":
        raise BadSetting(VARIABLE, wanted, "asyncio or uvloop")
    if microseconds:
        raise BadSetting(BUSY_POLL, microseconds, f"0 with {VARIABLE}=uvloop, which cannot poll")
    try:
        import uvloop
    except ImportError:
        raise MissingDependency("uvloop", f"{VARIABLE}=uvloop", "uvloop") from None
    return uvloop.new_event_loop


def busy_poll_microseconds() -> int:
    """What ALPHAPULSE_BUSY_POLL says; 0 where it says nothing.  Raises BadSetting."""
    text = os.environ.get(BUSY_POLL) or "0"
    if not (text.isascii() and text.isdigit()) or int(text) > LONGEST_POLL:
        raise BadSetting(BUSY_POLL, text, f"microseconds from 0 to {LONGEST_POLL}")
    return int(text)


def _polling_loop(microseconds: int) -> asyncio.AbstractEventLoop:
    return asyncio.SelectorEventLoop(BusyPollSelector(microseconds))


def run(main: Coroutine[Any, Any, Result], choice: str | None = None) -> Result:
    """Run a program's main coroutine to its end.  Raises as `loop_factory`, and what `main` raises."""
    try:
        factory = loop_factory(choice)
    except Exception:
        main.close()
        raise
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)
