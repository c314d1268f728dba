"""`python -m libs.types.protocol dump`: what it says of good and bad bytes, and how it takes its input.

The golden messages are written out by hand; that no bytes at all break it is in `test_dump_any_bytes`.
"""

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from libs.types.protocol import __main__ as command
from libs.types.protocol.testing import frame, message, sign
from libs.types.protocol.tests.golden_messages import Golden, read

GOLDEN = read()
ROOT = Path(__file__).resolve().parents[4]
TRADE = next(each.wire for each in GOLDEN if each.name == "coin-trade")
BOOK = next(each.wire for each in GOLDEN if each.name == "small-book")


def run(*words: str | Path, data: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    """The command as a user runs it."""
    line = [sys.executable, "-m", "libs.types.protocol", *map(str, words)]
    return subprocess.run(line, cwd=ROOT, input=data, capture_output=True, check=False)


def dumped(capsys: Any, path: Path, data: bytes, *options: str) -> tuple[int, str]:
    """Exit code and output, in this process."""
    path.write_bytes(data)
    code = command.main(["dump", str(path), *options])
    out, err = capsys.readouterr()
    return code, out + err


def documents(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.hex() if isinstance(value, bytes) else value


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden.name)
def test_json_says_what_the_golden_file_says(golden: Golden, capsys: Any, tmp_path: Path) -> None:
    code, text = dumped(capsys, tmp_path / "capture", golden.wire, "--json")
    (found, end) = documents(text)
    assert code == 0 and end["messages"] == 1 and end["bytes"] == len(golden.wire) and end["faults"] == 0
    assert {name: found["header"][name] for name in golden.header} == golden.header
    for tlv, expected in zip(found["tlvs"], golden.tlvs, strict=True):
        assert (tlv["type"], tlv["extended"]) == (expected.type, expected.extended)
        if expected.fields:
            shown = {name: value for name, value in tlv["fields"].items() if name in expected.fields}
            assert shown == plain(expected.fields)


def test_lines_name_what_is_there(capsys: Any, tmp_path: Path) -> None:
    code, text = dumped(capsys, tmp_path / "capture", TRADE + BOOK)
    lines = text.splitlines()
    assert code == 0 and lines[-1] == f"2 messages in {len(TRADE + BOOK)} bytes; 0 faults, 0 bytes skipped"
    assert lines[0].startswith("@0  74 bytes  MARKET_DATA  ")
    assert lines[1].startswith("  +34 TRADE (1): ") and "price 4512350000000 (45123.5)" in lines[1]
    assert lines[2].startswith("@74  2493 bytes  MARKET_DATA  ")
    assert "bids.count " in lines[3] and "bids[0] = (price " in lines[3] and "padding" not in text


def test_a_map_has_every_byte_of_a_message(capsys: Any, tmp_path: Path) -> None:
    _, text = dumped(capsys, tmp_path / "capture", TRADE, "--map")
    rows = [line.split() for line in text.splitlines() if re.match(r" +\d+ +\d+  ", line)]
    spans = [(int(row[0]), int(row[1])) for row in rows]
    assert sum(size for _, size in spans) == len(TRADE)
    assert [offset for offset, _ in spans] == [sum(size for _, size in spans[:at]) for at in range(len(spans))]
    assert "asset_id" in text and "01 28" in text and "padding" in text


def changed(data: bytes, at: int, new: bytes, *, signed: bool = True) -> bytes:
    made = data[:at] + new + data[at + len(new) :]
    return sign(made) if signed else made


WRONG: dict[str, tuple[bytes, int, int]] = {
    "ChecksumMismatch": (changed(TRADE, 28, bytes(4), signed=False), 28, 4),
    "UnsupportedVersion": (changed(TRADE, 5, b"\x02"), 5, 1),
    "InvalidRelayDomain": (changed(TRADE, 4, b"\x09"), 4, 1),
    "UnknownSource": (changed(TRADE, 6, b"\xf0"), 6, 1),
    "MessageTooLarge": (changed(TRADE, 24, b"\xff\xff\xff\x7f", signed=False), 24, 4),
    "TruncatedTLV": (changed(TRADE, 33, b"\x29"), 32, 2),
    "InvalidExtendedTLV": (changed(BOOK, 33, b"\x01"), 33, 1),
    "PayloadSizeMismatch": (message(frame(1, bytes(41))), 33, 1),
    "InvalidPayload": (changed(BOOK, 37 + 40, b"\x33"), 77, 2),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_bytes_are_marked(name: str, capsys: Any, tmp_path: Path) -> None:
    data, at, size = WRONG[name]
    code, text = dumped(capsys, tmp_path / "capture", TRADE + data + TRADE, "--json")
    fault = documents(text)[1]
    assert code == 1 and fault["error"] == name and fault["offset"] == 74
    assert fault["wrong"] == {"offset": at, "size": size} and fault["bytes"].startswith(data[:32].hex())
    code, text = dumped(capsys, tmp_path / "capture", TRADE + data + TRADE)
    lines = text.splitlines()
    (row,) = [line for line in lines if line.startswith(">")]
    mark = lines[lines.index(row) + 1]
    first, last = mark.index("^"), mark.rindex("^") + 1
    assert row[first:last] == data[at : at + size].hex(" "), "the carets stand under the wrong bytes"
    assert fault["text"] in mark and len(lines) < 60
    assert text.count("  MARKET_DATA  ") == 2, "the messages around it are shown"


def test_a_wrong_extended_size_is_marked_in_both_bytes(capsys: Any, tmp_path: Path) -> None:
    _, text = dumped(capsys, tmp_path / "capture", message(frame(1, bytes(300))), "--json")
    assert documents(text)[0]["wrong"] == {"offset": 35, "size": 2}


def test_far_from_the_beginning_only_what_is_near_is_shown(capsys: Any, tmp_path: Path) -> None:
    data = message(frame(250, b"abc") * 500 + frame(1, bytes(41)) + frame(250, b"abc") * 500)
    _, text = dumped(capsys, tmp_path / "capture", data)
    lines = text.splitlines()
    assert len(lines) < 60 and text.count("rows left out") == 2
    assert next(line for line in lines if line.startswith(">")).split()[1] == str(32 + 500 * 5)
    _, text = dumped(capsys, tmp_path / "capture", data, "--map")
    assert len(text.splitlines()) > 2000 and "rows left out" not in text


def test_garbage_costs_no_message(capsys: Any, tmp_path: Path) -> None:
    garbage = bytes(range(200)) * 1000
    code, text = dumped(capsys, tmp_path / "capture", garbage + TRADE + b"\xef\xbe" + TRADE + TRADE[:50], "--json")
    found = documents(text)
    assert code == 1
    assert [(each["kind"], each.get("offset"), each.get("skipped")) for each in found] == [
        ("fault", 0, 200_000),
        ("message", 200_000, None),
        ("fault", 200_074, 2),
        ("message", 200_076, None),
        ("fault", 200_150, 50),
        ("end", None, 200_002 + 50),
    ]
    assert found[4]["unfinished"] and found[4]["error"] == "MessageTooSmall"
    assert found[4]["wrong"] == {"offset": 24, "size": 4}
    _, text = dumped(capsys, tmp_path / "capture", garbage)
    assert "and 199936 bytes more" in text and "no message" in text


def test_checksums_may_be_left_aside_and_sizes_limited(capsys: Any, tmp_path: Path) -> None:
    damaged = changed(TRADE, 44, b"\xff", signed=False)
    assert dumped(capsys, tmp_path / "capture", damaged)[0] == 1
    assert dumped(capsys, tmp_path / "capture", damaged, "--no-checksum")[0] == 0
    code, text = dumped(capsys, tmp_path / "capture", BOOK, "--limit", "2000")
    assert code == 1 and "is above the limit of 2000" in text
    code, text = dumped(capsys, tmp_path / "capture", BOOK, "--limit", "3")
    assert (code, text) == (2, f"limit is 3, must be 32 to {2**32 + 31}\n")


def columns(data: bytes, width: int = 16) -> list[bytes]:
    return [data[at : at + width] for at in range(0, len(data), width)]


TEXTS = {
    "digits": TRADE.hex(),
    "pairs and lines": "\r\n".join(part.hex(" ") for part in columns(TRADE)),
    "python": ", ".join(f"0x{each:02x}" for each in TRADE),
    "escapes": "".join(f"\\x{each:02X}" for each in TRADE),
    "colons and remarks": "# a trade, # twice\n" + "\n".join(part.hex(":") + " # zz" for part in columns(TRADE, 5)),
    "xxd": "\n".join(
        f"{16 * at:08x}: {part.hex(' ', 2):<39}  {'#' * len(part)}" for at, part in enumerate(columns(TRADE))
    ),
    "hexdump -C": "\n".join(
        f"{16 * at:08x}  {part[:8].hex(' '):<23}  {part[8:].hex(' '):<23}  |{'.' * len(part)}|"
        for at, part in enumerate(columns(TRADE))
    ) + f"\n{len(TRADE):08x}\n",
}  # fmt: skip


@pytest.mark.parametrize("shape", TEXTS)
def test_hex_digits_in_any_usual_form(shape: str, capsys: Any, tmp_path: Path) -> None:
    code, text = dumped(capsys, tmp_path / "capture", TEXTS[shape].encode(), "--hex", "--json")
    assert code == 0, text
    assert documents(text)[0]["tlvs"][0]["fields"]["price"] == 4_512_350_000_000


def test_hex_that_is_none_says_where(capsys: Any, tmp_path: Path) -> None:
    path = tmp_path / "capture"
    code, text = dumped(capsys, path, b"efbe\nadxx\n", "--hex")
    assert code == 2 and f"{path}:2: 'x' is no hex digit at offset 2" in text
    code, text = dumped(capsys, path, b"efb", "--hex")
    assert code == 2 and "'b' is half of a byte" in text
    code, text = dumped(capsys, path, b"00000000  ef be ad de  |....|\n*\n", "--hex")
    assert code == 2 and "hexdump -Cv" in text
    assert dumped(capsys, path, TRADE.hex().encode() * 2000, "--hex")[1].startswith("@0  74 bytes"), "one long line"


def test_from_the_standard_input_to_a_reader_that_stops(tmp_path: Path) -> None:
    done = run("dump", "-", data=TRADE * 3)
    assert done.returncode == 0 and done.stdout.count(b"TRADE (1)") == 3 and not done.stderr
    (tmp_path / "capture").write_bytes(TRADE * 20_000)
    script = f"'{sys.executable}' -m libs.types.protocol dump '{tmp_path / 'capture'}' | head -n 2"
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, check=False)
    assert len(done.stdout.splitlines()) == 2 and not done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dump", "no/such/file"], "no/such/file: No such file or directory"),
        (["dump", "libs"], "libs: Is a directory"),
        (["dump", "-", "--limit", "x"], "invalid int value: 'x'"),
        (["dump", "-", "--with", "no_such_module"], "--with no_such_module: cannot be imported: ModuleNotFoundError"),
        (["dump", "-", "--with", "json"], "--with json: declares no TLV class"),
        (["map", "teapot"], "no struct is declared for 'teapot'; there are header, 1 Trade,"),
        ([], "the following arguments are required"),
    ],
)
def test_what_cannot_be_used_is_one_line(words: list[str], said: str) -> None:
    done = run(*words)
    last = done.stderr.decode().strip().splitlines()[-1]
    assert done.returncode == 2 and said in last and b"Traceback" not in done.stderr and not done.stdout


def test_types_of_your_own(tmp_path: Path) -> None:
    level = (5).to_bytes(2, "little") + bytes(6)
    data = message(frame(205, bytes(24))) + message(frame(205, level))
    unknown = run("dump", "-", data=data)
    assert b"+34 type 205: 24 bytes 00 00" in unknown.stdout
    known = run("dump", "-", "--with", "services.feed_replay.books", data=data)
    assert known.returncode == 0 and b"BookDepthTLV (205)" in known.stdout
    shown = run("map", "bookdepth", "--with", "services.feed_replay.books")
    assert shown.returncode == 0 and b"bid_levels" in shown.stdout


def test_maps_of_types(capsys: Any) -> None:
    for words in ("1", "trade", "TradeTLV"):
        assert command.main(["map", words]) == 0
        assert "TradeTLV, 40 bytes" in capsys.readouterr().out
    assert command.main(["map", "header"]) == 0
    assert "payload_size" in capsys.readouterr().out


def test_closed_streams_are_said(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert command.main(["dump", "-"]) == 2
    assert "the standard input or output is closed" in capsys.readouterr().err


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with full.open("wb") as target:
        line = [sys.executable, "-m", "libs.types.protocol", "dump", "-"]
        done = subprocess.run(line, cwd=ROOT, input=TRADE, stdout=target, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2 and done.stderr.decode().splitlines() == ["dump: No space left on device"]


def test_it_can_be_read_from_other_programs() -> None:
    """The parts are modules: records in, lines out, without the command."""
    from libs.types.protocol.capture import Found, Lost, records
    from libs.types.protocol.dump import text_of

    found = list(records(iter(lambda: stream.read(7), b""))) if (stream := io.BytesIO(b"noise" + TRADE)) else []
    assert [type(each) for each in found] == [Lost, Found]
    assert next(text_of(found[0], classes={})).startswith("@0  5 bytes bad: InvalidMagic")
