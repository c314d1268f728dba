"""The Kaitai description: fresh, with the declared offsets and sizes, and read by Kaitai's own tools where installed.

The compiler is a program of its own: `npm install kaitai-struct-compiler`, and KAITAI_COMPILER names the folder of that
package; `pip install kaitaistruct` brings what its Python readers need.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from libs.types.protocol import MessageHeader, kaitai
from libs.types.protocol.layout import Layout, RawKind, StructKind, VectorKind
from libs.types.protocol.registry import known_types
from libs.types.protocol.tests.golden_messages import read

FILE = Path(kaitai.__file__).with_name("alphapulse_wire.ksy")
ROOT = Path(__file__).resolve().parents[4]
SIZES = {"u1": 1, "u2": 2, "u4": 4, "u8": 8, "s1": 1, "s2": 2, "s4": 4, "s8": 8}
TEXT = FILE.read_text(encoding="utf-8")
KSY: dict[str, Any] = yaml.safe_load(TEXT)
TYPES: dict[str, Any] = KSY["types"]


def fresh() -> str:
    """Made in a process of its own: here, other tests may have declared types."""
    command = [sys.executable, "-m", "libs.types.protocol.kaitai"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def size_of(entry: dict[str, Any]) -> int:
    """Bytes of one entry of a sequence, if every vector is empty."""
    if "contents" in entry:
        return len(entry["contents"])
    if "repeat" in entry or entry.get("size-eos"):
        return 0
    if "size" in entry:
        return int(eval(str(entry["size"]), {"count": 0}))
    return SIZES[entry["type"]] if entry["type"] in SIZES else sum(map(size_of, TYPES[entry["type"]]["seq"]))


def places(name: str) -> dict[str, tuple[int, int]]:
    """Offset and size of each entry of a type."""
    found, at = {}, 0
    for entry in TYPES[name]["seq"]:
        found[entry["id"]] = at, size_of(entry)
        at += found[entry["id"]][1]
    return found


def layouts() -> list[Layout]:
    cls: Any
    found = [MessageHeader.layout()]
    for info in known_types():
        cls = None if info is None else info.cls
        if cls is not None and kaitai.snake(cls.__name__) in TYPES:
            found.append(cls.layout())
    return found


def test_the_file_is_fresh() -> None:
    assert fresh() == TEXT, "python -m libs.types.protocol.kaitai > libs/types/protocol/alphapulse_wire.ksy"


def test_every_declared_type_is_in_it() -> None:
    cases = next(entry for entry in TYPES["tlv"]["seq"] if entry["id"] == "payload")["type"]["cases"]
    declared = {
        info.number: kaitai.snake(info.cls.__name__)
        for info in known_types()
        if info is not None and info.cls is not None and info.cls.__module__.startswith("libs.types.protocol.tlvs")
    }
    assert cases == declared and len(cases) >= 20
    assert set(cases.values()) <= set(TYPES)


@pytest.mark.parametrize("layout", layouts(), ids=lambda layout: layout.name)
def test_offsets_and_sizes_are_the_declared_ones(layout: Layout) -> None:
    found = places(kaitai.snake(layout.name))
    for field in layout.fields:
        size = field.kind.length if isinstance(field.kind, RawKind) else field.kind.size
        assert found[field.name] == (field.offset, size), field.name
        if isinstance(field.kind, StructKind):
            assert places(kaitai.snake(field.kind.layout.name))
        if isinstance(field.kind, VectorKind):
            entries = {entry["id"]: entry for entry in TYPES[f"vec_{field.kind.capacity}_{element(field.kind)}"]["seq"]}
            assert entries["count"]["valid"]["max"] == field.kind.capacity
            full = eval(entries["unused"]["size"], {"count": field.kind.capacity - 1})
            assert full == field.kind.element.size == size_of({"type": entries["items"]["type"]})
    assert sum(size for _, size in found.values()) == layout.size
    padding = sum(size for name, (_, size) in found.items() if name.startswith("pad_"))
    assert padding == sum(gap.size for gap in layout.padding)


def element(kind: VectorKind) -> str:
    return kaitai.snake(kind.element.layout.name) if isinstance(kind.element, StructKind) else str(kind.element)


def compiled(folder: Path) -> Any:
    """The module that Kaitai's compiler makes of the description."""
    package, node = os.environ.get("KAITAI_COMPILER"), shutil.which("node")
    if package is None or node is None or importlib.util.find_spec("kaitaistruct") is None:
        pytest.skip("needs node, kaitaistruct, and KAITAI_COMPILER: the folder of npm's kaitai-struct-compiler")
    script = (
        "const compiler = require(process.argv[1]);\n"
        "const text = JSON.parse(process.argv[2]);\n"
        "const one = compiler.compile ? compiler : new compiler();\n"
        "one.compile('python', text, null, false).then("
        "files => process.stdout.write(files['alphapulse_wire.py']),"
        "error => { console.error(String(error)); process.exit(1); });"
    )
    done = subprocess.run(
        [node, "-e", script, package, json.dumps(KSY)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    (folder / "alphapulse_wire_reader.py").write_text(done.stdout, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("alphapulse_wire_reader", folder / "alphapulse_wire_reader.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def same(expected: Any, got: Any) -> None:
    """Whether Kaitai's object says what the golden file says."""
    if isinstance(expected, dict):
        for name, value in expected.items():
            same(value, getattr(got, name))
    elif isinstance(expected, list):
        assert got.count == len(expected)
        for one, other in zip(expected, got.items, strict=True):
            same(one, other)
    elif isinstance(expected, int) and hasattr(got, "high"):
        assert expected == (got.high << 64) + got.low
    else:
        assert expected == (int(got) if hasattr(got, "value") else got)


def test_kaitai_reads_the_golden_messages(tmp_path: Path) -> None:
    module = compiled(tmp_path)
    golden = read()
    found = module.AlphapulseWire.from_bytes(b"".join(each.wire for each in golden)).messages
    assert len(found) == len(golden)
    for each, one in zip(golden, found, strict=True):
        same({name: value for name, value in each.header.items()}, one.header)
        for tlv, view in zip(each.tlvs, one.body.tlvs, strict=True):
            assert (view.number, view.first == 255) == (tlv.type, tlv.extended)
            if tlv.fields:
                same(tlv.fields, view.payload)
