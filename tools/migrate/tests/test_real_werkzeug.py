"""A published package, moved through all six stages by the command line: werkzeug 3.1.3 with its own 946 tests.

The source distribution and its dependencies come from the package index that pip is set up for; without one the test is
skipped.  Everything is looked at from outside: the package's own suite, git, and interpreters that import old and new
names.  What makes this package worth it: its suite turns warnings into errors (so no code of it may use a shim), its
modules import each other in circles, and three of them are called `http`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tools.migrate.lock import read
from tools.migrate.operations import apply_edits
from tools.migrate.submodules import without

pytestmark = pytest.mark.slow

VERSION = "3.1.3"
PINNED = (
    "cffi==2.1.1", "cryptography==50.0.2", "ephemeral-port-reserve==1.1.4", "flit_core==4.2.0", "iniconfig==2.3.1",
    "MarkupSafe==3.0.4", "packaging==26.3", "pluggy==1.7.0", "pycparser==3.12", "pytest==8.3.4",
    "pytest-timeout==2.4.0", "watchdog==7.1.0",
)  # fmt: skip
TESTS = 946
HERE = Path(__file__).resolve().parents[3]
MOVES = {
    "werkzeug.sansio": "werkzeug.protocol",
    "werkzeug.datastructures": "werkzeug.common.datastructures",
    "werkzeug.http": "werkzeug.common.http",
    "werkzeug.urls": "werkzeug.common.urls",
    "werkzeug._internal": "werkzeug.common._internal",
}
PLAN = """
[migration]
name = "regroup"
import-roots = ["src"]
{moves}
[shims]
remove-by = 2999-12-31
owner = "core team"

[gates]
tests = ['python -m pytest -q -p no:cacheprovider --timeout=60 -k "not test_reloader" tests']
"""
CALLER = """
import werkzeug.http
import werkzeug.common.http
assert werkzeug.http is werkzeug.common.http
from werkzeug.sansio.multipart import MultipartDecoder as old
from werkzeug.protocol.multipart import MultipartDecoder as new
assert old is new
from werkzeug.datastructures.structures import MultiDict
import werkzeug.common.datastructures
assert MultiDict is werkzeug.common.datastructures.MultiDict
from werkzeug.urls import *
from werkzeug import _internal
"""
WARNED = (2, 5, 8, 11, 12)  # the lines of CALLER that import an old name


def call(*command: str | Path, cwd: Path, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
    unwanted = ("GIT_", "PYTEST_", "PYTHON", "COV_")
    env = {k: v for k, v in os.environ.items() if not k.startswith(unwanted)} | more
    done = subprocess.run([str(c) for c in command], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done


class Checkout:
    """The unpacked package as a git repository, with a virtual environment that has its dependencies."""

    def __init__(self, folder: Path) -> None:
        self.root, self.python = folder / "werkzeug", folder / "venv" / "bin" / "python"
        self.plan, self.caller = folder / "plan.toml", folder / "caller.py"
        moves = "".join(f'\n[[move]]\nfrom = "{old}"\nto = "{new}"\n' for old, new in MOVES.items())
        self.plan.write_text(PLAN.format(moves=moves))
        self.caller.write_text(CALLER)

    def git(self, *arguments: str) -> str:
        return call("git", *arguments, cwd=self.root).stdout

    def tool(self, *arguments: str, code: int = 0) -> Any:
        path = f"{self.python.parent}{os.pathsep}{os.environ['PATH']}"
        command: list[str | Path] = [sys.executable, "-m", "tools.migrate", *arguments, "--json"]
        command += ["--root", self.root, "--plan", self.plan]
        done = call(*command, cwd=HERE, check=False, PATH=path, PYTHONPATH=str(HERE))
        assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
        return json.loads(done.stdout)

    def stage(self, number: int) -> dict[str, Any]:
        """Run one stage; the suite ran in it, and nothing that passed before fails."""
        (outcome,) = self.tool("--stage", str(number))["stages"]
        assert outcome["state"] == "done"
        if number >= 3:
            (gate,) = outcome["gates"]
            assert (gate["tests"], gate["broken"], gate["missing"]) == (TESTS, [], [])
            assert self.git("status", "--porcelain") == ""
        (again,) = self.tool("--stage", str(number))["stages"]
        assert again["state"] == "already"
        return dict(outcome)

    def imports(self, *flags: str) -> subprocess.CompletedProcess[str]:
        return call(self.python, "-B", *flags, self.caller, cwd=self.root.parent, check=False)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    folder = tmp_path_factory.mktemp("real")
    if sys.platform == "win32":
        pytest.skip("the package's own suite needs a POSIX system")
    made = call(sys.executable, "-m", "venv", "venv", cwd=folder, check=False)
    pip: list[str | Path] = [folder / "venv" / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "-q"]
    wanted = [
        [*pip, "install", *PINNED],
        [*pip, "download", "--no-deps", "--no-build-isolation", "--no-binary", "werkzeug", f"werkzeug=={VERSION}"],
    ]
    for command in wanted if made.returncode == 0 else ():
        made = call(*command, cwd=folder, check=False)
        if made.returncode:
            break
    if made.returncode:
        last = (made.stderr.strip() or made.stdout.strip() or "no output").splitlines()[-1]
        pytest.skip(f"werkzeug {VERSION} and its dependencies cannot be had here: {last}")
    with tarfile.open(folder / f"werkzeug-{VERSION}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    (folder / f"werkzeug-{VERSION}").rename(folder / "werkzeug")
    out = Checkout(folder)
    out.git("init", "-q", "-b", "main")
    for key, value in (("user.name", "A. Tester"), ("user.email", "tester@example.org"), ("core.autocrlf", "false")):
        out.git("config", key, value)
    out.git("add", "-A", "-f")
    out.git("commit", "-q", "-m", f"werkzeug {VERSION}")
    call(*pip, "install", "--no-deps", "--no-build-isolation", "-e", ".", cwd=out.root)
    return out


def test_all_six_stages(checkout: Checkout) -> None:
    first = checkout.git("rev-parse", "HEAD").strip()
    audit = checkout.stage(1)
    assert audit["details"]["already_broken"] == []
    checkout.stage(2)

    outcome = checkout.stage(3)
    moved = _moved(checkout, first)
    assert outcome["moved"] == len(moved) == 20
    assert checkout.imports().returncode == 0

    checkout.stage(4)
    _warns_at_the_callers_lines(checkout)
    assert checkout.imports("-W", "error").returncode == 1
    checkout.tool("check-shims")
    _only_references_changed(checkout, first, moved)

    verdict = checkout.stage(5)
    lost = {f["path"] for f in verdict["findings"] if f["rule"] == "attribute.lost"}
    assert lost == set(), verdict["findings"]  # `import werkzeug` loads all of them by chance
    for name in MOVES:
        code = f"import werkzeug\nassert {name}.__name__ == {MOVES[name]!r}\n"
        done = call(checkout.python, "-B", "-W", "always", "-c", code, cwd=checkout.root.parent)
        assert f"<string>:2: DeprecationWarning: {name} has moved to" in done.stderr, done.stderr
    checkout.stage(6)
    checkout.tool("check-shims")
    _nothing_old_is_left(
        checkout, first, {(moved.get(str(f["path"]), str(f["path"])), f["line"]) for f in audit["findings"]}
    )
    _history_is_kept(checkout, first, moved)

    checkout.tool("rollback", "--to", "3")
    assert checkout.git("rev-parse", "HEAD^{tree}") == checkout.git("rev-parse", f"{first}^{{tree}}")
    assert checkout.git("status", "--porcelain") == ""


def _moved(checkout: Checkout, first: str) -> dict[str, str]:
    """Old path -> new path, from the one commit that moves; each is a pure rename."""
    (commit,) = checkout.git("log", "--format=%H", "--grep", "^Move ", f"{first}..HEAD").split()
    rows = [line.split("\t") for line in checkout.git("show", "--format=", "--name-status", "-M", commit).splitlines()]
    assert {kind for kind, *_ in rows} == {"R100"}
    return {old: new for _, old, new in rows}


def _warns_at_the_callers_lines(checkout: Checkout) -> None:
    done = checkout.imports("-W", "always")
    assert done.returncode == 0, done.stderr
    warned = re.findall(r"^(.*?):(\d+): DeprecationWarning: (\S+) has moved to (\S+);", done.stderr, re.M)
    assert {file for file, *_ in warned} == {str(checkout.caller)}
    assert {int(line) for _, line, *_ in warned} == set(WARNED), done.stderr
    for _, _, old, new in warned:
        head = next(name for name in MOVES if old == name or old.startswith(f"{name}."))
        assert new == MOVES[head] + old[len(head) :]
    assert "2999-12-31" in done.stderr and "core team" in done.stderr


def _only_references_changed(checkout: Checkout, first: str, moved: dict[str, str]) -> None:
    """Files without a reference are the same; in the others each old line that is gone held one."""
    lock = read((checkout.root / "migration.lock").read_text(), "migration.lock")
    own = {".git-blame-ignore-revs", "migration.lock", "src/werkzeug/common/__init__.py", *_shims(moved), *lock.files}
    before, after = _blobs(checkout, first), _blobs(checkout, "HEAD")
    assert set(after) == {moved.get(path, path) for path in before} | own
    words = "|".join(re.escape(name.rpartition(".")[2]) for name in MOVES)
    reference = re.compile(rf"\b(?:{words})\b|^\s*from \.+[\w.]* import ")
    changed = [path for path in before if before[path] != after[moved.get(path, path)]]
    assert "CHANGES.rst" not in changed and len(changed) < 60
    for path in changed:
        old = checkout.git("show", f"{first}:{path}").splitlines()
        text = checkout.git("show", f"HEAD:{moved.get(path, path)}")
        block = without(text)
        assert (block is not None) == (moved.get(path, path) in lock.blocks), path
        new = (apply_edits(text.encode(), (block,), path).decode() if block else text).splitlines()
        assert len(old) == len(new), path
        assert all(reference.search(a) for a, b in zip(old, new, strict=True) if a != b), path


def _shims(moved: dict[str, str]) -> Sequence[str]:
    return [p for p in moved if p.count("/") == 2 or p.endswith(("sansio/__init__.py", "datastructures/__init__.py"))]


def _blobs(checkout: Checkout, revision: str) -> dict[str, str]:
    rows = checkout.git("ls-tree", "-r", revision).splitlines()
    return {path: f"{mode} {blob}" for mode, _, blob, path in (re.split(r"[ \t]", row, maxsplit=3) for row in rows)}


def _nothing_old_is_left(checkout: Checkout, first: str, listed: set[tuple[str, int]]) -> None:
    """No import of an old name works, and no text has one that the audit did not list for a person."""
    for name in MOVES:
        done = call(checkout.python, "-B", "-c", f"import {name}", cwd=checkout.root.parent, check=False)
        assert "ModuleNotFoundError" in done.stderr, name
    pattern = "|".join(re.escape(name) for name in MOVES)
    found = checkout.git(
        "grep", "-nP", rf"(?<![\w.])(?:{pattern})(?!\w)", "--", ".", ":!CHANGES.rst", ":!migration.lock"
    )
    places = {(path, int(line)) for path, line, _ in (row.split(":", 2) for row in found.splitlines())}
    assert places <= listed, sorted(places - listed)
    assert checkout.git("show", f"{first}:CHANGES.rst") == checkout.git("show", "HEAD:CHANGES.rst")


def _history_is_kept(checkout: Checkout, first: str, moved: dict[str, str]) -> None:
    for new in moved.values():
        log = checkout.git("log", "--follow", "--format=%H", "--", new).split()
        assert log and (log[-1] == first or not (checkout.root / new).read_text()), new
    blame = checkout.git("blame", "-s", "--ignore-revs-file", ".git-blame-ignore-revs", "src/werkzeug/common/http.py")
    lines = blame.splitlines()
    assert len(lines) > 1000 and all(first.startswith(line.split()[0].lstrip("^")) for line in lines)
