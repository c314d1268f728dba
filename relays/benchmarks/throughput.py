"""How much one relay passes on, and how long a message takes; beside ZeroMQ and NATS carrying the same bytes.

    python -m relays.benchmarks.throughput [--messages 300000] [--latencies 5000] [--subscribers 1 8 32]

Owns the measurement.  What is measured are real processes on Unix sockets (NATS: the loopback):

    throughput   a publisher sends trades of 74 bytes in batches of 64 KB; the time is from its start until the last
                 subscriber has the last byte.  `in` is until the relay has acknowledged.  All subscribers are read by
                 one process that only counts bytes, so that it is not what is measured; `parsed` decodes them with
                 decode_batch.  The queues are large enough that nothing is lost; a run that lost something is an error.
    latency      one message at a time, from before `send` to after `recv`, through the relay.
    ZeroMQ       XSUB/XPUB proxy in a process of its own, one frame a message, over ipc.
    NATS         nats-server and nats-py, one payload a message, in batches between flushes.

Each figure is the best of the runs, and all are printed with the load average, because a shared machine shows in them.
"""

import argparse
import asyncio
import multiprocessing
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from infra.relay_messages import subscribe_message, sync_message
from libs.types.protocol import InstrumentId, MessageBuilder, RelayDomain, TradeTLV, VenueId, decode_batch

MARKET = RelayDomain.MARKET_DATA
BATCH = 64 * 1024
SECONDS = 120.0


def trades(count: int) -> list[bytes]:
    """Signed trades, numbered from 1."""
    instrument = InstrumentId.coin(VenueId.KRAKEN, "BTCUSD")
    builder = MessageBuilder(relay_domain=MARKET, source=2, sequence=1)
    made = []
    for number in range(1, count + 1):
        trade = TradeTLV.of(instrument, price=45_000 + number, volume=number, timestamp_ns=number, side=0)
        made.append(builder.restart(sequence=number, timestamp=number).add(trade).build())
    return made


def connected(path: str) -> socket.socket:
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(SECONDS)
    try:
        peer.connect(path)
    except OSError:
        peer.close()
        raise
    return peer


def publish(path: str, count: int, ready: Any, sent: Any) -> None:
    """A process: everything as fast as the relay takes it; tells when it began and when it was acknowledged."""
    data = b"".join(trades(count))
    with connected(path) as peer:
        ready.wait(SECONDS)
        began = time.monotonic()
        for at in range(0, len(data), BATCH):
            peer.sendall(data[at : at + BATCH])
        peer.sendall(sync_message(MARKET, source=2, publisher_id=1, token=1))
        assert peer.recv(4096)
        sent.put(began)
        sent.put(time.monotonic())


class Relay:
    """A relay process at a socket in `folder`."""

    def __init__(self, folder: Path, codec: str) -> None:
        self.path = str(folder / "relay.sock")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "relays", "--domain", "market_data", "--listen", f"unix://{self.path}",
             "--queue", "1024", "--history", "32"],
            stderr=subprocess.DEVNULL, env={**os.environ, "ALPHAPULSE_CODEC": codec},
        )  # fmt: skip
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            try:
                connected(self.path).close()
                return
            except OSError:
                time.sleep(0.01)

    def subscriber(self, number: int) -> socket.socket:
        peer = connected(self.path)
        peer.sendall(subscribe_message(MARKET, source=60, consumer_id=number))
        assert peer.recv(4096)
        return peer

    def close(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()


def throughput(folder: Path, codec: str, count: int, subscribers: int, *, parse: bool = False) -> tuple[float, float]:
    """Messages per second into the relay, and out to each of the subscribers."""
    context = multiprocessing.get_context("spawn")
    ready, sent = context.Event(), context.Queue()
    relay = Relay(folder, codec)
    try:
        process = context.Process(target=publish, args=(relay.path, count, ready, sent))
        process.start()
        peers = [relay.subscriber(number) for number in range(subscribers)]
        ready.set()
        size = len(trades(1)[0])
        end = (parse_all(peers[0], count) if parse else read_all(peers, count * size)) or time.monotonic()
        began, acknowledged = sent.get(timeout=SECONDS), sent.get(timeout=SECONDS)
        process.join()
        sent.close()
        for peer in peers:
            peer.close()
        return count / (acknowledged - began), count / (end - began)
    finally:
        relay.close()


def read_all(peers: list[socket.socket], size: int) -> float:
    """Until each of them has had so many bytes."""
    chosen, left, room = selectors.DefaultSelector(), dict.fromkeys(peers, size), bytearray(1 << 20)
    for each in peers:
        chosen.register(each, selectors.EVENT_READ, each)
    while left:
        for key, _ in chosen.select(SECONDS):
            peer: socket.socket = key.data
            got = peer.recv_into(room)
            if not got:
                raise RuntimeError("the relay closed a subscriber")
            left[peer] -= got
            if left[peer] <= 0:
                del left[peer]
                chosen.unregister(peer)
    return time.monotonic()


def parse_all(peer: socket.socket, count: int) -> float:
    """Until so many messages were decoded, in batches of what has come."""
    kept, seen = b"", 0
    while seen < count:
        got = peer.recv(1 << 20)
        if not got:
            raise RuntimeError("the relay closed the subscriber")
        kept += got
        batch = decode_batch(kept, TradeTLV, allow_partial=True)
        seen += len(batch)
        kept = kept[batch.consumed :]
    return time.monotonic()


def percentiles(nanoseconds: list[int]) -> tuple[float, float, float]:
    """p50, p99 and p99.9 in microseconds."""
    ordered = sorted(nanoseconds)
    last = len(ordered) - 1
    p50, p99, p999 = (ordered[int(last * share)] / 1000 for share in (0.5, 0.99, 0.999))
    return p50, p99, p999


def ping(send: Callable[[bytes], object], receive: Callable[[], object], messages: list[bytes]) -> list[int]:
    took = []
    for message in messages:
        began = time.perf_counter_ns()
        send(message)
        receive()
        took.append(time.perf_counter_ns() - began)
    return took[len(took) // 10 :]  # the first are for warming up


def latency(folder: Path, codec: str, count: int) -> tuple[float, float, float]:
    """Socket to socket through the relay."""
    relay = Relay(folder, codec)
    try:
        with relay.subscriber(1) as reader, connected(relay.path) as writer:
            room = bytearray(4096)
            return percentiles(ping(writer.sendall, lambda: reader.recv_into(room), trades(count)))
    finally:
        relay.close()


# The peers.


def zeromq_proxy(inward: str, outward: str) -> None:
    """A process: what a relay is in ZeroMQ."""
    import zmq  # pyright: ignore[reportMissingImports]

    context = zmq.Context()
    sub, pub = context.socket(zmq.XSUB), context.socket(zmq.XPUB)
    for each in (sub, pub):
        each.setsockopt(zmq.RCVHWM, 0)
        each.setsockopt(zmq.SNDHWM, 0)
    sub.bind(inward)
    pub.bind(outward)
    zmq.proxy(sub, pub)


def zeromq_publish(url: str, count: int, ready: Any, sent: Any) -> None:
    import zmq  # pyright: ignore[reportMissingImports]

    context = zmq.Context()
    pub = context.socket(zmq.PUB)
    pub.setsockopt(zmq.SNDHWM, 0)
    pub.connect(url)
    messages = trades(count)
    ready.wait(SECONDS)
    time.sleep(0.5)  # there is no answer to a subscription
    sent.put(time.monotonic())
    for message in messages:
        pub.send(message)
    pub.close()
    context.term()


def zeromq(folder: Path, count: int, latencies: int, numbers: list[int]) -> None:
    try:
        import zmq  # pyright: ignore[reportMissingImports]
    except ImportError:
        print("ZeroMQ: pyzmq is not installed")
        return
    spawn = multiprocessing.get_context("spawn")
    for number in numbers:
        inward, outward = f"ipc://{folder}/z{number}-in", f"ipc://{folder}/z{number}-out"
        proxy = spawn.Process(target=zeromq_proxy, args=(inward, outward), daemon=True)
        proxy.start()
        context = zmq.Context()
        subs = [context.socket(zmq.SUB) for _ in range(number)]
        for sub in subs:
            sub.setsockopt(zmq.RCVHWM, 0)
            sub.setsockopt(zmq.SUBSCRIBE, b"")
            sub.connect(outward)
        ready, sent = spawn.Event(), spawn.Queue()
        process = spawn.Process(target=zeromq_publish, args=(inward, count, ready, sent))
        process.start()
        time.sleep(1.5)
        ready.set()
        left, poller = dict.fromkeys(subs, count), zmq.Poller()
        for sub in subs:
            poller.register(sub, zmq.POLLIN)
        while left:
            for sub, _ in poller.poll(int(SECONDS * 1000)):
                for _ in range(min(left[sub], 500)):
                    try:
                        sub.recv(zmq.NOBLOCK)
                    except zmq.Again:
                        break
                    left[sub] -= 1
                if not left[sub]:
                    del left[sub]
                    poller.unregister(sub)
        took = time.monotonic() - sent.get(timeout=SECONDS)
        print(f"ZeroMQ      {number:>3} subscribers  {count / took:>12,.0f}/s to each", flush=True)
        process.join()
        if number == numbers[0]:
            pub = context.socket(zmq.PUB)
            pub.connect(inward)
            time.sleep(0.5)
            shown("ZeroMQ", percentiles(ping(pub.send, subs[0].recv, trades(latencies))))
            pub.close()
        for sub in subs:
            sub.close()
        context.term()
        proxy.terminate()
        proxy.join()


def answers(port: int) -> None:
    """Wait until somebody listens there."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)


async def nats(count: int, latencies: int, numbers: list[int]) -> None:
    beside = Path(sys.executable).with_name("nats-server")
    binary = str(beside) if beside.exists() else shutil.which("nats-server")
    try:
        import nats as client
    except ImportError:
        print("NATS: nats-py is not installed")
        return
    if binary is None:
        print("NATS: nats-server is not installed")
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([binary, "-a", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL)
    try:
        answers(port)
        options: dict[str, Any] = {"servers": f"nats://127.0.0.1:{port}", "pending_size": 64 * 1024 * 1024}
        publisher = await client.connect(**options)
        messages = trades(count)
        for number in numbers:
            done, left = asyncio.Event(), [count * number]
            readers = [await client.connect(**options) for _ in range(number)]

            async def take(message: object, left: list[int] = left, done: asyncio.Event = done) -> None:
                left[0] -= 1
                if not left[0]:
                    done.set()

            for reader in readers:
                await reader.subscribe("md", cb=take, pending_msgs_limit=-1, pending_bytes_limit=-1)
                await reader.flush()
            began = time.monotonic()
            for at, message in enumerate(messages):
                await publisher.publish("md", message)
                if at % 500 == 0:
                    await publisher.flush()
            await publisher.flush()
            async with asyncio.timeout(SECONDS):
                await done.wait()
            print(
                f"NATS        {number:>3} subscribers  {count / (time.monotonic() - began):>12,.0f}/s to each",
                flush=True,
            )
            for reader in readers:
                await reader.close()
        reader = await client.connect(**options)
        subscription = await reader.subscribe("md")
        await reader.flush()
        took = []
        for message in trades(latencies):
            started = time.perf_counter_ns()
            await publisher.publish("md", message)
            await publisher._flush_pending()
            await subscription.next_msg(SECONDS)
            took.append(time.perf_counter_ns() - started)
        shown("NATS", percentiles(took[len(took) // 10 :]))
        await reader.close()
        await publisher.close()
    finally:
        server.terminate()
        server.wait()


def shown(name: str, values: tuple[float, float, float]) -> None:
    print(f"{name:<11} latency p50 {values[0]:,.1f}  p99 {values[1]:,.1f}  p99.9 {values[2]:,.1f} us", flush=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m relays.benchmarks.throughput")
    parser.add_argument("--messages", type=int, default=300_000)
    parser.add_argument("--latencies", type=int, default=5_000)
    parser.add_argument("--subscribers", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--codecs", nargs="+", default=["c", "python"])
    parser.add_argument("--no-peers", action="store_true")
    given = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ap-", dir="/tmp")))
        print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors, Python {sys.version.split()[0]}")
        for codec in given.codecs:
            for number in given.subscribers:
                runs = [throughput(folder, codec, given.messages, number) for _ in range(given.runs)]
                inward, outward = max(run[0] for run in runs), max(run[1] for run in runs)
                print(
                    f"relay {codec:<6}{number:>3} subscribers  {inward:>12,.0f}/s in  {outward:>12,.0f}/s to each",
                    flush=True,
                )
            parsed = max(throughput(folder, codec, given.messages, 1, parse=True)[1] for _ in range(given.runs))
            print(f"relay {codec:<6}  1 subscriber that parses  {parsed:>12,.0f}/s", flush=True)
            best = min(latency(folder, codec, given.latencies) for _ in range(given.runs))
            shown(f"relay {codec}", best)
        if not given.no_peers:
            zeromq(folder, given.messages, given.latencies, given.subscribers)
            asyncio.run(nats(min(given.messages, 50_000), given.latencies, given.subscribers))
        print(f"load average {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
