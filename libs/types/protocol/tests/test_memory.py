"""Millions of messages leave nothing behind: neither blocks of the interpreter nor resident memory.

The short run is part of every test run.  The long one (`-m slow` takes it along) makes, checks and reads ten million
messages with the compiled codec, one million with the Python one, and does a third as many operations of all kinds.
"""

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from libs.types.protocol.testing import frame, message
from libs.types.protocol.tests.expected import BOOK_PAYLOAD, TRADE, TRADE_PAYLOAD, patched
from libs.types.protocol.tests.shapes import book, trade
from libs.types.protocol.tests.vendor import declare

STATM = Path("/proc/self/statm")
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
OPERATIONS = 23  # of one round below


def round_of(codec: Any) -> Callable[[], None]:
    """A function that parses, builds, decodes, compares and fails in every way."""
    vendor = declare(codec)
    both = message(frame(1, TRADE_PAYLOAD) + frame(3, BOOK_PAYLOAD) + frame(250, b"\2\0" + bytes(12)))
    damaged = patched(TRADE, 40, b"\xff", signed=False)
    short = message(frame(1, bytes(39)))
    numbered = [patched(TRADE, 7, bytes([flags])) for flags in range(256)]
    encode = codec.Encoder(codec.TradeTLV, "price", "instrument", "header.sequence", relay_domain=1, source=2)
    decode = codec.Decoder(codec.TradeTLV, "price", "instrument", "header.sequence")
    levels = [codec.OrderLevel(price=at, size=1) for at in range(5)]
    first, second = trade(codec), trade(codec, price=10**18)
    counter = iter(range(2**62))

    def once() -> None:
        number = next(counter)
        parsed = codec.parse_message(both)
        for view in parsed:
            assert len(view.payload) == len(view)
        shown = parsed.get(codec.OrderBookTLV)
        assert shown.bids[0].price == shown.bid_price(0) and shown.instrument.asset_id
        assert shown.asks.to_tuples() and list(shown.bids) and shown.to_dict() and repr(parsed)
        assert parsed.get(vendor.OldNoteTLV).steps and parsed.find(1).decode().copy()
        assert codec.parse_message(bytearray(numbered[number % 256])).header.flags == number % 256
        wire = codec.MessageBuilder(relay_domain=1, source=2, sequence=number, timestamp=1).add(first).build()
        assert decode(wire)[2] == number and decode(encode(number, bytes(12), 3))[0] == number
        assert hash(first) != hash(second) and first != second and first.replace(price=10**18) == second
        vector = codec.FixedVec(codec.OrderLevel, 5, levels)
        assert book(codec, bids=vector, asks=[(number, 2, 3)]).asks[0].price == number
        for wrong in (damaged, short, TRADE[:50]):
            refused(codec.RemoteProtocolError, codec.parse_message, wrong)
        refused(codec.FieldRange, trade, codec, price=2**63)
        refused(codec.FieldRange, encode, 1, b"", 2)
        refused(codec.CapacityExceeded, vector.append, levels[0])
        refused(TypeError, codec.TradeTLV, price="1")

    return once


def message_of(codec: Any) -> Callable[[], None]:
    """A function that makes one message, and reads it in both ways."""
    encode = codec.Encoder(codec.TradeTLV, "header.sequence", "price", relay_domain=1, source=2).encode
    decode = codec.Decoder(codec.TradeTLV, "header.sequence", "price").decode
    counter, parse = iter(range(2**62)), codec.parse_message

    def once() -> None:
        number = next(counter)
        wire = encode(number, 5)
        assert decode(wire) == (number, 5) and parse(wire).sequence == number

    return once


def refused(error: type[Exception], call: Callable[..., object], *args: object, **named: object) -> None:
    """As `pytest.raises`, which would take a quarter of the time of a round."""
    try:
        call(*args, **named)
    except error:
        return
    raise AssertionError(f"{call} took {args} {named}")


def resident() -> int:
    return int(STATM.read_text().split()[1]) * PAGE if STATM.exists() else 0


def run(once: Callable[[], None], rounds: int) -> None:
    for _ in range(max(1000, rounds // 20)):
        once()
    gc.collect()
    blocks, memory = sys.getallocatedblocks(), resident()
    for _ in range(rounds):
        once()
    gc.collect()
    # Caches of the interpreter and of pytest breathe a little; a leak of one block a round would be thousands.
    assert sys.getallocatedblocks() - blocks < max(200, rounds // 100)
    assert resident() - memory < 4 * 2**20


def test_nothing_is_left_behind(codec: Any) -> None:
    run(round_of(codec), 2000)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nothing_is_left_behind_by_millions(codec: Any) -> None:
    messages = 10_000_000 if codec.implementation == "c" else 1_000_000
    run(message_of(codec), messages)
    run(round_of(codec), messages // 3 // OPERATIONS)
