"""Two clones of one repository, one of which pushes in between: refused with what came, or merged, never corrupted."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.migrate.tests import sample
from tools.migrate.tests.sample import commit, git

pytestmark = [
    pytest.mark.skipif(shutil.which("git") is None, reason="needs git"),
    pytest.mark.timeout(300),
]
BLAME = ".git-blame-ignore-revs"
LATE: dict[str, str | bytes] = {
    "services/c/__init__.py": "",
    "services/c/app.py": "from protocol_v2.header import Header\n\nKIND = Header.kind\n",
}
migrate = sample.served


@pytest.fixture
def clone(tmp_path: Path) -> Callable[[str], Path]:
    """Clones of one bare repository with the sample in it, by name."""
    root = sample.build(tmp_path / "first")
    git(tmp_path, "clone", "-q", "--bare", str(root), "origin.git")

    def make(name: str) -> Path:
        git(tmp_path, "clone", "-q", "origin.git", name)
        return tmp_path / name

    return make


def run(root: Path, *stages: str, who: str = "Ann Author") -> None:
    for stage in stages:
        done = migrate(root, "--stage", stage, GIT_AUTHOR_NAME=who, GIT_COMMITTER_NAME=who)
        assert done.code == 0, done


def push(root: Path) -> bool:
    """Whether git took it."""
    command = ["git", "push", "-q", "origin", "main"]
    return subprocess.run(command, cwd=root, env=sample.environment(), capture_output=True, check=False).returncode == 0


def same_but_blame(root: Path, one: str, other: str) -> bool:
    return git(root, "diff", "--name-only", one, other) in ("", BLAME)


def test_somebody_pushes_between_two_stages(clone: Callable[[str], Path]) -> None:
    ours = clone("ours")
    run(ours, "1", "2", "3")
    assert push(ours)
    theirs = clone("theirs")
    commit(theirs, LATE, "a new service")
    assert push(theirs)
    git(ours, "pull", "-q", "--no-rebase")
    head = git(ours, "rev-parse", "HEAD")
    done = migrate(ours, "--stage", "4")
    assert done.code == 3 and "services/c/app.py" in done.text and "--stage design" in done.text, done
    assert git(ours, "rev-parse", "HEAD") == head
    run(ours, "2", "4", "5")
    assert "libs.types.protocol.header" in (ours / "services/c/app.py").read_text()
    assert push(ours)
    git(theirs, "pull", "-q", "--no-rebase")
    assert migrate(theirs, "check-shims").code == 0


def test_somebody_pushes_while_a_stage_is_done(clone: Callable[[str], Path]) -> None:
    ours = clone("ours")
    run(ours, "1", "2", "3")
    assert push(ours)
    theirs = clone("theirs")
    commit(theirs, LATE, "a new service")
    assert push(theirs)
    run(ours, "4")
    assert not push(ours)  # git's own refusal
    git(ours, "pull", "-q", "--no-rebase", "--no-edit")
    done = migrate(ours, "check-shims")
    assert done.code == 1 and "services/c/app.py:1" in done.text, done
    assert migrate(ours, "check-shims", "--fix").code == 0
    git(ours, "commit", "-qam", "use the new names")
    assert push(ours)
    run(ours, "2", "5", "6")
    assert push(ours)
    assert migrate(ours, "check-shims").code == 0


def test_two_people_run_the_same_stage(clone: Callable[[str], Path]) -> None:
    ours, theirs = clone("ours"), clone("theirs")
    before = git(ours, "rev-parse", "HEAD^{tree}")
    run(ours, "1", "2", "3")
    run(theirs, "1", "2", "3", who="Ben")
    assert push(ours) and not push(theirs)
    merge = ["git", "pull", "-q", "--no-rebase", "--no-edit"]
    subprocess.run(merge, cwd=theirs, env=sample.environment(), capture_output=True, check=False)
    assert git(theirs, "diff", "--name-only", "--diff-filter=U") in ("", BLAME)
    text = (theirs / BLAME).read_text()
    kept = [line for line in text.splitlines() if not line.startswith(("<<<<<<<", "=======", ">>>>>>>"))]
    (theirs / BLAME).write_text("\n".join(kept) + "\n")
    git(theirs, "commit", "-qam", "merge the two")
    assert same_but_blame(theirs, "HEAD", "origin/main")
    assert push(theirs)
    run(theirs, "2", "4", "5", "6")
    assert migrate(theirs, "check-shims").code == 0
    head = git(theirs, "rev-parse", "HEAD")
    done = migrate(theirs, "rollback", "--to", "3")
    if done.code == 0:  # both runs of stage 3 are undone
        assert git(theirs, "rev-parse", "HEAD^{tree}") == before
    else:
        assert done.code == 3 and git(theirs, "rev-parse", "HEAD") == head, done


def test_slices_by_two_people(clone: Callable[[str], Path]) -> None:
    """Each lands a team's part in a clone of their own; the merge has both, and the rest follows."""
    ours = clone("ours")
    run(ours, "1", "2", "3")
    assert push(ours)
    theirs = clone("theirs")
    run(theirs, "1", "2")
    assert migrate(theirs, "--stage", "4", "--only", "services/b").code == 0
    assert push(theirs)
    assert migrate(ours, "--stage", "4", "--only", "services/a").code == 0
    assert not push(ours)
    command = ["git", "pull", "-q", "--no-rebase", "--no-edit"]
    subprocess.run(command, cwd=ours, env=sample.environment(), capture_output=True, check=False)
    assert git(ours, "diff", "--name-only", "--diff-filter=U") in ("", BLAME)
    rewriting = [git(ours, "log", "-1", "--format=%H", r, "--", "services") for r in ("HEAD", "origin/main")]
    assert migrate(ours, "check-shims", "--fix").code == 0  # which settles the list
    assert git(ours, "diff", "--name-only", "--diff-filter=U") == ""
    assert set(rewriting) <= set((ours / BLAME).read_text().splitlines())
    git(ours, "commit", "-qm", "merge the two")
    run(ours, "2", "4", "5", "6")
    assert push(ours)
