"""Submodules that come with their package, asked of real interpreters."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.migrate.attributes import reachable


def test_only_what_the_package_loads_or_binds_itself(tmp_path: Path) -> None:
    package = tmp_path / "src" / "a"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from . import loader\nbound = None\n")
    (package / "loader.py").write_text("import a.loaded\n")
    for name in ("loaded", "bound", "alone"):
        (package / f"{name}.py").write_text("")
    names = ["a", "a.loaded", "a.bound", "a.alone", "a.missing", "b.c"]
    assert reachable(sys.executable, tmp_path, ["src"], names) == ["a.bound", "a.loaded"]


def test_a_package_that_hangs_or_fails_has_none(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(60)\n")
    (tmp_path / "broken.py").write_text("1 / 0\n")
    assert reachable(sys.executable, tmp_path, ["."], ["slow.x", "broken.x"], timeout=0.5) == []
