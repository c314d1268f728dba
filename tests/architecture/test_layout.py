"""The shape of the repository: known folders, no package where a namespace must be, short modules, honest manifests.

Reads what git tracks, so a build folder or an editor's file does not fail a test.  What is a member is what the root
manifest says; what stands at an old name while packages move is in migration.lock, and is no member.
"""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {".ci", ".github", "docs", "tests"}
NAMESPACES = ("libs", "services", "tools")
MAX_LINES = 400
# The demo's template is a repository of its own, and test assets are sample data.
DATA = ("tools/migrate/demo/legacy/", "tools/migrate/tests/assets/")

TRACKED = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
    "\0"
)[:-1]
OURS = [name for name in TRACKED if not name.startswith(DATA) and (ROOT / name).is_file()]
PROJECTS = sorted(str(Path(name).parent) for name in OURS if Path(name).name == "pyproject.toml" and "/" in name)


def manifest(member: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / member / "pyproject.toml").read_text(encoding="utf-8"))


def shims() -> dict[str, str]:
    """Path -> old name of each shim that stands while packages move; their texts are the migration tool's."""
    lock = ROOT / "migration.lock"
    known = tomllib.loads(lock.read_text(encoding="utf-8")) if lock.is_file() else {}
    return {shim["path"]: shim["from"] for shim in known.get("shim", [])}


SHIMS = shims()
WORKSPACE = manifest(".")["tool"]["uv"]["workspace"]["members"]
MEMBERS = [folder for folder in PROJECTS if any(Path(folder).match(pattern) for pattern in WORKSPACE)]


def test_git_was_asked() -> None:
    assert "dev.py" in OURS and len(MEMBERS) >= 5


def test_top_level_folders_are_known() -> None:
    known = FOLDERS | {pattern.split("/")[0] for pattern in WORKSPACE} | {path.split("/")[0] for path in SHIMS}
    assert {name.split("/")[0] for name in OURS if "/" in name} <= known


def test_every_manifest_is_a_member_or_ships_a_shim_alone() -> None:
    """What ships a shim alone is for those outside, until cleanup; nothing here may need it."""
    for folder in set(PROJECTS) - set(MEMBERS):
        code = [name for name in OURS if name.startswith(f"{folder}/") and name.endswith(".py")]
        assert code and set(code) <= set(SHIMS), folder


@pytest.mark.parametrize("folder", NAMESPACES)
def test_namespaces_are_no_packages(folder: str) -> None:
    assert not (ROOT / folder / "__init__.py").exists(), "several distributions share this name (PEP 420)"


def test_modules_are_short() -> None:
    modules = [name for name in OURS if name.endswith(".py") and "tests" not in Path(name).parts and name not in SHIMS]
    lengths = {name: len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name in modules}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES} == {}


def test_modules_begin_with_what_they_own() -> None:
    modules = [name for name in OURS if name.endswith(".py") and name not in SHIMS]
    bare = [name for name in modules if not re.match(r'(#!.*\n)?r?"""\S', (ROOT / name).read_text(encoding="utf-8"))]
    assert bare == []


def test_the_interpreter_is_not_shadowed() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [sys.executable, "-c", "import dataclasses, types, logging, typing, json; print(types.__file__)"]
    for folder in (ROOT, *(ROOT / member for member in MEMBERS)):
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"in {folder}: {done.stderr}"
        assert not Path(done.stdout.strip()).is_relative_to(ROOT / "libs")


def test_the_session_stops_when_libs_is_on_the_path() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "libs")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/architecture", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "is on sys.path" in done.stderr


def test_tests_import_no_module_twice() -> None:
    """pytest imports the packages around a test that it runs, and should do so by their whole names."""
    code = (
        "import collections, pytest, sys\n"
        "done = pytest.main(['-q', '-p', 'no:cacheprovider', *sys.argv[1:]])\n"
        "files = collections.defaultdict(set)\n"
        "for name, module in list(sys.modules.items()):\n"
        "    files[getattr(module, '__file__', None) or name].add(module)\n"
        "print([file for file, modules in files.items() if len(modules) > 1])\n"
        "sys.exit(done)\n"
    )
    some = ["libs/types/protocol/tests/test_venues.py", "infra/tests/test_errors.py"]
    command = [sys.executable, "-c", code, *some]
    environment = {**os.environ, "PYTEST_ADDOPTS": ""}  # those are for the session here
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_manifests_ship_every_package() -> None:
    """A package that `packages` forgets is missing only from the wheel, where nobody looks."""
    wrong = {member: (listed, there) for member in MEMBERS for listed, there in [packages(member)] if listed != there}
    assert wrong == {}


def packages(member: str) -> tuple[set[str], set[str]]:
    """Those that the member's manifest lists, and those that are in its folder."""
    setuptools = manifest(member)["tool"]["setuptools"]
    mapping = setuptools.get("package-dir", {})
    prefix = next(iter(mapping), "")
    found = set()
    for name in OURS:
        path = Path(name)
        if path.name == "__init__.py" and path.is_relative_to(member) and "tests" not in path.parts:
            dotted = ".".join([prefix, *path.parent.relative_to(member).parts]).strip(".")
            found.add(SHIMS.get(name, dotted))
    return set(setuptools["packages"]), found


def test_the_workspace_knows_every_member() -> None:
    names = {manifest(member)["project"]["name"] for member in MEMBERS}
    root = manifest(".")
    assert set(root["tool"]["uv"]["sources"]) == names == set(root["dependency-groups"]["members"])
    lines = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    assert {line.removeprefix("-e ./") for line in lines if line.startswith("-e ")} == set(MEMBERS)


@pytest.mark.parametrize("tool", ["tools/migrate", "tools/perf"])
def test_a_tool_needs_no_other_member(tool: str) -> None:
    others = {manifest(member)["project"]["name"] for member in MEMBERS if member != tool}
    needed = {re.split(r"[^A-Za-z0-9-]", text)[0] for text in manifest(tool)["project"]["dependencies"]}
    assert needed and not needed & others


def test_the_readme_shows_what_ci_runs() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for command in ("python3 dev.py demo", "python3 dev.py test"):
        assert command in readme and command in ci
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


@pytest.mark.parametrize(
    "name", ["action.yml", ".pre-commit-hooks.yaml", ".pre-commit-config.yaml", ".github/workflows/ci.yml"]
)
def test_yaml_files_are_yaml(name: str) -> None:
    assert yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_pins_name_no_registry() -> None:
    for name in ("constraints.txt", "requirements-dev.txt", "requirements-lint.txt", "requirements-docs.txt"):
        assert "://" not in (ROOT / name).read_text(encoding="utf-8")
    assert not [name for name in OURS if Path(name).name in {"uv.lock", "poetry.lock", "pdm.lock"}]
