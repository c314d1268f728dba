"""Capture to recording through all programs: real processes, real sockets, and every message is there, byte by byte."""

import io
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from libs.types.protocol import RelayDomain, parse_message
from services.feed_replay.app import events, merged, messages
from tests.e2e.conftest import Program, Start, metric, relay, wait_until
from tests.integration.chain import coinbase_trades, kraken_l2, run_chain

pq = pytest.importorskip("pyarrow.parquet", reason="the recorder needs pyarrow")
from services.recorder.rebuild import messages_of  # noqa: E402

STEPS = 150
# The settings of the chain of functions that the programs are compared with.
BUILDER = ("--set", "default_fee_ppm=100", "--set", "slippage_ppm=50", "--clock", "header")
EXECUTION = ("--set", "default_fee_ppm=100", "--clock", "header")

Key = tuple[int, int]


def binance_l2(steps: int) -> bytes:
    """The same market at another venue, a little cheaper now and then."""
    rows = ["exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount"]
    for step in range(steps):
        time = 1_700_000_000_000_000 + step * 1_000 + 300
        low = 9_990 + 15 * (step % 4)
        for side, price in (("bid", low), ("ask", low + 20)):
            rows.append(f"binance,BTCUSDT,{time - 50},{time},true,{side},{price}.25,0.{step % 7 + 1}")
    return "\n".join(rows).encode()


def captures(folder: Path) -> list[Path]:
    contents = {
        "kraken.csv.gz": kraken_l2(STEPS),
        "binance.csv": binance_l2(STEPS),
        "coinbase.csv": coinbase_trades(STEPS),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in contents]


def by_stream(sent: Iterable[bytes]) -> dict[Key, list[bytes]]:
    found: dict[Key, list[bytes]] = defaultdict(list)
    for data in sent:
        message = parse_message(data)
        found[message.relay_domain, message.source].append(data)
    return found


def recorded(folder: Path) -> list[bytes]:
    tables: dict[str, list[Any]] = {}
    for path in sorted(folder.rglob("*.parquet")):
        tables.setdefault(path.relative_to(folder).parts[0], []).append(pq.ParquetFile(path).read())
    return messages_of(tables)


def expected(paths: list[Path]) -> list[bytes]:
    """What the chain of functions sends for these captures."""
    streams = [events(str(path), io.BytesIO(path.read_bytes())) for path in paths]
    return run_chain(list(messages(merged(*streams)))).sent


def run_programs(start: Start, folder: Path, urls: dict[str, str], paths: list[Path], speed: str = "max") -> Program:
    """Everything from the feed to the recorder; returns the recorder, which has ended."""
    relays = [relay(start, domain, urls[domain], "--metrics", f"unix://{folder}/{domain}.metrics") for domain in urls]
    market, signal, execution = (urls[name] for name in ("market_data", "signal", "execution"))
    recorder = start("services.recorder", folder / "recording", "--market", market, "--signal", signal,
                     "--execution", execution, "--linger", "2")  # fmt: skip
    execution_sim = start("services.execution_sim", "--signal", signal, "--execution", execution, *EXECUTION)
    builder = start("services.book_builder", "--market", market, "--signal", signal, *BUILDER)
    for program in (recorder, execution_sim, builder):
        program.wait_for("ready")
    feed = start("services.feed_replay", *paths, "--market", market, "--speed", speed)
    assert feed.process.wait(timeout=90) == 0, feed.text()
    replayed = feed.wait_for("replayed")
    assert replayed["messages"] == replayed["acknowledged"] > 300
    wanted = expected(paths)
    last = sum(domain == RelayDomain.EXECUTION for (domain, _), several in by_stream(wanted).items() for _ in several)
    wait_until(lambda: metric(folder / "execution.metrics", "relay_messages_in_total") >= last)
    for program in (builder, execution_sim, recorder, *relays):
        assert program.end() == 0, program.text()
    assert recorder.wait_for("recorded")["messages"] >= len(wanted), recorder.text()
    return recorder


def test_what_is_recorded_equals_what_was_sent(start: Start, folder: Path) -> None:
    paths = captures(folder)
    urls = {name: f"unix://{folder}/{name}.sock" for name in ("market_data", "signal", "execution")}
    recorder = run_programs(start, folder, urls, paths)
    sent, got = by_stream(expected(paths)), by_stream(recorded(folder / "recording"))
    assert {domain for domain, _ in sent} == set(RelayDomain) - {RelayDomain.SYSTEM}
    assert got == sent
    assert recorder.wait_for("recorded")["lost"] == 0


def test_the_same_on_a_nats_server(start: Start, folder: Path, nats_server: Any) -> None:
    paths = captures(folder)
    urls = {name: f"{nats_server.url}/{name}" for name in ("market_data", "signal", "execution")}
    run_programs(start, folder, urls, paths)
    assert by_stream(recorded(folder / "recording")) == by_stream(expected(paths))
