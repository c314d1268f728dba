"""Peers with a format of their own: msgspec, protobuf, FlatBuffers, Cap'n Proto, JSON, MessagePack, CBOR, pickle, Avro.

Owns their statements.  None of these formats has a checksum; the harness times them as they are, and with one added.
"""

from __future__ import annotations

import io
import pickle
import tempfile
from pathlib import Path
from typing import Any

from libs.types.protocol.benchmarks.harness import (
    BOOK,
    BOOK_FIELDS,
    HEADER,
    TRADE,
    TRADE_FIELDS,
    Peer,
    keywords,
    library,
    reads,
)

BOOK_SCALARS = (*HEADER, "inst", "bns")
LEVEL = (("price", "i"), ("size", "i"), ("count", "u"))
TOP_OF_LISTS = "bp, bs, bc = bids[0]; ap, asz, ac = asks[0]; nb = len(bids); na = len(asks)"
TOP_OF_OBJECTS = (
    "nb = len(m.bids); na = len(m.asks)\n"
    "l = m.bids[0]; bp = l.price; bs = l.size; bc = l.count\nl = m.asks[0]; ap = l.price; asz = l.size; ac = l.count"
)
LEVELS_OF_OBJECTS = (
    "bids = [(l.price, l.size, l.count) for l in m.bids]\nasks = [(l.price, l.size, l.count) for l in m.asks]"
)
UNSIGNED_BYTE = ("version", "domain", "source", "flags", "side")


def _msgspec(name: str, array: bool) -> Peer:
    msgspec = library("msgspec")
    types: dict[str, Any] = {name: int for name in (*TRADE_FIELDS, *BOOK_FIELDS)} | {"instrument": bytes}
    level = list[tuple[int, int, int]]
    trade = msgspec.defstruct("Trade", [(f, types[f]) for f in TRADE_FIELDS], array_like=array, gc=False)
    book = msgspec.defstruct(
        "Book", [*((f, types[f]) for f in BOOK_FIELDS), ("bids", level), ("asks", level)], array_like=array, gc=False
    )
    packer = msgspec.msgpack
    fields = (*BOOK_FIELDS, "bids", "asks")
    return Peer(
        name,
        {"Trade": trade, "Book": book, "encode": packer.Encoder().encode, "decode": packer.Decoder(trade).decode,
         "decode_book": packer.Decoder(book).decode},
        {
            "trade build": f"b = encode(Trade({', '.join(TRADE)}))",
            "trade parse": "m = decode(b)\n" + reads("m", TRADE_FIELDS, TRADE),
            "book build": f"b = encode(Book({', '.join(BOOK)}))",
            "book parse": "m = decode_book(b)\n" + reads("m", fields, BOOK),
            "book top": f"m = decode_book(b); bids = m.bids; asks = m.asks\n{TOP_OF_LISTS}",
        },
    )  # fmt: skip


def msgspec_array() -> Peer:
    """The fastest rival for whole objects."""
    return _msgspec("msgspec array", True)


def msgspec_map() -> Peer:
    """With field names on the wire."""
    return _msgspec("msgspec map", False)


def protobuf() -> Peer:
    """protobuf by its C implementation (upb)."""
    schema = library("google.protobuf.descriptor_pb2")
    pools, factory = library("google.protobuf.descriptor_pool"), library("google.protobuf.message_factory")
    kind = library("google.protobuf.internal.api_implementation").Type()
    f = schema.FieldDescriptorProto
    types = {"instrument": f.TYPE_BYTES, "price": f.TYPE_SFIXED64, "volume": f.TYPE_SFIXED64, "size": f.TYPE_SFIXED64,
             "sequence": f.TYPE_FIXED64, "sent_ns": f.TYPE_FIXED64, "trade_ns": f.TYPE_FIXED64,
             "book_ns": f.TYPE_FIXED64}  # fmt: skip
    file = schema.FileDescriptorProto(name="bench.proto", package="bench", syntax="proto3")
    for name, fields in (("Trade", TRADE_FIELDS), ("Level", ("price", "size", "count")), ("Book", BOOK_FIELDS)):
        message = file.message_type.add(name=name)
        for number, each in enumerate(fields, 1):
            message.field.add(name=each, number=number, label=1, type=types.get(each, f.TYPE_UINT32))
    for number, each in enumerate(("bids", "asks"), 20):
        message.field.add(name=each, number=number, label=3, type=f.TYPE_MESSAGE, type_name=".bench.Level")
    pool = pools.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    trade, book = (factory.GetMessageClass(pool.FindMessageTypeByName(f"bench.{n}")) for n in ("Trade", "Book"))
    return Peer(
        f"protobuf {kind}",
        {"Trade": trade, "Book": book, "parse": trade.FromString, "parse_book": book.FromString},
        {
            "trade build": f"b = Trade({keywords(TRADE_FIELDS, TRADE)}).SerializeToString()",
            "trade parse": "m = parse(b)\n" + reads("m", TRADE_FIELDS, TRADE),
            "book build": f"m = Book({keywords(BOOK_FIELDS, BOOK_SCALARS)})\nadd = m.bids.add\n"
            "for p, s, c in bids: add(price=p, size=s, count=c)\nadd = m.asks.add\n"
            "for p, s, c in asks: add(price=p, size=s, count=c)\nb = m.SerializeToString()",
            "book parse": f"m = parse_book(b)\n{reads('m', BOOK_FIELDS, BOOK_SCALARS)}\n{LEVELS_OF_OBJECTS}",
            "book top": f"m = parse_book(b); {TOP_OF_OBJECTS}",
        },
    )


def flatbuffers() -> Peer:
    """What its compiler generates for such a table, over the runtime in Python."""
    fb, numbers, table = library("flatbuffers"), library("flatbuffers.number_types"), library("flatbuffers.table").Table
    sizes = {"instrument": 0} | dict.fromkeys(UNSIGNED_BYTE, 1)
    flags = {name: numbers.Uint8Flags if sizes.get(name) == 1 else numbers.Uint64Flags for name in TRADE_FIELDS}
    flags |= {"price": numbers.Int64Flags, "volume": numbers.Int64Flags}
    order = sorted(range(len(TRADE_FIELDS)), key=lambda slot: -sizes.get(TRADE_FIELDS[slot], 8))
    slots = [(slot, TRADE_FIELDS[slot]) for slot in order]

    def build(*values: Any) -> bytes:
        builder = fb.Builder(160)
        instrument = builder.CreateByteVector(values[6])
        builder.StartObject(len(values))
        for slot, name in slots:
            if name == "instrument":
                builder.PrependUOffsetTRelativeSlot(slot, instrument, 0)
            else:
                builder.PrependSlot(flags[name], slot, values[slot], 0)
        builder.Finish(builder.EndObject())
        return bytes(builder.Output())

    class Trade:
        __slots__ = ("table",)

        def __init__(self, data: bytes) -> None:
            self.table = table(data, int.from_bytes(data[:4], "little"))

        def number(self, slot: int) -> Any:
            at = self.table.Offset(4 + 2 * slot)
            return self.table.Get(flags[TRADE_FIELDS[slot]], at + self.table.Pos) if at else 0

        def raw(self, slot: int) -> bytes:
            at = self.table.Offset(4 + 2 * slot)
            start = self.table.Vector(at)
            return bytes(self.table.Bytes[start : start + self.table.VectorLen(at)])

    parse = ["m = Trade(b)"]
    parse += [f"{n} = m.{'raw' if n == 'inst' else 'number'}({slot})" for slot, n in enumerate(TRADE)]
    return Peer("flatbuffers", {"build": build, "Trade": Trade},
                {"trade build": f"b = build({', '.join(TRADE)})", "trade parse": "\n".join(parse)})  # fmt: skip


def capnp() -> Peer:
    """pycapnp."""
    module = library("capnp")

    def camel(name: str) -> str:
        first, *others = name.split("_")
        return first + "".join(map(str.title, others))

    def declared(fields: tuple[str, ...]) -> str:
        types = dict.fromkeys(UNSIGNED_BYTE, "UInt8") | {"instrument": "Data", "price": "Int64", "volume": "Int64"}
        return " ".join(f"{camel(f)} @{i} :{types.get(f, 'UInt64')};" for i, f in enumerate(fields))

    text = (
        "@0xd2a1f8f2a6c3b5e7;\n"
        f"struct Trade {{ {declared(TRADE_FIELDS)} }}\n"
        "struct Level { price @0 :Int64; size @1 :Int64; count @2 :UInt32; }\n"
        f"struct Book {{ {declared(BOOK_FIELDS)} bids @8 :List(Level); asks @9 :List(Level); }}\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bench.capnp")
        path.write_text(text, encoding="utf-8")
        schema = module.load(str(path))
    fields, book_fields = tuple(map(camel, TRADE_FIELDS)), tuple(map(camel, BOOK_FIELDS))

    def within(opened: str, statement: str) -> str:
        return f"with {opened} as m:\n " + statement.replace("\n", "\n ")

    fill = "".join(
        f"\nrows = m.init('{side}', len({side}))\nfor i, (p, s, c) in enumerate({side}):\n"
        " l = rows[i]; l.price = p; l.size = s; l.count = c"
        for side in ("bids", "asks")
    )
    return Peer(
        "pycapnp",
        {"Trade": schema.Trade, "Book": schema.Book, "_schema": schema},
        {
            "trade build": f"b = Trade.new_message({keywords(fields, TRADE)}).to_bytes()",
            "trade parse": within("Trade.from_bytes(b)", reads("m", fields, TRADE)),
            "book build": f"m = Book.new_message({keywords(book_fields, BOOK_SCALARS)}){fill}\nb = m.to_bytes()",
            "book parse": within(
                "Book.from_bytes(b)", f"{reads('m', book_fields, BOOK_SCALARS)}\n{LEVELS_OF_OBJECTS}"
            ),
            "book top": within("Book.from_bytes(b)", TOP_OF_OBJECTS),
        },
    )


def _of_dicts(name: str, dumps: Any, loads: Any, text: bool = False) -> Peer:
    decode, encode = (".decode()", ".encode()") if text else ("", "")

    def given(fields: tuple[str, ...], names: tuple[str, ...]) -> str:
        return keywords(fields, names, "'{}': {}").replace("'instrument': inst", f"'instrument': inst{decode}")

    def taken(fields: tuple[str, ...], names: tuple[str, ...]) -> str:
        parts = (f"{n} = m['{f}']{encode if n == 'inst' else ''}" for f, n in zip(fields, names, strict=True))
        return "m = loads(b)\n" + "\n".join(parts)

    fields = (*BOOK_FIELDS, "bids", "asks")
    return Peer(
        name,
        {"dumps": dumps, "loads": loads},
        {
            "trade build": f"b = dumps({{{given(TRADE_FIELDS, TRADE)}}})",
            "trade parse": taken(TRADE_FIELDS, TRADE),
            "book build": f"b = dumps({{{given(fields, BOOK)}}})",
            "book parse": taken(fields, BOOK),
            "book top": f"m = loads(b); bids = m['bids']; asks = m['asks']\n{TOP_OF_LISTS}",
        },
        note="dicts",
    )


def orjson() -> Peer:
    """JSON, the instrument as text."""
    module = library("orjson")
    return _of_dicts("orjson", module.dumps, module.loads, text=True)


def ormsgpack() -> Peer:
    """MessagePack of dicts."""
    module = library("ormsgpack")
    return _of_dicts("ormsgpack", module.packb, module.unpackb)


def cbor2() -> Peer:
    """CBOR of dicts."""
    module = library("cbor2")
    return _of_dicts("cbor2", module.dumps, module.loads)


def pickled() -> Peer:
    """A tuple, pickled.  Not for bytes of others."""
    trade, book = ", ".join(TRADE), ", ".join(BOOK)
    return Peer(
        "pickle of a tuple",
        {"dumps": pickle.dumps, "loads": pickle.loads},
        {"trade build": f"b = dumps(({trade}), 5)", "trade parse": f"{trade} = loads(b)",
         "book build": f"b = dumps(({book}), 5)", "book parse": f"{book} = loads(b)"},
    )  # fmt: skip


def avro() -> Peer:
    """fastavro without a container."""
    module = library("fastavro")
    types: dict[str, Any] = dict.fromkeys(UNSIGNED_BYTE, "int")
    types["instrument"] = {"type": "fixed", "name": "Instrument", "size": 12}
    fields = [{"name": name, "type": types.get(name, "long")} for name in TRADE_FIELDS]
    schema = module.parse_schema({"type": "record", "name": "Trade", "fields": fields})
    given = keywords(TRADE_FIELDS, TRADE, "'{}': {}")
    taken = "\n".join(f"{n} = m['{f}']" for f, n in zip(TRADE_FIELDS, TRADE, strict=True))
    return Peer(
        "fastavro",
        {"write": module.schemaless_writer, "read": module.schemaless_reader, "schema": schema, "BytesIO": io.BytesIO},
        {"trade build": f"f = BytesIO(); write(f, schema, {{{given}}}); b = f.getvalue()",
         "trade parse": f"m = read(BytesIO(b), schema, None)\n{taken}"},
    )  # fmt: skip


PEERS = (msgspec_array, msgspec_map, protobuf, flatbuffers, capnp, orjson, ormsgpack, cbor2, pickled, avro)
