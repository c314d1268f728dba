"""Every refusal through the real command: its exit code, a message that says what, where and what next, and no trace.

`refused` compares the whole state before and after.  The other half of the file holds what must *not* stop a run: odd
paths, hooks, settings of git, files that do not parse.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
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


def refused(root: Path, arguments: str, code: int, *said: str, **extra: str) -> Done:
    before = state(root)
    done = migrate(root, *arguments.split(), cwd=None, **extra)
    assert done.code == code, done
    for words in said:
        assert words in done.text, (words, done)
    error = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert len(error) == 1 and "; " in error[0], done  # what, and what to do next
    assert "Traceback" not in done.text
    assert state(root) == before
    return done


@pytest.fixture(scope="module")
def designed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = sample.build(tmp_path_factory.mktemp("designed") / "r")
    for stage in ("1", "2"):
        assert migrate(root, "--stage", stage).code == 0
    return root


@pytest.fixture
def ready(designed: Path, tmp_path: Path) -> Path:
    """The next stage is 3."""
    return sample.copy(designed, tmp_path / "ready")


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    return sample.build(tmp_path / "fresh")


def plan(root: Path, old: str, new: str) -> None:
    text = (root / "migration.toml").read_text()
    assert old in text
    commit(root, {"migration.toml": text.replace(old, new)}, "plan")


# the command line and the plan


def test_no_plan(fresh: Path) -> None:
    git(fresh, "rm", "-q", "migration.toml")
    git(fresh, "commit", "-qm", "no plan")
    refused(fresh, "--stage 1", 2, "migration.toml", "init")
    refused(fresh, "status", 2, "migration.toml", "init")


def test_unknown_key(fresh: Path) -> None:
    plan(fresh, 'owner = "platform', 'ownr = "platform')
    refused(fresh, "--stage audit", 2, "migration.toml:15:1", "ownr", "'owner'")


def test_from_that_does_not_exist(fresh: Path) -> None:
    plan(fresh, 'from = "protocol_v2"', 'from = "protocol_v3"')
    refused(fresh, "--stage 1", 2, "migration.toml", "'protocol_v3'", "'protocol_v2'")


def test_to_that_exists(fresh: Path) -> None:
    plan(fresh, '"libs.types.protocol"', '"services.a"')
    refused(fresh, "--stage 1", 2, "migration.toml", "services/a", "another 'to'")


def test_to_inside_from(fresh: Path) -> None:
    plan(fresh, '"libs.types.protocol"', '"protocol_v2.inner"')
    refused(fresh, "--stage 1", 2, "migration.toml:7", "protocol_v2.inner", "choose a name outside of it")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--stage migrat", "'migrate'"),
        ("--stage 7", "1 to 6"),
        ("--stage 0", "1 to 6"),
        ("rollback --to integrat", "'integrate'"),
        ("rollback", "--to"),
        ("--stage 3 --only services", "--only"),
        ("statsu", "status"),
        ("--stage 1 --plan nowhere.toml", "nowhere.toml"),
        ("--root nowhere --stage 1", "nowhere"),
    ],
)
def test_wrong_command_line(designed: Path, arguments: str, said: str) -> None:
    refused(designed, arguments, 2, said)


# the state of the checkout


def test_unstaged_change(ready: Path) -> None:
    (ready / "services/a/app.py").write_text("mine\n")
    refused(ready, "--stage 3", 3, "services/a/app.py", "commit or stash")


def test_staged_change(ready: Path) -> None:
    (ready / "untouched.txt").write_text("mine\n")
    git(ready, "add", "untouched.txt")
    refused(ready, "--stage 3", 3, "untouched.txt", "commit or stash")


def test_staged_new_file(ready: Path) -> None:
    (ready / "new.txt").write_text("mine\n")
    git(ready, "add", "new.txt")
    refused(ready, "--stage 3", 3, "new.txt", "commit or stash")


@pytest.mark.parametrize(
    "path", ["libs/types/protocol/header.py", "libs/types/protocol/tlv", "migration.lock", "libs/types/common"]
)
def test_untracked_file_in_the_way(ready: Path, path: str) -> None:
    (ready / path).parent.mkdir(parents=True, exist_ok=True)
    (ready / path).write_text("mine\n")
    refused(ready, "--stage 3", 3, path, "move it away")


def test_untracked_list_of_commits_for_blame(tmp_path: Path) -> None:
    root = sample.build(tmp_path / "r")
    git(root, "rm", "-q", "--cached", ".git-blame-ignore-revs")
    git(root, "commit", "-qm", "local only")
    for stage in ("1", "2"):
        assert migrate(root, "--stage", stage).code == 0
    refused(root, "--stage 3", 3, ".git-blame-ignore-revs", "move it away")


def test_stage_out_of_order(fresh: Path) -> None:
    refused(fresh, "--stage 4", 3, "stage 4 (integrate)", "stage 1 (audit)", "--stage audit")
    refused(fresh, "--stage 3", 3, "--stage audit")


def test_stage_4_before_3(ready: Path) -> None:
    refused(ready, "--stage 4", 3, "stage 3 (migrate)", "not done", "--stage migrate")


def test_not_a_repository(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    done = migrate(tmp_path / "x", "--stage", "1", GIT_CEILING_DIRECTORIES=str(tmp_path))
    assert done.code == 3 and "not a git repository" in done.text and "git init" in done.text, done


def test_bare_repository(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "x.git")
    done = migrate(tmp_path / "x.git", "--stage", "1")
    assert done.code == 3 and "bare" in done.text and "checkout" in done.text, done


def test_no_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "x")
    shutil.copy(Path(__file__).with_name("sample.py"), tmp_path / "x")
    (tmp_path / "x/migration.toml").write_text(sample.PLAN.format(gate=""))
    done = migrate(tmp_path / "x", "--stage", "1")
    assert done.code == 3 and "no commit" in done.text, done


def test_detached_head(ready: Path) -> None:
    git(ready, "checkout", "-q", "--detach")
    refused(ready, "--stage 3", 3, "detached", "git switch")


def test_submodule_in_the_moving_package(tmp_path: Path) -> None:
    root = sample.build(tmp_path / "r")
    other = sample.build_modules(tmp_path / "other")
    git(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "protocol_v2/vendored")
    git(root, "commit", "-qm", "submodule")
    refused(root, "--stage 1", 3, "protocol_v2/vendored", "submodule")


def test_submodule_elsewhere_is_left_alone(tmp_path: Path) -> None:
    root = sample.build(tmp_path / "r")
    other = sample.build_modules(tmp_path / "other")
    git(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "vendor/other")
    git(root, "commit", "-qm", "submodule")
    (root / "vendor/other/new.txt").write_text("work in the submodule\n")
    before = state(root)
    for stage in ("1", "2", "3", "4"):
        assert migrate(root, "--stage", stage).code == 0
    assert migrate(root, "rollback", "--to", "3", "--hard").code == 0
    assert state(root) == before


def test_shallow_clone(ready: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth", "1", ready.as_uri(), "shallow")
    root = tmp_path / "shallow"
    for stage in ("1", "2"):
        assert migrate(root, "--stage", stage).code == 0
    refused(root, "--stage 3", 3, "shallow", "--unshallow")


def test_merge_under_way(ready: Path) -> None:
    git(ready, "switch", "-qc", "other")
    commit(ready, {"other.txt": "1\n"})
    git(ready, "switch", "-q", "main")
    git(ready, "merge", "-q", "--no-ff", "--no-commit", "-s", "ours", "other")
    refused(ready, "--stage 3", 3, "merge is under way", "finish or abort")


def test_sparse_checkout(ready: Path) -> None:
    git(ready, "sparse-checkout", "set", "--no-cone", "/*", "!/docs/")
    refused(ready, "--stage 3", 3, "not checked out", "docs/", "sparse-checkout disable")


def test_stale_after_a_commit(ready: Path) -> None:
    commit(ready, {"services/new.py": "import protocol_v2\n"})
    refused(ready, "--stage 3", 3, "--stage")


def test_stale_after_an_edited_plan(ready: Path) -> None:
    plan(ready, "2030-01-01", "2031-01-01")
    refused(ready, "--stage 3", 3, "--stage")


def test_stale_design_alone(ready: Path) -> None:
    commit(ready, {"services/new.py": "import protocol_v2\n"})
    assert migrate(ready, "--stage", "1").code == 0
    refused(ready, "--stage 3", 3, "stale", "--stage design")


def test_an_empty_commit_makes_nothing_stale(ready: Path) -> None:
    git(ready, "commit", "-q", "--allow-empty", "-m", "start the build")
    assert migrate(ready, "--stage", "3").code == 0


def test_lock_held_by_another_run(ready: Path) -> None:
    import filelock

    with filelock.FileLock(ready / ".git/migrate/lock"):
        refused(ready, "--stage 3", 3, "another run", "wait")
        refused(ready, "rollback --to 3", 3, "another run", "wait")
        assert migrate(ready, "status").code == 0
    assert migrate(ready, "--stage", "3").code == 0


def test_no_identity(ready: Path) -> None:
    git(ready, "config", "user.useConfigOnly", "true")
    nobody = {f"GIT_{who}_{what}": "" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    refused(ready, "--stage 3", 3, "who commits", "git config user.email", **nobody)


def test_signing_without_a_key(ready: Path) -> None:
    git(ready, "config", "commit.gpgsign", "true")
    git(ready, "config", "gpg.program", "false")
    refused(ready, "--stage 3", 3, "commit.gpgsign", "user.signingkey")


def test_signing_that_works(ready: Path, tmp_path: Path) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("needs ssh-keygen")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    for key, value in {"commit.gpgsign": "true", "gpg.format": "ssh", "user.signingkey": f"{tmp_path}/key.pub"}.items():
        git(ready, "config", key, value)
    git(ready, "config", "log.showSignature", "true")
    assert migrate(ready, "--stage", "3").code == 0
    assert "gpgsig" in git(ready, "cat-file", "commit", "HEAD")


def test_git_is_missing(ready: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    before = state(ready)
    done = sample.migrate(ready, "--stage", "3", PATH=str(tmp_path / "bin"))
    assert done.code == 3 and "git cannot be started" in done.text and "Traceback" not in done.text, done
    assert state(ready) == before


# gates


def test_a_gate_that_fails_after_the_stage(tmp_path: Path) -> None:
    check = "import pathlib\n\n\ndef test_stays():\n    assert pathlib.Path('protocol' + '_v2', 'header.py').exists()\n"
    root = sample.build(tmp_path / "r", sample.PYTEST, {"tests/test_place.py": check})
    for stage in ("1", "2"):
        assert migrate(root, "--stage", stage).code == 0
    refused(root, "--stage 3", 1, "tests/test_place.py::test_stays", "passed before", "the tree is as it was")
    done = refused(root, "--stage 3 --json", 1)
    assert json.loads(done.out)["exit"] == 1


def test_a_gate_without_its_tool(fresh: Path) -> None:
    plan(fresh, "tests = [", 'tests = ["no-such-tool --check", ')
    refused(fresh, "--stage 1", 1, "no-such-tool", "[gates]")
    refused(fresh, "--stage 1", 1, "no-such-tool")  # not taken for done
    refused(fresh, "--stage 2", 3, "--stage audit")


def test_what_a_gate_writes_is_put_back_and_kept(tmp_path: Path) -> None:
    root = sample.build(tmp_path / "r", '"echo written by a gate > untouched.txt"')
    before = state(root)
    done = migrate(root, "--stage", "1")
    assert done.code == 0 and "untouched.txt" in done.err, done
    assert state(root) == before
    kept = root / ".git/migrate/unify/discarded/untouched.txt"
    assert kept.read_text() == "written by a gate\n" and str(kept.parent) in done.text


# what must not stop a run


def through(root: Path, cwd: Path | None = None, **extra: str) -> None:
    """All stages, then exactly back."""
    before = state(root)
    done = migrate(root, "--stage", "all", cwd=cwd, **extra)
    assert done.code == 0, done
    assert (root / "libs/types/protocol/header.py").is_file() and not (root / "protocol_v2/header.py").exists()
    done = migrate(root, "rollback", "--to", "3", "--hard", cwd=cwd, **extra)
    assert done.code == 0, done
    assert state(root) == before


def test_a_file_that_does_not_parse_is_listed(fresh: Path) -> None:
    done = migrate(fresh, "--stage", "1")
    assert done.code == 0 and "services/b/legacy.py:1" in done.text and "does not parse" in done.text, done


def test_odd_path_and_a_subfolder(tmp_path: Path) -> None:
    root = sample.build(tmp_path / "mein Ordner (ä) [1]" / "größe 'x'")
    through(root, cwd=root / "services" / "a")


def test_names_that_look_like_patterns(tmp_path: Path) -> None:
    root = sample.build(
        tmp_path / "r", extra={"protocol_v2/[a-z]*.py": "import protocol_v2\n", ":(top)x.py": "x = 1\n"}
    )
    through(root)


def test_linked_worktree(fresh: Path, tmp_path: Path) -> None:
    git(fresh, "worktree", "add", "-q", str(tmp_path / "linked"), "-b", "move")
    before = state(fresh)
    through(tmp_path / "linked")
    assert state(fresh) == before
    assert not (fresh / ".git/migrate").exists()


def test_a_git_directory_on_another_file_system(tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or not os.access(other, os.W_OK) or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second file system")
    root = sample.build(tmp_path / "r")
    place = other / f"migrate-test-{os.getpid()}"
    try:
        shutil.move(root / ".git", place)
        (root / ".git").write_text(f"gitdir: {place}\n")
        through(root)
    finally:
        shutil.rmtree(place, ignore_errors=True)


@pytest.mark.parametrize("safe", ["true", "false"])
def test_automatic_line_ends(fresh: Path, tmp_path: Path, safe: str) -> None:
    git(fresh, "config", "core.autocrlf", "true")
    git(fresh, "config", "core.safecrlf", safe)
    git(fresh, "rm", "-q", "--cached", "-r", ".")
    git(fresh, "reset", "-q", "--hard")
    assert b"\r\n" in (fresh / "services/a/app.py").read_bytes()
    through(fresh)
    assert migrate(fresh, "--stage", "3").code == 0
    assert migrate(fresh, "--stage", "4").code == 0
    assert (fresh / "services/a/app.py").read_bytes().count(b"\r\n") == 6
    added = git(fresh, "show", "--numstat", "--format=", "HEAD~2", "--", "services/a/app.py").split("\t")[0]
    assert added == "3"  # lines with a reference; new line ends would make it all six


def test_working_copies_with_the_other_line_ends(tmp_path: Path) -> None:
    """Files checked out before core.autocrlf was set keep LF in the working tree, and git calls them clean."""
    root = sample.build(tmp_path / "r", '"test ! -e migration.lock"')
    git(root, "config", "core.autocrlf", "true")
    for stage in ("1", "2"):
        assert migrate(root, "--stage", stage).code == 0
    refused(root, "--stage 3", 1, "exit 1", "the tree is as it was")


@pytest.mark.parametrize("name", ["pre-commit", "commit-msg", "prepare-commit-msg", "post-commit", "post-checkout"])
def test_hooks_do_not_matter(ready: Path, name: str) -> None:
    hook = ready / ".git/hooks" / name
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\necho hook >> untouched.txt\n[ -z "$1" ] || echo changed >> "$1"\nexit 1\n')
    hook.chmod(0o755)
    assert migrate(ready, "--stage", "3").code == 0
    assert git(ready, "log", "-1", "--format=%(trailers:key=Migration-Plan,valueonly)") == "unify"
    assert "changed" not in git(ready, "log", "-3", "--format=%B")


def test_settings_do_not_matter(ready: Path) -> None:
    settings = {
        "color.ui": "always", "core.quotePath": "true", "status.showUntrackedFiles": "all", "diff.noprefix": "true",
        "diff.mnemonicPrefix": "true", "commit.verbose": "true", "commit.cleanup": "strip", "core.commentChar": "M",
        "log.decorate": "full", "log.date": "human", "diff.renames": "false", "status.relativePaths": "true",
    }  # fmt: skip
    before = state(ready)
    for key, value in settings.items():
        git(ready, "config", key, value)
    assert migrate(ready, "--stage", "all").code == 0
    assert migrate(ready, "rollback", "--to", "3").code == 0
    assert state(ready).files == before.files


def test_started_from_a_hook_of_another_repository(ready: Path, tmp_path: Path) -> None:
    other = sample.build_modules(tmp_path / "other")
    before = state(other)
    git_dir = str(other / ".git")
    done = migrate(ready, "--stage", "3", GIT_DIR=git_dir, GIT_WORK_TREE=str(other), GIT_INDEX_FILE=f"{git_dir}/index")
    assert done.code == 0, done
    assert state(other) == before
    assert (ready / "libs/types/protocol/header.py").is_file()


def test_the_plan_may_lie_elsewhere(fresh: Path, tmp_path: Path) -> None:
    git(fresh, "rm", "-q", "migration.toml")
    git(fresh, "commit", "-qm", "no plan")
    outside = tmp_path / "plan.toml"
    outside.write_text(sample.PLAN.format(gate=sample.QUICK))
    for stage in ("1", "2", "3"):
        assert migrate(tmp_path, "--root", str(fresh), "--plan", str(outside), "--stage", stage).code == 0


# machines


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("status", 0), ("--stage 1", 0), ("--stage 3 --dry-run", 1), ("diff", 0), ("diff --stage 4", 0),
        ("rollback --to 3", 0), ("check-shims", 0), ("report", 0), ("init", 3), ("--stage 4", 3), ("--stage 9", 2),
        ("rollback", 2), ("nonsense", 2), ("--nonsense", 2), ("status --plan nowhere.toml", 2),
    ],
)  # fmt: skip
def test_json_is_one_document(designed: Path, arguments: str, code: int) -> None:
    before = state(designed)
    run = sample.migrate if code == 2 else migrate
    done = run(designed, *arguments.split(), "--json")
    assert done.code == code, done
    document = json.loads(done.out)
    assert document["schema"] == 1
    if code in (2, 3):
        assert {"error", "where", "next", "exit"} <= set(document) and document["exit"] == code
    assert state(designed) == before


def test_json_of_the_stages_that_change_something(ready: Path) -> None:
    for stage in ("3", "4", "5", "6"):
        done = migrate(ready, "--stage", stage, "--json")
        assert done.code == 0 and json.loads(done.out)["schema"] == 1, done
    done = migrate(ready, "check-shims", "--json")
    assert json.loads(done.out)["schema"] == 1, done


# interruption


def start(root: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tools.migrate", *arguments], cwd=root, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=sample.environment(PYTHONPATH=str(sample.TOOL)), start_new_session=True,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_interrupted_while_the_gates_run(tmp_path: Path, number: str) -> None:
    root = sample.build(tmp_path / "r", slow_gate(60))
    for stage in ("1", "2"):
        assert migrate(root, "--stage", stage).code == 0
    before = state(root)
    process = start(root, "--stage", "3")
    wait_for(lambda: len(list((root / ".git/migrate/unify/gates/0").glob("gate-*"))) == 2)
    time.sleep(0.5)
    os.kill(process.pid, getattr(signal, number))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert "interrupted" in err and "same command continues" in err and "Traceback" not in err
    assert state(root) == before
    (root / ".git/go").write_text("")
    assert migrate(root, "--stage", "3").code == 0


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def slow_gate(seconds: int) -> str:
    """Takes its time once stage 3 has done its work, unless told to go on."""
    return f'"test ! -e migration.lock -o -e .git/go || sleep {seconds}"'


def cut_off(root: Path) -> None:
    """Kill stage 3 while its gate runs, so that all commits are there and the journal does not say "done"."""
    process = start(root, "--stage", "3")
    wait_for(lambda: len(list((root / ".git/migrate/unify/gates/0").glob("gate-*"))) == 2)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.fixture(scope="module")
def designed_slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = sample.build(tmp_path_factory.mktemp("slow") / "r", slow_gate(3))
    for stage in ("1", "2"):
        assert migrate(root, "--stage", stage).code == 0
    cut_off(root)
    return root


@pytest.fixture
def cut(designed_slow: Path, tmp_path: Path) -> Path:
    root = tmp_path / "cut"
    shutil.copytree(designed_slow, root, symlinks=True)
    (root / ".git/go").write_text("")
    return root


def test_other_commands_wait_for_the_one_that_was_cut_off(cut: Path) -> None:
    assert "interrupted" in migrate(cut, "status").out
    for arguments in ("--stage 4", "--stage 2", "rollback --to 4"):
        refused(cut, arguments, 3, "stage 3 was interrupted", "--stage 3", "rollback")
    assert migrate(cut, "--stage", "3").code == 0


@pytest.mark.parametrize(
    "path", ["libs/types/protocol/shared.py", "protocol_v2/__init__.py", "docs/header.py", "migration.lock"]
)
def test_own_work_after_the_kill_is_never_lost(cut: Path, tmp_path: Path, path: str) -> None:
    place = cut / path
    place.unlink()
    place.write_text("my own work\n")
    refused(cut, "--stage 3", 3, path, "move your own version")
    refused(cut, "rollback --to 3", 3, path, "move your own version")
    place.rename(tmp_path / "mine")
    done = migrate(cut, "--stage", "3")
    assert done.code == 0, done


def test_own_work_in_a_moved_file_after_the_kill(cut: Path) -> None:
    (cut / "libs/types/protocol/header.py").write_text("my own work\n")
    done = migrate(cut, "--stage", "3")
    assert done.code == 3 and "protocol_v2/header.py" in done.text, done
    assert (cut / "protocol_v2/header.py").read_text() == "my own work\n"
    git(cut, "stash")
    assert migrate(cut, "--stage", "3").code == 0


@pytest.mark.parametrize("path", ["untouched.txt", ".git-blame-ignore-revs"])
def test_own_work_elsewhere_after_the_kill(cut: Path, path: str) -> None:
    (cut / path).write_text("my own work\n")
    done = migrate(cut, "--stage", "3")
    assert done.code == 3 and path in done.text and "stash" in done.text, done
    assert (cut / path).read_text() == "my own work\n"
    git(cut, "stash")
    assert migrate(cut, "--stage", "3").code == 0


def test_own_new_files_after_the_kill_stay(cut: Path) -> None:
    (cut / "libs/types/protocol/mine.py").write_text("my own work\n")
    assert migrate(cut, "rollback", "--to", "3").code == 0
    assert (cut / "libs/types/protocol/mine.py").read_text() == "my own work\n"


def test_a_commit_after_the_kill_is_refused(cut: Path) -> None:
    mine = commit(cut, {"mine.txt": "mine\n"})
    refused(cut, "--stage 3", 3, mine[:12], "git reset")


def test_another_branch_after_the_kill_is_refused(cut: Path) -> None:
    git(cut, "switch", "-qc", "other")
    refused(cut, "--stage 3", 3, "branch main", "other", "git symbolic-ref")
    git(cut, "symbolic-ref", "HEAD", "refs/heads/main")
    assert migrate(cut, "--stage", "3").code == 0


def test_a_damaged_memory_is_refused_with_the_way_out(cut: Path) -> None:
    (cut / ".git/migrate/unify/running.json").write_text("{")
    refused(cut, "--stage 3", 3, "running.json", "git reset --hard")


@pytest.mark.parametrize("third", ["", "import pytest\n\npytest.skip('not here', allow_module_level=True)\n"])
def test_a_gate_in_which_no_test_ran_stops_the_audit(tmp_path: Path, third: str) -> None:
    """One file that cannot be collected keeps pytest from running all others; one that is skipped is no test."""
    plan = '[migration]\nname = "m"\n[[move]]\nfrom = "old"\nto = "new"\n[gates]\ntests = ["python -m pytest -q"]\n'
    files = {"migration.toml": plan, "old/__init__.py": "", "test_b.py": "def test_b(): pass\n", "test_c.py": third}
    git(tmp_path, "init", "-q", "-b", "main")
    commit(tmp_path, {**files, "test_a.py": "import no_such_module\n"}, "everything")
    done = migrate(tmp_path, "--stage", "1")
    assert done.code == 1 and "no test ran, there are errors only (test_a.py)" in done.err, done
