"""What a checkout can be like: each is worked with, or refused with one line before anything is touched.

`test_refusals` has the states of git (merges, detached heads, shallow and sparse checkouts, submodules); here are file
systems, filters, and people who work in the same checkout while a stage runs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.migrate.tests import sample
from tools.migrate.tests.sample import Done, commit, git, state

pytestmark = [
    pytest.mark.skipif(shutil.which("git") is None, reason="needs git"),
    pytest.mark.timeout(300),
]
migrate = sample.served


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., Path]:
    """A sample with these files, audited and designed."""

    def make(extra: dict[str, str | bytes] | None = None, gate: str = sample.QUICK) -> Path:
        root = sample.build(tmp_path / "r", gate, extra)
        design(root)
        return root

    return make


def design(root: Path) -> Done:
    out = [migrate(root, "--stage", stage) for stage in ("1", "2")]
    assert [done.code for done in out] == [0, 0], out
    return out[0]


def refused(root: Path, arguments: str, code: int, *said: str) -> None:
    before = state(root)
    done = migrate(root, *arguments.split())
    assert done.code == code, done
    for words in said:
        assert words in done.text, (words, done)
    assert state(root) == before


# file systems


def test_line_ends_that_attributes_ask_for_and_git_does_not_have(tmp_path: Path) -> None:
    root = sample.build(tmp_path / "r")
    os.utime(root / "protocol_v2/tlv/types.py", (1, 1))  # so that git trusts its index, and does not look again
    git(root, "update-index", "-q", "--refresh")
    commit(root, {".gitattributes": "*.py text\n"})
    design(root)
    refused(root, "--stage 3", 3, "protocol_v2/tlv/types.py", "other line ends", "--renormalize")


def test_another_git_at_work_is_waited_for_and_its_lock_left_alone(build: Callable[..., Path]) -> None:
    root = build()
    lock = root / ".git/index.lock"
    lock.touch()  # as of `git commit -a` while its editor is open
    done = migrate(root, "--stage", "3")
    assert done.code == 3 and "another git is at work" in done.text and "index.lock" in done.text, done
    assert lock.exists()
    lock.unlink()
    assert migrate(root, "--stage", "3").code == 0


def test_a_link_in_place_of_a_new_folder(build: Callable[..., Path], tmp_path: Path) -> None:
    root = build({".gitignore": "__pycache__/\n*.pyc\n*.log\nlibs/types/protocol\n"})
    (tmp_path / "elsewhere").mkdir()
    (root / "libs/types/protocol").symlink_to(tmp_path / "elsewhere")
    refused(root, "--stage 3", 3, "libs/types/protocol is a link", "elsewhere", "replace the link")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_links_as_files(build: Callable[..., Path]) -> None:
    root = build()
    git(root, "config", "core.symlinks", "false")
    for path in sample.LINKS:
        (root / path).unlink()
    git(root, "checkout", "-q", "--", *sample.LINKS)
    refused(root, "--stage 3", 3, "links are checked out as files", "core.symlinks")
    refused(root, "--stage 3 --dry-run", 3, "links are checked out as files")


@pytest.mark.parametrize(
    ("path", "said"),
    [("libs/types/Protocol/x.txt", "libs/types/Protocol"), ("libs/Types/other.txt", "libs/Types")],
)
def test_names_that_differ_by_case_only_where_that_is_one_file(
    build: Callable[..., Path], path: str, said: str
) -> None:
    root = build({path: "1\n"})
    git(root, "config", "core.ignorecase", "true")
    refused(root, "--stage 3", 3, said, "case only", "core.ignorecase")
    git(root, "config", "core.ignorecase", "false")
    assert migrate(root, "--stage", "3").code == 0


def test_twins_in_the_moving_package_where_case_counts(build: Callable[..., Path]) -> None:
    root = build({"protocol_v2/README": "1\n", "protocol_v2/readme": "2\n"})
    before = state(root)
    assert migrate(root, "--stage", "3").code == 0
    assert (root / "libs/types/protocol/README").read_text() == "1\n"
    assert (root / "libs/types/protocol/readme").read_text() == "2\n"
    assert migrate(root, "rollback", "--to", "3", "--hard").code == 0
    assert state(root) == before
    git(root, "config", "core.ignorecase", "true")
    refused(root, "--stage 3", 3, "case only", "core.ignorecase")


# filters


ATTRIBUTES: dict[str, str | bytes] = {".gitattributes": "*.bin filter=lfs -text\ndata/*.json filter=lfs -text\n"}
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12345\n"


def test_pointers_of_lfs_are_moved_as_they_are_and_unread_texts_listed(
    build: Callable[..., Path], tmp_path: Path
) -> None:
    texts: dict[str, str | bytes] = {
        **ATTRIBUTES,
        "protocol_v2/table.bin": POINTER.format("1" * 64),
        "data/old.json": POINTER.format("2" * 64),
        "data/other.txt": "here\n",
    }
    root = sample.build(tmp_path / "r", sample.QUICK, texts)
    out = json.loads(migrate(root, "--stage", "1", "--json").out)
    listed = [(f["path"], f["severity"]) for f in out["stages"][0]["findings"] if f["rule"] == "file.lfs"]
    assert listed == [("data/old.json", "warning")]
    before = state(root)
    for stage in ("2", "3"):
        assert migrate(root, "--stage", stage).code == 0
    assert (root / "libs/types/protocol/table.bin").read_text() == POINTER.format("1" * 64)
    assert migrate(root, "rollback", "--to", "3", "--hard").code == 0
    assert state(root) == before


def test_files_that_a_filter_stores_elsewhere(tmp_path: Path) -> None:
    """What git-lfs does, done by two small scripts: a pointer in git, the content in the working tree."""
    root = sample.build(tmp_path / "r", sample.QUICK)
    store = tmp_path / "store"
    store.mkdir()
    clean = tmp_path / "clean.sh"
    clean.write_text(
        f"#!/bin/sh\ncat > {store}/new\nid=$(git hash-object {store}/new)\nmv {store}/new {store}/$id\necho $id\n"
    )
    smudge = tmp_path / "smudge.sh"
    smudge.write_text(f"#!/bin/sh\nread id; cat {store}/$id\n")
    for name, script in (("clean", clean), ("smudge", smudge)):
        script.chmod(0o755)
        git(root, "config", f"filter.lfs.{name}", str(script))
    git(root, "config", "filter.lfs.required", "true")
    commit(root, {".gitattributes": "*.json filter=lfs -text\n/protocol_v2/raw/** filter=lfs -text\n"})
    files: dict[str, str | bytes] = {
        "services/a/names.json": '{"module": "protocol_v2.header"}\n',
        "protocol_v2/raw/a.dat": b"\x00\x01",
    }
    commit(root, files)
    assert len(git(root, "show", "HEAD:services/a/names.json")) == 40
    before = state(root)
    design(root)
    for stage in ("3", "4"):
        done = migrate(root, "--stage", stage)
        assert done.code == 0, done
    assert "libs.types.protocol.header" in (root / "services/a/names.json").read_text()
    assert len(git(root, "show", "HEAD:services/a/names.json")) == 40
    assert (root / "libs/types/protocol/raw/a.dat").read_bytes() == b"\x00\x01"
    assert len(git(root, "show", "HEAD:libs/types/protocol/raw/a.dat")) == 40
    assert migrate(root, "rollback", "--to", "3", "--hard").code == 0
    assert state(root) == before
    design(root)
    git(root, "config", "filter.lfs.clean", "no-such-lfs clean -- %f")
    done = migrate(root, "--stage", "3")
    assert done.code == 3 and "no-such-lfs" in done.text, done
    git(root, "config", "filter.lfs.clean", str(clean))
    assert state(root) == before


# people in the same checkout


def test_a_commit_by_somebody_else_while_the_gates_run(build: Callable[..., Path]) -> None:
    """Nothing of theirs is lost, the stage is not called done, and the way on is said."""
    theirs = "test ! -e migration.lock || (echo theirs > untouched.txt; git commit -qam theirs)"
    root = build(gate=f'"{theirs}"')
    before = git(root, "rev-parse", "HEAD")
    done = migrate(root, "--stage", "3")
    assert done.code == 4 and "git reset" in done.text, done
    commits = git(root, "log", "--format=%s", f"{before}..").splitlines()
    assert commits[0] == "theirs" and len(commits) > 2
    assert "interrupted" in migrate(root, "status").out
    git(root, "reset", "-q", "--hard", "HEAD~1")
    assert migrate(root, "rollback", "--to", "3").code == 0
    assert git(root, "rev-parse", "HEAD") == before


def test_another_branch_while_the_gates_run(build: Callable[..., Path]) -> None:
    root = build(gate='"test ! -e migration.lock || git switch -qc other"')
    before = state(root)
    done = migrate(root, "--stage", "3")
    assert done.code == 4 and "git symbolic-ref HEAD refs/heads/main" in done.text, done
    git(root, "symbolic-ref", "HEAD", "refs/heads/main")
    git(root, "branch", "-qD", "other")
    assert migrate(root, "rollback", "--to", "3").code == 0
    assert state(root) == before


def test_a_gate_that_hangs_is_ended_and_the_tree_put_back(tmp_path: Path) -> None:
    root = sample.build(tmp_path / "r", '"test ! -e migration.lock || sleep 600"')
    text = (root / "migration.toml").read_text() + "timeout = 2\n"
    commit(root, {"migration.toml": text}, "plan")
    design(root)
    refused(root, "--stage 3", 1, "2 s", "the tree is as it was")


def test_two_worktrees_at_the_same_time(build: Callable[..., Path], tmp_path: Path) -> None:
    """Each has its own lock, state, index and branch; what they share is the store of objects."""
    root = build(gate='"sleep 1"')
    other = tmp_path / "other"
    git(root, "worktree", "add", "-q", "-b", "other", str(other))
    design(other)
    env = sample.environment(PYTHONPATH=str(sample.TOOL))
    command = [sys.executable, "-m", "tools.migrate", "--stage", "3"]
    runs = [subprocess.Popen(command, cwd=place, env=env, stderr=subprocess.PIPE) for place in (root, other)]
    assert [(run.communicate(timeout=120)[1], run.returncode)[1] for run in runs] == [0, 0]
    assert git(root, "rev-parse", "main", "other").split()[0] == git(other, "rev-parse", "other")
    git(root, "fsck", "--no-progress")


def test_a_rollback_forgets_nobodys_worktree(build: Callable[..., Path], tmp_path: Path) -> None:
    """One on a disk that is not mounted now is still known afterwards."""
    root = build()
    git(root, "worktree", "add", "-q", "-b", "away", str(tmp_path / "away"))
    (tmp_path / "away").rename(tmp_path / "unplugged")
    assert migrate(root, "--stage", "3").code == 0
    commit(root, {"mine.txt": "1\n"})
    done = migrate(root, "rollback", "--to", "3")
    assert done.code == 0 and "others committed" in done.text, done
    assert "away" in git(root, "worktree", "list")
    assert not list((root / ".git/worktrees").glob("revert*"))


def test_a_plan_with_a_mark_in_front_and_a_commit_from_1970(tmp_path: Path) -> None:
    root = sample.build_modules(tmp_path / "r")
    plan = root / "migration.toml"
    plan.write_bytes(b"\xef\xbb\xbf" + plan.read_bytes())
    environment = sample.environment(GIT_COMMITTER_DATE="@100 +0000", GIT_AUTHOR_DATE="@100 +0000")
    subprocess.run(["git", "commit", "-qam", "edited on Windows"], cwd=root, env=environment, check=True)
    for stage in ("1", "2", "3"):
        done = migrate(root, "--stage", stage)
        assert done.code == 0, done
    dates = git(root, "log", "-4", "--format=%ct").splitlines()
    assert dates == [str(seconds) for seconds in (103, 102, 101, 100)]
