"""Replays captures to the market data relay.

    python -m services.feed_replay FILE... --market unix:///run/alphapulse/market_data.sock --speed 10x

Several captures are merged by time.  `--speed` is 1 (real time) by default; `max` does not wait.  A bar shows how much
of the files is read, where standard error is a terminal and rich is installed (extra `progress`).

Exit codes: 0 when the relay has acknowledged every message; 1 when it did not, or went away; 2 for a file, a format, a
place or an option that is wrong, in one line.

Owns files, clock and connection.  Must not know formats.
"""

import argparse
import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from infra.errors import RemoteInfraError
from infra.program import (
    FAILED,
    Parser,
    add_relay_options,
    backoff_of,
    relay_url,
    run_program,
    stop_event,
    until_stopped,
)
from infra.publisher import Publisher
from infra.topology.log import Log
from infra.topology.own import announce_ready
from libs.types.protocol import RelayDomain, SourceType

from .app import EXCHANGES, Counts, Listings, Stamped, events, listing_of, merged, messages, speed_of, wait_ns

_LAG_NS = 1_000_000  # what is due in less is sent at once: a timer is not more precise


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = Parser(prog="python -m services.feed_replay", description="Replays captures to the market data relay.")
    made.add_argument("files", nargs="+", type=Path, metavar="FILE")
    add_relay_options(made, market="the relay of the market data")
    made.add_argument("--speed", default="1", help="1, 2.5, 10x or max")
    made.add_argument("--exchange", default="binance", help="whose depth lines these are")
    made.add_argument("--symbol", help="what depth lines without a symbol are about")
    made.add_argument(
        "--listing", action="append", default=[], metavar="EXCHANGE=VENUE:KIND",
        help="one more exchange: bitmex=65010:SWAP",
    )  # fmt: skip
    made.add_argument("--default-source", type=int, metavar="NUMBER", help="who sends what has no collector")
    made.add_argument("--no-progress", action="store_true")
    return made


@contextlib.contextmanager
def progress(streams: Sequence[IO[bytes]], total: int, wanted: bool) -> Iterator[Callable[[int], None]]:
    """A bar of the bytes that were read; what it gives is called with the number of messages."""
    if not wanted or not sys.stderr.isatty():
        yield lambda count: None
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
    except ImportError:
        yield lambda count: None
        return
    columns = (BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TextColumn("{task.fields[count]} messages"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=total, count=0)
        yield lambda count: bar.update(task, completed=sum(stream.tell() for stream in streams), count=count)


async def replay(source: Iterator[Stamped], publisher: Publisher, speed: str, shown: Callable[[int], None]) -> None:
    """Send everything when it is due."""
    factor, first, started, updated = speed_of(speed), -1, time.monotonic_ns(), 0.0
    for timestamp_ns, data in source:
        first = timestamp_ns if first < 0 else first
        wait = wait_ns(timestamp_ns, first, started, time.monotonic_ns(), factor)
        if wait > _LAG_NS:
            await asyncio.sleep(wait / 1e9)
        await publisher.publish(data)
        if time.monotonic() - updated > 0.1:
            updated = time.monotonic()
            shown(publisher.sent)
            await asyncio.sleep(0)
    shown(publisher.sent)


async def serve(given: argparse.Namespace) -> int:
    """Replay all files."""
    speed_of(given.speed)
    url, counts, log = relay_url(given.market, RelayDomain.MARKET_DATA, given.topology), Counts(), Log()
    listings = Listings({**EXCHANGES, **dict(map(listing_of, given.listing))})
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(path.open("rb")) for path in given.files]
        captures = [
            events(str(path), stream, listings=listings, counts=counts, exchange=given.exchange, symbol=given.symbol)
            for path, stream in zip(given.files, streams, strict=True)
        ]
        stamped = messages(merged(*captures), default_source=given.default_source)
        total = sum(path.stat().st_size for path in given.files)
        stop = stop_event()
        publisher = Publisher(
            url, RelayDomain.MARKET_DATA, source=given.default_source or SourceType.BINANCE_COLLECTOR,
            backoff=backoff_of(given.tries),
        )  # fmt: skip
        try:
            await publisher.open()
            announce_ready()
            with progress(streams, total, not given.no_progress) as shown:
                await until_stopped(stop, replay(stamped, publisher, given.speed, shown))
            try:
                done = await publisher.finish()
            except RemoteInfraError as error:
                log("lost", error=str(error))
                done = False
        finally:
            await publisher.close()
    log("replayed", messages=publisher.sent, acknowledged=publisher.acknowledged, resent=publisher.resent)
    return 0 if done else FAILED


def main(arguments: list[str] | None = None) -> int:
    """Run; returns the exit code."""
    given = parser().parse_args(arguments)
    return run_program("feed_replay", lambda: serve(given))


if __name__ == "__main__":
    sys.exit(main())
