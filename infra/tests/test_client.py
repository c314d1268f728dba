"""The client that comes back, and the waits between its tries."""

import asyncio
import gc
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.transport import (
    Backoff,
    BadSetting,
    BadStream,
    ConnectFailed,
    ConnectionLost,
    QueueFull,
    ReconnectingClient,
    Transport,
    TransportClosed,
    TransportSettings,
    listen,
)

Make = Callable[..., bytes]
QUICK = Backoff(first=0.01, cap=0.05, tries=100)
ECHO = """
import asyncio, sys
from infra.transport import *
async def serve(transport):
    async with transport:
        async for batch in transport:
            await transport.send(joined(batch), len(batch))
async def main():
    async with await listen(sys.argv[1]) as listener, asyncio.TaskGroup() as group:
        print("ready", flush=True)
        async for transport in listener:
            group.create_task(serve(transport))
run(main())
"""


def start_echo(url: str) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen([sys.executable, "-c", ECHO, url], stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    return process


def kill(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


async def test_a_killed_server_that_comes_back(unix_url: str, make_message: Make) -> None:
    greeted: list[Transport] = []

    async def greeting(transport: Transport) -> None:
        greeted.append(transport)
        await transport.send(make_message(1))

    process = start_echo(unix_url)
    try:
        async with ReconnectingClient(unix_url, backoff=QUICK, greeting=greeting) as client:
            await client.open()
            for _ in range(3):
                assert [message.sequence for message in await client.receive()] == [1]
                await client.send(make_message(2))
                await client.drain()
                assert [message.sequence for message in await client.receive()] == [2]
                waiting = asyncio.create_task(client.receive())
                await asyncio.sleep(0)
                kill(process)
                await asyncio.sleep(0.05)
                assert not waiting.done()
                with pytest.raises(QueueFull):
                    client.send_nowait(make_message(3))
                process = start_echo(unix_url)
                assert [message.sequence for message in await waiting] == [1]
                client.flush()
                await client.send(make_message(1))
            numbers = client.statistics()
            assert (numbers.reconnects, len(greeted), numbers.drops) == (3, 4, 3)
            assert numbers.messages_in == 9 and numbers.queue_bytes >= 0
        for call in (client.receive(), client.send(b""), client.open()):
            with pytest.raises(TransportClosed):
                await call
        with pytest.raises(TransportClosed):
            client.send_nowait(b"")
        await client.close()
    finally:
        kill(process)


async def test_a_writer_notices_as_well(unix_url: str, make_message: Make) -> None:
    process = start_echo(unix_url)
    try:
        async with ReconnectingClient(unix_url, backoff=QUICK) as client:
            await client.send(make_message(1))
            await client.drain()
            kill(process)
            process = start_echo(unix_url)
            while client.statistics().reconnects == 0:
                await client.send(make_message(2))
                await asyncio.sleep(0.001)
            assert len(await client.receive()) >= 1
            await client.end_sending()
    finally:
        kill(process)


async def test_drain_says_that_the_queue_is_lost(unix_url: str, make_message: Make) -> None:
    small = TransportSettings(high_water=64 * 1024, low_water=1024)
    async with await listen(unix_url) as listener, ReconnectingClient(unix_url, small, QUICK) as client:
        await client.open()
        server = await listener.accept()
        try:
            while True:
                client.send_nowait(make_message(1, 200))
                await asyncio.sleep(0)
        except QueueFull:
            pass
        draining = asyncio.create_task(client.drain())
        await asyncio.sleep(0.01)
        await server.close()
        with pytest.raises(ConnectionLost):
            await draining
        assert client.statistics().drops > 1


async def test_the_tries_are_bounded(unix_url: str) -> None:
    async with ReconnectingClient(unix_url, backoff=Backoff(first=0.001, tries=3)) as client:
        calls = [asyncio.create_task(client.receive()), asyncio.create_task(client.send(b"x"))]
        await asyncio.wait(calls)
        for call in calls:
            error = call.exception()
            assert isinstance(error, ConnectFailed) and error.attempts == 4
        with pytest.raises(ConnectFailed):
            await client.open()


async def test_what_no_second_try_can_mend_is_raised_at_once(folder: Path, unix_url: str) -> None:
    folder.chmod(0o777)
    async with ReconnectingClient(unix_url, backoff=Backoff(first=5)) as client:
        with pytest.raises(Exception, match="chmod 700"):
            await asyncio.wait_for(client.open(), 1)


async def test_close_ends_the_tries(unix_url: str) -> None:
    client = ReconnectingClient(unix_url, backoff=Backoff(first=5))
    waiting = asyncio.create_task(client.receive())
    await asyncio.sleep(0.01)
    await client.close()
    with pytest.raises(TransportClosed):
        await waiting


async def test_a_cancelled_call_leaves_the_tries_to_the_others(unix_url: str, make_message: Make) -> None:
    async with ReconnectingClient(unix_url, backoff=QUICK) as client:
        calls = [asyncio.create_task(client.send(make_message(index))) for index in (1, 2)]
        await asyncio.sleep(0.01)
        calls[0].cancel()
        async with await listen(unix_url) as listener, await listener.accept() as server:
            assert [message.sequence for message in await server.receive()] == [2]
        assert calls[0].cancelled() and calls[1].done()


async def test_garbage_is_not_a_lost_connection(unix_url: str) -> None:
    async with await listen(unix_url) as listener, ReconnectingClient(unix_url, backoff=QUICK) as client:
        await client.open()
        async with await listener.accept() as server:
            await server.send(b"garbage" * 10)
            with pytest.raises(BadStream):
                await client.receive()


async def test_a_greeting_that_fails_is_a_failed_try(unix_url: str) -> None:
    async def greeting(transport: Transport) -> None:
        await transport.receive()

    async with await listen(unix_url) as listener:

        async def refuse() -> None:
            async for transport in listener:
                await transport.close()

        refusing = asyncio.create_task(refuse())
        async with ReconnectingClient(unix_url, backoff=Backoff(first=0.001, tries=2), greeting=greeting) as client:
            with pytest.raises(ConnectFailed) as caught:
                await client.open()
            assert caught.value.attempts == 3
        refusing.cancel()


async def test_a_peer_that_ends_every_connection_uses_up_the_tries(unix_url: str) -> None:
    """Every connection was a success, so there was neither a wait nor an end."""
    full = TransportSettings(max_connections=1)
    async with await listen(unix_url, full) as listener, ReconnectingClient(unix_url) as first:
        await first.open()
        async with ReconnectingClient(unix_url, backoff=Backoff(first=0.001, tries=3)) as second:
            with pytest.raises(ConnectFailed, match="after 4 tries: it ends each connection at once"):
                await asyncio.wait_for(second.receive(), 5)
        assert listener.statistics().refused == 4


async def test_a_connection_that_was_good_gives_all_tries_again(unix_url: str, make_message: Make) -> None:
    async with await listen(unix_url) as listener:

        async def answer_and_end() -> None:
            async for transport in listener:
                await transport.send(make_message(1))
                await transport.close()

        answering = asyncio.create_task(answer_and_end())
        async with ReconnectingClient(unix_url, backoff=Backoff(first=0.001, tries=1)) as client:
            for _ in range(5):
                assert len(await client.receive()) == 1
        answering.cancel()


async def test_tries_that_end_while_nobody_waits(unix_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """asyncio logged an error of a task that nobody had asked."""
    client = ReconnectingClient(unix_url, backoff=Backoff(first=0.01, tries=1))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.receive(), 0.001)
    await asyncio.sleep(0.05)
    gc.collect()
    assert not caplog.records
    with pytest.raises(ConnectFailed):
        await client.receive()


def test_the_waits_double_up_to_the_cap() -> None:
    backoff = Backoff(first=0.1, cap=1.0, tries=6)
    tops = [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    for seed in range(50):
        waits = list(backoff.delays(random.Random(seed)))
        assert len(waits) == 6 and all(top / 2 <= wait <= top for wait, top in zip(waits, tops, strict=True))
    endless = Backoff(tries=None).delays()
    assert all(next(endless) <= 10.0 for _ in range(1000))


@pytest.mark.parametrize("wrong", [{"first": 0}, {"first": 20.0}, {"factor": 0.5}, {"tries": -1}])
def test_backoff_is_checked(wrong: dict[str, float]) -> None:
    with pytest.raises(BadSetting):
        Backoff(**wrong)  # type: ignore[arg-type]
