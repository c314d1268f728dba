"""The services one behind the other, as pure functions: captures in, everything that was sent out.

Owns a small market: three captures in three formats whose prices cross now and then.  Used by the tests of the chain
and of the queries in the docs.
"""

import gzip
import io
import json
from dataclasses import dataclass
from typing import Any

from services.book_builder.app import BookBuilder
from services.book_builder.app import Config as BuilderConfig
from services.execution_sim.app import Config as ExecutionConfig
from services.execution_sim.app import ExecutionSim, FillTLV, OrderRequestTLV, OrderStatusTLV
from services.feed_replay.app import BookDepthTLV, Stamped, events, merged, messages
from services.recorder.app import Config as RecorderConfig
from services.recorder.app import Part, Recorder, decoded_classes

START = 1_700_000_000_000_000
CLASSES = [*decoded_classes(), OrderRequestTLV, OrderStatusTLV, FillTLV, BookDepthTLV]


def kraken_l2(steps: int) -> bytes:
    """Incremental L2: a deep first snapshot, then the best bid and ask move."""
    rows = ["exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount"]

    def row(time: int, snapshot: bool, side: str, price: float, amount: str) -> None:
        rows.append(f"kraken,XBT/USDT,{time - 50},{time},{str(snapshot).lower()},{side},{price},{amount}")

    for level in range(60):
        row(START, True, "bid", 9_999 - level, "0.5")
        row(START, True, "ask", 10_101 + level, "0.25")
    inside: list[tuple[str, float]] = []
    for step in range(1, steps):
        time = START + step * 1_000
        for side, price in inside:
            row(time, False, side, price, "0")
        best = 10_000 + 40 * (step % 3)
        # Now and then the exchange sends a crossed book, and some of its books have no bid in front.
        inside = [("bid", best + (1.5 if step % 11 == 0 else 0.5)), ("ask", best + 0.75)]
        for side, price in inside[step % 5 == 0 :]:
            row(time, False, side, price, f"0.{step % 8 + 1}")
    return gzip.compress("\n".join(rows).encode())


def binance_depth(steps: int) -> bytes:
    """Depth updates around a lower price, with one gap and the snapshot behind it."""
    lines = [{"lastUpdateId": 10, "bids": [["9990.5", "1"]], "asks": [["10010.25", "0.2"], ["10011", "1"]]}]
    number = 10
    for step in range(1, steps):
        number += 1
        if step == steps // 2:
            number += 5
            lines.append({"lastUpdateId": number + 1, "bids": [["9991", "2"]], "asks": [["10009", "0.3"]]})
            number += 1
        asks = [["10010.25", "0" if step % 7 == 0 else "0.2"], ["10020", str(step)]]
        update: dict[str, Any] = {
            "e": "depthUpdate",
            "E": START // 1000 + step,
            "s": "BTCUSDT",
            "U": number,
            "u": number,
        }
        lines.append({**update, "b": [["9990.5", f"0.{step % 9 + 1}"]], "a": asks})
    del lines[3]  # an update that never came
    return "\n".join(map(json.dumps, lines)).encode()


def coinbase_trades(count: int) -> bytes:
    """Trades of the same coin, in dollars."""
    rows = ["exchange,symbol,timestamp,local_timestamp,id,side,price,amount"]
    for number in range(count):
        time, side = START + number * 700, ("buy", "sell", "unknown")[number % 3]
        rows.append(f"coinbase,BTC-USD,{time},{time + 90},t{number},{side},{10_000 + number}.5,0.{number + 1:03}")
    return "\n".join(rows).encode()


def captured(steps: int = 40) -> list[Stamped]:
    """The market data messages of all three captures, in the order of time."""
    return list(
        messages(
            merged(
                events("kraken.csv.gz", io.BytesIO(kraken_l2(steps))),
                events("binance.jsonl", io.BytesIO(binance_depth(steps))),
                events("coinbase.csv", io.BytesIO(coinbase_trades(steps))),
            )
        )
    )


@dataclass(frozen=True)
class Run:
    """What was sent, in order, by whom, and what the recorder made of it."""

    sent: list[bytes]
    parts: list[Part]
    builder: BookBuilder
    execution: ExecutionSim
    recorder: Recorder


def run_chain(market: list[Stamped], *, repeat: int = 1, run: int = 1) -> Run:
    """Every message goes to all who listen, each `repeat` times, as after a reconnect."""
    builder = BookBuilder(BuilderConfig(default_fee_ppm=100, slippage_ppm=50))
    execution = ExecutionSim(ExecutionConfig(default_fee_ppm=100))
    recorder = Recorder(RecorderConfig(max_messages=50), run=run, classes=CLASSES)
    sent: list[bytes] = []
    parts: list[Part] = []

    def record(data: bytes, now_ns: int) -> None:
        sent.append(data)
        for _ in range(repeat):
            recorder.add(data, now_ns)
        if recorder.due(now_ns):
            parts.extend(recorder.take())

    for now_ns, data in market:
        record(data, now_ns)
        for signal in builder.handle(data, now_ns):
            record(signal, now_ns)
            for _ in range(repeat):
                for order in execution.handle(signal, now_ns):
                    record(order, now_ns)
    parts.extend(recorder.take())
    return Run(sent, parts, builder, execution, recorder)
