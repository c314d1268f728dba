"""Unix sockets: the file, its directory, chunks of any size, and peers that are no transport of ours."""

import asyncio
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.transport import (
    AddressInUse,
    BadUrl,
    ConnectFailed,
    ConnectionLost,
    EndOfStream,
    TransportSettings,
    UnsafeDirectory,
    connect,
    listen,
    loop_factory,
)
from infra.transport.inbox import BufferPool, is_unused
from infra.transport.memory import pair
from libs.types.protocol import Message, MessageBuilder

Make = Callable[..., bytes]


async def test_the_directory_and_the_file_are_private(folder: Path) -> None:
    url = f"unix://{folder}/new/s.sock"
    async with await listen(url):
        assert stat.S_IMODE((folder / "new").stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "new" / "s.sock").stat().st_mode) == 0o600
    assert list((folder / "new").iterdir()) == []


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o1777])
async def test_a_directory_that_others_can_write_is_refused(folder: Path, unix_url: str, mode: int) -> None:
    folder.chmod(mode)
    for call in (listen, connect):
        with pytest.raises(UnsafeDirectory) as caught:
            await call(unix_url)
        assert caught.value.path == str(folder) and "chmod 700" in str(caught.value)


async def test_a_directory_that_is_a_link_or_a_file_is_refused(folder: Path) -> None:
    (folder / "real").mkdir(mode=0o700)
    (folder / "link").symlink_to(folder / "real")
    (folder / "file").touch()
    for name in ("link", "file"):
        with pytest.raises(UnsafeDirectory):
            await listen(f"unix://{folder}/{name}/s.sock")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
async def test_a_directory_of_somebody_else_is_refused(folder: Path, unix_url: str) -> None:
    os.chown(folder, 12345, 12345)
    with pytest.raises(UnsafeDirectory, match="12345"):
        await listen(unix_url)


async def test_a_dead_socket_file_is_replaced(folder: Path, unix_url: str) -> None:
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(folder / "s.sock"))
    dead.close()
    async with await listen(unix_url), await connect(unix_url):
        pass


async def test_a_live_one_is_refused_in_one_line(folder: Path, unix_url: str) -> None:
    with socket.socket(socket.AF_UNIX) as live:
        live.bind(str(folder / "s.sock"))
        live.listen(0)
        with pytest.raises(AddressInUse) as caught:
            await listen(unix_url)
        assert str(caught.value).startswith(f"{unix_url}: somebody listens there") and "\n" not in str(caught.value)
        fillers = [socket.socket(socket.AF_UNIX) for _ in range(4)]
        for filler in fillers:  # a full queue is a live listener as well
            filler.setblocking(False)
            filler.connect_ex(str(folder / "s.sock"))
        with pytest.raises(AddressInUse):
            await listen(unix_url)
        for filler in fillers:
            filler.close()


async def test_a_file_that_is_no_socket_is_left_alone(folder: Path, unix_url: str) -> None:
    (folder / "s.sock").write_text("precious")
    with pytest.raises(AddressInUse, match="no socket"):
        await listen(unix_url)
    assert (folder / "s.sock").read_text() == "precious"


async def test_a_socket_file_that_was_replaced_is_not_removed(folder: Path, unix_url: str) -> None:
    listener = await listen(unix_url)
    (folder / "s.sock").unlink()
    (folder / "s.sock").write_text("of somebody else")
    await listener.close()
    assert (folder / "s.sock").exists()


@pytest.mark.parametrize(
    "url",
    ["unix://relative/s.sock", "unix:///", "unix:///a/", "unix:///a?b=c", f"unix:///{'x' * 104}", "unix:///a%00b",
     "memory://", "memory://a/b", "nats://", "nats://h:99999/x", "nats://h:1/a b", "tcp://h:1", "/run/s.sock", "unx:///a"],
)  # fmt: skip
async def test_wrong_urls(url: str) -> None:
    for call in (listen, connect):
        with pytest.raises(BadUrl) as caught:
            await call(url)
        assert caught.value.expected and "\n" not in str(caught.value)


async def test_the_nearest_scheme_and_no_secrets() -> None:
    with pytest.raises(BadUrl) as caught:
        await connect("unx:///a")
    assert caught.value.expected == "unix://"
    with pytest.raises(BadUrl) as caught:
        await connect("nats://joe:hunter2@host:1/x")
    assert "hunter2" not in str(caught.value) + repr(caught.value)


async def test_nobody_there(folder: Path, unix_url: str) -> None:
    with pytest.raises(ConnectFailed, match="No such file"):
        await connect(unix_url)
    with pytest.raises(ConnectFailed):
        await connect(f"unix://{folder}/absent/s.sock")
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(folder / "s.sock"))
    dead.close()
    with pytest.raises(ConnectFailed, match="refused"):
        await connect(unix_url)


async def test_two_starting_at_once_get_one_place(unix_url: str) -> None:
    code = (
        "import asyncio, sys\nfrom infra.transport import *\n"
        "async def main():\n"
        "    async with await listen(sys.argv[1]):\n"
        "        print('listening', flush=True)\n"
        "        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)\n"
        "try: run(main())\nexcept AddressInUse: print('taken', flush=True)\n"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, unix_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    said = sorted([process.stdout.readline() for process in started if process.stdout])
    assert said == [b"listening\n", b"taken\n", b"taken\n"]
    for process in started:
        process.communicate(timeout=20)


async def test_a_killed_peer(unix_url: str, make_message: Make) -> None:
    code = (
        "import asyncio, sys\nfrom infra.transport import *\n"
        "async def main():\n"
        "    transport = await connect(sys.argv[1])\n"
        "    async for batch in transport:\n"
        "        for message in batch: await transport.send(bytes(message))\n"
        "run(main())\n"
    )
    async with await listen(unix_url) as listener:
        process = subprocess.Popen([sys.executable, "-c", code, unix_url])
        async with await listener.accept() as server:
            await server.send(make_message(1))
            assert len(await server.receive()) == 1
            process.send_signal(signal.SIGKILL)
            process.wait()
            with pytest.raises((EndOfStream, ConnectionLost)):
                await server.receive()
            with pytest.raises(ConnectionLost):
                while True:
                    await server.send(make_message(2))
                    await server.drain()


async def test_memory_stays_bounded_when_nobody_reads(unix_url: str, make_message: Make) -> None:
    """What is read ahead is one buffer; the rest waits in the kernel, and the writer is blocked."""
    given = TransportSettings(receive_buffer=65536)
    async with await listen(unix_url, given) as listener:
        with socket.socket(socket.AF_UNIX) as raw:
            raw.setblocking(False)
            raw.connect(unix_url.removeprefix("unix://"))
            async with await listener.accept() as server:
                data, sent = make_message(1, 200) * 100, 0
                idle_since = time.monotonic()
                while time.monotonic() - idle_since < 0.2:
                    try:
                        sent += raw.send(data)
                        idle_since = time.monotonic()
                    except BlockingIOError:
                        await asyncio.sleep(0.001)
                assert server.statistics().bytes_in == 0
                assert sent < 65536 + 4 * 1024 * 1024
                got = 0
                while server.statistics().bytes_in < sent:
                    got += len(await server.receive())
                assert got == sent // len(make_message(1, 200))


async def test_a_flood_of_connections(unix_url: str, make_message: Make) -> None:
    before = len(os.listdir("/proc/self/fd"))
    async with await listen(unix_url, TransportSettings(max_connections=10)) as listener:
        raws = [socket.socket(socket.AF_UNIX) for _ in range(100)]
        for raw in raws:
            raw.connect(unix_url.removeprefix("unix://"))
        while sum(listener.statistics()[:2]) < 100:
            await asyncio.sleep(0.01)
        assert listener.statistics() == (10, 90, 10)
        for raw in raws:
            raw.close()
    await asyncio.sleep(0.01)
    assert len(os.listdir("/proc/self/fd")) <= before + 1  # asyncio's own


async def test_the_last_descriptors_are_for_no_connection(
    unix_url: str, caplog: pytest.LogCaptureFixture, make_message: Make
) -> None:
    """Without one left asyncio could accept nothing, and logged that a thousand times a second."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    raws = [socket.socket(socket.AF_UNIX) for _ in range(60)]
    taken = max(raw.fileno() for raw in raws)
    async with await listen(unix_url) as listener:
        resource.setrlimit(resource.RLIMIT_NOFILE, (taken + 50, before[1]))
        try:
            for raw in raws:
                raw.connect(unix_url.removeprefix("unix://"))
            while sum(listener.statistics()[:2]) < 60:
                await asyncio.sleep(0.01)
            accepted, refused, _ = listener.statistics()
            assert 10 <= accepted <= 20 and refused == 60 - accepted and not caplog.records
            raws[0].sendall(make_message(1))
            async with await listener.accept() as server:
                assert len(await server.receive()) == 1
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
            for raw in raws:
                raw.close()


def test_a_buffer_is_used_again_only_when_nobody_holds_it() -> None:
    pool = BufferPool(100)
    first = pool.take()
    view = memoryview(first)[10:20]
    pool.give_back(first)
    second = pool.take()
    assert second is not first and not is_unused(first)
    view.release()
    assert pool.take() is first and len(first) == 100
    for _ in range(5):
        pool.give_back(bytearray(100))
    assert len(pool._buffers) == 2


def stream(sizes: list[int]) -> list[bytes]:
    made = []
    for sequence, size in enumerate(sizes, 1):
        builder = MessageBuilder(relay_domain=1, source=1, sequence=sequence, timestamp=1)
        made.append(builder.add_raw(254, bytes(size)).build())
    return made


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 3000), min_size=1, max_size=30),
    st.lists(st.integers(1, 5000), min_size=1, max_size=10),
    st.sampled_from(["unix", "memory"]),
    st.sampled_from([4096, 65536]),
    st.booleans(),
)
def test_any_chunks_give_the_same_messages(
    sizes: list[int], cuts: list[int], kind: str, buffer: int, pushed: bool
) -> None:
    sent = stream(sizes)
    whole = b"".join(sent)
    got: list[bytes] = []
    kept: list[Message] = []

    def take(batch: list[Message]) -> None:
        got.extend(map(bytes, batch))
        kept.extend(batch[::3])

    async def main() -> None:
        given_settings = TransportSettings(receive_buffer=buffer)
        if kind == "unix":
            from infra.transport.unix import UnixTransport

            ours, theirs = socket.socketpair()
            loop = asyncio.get_running_loop()
            _, one = await loop.create_unix_connection(lambda: UnixTransport("unix:", given_settings), sock=ours)
            _, other = await loop.create_unix_connection(lambda: UnixTransport("unix:", given_settings), sock=theirs)
        else:
            one, other = pair(given_settings)  # type: ignore[assignment]
        async with one, other:
            reading = asyncio.create_task(other.deliver(take) if pushed else pull(other))
            at = turn = 0
            while at < len(whole):
                step = cuts[turn % len(cuts)]
                await one.send(whole[at : at + step])
                one.flush()
                if turn % 3 == 0:
                    await asyncio.sleep(0)
                at, turn = at + step, turn + 1
            await one.end_sending()
            await reading

    async def pull(transport: object) -> None:
        async for batch in transport:  # type: ignore[attr-defined]
            take(batch)

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(asyncio.wait_for(main(), 20))
    assert got == sent
    assert {bytes(message) for message in kept} <= set(sent)
