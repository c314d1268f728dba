"""A whole deployment by one command: `up` starts everything in order, `watch` shows it, SIGTERM ends it well."""

import subprocess
import sys
from pathlib import Path

from tests.e2e.conftest import ROOT, Start, metric, wait_until
from tests.e2e.test_chain import BUILDER, EXECUTION, by_stream, captures, expected, recorded

FILE = """
socket-dir = "{folder}"
ready-timeout = 60.0
stop-timeout = 30.0

[[relay]]
domain = "market_data"
args = ["--metrics", "unix://{folder}/market_data.metrics"]

[[relay]]
domain = "signal"
args = ["--metrics", "unix://{folder}/signal.metrics"]

[[relay]]
domain = "execution"
args = ["--metrics", "unix://{folder}/execution.metrics", "--audit", "{folder}/audit.jsonl"]

[[service]]
name = "recorder"
module = "services.recorder"
args = ["{folder}/recording", "--linger", "2"]
needs = ["market_data", "signal", "execution"]
ready = "announced"

[[service]]
name = "execution_sim"
module = "services.execution_sim"
args = {execution}
needs = ["recorder"]
ready = "announced"

[[service]]
name = "book_builder"
module = "services.book_builder"
args = {builder}
needs = ["execution_sim"]
ready = "announced"

[[service]]
name = "feed"
module = "services.feed_replay"
args = {feed}
needs = ["book_builder"]
restart = "never"
"""


def test_a_deployment(start: Start, folder: Path) -> None:
    paths = captures(folder)
    file = folder / "deployment.toml"

    def words(given: object) -> str:
        return str([str(word) for word in given]).replace("'", '"')  # type: ignore[attr-defined]

    file.write_text(
        FILE.format(
            folder=folder, execution=words(EXECUTION), builder=words(BUILDER), feed=words([*paths, "--speed", "max"])
        )
    )
    up = start("infra.topology", "up", file)
    assert up.wait_for("ended", node="feed")["code"] == 0
    sent = by_stream(expected(paths))
    orders = sum(len(several) for (domain, _), several in sent.items() if domain == 3)
    wait_until(lambda: metric(folder / "execution.metrics", "relay_messages_in_total") >= orders)
    shown = subprocess.run(
        [sys.executable, "-m", "infra.topology", "watch", str(file), "--once", "--seconds", "0.2"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    assert [line.split()[0] for line in shown.splitlines()] == ["relay", "market_data", "signal", "execution"]
    assert "no answer" not in shown
    assert up.end() == 0, up.text()
    assert by_stream(recorded(folder / "recording")) == sent
    assert len((folder / "audit.jsonl").read_text().splitlines()) == orders
