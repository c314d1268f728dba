"""Peers with a fixed layout: struct, dataclass, ctypes, numpy, construct, dissect.cstruct, bitstruct.

Owns their statements.  All write 74 bytes for a trade.  The reference keeps the twelve bytes of the instrument
together, where the real trade has eight of them first and four later: that spares it two slices and a concatenation.
`struct, same wire` does not spare them; it writes and reads exactly what this protocol's own codec does.
"""

from __future__ import annotations

import ctypes
import dataclasses
import itertools
import struct
import zlib
from typing import Any

from libs.types.protocol.benchmarks.harness import (
    BOOK_FIELDS,
    HEADER,
    LEVELS,
    TRADE,
    TRADE_FIELDS,
    Peer,
    keywords,
    library,
    reads,
)

CAPACITY = 50
# A book: 32 of header, 5 of frame, then 40 to the count of the bids at 77, their slots at 85, the asks 1208 further.

READ_BOOK_HEADER = (
    "magic, dom, ver, src, flg, seq, sent, size, crc = unpack_head(b)\n"
    "if magic != 0xDEADBEEF or size != len(b) - 32: raise ValueError(b)\n"
    "if crc32(b[32:], crc32(b[:28])) != crc: raise ValueError('checksum')\n"
)
CHECK_TRADE = (
    "if magic != 0xDEADBEEF or size != 42 or kind != 1 or length != 40: raise ValueError(b)\n"
    "if crc32(b[32:], crc32(b[:28])) != crc: raise ValueError('checksum')"
)


def reference() -> Peer:
    """The best that the standard library does, written out at the place of use."""
    s = struct.Struct
    level = s("<qqI4x")
    names: dict[str, Any] = {
        "crc32": zlib.crc32,
        "head": s("<IBBBBQQI").pack,
        "body": s("<BB12sqqQB3x").pack,
        "unpack": s("<IBBBBQQIIBB12sqqQB3x").unpack,
        "unpack_head": s("<IBBBBQQII").unpack_from,
        "book_body": s("<5sQQq8s4s4x").pack,
        "book_head": s("<5sQQq8s4s4x").unpack_from,
        "count": s("<H6x").pack,
        "count_at": s("<H").unpack_from,
        "levels": s("<" + "qqI4x" * LEVELS).pack,
        "rest": bytes(24 * (CAPACITY - LEVELS)),
        "frame": struct.pack("<BBBH", 255, 0, 3, 2456),
        "chain": itertools.chain.from_iterable,
        "rows": level.iter_unpack,
        "level_at": level.unpack_from,
    }
    read_book = READ_BOOK_HEADER + "nb, = count_at(b, 77); na, = count_at(b, 1285)\n"
    return Peer(
        "struct+zlib",
        names,
        {
            "trade build": (
                "h = head(0xDEADBEEF, dom, ver, src, flg, seq, sent, 42)\n"
                "p = body(1, 40, inst, price, vol, tns, side)\n"
                "b = h + crc32(p, crc32(h)).to_bytes(4, 'little') + p"
            ),
            "trade parse": (
                "magic, dom, ver, src, flg, seq, sent, size, crc, kind, length, inst, price, vol, tns, side = "
                "unpack(b)\n" + CHECK_TRADE
            ),
            "book build": (
                "h = head(0xDEADBEEF, dom, ver, src, flg, seq, sent, 2461)\n"
                "p = (book_body(frame, bns, 0, 100000000, inst[:8], inst[8:]) + count(len(bids)) + "
                "levels(*chain(bids)) + rest + count(len(asks)) + levels(*chain(asks)) + rest)\n"
                "b = h + crc32(p, crc32(h)).to_bytes(4, 'little') + p"
            ),
            "book parse": read_book
            + (
                "mark, bns, own, factor, first, last = book_head(b, 32); inst = first + last\n"
                "bids = list(rows(b[85:85 + 24 * nb])); asks = list(rows(b[1293:1293 + 24 * na]))"
            ),
            "book top": read_book + "bp, bs, bc = level_at(b, 85); ap, asz, ac = level_at(b, 1293)",
        },
        checksum=True,
        note="the reference",
    )


def same_wire() -> Peer:
    """As the reference, with the trade's bytes in the order that the protocol has them."""
    base, s = reference(), struct.Struct
    names = {**base.names, "body": s("<BB8sqqQ4sB3x").pack, "unpack": s("<IBBBBQQIIBB8sqqQ4sB3x").unpack}
    statements = {
        "trade build": base.statements["trade build"].replace(
            "inst, price, vol, tns, side", "inst[:8], price, vol, tns, inst[8:], side"
        ),
        "trade parse": base.statements["trade parse"].replace(
            "inst, price, vol, tns, side", "first, price, vol, tns, last, side"
        )
        + "\ninst = first + last",
    }
    return Peer("struct+zlib, same wire", names, statements, checksum=True, note="byte for byte what the codec writes")


def with_isal() -> Peer:
    """The reference with a checksum in hardware from a wheel: the most that needs no extension of one's own."""
    base = reference()
    names = {**base.names, "crc32": library("isal.isal_zlib").crc32}
    return dataclasses.replace(base, name="struct+isal", names=names, note="hardware checksum")


def with_dataclass() -> Peer:
    """Objects in and out, by the reference's means."""
    base = reference()
    trade = dataclasses.make_dataclass("Trade", TRADE_FIELDS, slots=True)
    build = (
        f"m = Trade({', '.join(TRADE)})\n"
        "h = head(0xDEADBEEF, m.domain, m.version, m.source, m.flags, m.sequence, m.sent_ns, 42)\n"
        "p = body(1, 40, m.instrument, m.price, m.volume, m.trade_ns, m.side)\n"
        "b = h + crc32(p, crc32(h)).to_bytes(4, 'little') + p"
    )
    parse = f"{base.statements['trade parse']}\nm = Trade({', '.join(TRADE)})\n{reads('m', TRADE_FIELDS, TRADE)}"
    names = {**base.names, "Trade": trade}
    return Peer("dataclass+struct+zlib", names, {"trade build": build, "trade parse": parse}, checksum=True)


_U = {1: ctypes.c_uint8, 2: ctypes.c_uint16, 4: ctypes.c_uint32, 8: ctypes.c_uint64}
_HEAD: list[tuple[str, int]] = [("magic", 4), ("domain", 1), ("version", 1), ("source", 1), ("flags", 1),
                                ("sequence", 8), ("sent_ns", 8), ("size", 4), ("crc", 4)]  # fmt: skip


def with_ctypes() -> Peer:
    """Packed structures of ctypes."""

    def structure(name: str, fields: list[tuple[str, Any]]) -> Any:
        return type(name, (ctypes.LittleEndianStructure,), {"_pack_": 1, "_layout_": "ms", "_fields_": fields})

    head = [(name, _U[size]) for name, size in _HEAD]
    i64, u32, u64 = ctypes.c_int64, ctypes.c_uint32, ctypes.c_uint64
    trade = structure(
        "Trade",
        [*head, ("tlv", ctypes.c_uint8 * 2), ("instrument", ctypes.c_char * 12), ("price", i64), ("volume", i64),
         ("trade_ns", u64), ("side", ctypes.c_uint8), ("pad", ctypes.c_uint8 * 3)],
    )  # fmt: skip
    level = structure("Level", [("price", i64), ("size", i64), ("count", u32), ("pad", u32)])
    side = level * CAPACITY
    book = structure(
        "Book",
        [*head, ("tlv", ctypes.c_uint8 * 5), ("book_ns", u64), ("own", u64), ("factor", i64),
         ("instrument", ctypes.c_char * 12), ("pad", u32), ("nb", u64), ("bids", side), ("na", u64), ("asks", side)],
    )  # fmt: skip
    levels = "\n".join(
        f"{n}s = [(l.price, l.size, l.count) for l in m.{n}s[:m.n{n[0]}]]" for n in ("bid", "ask")
    )
    return Peer(
        "ctypes",
        {"Trade": trade, "Book": book},
        {
            "trade build": "b = bytes(Trade(0xDEADBEEF, dom, ver, src, flg, seq, sent, 42, 0, (1, 40), inst, price, "
            "vol, tns, side))",
            "trade parse": "m = Trade.from_buffer_copy(b)\n" + reads("m", TRADE_FIELDS, TRADE),
            "book build": "m = Book(0xDEADBEEF, dom, ver, src, flg, seq, sent, 2461, 0, (255, 0, 3, 152, 9), bns, 0, "
            "100000000, inst, 0)\nm.nb = len(bids); m.bids = tuple(bids); m.na = len(asks); m.asks = tuple(asks)\n"
            "b = bytes(m)",
            "book parse": "m = Book.from_buffer_copy(b)\n" + reads("m", BOOK_FIELDS, (*HEADER, "inst", "bns"))
            + "\n" + levels,
            "book top": "m = Book.from_buffer_copy(b); nb = m.nb; na = m.na\n"
            "l = m.bids[0]; bp = l.price; bs = l.size; bc = l.count\n"
            "l = m.asks[0]; ap = l.price; asz = l.size; ac = l.count",
        },
    )  # fmt: skip


def with_numpy() -> Peer:
    """One record at a time; what numpy is made for is many (see `batch`)."""
    np = library("numpy")
    head = [(name, f"<u{size}") for name, size in _HEAD]
    trade = np.dtype([*head, ("tlv", "V2"), ("instrument", "S12"), ("price", "<i8"), ("volume", "<i8"),
                      ("trade_ns", "<u8"), ("side", "u1"), ("pad", "V3")])  # fmt: skip
    level = np.dtype([("price", "<i8"), ("size", "<i8"), ("count", "<u4"), ("pad", "<u4")])
    book = np.dtype([*head, ("tlv", "V5"), ("book_ns", "<u8"), ("own", "<u8"), ("factor", "<i8"), ("instrument", "S12"),
                     ("pad", "V4"), ("nb", "<u8"), ("bids", level, (CAPACITY,)), ("na", "<u8"),
                     ("asks", level, (CAPACITY,))])  # fmt: skip
    set_head = "; ".join(f"a['{f}'] = {n}" for f, n in zip(BOOK_FIELDS, (*HEADER, "inst", "bns"), strict=True))
    get_head = "; ".join(
        f"{n} = m['{f}'].item()" for f, n in zip(BOOK_FIELDS, (*HEADER, "inst", "bns"), strict=True)
    )  # fmt: skip
    return Peer(
        "numpy record",
        {"array": np.array, "zeros": np.zeros, "frombuffer": np.frombuffer, "trade": trade, "book": book},
        {
            "trade build": "b = array((0xDEADBEEF, dom, ver, src, flg, seq, sent, 42, 0, b'', inst, price, vol, tns, "
            "side, b''), trade).tobytes()",
            "trade parse": "magic, dom, ver, src, flg, seq, sent, size, crc, tlv, inst, price, vol, tns, side, pad = "
            "frombuffer(b, trade)[0].item()",
            "book build": f"a = zeros((), book); {set_head}; a['nb'] = len(bids); a['na'] = len(asks)\n"
            "v = a['bids']; v['price'][:20], v['size'][:20], v['count'][:20] = zip(*bids)\n"
            "v = a['asks']; v['price'][:20], v['size'][:20], v['count'][:20] = zip(*asks)\nb = a.tobytes()",
            "book parse": f"m = frombuffer(b, book)[0]; {get_head}\n"
            "bids = [t[:3] for t in m['bids'][:int(m['nb'])].tolist()]\n"
            "asks = [t[:3] for t in m['asks'][:int(m['na'])].tolist()]",
            "book top": "m = frombuffer(b, book)[0]; nb = m['nb']; na = m['na']\n"
            "bp, bs, bc, pad = m['bids'][0].item(); ap, asz, ac, pad = m['asks'][0].item()",
        },
    )


def with_construct() -> Peer:
    """construct, compiled."""
    c = library("construct")
    of = {1: c.Int8ul, 4: c.Int32ul, 8: c.Int64ul}
    trade = c.Struct(
        *[name / of[size] for name, size in _HEAD], "tlv" / c.Bytes(2), "instrument" / c.Bytes(12),
        "price" / c.Int64sl, "volume" / c.Int64sl, "trade_ns" / c.Int64ul, "side" / c.Int8ul, c.Padding(3),
    ).compile()  # fmt: skip
    given = keywords(TRADE_FIELDS, TRADE)
    return Peer(
        "construct, compiled",
        {"build": trade.build, "parse": trade.parse},
        {
            "trade build": f"b = build(dict(magic=0xDEADBEEF, size=42, crc=0, tlv=b'\\1\\x28', {given}))",
            "trade parse": "m = parse(b)\n" + reads("m", TRADE_FIELDS, TRADE),
        },
    )


def with_dissect() -> Peer:
    """dissect.cstruct: a C declaration as text."""
    parser = library("dissect.cstruct").cstruct()
    head = " ".join(f"uint{8 * size} {name};" for name, size in _HEAD)
    parser.load(f"struct Trade {{ {head} char tlv[2]; char instrument[12]; int64 price; int64 volume; uint64 trade_ns; "
                "uint8 side; char pad[3]; };")  # fmt: skip
    given = keywords(TRADE_FIELDS, TRADE)
    return Peer(
        "dissect.cstruct",
        {"Trade": parser.Trade},
        {
            "trade build": "b = Trade(magic=0xDEADBEEF, size=42, crc=0, tlv=b'\\1\\x28', pad=bytes(3), "
            f"{given}).dumps()",
            "trade parse": "m = Trade(b)\n" + reads("m", TRADE_FIELDS, TRADE),
        },
    )


def with_bitstruct() -> Peer:
    """bitstruct's C implementation, which is big-endian only."""
    layout = library("bitstruct.c").compile("u32u8u8u8u8u64u64u32u32u8u8r96s64s64u64u8p24")
    return Peer(
        "bitstruct.c",
        {"pack": layout.pack, "unpack": layout.unpack},
        {
            "trade build": "b = pack(0xDEADBEEF, dom, ver, src, flg, seq, sent, 42, 0, 1, 40, inst, price, vol, tns, "
            "side)",
            "trade parse": "magic, dom, ver, src, flg, seq, sent, size, crc, kind, length, inst, price, vol, tns, "
            "side = unpack(b)",
        },
    )


PEERS = (reference, same_wire, with_isal, with_dataclass, with_ctypes, with_numpy, with_construct, with_dissect,
         with_bitstruct)  # fmt: skip
