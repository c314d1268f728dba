"""This protocol's codec beside other libraries, one message at a time, all in one process.

    python libs/types/protocol/benchmarks/peers.py                       all that can be imported
    python libs/types/protocol/benchmarks/peers.py --rounds 61 --json peers.json
    python libs/types/protocol/benchmarks/peers.py --only struct,msgspec

Owns the command and its tables.  How it is measured is in `harness`; what is compared, in `peers_ours`, `peers_fixed`
and `peers_formats`.  Every peer is optional and `requirements.txt` has the versions; one that cannot be imported is
named and left out.  Figures of two runs must not be compared with each other, only ratios within one.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import libs.types.protocol
from libs.types.protocol.benchmarks import goals, peers_fixed, peers_formats, peers_ours
from libs.types.protocol.benchmarks.harness import (
    BOOK,
    OPERATIONS,
    TRADE,
    Job,
    Peer,
    Times,
    books,
    empty_jobs,
    interleave,
    jobs_of,
    once,
    skipped,
    surroundings,
    trades,
)

Key = tuple[str, str, bool]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=31, help="how often every peer runs (61 for figures to quote)")
    parser.add_argument("--only", default="", metavar="WORD,WORD", help="only peers whose name has one of these in it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here, too")
    given = parser.parse_args(arguments)
    pools = {"trade": trades(), "book": books()}
    jobs: dict[Key, Job] = dict(empty_jobs(pools))
    sizes: dict[str, dict[str, int]] = {}
    wanted = [word for word in given.only.split(",") if word]
    notes = {}
    for peer in _peers(wanted):
        own, sizes[peer.name] = jobs_of(peer, pools)
        jobs.update(own)
        notes[peer.name] = peer.note
    _same_bytes()
    before = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    times = Times(interleave(jobs, given.rounds))
    codec = libs.types.protocol.implementation
    print(f"{surroundings()} (before: {before:.1f}); codec: {codec}; {given.rounds} rounds")
    for operation in OPERATIONS:
        _print(operation, times, sizes, notes)
    print("\nGoals (ratios of this run)")
    print("\n".join(goals.table(times)))
    if given.json:
        given.json.write_text(json.dumps(_record(times, sizes, given.rounds), indent=1), encoding="utf-8")
    return 0


def _peers(wanted: list[str]) -> Iterator[Peer]:
    """The peers, ours first; one that cannot be imported is left out."""
    makers: list[Callable[[], Peer]] = [*peers_fixed.PEERS, *peers_formats.PEERS]
    yield from peers_ours.ways(libs.types.protocol, "ours")
    if libs.types.protocol.implementation != "python":
        yield from peers_ours.ways(peers_ours.python_twin(), "python")
    for make in makers:
        if wanted and make is not peers_fixed.reference and not any(word in make.__name__ for word in wanted):
            continue
        try:
            peer = make()
        except ImportError as error:
            skipped(make.__name__, error)
            continue
        yield peer


def _same_bytes() -> None:
    """The struct peer with our layout writes what our encoder writes.  Raises AssertionError."""
    ours = next(peers_ours.ways(libs.types.protocol, "ours"))
    same = peers_fixed.same_wire()
    same.statements["book build"] = peers_fixed.reference().statements["book build"]
    for kind, names, pool in (("trade", TRADE, trades(50)), ("book", BOOK, books(5))):
        encode, pack = (once(p.statements[f"{kind} build"], names, p.names, ("b",)) for p in (ours, same))
        assert all(encode(*values) == pack(*values) for values in pool), f"struct and Encoder differ for a {kind}"


def _print(operation: str, times: Times, sizes: dict[str, dict[str, int]], notes: dict[str, str]) -> None:
    reference = (goals.REFERENCE, operation, True)
    rows = sorted((times.median(key), key[0]) for key in times.net if key[1] == operation and key[2])
    print(f"\n{operation}: ns per message with a checksum; speed against {goals.REFERENCE}")
    print(f"  {'':28} {'bytes':>5} {'as is':>8} {'':>7} {'+crc':>8} {'':>7} {'best':>8} {'':>7}")
    for median, name in rows:
        plain = ""
        if (name, operation, False) in times.net:
            key = (name, operation, False)
            plain = f"{times.median(key):8.0f} {times.speed(key, reference)[0]:6.2f}x"
        ratio, best = times.speed((name, operation, True), reference)
        print(
            f"  {name:28} {sizes[name][operation.split()[0]]:5} {plain:16} {median:8.0f} {ratio:6.2f}x "
            f"{times.best[name, operation, True]:8.0f} {best:6.2f}x  {notes[name]}".rstrip()
        )


def _record(times: Times, sizes: dict[str, dict[str, int]], rounds: int) -> dict[str, Any]:
    rows = []
    for (name, operation, summed), _ in times.net.items():
        key, reference = (name, operation, summed), (goals.REFERENCE, operation, True)
        ratio, best = times.speed(key, reference)
        rows.append({"peer": name, "operation": operation, "checksum": summed,
                     "ns": round(times.median(key), 1), "best_ns": round(times.best[key], 1),
                     "speed": round(ratio, 3), "best_speed": round(best, 3)})  # fmt: skip
    return {
        "surroundings": surroundings(),
        "implementation": libs.types.protocol.implementation,
        "rounds": rounds,
        "versions": dict(_versions()),
        "bytes": sizes,
        "rows": rows,
        "goals": [
            {"row": goal.row, "what": goal.what, "median": round(median, 3), "best": round(best, 3),
             "verdict": goals.verdict(median, goal)}
            for goal, median, best in goals.results(times)
        ],
    }  # fmt: skip


def _versions() -> Iterator[tuple[str, str]]:
    pinned = Path(__file__).with_name("requirements.txt").read_text(encoding="utf-8").splitlines()
    for line in pinned:
        name = line.partition("==")[0]
        if name and not name.startswith("#"):
            try:
                yield name, version(name)
            except PackageNotFoundError:
                continue


if __name__ == "__main__":
    sys.exit(main())
