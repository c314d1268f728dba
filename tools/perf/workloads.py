"""The workloads: what both gates count and time.

Owns their definitions.  A worker process loads this file by its path, inside of the tree under test, so it imports
nothing but the standard library and reaches the codec only through the `Subject` it is given.  Must not measure.

Each workload is a function that prepares names and returns the statement which is repeated with them: the worker puts
the text into the loop, so nobody pays for a call that is not part of the work.  `keeps` is an expression for what a
program would hold on to, by which allocations are counted.  Something that a tree does not have yet is an error of the
preparation, and the workload is left out for that tree.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

LEVELS = 20
BATCH = 1000
FRAMED, CHUNK = 100, 1000
RELAYED = 50
NOW = 1_700_000_000_000_000_000
HEAD = ("header.relay_domain", "header.source", "header.flags", "header.sequence", "header.timestamp")
TRADE = (*HEAD, "instrument", "price", "volume", "side", "timestamp_ns")
BOOK = (*HEAD, "instrument", "timestamp_ns", "bids", "asks")
INSTRUMENT = b"\x07\x00\x00\x00\x00\x00\x00\x00\x65\x00\x33\x00"
TRADE_VALUES: tuple[Any, ...] = (1, 2, 0, 1_000_001, NOW, INSTRUMENT, 4_512_345_000_000, 1_250_000_000, 1, NOW + 5)


@dataclass(frozen=True, slots=True)
class Subject:
    """The tree under test: `package` is the import name of its codec."""

    package: str
    codec: Any

    def load(self, module: str) -> Any:
        """A module of the codec."""
        return importlib.import_module(f"{self.package}.{module}")

    def member(self, module: str) -> Any:
        """A module beside the codec."""
        return importlib.import_module(module)


@dataclass(frozen=True, slots=True)
class Timed:
    """A statement, the names it uses, and what is kept of it."""

    statement: str
    names: dict[str, Any] = field(default_factory=dict)
    keeps: str | None = None


@dataclass(frozen=True, slots=True)
class Workload:
    """One workload.

    `messages` is how many one statement works on: figures are for one message.  `loops` are the two lengths whose
    difference is counted.  `judged`: a gate fails where it is slower; the others are there to compare with.
    """

    name: str
    prepare: Callable[[Subject], Timed]
    messages: int = 1
    loops: tuple[int, int] = (300, 2300)
    judged: bool = True
    quick: bool = False


def sides() -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
    """Levels of both sides, a cent apart."""
    cent, middle = 1_000_000, 4_500_000_000_000
    bids = [(middle - i * cent, 100_000_000 + i, i + 1) for i in range(LEVELS)]
    return bids, [(middle + (i + 1) * cent, 100_000_000 + i, i + 1) for i in range(LEVELS)]


def trade_message(subject: Subject, sequence: int = 1) -> bytes:
    codec = subject.codec
    trade = codec.TradeTLV(asset_id=7, venue_id=101, asset_type=51, reserved=0, price=4_512_345_000_000,
                           volume=1_250_000_000, side=1, timestamp_ns=NOW)  # fmt: skip
    builder = codec.MessageBuilder(relay_domain=1, source=2, sequence=sequence, timestamp=NOW + sequence)
    return bytes(builder.add(trade).build())


def book_message(subject: Subject) -> bytes:
    codec = subject.codec
    bids, asks = sides()
    book = codec.OrderBookTLV(asset_id=7, venue_id=101, asset_type=51, reserved=0, timestamp_ns=NOW, sequence=3,
                              bids=bids, asks=asks)  # fmt: skip
    return bytes(codec.MessageBuilder(relay_domain=1, source=2, sequence=1, timestamp=NOW).add(book).build())


def build_trade(subject: Subject) -> Timed:
    """A signed trade from ten values."""
    encode = subject.codec.Encoder(subject.codec.TradeTLV, *TRADE)
    names = dict(zip("abcdefghij", TRADE_VALUES, strict=True))
    return Timed("m = encode(a, b, c, d, e, f, g, h, i, j)", {"encode": encode, **names}, keeps="m")


def build_objects(subject: Subject) -> Timed:
    """The same by objects: a TLV, a builder."""
    codec = subject.codec
    names = {"Builder": codec.MessageBuilder, "Trade": codec.TradeTLV, "price": 4_512_345_000_000, "now": NOW}
    trade = (
        "Trade(asset_id=7, venue_id=101, asset_type=51, reserved=0, price=price, volume=5, side=1, timestamp_ns=now)"
    )
    return Timed(
        f"m = Builder(relay_domain=1, source=2, sequence=9, timestamp=now).add({trade}).build()", names, keeps="m"
    )


def parse(subject: Subject) -> Timed:
    """A trade with header, checksum and TLVs verified; no field is read."""
    return Timed("m = parse(b)", {"parse": subject.codec.parse_message, "b": trade_message(subject)}, keeps="m")


def read_fields(subject: Subject) -> Timed:
    """Five fields of a verified trade, one by one."""
    view = subject.codec.parse_message(trade_message(subject)).get(subject.codec.TradeTLV)
    return Timed(
        "p = t.price; v = t.volume; s = t.side; a = t.asset_id; w = t.timestamp_ns",
        {"t": view},
        keeps="(p, v, s, a, w)",
    )


def decode_trade(subject: Subject) -> Timed:
    """All fields of a trade in one call, verified."""
    decode = subject.codec.Decoder(subject.codec.TradeTLV, *TRADE)
    return Timed("m = decode(b)", {"decode": decode, "b": trade_message(subject)}, keeps="m")


def book_build(subject: Subject) -> Timed:
    """A signed book with 20 levels a side."""
    bids, asks = sides()
    encode = subject.codec.Encoder(subject.codec.OrderBookTLV, *BOOK)
    names = {"encode": encode, "bids": bids, "asks": asks, "now": NOW, "inst": INSTRUMENT}
    return Timed("m = encode(1, 2, 0, 9, now, inst, now, bids, asks)", names, keeps="m")


def book_top(subject: Subject) -> Timed:
    """The best level of both sides of a verified book."""
    names = {"parse": subject.codec.parse_message, "b": book_message(subject), "Book": subject.codec.OrderBookTLV}
    return Timed("t = parse(b).get(Book); x = t.bid_price(0); y = t.ask_price(0)", names, keeps="(x, y)")


def book_levels(subject: Subject) -> Timed:
    """All levels of a verified book as tuples."""
    decode = subject.codec.Decoder(subject.codec.OrderBookTLV, "bids", "asks")
    return Timed("m = decode(b)", {"decode": decode, "b": book_message(subject)}, keeps="m")


def fixed_book(subject: Subject) -> Timed:
    """A book in fixed slots to bytes and back, the best price read."""
    bids, asks = sides()
    names = {"Book": subject.codec.OrderBookTLV, "bids": bids, "asks": asks, "now": NOW}
    made = "Book(asset_id=3, venue_id=101, asset_type=51, timestamp_ns=now, sequence=2, bids=bids, asks=asks)"
    return Timed(f"m = Book.from_buffer(bytes({made})); x = m.bid_price(0)", names, keeps="m")


def list_book(subject: Subject) -> Timed:
    """The same of the book with lists that the benchmark compares with."""
    module = subject.load("benchmarks.order_book")
    bids, asks = sides()
    names = {"make": module.make_listed, "Book": module.ListBook, "bids": bids, "asks": asks}
    return Timed("m = Book.unpack(make(bids, asks).pack()); x = m.bids[0].price", names, keeps="m")


def _batch(subject: Subject) -> tuple[Any, bytes, dict[str, Any]]:
    subject.member("numpy")  # says that it is missing, before the codec does
    data = b"".join(trade_message(subject, number) for number in range(BATCH))
    module = subject.load("batch")
    columns = module.decode_batch(data, subject.codec.TradeTLV, form="columns")
    return module, data, {name: columns[name] for name in ("asset_id", "venue_id", "asset_type", "price", "volume",
                                                           "side", "timestamp_ns")}  # fmt: skip


def batch_decode(subject: Subject) -> Timed:
    """A thousand trades to columns, verified."""
    module, data, columns = _batch(subject)
    names = {"decode": module.decode_batch, "data": data, "Trade": subject.codec.TradeTLV, "fields": tuple(columns)}
    return Timed('m = decode(data, Trade, form="columns", fields=fields)', names, keeps="m")


def batch_encode(subject: Subject) -> Timed:
    """A thousand signed trades from columns."""
    module, _, columns = _batch(subject)
    names = {"encode": module.encode_batch, "columns": columns, "Trade": subject.codec.TradeTLV,
             "domain": subject.codec.RelayDomain.MARKET_DATA, "source": subject.codec.SourceType.KRAKEN_COLLECTOR,
             "now": NOW}  # fmt: skip
    return Timed(
        "m = encode(Trade, columns, relay_domain=domain, source=source, sequence=1, timestamp=now)", names, keeps="m"
    )


def framing(subject: Subject) -> Timed:
    """A stream of a hundred trades, in chunks that cut messages."""
    data = b"".join(trade_message(subject, number) for number in range(FRAMED))
    chunks = [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]
    names = {"decoder": subject.codec.FrameDecoder(), "chunks": chunks}
    return Timed("m = [decoder.feed(chunk) for chunk in chunks]", names, keeps="m")


class _Pipe:
    """As much of a connection as a relay needs: what is sent is kept until it is looked at."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send_nowait(self, data: bytes, count: int = 1) -> None:
        self.sent.append(data)

    def flush(self) -> None:
        """Nothing waits here."""


def relay(subject: Subject) -> Timed:
    """Fifty trades from a publisher through a relay to two subscribers: built, framed, passed on, read."""
    codec = subject.codec
    module, domains, topics = (subject.member(f"relays.{name}") for name in ("relay", "domains", "topics"))
    policy = domains.POLICIES[codec.RelayDomain.MARKET_DATA]
    made = module.Relay(policy, module.RelaySettings(history_bytes=1 << 16), lambda *event, **fields: None)
    publisher, pipes = made.join(_Pipe()), [_Pipe(), _Pipe()]
    for pipe in pipes:
        made.join(pipe).filter = topics.Filter(("*",), policy)
    encode = codec.Encoder(codec.TradeTLV, *TRADE)
    values, numbers = [*TRADE_VALUES], iter(range(1, 1 << 60))
    decoder, parse_message, trade = codec.FrameDecoder(), codec.parse_message, codec.TradeTLV

    def round_trip() -> int:
        parts = []
        for _ in range(RELAYED):
            values[3] = next(numbers)
            parts.append(encode(*values))
        made.on_batch(publisher, decoder.feed(b"".join(parts)))
        total = 0
        for pipe in pipes:
            (data,) = pipe.sent
            pipe.sent.clear()
            total += parse_message(data[-len(parts[-1]) :]).get(trade).price
        return total

    assert round_trip() == 2 * values[6], "a subscriber did not get what was published"
    return Timed("m = trip()", {"trip": round_trip})


def errors(subject: Subject) -> Timed:
    """A message with a damaged checksum, and one that is cut: refused with all that an error tells."""
    good = trade_message(subject)
    names = {"parse": subject.codec.parse_message, "bad": good[:-1] + bytes([good[-1] ^ 1]), "cut": good[:-7],
             "Refused": subject.codec.ProtocolError}  # fmt: skip
    return Timed("try: parse(bad)\nexcept Refused: pass\ntry: parse(cut)\nexcept Refused: pass", names)


WORKLOADS = (
    Workload("build trade", build_trade, quick=True),
    Workload("build trade by objects", build_objects, loops=(150, 1150)),
    Workload("parse trade", parse, quick=True),
    Workload("read fields", read_fields),
    Workload("decode trade", decode_trade, quick=True),
    Workload("build book", book_build, loops=(60, 460), quick=True),
    Workload("top of book", book_top, quick=True),
    Workload("levels of book", book_levels, loops=(40, 240)),
    Workload("fixed book, both ways", fixed_book, loops=(40, 240)),
    Workload("list book, both ways", list_book, loops=(5, 30), judged=False),
    Workload("decode batch", batch_decode, messages=BATCH, loops=(5, 45)),
    Workload("encode batch", batch_encode, messages=BATCH, loops=(5, 45)),
    Workload("framing", framing, messages=FRAMED, loops=(5, 25), quick=True),
    Workload("relay round trip", relay, messages=RELAYED, loops=(10, 50), quick=True),
    Workload("refusals", errors, messages=2, loops=(40, 240)),
)
EMPTY = Workload("", lambda subject: Timed("pass"))
"""The loop itself, which is taken off."""


def kept_views(subject: Subject) -> Timed:
    """What a program holds that keeps each message as the view of its own bytes."""
    data = trade_message(subject)
    return Timed("m = parse(bytes(bytearray(b)))", {"parse": subject.codec.parse_message, "b": data}, keeps="m")


def kept_batches(subject: Subject) -> Timed:
    """What a program holds that keeps messages as the columns of batches."""
    return batch_decode(subject)


MEMORY = (
    Workload("messages as bytes", build_trade),
    Workload("messages as views of their own bytes", kept_views),
    Workload("trades as tuples of all fields", decode_trade),
    Workload("trades as columns of batches", kept_batches, messages=BATCH),
)
