"""The sample of the demo: what the stages may rely on before they run.

Builds it into a temporary folder and looks at it from the outside: its own suite in a process of its own, its
history through git.  Knows nothing of the stages.
"""

from __future__ import annotations

import importlib.resources
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from tools.migrate import demo
from tools.migrate.model import FailedMidway, Refused

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

KNOWN_FAILURE = "tests/test_rounding.py::test_known_rounding_drift"


def run(folder: pathlib.Path, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    unwanted = ("GIT_", "PYTEST_", "PYTHONPATH", "COV_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=check)


def git(folder: pathlib.Path, *arguments: str) -> str:
    return run(folder, "git", *arguments).stdout


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    target = tmp_path_factory.mktemp("demo") / "new" / "alphapulse"
    demo.build(target)
    return target


def test_its_suite_has_exactly_the_one_known_failure(sample: pathlib.Path) -> None:
    done = run(sample, sys.executable, "-m", "pytest", "-q", check=False)
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    assert failed == [KNOWN_FAILURE], done.stdout
    assert re.search(r"^1 failed, [4-9]\d passed in [0-9.]+s(?: \(.*\))?$", done.stdout, re.MULTILINE), done.stdout
    assert git(sample, "status", "--porcelain") == ""


def test_the_checkout_is_clean_and_on_main(sample: pathlib.Path) -> None:
    assert git(sample, "status", "--porcelain") == ""
    assert git(sample, "symbolic-ref", "--short", "HEAD").strip() == "main"


def test_bytecode_of_an_earlier_run_is_there_and_ignored(sample: pathlib.Path) -> None:
    assert (sample / demo.LEFTOVER).is_file()
    assert git(sample, "check-ignore", demo.LEFTOVER).strip() == demo.LEFTOVER


def test_every_commit_adds_something_under_the_fixed_identity(sample: pathlib.Path) -> None:
    lines = git(sample, "log", "--reverse", "--format=%an <%ae>|%cn <%ce>|%aI|%s").splitlines()
    assert len(lines) == len(demo.STEPS) == 6
    for line, step in zip(lines, demo.STEPS, strict=True):
        author, committer, date, subject = line.split("|")
        assert author == committer == "AlphaPulse Demo <demo@example.org>"
        assert (date.replace("Z", "+00:00"), subject) == (step.date, step.message)


def test_files_have_a_past(sample: pathlib.Path) -> None:
    log = git(sample, "log", "--format=%s", "--", "protocol_v2/tlv/parser.py").splitlines()
    assert log == [demo.STEPS[3].message, demo.STEPS[0].message]
    first = git(sample, "rev-list", "--max-parents=0", "HEAD").strip()
    assert 'version = "2.0.0"' in git(sample, "show", f"{first}:protocol_v2/pyproject.toml")


def test_the_last_commit_brings_the_plan_and_nothing_else(sample: pathlib.Path) -> None:
    assert git(sample, "show", "--format=", "--name-only", "HEAD").split() == ["migration.toml"]
    plan = tomllib.loads((sample / "migration.toml").read_text(encoding="utf-8"))
    assert plan["migration"] == {"name": "unify-types", "import-roots": [".", "libs/types"]}
    moves = {move["from"]: (move["to"], move["distribution"]) for move in plan["move"]}
    assert moves == {
        "protocol_v2": ("libs.types.protocol", "protocol-v2"),
        "alphapulse_types": ("libs.types.common", "alphapulse-types"),
    }
    assert plan["gates"] == {"tests": ["python -m pytest -q"]}


def test_the_tree_is_the_template_byte_for_byte(sample: pathlib.Path) -> None:
    assert git(sample, "ls-files").splitlines() == sorted(demo.template_files())
    for path in demo.template_files():
        assert (sample / path).read_bytes() == (demo.TEMPLATE / path).read_bytes(), path


@pytest.mark.skipif(os.name != "posix", reason="needs executable bits")
def test_only_the_scripts_are_executable(sample: pathlib.Path) -> None:
    executable = [line.split("\t")[1] for line in git(sample, "ls-files", "-s").splitlines() if line[:6] == "100755"]
    assert executable == sorted(demo.EXECUTABLE)
    assert os.access(sample / "infra" / "replay.sh", os.X_OK)


def test_the_duplicate_is_one_and_the_conflict_is_none(sample: pathlib.Path) -> None:
    """The copied class has the canonical one's text; the gateway's venue shares no more than its name."""

    def class_text(path: str, name: str) -> str:
        text = (sample / path).read_text(encoding="utf-8")
        match = re.search(rf"^(?:@.*\n)?class {name}\b.*?(?=\n\n\n|\Z)", text, re.DOTALL | re.MULTILINE)
        assert match, (path, name)
        return match.group().rstrip()

    types = "libs/types/alphapulse_types"
    copy, canonical = "protocol_v2/tlv/types.py", f"{types}/fixed_point.py"
    assert class_text(copy, "UsdFixedPoint8") == class_text(canonical, "UsdFixedPoint8")
    assert "BINANCE = 1" in class_text(f"{types}/identifiers.py", "VenueId")
    assert "BINANCE = " + json.dumps("binance") in class_text("services/gateway/models.py", "VenueId")


def test_one_file_is_for_python_2_only(sample: pathlib.Path) -> None:
    text = (sample / "infra" / "old_report.py").read_text(encoding="utf-8")
    assert "from protocol_v2 import" in text
    with pytest.raises(SyntaxError):
        compile(text, "old_report.py", "exec")


def test_two_builds_are_the_same_commit(
    sample: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the user's settings, and from within another repository's hook."""
    settings = tmp_path / "gitconfig"
    settings.write_text(
        "[commit]\ngpgsign = true\n[core]\nautocrlf = true\n[user]\nname = Somebody\n", encoding="utf-8"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody")
    again = tmp_path / "again"
    again.mkdir()
    demo.build(again)
    assert git(again, "rev-parse", "HEAD") == git(sample, "rev-parse", "HEAD")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", ["kept.txt", ".hidden"])
def test_a_folder_with_something_in_it_is_refused(tmp_path: pathlib.Path, name: str) -> None:
    (tmp_path / name).write_text("mine", encoding="utf-8")
    with pytest.raises(Refused) as caught:
        demo.build(tmp_path)
    assert caught.value.exit_code == 3
    assert str(tmp_path) in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_in_its_place_is_refused(tmp_path: pathlib.Path) -> None:
    target = tmp_path / "file"
    target.write_text("mine", encoding="utf-8")
    with pytest.raises(Refused):
        demo.build(target)
    assert target.read_text(encoding="utf-8") == "mine"


def test_without_git_nothing_is_touched(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refused, match="git was not found"):
        demo.build(tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("existed", [True, False])
def test_a_build_that_fails_leaves_nothing(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, existed: bool
) -> None:
    """A past that does not fit the template is noticed at the commit that would need it."""
    wrong = demo.Earlier("libs/types/pyproject.toml", 4, "not in the template", "whatever")
    monkeypatch.setattr(demo, "HISTORY", (wrong,))
    target = tmp_path / "new"
    if existed:
        target.mkdir()
    with pytest.raises(FailedMidway, match=re.escape("libs/types/pyproject.toml")):
        demo.build(target)
    assert target.exists() == existed
    assert not existed or not any(target.iterdir())


def test_caches_in_the_installed_template_are_no_part_of_it(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = tmp_path / "legacy"
    (template / "protocol_v2" / "__pycache__").mkdir(parents=True)
    (template / "protocol_v2" / "__pycache__" / "header.cpython-312.pyc").write_bytes(b"")
    (template / "protocol_v2" / "header.py").write_text("", encoding="utf-8")
    (template / ".gitignore").write_text("", encoding="utf-8")
    monkeypatch.setattr(demo, "TEMPLATE", template)
    assert list(demo.template_files()) == [".gitignore", "protocol_v2/header.py"]


def test_the_template_is_found_beside_the_module() -> None:
    assert (importlib.resources.files("tools.migrate.demo") / "legacy" / ".github" / "workflows" / "ci.yml").is_file()


def test_the_stages_can_commit_on_a_machine_without_an_identity(tmp_path: pathlib.Path) -> None:
    demo.build(tmp_path / "demo")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(tmp_path)}
    done = subprocess.run(["git", "var", "GIT_COMMITTER_IDENT"], cwd=tmp_path / "demo", env=environment, check=False)
    assert done.returncode == 0
