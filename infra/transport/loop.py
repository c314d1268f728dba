"""The event loop of a program: asyncio's own, or uvloop where it is asked for.

Owns the choice.  Must not be used by libraries: a loop is chosen once, by whoever starts the program.

How it works: the argument decides, else the environment variable ALPHAPULSE_LOOP, else it is asyncio.  uvloop is never
taken merely because it is installed, so a measurement says which loop it was made on.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ..errors import BadSetting, MissingDependency

VARIABLE = "ALPHAPULSE_LOOP"
Result = TypeVar("Result")


def loop_factory(choice: str | None = None) -> Callable[[], asyncio.AbstractEventLoop]:
    """What makes the loop.  Raises BadSetting for an unknown name, MissingDependency where uvloop is not installed."""
    wanted = choice or os.environ.get(VARIABLE) or "asyncio"
    if wanted == "asyncio":
        return asyncio.new_event_loop
    if wanted != "uvloop":
        raise BadSetting(VARIABLE, wanted, "asyncio or uvloop")
    try:
        import uvloop
    except ImportError:
        raise MissingDependency("uvloop", f"{VARIABLE}=uvloop", "uvloop") from None
    return uvloop.new_event_loop


def run(main: Coroutine[Any, Any, Result], choice: str | None = None) -> Result:
    """Run a program's main coroutine to its end.  Raises as `loop_factory`, and what `main` raises."""
    try:
        factory = loop_factory(choice)
    except Exception:
        main.close()
        raise
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)
