"""How many messages a second one Unix socket carries between two processes, and how long one takes there and back.

    python -m infra.benchmarks.sockets [--messages N] [--loop asyncio|uvloop] [--rounds N]

Owns the measuring.  The receiving process checks every message (checksum, number) and answers when it has them all, so
the rate is of messages that were taken apart, not of bytes handed to the kernel.

Each row is the best and the median of its rounds.  `in batches` sends 100 messages with one call, `one by one` a call
each, gathered by the transport; `deliver` and `receive` are the two ways of the receiving side.
"""

import argparse
import platform
import subprocess
import sys
import tempfile
from statistics import median
from time import perf_counter

from infra.transport import Transport, TransportSettings, connect, joined, listen, run
from libs.types.protocol import Message, MessageBuilder, implementation

BATCH = 100
ROUND_TRIPS = 5000


def message(sequence: int) -> bytes:
    """A message of 74 bytes: header, and one TLV of 40."""
    builder = MessageBuilder(relay_domain=1, source=1, sequence=sequence, timestamp=sequence)
    return builder.add_raw(254, bytes(40)).build()


async def serve(url: str, ways: int) -> None:
    """The receiving process: `ways` connections, one after the other, each told by its first message what to do."""
    async with await listen(url, TransportSettings()) as listener:
        print("ready", flush=True)
        for _ in range(ways):
            async with await listener.accept() as transport:
                (first,) = await transport.receive()
                wanted = first.sequence >> 2
                await transport.send(bytes(first))
                await (echo(transport) if first.sequence & 2 else count(transport, wanted, bool(first.sequence & 1)))


async def count(transport: Transport, wanted: int, pushed: bool) -> None:
    total = 0

    def take(batch: list[Message]) -> None:
        nonlocal total
        total += len(batch)
        if total >= wanted:
            transport.send_nowait(message(total))

    if pushed:
        await transport.deliver(take)
    else:
        async for batch in transport:
            take(batch)


async def echo(transport: Transport) -> None:
    def back(batch: list[Message]) -> None:
        transport.send_nowait(joined(batch), len(batch))
        transport.flush()

    await transport.deliver(back)


async def rate(url: str, messages: int, batch: int, pushed: bool) -> float:
    """Messages a second, from the first send to the answer that all have arrived."""
    async with await connect(url) as transport:
        await transport.send(message(messages << 2 | pushed))
        await transport.receive()
        data = b"".join(message(sequence) for sequence in range(1, batch + 1))
        began = perf_counter()
        for _ in range(messages // batch):
            await transport.send(data, batch)
        (answer,) = await transport.receive()
        assert answer.sequence == messages
        return messages / (perf_counter() - began)


async def round_trips(url: str) -> list[float]:
    """Microseconds, sorted."""
    async with await connect(url) as transport:
        await transport.send(message(2))
        await transport.receive()
        data, took = message(1), []
        for _ in range(ROUND_TRIPS):
            began = perf_counter()
            await transport.send(data)
            transport.flush()
            await transport.receive()
            took.append((perf_counter() - began) * 1e6)
        return sorted(took)


async def measure(url: str, messages: int, rounds: int) -> None:
    for name, batch, pushed in (
        ("in batches, deliver", BATCH, True),
        ("in batches, receive", BATCH, False),
        ("one by one, deliver", 1, True),
    ):
        rates = [await rate(url, messages, batch, pushed) / 1e6 for _ in range(rounds)]
        print(f"{name:22} {max(rates):6.2f} M/s best  {median(rates):6.2f} M/s median")
    took = await round_trips(url)
    p50, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
    print(f"{'there and back':22} {p50:6.1f} us p50   {p99:6.1f} us p99")


def main(arguments: list[str] | None = None) -> int:
    """Start the receiving process, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], default="asyncio")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.serve:
        run(serve(given.serve, 3 * given.rounds + 1), given.loop)
        return 0
    messages = max(given.messages // BATCH, 1) * BATCH
    print(f"Python {platform.python_version()}, {given.loop}, codec {implementation}, {len(message(1))}-byte messages")
    with tempfile.TemporaryDirectory(prefix="ap-") as folder:
        url = f"unix://{folder}/s.sock"
        command = [sys.executable, "-m", "infra.benchmarks.sockets", "--loop", given.loop, "--serve", url]
        serving = subprocess.Popen([*command, "--rounds", str(given.rounds)], stdout=subprocess.PIPE)
        try:
            assert serving.stdout is not None and serving.stdout.readline() == b"ready\n"
            run(measure(url, messages, given.rounds), given.loop)
            return serving.wait(10)
        finally:
            serving.kill()
            serving.communicate()


if __name__ == "__main__":
    sys.exit(main())
