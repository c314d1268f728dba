"""What is installed beside the tree and imports old names, asked of a real interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.migrate.installed import installed_users
from tools.migrate.layout import Layout, resolve_layout
from tools.migrate.plan import parse_plan
from tools.migrate.tests import sample
from tools.migrate.tree import Tree

PLAN = """
[migration]
name = "x"
[[move]]
from = "host.parts"
to = "host.core.parts"
"""
FILES = {
    "pyproject.toml": '[project]\nname = "my-host"\n',
    "host/__init__.py": "",
    "host/parts/__init__.py": "",
    "host/other.py": "",
}


@pytest.fixture
def layout() -> Layout:
    return resolve_layout(parse_plan(PLAN), Tree.from_files(FILES))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed distributions on the path of each interpreter that is started."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


def install(site: Path, name: str, needs: str, sources: dict[str, str]) -> None:
    info = site / f"{name.replace('-', '_')}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\nRequires-Dist: {needs}\n")
    for path, source in sources.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(source)
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in sources))


def test_a_plugin_that_imports_old_names_is_told_once(site: Path, tmp_path: Path, layout: Layout) -> None:
    uses = {"plug/one.py": "\nfrom host.parts.a import b\n", "plug/two.py": "import host\nfrom host import parts\n"}
    install(site, "plug-in", 'My_Host[x]>=1; extra == "y"', uses)
    (found,) = installed_users(sys.executable, tmp_path, layout)
    assert (found.path, found.rule, found.text) == ("plug-in", "installed.old-name", "host.parts.a")
    assert found.severity == "warning"
    assert found.readings[0] == "plug-in 1.2 needs it: plug/one.py:2 and 1 more"
    assert "host.core.parts.a" in found.hint


@pytest.mark.parametrize(
    ("name", "needs", "source"),
    [
        ("plug-in", "my-host", "from host import other\nfrom .host.parts import a\nimport host.partsx\n"),
        ("plug-in", "my-hosting", "import host.parts\n"),  # one that needs something else with such a module
        ("my.host", "my-host", "import host.parts\n"),  # a copy of the tree's own distribution
        ("plug-in", "my-host", "import host.parts\nprint 'no Python'\n"),
    ],
)
def test_others_are_not(site: Path, tmp_path: Path, layout: Layout, name: str, needs: str, source: str) -> None:
    install(site, name, needs, {"plug/one.py": source})
    assert installed_users(sys.executable, tmp_path, layout) == []


def test_an_interpreter_that_cannot_say(site: Path, tmp_path: Path, layout: Layout) -> None:
    install(site, "plug-in", "my-host", {"plug/one.py": "import host.parts\n"})
    (site / "sitecustomize.py").write_text("raise SystemExit(3)\n")
    assert installed_users(sys.executable, tmp_path, layout) == []
    assert installed_users(str(tmp_path / "nothing"), tmp_path, layout) == []


def test_stage_5_tells_of_it_before_stage_6_breaks_it(site: Path, tmp_path: Path) -> None:
    install(site, "plug-in", "my-host", {"plug/one.py": "import host.parts\n"})
    root = tmp_path / "r"
    root.mkdir()
    sample.git(root, "init", "-q", "-b", "main")
    sample.commit(root, {**FILES, "migration.toml": PLAN}, "everything")
    env = sample.environment(PYTHONPATH=f"{sample.TOOL}{os.pathsep}{site}")
    for stage in "12345":
        command = [sys.executable, "-m", "tools.migrate", "--stage", stage, "--json"]
        done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done
        assert ("plug-in 1.2 needs it: plug/one.py:1" in done.stdout) == (stage == "5"), done.stdout
