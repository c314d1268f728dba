"""The same function over many items, in several processes where that pays.

The processes are forked, so the function may be a closure over anything; what it returns has to be picklable.  Where
there is no fork, or few items, it runs here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")
Found = TypeVar("Found")

_FROM = 60  # items; below that, starting workers costs more than it gives
_CHUNK = 16  # items that a worker takes at once
_function: Callable[[Any], Any] | None = None


def each(function: Callable[[Item], Found], items: Sequence[Item], jobs: int) -> Iterator[Found]:
    """What the function gives for each item, in their order."""
    global _function
    if jobs < 2 or len(items) < _FROM or not hasattr(os, "fork"):
        yield from map(function, items)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    _function = function
    try:
        with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("fork")) as pool:
            yield from pool.map(_call, items, chunksize=_CHUNK)
    finally:
        _function = None


def _call(item: Any) -> Any:
    assert _function is not None
    return _function(item)
