"""Commands as functions, on small repositories: what is left out of a run, and what `status` says of a cut-off one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.migrate import commands
from tools.migrate.model import CheckFailed
from tools.migrate.session import Session
from tools.migrate.tests import sample

PLAN = """\
[migration]
name = "demo"

[[move]]
from = "old"
to = "lib.new"

[scan]
exclude = ["vendor/**"]
"""
MANIFEST = '[project]\nname = "{0}"\nversion = "1"\n\n[tool.mypy]\npackages = ["old"]\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {
        "migration.toml": PLAN,
        "old/__init__.py": "",
        "old/part.py": "X = 1\n",
        "user.py": "import old.part\n",
        "vendor/user.py": "import old.part\n",
        "tool/pyproject.toml": MANIFEST.format("tool"),
        "vendor/kept/pyproject.toml": MANIFEST.format("kept"),
    }
    for name, text in files.items():
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    for line in ("init -q", "add -A", "-c user.name=A -c user.email=a@example.org commit -qm start"):
        subprocess.run(["git", *line.split()], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def test_excluded_files_stay_as_they_are(root: Path) -> None:
    changed = commands.dry_run(Session(root), [3, 4, 6])
    assert "a/user.py b/user.py" in changed and "a/tool/pyproject.toml" in changed
    assert "vendor/" not in changed


def test_what_is_committed_while_gates_run_is_not_validated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in sample.environment().items():
        monkeypatch.setenv(key, value)
    gate = '"test ! -e .git/now || git commit -q --allow-empty -m meanwhile"'
    root = sample.build_modules(tmp_path / "repo", gate)
    for stage in (1, 2, 3, 4):
        commands.run(Session(root, None, 1), stage, ())
    (root / ".git/now").touch()
    commands.run(Session(root, None, 1), 5, ())
    assert not Session(root).done(5)
    (root / ".git/now").unlink()
    commands.run(Session(root, None, 1), 5, ())
    assert Session(root).done(5)


def test_status_names_the_command_that_goes_on(root: Path) -> None:
    assert commands.status(Session(root))["next"].startswith("next: python -m tools.migrate --stage 1 ")
    session = Session(root)
    session.journal.add("begin", stage=3, base=session.repo.head(), plan="", only=["a"], rollback=False)
    answer = commands.status(session)
    assert answer["interrupted"].startswith("stage 3 was interrupted")
    assert answer["next"] == "next: python -m tools.migrate --stage 3 --only a"


def test_status_names_the_rollback_that_goes_on(root: Path) -> None:
    session = Session(root)
    session.journal.add("begin", stage=4, base=session.repo.head(), plan="", only=[], rollback=True)
    assert commands.status(session)["next"] == "next: python -m tools.migrate rollback --to 4"


def test_an_audit_whose_gate_cannot_run_is_not_done(root: Path) -> None:
    plan = root / "migration.toml"
    plan.write_text(PLAN + '\n[gates]\ntests = ["no-such-command-here"]\n', encoding="utf-8")
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, "commit", "-qam", "gate"], cwd=root, check=True)
    for _ in range(2):  # a second run tries again, and does not take the broken baseline for one
        with pytest.raises(CheckFailed, match="cannot be run"):
            commands.run(Session(root), 1, ())
        assert commands.status(Session(root))["stages"][0]["state"] == "next"


def test_a_line_belongs_to_the_commit_that_wrote_it_whatever_blame_ignores(root: Path) -> None:
    part, revs = root / "old" / "part.py", root / ".git-blame-ignore-revs"
    part.write_text("X = 2\n", encoding="utf-8")
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, "commit", "-qam", "rewritten"], cwd=root, check=True)
    repo = Session(root).repo
    rewritten = repo.head()
    revs.write_text(f"{rewritten}\n", encoding="utf-8")
    subprocess.run(["git", "config", "blame.ignoreRevsFile", revs.name], cwd=root, check=True)
    assert repo.line_commit("old/part.py", 1) == rewritten


def test_a_gate_that_fails_as_a_whole_before_anything_moved_is_said(tmp_path: Path) -> None:
    root = sample.build(tmp_path / "r", '"exit 7"')
    done = sample.migrate(root, "--stage", "audit")
    assert done.code == 0, done
    assert "already broken: exit 7 as a whole (exit code 7)" in done.out


def test_what_a_command_does_not_need_is_not_loaded(root: Path) -> None:
    """A hook runs at each commit, and a re-plan takes half a second: most of it would be imports."""
    slow = ["rich", "pydantic", "libcst", "networkx", "griffe", "jinja2", "rope", "pygments", "importlib.metadata"]
    slow += [f"tools.migrate.{name}" for name in ("audit", "validate", "opinion", "api", "page", "demo", "guess")]
    code = f"""
import sys
from tools.migrate import cli
sys.argv = ["migrate", "--stage", "design", "--dry-run", "-q"]
try: cli.main()
except SystemExit as end: print(end.code, [m for m in {slow} if m in sys.modules])
"""
    env = sample.environment(PYTHONPATH=str(sample.TOOL))
    done = subprocess.run([sys.executable, "-c", code], cwd=root, env=env, capture_output=True, text=True, check=False)
    assert done.stdout == "0 []\n", done
