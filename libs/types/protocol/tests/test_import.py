"""What an import costs and brings along, how the implementation is chosen, and the list of public names.

The limit of 30 ms is processor time on a machine on which the imports of `STANDARD` take `YARDSTICK` seconds; it grows
with what they take here, because a slow or busy machine says nothing of the package.  (Imports, because they wait for
memory as the package's does, which other programs slow down more than a loop of additions.)  Each run of the package is
compared with the run of them just before it, and the median of the pairs counts: a machine that turns slow in between
spoils a pair and not the result.  Compiled files are on the disk, as installed packages have them.
"""

import ast
import importlib.util
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import libs.types.protocol
from libs.types.protocol.testing import load_implementation

PACKAGE = Path(libs.types.protocol.__file__).parent
ROOT = PACKAGE.parents[len(libs.types.protocol.__name__.split(".")) - 1]  # from where it is imported
LIMIT, YARDSTICK = 0.030, 0.060
STANDARD = (
    "argparse, asyncio, decimal, email.message, http.client, logging.config, unittest.mock, xml.etree.ElementTree"
)
RUNS = 31
DISTURBING = ("PYTHONDONTWRITEBYTECODE", "COV")  # a coverage run traces the package and not the standard library
UNWANTED = ("numpy", "pyarrow", "hypothesis", "asyncio", "socket", "logging", "subprocess", "threading", "pickle",
            "construct", "ssl", "http", "multiprocessing")  # fmt: skip

MEASURE = """
import json, sys, time
before = set(sys.modules)
start = time.process_time()
import libs.types.protocol
took = time.process_time() - start
print(json.dumps([took, sorted(set(sys.modules) - before), libs.types.protocol.implementation]))
"""
MEASURE_STANDARD = f"""
import json, time
start = time.process_time()
import {STANDARD}
print(json.dumps(time.process_time() - start))
"""


def run(code: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(DISTURBING)}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**inherited, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def measured(code: str = MEASURE, **environment: str) -> Any:
    done = run(code, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_import_is_quick(tmp_path: Path) -> None:
    pairs: list[tuple[float, float]] = []
    for _ in range(1 + RUNS):  # the first run of each compiles
        standard = measured(MEASURE_STANDARD, PYTHONPYCACHEPREFIX=str(tmp_path))
        pairs.append((measured(PYTHONPYCACHEPREFIX=str(tmp_path), ALPHAPULSE_CODEC="auto")[0], standard))
    share = statistics.median(took / (LIMIT * max(1.0, standard / YARDSTICK)) for took, standard in pairs[1:])
    assert share < 1, f"{share:.2f} of the limit; package and standard library, in seconds: {pairs}"


@pytest.mark.parametrize("choice", ["auto", "python"])
def test_an_import_brings_little(choice: str) -> None:
    _, modules, _ = measured(ALPHAPULSE_CODEC=choice)
    assert not {name.partition(".")[0] for name in modules} & set(UNWANTED)


def test_the_implementation_is_the_one_that_was_asked_for(codec: Any) -> None:
    assert measured(ALPHAPULSE_CODEC=codec.implementation)[2] == codec.implementation
    assert codec.Message.__module__.rpartition(".")[2] == ("_codec_c" if codec.implementation == "c" else "messages")
    assert load_implementation(codec.implementation) is codec


def test_auto_takes_the_compiled_one_where_it_was_built() -> None:
    built = importlib.util.find_spec("libs.types.protocol._codec_c") is not None
    for settings in ({"ALPHAPULSE_CODEC": "auto"}, {"ALPHAPULSE_CODEC": ""}):
        assert measured(**settings)[2] == ("c" if built else "python")


def test_a_compiled_codec_that_is_missing_is_no_small_matter() -> None:
    hidden = "import sys; sys.modules['libs.types.protocol._codec_c'] = None\nimport libs.types.protocol"
    done = run(hidden, ALPHAPULSE_CODEC="c")
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode != 0 and last.startswith("ImportError: ALPHAPULSE_CODEC=c asks for the compiled codec")
    assert "unset the variable" in last
    assert run(hidden, ALPHAPULSE_CODEC="auto").returncode == 0


def test_a_choice_that_does_not_exist_is_named() -> None:
    done = run("import libs.types.protocol", ALPHAPULSE_CODEC="rust")
    assert done.returncode != 0 and "ALPHAPULSE_CODEC='rust' names no implementation" in done.stderr


def test_public_names(codec: Any) -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    imported = [alias.asname or alias.name for node in imports for alias in node.names]
    assert sorted(codec.__all__) == sorted(imported)
    assert len(set(codec.__all__)) == len(codec.__all__)
    assert list(codec.__all__) == sorted(codec.__all__, key=ruff_order)
    for name in codec.__all__:
        assert getattr(codec, name) is not None
    namespace: dict[str, Any] = {}
    exec(f"from {libs.types.protocol.__name__} import *", namespace)
    assert set(namespace) - {"__builtins__"} == set(libs.types.protocol.__all__)


def ruff_order(name: str) -> tuple[Any, ...]:
    """Constants, classes, functions; numbers inside of a name by their value."""
    kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
    digits = "".join(each if each.isdigit() else " " for each in name).split()
    return (kind, name.rstrip("0123456789"), [int(each) for each in digits])


def test_every_public_class_and_function_is_described(codec: Any) -> None:
    for name in codec.__all__:
        value = getattr(codec, name)
        if callable(value) and getattr(value, "__module__", "").startswith(codec.__name__):
            assert value.__doc__, name
