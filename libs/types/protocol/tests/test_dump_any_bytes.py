"""Whatever bytes a capture holds: every byte is accounted for, nothing raises, and memory stays bounded."""

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from libs.types.protocol import MAX_MESSAGE_SIZE, FrameDecoder, SourceType, TradeTLV, encode_batch
from libs.types.protocol.bytemap import rows
from libs.types.protocol.capture import Found, Lost, records
from libs.types.protocol.dump import json_of, map_lines, text_of
from libs.types.protocol.testing import message, messages

ROOT = Path(__file__).resolve().parents[4]
MAGIC = bytes.fromhex("efbeadde")
# Also magics, their beginnings, and headers that announce more than there is.
garbage = st.one_of(
    st.binary(max_size=80),
    st.sampled_from([MAGIC, MAGIC[:1], MAGIC[:3], MAGIC * 5, MAGIC + b"\1\1\2", message()[:31]]),
    st.binary(min_size=28, max_size=28).map(MAGIC.__add__),
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(messages()))
    for _ in range(draw(st.integers(1, 3))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(1, len(data)))])


streams = st.lists(st.one_of(messages(), damaged(), garbage), max_size=6).map(b"".join)


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def seen(record: Found | Lost) -> Any:
    if isinstance(record, Found):
        return record.offset, bytes(record.message)
    return record.offset, record.skipped, record.error, record.data, record.unfinished


@settings(max_examples=200, deadline=None)
@given(streams, st.sampled_from([1, 3, 33, 1000]), st.booleans())
@example(b"", 1, True)
@example(MAGIC, 1, True)
@example(MAGIC * 40, 3, False)
@example(bytes(31) + MAGIC[:1] + b"\0", 1, False)
def test_any_bytes(data: bytes, size: int, verify: bool) -> None:
    place = 0
    found = []
    for record in records(cut(data, size), checksum=verify):
        lines = list(text_of(record, classes={})) + list(text_of(record, classes={}, whole=True))
        assert lines and all("\n" not in line and line.isascii() for line in lines)
        shown = json.loads(json_of(record, classes={}))
        assert shown["offset"] == record.offset == place
        part = record.message.size if isinstance(record, Found) else record.skipped
        assert part > 0
        if isinstance(record, Lost):
            assert data[place:].startswith(record.data) and record.data
        place += part
        found.append(seen(record))
    assert place == len(data), "every byte is in one record"
    assert [seen(record) for record in records([data], checksum=verify)] == found, "whatever the chunks are"
    decoder = FrameDecoder(checksum=verify)
    expected = [bytes(each) for each in [*decoder.feed(data), *decoder.close().messages]]
    assert [each[1] for each in found if len(each) == 2] == expected, "the messages are those of the decoder"


@settings(max_examples=150, deadline=None)
@given(st.one_of(streams, messages(), damaged()))
def test_every_byte_is_in_one_row(data: bytes) -> None:
    place = 0
    for row in rows(data):
        assert row.offset == place and row.size > 0 and row.name
        place += row.size
    assert place == len(data)
    assert list(map_lines(data))


def chunks(kind: str, total: int) -> Iterator[bytes]:
    """`total` bytes that are made as they are asked for."""
    if kind == "messages":
        block = message(b"\x01\x28" + bytes(40)) * 700
    elif kind == "noise":
        block = bytes(range(1, 200)) * 300
    elif kind == "magics":
        block = MAGIC * 12_000
    else:  # headers of large messages that never come whole
        block = (MAGIC + b"\1\1\2\0" + bytes(16) + (MAX_MESSAGE_SIZE - 32).to_bytes(4, "little") + bytes(24)) * 900
    for _ in range(total // len(block)):
        yield block


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["messages", "noise", "magics", "headers"])
def test_memory_is_bounded(kind: str) -> None:
    for _ in records(chunks(kind, 60_000)):
        pass  # what is imported and remembered once is not of the stream
    total = {"messages": 12_000_000, "noise": 12_000_000, "magics": 100_000, "headers": 1_500_000}[kind]
    tracemalloc.start()
    try:
        covered = 0
        for record in records(chunks(kind, total)):
            covered += record.message.size if isinstance(record, Found) else record.skipped
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert covered > total * 0.9
    # Of 48,000 bytes that come at once, every fourth may begin a fault.
    assert peak < (24 if kind == "magics" else 8) * 2**20, peak


@pytest.mark.slow
def test_a_large_file_in_little_memory(tmp_path: Path) -> None:
    """The whole command: 60,000 trades, some of them damaged.

    Linux counts the most that a process had; what `getrusage` says would include what the parent had before the start.
    """
    pytest.importorskip("numpy", reason="makes the file")
    if not Path("/proc/self/status").exists():
        pytest.skip("asks /proc")
    columns = {field.name: [1] * 1000 for field in TradeTLV.layout().fields}
    block = bytearray(
        encode_batch(TradeTLV, columns, relay_domain=1, source=SourceType.KRAKEN_COLLECTOR, sequence=1, timestamp=5)
    )
    block[100] ^= 1
    path = tmp_path / "capture"
    with path.open("wb") as file:
        for _ in range(60):
            file.write(block)
    code = (
        "import sys\nfrom libs.types.protocol.__main__ import main\nmain(['dump', sys.argv[1], '--json'])\n"
        "lines = open('/proc/self/status').read().splitlines()\n"
        "print(next(line.split()[1] for line in lines if line.startswith('VmHWM')), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True, check=True)
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["messages"] == 60 * 999 and last["faults"] == 60
    assert int(done.stderr) < 60_000, "kilobytes, the interpreter included"
