"""The way back through the real command: which state it leads to, with whom in between, and from which clone.

The last section is about the same promise forwards: what is done stays done, and doing it again gives the same.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tools.migrate.tests import sample
from tools.migrate.tests.sample import Done, State, commit, git, state

pytestmark = [
    pytest.mark.skipif(shutil.which("git") is None, reason="needs git"),
    pytest.mark.timeout(300),
]
migrate = sample.served
BLAME = ".git-blame-ignore-revs"


def run(root: Path, *arguments: str) -> Done:
    done = migrate(root, *arguments)
    assert done.code == 0, done
    return done


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """The sample before stage 1 (0) and after each stage; copy before changing one."""
    folder = tmp_path_factory.mktemp("stages")
    made = {0: sample.build(folder / "0")}
    for number in range(1, 7):
        made[number] = sample.copy(made[number - 1], folder / str(number))
        run(made[number], "--stage", str(number))
    return made


@pytest.fixture
def at(stages: dict[int, Path], tmp_path: Path) -> Callable[[int], Path]:
    return lambda number: sample.copy(stages[number], tmp_path / f"at {number}")


def without_head(value: State) -> State:
    return replace(value, head="")


# exactness


@pytest.mark.parametrize(("to", "as_after"), [("3", 2), ("migrate", 2), ("1", 2), ("4", 3), ("5", 5), ("6", 5)])
def test_everything_is_as_before_the_stage(
    at: Callable[[int], Path], stages: dict[int, Path], to: str, as_after: int
) -> None:
    root, before = at(6), git(at(0), "rev-parse", "HEAD")
    run(root, "rollback", "--to", to)
    assert without_head(state(root)) == without_head(state(stages[as_after]))
    assert git(root, "merge-base", "--is-ancestor", before, "HEAD") == ""
    assert git(root, "log", "-1", "--format=%(trailers:key=Migration-Rollback,valueonly)") == {"migrate": "3"}.get(
        to, to
    )
    assert git(root, "log", "-1", "--format=%(trailers:key=Migration-Stage,valueonly)") == ""


def test_hard_takes_the_commits_off(at: Callable[[int], Path], stages: dict[int, Path]) -> None:
    root = at(6)
    run(root, "rollback", "--to", "4", "--hard")
    assert state(root) == state(stages[3])
    run(root, "rollback", "--to", "3", "--hard")
    assert state(root) == state(stages[2])


def test_again_forward_gives_the_same_as_the_first_time(at: Callable[[int], Path], stages: dict[int, Path]) -> None:
    root = at(6)
    run(root, "rollback", "--to", "3", "--hard")
    for number in (3, 4, 5, 6):
        run(root, "--stage", str(number))
        assert state(root) == state(stages[number]), number


def test_again_forward_after_a_rollback_commit(at: Callable[[int], Path], stages: dict[int, Path]) -> None:
    """Only the list of commits that blame ignores can differ: it holds other commits' hashes."""
    root = at(6)
    run(root, "rollback", "--to", "3")
    status = json.loads(run(root, "status", "--json").out)
    assert [s["state"] for s in status["stages"]] == ["done", "done", "next", "waiting", "waiting", "waiting"]
    for number in (3, 4, 5, 6):
        run(root, "--stage", str(number))
        want = {f for f in state(stages[number]).files if f[0] != BLAME}
        assert {f for f in state(root).files if f[0] != BLAME} == want, number
    run(root, "rollback", "--to", "4")
    assert {f for f in state(root).files if f[0] != BLAME} == {f for f in state(stages[3]).files if f[0] != BLAME}
    run(root, "rollback", "--to", "3")
    assert without_head(state(root)) == without_head(state(stages[2]))


def test_line_ends_that_an_add_would_turn(at: Callable[[int], Path]) -> None:
    """`core.autocrlf=input`: git keeps CRLF that it knows of at a path, and turns it at a path that is new to it."""
    root = at(2)
    git(root, "config", "core.autocrlf", "input")
    before = state(root)
    run(root, "--stage", "3")
    run(root, "rollback", "--to", "3")
    after = state(root)
    assert (after.files, after.index, after.status) == (before.files, before.index, before.status)


def test_rollback_to_the_design_forgets_the_plan(at: Callable[[int], Path]) -> None:
    root = at(3)
    run(root, "rollback", "--to", "2")
    done = migrate(root, "--stage", "3")
    assert done.code == 3 and "--stage design" in done.text


@pytest.mark.parametrize("number", [0, 2])
def test_nothing_to_undo(at: Callable[[int], Path], number: int) -> None:
    root = at(number)
    before = state(root)
    assert "nothing to undo" in run(root, "rollback", "--to", "3").out
    assert state(root) == before


def test_a_stage_that_was_not_reached(at: Callable[[int], Path]) -> None:
    root = at(4)
    before = state(root)
    assert "nothing to undo" in run(root, "rollback", "--to", "6").out
    assert state(root) == before


# others in between


def test_commits_of_others_stay(at: Callable[[int], Path], stages: dict[int, Path]) -> None:
    root = at(3)
    commit(root, {"services/a/app.py": sample.FILES["services/a/app.py"] + "\n\nX = 1\n", "new.txt": "new\n"})  # type: ignore[operator]
    commit(root, {"libs/types/protocol/daten/größe.txt": "1\n"}, "in a moved file")
    theirs = git(root, "rev-parse", "HEAD")
    run(root, "rollback", "--to", "3")
    files = {path: content for path, _, content in state(root).files}
    want = {path: content for path, _, content in state(stages[2]).files}
    want |= {"new.txt": b"new\n", "protocol_v2/daten/größe.txt": b"1\n"}
    want["services/a/app.py"] += b"\n\nX = 1\n"
    assert files == want
    assert git(root, "rev-parse", "HEAD~1") == theirs
    assert git(root, "worktree", "list").count("\n") == 0


def test_others_between_two_stages(at: Callable[[int], Path], stages: dict[int, Path]) -> None:
    root = at(3)
    commit(root, {"services/c.py": "import protocol_v2.header\n"})
    assert migrate(root, "--stage", "4").code == 3  # stale
    run(root, "--stage", "design")
    run(root, "--stage", "4")
    assert (root / "services/c.py").read_text() == "import libs.types.protocol.header\n"
    run(root, "rollback", "--to", "4")
    assert (root / "services/c.py").read_text() == "import protocol_v2.header\n"
    run(root, "rollback", "--to", "3")
    want = {f[0] for f in state(stages[2]).files} | {"services/c.py"}
    assert state(root).names() == want


def test_work_of_others_between_our_commits_stays(at: Callable[[int], Path], stages: dict[int, Path]) -> None:
    """HEAD is a commit of ours, so its tree says nothing of who has worked in between, if only on the lock."""
    root = at(3)
    lock = (root / "migration.lock").read_text()
    shim = (root / "protocol_v2/header.pyi").read_text()
    others = {"services/c.py": "C = 1\n", "protocol_v2/header.pyi": shim + "# formatted\n"}
    commit(root, {**others, "migration.lock": lock.replace("2030-01-01", "2031-01-01")}, "put off")
    run(root, "--stage", "design")
    run(root, "--stage", "4")
    done = run(root, "rollback", "--to", "3")
    assert "what others committed stays" in done.text
    assert (root / "services/c.py").read_text() == "C = 1\n"
    assert state(root).names() == {f[0] for f in state(stages[2]).files} | {"services/c.py"}


def test_what_git_reverted_is_not_undone_again(at: Callable[[int], Path], stages: dict[int, Path]) -> None:
    root = at(3)
    git(root, "revert", "--no-edit", "HEAD~3..HEAD")
    run(root, "--stage", "3")
    run(root, "rollback", "--to", "3")
    assert state(root).files == state(stages[2]).files


@pytest.mark.parametrize(
    ("stage", "revert", "locked"),
    [
        (3, "HEAD~1", False),  # the shims, and with them the lock, are gone, and the files have moved
        (4, "HEAD~2", True),  # old names are used, and the lock says that nobody does
        (6, "HEAD", False),
        (6, "HEAD~1", True),
    ],
)
def test_what_git_reverted_in_part_is_said_with_the_way_on(
    at: Callable[[int], Path], stages: dict[int, Path], stage: int, revert: str, locked: bool
) -> None:
    root = at(stage)
    git(root, "revert", "--no-edit", revert)
    reverted, by = git(root, "rev-parse", f"{revert}~1")[:10], git(root, "rev-parse", "HEAD")[:10]
    found = json.loads(run(root, "status", "--json").out)
    assert [s["state"] for s in found["stages"]] == ["done"] * (stage - 1) + ["undone"] + ["waiting"] * (6 - stage)
    assert found["stages"][stage - 1]["note"].startswith(f"in part, by git revert: {reverted} went, ")
    assert f"rollback --to {stage}  (or take it back: git revert {by})" in found["next"]
    again = migrate(root, "--stage", str(stage))
    assert again.code == 3 and (not locked or f"was undone in part, by git revert: {reverted}" in again.text), again
    back = sample.copy(root, root.with_name("back"))
    git(back, "revert", "--no-edit", "HEAD")
    assert {s["state"] for s in json.loads(run(back, "status", "--json").out)["stages"][:stage]} == {"done"}
    run(root, "rollback", "--to", str(stage))
    assert without_head(state(root)) == without_head(state(stages[stage - 1]))
    if stage < 6:
        run(root, "--stage", str(stage))
        assert "undone" not in run(root, "status").out


def test_all_of_a_stage_that_git_reverted_is_to_be_done_again(at: Callable[[int], Path]) -> None:
    root = at(4)
    git(root, "revert", "--no-edit", "HEAD~3..HEAD")
    assert "--stage 4" in json.loads(run(root, "status", "--json").out)["next"]
    run(root, "--stage", "4")
    git(root, "revert", "--no-edit", "HEAD")  # the list for blame, which is nobody's to keep
    assert "undone" not in run(root, "status").out


def test_new_files_of_others_go_back_with_their_folder(at: Callable[[int], Path], stages: dict[int, Path]) -> None:
    root = at(3)
    new: dict[str, str | bytes] = {
        "libs/types/protocol/extra.py": "from libs.types.protocol.header import Header\n",
        "libs/types/protocol/new/deep.py": "from ..header import Header\n",
        "services/c.py": "import libs.types.protocol as p\n",
    }
    commit(root, new)
    done = run(root, "rollback", "--to", "3")
    assert "still used in protocol_v2/extra.py, services/c.py: write the old ones" in done.text
    want = {f[0] for f in state(stages[2]).files}
    assert state(root).names() == want | {"protocol_v2/extra.py", "protocol_v2/new/deep.py", "services/c.py"}


def test_others_append_to_the_list_for_blame(at: Callable[[int], Path], stages: dict[int, Path]) -> None:
    root = at(4)
    theirs = b"# black\n" + b"a" * 40 + b"\n"
    commit(root, {BLAME: (root / BLAME).read_bytes() + theirs}, "formatted")
    run(root, "rollback", "--to", "4")
    assert (root / BLAME).read_bytes() == (stages[3] / BLAME).read_bytes() + theirs
    run(root, "rollback", "--to", "3")
    assert (root / BLAME).read_bytes() == (stages[2] / BLAME).read_bytes() + b"\n" + theirs


def test_the_list_for_blame_after_a_rebase(at: Callable[[int], Path], stages: dict[int, Path]) -> None:
    """It names commits that are gone then; so it does where somebody has amended the commit that wrote it."""
    root = at(4)
    git(root, "switch", "-qc", "other", "HEAD~6")
    commit(root, {"other.txt": "x\n"})
    git(root, "rebase", "-q", "other", "main")
    run(root, "rollback", "--to", "3")
    assert (root / BLAME).read_bytes() == (stages[2] / BLAME).read_bytes()
    root = root.rename(root.with_name("first"))
    root = at(4)
    git(root, "commit", "-q", "--amend", "-m", "for blame")
    run(root, "rollback", "--to", "4")
    assert (root / BLAME).read_bytes() == (stages[3] / BLAME).read_bytes()


def test_slices_of_two_branches(at: Callable[[int], Path], stages: dict[int, Path]) -> None:
    """Both append to the list for blame, and whoever merges keeps both; all is taken back."""
    root = at(3)
    for name, part in (("one", "services/a"), ("two", "services/b")):
        git(root, "switch", "-qc", name, "main")
        run(root, "--stage", "4", "--only", part)
    git(root, "merge", "-q", "-s", "ours", "--no-commit", "one")
    git(root, "checkout", "one", "--", "services/a")
    both = (root / BLAME).read_bytes() + git(root, "show", f"one:{BLAME}").encode()[-41:] + b"\n"
    commit(root, {BLAME: both}, "both slices")
    run(root, "rollback", "--to", "4")
    want = {f for f in state(stages[3]).files if f[0] != BLAME}
    assert {f for f in state(root).files if f[0] != BLAME} == want


def test_a_conflict_is_refused_with_the_file_and_nothing_changes(at: Callable[[int], Path]) -> None:
    root = at(4)
    text = (root / "services/a/app.py").read_text().replace("libs.types.protocol import", "libs.types.protocol  import")
    commit(root, {"services/a/app.py": text})
    before = state(root)
    done = migrate(root, "rollback", "--to", "4")
    assert done.code == 3 and "services/a/app.py" in done.text and "undo those commits first" in done.text, done
    assert state(root) == before
    assert git(root, "worktree", "list").count("\n") == 0


def test_hard_refuses_to_lose_commits_of_others(at: Callable[[int], Path]) -> None:
    root = at(4)
    commit(root, {"new.txt": "new\n"})
    before = state(root)
    done = migrate(root, "rollback", "--to", "4", "--hard")
    assert done.code == 3 and "commits by others" in done.text and "without --hard" in done.text, done
    assert state(root) == before


def test_hard_refuses_when_something_was_pushed(at: Callable[[int], Path], tmp_path: Path) -> None:
    root = at(4)
    git(tmp_path, "init", "-q", "--bare", "remote.git")
    git(root, "remote", "add", "origin", str(tmp_path / "remote.git"))
    git(root, "push", "-q", "origin", "main")
    before = state(root)
    done = migrate(root, "rollback", "--to", "4", "--hard")
    assert done.code == 3 and "on a remote already" in done.text and "without --hard" in done.text, done
    assert state(root) == before
    run(root, "rollback", "--to", "4")


def test_merged_with_a_merge_commit(at: Callable[[int], Path], stages: dict[int, Path]) -> None:
    root = at(2)
    git(root, "switch", "-qc", "move")
    run(root, "--stage", "3")
    git(root, "switch", "-q", "main")
    commit(root, {"meanwhile.txt": "x\n"})
    git(root, "merge", "-q", "--no-ff", "-m", "merge the move", "move")
    run(root, "rollback", "--to", "3")
    want = {f for f in state(stages[2]).files} | {("meanwhile.txt", "0o644", b"x\n")}
    assert set(state(root).files) == want


def test_an_untracked_file_in_the_way(at: Callable[[int], Path]) -> None:
    root = at(6)
    (root / "protocol_v2" / "header.py").write_text("mine\n")
    before = state(root)
    done = migrate(root, "rollback", "--to", "3")
    assert done.code == 3 and "protocol_v2/header.py" in done.text, done
    assert state(root) == before


def test_a_dirty_tree_is_refused_by_name(at: Callable[[int], Path]) -> None:
    root = at(4)
    (root / "untouched.txt").write_text("mine\n")
    before = state(root)
    done = migrate(root, "rollback", "--to", "3")
    assert done.code == 3 and "untouched.txt" in done.text, done
    assert state(root) == before


# another clone: commits and trailers, no journal


def clone(root: Path, place: Path) -> Path:
    git(root, "clone", "-q", str(root), str(place))
    return place


@pytest.mark.parametrize(("number", "to", "like"), [(6, "3", 2), (6, "6", 5), (4, "4", 3), (3, "3", 2)])
def test_rollback_in_another_clone(
    at: Callable[[int], Path], stages: dict[int, Path], tmp_path: Path, number: int, to: str, like: int
) -> None:
    other = clone(at(number), tmp_path / "clone")
    run(other, "rollback", "--to", to)
    assert state(other).tree == state(stages[like]).tree
    assert state(other).status == ""


def test_another_clone_after_back_and_forth(at: Callable[[int], Path], stages: dict[int, Path], tmp_path: Path) -> None:
    """The commits of stages that were rolled back, and the rollbacks themselves, have trailers as well."""
    root = at(4)
    run(root, "rollback", "--to", "4")
    run(root, "--stage", "4")
    other = clone(root, tmp_path / "clone")
    run(other, "rollback", "--to", "4")
    assert [f for f in state(other).index.splitlines() if BLAME not in f] == [
        f for f in state(stages[3]).index.splitlines() if BLAME not in f
    ]
    run(other, "rollback", "--to", "3")
    assert state(other).tree == state(stages[2]).tree
    assert "nothing to undo" in run(other, "rollback", "--to", "3").out


@pytest.mark.parametrize(("number", "following"), [(3, 1), (4, 1), (6, None)])
def test_status_in_another_clone(at: Callable[[int], Path], tmp_path: Path, number: int, following: int | None) -> None:
    """The tree says which stages have changed it; the baseline of the audit is this clone's own."""
    other = clone(at(number), tmp_path / "clone")
    document = json.loads(run(other, "status", "--json").out)
    states = {s["stage"]: s["state"] for s in document["stages"]}
    assert all(states[n] == "done" for n in (3, 4, 6) if n <= number)
    assert (states[6] == "done") == (number == 6)
    assert next((n for n, s in states.items() if s == "next"), None) == following


def test_going_on_in_another_clone(at: Callable[[int], Path], stages: dict[int, Path], tmp_path: Path) -> None:
    other = clone(at(3), tmp_path / "clone")
    done = migrate(other, "--stage", "4")
    assert done.code == 3 and "--stage audit" in done.text, done
    run(other, "--stage", "1")
    done = migrate(other, "--stage", "4")
    assert done.code == 3 and "--stage design" in done.text, done
    for number in ("2", "4", "5", "6"):
        run(other, "--stage", number)
    assert git(other, "ls-files") == git(stages[6], "ls-files")
    run(other, "rollback", "--to", "3")
    assert state(other).tree == state(stages[2]).tree


def test_squashed_commits_are_refused(at: Callable[[int], Path]) -> None:
    root = at(3)
    git(root, "reset", "-q", "--soft", "HEAD~3")
    git(root, "commit", "-qm", "squashed")
    before = state(root)
    done = migrate(root, "rollback", "--to", "3")
    assert done.code == 3 and "squashed" in done.text and "revert that commit" in done.text, done
    assert state(root) == before


def test_squashed_commits_can_be_let_pass(at: Callable[[int], Path]) -> None:
    """Nobody can mend the history any more; a line in the plan that says so is the way to the cleanup."""
    root = at(4)
    git(root, "reset", "-q", "--soft", "HEAD~6")
    plan = (root / "migration.toml").read_text()
    sample.write(root, {"migration.toml": plan.replace("[gates]", "[gates]\nhistory = false")})
    git(root, "commit", "-qam", "squashed")
    shutil.rmtree(root / ".git/migrate")  # as in another clone
    for stage in ("1", "2", "5"):
        done = run(root, "--stage", stage)
    assert "history is lost for" in done.out


# slices


def test_several_stages_squashed_with_their_messages(at: Callable[[int], Path], stages: dict[int, Path]) -> None:
    """As a forge does it: one commit that says both `Migration-Stage: 3` and `4` never counts as stage 4 alone."""
    root = at(2)
    git(root, "switch", "-qc", "move")
    run(root, "--stage", "3")
    run(root, "--stage", "4")
    said = git(root, "log", "--reverse", "--format=* %s%n%n%b", "main..HEAD")
    git(root, "switch", "-q", "main")
    git(root, "merge", "-q", "--squash", "move")
    git(root, "commit", "-qm", f"Move the types (#12)\n\n{said}")
    before = state(root)
    done = migrate(root, "rollback", "--to", "4")
    assert done.code == 3 and "squashed" in done.text and "roll back to 3" in done.text, done
    assert state(root) == before
    run(root, "rollback", "--to", "3")
    assert state(root).files == state(stages[2]).files


def test_slices_and_the_rest(at: Callable[[int], Path], stages: dict[int, Path]) -> None:
    root = at(3)
    for only in ("services/a", "services/b"):
        done = run(root, "--stage", "4", "--only", only)
        assert "1 place edited" not in done.out or only == "services/b"
        again = run(root, "--stage", "4", "--only", only)
        assert "nothing" in again.text, again
    assert "protocol_v2" not in (root / "services/a/app.py").read_text()
    assert "protocol_v2" in (root / "tests/test_all.py").read_text()
    run(root, "--stage", "4")
    files = {f for f in state(root).files if f[0] != BLAME}
    assert files == {f for f in state(stages[4]).files if f[0] != BLAME}
    run(root, "rollback", "--to", "4")
    assert without_head(state(root)) == without_head(state(stages[3]))


def test_slices_alone_are_rolled_back_in_another_clone(
    at: Callable[[int], Path], stages: dict[int, Path], tmp_path: Path
) -> None:
    root = at(3)
    run(root, "--stage", "4", "--only", "services/a")
    other = clone(root, tmp_path / "clone")
    run(other, "rollback", "--to", "4")
    assert state(other).tree == state(stages[3]).tree


def test_a_slice_that_does_not_exist(at: Callable[[int], Path]) -> None:
    root = at(3)
    before = state(root)
    done = migrate(root, "--stage", "4", "--only", "service/a")
    assert done.code == 2 and "'services/a'" in done.text, done
    assert state(root) == before


# the same again


def memory(root: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (root / ".git/migrate/unify").iterdir() if p.is_file()}


@pytest.mark.parametrize("number", range(1, 7))
def test_a_stage_that_is_done_changes_nothing(at: Callable[[int], Path], number: int) -> None:
    root = at(number)
    before, kept = state(root), memory(root)
    for stage in range(1, number + 1):
        done = run(root, "--stage", str(stage))
        assert "nothing to do" in done.out, done
    assert state(root) == before
    assert memory(root) == kept


def test_the_same_plan_on_the_same_commit_gives_the_same_hashes(stages: dict[int, Path], tmp_path: Path) -> None:
    root = sample.build(tmp_path / "elsewhere")
    run(root, "--stage", "all")
    assert state(root) == state(stages[6])


def test_module_moves_inside_a_package(tmp_path: Path) -> None:
    root = sample.build_modules(tmp_path / "r")
    before = state(root)
    run(root, "--stage", "all")
    after = state(root)
    assert {"pkg/common/http.py", "pkg/common/text.py", "pkg/common/__init__.py"} <= after.names()
    assert not {"pkg/http.py", "pkg/text.py"} & after.names()
    run(root, "rollback", "--to", "3", "--hard")
    assert state(root) == before
    for number in ("3", "4", "5", "6"):
        run(root, "--stage", number)
    assert state(root) == after
