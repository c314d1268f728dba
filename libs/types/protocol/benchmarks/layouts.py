"""Who computes the layout: hand-written formats, this package, ctypes, numpy, construct, dissect.cstruct.

    python libs/types/protocol/benchmarks/layouts.py                  what is exact, what it costs to import and declare
    python libs/types/protocol/benchmarks/layouts.py --instructions   with instruction counts (valgrind; a minute)

Owns the evaluation behind docs/adr/0014-computed-layouts.md.  Each library is given the declared fields in their order
with their types and nothing about padding, and places them by its own rules; that is compared with the wire.  What the
original system compares with is the layout by hand: those formats are written out in `layout_ways`.

The instruction counts compare one compiled encoder (or decoder) on offsets that were computed with the same one on
offsets that were written by hand.  What can differ is the table, not the code; that it does not is the claim.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import resource
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import libs.types.protocol
from libs.types.protocol import I64, TLV, U8, U16, U64, field
from libs.types.protocol.benchmarks.harness import skipped, surroundings
from libs.types.protocol.benchmarks.layout_ways import BY_HAND, WAYS
from libs.types.protocol.layout import Layout, RawKind, VectorKind
from libs.types.protocol.tables import layout_rows

STRUCTS = ("TradeTLV", "PoolSwapTLV", "OrderBookTLV", "ArbitrageSignalTLV")

class TradeByHand(TLV, type=1, registered=False, size=40):
    """The trade with every offset written down."""

    asset_id: U64 = field(at=0)
    price: I64 = field(at=8)
    volume: I64 = field(at=16)
    timestamp_ns: U64 = field(at=24)
    venue_id: U16 = field(at=32)
    asset_type: U8 = field(at=34)
    reserved: U8 = field(at=35, default=0)
    side: U8 = field(at=36)


def exactness() -> Iterator[str]:
    """A line for each way: for each struct, whether its offsets and size are those of the wire."""
    yield f"{'':28}" + "".join(f"{name:>22}" for name in STRUCTS)
    for label, (way, _) in WAYS.items():
        cells = []
        for name in STRUCTS:
            layout: Layout = getattr(libs.types.protocol, name).layout()
            try:
                offsets, size = way(layout)
            except ImportError as error:
                skipped(label, error)
                break
            wrong = [each for each in layout.fields if offsets[each.name] != each.offset]
            cells.append("exact" if not wrong and size == layout.size else
                         f"{wrong[0].name}: {offsets[wrong[0].name]}, not {wrong[0].offset}" if wrong else
                         f"{size} bytes, not {layout.size}")  # fmt: skip
        else:
            yield f"{label:28}" + "".join(f"{cell[:40]:>22}" if len(cell) < 22 else f"  {cell}" for cell in cells)


def same_bytes(seed: int = 3) -> None:
    """What the formats by hand pack is what this package packs.  Raises AssertionError."""
    draw = random.Random(seed)
    for name in STRUCTS:
        cls = getattr(libs.types.protocol, name)
        raw = bytearray(draw.randbytes(cls.SIZE))
        layout: Layout = cls.layout()
        for gap in layout.gaps():
            raw[gap.offset : gap.offset + gap.size] = bytes(gap.size)
        for each in layout.fields:
            if isinstance(each.kind, VectorKind):
                raw[each.offset : each.end] = b"\x02".ljust(each.kind.size, b"\0")
            elif isinstance(each.kind, RawKind):
                raw[each.offset + each.kind.length : each.end] = bytes(each.kind.pad)
        value = cls.from_buffer(bytes(raw))
        again = cls(**{each.name: getattr(value, each.name) for each in layout.fields})
        by_hand = struct.pack(BY_HAND[name], *struct.unpack(BY_HAND[name], raw))
        assert bytes(again) == bytes(value) == by_hand, name


def start_up(repeats: int) -> Iterator[str]:
    """Milliseconds of processor time that an import takes in a new process, and of one declaration."""
    empty = _process("pass", repeats)
    layout = libs.types.protocol.TradeTLV.layout()
    for label, (way, statement) in WAYS.items():
        took = _process(statement, repeats)
        if took is None:
            continue
        times = []
        for _ in range(20):
            start = time.perf_counter()
            way(layout)
            times.append(time.perf_counter() - start)
        yield f"{label:28} import {max(took - (empty or 0), 0):6.1f} ms   declaring a trade {1e3 * min(times):7.3f} ms"
    for name in ("c", "python"):
        took = _process("import libs.types.protocol", repeats, ALPHAPULSE_CODEC=name)
        if took is not None:
            yield f"{'  this package, ' + name:28} import {took - (empty or 0):6.1f} ms"


def _process(statement: str, repeats: int, **variables: str) -> float | None:
    """Milliseconds of processor time, the least of all repeats; None where the statement fails."""
    times = []
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-c", statement], env={**os.environ, **variables}, capture_output=True, check=False
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            return None
        times.append(1e3 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    return min(times)


LOOP = """
import libs.types.protocol
from libs.types.protocol.benchmarks.layouts import TradeByHand
cls = {cls}
paths = [each.name for each in cls.layout().fields]
encode = libs.types.protocol.Encoder(cls, *paths, relay_domain=1, source=1)
decode = libs.types.protocol.Decoder(cls, *paths)
message = encode(1 << 40, 2 << 40, 3 << 40, 1 << 60, 5, 6, 7, 1)
for _ in range({count}): {statement}
"""
STATEMENTS = {"encode": "encode(1 << 40, 2 << 40, 3 << 40, 1 << 60, 5, 6, 7, 1)", "decode": "decode(message)"}


def instructions() -> Iterator[str]:
    """Instructions per call: the slope between two lengths of the loop."""
    for implementation in ("c", "python"):
        for word, statement in STATEMENTS.items():
            figures = []
            for cls in ("TradeByHand", "libs.types.protocol.TradeTLV"):
                few, many = (
                    _count(LOOP.format(cls=cls, count=n, statement=statement), implementation) for n in (1000, 6000)
                )
                figures.append((many - few) / 5000)
            by_hand, computed = figures
            more = computed / by_hand - 1
            yield f"{implementation:8} {word:8} by hand {by_hand:9.2f}   computed {computed:9.2f}   {more:+.3%}"


def _count(code: str, implementation: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        out = f"--callgrind-out-file={Path(folder, 'out')}"
        command = ["valgrind", "--tool=callgrind", out, sys.executable, "-c", code]
        environment = {**os.environ, "PYTHONHASHSEED": "0", "ALPHAPULSE_CODEC": implementation}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    assert found is not None
    return int(found[1])


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--instructions", action="store_true", help="count instructions with valgrind, too")
    parser.add_argument("--repeats", type=int, default=10, help="processes for each import time")
    given = parser.parse_args(arguments)
    print(f"{surroundings()}; codec: {libs.types.protocol.implementation}\n\nOffsets and size by each way's own rules")
    print("\n".join(exactness()))
    same_bytes()
    ours, by_hand = (layout_rows(cls.layout())[0] for cls in (libs.types.protocol.TradeTLV, TradeByHand))
    assert [row[4:] for row in ours] == [row[4:] for row in by_hand], "the tables differ"
    print("\nThe formats by hand give the same bytes; the tables from both declarations of a trade are equal")
    print("\nStart\n" + "\n".join(start_up(given.repeats)))
    if given.instructions:
        print("\nInstructions per message\n" + "\n".join(instructions()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
