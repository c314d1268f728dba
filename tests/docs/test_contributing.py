"""CONTRIBUTING, done: a TLV, a kind of reference, an operation, a transport, each added to a scratch copy step by step.

The copy is of the files that git knows, so nothing here can touch the checkout.  The tests that run in the copy are its
own: they are the ones that a contributor would have to satisfy.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("conftest.py", "pyproject.toml", "docs", "libs", "infra", "services", "tools/migrate")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A scratch copy, with the Python implementation of the codec."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *PARTS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    target = tmp_path / "copy"
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)
    return target


def run(copy: Path, *words: str, codes: tuple[int, ...] = (0,)) -> str:
    """A Python module or program in the copy, which comes before what is installed."""
    unwanted = ("PYTEST_", "COV_", "GIT_", "ALPHAPULSE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    environment = {**kept, "PYTHONPATH": str(copy), "ALPHAPULSE_CODEC": "python", "PYTHONDONTWRITEBYTECODE": "1"}
    line = [sys.executable, *words]
    done = subprocess.run(line, cwd=copy, env=environment, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode in codes, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def passing(copy: Path, *words: str) -> str:
    return run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *words)


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path.name} has {text.count(old)} times {old!r}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def add(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def test_a_tlv(copy: Path) -> None:
    protocol = copy / "libs/types/protocol"
    # 1. Declared, and a public name.
    add(
        protocol / "tlvs.py",
        "\n\nclass VolumeUpdateTLV(TLV, type=TLVType.VOLUME_UPDATE):\n"
        '    """What was traded in an interval."""\n\n'
        '    volume: I64 = field(unit="1e-8")\n    seconds: U16\n    asset_id: U64\n    side: U8 = 0\n',
    )
    change(
        protocol / "__init__.py",
        "    TraceContextTLV,\n    TradeTLV,\n",
        "    TraceContextTLV,\n    TradeTLV,\n    VolumeUpdateTLV,\n",
    )
    change(protocol / "__init__.py", '    "VenueId",\n', '    "VenueId",\n    "VolumeUpdateTLV",\n')
    # 2. Its offsets by hand, and its state.
    layouts = protocol / "tests/test_layouts.py"
    change(
        layouts,
        '    ("HeartbeatTLV", 100,',
        '    ("VolumeUpdateTLV", 9, 32, "volume 0 i64, seconds 8 u16, asset_id 16 u64, side 24 u8"),\n'
        '    ("HeartbeatTLV", 100,',
    )
    change(layouts, "9 opaque, 10 decoded", "9 decoded, 10 decoded")
    # 3. The pages that are made.
    page = run(copy, "-m", "libs.types.protocol.document")
    (copy / "docs/wire-format.md").write_text(page, encoding="utf-8")
    (protocol / "alphapulse_wire.ksy").write_text(run(copy, "-m", "libs.types.protocol.kaitai"), encoding="utf-8")
    passed = passing(
        copy,
        *(f"libs/types/protocol/tests/test_{name}.py" for name in ("layouts", "document", "kaitai")),
        "libs/types/protocol/tests/test_import.py::test_public_names",
        "-k",
        "not readme",
    )
    assert " passed" in passed and "failed" not in passed
    assert "## 9 VolumeUpdateTLV" in page
    # Everything else knows it from the declaration.
    assert "VolumeUpdateTLV, 32 bytes" in run(copy, "-m", "libs.types.protocol", "map", "9")
    run(
        copy,
        "-c",
        "from hypothesis import given\n"
        "from libs.types.protocol import MessageBuilder, VolumeUpdateTLV, decode_batch, parse_message\n"
        "from libs.types.protocol.testing import strategy\n"
        "@given(strategy(VolumeUpdateTLV))\n"
        "def there_and_back(tlv):\n"
        "    data = MessageBuilder(relay_domain=1, source=2, sequence=1).add(tlv).build()\n"
        "    assert parse_message(data).get(VolumeUpdateTLV) == tlv\n"
        "    assert decode_batch(data, VolumeUpdateTLV)['volume'][0] == tlv.volume\n"
        "there_and_back()\n",
    )


KIND = '''
[[change]]
name = "a loader of our own"
run = false
before = """
from loaders import load_plugin_module

load_plugin_module("shop")
"""
after = """
from loaders import load_plugin_module

load_plugin_module("acme.store")
"""
'''


def test_a_kind_of_reference(copy: Path) -> None:
    kinds = copy / "tools/migrate/tests/kinds/strings-import.toml"
    # 1. The case first; it fails, because nobody knows the call.
    add(kinds, KIND)
    select = ("tools/migrate/tests/test_kinds.py", "-k", "answer and own and loader")
    run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *select, codes=(1,))
    # 2. A call that takes a module's name is one word in a set.
    change(
        copy / "tools/migrate/scan/calls.py",
        "    import_module __import__ find_spec",
        "    load_plugin_module import_module __import__ find_spec",
    )
    assert "1 passed" in passing(copy, *select)
    # The page of all kinds is made anew.
    page = run(copy, "-m", "tools.migrate.tests.kindpage")
    assert page != (copy / "docs/reference-kinds.md").read_text(encoding="utf-8")


OPERATION = '''

@dataclass(frozen=True, slots=True)
class SetMode:
    """The executable bit of a file."""

    stage: int
    path: str
    before: bool
    after: bool

    def describe(self) -> str:
        return f"make {self.path} {'executable' if self.after else 'plain'}"

    def touches(self) -> tuple[str, ...]:
        return (self.path,)

    def apply(self, place: Workplace) -> None:
        (place.root / self.path).chmod(0o755 if self.after else 0o644)

    def revert(self, place: Workplace) -> None:
        (place.root / self.path).chmod(0o755 if self.before else 0o644)

    def as_dict(self) -> dict[str, Any]:
        return {"do": "mode", "stage": self.stage, "path": self.path, "before": self.before, "after": self.after}
'''
OPERATION_TEST = '''"""The new operation: there and back, twice, and through the saved plan."""

import json
import os
import types

from tools.migrate.operations import SetMode, from_dict


def test_set_mode(tmp_path):
    (tmp_path / "run.sh").write_text("true")
    (tmp_path / "run.sh").chmod(0o644)
    place = types.SimpleNamespace(root=tmp_path)
    operation = from_dict(json.loads(json.dumps(SetMode(3, "run.sh", False, True).as_dict())))
    assert operation == SetMode(3, "run.sh", False, True) and operation.touches() == ("run.sh",)
    for step, executable in [(operation.apply, True)] * 2 + [(operation.revert, False)] * 2:
        step(place)
        assert os.access(tmp_path / "run.sh", os.X_OK) == executable
'''


def test_an_operation(copy: Path) -> None:
    operations = copy / "tools/migrate/operations.py"
    change(operations, "\n\ndef from_dict(", OPERATION + "\n\ndef from_dict(")
    change(
        operations,
        '        case "set-aside":\n',
        '        case "mode":\n            return SetMode(data["stage"], data["path"], data["before"], data["after"])\n'
        '        case "set-aside":\n',
    )
    (copy / "tools/migrate/tests/test_set_mode.py").write_text(OPERATION_TEST, encoding="utf-8")
    assert "1 passed" in passing(copy, "tools/migrate/tests/test_set_mode.py")


TRANSPORT = '''"""A transport that says its name: the memory one under another scheme."""

from .base import Listener, Transport, TransportSettings
from .memory import connect as memory_connect
from .memory import listen as memory_listen


async def connect(url: str, settings: TransportSettings) -> Transport:
    return await memory_connect(url.replace("echo://", "memory://echo-"), settings)


async def listen(url: str, settings: TransportSettings) -> Listener:
    return await memory_listen(url.replace("echo://", "memory://echo-"), settings)
'''


def test_a_transport(copy: Path) -> None:
    # 1. A module, and its scheme in the table.
    (copy / "infra/transport/echo.py").write_text(TRANSPORT, encoding="utf-8")
    urls = copy / "infra/transport/urls.py"
    change(urls, '_CONNECT = {"unix"', '_CONNECT = {"echo": "infra.transport.echo", "unix"')
    # 3. The contract's tests on it as well.
    contract = copy / "infra/tests/test_contract.py"
    change(contract, '@pytest.fixture(params=["unix", "memory"])', '@pytest.fixture(params=["unix", "memory", "echo"])')
    change(contract, 'else "memory://test"', 'else f"{request.param}://test"')
    passed = passing(copy, "infra/tests/test_contract.py", "-k", "echo and (order or batch or deliver)")
    assert " passed" in passed and "failed" not in passed
