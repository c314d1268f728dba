"""The queries of docs/queries.md run, on a recording of the whole chain, and say what the services counted."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.integration.chain import Run, captured, run_chain

pytest.importorskip("pyarrow", reason="the recorder needs pyarrow")
from services.recorder.files import write_part

DOC = Path(__file__).resolve().parents[2] / "docs" / "queries.md"
BLOCKS = re.findall(r"```(sql|python)\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)
SQL = [text for kind, text in BLOCKS if kind == "sql"]
PYTHON = [text for kind, text in BLOCKS if kind == "python"]


@pytest.fixture(scope="module")
def done() -> Run:
    return run_chain(captured())


@pytest.fixture(scope="module")
def folder(done: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("queries")
    for number, part in enumerate(done.parts):
        write_part(root / "recording", part, 1, number)
    return root


def in_sql(folder: Path, monkeypatch: pytest.MonkeyPatch, query: str) -> list[dict[str, Any]]:
    duckdb = pytest.importorskip("duckdb", reason="the queries need duckdb")
    monkeypatch.chdir(folder)
    with duckdb.connect() as connection:
        answer = connection.execute(query)
        names = [column[0] for column in answer.description]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def in_polars(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> Any:
    pytest.importorskip("polars", reason="the queries need polars")
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    exec(compile(code, str(DOC), "exec"), names)
    return names["result"]


def query(text: str, among: list[str]) -> str:
    (found,) = [each for each in among if text in each]
    return found


def test_there_are_queries_for_both() -> None:
    assert len(SQL) >= 5 and len(PYTHON) >= 3


def test_trades(done: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = in_sql(folder, monkeypatch, query("recording/trade", SQL))
    assert (row["venue"], row["trades"], str(row["date"])) == ("COINBASE", done.builder.counts.trades, "2023-11-14")
    assert 10_000 < row["average_price"] < 10_040
    found = in_polars(folder, monkeypatch, query("recording/trade", PYTHON))
    assert found["trades"].to_list() == [row["trades"]]
    assert found["volume"].to_list() == pytest.approx([row["volume"]])
    assert found["average_price"].to_list() == pytest.approx([row["average_price"]])


def test_books(done: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = in_sql(folder, monkeypatch, query("recording/order_book", SQL))
    assert len(rows) == done.builder.counts.books
    assert sum(row["ask"] < row["bid"] for row in rows) == done.builder.counts.refused
    found = in_polars(folder, monkeypatch, query("recording/order_book", PYTHON))
    assert len(found) == len(rows)
    assert sorted(found["bid"].to_list()) == sorted(round(row["bid"] * 1e8) for row in rows)
    assert found["bid_levels"].max() > 50
    assert found["time"].dt.timestamp("us").min() == 1_700_000_000_000_000


def test_signals_and_orders(done: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = in_sql(folder, monkeypatch, query("recording/arbitrage_signal", SQL))
    assert len(rows) == done.builder.counts.signals
    assert sum(row["orders"] for row in rows) == done.execution.counts.orders > 0
    found = in_polars(folder, monkeypatch, query("recording/arbitrage_signal", PYTHON))
    assert len(found) == len(rows) and found["ask_price"].null_count() == 0


def test_fills(done: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = in_sql(folder, monkeypatch, query("recording/fill", SQL))
    assert sum(row["fills"] for row in rows) == done.execution.counts.fills
    pnl = done.execution.pnl()
    assert sum(row["cash"] for row in rows) == pytest.approx(pnl.cash / 1e8, abs=1e-6)
    assert sum(row["fees"] for row in rows) == pytest.approx(pnl.fees / 1e8, abs=1e-6)


def test_gaps(done: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gaps = query("first_missing", SQL)
    assert in_sql(folder, monkeypatch, gaps) == []
    market = captured()
    holed = run_chain([each for number, each in enumerate(market) if number not in (20, 50)], run=2)
    for number, part in enumerate(holed.parts):
        write_part(tmp_path / "recording", part, 2, number)
    rows = in_sql(tmp_path, monkeypatch, gaps)
    assert sum(row["last_missing"] - row["first_missing"] + 1 for row in rows) == 2
    assert {row["msg_domain"] for row in rows} == {1} and {row["run"] for row in rows} == {2}
