"""The services' programs, on the loop of the test: capture in, files out; and what they say when started wrongly."""

import asyncio
import errno
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from infra.errors import ConnectFailed
from infra.program import changed, run_program, until_stopped
from libs.types.protocol import RelayDomain
from services.book_builder.app import Config as BuilderConfig
from services.recorder.app import decoded_classes
from services.recorder.files import write_part
from services.recorder.tables import Part
from tests.integration.chain import coinbase_trades, kraken_l2

pq = pytest.importorskip("pyarrow.parquet", reason="the recorder needs pyarrow")

FEED, BUILDER, EXECUTION, RECORDER = (
    importlib.import_module(f"services.{name}.__main__")
    for name in ("feed_replay", "book_builder", "execution_sim", "recorder")
)
Run = Callable[..., Any]
_DOMAINS = ("market_data", "signal", "execution")


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch) -> Run:
    """launch(module, *arguments) -> (task with the exit code, the event that ends it)"""

    def start(module: ModuleType, *arguments: object) -> "tuple[asyncio.Task[int], asyncio.Event]":
        stop, texts = asyncio.Event(), list(map(str, arguments))
        stage = getattr(module, "STAGE", None)
        if stage is not None:
            return asyncio.create_task(stage.serve(stage.parser().parse_args(texts), stop)), stop
        monkeypatch.setattr(module, "stop_event", lambda: stop)
        return asyncio.create_task(module.serve(module.parser().parse_args(texts))), stop

    return start


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


async def test_from_a_capture_to_files(running: Run, launch: Run, folder: Path) -> None:
    (folder / "k.csv.gz").write_bytes(kraken_l2(60))
    (folder / "c.csv").write_bytes(coinbase_trades(60))
    async with (
        running(RelayDomain.MARKET_DATA) as market,
        running(RelayDomain.SIGNAL) as signal,
        running(RelayDomain.EXECUTION) as execution,
    ):
        topology = folder / "t.toml"
        topology.write_text(
            f'socket-dir = "{folder}"\n'
            + "".join(f'[[relay]]\ndomain = "{n}"\nsocket = "{n}.sock"\n' for n in _DOMAINS)
        )
        recorder, end_recorder = launch(
            RECORDER, folder / "out", "--topology", topology, "--set", "max_messages=20", "--linger", "0.3"
        )
        sim, end_sim = launch(EXECUTION, "--topology", topology)
        builder, end_builder = launch(BUILDER, "--market", market.url, "--signal", signal.url, "--set", "fee_ppm=100:5")
        await until(lambda: len(market.relay.peers) == 2 and len(signal.relay.peers) == 3)
        await asyncio.sleep(0.4)  # the wall clock is asked in between as well
        feed, _ = launch(FEED, folder / "k.csv.gz", folder / "c.csv", "--market", market.url, "--speed", "10x")
        assert await feed == 0
        await until(lambda: signal.relay.counts.messages_in > 0)
        for task, end in ((builder, end_builder), (sim, end_sim), (recorder, end_recorder)):
            end.set()
            assert await task == 0
        sent = sum(here.relay.counts.messages_in for here in (market, signal, execution))
    rows = sum(pq.ParquetFile(path).read().num_rows for path in (folder / "out").rglob("*.parquet"))
    assert rows >= sent > 100 and len(list((folder / "out").rglob("*.parquet"))) >= 4


async def test_a_replay_that_is_stopped(running: Run, launch: Run, folder: Path) -> None:
    (folder / "c.csv").write_bytes(coinbase_trades(60))
    async with running() as market:
        feed, stop = launch(FEED, folder / "c.csv", "--market", market.url, "--speed", "0.0001")
        await until(lambda: market.relay.counts.messages_in > 0)
        stop.set()
        assert await feed == 0 and market.relay.counts.messages_in < 60


async def test_the_bar(running: Run, launch: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rich")
    (folder / "c.csv").write_bytes(coinbase_trades(60))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    async with running() as market:
        feed, _ = launch(FEED, folder / "c.csv", "--market", market.url, "--speed", "max")
        assert await feed == 0
        monkeypatch.setitem(__import__("sys").modules, "rich.console", None)
        feed, _ = launch(FEED, folder / "c.csv", "--market", market.url, "--speed", "max")
        assert await feed == 0


@pytest.mark.parametrize(
    ("module", "arguments", "said"),
    [
        (FEED, ["no-such.csv", "--market", "unix:///tmp/no.sock"], "no-such.csv: No such file or directory"),
        (FEED, ["{bad}", "--market", "{live}"], ":1: header: 'a,b'; expected"),
        (FEED, ["{none}", "--market", "unix:///tmp/no-such-ap/no.sock", "--tries", "0"], "cannot connect"),
        (FEED, ["{bad}", "--market", "unix://{folder}/no.sock", "--speed", "fast"], "'fast' is no speed"),
        (FEED, ["{bad}", "--topology", "no-such.toml"], "no-such.toml: No such file or directory"),
        (FEED, ["{bad}", "--topology", "{empty}"], "setting topology is 'market_data'"),
        (FEED, ["{bad}"], "ALPHAPULSE_TOPOLOGY"),
        (BUILDER, ["--market", "nothing", "--signal", "nothing"], "unknown scheme"),
        (BUILDER, ["--set", "max_capital=no"], "'no' is no whole number"),
        (BUILDER, ["--set", "nothing=1"], "expected NAME=NUMBER"),
        (BUILDER, ["--set", "max_capital=0"], "max_capital is 0"),
        (EXECUTION, ["--signal", "unix://{folder}/no.sock", "--execution", "{live}", "--tries", "0"], "cannot connect"),
        (RECORDER, ["{folder}/r", "--market", "unix://{folder}/no.sock", "--tries", "0"], "cannot connect"),
        (RECORDER, ["{bad}", "--market", "unix://{folder}/no.sock", "--tries", "0"], "bad.csv: File exists"),
        (RECORDER, ["{folder}/r", "--topology", "{empty}"], "setting topology is 'market_data'"),
        (RECORDER, ["{folder}/r", "--market", "{live}", "--layouts", "no.such"], "No module named 'no'"),
        (RECORDER, ["{folder}/r", "--market", "{live}", "--layouts", "json"], "a module that declares TLV classes"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(
    module: ModuleType,
    arguments: list[str],
    said: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    running: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import threading

    monkeypatch.delenv("ALPHAPULSE_TOPOLOGY", raising=False)
    (folder / "bad.csv").write_text("a,b\n1,2\n")
    (folder / "t.toml").write_text("")
    (folder / "none.csv").write_text("")
    places = {"none": folder / "none.csv", "bad": folder / "bad.csv", "empty": folder / "t.toml", "folder": folder,
              "live": f"unix://{folder}/market_data.sock"}  # fmt: skip
    ready, over = threading.Event(), threading.Event()

    async def live() -> None:
        async with running():
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=asyncio.run, args=(live(),))
    thread.start()
    ready.wait(20)
    try:
        assert module.main([argument.format(**places) for argument in arguments]) == 2
    finally:
        over.set()
        thread.join()
    text = capsys.readouterr().err
    said_lines = [line for line in text.splitlines() if not line.startswith("{")]
    assert len(said_lines) == 1 and said in said_lines[0], text


def test_options_are_one_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        FEED.main(["--speeed", "1"])
    assert caught.value.code == 2 and capsys.readouterr().err.count("\n") == 1


def test_layouts_that_the_protocol_does_not_have() -> None:
    names = [cls.__name__ for cls in RECORDER.classes_of(["services.execution_sim.layouts"])]
    assert names[-3:] == ["OrderRequestTLV", "OrderStatusTLV", "FillTLV"]
    assert names[:-3] == [cls.__name__ for cls in decoded_classes()]


def test_settings_that_are_tables() -> None:
    config = changed(BuilderConfig(), ["fee_ppm=100:5", "fee_ppm=101:6", "gas_cost=7"])
    assert dict(config.fee_ppm) == {100: 5, 101: 6} and config.gas_cost == 7


async def test_a_relay_that_goes_away_for_good(running: Run, launch: Run, folder: Path) -> None:
    (folder / "c.csv").write_bytes(coinbase_trades(60))
    async with running() as market, running(RelayDomain.SIGNAL) as signal:
        builder, _ = launch(BUILDER, "--market", market.url, "--signal", signal.url, "--tries", "0")
        await until(lambda: len(market.relay.peers) == 1)
        feed, _ = launch(FEED, folder / "c.csv", "--market", market.url, "--speed", "0.001", "--tries", "0")
        await until(lambda: market.relay.counts.messages_in > 0)
    for task in (builder, feed):
        with pytest.raises(ConnectFailed) as caught:
            await task
        assert caught.value.__notes__ == ["while the program was at work"]


@pytest.mark.parametrize("failures", [1, 100])
async def test_a_full_disk_loses_no_row_without_a_word(
    running: Run, launch: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    failures: int,
) -> None:  # fmt: skip
    """The files that failed were counted as written, and what they held was not kept for the last try."""
    write, left = RECORDER.write_part, [errno.ENOSPC] * failures

    def full(*arguments: Any) -> Path:
        if left:
            raise OSError(left.pop(), "No space left on device")
        return Path(write(*arguments))

    monkeypatch.setattr(RECORDER, "write_part", full)
    (folder / "c.csv").write_bytes(coinbase_trades(60))
    async with running() as market:
        recorder, _ = launch(RECORDER, folder / "out", "--market", market.url, "--set", "max_messages=10")
        await until(lambda: len(market.relay.peers) == 1)
        feed, _ = launch(FEED, folder / "c.csv", "--market", market.url, "--speed", "max")
        assert await feed == 0
        with pytest.raises(OSError, match="No space left"):
            await recorder
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if "{" in line]
    (last,) = [line for line in lines if line["event"] == "recorded"]
    files = sorted((folder / "out").glob("trade/*/*/*.parquet"))
    assert last["rows"] == sum(pq.read_table(file).num_rows for file in files) and last["files"] == len(files)
    assert last["rows"] + last["unwritten"] == last["messages"] and bool(files) == (failures == 1)


def test_a_file_that_cannot_be_written_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(OSError, match="No space left") as caught:
        write_part(folder, Part("trade", "2026-01-31", "KRAKEN", rows=None), 7, 1)
    assert caught.value.filename == str(folder / "trade/date=2026-01-31/venue=KRAKEN/7-000001.parquet")


def test_what_fails_at_work_is_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    async def work() -> None:
        raise ConnectFailed("unix:///x", "gone")

    async def program() -> int:
        await until_stopped(asyncio.Event(), work())
        return 0

    assert run_program("p", program) == 1
    assert capsys.readouterr().err.startswith("p: unix:///x: cannot connect")
