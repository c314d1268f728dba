"""Any file: nothing raises, what has no reference stays byte-identical; generated programs compute the same afterwards."""

# ruff: noqa: E501 - before and after stand on one line each

from __future__ import annotations

import pickle
import sys
import types

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools.migrate.tests.scanning import LEGACY, migrate

PATHS = [
    "app/use.py",
    "a.md",
    "a.rst",
    "a.ipynb",
    "a.json",
    "Dockerfile",
    "a.ini",
    ".coveragerc",
    "x.pyx",
    "a.yml",
    ".gitignore",
    "a.bin",
]
PIECES = [
    "wire_v2", "money", "wire_v2.header", "wire-v2", "import ", "from ", ".", "/", "\n", "\r", "\r\n", "\t", "    ", "'", '"', '"""', "f'{", "}",
    "(", ")", "#", ">>> ", "```", "```python\n", "[mypy-", "]", "PYTHONPATH=", "libs/types", ":", "=", "\\", "é", "\f", "{", "|", "-m ",
    "import_module(", "__import__(", "sys.path.insert(0, ", "def f():", "class A:", "lambda x: ", "%s", "*", "COPY ", "\ufeff",
]  # fmt: skip
quick = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


@quick
@given(st.binary(max_size=200), st.sampled_from(PATHS))
def test_any_bytes_stay(data: bytes, path: str) -> None:
    assert migrate({path: data}).files[path] == data


@quick
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join), st.sampled_from(PATHS))
def test_any_text_with_references_never_raises(text: str, path: str) -> None:
    once = migrate({path: text}).files[path]
    assert migrate({path: once}).files[path] == once or "libs/types" in text  # a second run finds nothing to do


@quick
@given(
    st.lists(st.sampled_from([p for p in PIECES if not p.startswith(("wire", "money", "libs"))]), max_size=25).map(
        "".join
    )
)
def test_any_text_without_a_reference_stays(text: str) -> None:
    for path in PATHS:
        assert migrate({path: text}).files[path] == text.encode()


def test_an_old_pickle_of_letters_is_listed() -> None:
    assert migrate({"a.pkl": b"cwire_v2.header\nHeader\n."}).rules("a.pkl") == ["file.binary"]


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps({"a": 1}) + b"wire_v2.header",
        b"\x00wire_v2",
        bytes(range(256)) + b"money",
        b"\xff\xfe wire_v2.header",
        b"\xef\xbb\xbf\xff wire_v2",
    ],
)
def test_binary_files_stay_and_are_listed(data: bytes) -> None:
    for path in ("a.bin", "app/use.py"):
        result = migrate({path: data})
        assert result.files[path] == data and result.rules(path)


# generated programs

IMPORTS = {
    "import wire_v2": [
        "wire_v2.MAGIC",
        "wire_v2.header.Header.size",
        "wire_v2.tlv.Kind.TRADE",
        "wire_v2.checksum(b'a')",
    ],
    "import wire_v2.header": ["wire_v2.header.MAGIC", "wire_v2.VERSION"],
    "import wire_v2 as w": ["w.MAGIC", "w.tlv.types.Kind.TRADE"],
    "import wire_v2.tlv.types as t, money.side as s": ["t.Kind.TRADE", "s.Side.BUY"],
    "from wire_v2 import MAGIC, header as hd": ["MAGIC", "hd.Header.size"],
    "from wire_v2.tlv import types": ["types.Kind.TRADE"],
    "from wire_v2 import *": ["VERSION", "checksum(b'b')"],
    "import money": ["money.SCALE", "money.side.Side.BUY"],
    "from money import side": ["side.Side.BUY"],
    "import os, wire_v2, money": ["wire_v2.VERSION", "money.SCALE", "os.sep"],
}
USES = [
    "OUT.append({0})",
    "def f{1}(a={0}): return a\nOUT.append(f{1}())",
    "OUT.append([{0} for _ in (1, 2)])",
    "OUT.append((lambda: {0})())",
    "class K{1}:\n    v = {0}\n    def m(self): return {0}\nOUT.append((K{1}.v, K{1}().m()))",
    'OUT.append(f"{{{0}}}")',
    "if {0}: OUT.append({0})",
    "for wire_v3 in [{0}]: OUT.append(wire_v3)",
    "def g{1}(wire_v2=1, money=2): return wire_v2, money\nOUT.append((g{1}(money={0}), 'wire_v2'))",
    "def l{1}():\n    {2}\n    return 1\nOUT.append(l{1}())",
    "def h{1}(libs): return libs, {0}\nOUT.append(h{1}(1))",
    "try:\n    OUT.append({0})\nfinally:\n    pass",
    "import importlib; OUT.append(importlib.import_module('wire_v2.header').MAGIC)",
    "OUT.append((lambda wire_v2: wire_v2)({0}))",
]
program = st.lists(
    st.tuples(st.sampled_from(sorted(IMPORTS)), st.integers(0, 3), st.sampled_from(USES)), min_size=1, max_size=5
)


def run(files: dict[str, bytes], source: str) -> object:
    """Execute the program against modules made from `files`, without touching the disk."""
    packages = {p.rpartition("/")[0].replace("/", ".") for p in files if p.endswith("/__init__.py")} | {
        "libs",
        "libs.types",
    }

    class Finder:
        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> object:
            from importlib.machinery import ModuleSpec

            base = name.replace(".", "/")
            text = files.get(f"{base}/__init__.py", files.get(f"{base}.py"))
            if text is None and name not in packages:
                return None
            return ModuleSpec(name, Loader(text or b""), is_package=name in packages)  # type: ignore[arg-type]

    class Loader:
        def __init__(self, text: bytes) -> None:
            self.text = text

        def create_module(self, spec: object) -> None:
            return None

        def exec_module(self, module: types.ModuleType) -> None:
            exec(compile(self.text, module.__name__, "exec"), module.__dict__)

    before = set(sys.modules)
    own = {n: sys.modules.pop(n) for n in list(sys.modules) if n.split(".")[0] in ("libs", "wire_v2", "money")}
    sys.meta_path.insert(0, Finder)  # type: ignore[arg-type]
    names: dict[str, object] = {"OUT": [], "__name__": "app.use"}
    try:
        exec(compile(source, "use.py", "exec"), names)
    finally:
        sys.meta_path.remove(Finder)  # type: ignore[arg-type]
        for name in set(sys.modules) - before:
            if name.split(".")[0] in ("libs", "wire_v2", "money"):
                del sys.modules[name]
        sys.modules.update(own)
    return names["OUT"]


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(program)
def test_generated_programs_compute_the_same(lines: list[tuple[str, int, str]]) -> None:
    text = ""
    for number, (statement, which, use) in enumerate(lines):
        expression = IMPORTS[statement][which % len(IMPORTS[statement])]
        inner = statement if "*" not in statement else "import wire_v2"
        text += f"{statement}\n" + use.format(expression, number, inner) + "\n"
    flat = {p.removeprefix("libs/types/"): c.encode() if isinstance(c, str) else c for p, c in LEGACY.items()}
    result = migrate({"app/use.py": text})
    after = result.files["app/use.py"].decode()
    assert [str(x) for x in run(result.files, after)] == [str(x) for x in run(flat, text)], after  # type: ignore[attr-defined]
