"""Checkouts to measure: which revision, which layout, what is copied, and that nothing is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.perf import processes, trees
from tools.perf.model import PerfError
from tools.perf.workloads import WORKLOADS

from .conftest import NATIVE, ROOT, commit, git


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A repository with the oldest layout's marks and nothing else."""
    root = tmp_path / "small"
    folder = root / trees.layouts()[-1].folder
    folder.mkdir(parents=True)
    for name in ("__init__.py", "_codec.py"):
        (folder / name).write_text("", encoding="utf-8")
    (root / ".gitignore").write_text("ignored\n", encoding="utf-8")
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root, "One")
    return root


def test_the_newest_layout_is_taken_where_both_are_there(small: Path) -> None:
    newest, oldest = trees.layouts()[0], trees.layouts()[-1]
    assert trees.layout_of(small) == oldest
    folder = small / newest.folder
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("", encoding="utf-8")
    assert trees.layout_of(small) == oldest, "a shim or a namespace alone is no codec"
    (folder / "_codec.py").write_text("", encoding="utf-8")
    assert trees.layout_of(small) == newest


def test_a_tree_without_a_codec_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(PerfError, match=r"no codec in .*layouts\.toml"):
        trees.layout_of(tmp_path)


def test_this_checkout_has_a_known_layout_and_nothing_else_names_it() -> None:
    """Names of packages that move are in layouts.toml alone, so a move cannot rewrite the past."""
    layout = trees.layout_of(ROOT)
    assert (ROOT / layout.folder / "benchmarks" / "peers.py").is_file()
    assert any((ROOT / folder / "setup.py").is_file() for folder in layout.build)
    names = {each.codec for each in trees.layouts()}
    for path in sorted((ROOT / "tools" / "perf").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert not [name for name in names if name in text], path


def test_the_plan_of_a_move_leaves_the_layouts_alone() -> None:
    plan = ROOT / "migration.toml"
    if not plan.is_file():
        pytest.skip("no move is planned")
    assert '"tools/perf/layouts.toml"' in plan.read_text(encoding="utf-8")


def test_the_base_is_where_the_branch_left_main(small: Path) -> None:
    first = git(small, "rev-parse", "HEAD")
    (small / "new.txt").write_text("", encoding="utf-8")
    assert trees.default_base(small) == first, "on main, what is not committed is compared with what is"
    second = commit(small, "Two")
    assert trees.default_base(small) == first, "on main, the commit before"
    git(small, "switch", "--quiet", "--create", "branch")
    commit(small, "Three")
    commit(small, "Four")
    assert trees.default_base(small) == second


def test_what_is_measured_is_the_working_tree_as_it_is(small: Path) -> None:
    (small / "ignored").write_text("", encoding="utf-8")
    (small / "new.txt").write_text("new", encoding="utf-8")
    with trees.checkouts(small, ["HEAD", None], build=False) as (base, head):
        assert not (base.root / "new.txt").exists() and (head.root / "new.txt").read_text(encoding="utf-8") == "new"
        assert not (head.root / "ignored").exists()
        assert len(str(base.root)) == len(str(head.root)), "an import is counted by it"
        assert (base.dirty, head.dirty) == (False, True) and head.label.endswith("not committed")
        assert base.root.as_posix() in git(small, "worktree", "list")
    assert not base.root.exists() and not head.root.exists()
    assert len(git(small, "worktree", "list").splitlines()) == 1


def test_worktrees_go_whatever_happens(small: Path) -> None:
    folder = None
    with pytest.raises(ZeroDivisionError), trees.checkouts(small, ["HEAD"], build=False) as (tree,):
        folder = tree.root
        raise ZeroDivisionError
    assert folder is not None and not folder.exists()
    assert len(git(small, "worktree", "list").splitlines()) == 1


def test_an_unknown_revision_is_named(small: Path) -> None:
    with pytest.raises(PerfError, match="nowhere: no such commit"), trees.checkouts(small, ["nowhere"], build=False):
        pass
    assert len(git(small, "worktree", "list").splitlines()) == 1


def test_reasons_are_trailers_between_base_and_head(small: Path) -> None:
    first = git(small, "rev-parse", "HEAD")
    commit(small, "Two\n\nSlower: parse trade: it verifies\n  more than before\nSlower: framing: another")
    commit(small, "Three\n\nSlower in a sentence is no trailer.")
    assert trees.trailers(small, first, "HEAD", "Slower") == [
        "parse trade: it verifies more than before",
        "framing: another",
    ]
    assert trees.trailers(small, "HEAD", "HEAD", "Slower") == []


def test_every_workload_runs_in_this_tree(original: Path) -> None:
    names = [each.name for each in WORKLOADS]
    with trees.checkouts(original, [None], build=False) as (tree,):
        found = processes.ask(tree, "probe", names, "python")
        blocks = processes.ask(tree, "blocks", names, "python")
        memory = processes.ask(tree, "memory", ["messages as bytes"], "python", messages=20_000)
    assert found["left_out"] == {} and found["able"] == names and found["implementation"] == "python"
    assert blocks["build trade"] == pytest.approx(1, abs=0.1), "the bytes of the message"
    assert blocks["decode batch"] < 0.1
    assert 100 < memory < 250, "74 bytes, an object around them, a place in a list"


def test_another_copy_of_the_codec_is_not_measured_by_mistake(original: Path, tmp_path: Path) -> None:
    with trees.checkouts(original, [None], build=False) as (tree,):
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        with pytest.raises(PerfError, match="outside of the tree under test"):
            processes.ask(tree, "probe", [], "python", root=str(elsewhere))


@pytest.mark.skipif(not NATIVE, reason="no C compiler")
def test_a_codec_that_cannot_be_built_is_an_error(repository: Path) -> None:
    header = repository / trees.layout_of(repository).folder / "_native" / "core.h"
    header.write_text("#error no\n", encoding="utf-8")
    with pytest.raises(PerfError, match="cannot be built"), trees.checkouts(repository, [None]):
        pass


def test_the_other_implementation_is_not_measured_by_mistake(original: Path) -> None:
    with (
        trees.checkouts(original, [None], build=False) as (tree,),
        pytest.raises(PerfError, match="asks for the compiled codec"),
    ):
        processes.ask(tree, "probe", [], "c")


def test_a_worker_that_ends_is_an_error_with_its_last_words(original: Path) -> None:
    with (
        trees.checkouts(original, [None], build=False) as (tree,),
        processes.Turns(tree, "python") as turns,
    ):
        assert turns.run("parse trade", 3) > 0
        with pytest.raises(PerfError, match=r"no such workload: the process ended .*KeyError"):
            turns.run("no such workload", 3)
