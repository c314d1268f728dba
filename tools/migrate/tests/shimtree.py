"""A small checkout after stage 3, and the ways to ask a real interpreter about its shims, for the tests of shims.

`build` writes it: the package and the module stand at their new names, a shim at each old one.  `script` runs code in
a process of its own, `failures` a set of probes on any Python.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from tools.migrate.shims import shim_text

VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14", "3.15")

PACKAGE: dict[str, Any] = {
    "is_package": True,
    "routes": {},
    "public": (),
    "pending": (),
    "depth": 1,
    "remove_by": date(2027, 3, 31),
    "remove_in": None,
    "owner": "platform team",
    "plan": "unify-types",
}
MODULE: dict[str, Any] = {**PACKAGE, "is_package": False}
NEW = "libs/types/protocol"

FILES = {
    f"{NEW}/__init__.py": """\
        from .header import Header
        from .checksum import checksum  # the function hides its module, as in many packages
        from . import _impl
        del _impl
        MAGIC = 0xDEADBEEF
        _RAW = b"raw"
        REGISTRY = {}
        __all__ = ["MAGIC", "Header", "checksum"]
        """,
    f"{NEW}/header.py": """\
        class Header:
            def __init__(self, n=1): self.n = n
            def __eq__(self, other): return isinstance(other, Header) and self.n == other.n
        def size(): return 8
        """,
    f"{NEW}/checksum.py": "POLY = 7\ndef checksum(data): return sum(data)\n",
    f"{NEW}/_impl.py": "FAST = True\n",
    f"{NEW}/tlv/__init__.py": "",
    f"{NEW}/tlv/parser.py": """\
        from ..header import Header
        class ParseError(Exception): pass
        def parse(): return Header(2)
        """,
    f"{NEW}/tlv/data.txt": "payload\n",
    f"{NEW}/__main__.py": "import sys\nfrom .header import size\nprint('package main', size(), sys.argv[1:])\n",
    f"{NEW}/tool.py": """\
        import sys
        from .header import Header
        if __name__ == "__main__":
            print("tool", Header().n, sys.argv[1:], __package__)
        """,
    f"{NEW}/loader.py": """\
        import importlib
        def find(name):
            return importlib.import_module(name)
        def find_all(names):
            return [find(name) for name in names]
        def own():
            return importlib.import_module("protocol_v2.tlv")
        """,
    f"{NEW}/late.py": """\
        from .loader import find
        find(".".join(["protocol_v2", "tlv"]))
        """,
    f"{NEW}/moody.py": "import os\nif os.environ.get('MOOD') == 'bad': raise RuntimeError('bad mood')\nOK = 1\n",
    f"{NEW}/needy.py": "import not_installed_anywhere\n",
    "libs/http.py": """\
        import sys
        class Client: pass
        def get(): return "got"
        _private = 5
        if __name__ == "__main__":
            assert sys.modules["__main__"].get is get
            print("http main", sys.argv[1:])
        """,
    "pkg/__init__.py": "",
}


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")


def build(root: Path) -> Path:
    """A small checkout after stage 3."""
    write(root, FILES)
    package = shim_text("protocol_v2", "libs.types.protocol", **PACKAGE)
    write(root, {"protocol_v2/__init__.py": package, "pkg/http.py": shim_text("pkg.http", "libs.http", **MODULE)})
    return root


def run(root: Path, *args: str, python: str = sys.executable, **env: str) -> subprocess.CompletedProcess[str]:
    base = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COVERAGE"))}
    return subprocess.run(
        [python, *args],
        cwd=root,
        env={**base, "PYTHONPATH": str(root), **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


def script(root: Path, code: str, *flags: str, python: str = sys.executable, name: str = "probe.py", **env: str) -> str:
    """Run `code` as a file; return what it printed.  A failed assertion in it is one here."""
    write(root, {name: code})
    done = run(root, *flags, name, python=python, **env)
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def other_python(version: str) -> str | None:
    home = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = [str(path) for path in sorted(home.glob(f"versions/{version}.*/bin/python{version}"))]
    found += [path for path in (shutil.which(f"python{version}"),) if path]
    for path in reversed(found):
        done = subprocess.run([path, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True)
        if done.stdout.strip() == str(tuple(map(int, version.split(".")))):  # a stand-in on PATH may lead nowhere
            return path
    return None


CAUGHT = """\
    import warnings, sys
    warnings.simplefilter("always")
    seen = []
    warnings.showwarning = lambda message, category, filename, lineno, *_: seen.append(
        (str(message), category.__name__, filename.replace("\\\\", "/").rpartition("/")[2], lineno))
    """


def failures(root: Path, probes: Mapping[str, str], version: str) -> dict[str, str] | str:
    """What the probes that fail on that Python print; a text where there is nothing to try."""
    if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        return "this is the interpreter that runs the probes one by one"
    python = other_python(version)
    if python is None:
        return f"no python{version} on PATH or under PYENV_ROOT"
    failed = {}
    for probe, code in probes.items():
        write(root, FILES)
        write(root, {"probe.py": textwrap.dedent(CAUGHT) + textwrap.dedent(code)})
        done = run(root, "probe.py", python=python)
        if done.returncode:
            failed[probe] = done.stderr
    return failed
