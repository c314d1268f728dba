"""How long one message takes from values to a route, call by call, and how many blocks of memory it needs.

    python libs/types/protocol/benchmarks/latency.py
    python libs/types/protocol/benchmarks/latency.py --calls 300000 --repeats 3

Owns the distribution: `peers` says what a message costs on average, here the slow calls show.  One call is: build a
trade from its values, parse it with all checks, choose its relay by domain.  Every call is timed by itself, and the
cost of reading the clock twice is taken off each percentile.  The last percentiles belong to the scheduler, so the
smallest of the repeats is shown; the maximum is not.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import libs.types.protocol
from libs.types.protocol.benchmarks import peers_ours
from libs.types.protocol.benchmarks.harness import TRADE, Values, surroundings, trades

SEED_NS = 35_000  # what the original system states for this path
PERCENTILES = (50.0, 99.0, 99.9)
GOALS = {50.0: (1000, 500, 300), 99.0: (2000, 1000, 500), 99.9: (10_000, 3000, 1000)}  # must, goal, moonshot; ns
LOOP = """
def run(pool, times, clock):
    at = 0
    for VALUES in pool:
        start = clock()
        STATEMENT
        times[at] = clock() - start
        at += 1
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--calls", type=int, default=100_000, help="timed calls in each repeat")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args(arguments)
    print(f"{surroundings()}; codec: {libs.types.protocol.implementation}; {given.repeats} times {given.calls} calls")
    paths(given.calls, given.repeats)
    print()
    blocks(max(100, given.calls // 100))
    return 0


def paths(calls: int, repeats: int) -> None:
    """The table of percentiles."""
    clock = _percentiles("pass", {}, calls, repeats)
    packages = [("ours", libs.types.protocol)]
    if libs.types.protocol.implementation != "python":
        packages.append(("python", peers_ours.python_twin()))
    print(f"{'build + parse + route, ns':40} {'p50':>8} {'p99':>8} {'p99.9':>8}   against the original's 35 us")
    _row("reading the clock twice", clock, "")
    for label, package in packages:
        for name, statement, names in _hot_paths(package):
            net = [max(found - empty, 0) for found, empty in zip(
                _percentiles(statement, names, calls, repeats), clock, strict=True)]  # fmt: skip
            middle, last = (SEED_NS / max(net[at], 1) for at in (0, 2))
            _row(f"{label}, {name}", net, f"{middle:.0f}x at p50, {last:.0f}x at p99.9")
            if label == "ours" and name == "by Encoder and view":
                _verdict(net)


def _hot_paths(package: Any) -> list[tuple[str, str, dict[str, Any]]]:
    encoder = next(peers_ours.ways(package, "")).names["encode"]
    relays: dict[int, str] = {1: "market_data", 2: "signal", 3: "execution", 4: "system"}
    names = {"encode": encoder, "parse": package.parse_message, "relays": relays,
             "domain_of": package.Decoder(package.TradeTLV, "header.relay_domain").decode}  # fmt: skip
    build = f"b = encode({', '.join(TRADE[1:])})"
    return [
        ("by Encoder and view", f"{build}; route = relays[parse(b).relay_domain]", names),
        ("by Encoder and Decoder", f"{build}; route = relays[domain_of(b)[0]]", names),
    ]


def _percentiles(statement: str, names: dict[str, Any], calls: int, repeats: int) -> list[int]:
    pool = _pool(calls)
    text = LOOP.replace("VALUES", ", ".join(TRADE)).replace("STATEMENT", statement)
    space = dict(names)
    exec(compile(text, "<latency>", "exec"), space)
    run: Callable[..., None] = space["run"]
    found: list[list[int]] = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(repeats):
            times = [0] * calls
            run(pool, times, time.perf_counter_ns)
            times.sort()
            found.append([times[min(calls - 1, int(calls * p / 100))] for p in PERCENTILES])
    finally:
        gc.enable()
    return [min(column) for column in zip(*found, strict=True)]


def _pool(calls: int) -> list[Values]:
    messages = trades()
    return (messages * (calls // len(messages) + 1))[:calls]


def _row(name: str, figures: Sequence[int], note: str) -> None:
    print(f"{name:40} {figures[0]:8} {figures[1]:8} {figures[2]:8}   {note}".rstrip())


def _verdict(net: Sequence[int]) -> None:
    words = []
    for p, figure in zip(PERCENTILES, net, strict=True):
        must, goal, moonshot = GOALS[p]
        word = "moonshot" if figure <= moonshot else "goal" if figure <= goal else "must" if figure <= must else "SHORT"
        words.append(f"p{p:g} {word} ({moonshot}/{goal}/{must})")
    print(f"  row 14: {', '.join(words)}")


def blocks(count: int) -> None:
    """Blocks that the interpreter's allocator hands out for each message that is kept."""
    messages = trades()
    encoder = next(peers_ours.ways(libs.types.protocol, "ours")).names["encode"]
    data = [encoder(*values[1:]) for values in messages]
    parse = libs.types.protocol.parse_message
    pool, raw = _pool(count), (data * (count // len(data) + 1))[:count]
    kept: list[Any] = [None] * count

    def encode_all() -> None:
        for at, values in enumerate(pool):
            kept[at] = encoder(*values[1:])

    def view_all() -> None:
        for at, message in enumerate(raw):
            kept[at] = parse(message)

    def view_one_by_one() -> None:
        for message in raw:
            parse(message)

    print("blocks of memory per message (row 15)")
    cases = [("encode, the bytes kept", encode_all, count), ("view, kept", view_all, count)]
    for name, run, size in [*cases, ("view, dropped before the next", view_one_by_one, count), _batch(data)]:
        kept[:] = [None] * count
        run()
        kept[:] = [None] * count
        gc.collect()
        before = sys.getallocatedblocks()
        run()
        print(f"  {name:32} {(sys.getallocatedblocks() - before) / size:8.3f}")


def _batch(data: list[bytes]) -> tuple[str, Callable[[], None], int]:
    """Columns of ten thousand messages; none of their blocks belongs to one message."""
    rows = b"".join(data * 40)
    result: list[Any] = [None]

    def run() -> None:
        result[0] = None
        result[0] = libs.types.protocol.decode_batch(rows, libs.types.protocol.TradeTLV, form="columns")

    return "batch, columns kept", run, 40 * len(data)


if __name__ == "__main__":
    sys.exit(main())
