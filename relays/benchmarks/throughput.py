"""How much one relay passes on, and how long a message takes; beside ZeroMQ and NATS carrying the same bytes.

    python -m relays.benchmarks.throughput [--messages 300000] [--latencies 5000] [--subscribers 1 8 32]

Owns the measurement of the relay.  What is measured are real processes on Unix sockets (NATS: the loopback):

    throughput   a publisher sends trades of 74 bytes in batches of 64 KB; the time is from its start until the last
                 subscriber has the last byte.  `in` is until the relay has acknowledged.  All subscribers are read by
                 one process that only counts bytes, so that it is not what is measured; `parsed` decodes them with
                 decode_batch.  The queues are large enough that nothing is lost; a run that lost something is an error.
    latency      one message at a time, from before `send` to after `recv`, through the relay, with all processes on one
                 processor, with the relay on another, and there with both sides polling instead of sleeping.
    ZeroMQ, NATS the same through these (`peers`).

Each figure is the best of the runs, and all are printed with the load average, because a shared machine shows in them.
"""

import argparse
import multiprocessing
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from infra.relay_messages import subscribe_message, sync_message
from libs.types.protocol import TradeTLV, decode_batch

from . import peers
from .measure import MARKET, SECONDS, Percentiles, Placement, percentiles, ping, placements, polling, shown, trades

BATCH = 64 * 1024


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

    def __init__(self, folder: Path, codec: str, busy_poll: int = 0) -> None:
        self.path = str(folder / "relay.sock")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "relays", "--domain", "market_data", "--listen", f"unix://{self.path}",
             "--queue", "1024", "--history", "32"],
            stderr=subprocess.DEVNULL,
            env={**os.environ, "ALPHAPULSE_CODEC": codec, "ALPHAPULSE_BUSY_POLL": str(busy_poll)},
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


def latency(folder: Path, codec: str, count: int, place: Placement) -> Percentiles:
    """Socket to socket through the relay."""
    with place.measuring():
        with place.starting():
            relay = Relay(folder, codec, place.busy_poll)
        try:
            with relay.subscriber(1) as reader, connected(relay.path) as writer:
                room = bytearray(4096)
                receive = partial(polled, reader, room) if place.busy_poll else partial(reader.recv_into, room)
                return percentiles(ping(writer.sendall, receive, trades(count)))
        finally:
            relay.close()


def polled(reader: socket.socket, room: bytearray) -> int:
    """What comes next, without ever sleeping: with a time limit Python would wait in `poll` before each `recv`."""
    reader.setblocking(False)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            return reader.recv_into(room)
        except BlockingIOError:
            continue
    raise TimeoutError(f"nothing came within {SECONDS} s")


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
            for place in (*placements(), *polling(placements())):
                best = min(latency(folder, codec, given.latencies, place) for _ in range(given.runs))
                shown(f"relay {codec}", place, best)
        if not given.no_peers:
            peers.zeromq(folder, given.messages, given.latencies, given.subscribers)
            peers.nats(min(given.messages, 50_000), given.latencies, given.subscribers)
        print(f"load average {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
