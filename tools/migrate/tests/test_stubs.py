"""Type checkers see every module under its old name while shims stand: real stages, real checkers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.migrate.lock import read
from tools.migrate.resolve import parse_names
from tools.migrate.shims import is_shim
from tools.migrate.stubs import explicit, stub_text
from tools.migrate.tests import sample
from tools.migrate.tests.shimtree import VERSIONS, other_python

EXTRA: dict[str, str | bytes] = {
    "protocol_v2/odd.py": (
        'import os as _os\n\n__all__ = ["shown"]\nshown: int = 1\nunlisted: int = 2\n_private: int = 3\n'
        'HOME = _os.getenv("HOME")\n'
    ),
    "protocol_v2/lazy.py": "def __getattr__(name: str) -> int:\n    return len(name)\n",
    "protocol_v2/__main__.py": "",
    "protocol_v2/tlv/plain.py": "class Plain:\n    size: int = 8\n",
}
GOOD = """\
import protocol_v2
import protocol_v2.odd
import protocol_v2.tlv.plain as plain
import protocol_v2.lazy
import alphapulse_types.fixed
from protocol_v2 import odd
from protocol_v2.tlv import plain as again
from protocol_v2.tlv.plain import Plain
from protocol_v2.odd import _private, shown, unlisted
import libs.types.protocol.tlv.plain as new

a: int = shown + unlisted + _private + protocol_v2.odd.shown + odd.unlisted + protocol_v2.lazy.anything
b: new.Plain = Plain()
c: Plain = new.Plain()
e: list[str] = list(protocol_v2.odd.__all__) + list(protocol_v2.__all__)
d: int = plain.Plain.size + again.Plain().size + alphapulse_types.fixed.SCALE
"""
BAD = """\
import protocol_v2.odd
import protocol_v2.nope
from protocol_v2.odd import nope
x: str = protocol_v2.odd.shown
"""
LIBS = "libs/types"


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = sample.build(tmp_path_factory.mktemp("stubs") / "r", extra=EXTRA)
    for stage in ("1", "2", "3"):
        done = sample.migrate(root, "--stage", stage)
        assert done.code == 0, done
    return root


@pytest.fixture(scope="module")
def integrated(moved: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = sample.copy(moved, tmp_path_factory.mktemp("stubs4") / "r")
    done = sample.migrate(root, "--stage", "4")
    assert done.code == 0, done
    return root


def check(root: Path, checker: str, text: str) -> subprocess.CompletedProcess[str]:
    if not shutil.which(checker, path=str(Path(sys.executable).parent)):
        pytest.skip(f"{checker} is not installed beside this interpreter")
    (root / "probe.py").write_text(text)
    try:
        options = ["--no-error-summary", "--cache-dir", os.devnull] if checker == "mypy" else []
        env = sample.environment(MYPYPATH=os.pathsep.join((".", LIBS)))
        (root / "pyrightconfig.json").write_text(f'{{"extraPaths": ["{LIBS}"]}}')
        command = [sys.executable, "-m", checker, *options, "probe.py"]
        if checker == "pyright":
            command += ["--pythonpath", sys.executable]
        return subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)
    finally:
        (root / "probe.py").unlink()
        (root / "pyrightconfig.json").unlink(missing_ok=True)


@pytest.mark.parametrize("stage", ["moved", "integrated"])
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_checkers_see_every_module_under_its_old_name(checker: str, stage: str, request: pytest.FixtureRequest) -> None:
    root: Path = request.getfixturevalue(stage)
    good = check(root, checker, GOOD)
    assert good.returncode == 0, good.stdout + good.stderr
    bad = check(root, checker, BAD)
    assert bad.returncode == 1 and bad.stdout.count("nope") >= 2 and "probe.py:4" in bad.stdout, bad.stdout


def test_stubs_are_named_in_the_lock_and_nothing_else_is_there(integrated: Path) -> None:
    lock = read((integrated / "migration.lock").read_text(), "migration.lock")
    shim = next(s for s in lock.shims if s.path == "protocol_v2/__init__.py")
    assert shim.stubs == tuple(
        f"protocol_v2/{name}"
        for name in (
            "alias.pyi",
            "header.pyi",
            "lazy.pyi",
            "odd.pyi",
            "py.typed",
            "shared.pyi",
            "tlv/__init__.pyi",
            "tlv/plain.pyi",
            "tlv/types.pyi",
        )
    )
    tracked = sample.git(integrated, "-c", "core.quotePath=false", "ls-files", "protocol_v2").splitlines()
    assert sorted(tracked) == sorted(shim.files)
    assert all(is_shim((integrated / p).read_text()) for p in shim.files if not p.endswith("py.typed"))
    assert sample.migrate(integrated, "check-shims").code == 0


def test_check_shims_knows_them(integrated: Path, tmp_path: Path) -> None:
    root = sample.copy(integrated, tmp_path / "r")
    stub = stub_text("protocol_v2.more", "libs.types.protocol.more", (), when="soon", owner="", plan="unify")
    sample.commit(root, {"protocol_v2/more.pyi": stub, "protocol_v2/odd.pyi": "x: int\n"})
    sample.git(root, "rm", "-q", "protocol_v2/header.pyi")
    done = sample.migrate(root, "check-shims")
    assert done.code == 1
    assert "protocol_v2/more.pyi:1: error" in done.out and "[shim-unknown]" in done.out
    assert "protocol_v2/odd.pyi:1: error" in done.out and "protocol_v2/header.pyi, by which" in done.out


def test_cleanup_removes_them_and_rollback_brings_them_back(integrated: Path, tmp_path: Path) -> None:
    root = sample.copy(integrated, tmp_path / "r")
    before = sample.git(root, "rev-parse", "HEAD^{tree}")
    for stage in ("5", "6"):
        done = sample.migrate(root, "--stage", stage)
        assert done.code in (0, 1) if stage == "5" else done.code == 0, done
    assert sample.git(root, "ls-files", "protocol_v2", "*.pyi") == ""
    assert (root / "libs/types/protocol/py.typed").exists()
    assert sample.migrate(root, "rollback", "--to", "6").code == 0
    assert sample.git(root, "rev-parse", "HEAD^{tree}") == before


def test_a_module_that_joins_after_the_move_changes_nothing(moved: Path, tmp_path: Path) -> None:
    root = sample.copy(moved, tmp_path / "r")
    sample.commit(root, {"libs/types/protocol/young.py": ""})
    sample.git(root, "rm", "-q", "libs/types/protocol/odd.py")
    sample.git(root, "commit", "-qm", "gone")
    for stage in ("1", "2", "4"):
        done = sample.migrate(root, "--stage", stage)
        assert done.code == 0, done
    lock = read((root / "migration.lock").read_text(), "migration.lock")
    shim = next(s for s in lock.shims if s.path == "protocol_v2/__init__.py")
    assert "protocol_v2/odd.pyi" in shim.stubs and "protocol_v2/young.pyi" not in shim.stubs
    assert sample.migrate(root, "check-shims").code == 0


def test_a_stub_that_moved_makes_way(tmp_path: Path) -> None:
    extra: dict[str, str | bytes] = {**EXTRA, "protocol_v2/odd.pyi": "shown: int\n"}
    root = sample.build(tmp_path / "r", extra=extra)
    for stage in ("1", "2", "3", "4", "6"):
        if stage == "6":
            assert is_shim((root / "protocol_v2/odd.pyi").read_text())
            assert (root / "libs/types/protocol/odd.pyi").read_text() == "shown: int\n"
            sample.migrate(root, "--stage", "5")
        done = sample.migrate(root, "--stage", stage)
        assert done.code == 0, done
    assert not (root / "protocol_v2").exists() or not list((root / "protocol_v2").glob("*.pyi"))


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("a = 1\n_b = 2\n__c__ = 3\n", ["_b"]),
        ("__all__ = ['a']\na = 1\nd = 2\nimport os\nfrom x import y\n", ["__all__", "d"]),
        ("def __getattr__(name): ...\n", ["__getattr__"]),
        ("import os as _os\n", ["_os"]),
        ("", []),
    ],
)
def test_what_a_star_leaves_out(source: str, names: list[str]) -> None:
    assert explicit(parse_names(source, "m", False)) == names


def test_the_text_of_a_stub() -> None:
    text = stub_text("a.b", "c.d", ["_x"], when="on 2027-03-31", owner="me", plan="p")
    assert text == (
        "# tools.migrate shim: old=a.b new=c.d plan=p\n"
        "# For type checkers only: the old name goes on 2027-03-31 (owner: me)."
        "  Generated; a change made here is lost.\n"
        "# ruff: noqa\n# flake8: noqa\n# mypy: ignore-errors\n# pyright: basic, reportAttributeAccessIssue=false\n"
        "from c.d import *\nfrom c.d import (\n    _x as _x,\n)\n"
    )


MERGE = """\

[target]
distribution = "types"
path = "libs/types"
import-root = "."
"""


def test_the_old_distribution_ships_them(tmp_path: Path) -> None:
    """Its wheel holds the shim, the stubs and the marker, and no code."""
    project = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n\n[project]\n'
    extra: dict[str, str | bytes] = {
        **EXTRA,
        "protocol_v2/pyproject.toml": project
        + 'name = "protocol-v2"\nversion = "1.0"\n\n[tool.setuptools]\npackages = ["protocol_v2", "protocol_v2.tlv"]\n'
        'package-dir = { protocol_v2 = "." }\n',
        "protocol_v2/setup.py": "from setuptools import setup\n\nsetup()\n",
        "libs/types/pyproject.toml": project + 'name = "types"\nversion = "1.0"\n',
        "migration.toml": sample.PLAN.format(gate=sample.QUICK).replace(
            'to = "libs.types.protocol"\n', 'to = "libs.types.protocol"\ndistribution = "protocol-v2"\n'
        )
        + MERGE,
    }
    root = sample.build(tmp_path / "r")
    sample.commit(root, extra)
    for stage in ("1", "2", "3"):
        done = sample.migrate(root, "--stage", stage)
        assert done.code == 0, done
    out = tmp_path / "built"
    names = built(root / "protocol_v2", out)
    assert not (root / "protocol_v2/setup.pyi").exists()
    assert {"protocol_v2/odd.pyi", "protocol_v2/tlv/plain.pyi", "protocol_v2/py.typed"} <= names
    code = {n for n in names if n.endswith(".py")}
    assert code - {"protocol_v2/setup.py"} == {"protocol_v2/__init__.py"}, names  # one folder for both


def built(project: Path, out: Path) -> set[str]:
    """What setuptools would put into a wheel; any Python that has setuptools will do."""
    for python in [sys.executable, *filter(None, map(other_python, VERSIONS))]:
        command = [python, "-c", "import setuptools; setuptools.setup()", "-q", "build", "--build-lib", str(out)]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        if "No module named 'setuptools'" not in done.stderr:
            assert done.returncode == 0, done.stderr
            return {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    pytest.skip("no Python with setuptools is here")
