"""The package on every newer Python that is installed beside the one that runs the tests.

What a class body's annotations are has changed (PEP 649, in 3.14), and fields are declared by them.  The Python
implementation is used, because a compiled one fits one version; CI runs all tests on each version.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import libs.types.protocol

ROOT = Path(libs.types.protocol.__file__).parents[len(libs.types.protocol.__name__.split("."))]
VERSIONS = ("3.11", "3.12", "3.13", "3.14", "3.15")

DECLARING = """
from typing import ClassVar
from libs.types.protocol import TLV, I64, U16, U64, OrderLevel, TradeTLV, Vec, field, parse_message, vec
from libs.types.protocol import MessageBuilder, RelayDomain, SourceType

class OwnTLV(TLV, type=230):
    KIND: ClassVar[str] = "own"
    price: I64 = field(unit="1e-8")
    count: U16 = 3
    text: "U64" = 7
    levels: Vec[OrderLevel] = vec(OrderLevel, 2)

class Empty(TLV, type=231):
    pass

assert [each.name for each in OwnTLV.layout().fields] == ["price", "count", "text", "levels"]
assert Empty.SIZE == 0 and OwnTLV.KIND == "own"
builder = MessageBuilder(relay_domain=RelayDomain.SIGNAL, source=SourceType.DASHBOARD, sequence=1, timestamp=2)
own = OwnTLV(price=-5, levels=[(1, 2, 3)])
read = parse_message(builder.add(own).build()).get(OwnTLV)
assert read == own and (read.price, read.count, read.text, read.levels[0].size) == (-5, 3, 7, 2)
"""


def interpreter(version: str) -> str | None:
    """One that runs: in the path, or among those of pyenv, whose own command in the path only chooses."""
    home = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for python in (shutil.which(f"python{version}"), *home.glob(f"versions/{version}.*/bin/python{version}")):
        if python and subprocess.run([python, "--version"], capture_output=True, check=False).returncode == 0:
            return str(python)
    return None


@pytest.mark.parametrize("version", VERSIONS)
def test_declaring_building_and_reading(version: str) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"Python {version} is not installed")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ALPHAPULSE_CODEC": "python", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [python, "-W", "error", "-c", DECLARING], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
