"""The live table: what endpoints say is read, what is not there is said, and rates are those of the interval."""

import asyncio
import io
from pathlib import Path

import pytest

from infra.topology.__main__ import main
from infra.topology.reader import parse_topology
from infra.topology.watch import COLUMNS, metrics_place, parse_metrics, percentile, table, watch

TEXT = """# HELP relay_messages_in_total messages passed on
relay_messages_in_total{domain="signal"} %d
relay_source_gaps{domain="signal",source="20"} 2.0
relay_source_gaps{domain="signal",source="21"} 1.0
relay_batch_seconds_bucket{domain="signal",le="1e-05"} %d
relay_batch_seconds_bucket{domain="signal",le="0.001"} %d
relay_batch_seconds_bucket{domain="signal",le="+Inf"} %d
relay_subscribers{domain="signal"} 4.0
not a line
relay_lost_total{domain="signal"} many
"""


def test_numbers_are_read_from_the_text() -> None:
    before, now = parse_metrics(TEXT % (100, 1, 1, 1)), parse_metrics(TEXT % (900, 10, 18, 18))
    assert (now["messages_in_total"], now["source_gaps"], now["lost_total"]) == (900, 3, 0)
    assert percentile(before, now, 0.5) == 1e-05 and percentile(before, now, 0.99) == 0.001
    assert percentile(now, now, 0.5) != percentile(now, now, 0.5)  # nothing has passed: no number


def test_lines_have_the_columns_of_the_head() -> None:
    lines = table([["signal", *["1"] * (len(COLUMNS) - 1)], ["market", "no answer"]]).splitlines()
    assert lines[0].split()[0] == "relay" and lines[2].startswith("market  no answer")


def topology(folder: Path, args: str) -> str:
    return (
        f'socket-dir = "{folder}"\n[[relay]]\ndomain = "signal"\nargs = [{args}]\n'
        f'[[relay]]\ndomain = "execution"\nargs = ["--metrics=unix://{folder}/none"]\n'
        '[[relay]]\ndomain = "market_data"\n'
    )


@pytest.mark.parametrize("at_port", [True, False])
async def test_the_table_of_a_deployment(folder: Path, at_port: bool) -> None:
    count = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        await reader.readuntil(b"\r\n\r\n")
        count += 500
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + (TEXT % (count, count, count, count)).encode())
        await writer.drain()
        writer.close()

    if at_port:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    else:
        server, place = await asyncio.start_unix_server(answer, folder / "m"), f"unix://{folder}/m"
    out = io.StringIO()
    async with server:
        described = parse_topology(topology(folder, f'"--metrics", "{place}"'))
        assert metrics_place(described.relays[0]) == place and metrics_place(described.relays[2]) is None
        await watch(described, 0.1, True, out)
    signal, execution, market = out.getvalue().splitlines()[1:]
    assert signal.split()[0] == "signal" and 500 < float(signal.split()[1].replace(",", "")) <= 5_100
    assert signal.split()[4] == "4" and signal.split()[-1] == "<10"
    assert "no answer" in execution and "no --metrics" in market


def test_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "t.toml"
    file.write_text(topology(folder, ""))
    assert main(["watch", str(file), "--once", "--seconds", "0.05"]) == 0
    assert "no --metrics among its args" in capsys.readouterr().out
    assert main(["watch", str(file), "--seconds", "0"]) == 2
    assert main(["watch", str(folder / "none.toml")]) == 2
