"""Faults at real relays: killed, ignored, insulted, flooded.  What was acknowledged arrives, and memory stays bounded.

Everything here happens on Unix sockets in a temporary directory, and is bounded in number and time.
"""

import asyncio
import os
import signal
import socket
from pathlib import Path

import pytest

from infra.publisher import Publisher
from infra.relay_messages import subscribe_message, sync_message
from infra.subscription import Subscription
from infra.transport import Backoff
from libs.types.protocol import MessageBuilder, RelayDomain
from tests.e2e.conftest import Program, Start, metric, relay, resident_bytes, wait_until

MARKET, SIGNAL = RelayDomain.MARKET_DATA, RelayDomain.SIGNAL
PATIENT = Backoff(first=0.02, cap=0.2, tries=400)
MEGA = 1024 * 1024


def made(number: int, *, domain: RelayDomain = SIGNAL, source: int = 20, size: int = 64) -> bytes:
    builder = MessageBuilder(relay_domain=domain, source=source, sequence=number, timestamp=number)
    return builder.add_raw(254, number.to_bytes(8, "little") * (size // 8)).build()


async def collect(stream: Subscription, last: int) -> list[bytes]:
    got: list[bytes] = []
    async for messages in stream:
        got += [bytes(message.buffer) for message in messages]
        if messages[-1].sequence >= last:
            return got
    return got


def attacker(folder: Path, name: str = "r.sock") -> socket.socket:
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(str(folder / name))  # with a time limit, a full backlog would be an error at once instead of a wait
    peer.settimeout(30)
    return peer


async def passes(url: str, count: int = 500, first: int = 1, domain: RelayDomain = SIGNAL) -> None:
    """The relay still does its work: what is sent arrives, each message, in order."""
    source = 20 if domain is SIGNAL else 1
    sent = [made(number, domain=domain, source=source) for number in range(first, first + count)]
    publisher = Publisher(url, domain, source=source, backoff=PATIENT)
    async with Subscription(url, domain, source=60, backoff=PATIENT) as stream:
        await publisher.open()
        reading = asyncio.create_task(collect(stream, first + count - 1))
        for data in sent:
            await publisher.publish(data)
        assert await publisher.finish()
        assert await reading == sent
        await publisher.close()


async def test_a_relay_that_is_killed_under_load_and_started_again(start: Start, folder: Path) -> None:
    count, url = 30_000, f"unix://{folder}/r.sock"
    running: list[Program] = [await asyncio.to_thread(relay, start, "signal", url)]
    sent = [made(number) for number in range(1, count + 1)]
    publisher = Publisher(url, SIGNAL, source=20, backoff=PATIENT, unacknowledged=1000)
    streams = [Subscription(url, SIGNAL, source=60 + n, backoff=PATIENT) for n in range(2)]
    for stream in streams:
        await stream.open()
    await publisher.open()
    reading = [asyncio.create_task(collect(stream, count)) for stream in streams]

    async def publish() -> None:
        for data in sent:
            await publisher.publish(data)

    async def kill() -> None:
        for share in (4, 2):
            while publisher.sent < count // share:
                await asyncio.sleep(0.005)
            running[-1].process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(running[-1].process.wait)
            running.append(await asyncio.to_thread(relay, start, "signal", url))

    try:
        await asyncio.gather(publish(), kill())
        assert await publisher.finish()
        for task in reading:
            assert await task == sent
        assert publisher.acknowledged == count and publisher.statistics().reconnects >= 2 and publisher.resent > 0
        for stream in streams:
            assert stream.numbers.lost == 0 and stream.numbers.messages == count
    finally:
        await publisher.close()
        for stream in streams:
            await stream.close()


async def test_a_subscriber_that_stops_reading(start: Start, folder: Path) -> None:
    url = f"unix://{folder}/r.sock"
    program = await asyncio.to_thread(
        relay, start, "signal", url, "--queue", 1, "--history", 4, "--high-water", 0.25,
        "--metrics", f"unix://{folder}/metrics",
    )  # fmt: skip
    with attacker(folder) as stopped:
        stopped.sendall(subscribe_message(SIGNAL, source=60, consumer_id=1))
        assert stopped.recv(4096)  # subscribed, and from here on it reads nothing
        before = resident_bytes(program.process.pid)
        count = 20_000
        publisher = Publisher(url, SIGNAL, source=20, backoff=PATIENT)
        await publisher.open()
        async with Subscription(url, SIGNAL, source=61, backoff=PATIENT) as stream:
            reading = asyncio.create_task(collect(stream, count))
            for number in range(1, count + 1):  # 21 MB
                await publisher.publish(made(number, size=1024))
                while number - stream.numbers.messages > 500:
                    await asyncio.sleep(0.001)  # this one keeps up
            assert await publisher.finish()
            assert len(await reading) == count and stream.numbers.lost == 0
        await publisher.close()
        lost = await asyncio.to_thread(metric, folder / "metrics", "relay_lost_total")
        assert 0 < lost < count
        assert resident_bytes(program.process.pid) - before < 40 * MEGA
    assert program.end() == 0


GARBAGE = {
    "noise": os.urandom(1024) * 64,
    "a magic and noise": b"\xef\xbe\xad\xde" * 5000,
    "half a message": made(1)[:40],
    "another domain": made(1, domain=MARKET, source=1) * 50,
    "an oversized length": made(1)[:24] + (2**32 - 1).to_bytes(4, "little") + b"\0" * 4 + b"x" * 4096,
    "a wrong checksum": made(1)[:28] + b"\1\2\3\4" + made(1)[32:],
    "a request that is none": MessageBuilder(relay_domain=SIGNAL, source=60, sequence=0).add_raw(206, b"").build() * 9,
}


@pytest.mark.parametrize("what", GARBAGE)
async def test_peers_that_send_what_is_no_message(start: Start, folder: Path, what: str) -> None:
    url = f"unix://{folder}/r.sock"
    program = await asyncio.to_thread(relay, start, "signal", url, "--metrics", f"unix://{folder}/metrics")
    with attacker(folder) as peer:
        peer.sendall(GARBAGE[what])
        await passes(url)
    await passes(url, first=501)
    assert await asyncio.to_thread(metric, folder / "metrics", "relay_messages_in_total") == 1000
    assert program.end() == 0


async def test_noise_without_end_is_closed(start: Start, folder: Path) -> None:
    url = f"unix://{folder}/r.sock"
    program = await asyncio.to_thread(relay, start, "signal", url)
    with attacker(folder) as peer, pytest.raises(OSError):
        for _ in range(50_000):  # it is looked at once a second
            await asyncio.to_thread(peer.sendall, GARBAGE["noise"])
    assert (await asyncio.to_thread(program.wait_for, "closing"))["reason"].endswith("no message")
    await passes(url)


async def test_a_flood_of_connections(start: Start, folder: Path) -> None:
    url = f"unix://{folder}/r.sock"
    program = await asyncio.to_thread(
        relay, start, "signal", url, "--max-connections", 20, "--metrics", f"unix://{folder}/metrics"
    )
    peers = [await asyncio.to_thread(attacker, folder) for _ in range(300)]
    try:
        await asyncio.to_thread(wait_until, lambda: metric(folder / "metrics", "relay_connections") == 20)
        for peer in peers[:5]:
            peer.sendall(sync_message(SIGNAL, source=20, publisher_id=1, token=1))
            assert len(await asyncio.to_thread(peer.recv, 4096)) > 32  # those who were first are served
    finally:
        for peer in peers:
            peer.close()
    await asyncio.to_thread(wait_until, lambda: metric(folder / "metrics", "relay_connections") == 0)
    await passes(url)
    assert program.end() == 0
