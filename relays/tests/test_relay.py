"""A relay over a real socket: the same bytes out, no echo, filters, gaps, recovery, and what it refuses."""

import asyncio
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from infra.relay_messages import (
    RelayReplyTLV,
    Status,
    SubscribeTLV,
    SyncTLV,
    is_reply,
    recovery_request,
    subscribe_message,
    sync_message,
)
from infra.transport import Transport
from libs.types.protocol import Message, MessageBuilder, RecoveryType, RelayDomain, SnapshotTLV
from libs.types.protocol.sequence import Gap
from libs.types.protocol.snapshot import read_snapshot
from relays.relay import MAX_RECOVERIES_PER_SECOND
from relays.tests.conftest import take

MARKET, SIGNAL, EXECUTION = RelayDomain.MARKET_DATA, RelayDomain.SIGNAL, RelayDomain.EXECUTION
Running = Callable[..., Any]


def made(
    number: int, *, source: int = 1, domain: RelayDomain = MARKET, time: int | None = None, size: int = 40
) -> bytes:
    builder = MessageBuilder(relay_domain=domain, source=source, sequence=number, timestamp=time or number)
    return builder.add_raw(254, bytes([number % 256]) * size).build()


async def subscribe(transport: Transport, domain: RelayDomain = MARKET, *patterns: str, slow: int = 0) -> Message:
    request = subscribe_message(domain, source=60, consumer_id=7, patterns=patterns or ("*",), slow=slow)  # type: ignore[arg-type]
    await transport.send(request)
    return (await take(transport, 1))[0]


def reply_of(message: Message) -> RelayReplyTLV:
    reply = message.get(RelayReplyTLV)
    assert reply is not None and is_reply(message)
    return reply


async def test_the_same_bytes_go_to_all_but_the_sender(running: Running) -> None:
    sent = [made(number) for number in range(1, 200)]
    async with running() as here:
        publisher, one, two = [await here.connect() for _ in range(3)]
        for each in (publisher, one, two):
            assert reply_of(await subscribe(each)).status == Status.SUCCESS
        await publisher.send(b"".join(sent), len(sent))
        await publisher.send(sync_message(MARKET, source=1, publisher_id=3, token=99))
        assert [bytes(m) for m in await take(one, len(sent))] == sent
        assert [bytes(m) for m in await take(two, len(sent))] == sent
        (answer,) = await take(publisher, 1)  # no echo: the first that comes is the answer
        assert answer.get(SyncTLV).token == 99  # type: ignore[union-attr]
        assert (here.relay.counts.messages_in, here.relay.counts.messages_out) == (199, 398)


async def test_extended_frames_and_unknown_types_pass(running: Running) -> None:
    builder = MessageBuilder(relay_domain=MARKET, source=1, sequence=1, timestamp=1)
    big = builder.add_raw(210, b"x" * 5000).add_raw(119, b"").build()
    empty = MessageBuilder(relay_domain=MARKET, source=1, sequence=2, timestamp=2).build()
    async with running() as here:
        publisher, reader = await here.connect(), await here.connect()
        await subscribe(reader)
        await publisher.send(big + empty, 2)
        assert [bytes(m) for m in await take(reader, 2)] == [big, empty]


@pytest.mark.parametrize("domain", [MARKET, SIGNAL, EXECUTION])
async def test_a_wrong_checksum_passes_the_market_relay_only(running: Running, domain: RelayDomain) -> None:
    source = {MARKET: 1, SIGNAL: 20, EXECUTION: 40}[domain]
    unsigned = bytearray(made(1, source=source, domain=domain))
    unsigned[28:32] = b"\0\0\0\0"
    good = made(2, source=source, domain=domain)
    async with running(domain) as here:
        publisher, reader = await here.connect(), await here.connect()
        await subscribe(reader, domain)
        await publisher.send(bytes(unsigned) + good, 2)
        got = await take(reader, 2 if domain is MARKET else 1)
        assert [bytes(m) for m in got] == ([bytes(unsigned), good] if domain is MARKET else [good])
        assert sum(p.transport.statistics().faults for p in here.relay.peers.values()) == (domain is not MARKET)


async def test_other_domains_are_refused(running: Running) -> None:
    async with running(SIGNAL) as here:
        publisher, reader = await here.connect(), await here.connect()
        await subscribe(reader, SIGNAL)
        await publisher.send(made(1) + made(1, source=20, domain=SIGNAL), 2)
        assert [m.relay_domain for m in await take(reader, 1)] == [SIGNAL]


async def test_execution_is_audited(running: Running) -> None:
    async with running(EXECUTION) as here:
        publisher = await here.connect()
        await publisher.send(b"".join(made(n, source=40, domain=EXECUTION) for n in (1, 2)), 2)
        await publisher.send(sync_message(EXECUTION, source=40, publisher_id=1, token=1))
        await take(publisher, 1)
        lines = here.events("message")
        assert [(line["source"], line["sequence"], line["type"], line["size"]) for line in lines] == [
            (40, 1, 254, 74),
            (40, 2, 254, 74),
        ]
        assert lines[0]["checksum"] == f"{struct.unpack_from('<I', made(1, source=40, domain=EXECUTION), 28)[0]:08x}"


async def test_topics_choose_sources(running: Running) -> None:
    async with running() as here:
        publisher, kraken, prefix, default = [await here.connect() for _ in range(4)]
        await subscribe(kraken, MARKET, "market_data_kraken")
        await subscribe(prefix, MARKET, "market_data_k*", "market_data_co*")
        await subscribe(default, MARKET, "market_data_all")
        batch = [made(1, source=source) for source in (1, 2, 3, 5, 2)]
        await publisher.send(b"".join(batch), len(batch))
        await publisher.send(made(9, source=2))
        assert [m.source for m in await take(kraken, 3)] == [2, 2, 2]
        assert [m.source for m in await take(prefix, 4)] == [2, 3, 2, 2]
        assert [m.source for m in await take(default, 1)] == [5]


async def test_unknown_topics_are_refused_where_none_appear(running: Running) -> None:
    async with running(SIGNAL) as here:
        reader = await here.connect()
        assert reply_of(await subscribe(reader, SIGNAL, "no_such_signals")).status == Status.FAILED
        assert reply_of(await subscribe(reader, SIGNAL, "arbitrage_signals")).status == Status.SUCCESS
        assert reply_of(await subscribe(reader, SIGNAL, slow=9)).status == Status.FAILED


async def test_requests_that_cannot_be_read_are_logged(running: Running) -> None:
    bad = MessageBuilder(relay_domain=MARKET, source=60, sequence=0)
    bad.add(SubscribeTLV(consumer_id=1, pattern=[0xFF, 0xFE]))
    async with running() as here:
        reader = await here.connect()
        await reader.send(bad.build() + MessageBuilder(relay_domain=MARKET, source=60, sequence=0)
                          .add_raw(207, b"").build())  # fmt: skip
        assert reply_of(await subscribe(reader)).status == Status.SUCCESS
        assert len(here.events("bad-request")) == 2 and here.relay.counts.refused == 2


async def test_gaps_are_noticed_and_sent_again(running: Running) -> None:
    sent = {number: made(number) for number in range(1, 21)}
    async with running() as here:
        publisher, reader = await here.connect(), await here.connect()
        await publisher.send(b"".join(sent[n] for n in (*range(1, 6), *range(8, 21))), 18)
        await publisher.send(sync_message(MARKET, source=1, publisher_id=1, token=1))
        await take(publisher, 1)
        stream = here.relay.streams[1]
        assert (stream.gaps, stream.missing, stream.open) == (1, 2, [(6, 7)])
        assert [(line["expected"], line["number"]) for line in here.events("gap")] == [(6, 8)]
        await publisher.send(sent[6] + sent[3], 2)
        await publisher.send(sync_message(MARKET, source=1, publisher_id=1, token=2))
        await take(publisher, 1)
        assert (stream.missing, stream.open, stream.repeats) == (1, [(7, 7)], 1)
        gap = Gap(MARKET, 1, 2, 11, RecoveryType.RETRANSMIT)
        await reader.send(recovery_request(gap, source=60, consumer_id=5))
        got = await take(reader, 8)
        assert [bytes(m) for m in got[:7]] == [sent[n] for n in (3, 4, 5, 6, 8, 9, 10)]
        reply = reply_of(got[7])
        assert (reply.status, reply.sent, reply.missing, reply.consumer_id) == (Status.PARTIAL, 7, 1, 5)


async def test_snapshots(running: Running) -> None:
    sent = [made(number, time=number) for number in range(1, 9)]
    async with running() as here:
        publisher, reader = await here.connect(), await here.connect()
        await publisher.send(b"".join(sent) + made(4, source=2), 9)
        await publisher.send(sync_message(MARKET, source=1, publisher_id=1, token=1))
        await take(publisher, 1)
        await reader.send(recovery_request(Gap(MARKET, 1, 2, 2000, RecoveryType.SNAPSHOT), source=60, consumer_id=5))
        (answer,) = await take(reader, 1)
        tlv = answer.get(SnapshotTLV)
        assert tlv is not None and reply_of(answer).source == 1
        snapshot = read_snapshot(tlv, now=tlv.timestamp)
        assert (snapshot.sequence, snapshot.consumer_sequences) == (8, {1: 8, 2: 4})
        assert [each.data for each in snapshot.message_buffer] == sent
        assert answer.size <= here.relay.policy.max_message


async def test_recoveries_that_cannot_be_granted(running: Running) -> None:
    async with running() as here:
        reader = await here.connect()
        nobody = recovery_request(Gap(MARKET, 1, 2, 5, RecoveryType.RETRANSMIT), source=60, consumer_id=5)
        await reader.send(nobody)
        assert reply_of((await take(reader, 1))[0]).status == Status.FAILED
        await reader.send(nobody * MAX_RECOVERIES_PER_SECOND, MAX_RECOVERIES_PER_SECOND)
        got = await take(reader, MAX_RECOVERIES_PER_SECOND)
        assert reply_of(got[-1]).status == Status.TOO_MANY_REQUESTS


async def test_a_source_that_starts_again(running: Running) -> None:
    async with running() as here:
        publisher = await here.connect()
        await publisher.send(b"".join(made(n, time=n) for n in range(1, 50)) + made(1, time=1000), 50)
        await publisher.send(sync_message(MARKET, source=1, publisher_id=1, token=1))
        await take(publisher, 1)
        assert (here.relay.streams[1].restarts, here.relay.streams[1].expected) == (1, 2)


async def test_a_number_that_comes_again_with_other_bytes_is_told(running: Running) -> None:
    """Readers drop it, and nobody said so: two programs with one source, or a restart with the clock set back."""
    async with running() as here:
        publisher = await here.connect()
        sent = b"".join(made(n, time=1000 + n) for n in (1, 2))
        await publisher.send(sent + made(1, time=2000) + made(2, time=2001), 4)
        await publisher.send(made(2, time=2001) + sent, 3)  # sent again, as after a lost connection
        await publisher.send(sync_message(MARKET, source=1, publisher_id=1, token=1))
        await take(publisher, 1)
        assert here.events("conflict") == []
        here.relay._quiet_until.clear()
        await publisher.send(made(1, time=1500) + made(2, time=1501), 2)
        await publisher.send(sync_message(MARKET, source=1, publisher_id=1, token=2))
        await take(publisher, 1)
        (told,) = here.events("conflict")
        assert (told["source"], told["number"], told["expected"], told["behind_ns"]) == (1, 1, 3, 501)


async def test_a_slow_subscriber_loses_the_oldest_and_nobody_else_does(running: Running) -> None:
    sent = [made(number, size=200) for number in range(1, 20_001)]
    async with running(queue_bytes=64 * 1024, high_water=16 * 1024) as here:
        publisher, slow, quick = [await here.connect() for _ in range(3)]
        await subscribe(slow)
        await subscribe(quick)
        reading = asyncio.create_task(take(quick, len(sent)))
        for at in range(0, len(sent), 100):
            await publisher.send(b"".join(sent[at : at + 100]), 100)
            if at % 200 == 0:  # so that the other never has more before it than its queue holds
                await publisher.send(sync_message(MARKET, source=1, publisher_id=1, token=at))
                await take(publisher, 1)
        assert [m.sequence for m in await reading] == list(range(1, 20_001))
        lagging = next(peer for peer in here.relay.peers.values() if peer.lost)
        assert 0 < lagging.lost < 20_000 and lagging.queued_bytes <= 64 * 1024 + 256 * 1024
        got = await take(slow, len(sent) - lagging.lost)
        assert len(got) == len(sent) - lagging.lost and got[-1].sequence == 20_000
        assert here.events("late")


async def test_a_slow_subscriber_that_wants_to_be_closed(running: Running) -> None:
    block = b"".join(made(number, size=200) for number in range(1, 101))
    async with running(queue_bytes=64 * 1024, high_water=16 * 1024) as here:
        publisher, slow = await here.connect(), await here.connect()
        await subscribe(slow, slow=2)
        for _ in range(100):
            await publisher.send(block, 100)
        while len(here.relay.peers) > 1:
            await asyncio.sleep(0.05)
        assert here.relay.counts.slow_closed >= 1 and here.relay.counts.lost > 0
        assert here.events("closing")[0]["reason"] == "too slow or gone"


async def test_noise_is_closed_and_half_a_message_harms_nobody(running: Running) -> None:
    noise = zlib.compress(bytes(range(256)) * 64, 0) * 100
    async with running() as here:
        publisher, reader, half = [await here.connect() for _ in range(3)]
        await subscribe(reader)
        await half.send(made(1)[:50])
        noisy = await here.connect()
        await noisy.send(noise)
        await noisy.drain()
        while not here.events("closing"):
            await asyncio.sleep(0.05)
        await half.close()
        await publisher.send(made(1))
        assert [m.sequence for m in await take(reader, 1)] == [1]
