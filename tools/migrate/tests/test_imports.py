"""Modules of small trees, imported in real interpreters: those that fail, print, hang, kill, and lie."""

from __future__ import annotations

import os
import py_compile
import sys
import time
from collections.abc import Callable
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from tools.migrate.imports import compare_names, import_all, public_names, same_after_rename

PY = sys.executable
OLD_API = """
from __future__ import annotations
import enum, os, time
import old.tlv
from old.tlv import Trade
__all__ = ["parse", "Kind", "tlv"]
LIMIT = 5
NAMES = ("a", b"b", None, 1.5)
STARTED = time.time()
HERE = os.path.dirname(__file__)
MODULE = "old.tlv"
HANDLER = object()
_private = 1
def parse(buf: bytes, kind: Trade = None, *, marker=HANDLER) -> old.tlv.Trade: ...
class Kind(enum.Enum):
    A = 1
class Base(Trade):
    size = 3
    def method(self, other: Base, /) -> int: ...
    @staticmethod
    def make(n: int = 0) -> Base: ...
    @property
    def name(self) -> str: ...
"""


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def rename(name: str) -> str:
    return f"new.place{name[3:]}" if name == "old" or name.startswith("old.") else name


def names_of(root: Path, *modules: str) -> dict[str, dict[str, str]]:
    return public_names(PY, root, ["."], modules)


def pair(tmp_path: Path, api: str = OLD_API, change: Callable[[str], str] = lambda text: text) -> list[str]:
    """Findings between a tree with the package `old` and one where it is `new.place`, with `change` applied."""
    tlv = "class Trade:\n    def __init__(self, price: int = 1): ...\n"
    before = write(tmp_path / "before", {"old/__init__.py": "", "old/api.py": api, "old/tlv.py": tlv})
    moved = change(api.replace("old.tlv", "new.place.tlv"))
    after = write(tmp_path / "after", {"new/place/__init__.py": "", "new/place/api.py": moved, "new/place/tlv.py": tlv})
    found = compare_names(
        names_of(before, "old", "old.api", "old.tlv"),
        names_of(after, "new.place", "new.place.api", "new.place.tlv"),
        rename,
    )
    assert all(f.severity == "error" and f.path.startswith("new.place") for f in found)
    return [f.text for f in found]


def test_what_a_package_loads_before_it_fails_cannot_be_imported_either(tmp_path: Path) -> None:
    """Streamlink without a library: `output.abc` was there, as `output` loads it first, and counted as broken later."""
    fails = "from . import base\nimport nowhere\n"
    files = {"pkg/__init__.py": "", "pkg/out/__init__.py": fails, "pkg/out/base.py": ""}
    errors = import_all(PY, write(tmp_path, files), ["."], ["pkg", "pkg.out", "pkg.out.base"], timeout=30)
    missing = "ModuleNotFoundError: No module named 'nowhere'"
    assert errors == {"pkg": "", "pkg.out": missing, "pkg.out.base": missing}


def test_good_modules_have_no_error_and_leave_nothing(tmp_path: Path) -> None:
    root = write(
        tmp_path, {"src/pkg/__init__.py": "", "src/pkg/a.py": "from . import b", "src/pkg/b.py": "", "c.py": ""}
    )
    before = set(root.rglob("*"))
    assert import_all(PY, root, ["src", "."], ["pkg.a", "pkg.b", "c"], timeout=30) == {
        "pkg.a": "",
        "pkg.b": "",
        "c": "",
    }
    assert set(root.rglob("*")) == before


def test_no_modules_at_all(tmp_path: Path) -> None:
    assert import_all(PY, tmp_path, ["."], [], timeout=30) == {}


def test_failures_are_one_line_each(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "missing.py": "import no_such_thing",
            "syntax.py": "def",
            "leaves.py": "raise SystemExit(4)",
            "stops.py": "raise KeyboardInterrupt",
            "long.py": "raise ValueError('one\\n  two')",
            "mute.py": "class Odd(Exception):\n    def __str__(self): raise TypeError\nraise Odd",
            "fine.py": "",
        },
    )
    found = import_all(
        PY, root, ["."], ["missing", "syntax", "leaves", "stops", "long", "mute", "gone", "fine"], timeout=30
    )
    assert found.pop("syntax").startswith("SyntaxError: ")
    assert found == {
        "missing": "ModuleNotFoundError: No module named 'no_such_thing'",
        "leaves": "SystemExit: 4",
        "stops": "KeyboardInterrupt",
        "long": "ValueError: one two",
        "mute": "Odd",
        "gone": "ModuleNotFoundError: No module named 'gone'",
        "fine": "",
    }


def test_what_the_code_prints_and_reads_is_no_answer(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    noise = (
        'import os, sys\nprint(\'["done", "b", "fake"]\')\nos.write(1, b"x")\nos.system("echo y")\nsys.stdin.read()\n'
    )
    root = write(tmp_path, {"a.py": noise + "sys.stderr.write('z')\nsys.stdout.close()\n", "b.py": ""})
    assert import_all(PY, root, ["."], ["a", "b"], timeout=30) == {"a": "", "b": ""}
    assert capfd.readouterr() == ("", "")


def test_a_module_that_kills_the_interpreter_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "a.py": "",
            "dies.py": "import os; os._exit(3)",
            "b.py": "",
            "crashes.py": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
            "c.py": "import nowhere",
        },
    )
    assert import_all(PY, root, ["."], ["a", "dies", "b", "crashes", "c"], timeout=30) == {
        "a": "",
        "dies": "InterpreterDied: the interpreter ended with exit code 3",
        "b": "",
        "crashes": "InterpreterDied: the interpreter ended with signal SIGSEGV",
        "c": "ModuleNotFoundError: No module named 'nowhere'",
    }


def test_a_child_that_holds_the_pipe_does_not_hide_the_death(tmp_path: Path) -> None:
    root = write(tmp_path, {"forks.py": "import os, time\nif os.fork(): os._exit(3)\ntime.sleep(600)\n", "b.py": ""})
    found = import_all(PY, root, ["."], ["forks", "b"], timeout=None)
    assert "exit code 3" in found["forks"] and found["b"] == ""


def test_a_module_that_hangs_is_named(tmp_path: Path) -> None:
    root = write(tmp_path, {"a.py": "", "hangs.py": "while True: pass", "b.py": ""})
    started = time.monotonic()
    found = import_all(PY, root, ["."], ["a", "hangs", "b"], timeout=1.5)
    assert found == {"a": "", "hangs": "TimeoutExpired: no answer within 1.5 s", "b": ""}
    assert time.monotonic() - started < 20


def test_a_thread_of_the_code_does_not_keep_us(tmp_path: Path) -> None:
    root = write(tmp_path, {"a.py": "import threading, time; threading.Thread(target=time.sleep, args=(600,)).start()"})
    assert import_all(PY, root, ["."], ["a"], timeout=30) == {"a": ""}


def test_an_interpreter_that_is_not_there(tmp_path: Path) -> None:
    found = import_all(str(tmp_path / "python"), tmp_path, ["."], ["a", "b"], timeout=30)
    assert found["a"].startswith("FileNotFoundError: ") and found["a"] == found["b"]


# Byte code


def test_byte_code_of_the_tree_is_neither_read_nor_written_there_and_that_of_the_library_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write(tmp_path / "tree", {"a.py": "import beside, json.tool\nX = 1", "b.py": "import a\nassert a.X == 1"})
    beside = write(tmp_path / "beside", {"beside.py": ""})  # as a package that was installed without byte code
    # What Python would take for the byte code of `a`: it has the size and the time of the source.
    written = write(tmp_path / "other", {"a.py": "import beside, json.tool\nX = 2"}) / "a.py"
    for path in (written, root / "a.py"):
        os.utime(path, (10**9, 10**9))
    py_compile.compile(str(written), cache_from_source(str(root / "a.py")))
    monkeypatch.setenv("PYTHONPATH", str(beside))
    there = sorted(tmp_path.rglob("*"))
    folder = tmp_path / "code"
    for _ in range(2):
        assert import_all(PY, root, ["."], ["a", "b"], timeout=30, bytecode=str(folder)) == {"a": "", "b": ""}
    assert [p for p in sorted(tmp_path.rglob("*")) if folder not in (p, *p.parents)] == there
    assert {p.name.split(".")[0] for p in folder.rglob("*.pyc")} == {"a", "b", "beside"}


# Public names


def test_descriptions(tmp_path: Path) -> None:
    root = write(tmp_path, {"old/__init__.py": "", "old/api.py": OLD_API, "old/tlv.py": "class Trade: ..."})
    names = names_of(root, "old.api")["old.api"]
    assert "_private" not in names and "annotations" not in names
    assert names["__all__"] == "names Kind, parse, tlv"
    assert names["LIMIT"] == "int 5" and names["NAMES"] == "tuple ('a', b'b', None, 1.5)"
    assert names["HERE"] == "str '<root>/old'"
    assert names["STARTED"] == "float (varies)"
    assert names["parse"] == (
        "function old.api.parse (buf: bytes, kind: old.tlv.Trade = None, *, marker=<object object>) -> old.tlv.Trade"
    )
    assert names["Base"] == "class old.api.Base, bases [old.tlv.Trade], called with ()"
    assert names["Base.method"] == "function old.api.Base.method (self, other: old.api.Base, /) -> int"
    assert names["Base.make"] == "staticmethod (n: int = 0) -> old.api.Base"
    assert (names["Base.name"], names["Base.size"]) == ("property", "int 3")
    assert names["Kind.A"] == "member A of old.api.Kind = 1"
    assert names["os"] == "module os"


def test_the_environment_is_no_part_of_a_description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import os, sys\nCACHE = sys.pycache_prefix\nCOUNT = len(os.environ)\n"
        "class Environ:\n    def __init__(self, environ: dict = os.environ, n: int = 1): ...\n"
        "def run(env=dict(os.environ), raw=os.environb): ...\ndef names(known=sorted(os.environ)): ...\n"
    )
    root = write(tmp_path, {"env.py": code})
    monkeypatch.setenv("TEST_OF_NAMES", "one")
    first = names_of(root, "env")["env"]
    monkeypatch.setenv("TEST_OF_NAMES", "two")
    monkeypatch.setenv("ANOTHER_TEST_OF_NAMES", "three")
    assert names_of(root, "env")["env"] == first
    assert first["Environ"].endswith("called with (environ: dict = environ({...}), n: int = 1)")
    assert first["run"] == "function env.run (env={...}, raw=environ({...}))"
    assert (first["CACHE"], first["COUNT"], first["names"]) == ("NoneType None", "int (varies)", "function (varies)")


def test_a_module_that_fails_has_no_names(tmp_path: Path) -> None:
    root = write(tmp_path, {"good.py": "X = 1", "bad.py": "import nowhere", "dies.py": "import os; os._exit(1)"})
    assert public_names(PY, root, ["."], ["dies", "good", "bad"]) == {"good": {"X": "int 1"}}


def test_names_that_misbehave_are_described_all_the_same(tmp_path: Path) -> None:
    meta = "class M(type):\n    @property\n    def __bases__(cls): raise OSError('no')\n"
    code = f"{meta}class A(metaclass=M): ...\n__all__ = ['A', 'B']\n"
    names = names_of(write(tmp_path, {"odd.py": code}), "odd")["odd"]
    assert names["A"].startswith("cannot be described: ") or names["A"].startswith("class odd.A")
    assert names["B"].startswith("cannot be read: AttributeError")


def test_a_pure_move_has_no_difference(tmp_path: Path) -> None:
    api = OLD_API.replace('"tlv"]', "]").replace("import old.tlv\n", "")
    assert pair(tmp_path, api.replace("old.tlv.Trade: ...", "Trade: ...")) == []


def test_unchanged_trees_have_no_difference(tmp_path: Path) -> None:
    root = write(tmp_path, {"old/__init__.py": "", "old/api.py": OLD_API, "old/tlv.py": "class Trade: ..."})
    names = names_of(root, "old", "old.api", "old.tlv")
    assert compare_names(names, names, lambda name: name) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("LIMIT = 5", "LIMIT = 6", "new.place.api.LIMIT is not the same"),
        ("LIMIT = 5", "LIMIT = True", "new.place.api.LIMIT is not the same"),
        ("LIMIT = 5", "", "old.api.LIMIT is gone"),
        ("buf: bytes", "buf: bytearray", "new.place.api.parse is not the same"),
        ("n: int = 0", "n: int = 1", "new.place.api.Base.make is not the same"),
        ("class Base(Trade)", "class Base", "new.place.api.Base is not the same"),
        ('"new.place.tlv"', '"place.tlv"', "new.place.api.MODULE is not the same"),
        ('"parse", ', "", "new.place.api.__all__ lists parse no longer"),
    ],
)
def test_a_real_difference_is_found(old: str, new: str, found: str, tmp_path: Path) -> None:
    api = OLD_API.replace('"tlv"]', "]").replace("import old.tlv\n", "import old.tlv as tlv\n")
    texts = pair(tmp_path, api.replace("-> old.tlv.Trade", "-> Trade"), lambda text: text.replace(old, new))
    assert texts[:1] == [found] or found in texts
    assert all("api" in text for text in texts)


def test_more_names_are_no_loss(tmp_path: Path) -> None:
    api = "__all__ = ['A']\nA = 1\n"
    assert pair(tmp_path, api, lambda _: "__all__ = ['A', 'B']\nA = 1\nB = 2\n") == []


def test_a_module_that_is_gone(tmp_path: Path) -> None:
    found = compare_names({"old.api": {}, "other": {}}, {"other": {}}, rename)
    assert [f.text for f in found] == ["module old.api could be imported before, new.place.api cannot now"]


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("old.T", "new.place.T", True),
        ("(old: int)", "(old: int)", True),
        ("x: Optional[old.a.T] = 'old'", "x: Optional[new.place.a.T] = 'new.place'", True),
        ("<root>/old/data.txt", "<root>/new/place/data.txt", True),
        ("-> old.a.T", "-> a.T", True),
        ("holds.T", "new.place.T", False),
        ("other.T", "another.T", False),
        ("old.T", "new.place.U", False),
        ("f(x)", "f(x, y)", False),
    ],
)
def test_same_after_rename(before: str, after: str, same: bool) -> None:
    assert same_after_rename(before, after, rename) is same
