"""What every transport promises, on sockets and in memory: the same tests on both."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from infra.transport import (
    AddressInUse,
    BadSetting,
    BadStream,
    BusyReceiver,
    ConnectFailed,
    ConnectionLost,
    EndOfStream,
    QueueFull,
    Transport,
    TransportClosed,
    TransportSettings,
    connect,
    joined,
    listen,
)
from libs.types.protocol import ChecksumPolicy, InvalidMagic, Message, MessageTooLarge, RelayDomain, RelayDomainMismatch

Make = Callable[..., bytes]
SMALL = TransportSettings(high_water=64 * 1024, low_water=16 * 1024, receive_buffer=8192, close_timeout=0.2)


@pytest.fixture(params=["unix", "memory"])
def url(request: pytest.FixtureRequest, folder: Path) -> str:
    return f"unix://{folder}/s.sock" if request.param == "unix" else "memory://test"


@asynccontextmanager
async def linked(url: str, settings: TransportSettings | None = None) -> AsyncIterator[tuple[Transport, Transport]]:
    """A client and the accepted other end."""
    given = settings or TransportSettings()
    async with (
        await listen(url, given) as listener,
        await connect(url, given) as client,
        await listener.accept() as server,
    ):
        yield client, server


async def all_of(transport: Transport) -> list[bytes]:
    return [bytes(message) for batch in [b async for b in transport] for message in batch]


async def test_messages_in_order_both_ways(url: str, make_message: Make) -> None:
    there = [make_message(sequence, sequence % 300) for sequence in range(1, 1000)]
    back = [make_message(sequence) for sequence in range(1, 50)]
    async with linked(url) as (client, server):
        for data in there:
            await client.send(data)
        await server.send(b"".join(back), len(back))
        await client.end_sending()
        await server.end_sending()
        assert await all_of(server) == there
        assert await all_of(client) == back
        sent, got = client.statistics(), server.statistics()
        assert (sent.messages_out, sent.bytes_out) == (len(there), sum(map(len, there)))
        assert (got.messages_in, got.bytes_in) == (len(there), sum(map(len, there)))
        assert (sent.messages_in, got.messages_out, sent.queue_bytes, sent.drops) == (len(back), len(back), 0, 0)


async def test_one_turn_is_one_batch(url: str, make_message: Make) -> None:
    async with linked(url) as (client, server):
        for sequence in range(100):
            client.send_nowait(make_message(sequence + 1))
        assert client.statistics().bytes_out == 0
        batch = await server.receive()
        assert [message.sequence for message in batch] == list(range(1, 101))
        assert joined(batch) == b"".join(map(bytes, batch))


async def test_flush_does_not_wait_for_the_turn(url: str, make_message: Make) -> None:
    async with linked(url) as (client, _):
        client.send_nowait(make_message())
        client.flush()
        assert client.statistics().messages_out == 1
        await client.send(b"", 0)
        await client.drain()


async def test_messages_stay_right_while_they_are_held(url: str, make_message: Make) -> None:
    async with linked(url, SMALL) as (client, server):
        held: list[Message] = []
        sent = []
        for sequence in range(1, 200):
            sent.append(make_message(sequence, 200))
            await client.send(sent[-1])
            if sequence % 10 == 0:
                await client.drain()
                held += await server.receive()
        while len(held) < len(sent):
            held += await server.receive()
        assert [bytes(message) for message in held] == sent


async def test_deliver(url: str, make_message: Make) -> None:
    sent = [make_message(sequence, 150) for sequence in range(1, 500)]
    got: list[bytes] = []
    kept: list[Message] = []

    def handler(batch: list[Message]) -> None:
        got.extend(map(bytes, batch))
        kept.append(batch[0])

    async with linked(url, SMALL) as (client, server):
        await client.send(sent[0])
        await client.drain()
        await asyncio.sleep(0.01)  # it lies there before anybody asks
        delivering = asyncio.create_task(server.deliver(handler))
        for data in sent[1:]:
            await client.send(data)
        await client.end_sending()
        await delivering
        assert got == sent
        assert all(bytes(message) in sent for message in kept)


async def test_deliver_raises_what_the_handler_raises(url: str, make_message: Make) -> None:
    def handler(batch: list[Message]) -> None:
        raise KeyError(batch[0].sequence)

    async with linked(url) as (client, server):
        for sequence in (7, 8):
            await client.send(make_message(sequence))
            with pytest.raises(KeyError, match=str(sequence)):
                await server.deliver(handler)
        await client.send(make_message(9))
        assert [message.sequence for message in await server.receive()] == [9]


async def test_deliver_ends_with_close(url: str) -> None:
    async with linked(url) as (_, server):
        delivering = asyncio.create_task(server.deliver(lambda batch: None))
        await asyncio.sleep(0.01)
        await server.close()
        with pytest.raises(TransportClosed):
            await delivering


async def test_a_peer_that_does_not_read_holds_the_writer(url: str, make_message: Make) -> None:
    data = make_message(1, 200)
    async with linked(url, SMALL) as (client, server):
        count = 0
        with pytest.raises(QueueFull) as caught:
            while True:
                client.send_nowait(data)
                count += 1
                if count % 100 == 0:
                    await asyncio.sleep(0)
        assert caught.value.limit == SMALL.high_water <= caught.value.queued
        numbers = client.statistics()
        assert numbers.drops == 1
        # What the kernel holds is not ours; what is ours is bounded by the mark, one chunk and one message.
        assert numbers.queue_bytes <= SMALL.high_water + 256 * 1024 + len(data)
        assert numbers.queue_peak <= SMALL.high_water + len(data)
        waiting = asyncio.create_task(client.send(data))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        got = 0
        while got < count + 1:
            got += len(await server.receive())
        await waiting
        assert client.statistics().queue_bytes == 0


async def test_a_waiting_send_that_is_cancelled_sends_nothing(url: str, make_message: Make) -> None:
    async with linked(url, SMALL) as (client, server):
        await fill(client, make_message(1, 200))
        waiting = [asyncio.create_task(client.send(make_message(2))) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        await asyncio.sleep(0)
        found: list[int] = []
        await asyncio.gather(client_end(client, waiting), drained(server, found))
        assert waiting[1].cancelled() and found.count(2) == 2


async def client_end(client: Transport, waiting: "list[asyncio.Task[None]]") -> None:
    await asyncio.wait(waiting)
    await client.end_sending()


async def drained(server: Transport, sequences: list[int]) -> None:
    async for batch in server:
        sequences.extend(message.sequence for message in batch)


async def fill(transport: Transport, data: bytes) -> None:
    try:
        while True:
            transport.send_nowait(data)
            await asyncio.sleep(0)
    except QueueFull:
        return


async def test_close_gives_up_on_a_peer_that_does_not_read(url: str, make_message: Make) -> None:
    async with linked(url, SMALL) as (client, _):
        await fill(client, make_message(1, 200))
        waiting = asyncio.create_task(client.send(make_message()))
        await asyncio.sleep(0)
        await asyncio.wait_for(client.close(), 5)
        with pytest.raises(TransportClosed):
            await waiting
        assert client.statistics().drops > 1
        for call in (client.receive(), client.send(b""), client.end_sending()):
            with pytest.raises(TransportClosed):
                await call
        with pytest.raises(TransportClosed):
            client.send_nowait(b"x")
        await client.close()


async def test_close_sends_what_is_queued(url: str, make_message: Make) -> None:
    async with linked(url) as (client, server):
        for sequence in range(1, 2000):
            client.send_nowait(make_message(sequence))
        await client.close()
        assert len(await all_of(server)) == 1999
        with pytest.raises(EndOfStream):
            await server.receive()
        with pytest.raises(ConnectionLost):
            for _ in range(100):
                await server.send(make_message())
                await server.drain()
                await asyncio.sleep(0.001)


async def test_half_closed(url: str, make_message: Make) -> None:
    async with linked(url) as (client, server):
        await client.end_sending()
        assert await all_of(server) == []
        with pytest.raises(TransportClosed):
            await client.send(make_message())
        await server.send(make_message(5))
        assert [message.sequence for message in await client.receive()] == [5]
        await server.close()
        with pytest.raises(EndOfStream) as caught:
            await client.receive()
        assert caught.value.unfinished == 0


async def test_half_a_message(url: str, make_message: Make) -> None:
    async with linked(url) as (client, server):
        await client.send(make_message(1) + make_message(2)[:50])
        await client.end_sending()
        assert len(await server.receive()) == 1
        for _ in range(2):
            with pytest.raises(EndOfStream) as caught:
                await server.receive()
            assert caught.value.unfinished == 50


async def test_garbage_ends_a_strict_stream(url: str, make_message: Make) -> None:
    good = make_message()
    async with linked(url) as (client, server):
        await client.send(good * 2 + b"garbage" * 10)
        assert len(await server.receive()) == 2
        for _ in range(2):
            with pytest.raises(BadStream) as caught:
                await server.receive()
            assert isinstance(caught.value.error, InvalidMagic)
            assert caught.value.offset == 2 * len(good)
        await client.send(good)
        with pytest.raises(BadStream):
            await server.deliver(lambda batch: None)
        assert server.statistics().faults == 1


async def test_garbage_during_deliver(url: str, make_message: Make) -> None:
    got: list[Message] = []
    async with linked(url) as (client, server):
        delivering = asyncio.create_task(server.deliver(got.extend))
        await asyncio.sleep(0.01)
        await client.send(make_message() + b"garbage" * 10)
        with pytest.raises(BadStream):
            await delivering
        assert len(got) == 1


async def test_a_stream_that_is_not_strict_goes_on(url: str, make_message: Make) -> None:
    async with linked(url, TransportSettings(strict=False)) as (client, server):
        await client.send(make_message(1) + b"garbage" * 10 + make_message(2))
        await client.end_sending()
        assert len(await all_of(server)) == 2
        assert server.statistics().faults == 1


@pytest.mark.parametrize("size", [0xFFFFFFFF, 65536])
async def test_an_oversized_announcement_is_refused_at_the_header(url: str, make_message: Make, size: int) -> None:
    settings = TransportSettings(limit=16_384, checksum=ChecksumPolicy.SKIP)
    header = bytearray(make_message()[:32])
    header[24:28] = size.to_bytes(4, "little")
    async with linked(url, settings) as (client, server):
        await client.send(bytes(header))
        with pytest.raises(BadStream) as caught:
            await server.receive()
        assert isinstance(caught.value.error, MessageTooLarge)
        assert server.statistics().bytes_in == 32


async def test_a_wrong_domain(url: str, make_message: Make) -> None:
    async with linked(url, TransportSettings(domain=RelayDomain.SIGNAL)) as (client, server):
        await client.send(make_message(1, 40, 2) + make_message(2, 40, 1))
        assert len(await server.receive()) == 1
        with pytest.raises(BadStream) as caught:
            await server.receive()
        assert isinstance(caught.value.error, RelayDomainMismatch)


async def test_one_receiver(url: str, make_message: Make) -> None:
    async with linked(url) as (client, server):
        first = asyncio.create_task(server.receive())
        await asyncio.sleep(0)
        with pytest.raises(BusyReceiver):
            await server.receive()
        with pytest.raises(BusyReceiver):
            await server.deliver(lambda batch: None)
        first.cancel()
        await asyncio.wait([first])
        await client.send(make_message(3))
        assert [message.sequence for message in await server.receive()] == [3]


async def test_a_taken_place(url: str) -> None:
    async with await listen(url):
        with pytest.raises(AddressInUse):
            await listen(url)
    with pytest.raises(ConnectFailed):
        await connect(url)
    async with await listen(url):
        pass


async def test_too_many_connections(url: str, make_message: Make) -> None:
    settings = TransportSettings(max_connections=2)
    async with await listen(url, settings) as listener, await connect(url), await connect(url):
        for _ in range(3):
            with pytest.raises((ConnectFailed, ConnectionLost, EndOfStream)):
                async with await connect(url) as third:
                    await third.receive()
        assert (listener.statistics().accepted, listener.statistics().refused) == (2, 3)
        first = await listener.accept()
        await first.close()
        await asyncio.sleep(0.01)
        assert listener.statistics().open == 1
    async with asyncio.timeout(1):
        assert [transport async for transport in listener] == []


async def test_accept_waits_and_can_be_cancelled(url: str, make_message: Make) -> None:
    async with await listen(url) as listener:
        accepts = [asyncio.create_task(listener.accept()) for _ in range(2)]
        await asyncio.sleep(0)
        accepts[0].cancel()
        async with await connect(url) as client, await accepts[1] as server:
            await server.send(make_message(4))
            assert len(await client.receive()) == 1
        waiting = asyncio.create_task(listener.accept())
        await asyncio.sleep(0)
        await listener.close()
        await listener.close()
        with pytest.raises(TransportClosed):
            await waiting


@pytest.mark.parametrize(
    ("name", "value"),
    [("limit", 31), ("receive_buffer", 1), ("high_water", 0), ("low_water", 2**30), ("low_water", -1),
     ("max_connections", 0), ("connect_timeout", 0), ("close_timeout", float("nan"))],
)  # fmt: skip
def test_settings_are_checked(name: str, value: float) -> None:
    with pytest.raises(BadSetting) as caught:
        TransportSettings(**{name: value})  # type: ignore[arg-type]
    assert caught.value.name in (name, "low_water")
