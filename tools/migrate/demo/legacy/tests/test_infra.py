"""What runs outside of Python's imports: configuration, scripts, the image, the workflow."""

import importlib.util
import json
import logging.config
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from infra import health
from protocol_v2.tlv import parser
from relays import topics

ROOT = Path(__file__).resolve().parents[1]


def test_the_logging_configuration_reaches_the_parser(
    trade_message: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    config = json.loads((ROOT / "infra" / "logging.json").read_text(encoding="utf-8"))
    before = parser.log.level, parser.log.propagate
    try:
        logging.config.dictConfig(config)
        assert parser.log.level == logging.DEBUG
        parser.parse_message(trade_message)
        assert json.loads(capsys.readouterr().out) == {"level": "DEBUG", "message": "message 0: 1 TLVs"}
    finally:
        parser.log.setLevel(before[0])
        parser.log.propagate = before[1]
        parser.log.handlers.clear()


def test_health(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert re.fullmatch(r"pv2-dump \d+\.\d+\.\d+", health.dump_version())
    assert health.installed_sizes() == health.checkout_sizes() == {"TRADE": 40, "QUOTE": 56}


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_replay(tmp_path: Path, trade_message: bytes) -> None:
    capture = tmp_path / "message.hex"
    capture.write_text(trade_message.hex(), encoding="utf-8")
    command = [str(ROOT / "infra" / "replay.sh"), str(capture)]
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "MARKET_DATA #0\n  trade 42 50000.25000000\n"


def test_the_image_copies_what_exists() -> None:
    lines = (ROOT / "relays" / "Dockerfile").read_text(encoding="utf-8").splitlines()
    sources = [line.split()[1] for line in lines if line.startswith("COPY ")]
    assert len(sources) >= 4
    assert [source for source in sources if not (ROOT / source).exists()] == []
    commands = [json.loads(line.partition("CMD ")[2]) for line in lines if "CMD [" in line]
    assert [command[2] for command in commands if importlib.util.find_spec(command[2]) is None] == []


def test_the_workflow_names_what_exists() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    patterns = re.findall(r'^ +- "(.+)"$', text, re.MULTILINE)
    assert len(patterns) >= 5
    assert [pattern for pattern in patterns if not any(ROOT.glob(pattern))] == []
    runs = re.findall(r"run: python -m (\S+)(.*)", text)
    assert [module for module, _ in runs if module != "pip" and importlib.util.find_spec(module) is None] == []
    folders = [word for module, words in runs if module == "pytest" for word in words.split() if "/" in word]
    assert folders
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []


def test_names_on_the_wire_stay() -> None:
    # Other languages read them; the number is what they compare at start.
    names = repr((sorted(topics.TOPICS.items()), topics.TABLE, topics.LINE_PREFIX, topics.SCHEMA_URL, topics.HELLO))
    assert zlib.crc32(names.encode()) == 3775710165
