"""What the benchmarks share: the messages, what a peer is, and how many peers are timed fairly in one process.

Owns the method.  Must not know any codec.

A machine that does other work at the same time changes its speed from second to second, so no absolute time of one
peer says much.  Therefore every round runs every job once, in a new random order, and two jobs are compared round by
round: what is reported is the median of these ratios, and beside it the ratio of the fastest rounds.  Statements are
put into the text of the timed loop, so nobody pays for a wrapper; the empty loop is timed in the same rounds and
subtracted; the garbage collector is off.  The clock counts the time of this thread only: a loop that is longer than the
scheduler's slice would else be charged for what other programs did in between, and short loops would not.

A statement works on fixed names.  `build` is given the values and leaves the message in `b`; `parse` and `top` are
given `b` and leave each value under its name again, which is how the round trip of every peer is checked.
"""

from __future__ import annotations

import gc
import importlib
import os
import platform
import random
import statistics
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HEADER = ("ver", "dom", "src", "flg", "seq", "sent")
TRADE = (*HEADER, "inst", "price", "vol", "side", "tns")
BOOK = (*HEADER, "inst", "bns", "bids", "asks")
TOP = ("bp", "bs", "bc", "ap", "asz", "ac", "nb", "na")  # price, size, orders of both best levels; how many levels
HEADER_FIELDS = ("version", "domain", "source", "flags", "sequence", "sent_ns")
TRADE_FIELDS = (*HEADER_FIELDS, "instrument", "price", "volume", "side", "trade_ns")
BOOK_FIELDS = (*HEADER_FIELDS, "instrument", "book_ns")
LEVELS = 20
SOURCES = range(1, 20)
# How often a loop goes over its messages.  The messages and values of all peers together are larger than the cache: in
# a loop that meets each once, everybody would wait for memory, and the quickest the most.  A message that has just been
# received is in the cache.
REPEATS = {"trade": 4, "book": 10}

# operation: what its statement is given, what it leaves
OPERATIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "trade build": (TRADE, ("b",)),
    "trade parse": (("b",), TRADE),
    "book build": (BOOK, ("b",)),
    "book parse": (("b",), BOOK),
    "book top": (("b",), TOP),
}
APPEND_CRC = "\nb = b + append_crc32(b).to_bytes(4, 'little')"
VERIFY_CRC = "if append_crc32(b[:-4]) != int.from_bytes(b[-4:], 'little'): raise ValueError\nb = b[:-4]\n"

Clock = Callable[[], int]
Values = tuple[Any, ...]


@dataclass(slots=True)
class Peer:
    """A codec, or one way to use it.

    `names` are bound as locals of the timed function, `statements` go by operation.  `leaves` says what a statement
    leaves where that is not all; `takes` turns the values into others before the clock runs, for an interface that
    wants the same things in another form.  `checksum`: the format has its own.  `reader`: it builds as another peer
    does, so only its reading is timed.
    """

    name: str
    names: dict[str, Any]
    statements: dict[str, str]
    checksum: bool = False
    leaves: dict[str, tuple[str, ...]] = field(default_factory=dict)
    takes: dict[str, tuple[tuple[str, ...], Callable[..., Values]]] = field(default_factory=dict)
    reader: bool = False
    note: str = ""


@dataclass(slots=True)
class Job:
    """One timed loop: `run(clock)` gives its nanoseconds for `count` messages."""

    run: Callable[[Clock], int]
    count: int


def library(name: str) -> Any:
    """An optional library, untyped here.  Raises ImportError."""
    return importlib.import_module(name)


def trades(count: int = 250, seed: int = 11) -> list[Values]:
    """Values of `count` trades; source numbers from SOURCES."""
    draw = random.Random(seed)
    now = 1_700_000_000_000_000_000
    return [
        (1, 1, draw.choice(SOURCES), 0, 1_000_000 + i, now + draw.randrange(10**15), b"%012d" % draw.randrange(10**12),
         draw.randrange(1, 10**13), draw.randrange(1, 10**12), draw.randrange(2), now + draw.randrange(10**15))
        for i in range(count)
    ]  # fmt: skip


def books(count: int = 40, seed: int = 12) -> list[Values]:
    """Values of `count` books with LEVELS levels a side."""
    draw = random.Random(seed)
    now = 1_700_000_000_000_000_000

    def side(price: int, step: int) -> list[tuple[int, int, int]]:
        return [(price + step * i, draw.randrange(1, 10**11), draw.randrange(1, 400)) for i in range(LEVELS)]

    made = []
    for i in range(count):
        middle = draw.randrange(10**8, 10**13)
        made.append(
            (1, 1, draw.choice(SOURCES), 0, 1_000_000 + i, now + draw.randrange(10**15),
             b"%012d" % draw.randrange(10**12), now + draw.randrange(10**15), side(middle, -100),
             side(middle + 50, 100))
        )  # fmt: skip
    return made


def reads(obj: str, fields: Sequence[str], names: Sequence[str]) -> str:
    """Statements that read attributes into names."""
    return "\n".join(f"{name} = {obj}.{attribute}" for name, attribute in zip(names, fields, strict=True))


def keywords(fields: Sequence[str], names: Sequence[str], pattern: str = "{}={}") -> str:
    """`version=ver, ...`, or the same in another pattern."""
    return ", ".join(pattern.format(attribute, name) for name, attribute in zip(names, fields, strict=True))


def timed(statement: str, given: Sequence[str], names: dict[str, Any], pool: Sequence[Any]) -> Job:
    """A job that runs `statement` once for each item of `pool`."""
    body = "".join(f"  {line}\n" for line in statement.split("\n"))
    bound = "".join(f", {name}={name}" for name in names)
    text = f"def run(pool, clock{bound}):\n start = clock()\n for {', '.join(given)} in pool:\n{body}"
    text += " return clock() - start\n"
    space = dict(names)
    exec(compile(text, "<timed>", "exec"), space)
    run = space["run"]
    return Job(lambda clock: run(pool, clock), len(pool))


def once(
    statement: str, given: Sequence[str], names: dict[str, Any], leaves: Sequence[str]
) -> Callable[..., list[Any]]:
    """The statement as a function of what it is given; its result is what it leaves."""
    body = "".join(f" {line}\n" for line in statement.split("\n"))
    space = dict(names)
    exec(compile(f"def once({', '.join(given)}):\n{body} return [{', '.join(leaves)}]\n", "<once>", "exec"), space)
    function: Callable[..., list[Any]] = space["once"]
    return function


def jobs_of(peer: Peer, pools: dict[str, list[Values]]) -> tuple[dict[tuple[str, str, bool], Job], dict[str, int]]:
    """The peer's jobs by (name, operation, with a checksum), and the bytes of its messages by kind.

    Raises AssertionError where what is read is not what was written.
    """
    jobs: dict[tuple[str, str, bool], Job] = {}
    sizes: dict[str, int] = {}
    for kind, pool in pools.items():
        build = peer.statements.get(f"{kind} build")
        if build is None:
            continue
        given, convert = peer.takes.get(f"{kind} build", (OPERATIONS[f"{kind} build"][0], lambda *values: values))
        own_pool = [convert(*values) for values in pool]
        encode = once(build, given, peer.names, ("b",))
        messages = [encode(*values)[0] for values in own_pool]
        sizes[kind] = len(messages[0])
        repeats = REPEATS[kind]
        names = {**peer.names, "append_crc32": zlib.crc32}
        summed = [message + zlib.crc32(message).to_bytes(4, "little") for message in messages]
        if not peer.reader:
            jobs[peer.name, f"{kind} build", peer.checksum] = timed(build, given, peer.names, own_pool * repeats)
            if not peer.checksum:
                jobs[peer.name, f"{kind} build", True] = timed(build + APPEND_CRC, given, names, own_pool * repeats)
        for operation in (f"{kind} parse", f"{kind} top"):
            statement = peer.statements.get(operation)
            if statement is None:
                continue
            _check(peer, operation, statement, pool, messages)
            jobs[peer.name, operation, peer.checksum] = timed(statement, ("b",), peer.names, messages * repeats)
            if not peer.checksum:
                jobs[peer.name, operation, True] = timed(VERIFY_CRC + statement, ("b",), names, summed * repeats)
    return jobs, sizes


def _check(peer: Peer, operation: str, statement: str, pool: list[Values], messages: list[bytes]) -> None:
    leaves = peer.leaves.get(operation, OPERATIONS[operation][1])
    read = once(statement, ("b",), peer.names, leaves)
    for values, message in zip(pool, messages, strict=True):
        known: dict[str, Any] = dict(zip(TRADE if operation.startswith("trade") else BOOK, values, strict=True))
        if operation == "book top":
            bids, asks = known["bids"], known["asks"]
            known = dict(zip(TOP, (*bids[0], *asks[0], len(bids), len(asks)), strict=True))
        for name, found in zip(leaves, read(message), strict=True):
            if _plain(found) != known[name]:
                raise AssertionError(f"{peer.name}, {operation}: {name} is {found!r}, was {known[name]!r}")


def _plain(value: Any) -> Any:
    return [tuple(each) for each in value] if isinstance(value, list) else value


def interleave(jobs: dict[Any, Job], rounds: int, seed: int = 1) -> dict[Any, list[float]]:
    """Nanoseconds per message of each job, one figure for each round."""
    clock = time.thread_time_ns
    times: dict[Any, list[float]] = {key: [] for key in jobs}
    order, draw = list(jobs), random.Random(seed)
    for job in jobs.values():
        job.run(clock)
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            draw.shuffle(order)
            for key in order:
                times[key].append(jobs[key].run(clock) / jobs[key].count)
    finally:
        gc.enable()
    return times


class Times:
    """What the rounds gave, less the empty loop of the same operation."""

    def __init__(self, times: dict[tuple[str, str, bool], list[float]]) -> None:
        self.empty = {key[1]: statistics.median(rounds) for key, rounds in times.items() if not key[0]}
        least = {key[1]: min(rounds) for key, rounds in times.items() if not key[0]}
        self.net = {k: [max(t - self.empty[k[1]], 0.1) for t in rounds] for k, rounds in times.items() if k[0]}
        self.best = {k: max(min(rounds) - least[k[1]], 0.1) for k, rounds in times.items() if k[0]}

    def speed(self, key: tuple[str, str, bool], other: tuple[str, str, bool]) -> tuple[float, float]:
        """How many times faster `key` is than `other`: the median of the rounds' ratios, and of the best rounds."""
        pairs = zip(self.net[key], self.net[other], strict=True)
        return statistics.median(theirs / ours for ours, theirs in pairs), self.best[other] / self.best[key]

    def median(self, key: tuple[str, str, bool]) -> float:
        return statistics.median(self.net[key])


def empty_jobs(pools: dict[str, list[Values]]) -> dict[tuple[str, str, bool], Job]:
    """The loops that are subtracted."""
    jobs = {}
    for operation, (given, _) in OPERATIONS.items():
        pool: Sequence[Any] = pools[operation.split()[0]]
        if given == ("b",):
            pool = [b""] * len(pool)
        jobs["", operation, False] = timed("pass", given, {}, list(pool) * REPEATS[operation.split()[0]])
    return jobs


def surroundings() -> str:
    """One line: interpreter, processor, how many of them, load."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"
    version = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{version}, {cpu()}, {os.cpu_count()} cores, load {load}"


def cpu() -> str:
    """The processor's own name, where the system tells."""
    try:
        lines: Iterable[str] = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = ()
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named and named[0] not in ("", "unknown") else platform.processor() or platform.machine()


def skipped(name: str, error: BaseException) -> None:
    """Say which peer is left out, and why."""
    print(f"- {name} is left out: {type(error).__name__}: {str(error)[:120]}", file=sys.stderr)
