"""Fixed order book against a list-based one: time, bytes and memory, for the same contents.

    python -m libs.types.protocol.benchmarks.order_book [--rounds N] [--levels 0 10 50]

Owns the list-based book (a dataclass with lists, packed with `struct` into 44 + 24 bytes a level, the form that the
fixed one replaced) and the measuring.  Must not know why one of them was chosen: docs/adr/0012 does.

All operations of both books are measured in one run, in turns, the order of the two changing from round to round, so
that a slower moment of the machine meets both.  A row shows the medians over the rounds, and the median of the ratios
of each round; a ratio above 1 says that the fixed book takes that much more.
"""

from __future__ import annotations

import argparse
import gc
import platform
import struct
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import Any

from libs.types.protocol import MessageBuilder, OrderBookTLV, RelayDomain, SourceType, implementation, parse_message

Row = tuple[int, int, int]
Side = list[Row]
ROUNDS, SLICE_NS, KEPT = 41, 2_000_000, 200
# The list-based book travels as a vendor type: the size of type 3 is checked.
VENDOR_TYPE = 250
HEAD, COUNT, LEVEL = struct.Struct("<QHBBQQq"), struct.Struct("<I"), struct.Struct("<qqII")


@dataclass(slots=True)
class ListLevel:
    """A level of the list-based book."""

    price: int
    size: int
    order_count: int = 0


@dataclass(slots=True)
class ListBook:
    """The book as a program would write it that has no fixed slots."""

    asset_id: int
    venue_id: int
    asset_type: int
    reserved: int
    timestamp_ns: int
    sequence: int
    precision_factor: int
    bids: list[ListLevel]
    asks: list[ListLevel]

    def pack(self) -> bytes:
        parts = [HEAD.pack(self.asset_id, self.venue_id, self.asset_type, self.reserved, self.timestamp_ns,
                           self.sequence, self.precision_factor)]  # fmt: skip
        for side in (self.bids, self.asks):
            parts.append(COUNT.pack(len(side)))
            parts += [LEVEL.pack(level.price, level.size, level.order_count, 0) for level in side]
        return b"".join(parts)

    @classmethod
    def unpack(cls, data: bytes | memoryview) -> ListBook:
        at, sides = HEAD.size, []
        for _ in range(2):
            (count,) = COUNT.unpack_from(data, at)
            at += COUNT.size
            end = at + count * LEVEL.size
            rows = LEVEL.iter_unpack(memoryview(data)[at:end])
            sides.append([ListLevel(price, size, orders) for price, size, orders, _ in rows])
            at = end
        return cls(*HEAD.unpack_from(data), *sides)


@dataclass(frozen=True, slots=True)
class Case:
    """One operation on both books."""

    name: str
    fixed: Callable[[], Any]
    listed: Callable[[], Any]


def sides(levels: int) -> tuple[Side, Side]:
    """The contents: prices a cent apart around 45 000, scaled by 1e8."""
    cent, middle = 1_000_000, 4_500_000_000_000
    bids = [(middle - index * cent, 100_000_000 + index, index) for index in range(levels)]
    asks = [(middle + (index + 1) * cent, 100_000_000 + index, index) for index in range(levels)]
    return bids, asks


def make_fixed(bids: Side, asks: Side) -> OrderBookTLV:
    return OrderBookTLV(
        timestamp_ns=1, sequence=2, asset_id=3, venue_id=101, asset_type=51, bids=bids, asks=asks
    )  # fmt: skip


def make_listed(bids: Side, asks: Side) -> ListBook:
    return ListBook(
        3, 101, 51, 0, 1, 2, 100_000_000, [ListLevel(*row) for row in bids], [ListLevel(*row) for row in asks]
    )


def cases(levels: int) -> list[Case]:
    bids, asks = sides(levels)
    fixed, listed = bytes(make_fixed(bids, asks)), make_listed(bids, asks).pack()
    fixed_message, listed_message = message(3, fixed), message(VENDOR_TYPE, listed)
    found = [
        Case("build, to bytes", lambda: bytes(make_fixed(bids, asks)), lambda: make_listed(bids, asks).pack()),
        Case("parse", lambda: OrderBookTLV.from_buffer(fixed), lambda: ListBook.unpack(listed)),
        Case("parse, all levels", lambda: all_fixed(fixed), lambda: all_listed(listed)),
    ]
    if levels:
        found += [
            Case("parse, best bid and ask", lambda: top_fixed(fixed), lambda: top_listed(listed)),
            Case("message with checksum, best bid and ask", lambda: top_fixed_message(fixed_message),
                 lambda: top_listed_message(listed_message)),
        ]  # fmt: skip
    return found


def message(number: int, payload: bytes) -> bytes:
    builder = MessageBuilder(
        relay_domain=RelayDomain.MARKET_DATA, source=SourceType.KRAKEN_COLLECTOR, sequence=1, timestamp=2
    )
    return builder.add_raw(number, payload).build()


def top_fixed_message(data: bytes) -> tuple[int, int]:
    book = parse_message(data).get(OrderBookTLV)
    assert book is not None
    return book.bid_price(0), book.ask_price(0)


def top_listed_message(data: bytes) -> tuple[int, int]:
    found = parse_message(data).find(VENDOR_TYPE)
    assert found is not None
    book = ListBook.unpack(found.payload)
    return book.bids[0].price, book.asks[0].price


def top_fixed(data: bytes) -> tuple[int, int]:
    book = OrderBookTLV.from_buffer(data)
    return book.bid_price(0), book.ask_price(0)


def top_listed(data: bytes) -> tuple[int, int]:
    book = ListBook.unpack(data)
    return book.bids[0].price, book.asks[0].price


def all_fixed(data: bytes) -> int:
    book, total = OrderBookTLV.from_buffer(data), 0
    for side in (book.bids, book.asks):
        for price, size, _ in side.to_tuples():
            total += price * size
    return total


def all_listed(data: bytes) -> int:
    book, total = ListBook.unpack(data), 0
    for side in (book.bids, book.asks):
        for level in side:
            total += level.price * level.size
    return total


def nanoseconds(call: Callable[[], Any], loops: int) -> float:
    begin = perf_counter_ns()
    for _ in range(loops):
        call()
    return (perf_counter_ns() - begin) / loops


def compare(all_cases: Sequence[Case], rounds: int) -> list[tuple[float, float, float]]:
    """Medians of fixed, of listed, and of their ratio, for each case."""
    loops = [[max(1, round(SLICE_NS / nanoseconds(call, 5))) for call in (case.fixed, case.listed)]
             for case in all_cases]  # fmt: skip
    taken: list[list[tuple[float, float]]] = [[] for _ in all_cases]
    for index in range(rounds):
        for case, (of_fixed, of_listed), times in zip(all_cases, loops, taken, strict=True):
            if index % 2:
                listed = nanoseconds(case.listed, of_listed)
                times.append((nanoseconds(case.fixed, of_fixed), listed))
            else:
                times.append((nanoseconds(case.fixed, of_fixed), nanoseconds(case.listed, of_listed)))
    return [
        (median(fixed for fixed, _ in times), median(listed for _, listed in times),
         median(fixed / listed for fixed, listed in times))
        for times in taken
    ]  # fmt: skip


def kept_memory(make: Callable[[], Any]) -> tuple[float, float]:
    """Bytes and allocated blocks of one parsed book that is kept, its own input included."""
    make()
    gc.collect()
    before = sys.getallocatedblocks()
    kept = [make() for _ in range(KEPT)]
    blocks = sys.getallocatedblocks() - before
    del kept
    gc.collect()
    tracemalloc.start()
    kept = [make() for _ in range(KEPT)]
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return size / KEPT, blocks / KEPT


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def report(levels: int, rounds: int) -> None:
    bids, asks = sides(levels)
    fixed, listed = bytes(make_fixed(bids, asks)), make_listed(bids, asks).pack()
    assert OrderBookTLV.from_buffer(fixed).bids.to_tuples() == bids
    assert ListBook.unpack(listed) == make_listed(bids, asks) and all_fixed(fixed) == all_listed(listed)
    print(f"\n{levels} levels a side\n\n| | fixed | list | ratio |\n| --- | ---: | ---: | ---: |")
    print(f"| bytes of the payload | {len(fixed)} | {len(listed)} | {len(fixed) / len(listed):.2f} |")
    found = cases(levels)
    for case, (of_fixed, of_listed, ratio) in zip(found, compare(found, rounds), strict=True):
        print(f"| {case.name}, ns | {of_fixed:,.0f} | {of_listed:,.0f} | {ratio:.2f} |")
    # A copy of the input each, as a message that was received would have.
    of_fixed, fixed_blocks = kept_memory(lambda: OrderBookTLV.from_buffer(bytes(bytearray(fixed))))
    of_listed, listed_blocks = kept_memory(lambda: ListBook.unpack(bytes(bytearray(listed))))
    print(f"| memory of a parsed book that is kept, bytes | {of_fixed:,.0f} | {of_listed:,.0f} "
          f"| {of_fixed / of_listed:.2f} |")  # fmt: skip
    print(f"| allocated blocks of it | {fixed_blocks:.0f} | {listed_blocks:.0f} | {fixed_blocks / listed_blocks:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description="Fixed order book against a list-based one.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--levels", type=int, nargs="+", default=[0, 1, 10, 50])
    options = parser.parse_args()
    print(f"implementation {implementation}, {platform.python_implementation()} {platform.python_version()}, "
          f"{processor()}; {options.rounds} rounds")  # fmt: skip
    gc.disable()
    for levels in options.levels:
        report(levels, options.rounds)


if __name__ == "__main__":
    main()
