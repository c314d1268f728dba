"""Publisher and subscription against a relay: order, acknowledgement, gaps that are filled or given up, restarts."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from infra.errors import ConnectFailed
from infra.publisher import Publisher
from infra.subscription import Subscription
from infra.transport import Backoff
from libs.types.protocol import MessageBuilder, RelayDomain
from libs.types.protocol.sequence import GapPolicy
from relays.tests.conftest import Running

MARKET = RelayDomain.MARKET_DATA
QUICK = Backoff(first=0.02, cap=0.05, tries=100)


def made(number: int, *, time: int | None = None, size: int = 40) -> bytes:
    builder = MessageBuilder(relay_domain=MARKET, source=1, sequence=number, timestamp=time or number)
    return builder.add_raw(254, b"\x11" * size).build()


async def numbers(stream: Subscription, last: int) -> list[int]:
    got: list[int] = []
    while not got or got[-1] != last:
        got += [message.sequence for message in await stream.receive()]
    return got


async def hide(here: Running, numbers: range) -> None:
    """The relay knows these messages, but its subscribers were not told."""
    peers = list(here.relay.peers.values())
    filters = [peer.filter for peer in peers]
    for peer in peers:
        peer.filter = None
    await send(here, numbers)
    for peer, kept in zip(peers, filters, strict=True):
        peer.filter = kept


async def send(here: Running, numbers: range) -> None:
    publisher = Publisher(here.url, MARKET, source=1, sync_every=7, unacknowledged=20)
    await publisher.open()
    for number in numbers:
        await publisher.publish(made(number))
    assert await publisher.finish()
    assert (publisher.sent, publisher.acknowledged) == (len(numbers), len(numbers))
    assert publisher.statistics().messages_out >= len(numbers)
    await publisher.close()


@pytest.mark.parametrize("missing", [3, 99, 5000])
async def test_a_gap_is_filled_in_order(running: Callable[..., Any], missing: int) -> None:
    async with running(queue_bytes=256 * 1024) as here, Subscription(here.url, MARKET, source=60) as one:
        await send(here, range(1, 11))
        assert await numbers(one, 10) == list(range(1, 11))
        await hide(here, range(11, 11 + missing))
        await send(here, range(11 + missing, 20 + missing))
        assert await numbers(one, 19 + missing) == list(range(11, 20 + missing))
        assert (one.numbers.gaps >= 1, one.numbers.lost) == (True, 0)
        assert one.statistics().messages_in >= 19 + missing


async def test_a_large_gap_goes_by_a_snapshot_where_the_policy_says_so(running: Callable[..., Any]) -> None:
    policy = GapPolicy()
    async with running() as here, Subscription(here.url, MARKET, source=60, policy=policy) as one:
        await send(here, range(1, 11))
        assert await numbers(one, 10) == list(range(1, 11))
        await hide(here, range(11, 3000))
        await send(here, range(3000, 3010))
        got = await numbers(one, 3009)
        assert got == list(range(got[0], 3010)) and 11 < got[0] < 3000
        seen = one.numbers
        assert (seen.snapshots, seen.lost) == (1, got[0] - 11)


async def test_what_no_relay_remembers_is_given_up(running: Callable[..., Any]) -> None:
    policy = GapPolicy(max_retries=1, timeout_ns=1)
    async with running() as here, Subscription(here.url, MARKET, source=60, policy=policy) as one:
        await send(here, range(1, 3))
        assert await numbers(one, 2) == [1, 2]
        await send(here, range(5, 8))
        assert await numbers(one, 7) == [5, 6, 7]
        assert one.numbers.lost == 2


async def test_a_source_that_starts_again_is_followed_and_a_replay_is_not(running: Callable[..., Any]) -> None:
    async with running() as here, Subscription(here.url, MARKET, source=60) as one:
        publisher = Publisher(here.url, MARKET, source=1)
        await publisher.open()
        for number in range(1, 6):
            await publisher.publish(made(number))
        for number in range(1, 6):
            await publisher.publish(made(number))
        for number in range(1, 4):
            await publisher.publish(made(number, time=1000 + number))
        assert await publisher.finish()
        got: list[int] = []
        while len(got) < 8:
            got += [message.sequence for message in await one.receive()]
        assert got == [1, 2, 3, 4, 5, 1, 2, 3]
        assert (one.numbers.repeats, one.numbers.restarts) == (5, 1)
        await publisher.close()


async def test_a_receive_that_is_cancelled_while_it_asks_loses_nothing(
    running: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The messages before a gap were gone when the request for it had to wait, for a connection or for room."""
    async with running() as here, Subscription(here.url, MARKET, source=60) as one:
        asked = asyncio.Event()

        async def waits(*_: object) -> None:
            asked.set()
            await asyncio.Event().wait()

        sender = await here.connect()
        with monkeypatch.context() as patch:
            patch.setattr(one._client, "send", waits)
            await sender.send(b"".join(map(made, (1, 2, 4))), 3)
            receiving = asyncio.create_task(one.receive())
            await asked.wait()
            receiving.cancel()
            await asyncio.wait([receiving])
        await sender.send(made(3))
        assert await numbers(one, 4) == [1, 2, 3, 4]


async def test_topics_that_a_relay_refuses(running: Callable[..., Any]) -> None:
    async with running(RelayDomain.SIGNAL) as here:
        stream = Subscription(here.url, RelayDomain.SIGNAL, source=60, patterns=["nothing"])
        with pytest.raises(ConnectFailed, match="refuses the topics nothing"):
            await stream.open()
        await stream.close()


async def test_after_a_lost_connection_everything_follows(running: Callable[..., Any]) -> None:
    async with running() as here:
        publisher = Publisher(here.url, MARKET, source=1, backoff=QUICK, kept_bytes=2000)
        await publisher.open()
        async with Subscription(here.url, MARKET, source=60, backoff=QUICK) as one:
            for number in range(1, 101):
                await publisher.publish(made(number))
            assert await numbers(one, 100) == list(range(1, 101))
            for peer in list(here.relay.peers.values()):
                await peer.close()
            reading = asyncio.create_task(numbers(one, 150))
            for number in range(101, 151):
                await publisher.publish(made(number))
            assert await publisher.finish()
            assert await reading == list(range(101, 151))
            assert publisher.statistics().reconnects == 1 and publisher.resent >= 27
        await publisher.close()


async def test_who_comes_back_to_a_running_stream_loses_nothing_of_a_large_gap(running: Callable[..., Any]) -> None:
    """The first live message shows the gap while the answer for what was missed comes in parts."""
    count = 20_000
    async with running(queue_bytes=256 * 1024) as here:
        publisher = Publisher(here.url, MARKET, source=1)
        await publisher.open()
        async with Subscription(here.url, MARKET, source=60, backoff=QUICK) as one:
            await publisher.publish(made(1))
            assert await numbers(one, 1) == [1]
            for peer in list(here.relay.peers.values()):
                if peer.filter is not None:
                    await peer.close()
            for number in range(2, count // 2):
                await publisher.publish(made(number))
            reading = asyncio.create_task(numbers(one, count))  # from here on it is there again
            while one.statistics().reconnects == 0:
                await asyncio.sleep(0.001)
            for number in range(count // 2, count + 1):
                await publisher.publish(made(number))
            assert await publisher.finish()
            async with asyncio.timeout(60):
                assert await reading == list(range(2, count + 1))
            seen = one.numbers
            assert (seen.lost, seen.snapshots, seen.gaps >= 1) == (0, 0, True)
        await publisher.close()


async def test_a_relay_that_never_comes_back(running: Callable[..., Any]) -> None:
    gone = Backoff(first=0.01, cap=0.01, tries=1)
    async with running() as here:
        publisher = Publisher(here.url, MARKET, source=1, backoff=gone, unacknowledged=5)
        await publisher.open()
        stream = Subscription(here.url, MARKET, source=60, backoff=gone)
        await stream.open()
    with pytest.raises(ConnectFailed):
        await stream.receive()
    with pytest.raises(ConnectFailed):
        for number in range(1, 20):
            await publisher.publish(made(number))
    await publisher.close()
    await stream.close()


async def test_nobody_acknowledges(running: Callable[..., Any]) -> None:
    async with running() as here:
        publisher = Publisher(here.url, MARKET, source=1)
        await publisher.open()
        here.relay._answer = lambda peer, data: None
        await publisher.publish(made(1))
        assert not await publisher.finish(0.2)
        await publisher.close()
