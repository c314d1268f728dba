"""This protocol's codec as a peer, in the ways that a program can use it, on each implementation.

Owns these statements, and how the Python implementation is loaded beside the compiled one: as a second package, under
another name, which works because all imports inside the package are relative.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import libs.types.protocol
from libs.types.protocol.benchmarks.harness import BOOK, SOURCES, TRADE, Peer, Values

HEADER_PATHS = ("header.version", "header.relay_domain", "header.source", "header.flags", "header.sequence",
                "header.timestamp")  # fmt: skip
TRADE_PATHS = (*HEADER_PATHS, "instrument", "price", "volume", "side", "timestamp_ns")
BOOK_PATHS = (*HEADER_PATHS, "instrument", "timestamp_ns", "bids", "asks")
TOP_PATHS = ("bids[0].price", "bids[0].size", "bids[0].order_count", "asks[0].price", "asks[0].size",
             "asks[0].order_count", "bids.count", "asks.count")  # fmt: skip
SPLIT = ("ver", "dom", "src", "flg", "seq", "sent", "asset", "venue", "kind", "res", "price", "vol", "side", "tns")
READ_HEADER = (
    "h = m.header; ver = h.version; dom = h.relay_domain; src = h.source; flg = h.flags; seq = h.sequence\n"
    "sent = h.timestamp\n"
)


def python_twin() -> Any:
    """The package once more, on the Python implementation.  The one loaded before stays as it is."""
    name = "codec_in_python"
    if name in sys.modules:
        return sys.modules[name]
    folder = Path(libs.types.protocol.__file__).parent
    init = folder / "__init__.py"
    spec = importlib.util.spec_from_file_location(name, init, submodule_search_locations=[str(folder)])
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    before = os.environ.get("ALPHAPULSE_CODEC")
    os.environ["ALPHAPULSE_CODEC"] = "python"
    try:
        spec.loader.exec_module(module)
    finally:
        del os.environ["ALPHAPULSE_CODEC"]
        if before is not None:
            os.environ["ALPHAPULSE_CODEC"] = before
    return module


def ways(package: Any, label: str) -> Iterator[Peer]:
    """One peer for each way of using `package`; `label` begins their names."""
    for source in SOURCES:
        package.register_source(source)
    trade, book = package.TradeTLV, package.OrderBookTLV
    # The version is not passed: a message of this protocol has one, as it has one magic.  Reading gives it back.
    encode = package.Encoder(trade, *TRADE_PATHS[1:]).encode
    encode_book = package.Encoder(book, *BOOK_PATHS[1:]).encode
    names = {
        "encode": encode, "decode": package.Decoder(trade, *TRADE_PATHS).decode, "encode_book": encode_book,
        "decode_book": package.Decoder(book, *BOOK_PATHS).decode,
    }  # fmt: skip
    build = {
        "trade build": f"b = encode({', '.join(TRADE[1:])})",
        "book build": f"b = encode_book({', '.join(BOOK[1:])})",
    }
    yield Peer(
        f"{label} Encoder/Decoder",
        names,
        {
            **build,
            "trade parse": f"{', '.join(TRADE)} = decode(b)",
            "book parse": f"{', '.join(BOOK)} = decode_book(b)",
        },
        checksum=True,
        note="all fields by path",
    )
    fixed = package.Encoder(trade, "header.source", *TRADE_PATHS[4:], relay_domain=1).encode
    yield Peer(
        f"{label} Encoder/Decoder, few",
        {**names, "encode": fixed, "decode": package.Decoder(trade, "price", "volume").decode},
        {"trade build": f"b = encode(src, {', '.join(TRADE[4:])})", "trade parse": "price, vol = decode(b)"},
        checksum=True,
        leaves={"trade parse": ("price", "vol")},
        note="8 of 11 values given, 2 fields read",
    )
    yield Peer(
        f"{label} view",
        {**names, "parse": package.parse_message},
        {"trade build": build["trade build"], "trade parse": "m = parse(b)",
         "book build": build["book build"], "book parse": "m = parse(b)"},
        checksum=True,
        leaves={"trade parse": (), "book parse": ()},
        reader=True,
        note="checked, nothing read",
    )  # fmt: skip
    yield _accessors(package, label, {**names, "parse": package.parse_message}, build)
    yield _objects(package, label)
    yield Peer(
        f"{label} Decoder, top",
        {**names, "top": package.Decoder(book, *TOP_PATHS).decode},
        {"book build": build["book build"], "book top": "bp, bs, bc, ap, asz, ac, nb, na = top(b)"},
        checksum=True,
        reader=True,
    )
    yield Peer(
        f"{label} accessors, top",
        {**names, "parse": package.parse_message, "Book": book},
        {"book build": build["book build"],
         "book top": "t = parse(b).get(Book); bp = t.bid_price(0); bs = t.bid_size(0); ap = t.ask_price(0); "
         "asz = t.ask_size(0)"},
        checksum=True,
        leaves={"book top": ("bp", "bs", "ap", "asz")},
        reader=True,
        note="price and size of both sides",
    )  # fmt: skip


def _accessors(package: Any, label: str, names: dict[str, Any], build: dict[str, str]) -> Peer:
    two = "t = parse(b).get(Trade); price = t.price; vol = t.volume"
    return Peer(
        f"{label} accessors, 2 fields",
        {**names, "Trade": package.TradeTLV},
        {"trade build": build["trade build"], "trade parse": two},
        checksum=True,
        leaves={"trade parse": ("price", "vol")},
        reader=True,
    )


def _objects(package: Any, label: str) -> Peer:
    def split(*values: Any) -> Values:
        i = package.InstrumentId.from_buffer(values[6])
        return (*values[:6], i.asset_id, i.venue, i.asset_type, i.reserved, *values[7:])

    return Peer(
        f"{label} objects",
        {"Builder": package.MessageBuilder, "parse": package.parse_message, "Trade": package.TradeTLV,
         "Book": package.OrderBookTLV},
        {
            "trade build": "b = Builder(relay_domain=dom, source=src, sequence=seq, timestamp=sent, flags=flg).add("
            "Trade(asset_id=asset, venue_id=venue, asset_type=kind, reserved=res, price=price, volume=vol, side=side, "
            "timestamp_ns=tns)).build()",
            "trade parse": f"m = parse(b); {READ_HEADER}"
            "t = m.get(Trade); inst = bytes(t.instrument); price = t.price; vol = t.volume; side = t.side\n"
            "tns = t.timestamp_ns",
            "book build": "b = Builder(relay_domain=dom, source=src, sequence=seq, timestamp=sent, flags=flg).add("
            "Book(asset_id=asset, venue_id=venue, asset_type=kind, reserved=res, timestamp_ns=bns, sequence=0, "
            "bids=bids, asks=asks)).build()",
            "book parse": f"m = parse(b); {READ_HEADER}"
            "t = m.get(Book); inst = bytes(t.instrument); bns = t.timestamp_ns; bids = t.bids.to_tuples()\n"
            "asks = t.asks.to_tuples()",
        },
        checksum=True,
        takes={"trade build": (SPLIT, split), "book build": ((*SPLIT[:10], "bns", "bids", "asks"), split)},
        note="MessageBuilder, TLV objects, attributes",
    )  # fmt: skip
