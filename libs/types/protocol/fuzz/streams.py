"""Entries for many messages at once: streams and batches.

Owns what an input does with `FrameDecoder`, `decode_batch`, `encode_batch` and the two functions of the kernel below.
"""

from __future__ import annotations

import array
from importlib import import_module
from typing import Any

import numpy as np

from .reading import HEADER_SIZE, Run, read_message
from .world import plain


def part(run: Run, name: str) -> Any:
    """A module of the load of the package that this run is on."""
    return import_module(f"{run.package.__name__}.{name}")


def frames(run: Run) -> None:
    """A stream in any chunks."""
    feed, package = run.feed, run.package
    options = {"checksum": feed.flag(), "limit": feed.choice((1 << 20, 200, 32, 0, -1)), "strict": feed.byte() < 64}
    if feed.byte() < 32:
        options["domain"] = package.RelayDomain.MARKET_DATA
    decoder = run.call(package.FrameDecoder, **options)
    if decoder is None:
        return
    data, at = run.messages(), 0
    while at < len(data):
        size = max(feed.below(1 << 16) if feed.byte() < 32 else feed.byte(), len(data) // 60, 1)
        chunk = data[at : at + size] if feed.flag() else bytearray(data[at : at + size])
        for message in run.call(decoder.feed, chunk) or ():
            read_message(run, message)
        at += size
    run.log.append(plain([(fault.offset, fault.skipped, fault.error) for fault in decoder.take_faults()]))
    run.log.append(plain(tuple(decoder.statistics)) if not callable(decoder.statistics) else decoder.statistics())
    run.call(lambda: decoder.close().unfinished)


def batch(run: Run) -> None:
    """Columns from messages, and messages from these columns again."""
    feed, module = run.feed, part(run, "batch")
    cls = feed.choice(run.world.tlvs)
    data = run.messages() if feed.flag() else uniform(run, cls)
    options: dict[str, Any] = {"form": feed.choice(("numpy", "columns")), "checksum": feed.flag(),
                               "headers": feed.flag(), "on_error": feed.choice(("collect", "raise")),
                               "allow_partial": feed.flag()}  # fmt: skip
    if feed.byte() < 64:
        options["fields"] = tuple(feed.choice(run.world.paths[cls]) for _ in range(1 + feed.below(4)))
    buffer = feed.buffer(data)
    rows = run.call(module.decode_batch, buffer, cls, **options)
    if rows is None:
        return
    for name in ("skipped", "repeated", "consumed", "errors"):
        run.log.append(plain(getattr(rows, name, None)))
    if options["form"] == "columns":
        run.log.append(plain({name: column.tobytes() for name, column in rows.items()}))
    header = {"relay_domain": feed.below(6), "source": feed.below(4), "sequence": feed.within(0, 2**64 - 1),
              "timestamp": feed.within(0, 2**64 - 1), "flags": feed.below(256)}  # fmt: skip
    run.call(module.encode_batch, cls, rows, **header, signed=feed.flag())


def uniform(run: Run, cls: Any) -> bytes:
    """Messages of one size with nothing but the wanted TLV, a byte of some of them damaged."""
    feed, count = run.feed, 1 + run.feed.below(9)
    extended = cls.SIZE > 255 or feed.flag()
    frame = b"\xff\0" + bytes((cls.TYPE,)) + cls.SIZE.to_bytes(2, "little") if extended else bytes((cls.TYPE, cls.SIZE))
    made = bytearray()
    for index in range(count):
        head = b"\xef\xbe\xad\xde" + bytes((1 + feed.below(4), 1, 1 + feed.below(4), 0)) + bytes(16)
        body = frame + (bytes(feed.struct(cls)) if index == 0 or feed.byte() < 64 else bytes(cls.SIZE))
        made += run.signed(head + len(body).to_bytes(4, "little") + bytes(4) + body)
    for _ in range(feed.below(3)):
        made[feed.below(len(made))] ^= feed.byte()
    return bytes(made[: len(made) - feed.below(20)] if feed.byte() < 32 else made)


def kernel(run: Run) -> None:
    """The functions of the kernel with arguments that do not belong together.  Only the compiled one promises to
    refuse them all, so nothing is compared."""
    feed, codec = run.feed, run.package._codec
    feed.comparable = False
    if run.package.implementation != "c":
        return
    number, numbers = 8 * (1 + feed.below(4)), part(run, "_python.batch")._OP.size // 8
    columns = tuple(np.zeros(feed.below(200), np.uint8) for _ in range(feed.below(3)))

    def ops() -> bytes:
        records = array.array("Q")
        for _ in range(feed.below(4)):
            records.extend(abs(feed.within(0, 40)) % 2**64 for _ in range(numbers))
        return records.tobytes() + feed.some(2) * (feed.byte() < 8)

    if feed.flag():
        cls = feed.choice(run.world.tlvs)
        rules = bytearray(part(run, "batch_plan").rules_of(cls))
        for _ in range(feed.below(3)):
            rules[feed.below(len(rules))] = feed.byte()
        data = run.messages()
        run.call(codec.decode_rows, data, feed.below(len(data) + 2), feed.below(9), feed.below(9), feed.below(64),
                 feed.choice((cls.TYPE, feed.byte())), feed.choice((cls.SIZE, feed.below(400))), feed.flag(),
                 feed.flag(), feed.choice((1 << 20, 100, -1)), b"\1" * 512 if feed.byte() < 250 else b"", bytes(rules),
                 ops(), columns, array.array("Q", bytes(number)))  # fmt: skip
    else:
        size = HEADER_SIZE + feed.below(300)
        message = bytes(size if feed.byte() < 250 else 3)
        run.call(codec.encode_rows, bytearray(feed.below(4000)), message, feed.below(20),
                 feed.choice((None, 0, feed.integer())), feed.flag(), ops(), columns)  # fmt: skip
