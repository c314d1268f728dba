"""What an editor and a type checker know of this package: each line that has to be an error says so.

Never run.  mypy --strict and pyright check the file: `assert_type` is what they see, and an expected error that is
none is an error itself: for mypy always, for pyright with the settings of test_typing.py.
"""

# pyright: strict

from typing import Any, assert_type

from libs.types.protocol import (
    I64,
    TLV,
    U8,
    U16,
    U32,
    U128,
    ChecksumMismatch,
    ChecksumPolicy,
    Decoder,
    Encoder,
    FixedVec,
    HeaderFlags,
    InstrumentId,
    Message,
    MessageBuilder,
    MessageHeader,
    OrderBookTLV,
    OrderLevel,
    PoolLiquidityTLV,
    ProtocolError,
    RelayDomain,
    SnapshotTLV,
    SourceType,
    Struct,
    Tail,
    TLVType,
    TLVView,
    TradeTLV,
    TruncatedTLV,
    Vec,
    field,
    parse_header,
    parse_message,
    vec,
)


class TickTLV(TLV, type=201):
    """A vendor's own struct is as typed as the built-in ones."""

    price: I64 = field(unit="1e-8 USD")
    venue: U16
    side: U8 = 0
    levels: Vec[OrderLevel] = vec(OrderLevel, 10, default=())
    sizes: Vec[int] = vec(U32, 4, default=())
    where: InstrumentId


class NoteTLV(TLV, type=202, registered=False):
    at: U128
    text: Tail


class Point(Struct, packed=True, size=8):
    x: I64


def fields(trade: TradeTLV, book: OrderBookTLV, pool: PoolLiquidityTLV, snapshot: SnapshotTLV, tick: TickTLV) -> None:
    assert_type(trade.price, int)
    assert_type(trade.instrument, InstrumentId)
    assert_type(trade.instrument.venue, int)
    assert_type(book.bids, FixedVec[OrderLevel])
    assert_type(book.bids[0], OrderLevel)
    assert_type(book.bids[0].price, int)
    assert_type(book.bids[1:], list[OrderLevel])
    assert_type([level.size for level in book.asks], list[int])
    assert_type(book.bids.to_list(), list[OrderLevel])
    assert_type(book.bid_price(0), int)
    assert_type(len(book.bids), int)
    assert_type(pool.reserves, FixedVec[int])
    assert_type(pool.reserves[0], int)
    assert_type(pool.pool_address, bytes)
    assert_type(snapshot.data, bytes)
    assert_type(tick.levels[0].order_count, int)
    assert_type(tick.sizes[0], int)
    assert_type(tick.where.asset_id, int)
    assert_type(tick.to_dict(), dict[str, Any])
    assert_type(bytes(tick), bytes)
    assert_type(TickTLV.SIZE, int)
    assert_type(TickTLV.TYPE, int)


def making(trade: TradeTLV, level: OrderLevel) -> None:
    instrument = InstrumentId(asset_id=1, venue=2, asset_type=3)
    assert_type(TickTLV(price=1, venue=2, where=instrument), TickTLV)
    assert_type(TickTLV(price=1, venue=2, where=instrument, levels=[level], sizes=[1, 2], side=1), TickTLV)
    assert_type(TickTLV(price=1, venue=2, where=instrument, levels=[(1, 2, 3)]), TickTLV)
    assert_type(TickTLV.from_buffer(b""), TickTLV)
    assert_type(trade.replace(price=3), TradeTLV)
    assert_type(trade.copy(), TradeTLV)
    assert_type(NoteTLV(at=1, text=b"note").text, bytes)
    assert_type(Point(x=1).x, int)
    side = FixedVec(OrderLevel, 50)
    assert_type(side, FixedVec[OrderLevel])
    side.append(level)
    side.append((1, 2, 3))
    side.insert_sorted(level, key=lambda each: each.price, descending=True)
    assert_type(side.insert_sorted(level, key=lambda each: each.price), int)
    OrderBookTLV(timestamp_ns=1, sequence=2, asset_id=3, venue_id=4, asset_type=5, bids=side, asks=())


def headers(header: MessageHeader, message: Message) -> None:
    assert_type(header.relay_domain, RelayDomain)
    assert_type(header.source, SourceType)
    assert_type(header.flags, HeaderFlags)
    assert_type(header.sequence, int)
    assert_type(parse_header(b"", checksum=ChecksumPolicy.SKIP), MessageHeader)
    assert_type(message.header, MessageHeader)
    assert_type(message.sequence, int)
    assert_type(message.size, int)


def messages(message: Message) -> None:
    assert_type(parse_message(b""), Message)
    assert_type(parse_message(bytearray(), 3, checksum=False, limit=100, allow_trailing=True), Message)
    assert_type(message.get(TradeTLV), TradeTLV | None)
    assert_type(message.get_all(TickTLV), list[TickTLV])
    assert_type(message.find(TLVType.TRADE), TLVView | None)
    for view in message:
        assert_type(view, TLVView)
        assert_type(view.type, int)
        assert_type(view.extended, bool)
        assert_type(len(view), int)
        view.payload.tobytes()
    trade = message.get(TradeTLV)
    if trade is not None:
        assert_type(trade.price, int)


def building(trade: TradeTLV) -> None:
    builder = MessageBuilder(relay_domain=RelayDomain.SIGNAL, source=SourceType.DASHBOARD, sequence=1)
    assert_type(builder.add(trade), MessageBuilder)
    assert_type(builder.add(trade).add_raw(250, memoryview(b"")).build(), bytes)
    assert_type(builder.build_into(bytearray(100), 3, signed=False), int)
    assert_type(builder.restart(sequence=2, timestamp=3), MessageBuilder)
    encode = Encoder(TradeTLV, "price", "volume", relay_domain=1, source=2)
    assert_type(encode(1, 2), bytes)
    assert_type(encode.encode(1, 2), bytes)
    decode = Decoder(TradeTLV, "price", checksum=True)
    assert_type(decode(b""), tuple[Any, ...] | None)
    assert_type(decode.decode(b"", 0), tuple[Any, ...] | None)


def errors() -> None:
    try:
        parse_message(b"")
    except ChecksumMismatch as error:
        assert_type(error.in_header, int)
        assert_type(error.calculated, int)
        assert_type(error.likely_cause, str)
    except TruncatedTLV as error:
        assert_type(error.tlv_type, int | None)
        assert_type(error.payload_offset, int)
    except ProtocolError as error:
        assert_type(error.details(), dict[str, Any])


def matching(trade: TradeTLV) -> int:
    match trade:
        case TradeTLV(price=price, side=0):
            return assert_type(price, int)
        case _:
            return 0


def mistakes(trade: TradeTLV, book: OrderBookTLV, level: OrderLevel, message: Message, builder: MessageBuilder) -> None:
    where = InstrumentId(asset_id=1, venue=2, asset_type=3)
    # A missing field, an unknown one, a value of the wrong type, fields by position.
    TickTLV(price=1, where=where)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    TickTLV(price=1, venue=2, where=where, prize=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    TickTLV(price="1", venue=2, where=where)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    TickTLV(price=1, venue=2, where=b"")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    TickTLV(1, 2, where)  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
    # Elements of another struct.
    TickTLV(price=1, venue=2, where=where, levels=[where])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    FixedVec(OrderLevel, 3).append(where)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    # Assignment.
    trade.price = 3  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    level.size = 3  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    # A name that is not there.
    trade.prize  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018
    book.bids[0].prize  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]  # noqa: B018
    message.get(TradeTLV).price  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]  # noqa: B018
    # What is no buffer, no TLV, no policy.
    parse_message("text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    parse_message(b"", checksum="skip")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    parse_message(b"", 0, True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    builder.add(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    builder.add(level)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    message.get(OrderLevel)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    Encoder(OrderLevel, "price", relay_domain=1, source=2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    MessageBuilder(1, 2, 3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
