"""One input of the fuzzer: what it does, and whether both implementations say the same about it.

    byte 0   the entry
    byte 1   which checksum implementation, and whether the Python codec does the same and is compared
    rest     decisions and values, see `feed`

Owns `one_input`, and what counts as a defect: an exception that no caller has to expect (SystemError among them), or a
difference in a value, in the class of an error or in its details.  Memory errors are for the sanitizers to find.  Run
under `harness.c` by `run.py`, or alone with inputs to repeat: `python -m libs.types.protocol.fuzz.target FILE...`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import libs.types.protocol
from libs.types.protocol import _codec
from libs.types.protocol.testing import load_implementation

from . import actions, streams
from .feed import Feed
from .reading import Run
from .world import World

ENTRIES: tuple[Callable[[Run], None], ...] = (
    actions.parse, actions.from_buffer, actions.construct, actions.decode, actions.encode, actions.build,
    actions.vector, actions.scan, actions.moving, streams.frames, streams.batch, streams.kernel,
)  # fmt: skip

_own, _reference = World(libs.types.protocol), World(load_implementation("python"))
_select_crc32 = getattr(_codec._loaded, "crc32_implementation", None)
_METHODS = ("auto", "slicing", "pclmul", "avx512")


class Disagreement(Exception):
    """The two implementations do not say the same."""


def one_input(data: bytes) -> None:
    """Raises whatever shows a defect."""
    if len(data) < 2:
        return
    entry, how = ENTRIES[data[0] % len(ENTRIES)], data[1]
    if _select_crc32 is not None:
        with suppress(ValueError):  # not on this machine
            _select_crc32(_METHODS[how & 3])
    ours, feed = run(entry, _own, data)
    if how & 4 or not feed.comparable:
        return
    theirs, other = run(entry, _reference, data)
    if feed.comparable and other.comparable and ours != theirs:
        raise Disagreement(difference(entry.__name__, ours, theirs))


def run(entry: Callable[[Run], None], world: World, data: bytes) -> tuple[list[object], Feed]:
    feed = Feed(data)
    feed.at = 2
    one = Run(world, feed)
    entry(one)
    return one.log, feed


def difference(entry: str, ours: list[object], theirs: list[object]) -> str:
    """The first result that differs, and what came before it."""
    for index, (mine, other) in enumerate(zip(ours, theirs, strict=False)):
        if mine != other:
            before = "\n".join(f"    {each!r:.300}" for each in ours[max(index - 3, 0) : index])
            ours_is = _own.package.implementation
            return f"{entry}, result {index}:\n{before}\n  {ours_is}: {mine!r:.2000}\n  python: {other!r:.2000}"
    return f"{entry}: {len(ours)} results of the one implementation, {len(theirs)} of the other"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        one_input(Path(name).read_bytes())
        print(f"{name}: clean")
