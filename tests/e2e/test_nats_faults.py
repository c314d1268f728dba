"""Faults at a NATS server between publishers, relays and subscribers: what was acknowledged arrives, in order.

The server and the relay are real processes and are killed by SIGKILL under load, on plain subjects, which forget, and
on JetStream streams, which remember.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from infra.publisher import Publisher
from infra.subscription import Subscription
from tests.e2e.conftest import Program, Start, relay
from tests.e2e.test_faults import PATIENT, SIGNAL, collect, made

COUNT = 6_000


class Chain:
    """A publisher and two subscribers at one relay, all through one server."""

    def __init__(self, start: Start, listen: str, connect: str) -> None:
        self._start, self._listen, self._connect = start, listen, connect
        self.relays: list[Program] = []

    async def begin_relay(self) -> None:
        self.relays.append(await asyncio.to_thread(relay, self._start, "signal", self._listen))

    async def kill_relay(self) -> None:
        self.relays[-1].process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(self.relays[-1].process.wait)

    async def run(self, fault: Callable[[], Awaitable[None]]) -> Publisher:
        """Send all, with the fault at a quarter and at half of it; everything arrives, in order."""
        await self.begin_relay()
        sent = [made(number) for number in range(1, COUNT + 1)]
        publisher = Publisher(self._connect, SIGNAL, source=20, backoff=PATIENT, unacknowledged=1000)
        streams = [Subscription(self._connect, SIGNAL, source=60 + n, backoff=PATIENT) for n in range(2)]
        for stream in streams:
            await stream.open()
        await publisher.open()
        reading = [asyncio.create_task(collect(stream, COUNT)) for stream in streams]

        async def publish() -> None:
            for data in sent:
                await publisher.publish(data)

        async def faults() -> None:
            for share in (4, 2):
                while publisher.sent < COUNT // share:
                    await asyncio.sleep(0.005)
                await fault()

        try:
            await asyncio.gather(publish(), faults())
            assert await publisher.finish()
            for task in reading:
                assert await task == sent
            assert publisher.acknowledged == COUNT
            for stream in streams:
                assert stream.numbers.lost == 0 and stream.numbers.messages == COUNT
        finally:
            await publisher.close()
            for task, stream in zip(reading, streams, strict=True):
                task.cancel()
                await stream.close()
        return publisher


@pytest.fixture(params=["plain", "jetstream"])
def chain(request: pytest.FixtureRequest, start: Start, nats_server: Any) -> Chain:
    url = f"{nats_server.url}/signal"
    if request.param == "plain":
        return Chain(start, url, url)
    return Chain(start, f"{url}?stream=SIGNAL&durable=relay", f"{url}?stream=SIGNAL")


async def test_a_server_that_is_killed_under_load_and_started_again(chain: Chain, nats_server: Any) -> None:
    async def fault() -> None:
        nats_server.kill()
        await asyncio.sleep(0.1)
        nats_server.start()

    publisher = await chain.run(fault)
    assert publisher.statistics().reconnects == 2
    assert chain.relays[0].end() == 0


async def test_a_relay_behind_a_server_that_is_killed_under_load_and_started_again(chain: Chain) -> None:
    async def fault() -> None:
        await chain.kill_relay()
        await chain.begin_relay()

    publisher = await chain.run(fault)
    assert publisher.statistics().reconnects == 0 and publisher.resent > 0  # told by the answer of another relay
    assert chain.relays[-1].end() == 0
