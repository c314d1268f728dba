"""The numbers of a relay for Prometheus, as text at a Unix socket or a port of the loopback.

    unix:///run/alphapulse/market_data.metrics      curl --unix-socket PATH http://localhost/metrics
    127.0.0.1:9101                                  curl http://127.0.0.1:9101/metrics

Owns the names of the metrics and the small HTTP answer.  Must not change anything: it reads the relay's counters when
it is asked, so measuring costs nothing in between.  Needs the extra `metrics` (prometheus-client).
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from infra.errors import AddressInUse, BadUrl, MissingDependency
from infra.transport.socket_files import bind, identity, socket_path

from .relay import LATENCY_BOUNDS, Relay

_REQUEST_LIMIT, _SECONDS = 8192, 5.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def metric_families(relay: Relay) -> Iterable[Any]:
    """The counters as Prometheus wants them.  Raises ImportError without prometheus-client."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    counts, domain, peers = relay.counts, relay.policy.domain.name.lower(), list(relay.peers.values())
    live = [peer.transport.statistics() for peer in peers]
    totals = {
        "messages_in": (counts.messages_in, "messages passed on"),
        "messages_out": (counts.messages_out, "messages given to subscribers"),
        "bytes_in": (counts.bytes_in, "bytes passed on"),
        "faults": (counts.faults + sum(each.faults for each in live), "stretches of bytes that were no message"),
        "lost": (counts.lost + sum(peer.lost for peer in peers), "messages that slow subscribers did not get"),
        "slow_closed": (counts.slow_closed, "subscribers closed for being slow"),
        "retransmitted": (counts.retransmitted, "messages sent again"),
        "snapshots": (counts.snapshots, "snapshots sent"),
        "requests": (counts.requests, "requests made to the relay"),
        "refused": (counts.refused, "requests that could not be granted"),
        "unaudited": (counts.unaudited, "messages whose audit line could not be written"),
    }
    for name, (value, text) in totals.items():
        family = CounterMetricFamily(f"relay_{name}", text, labels=["domain"])
        family.add_metric([domain], value)
        yield family
    gauges = {
        "connections": (len(peers), "open connections"),
        "subscribers": (sum(peer.filter is not None for peer in peers), "connections that subscribed"),
        "queue_bytes": (sum(p.queued_bytes for p in peers) + sum(e.queue_bytes for e in live), "waiting bytes"),
        "queue_bytes_max": (
            max((p.queued_bytes + e.queue_bytes for p, e in zip(peers, live, strict=True)), default=0),
            "waiting bytes of the slowest subscriber",
        ),
        "history_messages": (relay.history.messages, "messages that can be sent again"),
        "history_bytes": (relay.history.bytes, "bytes that can be sent again"),
    }
    for name, (value, text) in gauges.items():
        gauge = GaugeMetricFamily(f"relay_{name}", text, labels=["domain"])
        gauge.add_metric([domain], value)
        yield gauge
    for name, text in (
        ("gaps", "gaps in the numbers of a source"),
        ("missing", "numbers that never came"),
        ("repeats", "numbers that came again"),
        ("restarts", "sources that started anew"),
    ):
        source_family = GaugeMetricFamily(f"relay_source_{name}", text, labels=["domain", "source"])
        for source, stream in sorted(relay.streams.items()):
            source_family.add_metric([domain, str(source)], getattr(stream, name))
        yield source_family
    histogram = HistogramMetricFamily("relay_batch_seconds", "from a read to the writes", labels=["domain"])
    total, buckets = 0, []
    for bound, number in zip((*map(str, LATENCY_BOUNDS), "+Inf"), counts.batches, strict=True):
        total += number
        buckets.append((bound, total))
    histogram.add_metric([domain], buckets, counts.seconds)
    yield histogram


class _Collector:
    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def collect(self) -> Iterable[Any]:
        return metric_families(self._relay)


class MetricsEndpoint:
    """Answers GET /metrics."""

    def __init__(self, relay: Relay, place: str) -> None:
        """Raises MissingDependency."""
        try:
            from prometheus_client import CollectorRegistry, generate_latest
        except ImportError:
            raise MissingDependency("prometheus-client", "--metrics", "metrics") from None
        registry = CollectorRegistry()
        registry.register(_Collector(relay))
        generate: Callable[[Any], bytes] = generate_latest  # it carries no types
        self._text: Callable[[], bytes] = lambda: generate(registry)
        self._place = place
        self._server: asyncio.Server | None = None
        self._file: tuple[Path, tuple[int, int] | None] | None = None

    async def start(self) -> None:
        """Raises BadUrl, AddressInUse, UnsafeDirectory."""
        if self._place.startswith("unix:"):
            path = socket_path(self._place)
            try:
                listening = bind(self._place, 16)
            except OSError as error:
                raise AddressInUse(self._place, error.strerror or str(error)) from None
            self._file = path, identity(path)
            self._server = await asyncio.start_unix_server(self._serve, sock=listening, limit=_REQUEST_LIMIT)
            return
        host, colon, port = self._place.rpartition(":")
        if not colon or host.strip("[]") not in _LOOPBACK or not port.isdecimal() or int(port) > 65_535:
            raise BadUrl(self._place, "no place for metrics", "127.0.0.1:PORT or unix:///absolute/path")
        try:
            self._server = await asyncio.start_server(self._serve, host.strip("[]"), int(port), limit=_REQUEST_LIMIT)
        except OSError as error:
            raise AddressInUse(self._place, os.strerror(error.errno) if error.errno else str(error)) from None

    @property
    def port(self) -> int:
        """The port, where the place named 0; 0 at a Unix socket."""
        sockets = self._server.sockets if self._server is not None and self._file is None else ()
        return int(sockets[0].getsockname()[1]) if sockets else 0

    async def close(self) -> None:
        """Stop answering."""
        if self._server is not None:
            self._server.close()
        if self._file is not None and identity(self._file[0]) == self._file[1]:
            with contextlib.suppress(OSError):
                self._file[0].unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                status, body = b"404 Not Found", b""
                if head.split(b" ")[:2] == [b"GET", b"/metrics"]:
                    status, body = b"200 OK", self._text()
                writer.write(
                    b"HTTP/1.0 " + status + b"\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                    b"Content-Length: " + str(len(body)).encode() + b"\r\nConnection: close\r\n\r\n" + body
                )
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
