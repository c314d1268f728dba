"""The live flow in the terminal: rates, queues, losses, gaps, from the relays' metrics endpoints.

    python -m infra.topology watch FILE [--seconds 1] [--once]

Owns the reading of the endpoints and the table.  Must not know relays: it reads the text that Prometheus would.

How it works: a relay that shall be watched has `--metrics PLACE` among its arguments in the topology file.  Every round
asks each endpoint, for at most a second, and shows what has changed since the round before.  Percentiles come from the
histogram's buckets, so they are upper bounds.
"""

import asyncio
import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from ..errors import InfraError
from ..transport.socket_files import socket_path
from .model import Node, Topology

_LINE = re.compile(r"(\w+)(?:\{([^}]*)\})? (\S+)\Z")
_LIMIT = 1 << 20
COLUMNS = ("relay", "in/s", "out/s", "MB/s", "subscribers", "queued KB", "lost", "gaps", "missing", "p50 us", "p99 us")
_CLEAR = "\x1b[H\x1b[2J"


@dataclass(frozen=True, slots=True)
class Numbers:
    """What one endpoint said: sums of the metrics by name, and the buckets of the histogram."""

    values: Mapping[str, float] = field(default_factory=dict)
    buckets: Mapping[float, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        return self.values.get(f"relay_{name}", 0.0)


def metrics_place(node: Node) -> str | None:
    """Where a program's metrics are, by its arguments."""
    for at, word in enumerate(node.command):
        if word == "--metrics" and at + 1 < len(node.command):
            return node.command[at + 1]
        if word.startswith("--metrics="):
            return word.partition("=")[2]
    return None


def parse_metrics(text: str) -> Numbers:
    """Read the text form; lines that are none are left out."""
    values: dict[str, float] = {}
    buckets: dict[float, float] = {}
    for line in text.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        name, labels, number = found.groups()
        try:
            value = float(number)
        except ValueError:
            continue
        if name == "relay_batch_seconds_bucket":
            bound = re.search(r'le="([^"]+)"', labels or "")
            if bound is not None:
                buckets[math.inf if bound[1] == "+Inf" else float(bound[1])] = value
        else:
            values[name] = values.get(name, 0.0) + value
    return Numbers(values, buckets)


async def ask(place: str) -> Numbers:
    """The numbers at an endpoint.  Raises OSError, TimeoutError, BadUrl."""
    async with asyncio.timeout(1.0):
        if place.startswith("unix:"):
            reader, writer = await asyncio.open_unix_connection(str(socket_path(place)), limit=_LIMIT)
        else:
            host, _, port = place.rpartition(":")
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port), limit=_LIMIT)
        try:
            writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
            answer = b""
            while len(answer) < _LIMIT and (more := await reader.read(65536)):
                answer += more
        finally:
            writer.close()
    return parse_metrics(answer.partition(b"\r\n\r\n")[2].decode("utf-8", "replace"))


def percentile(before: Numbers, now: Numbers, share: float) -> float:
    """An upper bound in seconds for this share of the batches since `before`; NaN where there were none."""
    grown = {bound: count - before.buckets.get(bound, 0.0) for bound, count in sorted(now.buckets.items())}
    total = max(grown.values(), default=0.0)
    for bound, count in grown.items():
        if total > 0 and count >= share * total:
            return bound
    return math.nan


def row(name: str, before: Numbers | None, now: Numbers, seconds: float) -> list[str]:
    """One line of the table."""
    past = before or Numbers()

    def rate(metric: str) -> float:
        return max(now[metric] - past[metric], 0.0) / seconds if before is not None else 0.0

    points = [percentile(past, now, share) * 1e6 for share in (0.5, 0.99)]
    return [
        name,
        f"{rate('messages_in_total'):,.0f}",
        f"{rate('messages_out_total'):,.0f}",
        f"{rate('bytes_in_total') / 1e6:,.1f}",
        f"{now['subscribers']:.0f}",
        f"{now['queue_bytes'] / 1024:,.0f}",
        f"{now['lost_total']:,.0f}",
        f"{now['source_gaps']:,.0f}",
        f"{now['source_missing']:,.0f}",
        *("-" if math.isnan(point) else f"<{point:,.0f}" for point in points),
    ]


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns of the width they need, numbers to the right."""
    lines = [COLUMNS, *rows]
    widths = [
        max(len(line[at]) for line in lines if at == 0 or len(line) == len(COLUMNS)) for at in range(len(COLUMNS))
    ]
    return "\n".join(
        "  ".join(
            (text.ljust if at == 0 or len(line) < len(COLUMNS) else text.rjust)(widths[at])
            for at, text in enumerate(line)
        ).rstrip()
        for line in lines
    )


async def watch(topology: Topology, seconds: float, once: bool, out: TextIO | None = None) -> None:
    """Show the table again and again; with `once`, after one interval, and end."""
    shown: TextIO = sys.stdout if out is None else out
    loop = asyncio.get_running_loop()
    before: dict[str, Numbers] = {}
    asked, first = loop.time(), True
    while True:
        now = loop.time()
        rows = []
        for relay in topology.relays:
            place = metrics_place(relay)
            if place is None:
                rows.append([relay.name, "no --metrics among its args"])
                continue
            try:
                numbers = await ask(place)
            except (OSError, ValueError, InfraError) as error:
                rows.append([relay.name, f"no answer: {getattr(error, 'strerror', None) or error or 'too slow'}"])
                before.pop(relay.name, None)
                continue
            rows.append(row(relay.name, before.get(relay.name), numbers, max(now - asked, 0.001)))
            before[relay.name] = numbers
        asked = now
        if not first or not once:
            shown.write((_CLEAR if shown.isatty() and not once else "") + table(rows) + "\n")
            shown.flush()
        if once and not first:
            return
        first = False
        await asyncio.sleep(seconds)
