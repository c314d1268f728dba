"""ZeroMQ and NATS carrying the messages that the relay carries.

    ZeroMQ       XSUB/XPUB proxy in a process of its own, one frame a message, over ipc.
    NATS         nats-server and nats-py, one payload a message, in batches between flushes.

One message in a frame or payload of its own is how they are used.  Both are left out where they are not installed.
"""

import asyncio
import multiprocessing
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .measure import SECONDS, Placement, percentiles, ping, placements, shown, trades


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
    """Throughput to so many subscribers, and latency to one."""
    try:
        import zmq  # noqa: F401  # pyright: ignore[reportMissingImports]
    except ImportError:
        print("ZeroMQ: pyzmq is not installed")
        return
    for number in numbers:
        zeromq_throughput(folder, count, number)
    for place in placements():
        zeromq_latency(folder, latencies, place)


@contextmanager
def proxied(folder: Path, numbers: int, place: Placement | None = None) -> Iterator[tuple[str, Any, list[Any]]]:
    """A proxy, with subscribers: the address to publish at, the context, the subscribers."""
    import zmq  # pyright: ignore[reportMissingImports]

    inward, outward = f"ipc://{folder}/zeromq-in", f"ipc://{folder}/zeromq-out"
    process = multiprocessing.get_context("spawn").Process(target=zeromq_proxy, args=(inward, outward), daemon=True)
    with (place or Placement("as scheduled")).starting():
        process.start()
    context = zmq.Context()
    subs = [context.socket(zmq.SUB) for _ in range(numbers)]
    try:
        for sub in subs:
            sub.setsockopt(zmq.RCVHWM, 0)
            sub.setsockopt(zmq.SUBSCRIBE, b"")
            sub.connect(outward)
        yield inward, context, subs
    finally:
        for sub in subs:
            sub.close()
        context.term()
        process.terminate()
        process.join()


def zeromq_throughput(folder: Path, count: int, number: int) -> None:
    import zmq  # pyright: ignore[reportMissingImports]

    spawn = multiprocessing.get_context("spawn")
    with proxied(folder, number) as (inward, _, subs):
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


def zeromq_latency(folder: Path, latencies: int, place: Placement) -> None:
    import zmq  # pyright: ignore[reportMissingImports]

    with place.measuring(), proxied(folder, 1, place) as (inward, context, subs), context.socket(zmq.PUB) as pub:
        pub.connect(inward)
        time.sleep(1.5)  # there is no answer to a subscription
        shown("ZeroMQ", place, percentiles(ping(pub.send, subs[0].recv, trades(latencies))))


def nats(count: int, latencies: int, numbers: list[int]) -> None:
    """Throughput to so many subscribers, and latency to one, with a server at the loopback."""
    beside = Path(sys.executable).with_name("nats-server")
    binary = str(beside) if beside.exists() else shutil.which("nats-server")
    try:
        import nats as client  # noqa: F401
    except ImportError:
        print("NATS: nats-py is not installed")
        return
    if binary is None:
        print("NATS: nats-server is not installed")
        return
    with nats_server(binary) as url:
        for number in numbers:
            asyncio.run(nats_throughput(url, count, number))
    for place in placements():
        with place.measuring(), nats_server(binary, place) as url:
            shown("NATS", place, percentiles(asyncio.run(nats_latency(url, latencies))))


@contextmanager
def nats_server(binary: str, place: Placement | None = None) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (place or Placement("as scheduled")).starting():
        server = subprocess.Popen([binary, "-a", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL)
    try:
        answers(port)
        yield f"nats://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def answers(port: int) -> None:
    """Wait until somebody listens there."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)


def nats_options(url: str) -> dict[str, Any]:
    return {"servers": url, "pending_size": 64 * 1024 * 1024}


async def nats_throughput(url: str, count: int, number: int) -> None:
    import nats as client

    publisher = await client.connect(**nats_options(url))
    done, left = asyncio.Event(), count * number
    readers = [await client.connect(**nats_options(url)) for _ in range(number)]

    async def take(message: object) -> None:
        nonlocal left
        left -= 1
        if not left:
            done.set()

    for reader in readers:
        await reader.subscribe("md", cb=take, pending_msgs_limit=-1, pending_bytes_limit=-1)
        await reader.flush()
    messages = trades(count)
    began = time.monotonic()
    for at, message in enumerate(messages):
        await publisher.publish("md", message)
        if at % 500 == 0:
            await publisher.flush()
    await publisher.flush()
    async with asyncio.timeout(SECONDS):
        await done.wait()
    took = time.monotonic() - began
    print(f"NATS        {number:>3} subscribers  {count / took:>12,.0f}/s to each", flush=True)
    for each in (*readers, publisher):
        await each.close()


async def nats_latency(url: str, latencies: int) -> list[int]:
    import nats as client

    publisher, reader = await client.connect(**nats_options(url)), await client.connect(**nats_options(url))
    subscription = await reader.subscribe("md")
    await reader.flush()
    took = []
    for message in trades(latencies):
        started = time.perf_counter_ns()
        await publisher.publish("md", message)
        await publisher._flush_pending()
        await subscription.next_msg(SECONDS)
        took.append(time.perf_counter_ns() - started)
    await reader.close()
    await publisher.close()
    return took[len(took) // 10 :]
