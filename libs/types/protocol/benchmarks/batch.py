"""How fast batches are, as ratios: against memcpy of the same bytes, numpy views, and a struct+zlib loop.

    python -m libs.types.protocol.benchmarks.batch [--messages 1000000] [--rounds 31] [--clock cpu] [--checksum slicing]

Owns the measurement of `decode_batch` and `encode_batch` on trades of 74 bytes: seven columns, once with data that
comes from memory and once with 4,000 messages that stay in cache.  Must not judge: the goals are printed beside.

All contestants run in one process, each once a round, in another random order every round.  A ratio is the median of
the ratios of the rounds (what happened at the same time is compared), `best` is the ratio of the fastest rounds.
Arrays are made and touched before; `fresh` rows show what new memory costs.  With `--clock cpu` the time of
this process alone counts, for a machine that does other work.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import random
import statistics
import struct
import sys
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from libs.types.protocol import RelayDomain, SourceType, TradeTLV, batch, implementation
from libs.types.protocol.interop import numpy_dtype

FIELDS = ("asset_id", "price", "volume", "timestamp_ns", "venue_id", "asset_type", "side")
SIZE = 74
IN_CACHE = 4_000
LONG_CALL = 40_000  # half a millisecond: long beside the time in which a thread is woken
CLOCKS = {"wall": time.perf_counter_ns, "cpu": time.process_time_ns}
LOOP = 20_000
SENDER: dict[str, Any] = {
    "relay_domain": RelayDomain.MARKET_DATA,
    "source": SourceType.KRAKEN_COLLECTOR,
    "sequence": 1,
    "timestamp": 1_700_000_000_000_000_000,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall", help="cpu: the time of this process only")
    parser.add_argument("--checksum", default="auto", help="auto, avx512, pclmul or slicing (compiled codec only)")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    about = {**machine(options.checksum), "clock": options.clock}
    print("\n".join(f"{key}: {value}" for key, value in about.items()))
    figures: dict[str, Any] = {"about": about}
    gc.disable()
    for count in (options.messages, IN_CACHE):
        repeat = max(1, min(25, 400_000 // count))
        print(f"\n{count:,} messages, {count * SIZE / 1e6:.1f} MB, {repeat} calls a round")
        figures[str(count)] = measure(contestants(count), count, options.rounds, repeat, CLOCKS[options.clock])
    figures["threads"] = two_threads(IN_CACHE, options.rounds)
    figures["threads, long calls"] = two_threads(LONG_CALL, options.rounds)
    figures["blocks"] = allocated_blocks(options.messages)
    print(f"load average at the end: {load()}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


def machine(checksum: str) -> dict[str, str]:
    """What the figures belong to; also selects the checksum."""
    select = getattr(sys.modules[batch.decode_rows.__module__], "crc32_implementation", None)
    if select is None and checksum != "auto":
        sys.exit("--checksum needs the compiled codec")
    return {
        "processor": processor(),
        "system": f"{platform.system()}, {os.cpu_count()} processors, load average {load()}",
        "python": f"{platform.python_version()}, numpy {np.__version__}",
        "implementation": f"{implementation}, kernel {batch.decode_rows.__module__}",
        "checksum": select(checksum) if select else "zlib",
    }


def processor() -> str:
    """The name of the processor as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    wanted = ("model name", "cpu family", "model")
    found = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines[:20])}
    return ", ".join(f"{key} {found[key]}" for key in wanted if key in found) or platform.machine()


def load() -> str:
    """The load average, where the system has one."""
    return " ".join(f"{value:.2f}" for value in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"


def some_trades(count: int) -> dict[str, Any]:
    """Columns with all bytes in use."""
    numbers = np.random.default_rng(1)
    return {
        "asset_id": numbers.integers(0, 2**63, count, np.uint64),
        "price": numbers.integers(0, 2**62, count),
        "volume": numbers.integers(0, 2**62, count),
        "timestamp_ns": numbers.integers(0, 2**63, count, np.uint64),
        "venue_id": numbers.integers(0, 700, count, np.uint16),
        "asset_type": numbers.integers(0, 200, count, np.uint8),
        "side": numbers.integers(0, 2, count, np.uint8),
    }


def contestants(count: int) -> dict[str, Callable[[], object]]:
    """Functions that each work on `count` messages; `loop` on at most LOOP of them."""
    columns = some_trades(count)
    data = batch.encode_batch(TradeTLV, columns, **SENDER)
    assert isinstance(data, bytearray)
    source, target = np.frombuffer(data, np.uint8), np.zeros(len(data), np.uint8)
    encoded = bytearray(len(data))
    filled = batch.decode_batch(data, TradeTLV, form="columns", fields=FIELDS)
    rows = batch.decode_batch(data, TradeTLV)
    assert all((filled[name] == columns[name]).all() for name in FIELDS)

    def decode(checksum: bool, form: Any = "columns", **more: Any) -> object:
        return batch.decode_batch(data, TradeTLV, form=form, checksum=checksum, **more)

    trade = numpy_dtype(TradeTLV)
    names, where, formats = FIELDS, trade.fields, []
    assert where is not None
    formats = [where[name][0] for name in names]
    offsets = [34 + where[name][1] for name in names]
    view = np.frombuffer(data, np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": SIZE}))
    copies = {name: np.empty(count, view.dtype[name]) for name in FIELDS}

    def numpy_view() -> None:
        for name in FIELDS:
            copies[name][...] = view[name]

    one = memoryview(data)[: LOOP * SIZE]
    return {
        "memcpy": lambda: np.copyto(target, source),
        "decode": lambda: decode(True, fields=FIELDS, out=filled),
        "decode, no checksum": lambda: decode(False, fields=FIELDS, out=filled),
        "decode, fresh columns": lambda: decode(True, fields=FIELDS),
        "decode to rows": lambda: decode(True, "numpy", out=rows),
        "encode": lambda: batch.encode_batch(TradeTLV, columns, **SENDER, out=encoded),
        "encode, no checksum": lambda: batch.encode_batch(TradeTLV, columns, **SENDER, out=encoded, signed=False),
        "encode, fresh buffer": lambda: batch.encode_batch(TradeTLV, columns, **SENDER),
        "encode from rows": lambda: batch.encode_batch(TradeTLV, rows, **SENDER, out=encoded),
        "numpy view, no checksum": numpy_view,
        "loop": lambda: struct_zlib_loop(one),
    }


def struct_zlib_loop(data: memoryview) -> list[Any]:
    """What one writes without a library: a tuple for each message, its checksum verified."""
    header, trade = struct.Struct("<IBBBBQQII").unpack_from, struct.Struct("<QqqQHBBB").unpack_from
    crc32, out = zlib.crc32, []
    for at in range(0, len(data), SIZE):
        head = header(data, at)
        if head[0] != 0xDEADBEEF or crc32(data[at + 32 : at + SIZE], crc32(data[at : at + 28])) != head[8]:
            raise ValueError(at)
        out.append(trade(data, at + 34))
    return out


GOALS = {
    "decode": "row 10: 0.40 must, 0.60 goal, 0.75 moonshot",
    "encode": "row 11: 0.40 must, 0.65 goal, 0.80 moonshot",
}


def measure(
    runs: dict[str, Callable[[], object]], count: int, rounds: int, repeat: int, clock: Callable[[], int]
) -> dict[str, Any]:
    """Rounds of all contestants; prints and returns nanoseconds per message and ratios."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    order = list(runs)
    for turn in range(rounds + 1):
        random.shuffle(order)
        for name in order:
            again = 1 if name == "loop" else repeat
            messages = min(count, LOOP) if name == "loop" else count
            start = clock()
            for _ in range(again):
                runs[name]()
            if turn:  # the first round warms up
                times[name].append((clock() - start) / again / messages)
    print(f"{'':26}{'ns/msg':>9}{'best':>9}{'M/s':>7}{'of memcpy':>11}{'best':>7}{'x loop':>9}{'best':>7}")
    figures = {}
    for name, own in times.items():
        row = {
            "ns": statistics.median(own),
            "best_ns": min(own),
            "of_memcpy": ratio(times["memcpy"], own),
            "best_of_memcpy": min(times["memcpy"]) / min(own),
            "x_loop": ratio(times["loop"], own),
            "best_x_loop": min(times["loop"]) / min(own),
        }
        figures[name] = row
        print(
            f"{name:26}{row['ns']:9.2f}{row['best_ns']:9.2f}{1e3 / row['ns']:7.1f}{row['of_memcpy']:11.2f}"
            f"{row['best_of_memcpy']:7.2f}{row['x_loop']:9.1f}{row['best_x_loop']:7.1f}  {GOALS.get(name, '')}"
        )
    for name in ("decode", "encode"):
        cost = ratio(times[name], times[f"{name}, no checksum"])
        best = min(times[name]) / min(times[f"{name}, no checksum"])
        print(f"{name}: with checksum / without {cost:.2f}, best {best:.2f}  (row 12: 1.3 goal, 1.1 moonshot)")
        figures[f"{name} checksum cost"] = {"median": cost, "best": best}
    print("row 13: `x loop` of decode with --checksum slicing; 15 must, 25 goal")
    return figures


def ratio(of: Sequence[float], to: Sequence[float]) -> float:
    """Median of the ratios of the rounds."""
    return statistics.median(a / b for a, b in zip(of, to, strict=True))


def two_threads(count: int, rounds: int) -> dict[str, float]:
    """Throughput of two threads against one, decoding apart from each other (row 18)."""
    columns = some_trades(count)
    data = batch.encode_batch(TradeTLV, columns, **SENDER)
    assert isinstance(data, bytearray)
    outs = [batch.decode_batch(data, TradeTLV, form="columns", fields=FIELDS) for _ in range(2)]

    def work(out: Any) -> None:
        for _ in range(200 * IN_CACHE // count):
            batch.decode_batch(data, TradeTLV, form="columns", fields=FIELDS, out=out)

    alone, together = [], []
    for _ in range(rounds):
        start = time.perf_counter_ns()
        work(outs[0])
        alone.append(time.perf_counter_ns() - start)
        threads = [threading.Thread(target=work, args=(out,)) for out in outs]
        start = time.perf_counter_ns()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        together.append(time.perf_counter_ns() - start)
    median, best = 2 * ratio(alone, together), 2 * min(alone) / min(together)
    print(
        f"\ntwo threads, {count:,} messages each: {median:.2f} times the throughput of one, best {best:.2f}"
        "  (row 18: 1.5 must, 1.8 goal, on a free machine)"
    )
    return {"median": median, "best": best}


def allocated_blocks(count: int) -> dict[str, int]:
    """Python's memory blocks that a batch leaves behind, for two sizes (row 15: none per message)."""
    left = {}
    for messages in (1_000, count):
        columns = some_trades(messages)
        data = batch.encode_batch(TradeTLV, columns, **SENDER)
        assert isinstance(data, bytearray)
        batch.decode_batch(data, TradeTLV)
        before = sys.getallocatedblocks()
        kept = batch.decode_batch(data, TradeTLV), batch.encode_batch(TradeTLV, columns, **SENDER)
        left[str(messages)] = sys.getallocatedblocks() - before
        del kept
    print("blocks kept by one decoded and one encoded batch: " +
          ", ".join(f"{blocks} for {int(messages):,} messages" for messages, blocks in left.items()) +
          "  (row 15: none per message)")  # fmt: skip
    return left


if __name__ == "__main__":
    main()
