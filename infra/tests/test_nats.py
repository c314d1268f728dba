"""NATS, against a real server: subjects, streams that acknowledge, a server that is killed, TLS and credentials."""

import asyncio
import contextlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.transport import (
    Backoff,
    BadSetting,
    BadUrl,
    BusyReceiver,
    ConnectFailed,
    ConnectionLost,
    MessageAboveLimit,
    NatsSettings,
    NotAcknowledged,
    QueueFull,
    TransportClosed,
    TransportSettings,
    joined,
)
from infra.transport import connect as connect_url
from infra.transport import listen as listen_url
from infra.transport.nats import NatsTransport, connect, listen, pieces
from infra.transport.nats_address import nats_address

RunNats = Callable[..., Iterator[Any]]
Make = Callable[..., bytes]
QUICK = NatsSettings(backoff=Backoff(first=0.02, cap=0.2, tries=200), ack_timeout=1.0, ack_wait=1.0)


async def test_there_and_back(nats_server: Any, make_message: Make) -> None:
    url = f"{nats_server.url}/md.trades"
    async with await listen_url(url) as listener, await connect_url(url) as client:
        async with await listener.accept() as relay:
            for sequence in range(1, 1001):
                await client.send(make_message(sequence))
            await client.drain()
            got = 0
            while got < 1000:
                batch = await relay.receive()
                assert [m.sequence for m in batch] == list(range(got + 1, got + 1 + len(batch)))
                got += len(batch)
                await relay.send(joined(batch), len(batch))
            back = 0
            while back < 1000:
                back += len(await client.receive())
            assert client.statistics()[:4] == (74000, 74000, 1000, 1000)
            assert (listener.statistics().open, listener.statistics().accepted) == (1, 1)
            waiting = asyncio.create_task(listener.accept())
            await asyncio.sleep(0)
            await listener.close()
            with pytest.raises(TransportClosed):
                await waiting
        with pytest.raises(TransportClosed):
            await relay.receive()
        with pytest.raises(TransportClosed):
            relay.send_nowait(b"x")
        await client.end_sending()
        with pytest.raises(TransportClosed):
            await client.send(b"x")


async def test_subjects_of_ones_own_choice(nats_server: Any, make_message: Make) -> None:
    async with (
        await connect(f"{nats_server.url}/?receive=md.*.binance", nats_settings=QUICK) as all_of_one,
        await connect(f"{nats_server.url}/?send=md.trade.binance") as one,
        await connect(f"{nats_server.url}/?send=md.trade.kraken") as other,
    ):
        await other.send(make_message(1))
        await other.drain()
        await one.send(make_message(2))
        one.flush()
        assert [message.sequence for message in await all_of_one.receive()] == [2]
        with pytest.raises(TransportClosed):
            await one.receive()
        with pytest.raises(TransportClosed):
            await all_of_one.send(b"x")
        waiting = asyncio.create_task(all_of_one.receive())
        await asyncio.sleep(0)
        with pytest.raises(BusyReceiver):
            await all_of_one.receive()
        await all_of_one.close()
        await all_of_one.close()
        with pytest.raises(TransportClosed):
            await waiting
        async with await listen(f"{nats_server.url}/nobody") as listener:
            assert listener.statistics().open == 0


async def test_a_queue_group_shares(nats_server: Any, make_message: Make) -> None:
    url = f"{nats_server.url}/?receive=jobs&queue=workers"
    async with (
        await connect(url) as one,
        await connect(url) as other,
        await connect(f"{nats_server.url}/?send=jobs") as sender,
    ):
        for sequence in range(200):
            await sender.send(make_message(sequence + 1))
            await sender.drain()

        async def count(transport: NatsTransport) -> int:
            total = 0
            with contextlib.suppress(TimeoutError):
                while True:
                    total += len(await asyncio.wait_for(transport.receive(), 0.5))
            return total

        counts = await asyncio.gather(count(one), count(other))
        assert sum(counts) == 200 and min(counts) > 0


async def test_garbage_spoils_its_payload_only(nats_server: Any, make_message: Make) -> None:
    good = make_message(1)
    async with (
        await connect(f"{nats_server.url}/?receive=x") as receiver,
        await connect(f"{nats_server.url}/?send=x") as sender,
    ):
        for data in (good + b"garbage" * 9, good + good[:40], b"garbage" * 9, good):
            await sender.send(data)
            await sender.drain()
        got = 0
        while got < 3:
            got += len(await receiver.receive())
        assert (receiver.statistics().messages_in, receiver.statistics().faults) == (3, 3)


async def test_a_receiver_that_does_not_read_is_bounded(nats_server: Any, make_message: Make) -> None:
    small = TransportSettings(high_water=64 * 1024, low_water=1024)
    async with (
        await connect(f"{nats_server.url}/?receive=x", small) as receiver,
        await connect(f"{nats_server.url}/?send=x") as sender,
    ):
        for _ in range(20):
            await sender.send(make_message(1, 16_000))
            await sender.drain()
        await asyncio.sleep(0.1)
        assert receiver._arrived_bytes < 64 * 1024 + 17_000
        got = 0
        while got < 20:
            got += len(await receiver.receive())


async def test_sizes(nats_server: Any, make_message: Make) -> None:
    async with (
        await connect(f"{nats_server.url}/?receive=x") as receiver,
        await connect(f"{nats_server.url}/?send=x") as sender,
    ):
        large = b"".join(make_message(sequence, 60_000) for sequence in range(1, 41))
        await sender.send(large, 40)
        got: list[int] = []
        while len(got) < 40:
            got += [message.sequence for message in await receiver.receive()]
        assert got == list(range(1, 41))
        header = bytearray(make_message()[:32])
        header[24:28] = (2**21).to_bytes(4, "little")
        with pytest.raises(MessageAboveLimit) as caught:
            await sender.send(bytes(header) + bytes(2**21))
        assert caught.value.size == 2**21 + 32
        assert sender.statistics().messages_out == 40


def test_pieces_end_with_messages(make_message: Make) -> None:
    data = b"".join(make_message(sequence, 100) for sequence in range(1, 11))
    size = len(make_message(1, 100))
    parts = list(pieces(data, 3 * size, "nats:"))
    assert [memoryview(part).nbytes // size for part in parts] == [3, 3, 3, 1] and b"".join(parts) == data
    assert list(pieces(data, len(data), "nats:")) == [data]


async def test_a_stream_acknowledges_and_a_durable_consumer_goes_on(nats_server: Any, make_message: Make) -> None:
    url = f"{nats_server.url}/sig?stream=SIG"
    async with await connect(url, nats_settings=QUICK) as sender:
        for sequence in range(1, 1001):
            await sender.send(make_message(sequence))
        await sender.drain()
        assert sender.statistics().messages_out == 1000
    got: set[int] = set()
    for rounds in range(50):
        listener = await listen(f"{url}&durable=relay", nats_settings=QUICK)
        async with await listener.accept() as relay:
            batch = await relay.receive()
            numbers = {message.sequence for message in batch}
            if rounds == 0:
                await relay.close()  # not acknowledged: the same comes again
                continue
            got |= numbers
            await relay.drain()
        if len(got) == 1000:
            break
        async with await connect(url, nats_settings=QUICK) as sender:
            await sender.send(make_message(1))
    assert got == set(range(1, 1001))


@pytest.mark.parametrize("stream", ["", "?stream=LIVE&durable=reader"])
async def test_a_server_that_is_killed_and_comes_back(nats_server: Any, make_message: Make, stream: str) -> None:
    url = f"{nats_server.url}/live{stream}"
    async with (
        await listen(url, nats_settings=QUICK) as listener,
        await listener.accept() as relay,
        await connect(url.partition("&")[0], nats_settings=QUICK) as client,
    ):
        await client.send(make_message(1))
        assert [message.sequence for message in await relay.receive()] == [1]
        nats_server.kill()
        await asyncio.sleep(0.05)
        for sequence in range(2, 100):
            client.send_nowait(make_message(sequence))
        waiting = asyncio.create_task(relay.receive())
        await asyncio.sleep(0.1)
        nats_server.start()
        await client.drain()
        if stream:
            got = {message.sequence for message in await waiting}
            while len(got - {1}) < 98:
                got |= {message.sequence for message in await relay.receive()}
        else:  # plain messages reach who is there at the time
            while not waiting.done():
                await client.send(make_message(100))
                await client.drain()
                await asyncio.sleep(0.01)
            assert waiting.result()
        assert client.statistics().reconnects == 1 and client.statistics().drops == 0


async def test_a_server_that_does_not_come_back(nats_server: Any, make_message: Make) -> None:
    few = NatsSettings(backoff=Backoff(first=0.01, tries=3))
    small = TransportSettings(high_water=1000, low_water=10)
    async with await connect(f"{nats_server.url}/x", small, few) as client:
        receiving = asyncio.create_task(client.receive())
        await asyncio.sleep(0)
        nats_server.kill()
        with pytest.raises((ConnectionLost, QueueFull)):
            while True:
                await asyncio.sleep(0.001)
                client.send_nowait(make_message(1))
        with pytest.raises(ConnectionLost, match="after 3 tries"):
            await receiving
        with pytest.raises(ConnectionLost):
            await client.send(make_message(1))
        with pytest.raises(ConnectionLost):
            await client.drain()
        assert client.statistics().drops > 0


async def test_what_no_stream_confirms_is_an_error(nats_server: Any, make_message: Make) -> None:
    settings = NatsSettings(ack_timeout=0.3, ack_tries=2)
    async with await connect(f"{nats_server.url}/a?stream=A", nats_settings=settings) as first:
        await first.send(make_message(1))
        await first.drain()
    async with await connect(f"{nats_server.url}/?stream=A&send=other", nats_settings=settings) as second:
        await second.send(make_message(1))
        with pytest.raises(NotAcknowledged) as caught:
            await second.drain()
        assert (caught.value.messages, caught.value.attempts, second.statistics().drops) == (1, 2, 1)


async def test_nobody_there() -> None:
    with pytest.raises(ConnectFailed) as caught:
        await connect("nats://127.0.0.1:1/x")
    assert "\n" not in str(caught.value) and caught.value.attempts == 1


@pytest.fixture
def password(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text("s3cret\n")
    return path


@pytest.fixture
def guarded_server(tmp_path: Path, run_nats: RunNats) -> Iterator[Any]:
    yield from run_nats(tmp_path, ["--user", "joe", "--pass", "s3cret"], jetstream=False)


async def test_user_and_password_come_from_a_file(guarded_server: Any, password: Path, make_message: Make) -> None:
    url = f"{guarded_server.url}/x"
    with pytest.raises(ConnectFailed, match=r"(?i)authorization"):
        await connect(url, nats_settings=NatsSettings())
    settings = NatsSettings(user="joe", password_file=str(password))
    async with await connect(url, nats_settings=settings) as client:
        await client.send(make_message(1))
        await client.drain()
    with pytest.raises(ConnectFailed) as caught:  # this one has no JetStream
        await connect(f"{url}?stream=S", TransportSettings(connect_timeout=1), settings)
    assert "s3cret" not in str(caught.value) + repr(settings)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that signed itself, for 127.0.0.1."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    path = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path / "key.pem", "-out", path / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    return path


@pytest.fixture
def tls_server(tmp_path: Path, certificates: Path, run_nats: RunNats) -> Iterator[Any]:
    cert, key = str(certificates / "cert.pem"), str(certificates / "key.pem")
    yield from run_nats(
        tmp_path, ["--tlsverify", "--tlscert", cert, "--tlskey", key, "--tlscacert", cert], jetstream=False
    )


async def test_tls_both_ways(tls_server: Any, certificates: Path, make_message: Make) -> None:
    cert, key = str(certificates / "cert.pem"), str(certificates / "key.pem")
    async with await connect(
        f"{tls_server.url}/x", nats_settings=NatsSettings(ca=cert, certificate=cert, key=key)
    ) as client:
        await client.send(make_message(1))
        await client.drain()
    for settings in (NatsSettings(), NatsSettings(ca=cert)):
        with pytest.raises(ConnectFailed) as caught:
            await connect(f"{tls_server.url}/x", TransportSettings(connect_timeout=2), settings)
        assert "\n" not in str(caught.value)


async def test_no_secret_goes_to_a_server_without_tls(nats_server: Any, certificates: Path, password: Path) -> None:
    settings = NatsSettings(user="joe", password_file=str(password), ca=str(certificates / "cert.pem"))
    with pytest.raises(ConnectFailed, match="does not use TLS"):
        await connect(f"{nats_server.url}/x", TransportSettings(connect_timeout=2), settings)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (NatsSettings(credentials="/absent"), "credentials"),
        (NatsSettings(ca="/absent"), "ca"),
        (NatsSettings(user="joe", password_file="/absent"), "password_file"),
        (NatsSettings(certificate=__file__, ca=__file__), "certificate"),
        (NatsSettings(certificate=__file__, key=__file__), "ca"),
        (NatsSettings(ca=__file__), "ca"),
    ],
)
async def test_wrong_files(settings: NatsSettings, name: str) -> None:
    with pytest.raises(BadSetting) as caught:
        await connect("nats://127.0.0.1:1/x", nats_settings=settings)
    assert caught.value.name == name and "\n" not in str(caught.value)


def test_settings_travel_in_the_environment() -> None:
    settings = NatsSettings(credentials="/c", user="u", password_file="/p", ca="/a", certificate="/b", key="/k")
    assert NatsSettings.from_environment(settings.environment()) == settings


@pytest.mark.parametrize(
    "rest",
    ["", "/", "/a..b", "/a.*", "/a?what=1", "/a?stream=a.b", "/a?durable=d", "/a?stream=s&durable=d&queue=q",
     "/?send=a.*", "/?receive=a.%3E.b", "/a?stream", "/a#b", "/?send=&receive="],
)  # fmt: skip
def test_urls_that_are_refused(rest: str) -> None:
    with pytest.raises(BadUrl) as caught:
        nats_address(f"nats://host:1{rest}", listening=False)
    assert caught.value.expected


def test_urls() -> None:
    client = nats_address("nats://host/md.x?stream=S&durable=d", listening=False)
    relay = nats_address("nats://[::1]:99/md.x?stream=S&durable=d", listening=True)
    assert (client.server, client.send, client.receive, client.durable) == ("host:4222", "md.x.in", "md.x.out", "d")
    assert (relay.server, relay.send, relay.receive, relay.stream) == ("[::1]:99", "md.x.out", "md.x.in", "S")
    only = nats_address("nats://host/?receive=md.%3E&queue=g", listening=False)
    assert (only.send, only.receive, only.queue) == ("", "md.>", "g")


async def test_a_false_server_learns_no_password(certificates: Path, password: Path) -> None:
    """Whoever stands in for the server and says that it has no TLS is sent nothing."""
    heard = bytearray()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id":"x","version":"2.10.0","auth_required":true,"max_payload":1048576}\r\n')
        while data := await reader.read(1000):
            heard.extend(data)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        settings = NatsSettings(user="joe", password_file=str(password), ca=str(certificates / "cert.pem"))
        with pytest.raises(ConnectFailed, match="does not use TLS"):
            await connect(f"nats://127.0.0.1:{port}/x", TransportSettings(connect_timeout=2), settings)
    assert b"s3cret" not in heard
