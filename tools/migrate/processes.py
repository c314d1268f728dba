"""The same function over many items, in several processes where that pays.

The processes are forked, so the function may be a closure over anything; what it returns has to be picklable.  Where
there is no fork, or few items, it runs here.  They never outlive this process, and never keep it from ending: whatever
stops it, a signal or an error, ends them in the middle of what they do.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

Item = TypeVar("Item")
Found = TypeVar("Found")

_FROM = 60  # items; below that, starting workers costs more than it gives
_CHUNK = 16  # items that a worker takes at once
_LOOK = 1.0  # seconds between two looks whether the process that started a worker is still there
_function: Callable[[Any], Any] | None = None


def each(function: Callable[[Item], Found], items: Sequence[Item], jobs: int) -> Iterator[Found]:
    """What the function gives for each item, in their order."""
    global _function
    if jobs < 2 or len(items) < _FROM or not hasattr(os, "fork"):
        yield from map(function, items)
        return
    _function = function
    try:
        with workers(jobs) as pool:
            yield from pool.map(_call, items, chunksize=_CHUNK)
    finally:
        _function = None


@contextlib.contextmanager
def workers(count: int) -> Iterator[ProcessPoolExecutor]:
    """Forked processes that are gone afterwards, also where the block is left by an error."""
    # Most runs look at few files, and need none of this.
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    fork = multiprocessing.get_context("fork")
    pool = ProcessPoolExecutor(count, mp_context=fork, initializer=_begin, initargs=(os.getpid(),))
    try:
        with warnings.catch_warnings():
            # Threads of others, such as a test runner's, hold no lock that a worker waits for.
            warnings.filterwarnings("ignore", ".* multi-threaded, use of fork", DeprecationWarning)
            pool.submit(os.getpid)  # the first task starts all of them
        yield pool
    except BaseException:
        end()  # one may be in the middle of a large file
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def end() -> None:
    """End workers that are still there: an error may hold on to what would end them until the interpreter exits."""
    if "multiprocessing" in sys.modules:
        import multiprocessing

        for worker in multiprocessing.active_children():
            worker.kill()


def _begin(parent: int) -> None:
    """In a worker: what interrupts the run is the parent's to handle, and a parent that was killed takes this along."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_DFL)
    threading.Thread(target=_stay_while, args=(parent,), daemon=True).start()


def _stay_while(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os._exit(1)


def _call(item: Any) -> Any:
    assert _function is not None
    return _function(item)
