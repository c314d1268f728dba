"""Stage 4 in parts: by folder, by member and by owner in CODEOWNERS, in any order, and who is left."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.migrate.model import PlanError
from tools.migrate.owners import Members, Owners
from tools.migrate.slices import chosen
from tools.migrate.tests import sample
from tools.migrate.tests.sample import git
from tools.migrate.tree import Tree

pytestmark = pytest.mark.timeout(300)
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
migrate = sample.migrate

OWNERS = """\
# who answers for what
*                 @org/everybody
/services/        @org/services   # the rest of the services
/services/a/      @org/Team-A ann@example.org
docs/             @org/writers
*.cfg
/tests/*.py       @org/testers
**/generated/**   @org/robots
a\\ b.txt          @org/space
"""


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("x.py", ["@org/everybody"]),
        ("services/b/app.py", ["@org/services"]),
        ("services/a/deep/app.py", ["@org/Team-A", "ann@example.org"]),
        ("old/services/a/x.py", ["@org/everybody"]),
        ("libs/docs/guide.md", ["@org/writers"]),
        ("docs", ["@org/everybody"]),
        ("services/a/setup.cfg", []),
        ("tests/test_x.py", ["@org/testers"]),
        ("tests/deep/test_x.py", ["@org/everybody"]),
        ("libs/generated/x/y.py", ["@org/robots"]),
        ("a b.txt", ["@org/space"]),
    ],
)
def test_the_last_rule_that_matches_decides(path: str, owners: list[str]) -> None:
    assert list(Owners(OWNERS).of_path(path)) == owners


def test_sections_have_usual_owners_and_add_up() -> None:
    text = "[Code] @code\n*.py\n/a/ @a\n\n^[Docs][2] @docs @words\n*.py @both\n*.md\n"
    owners = Owners(text)
    assert owners.of_path("x.py") == ("@code", "@both")
    assert owners.of_path("a/x.md") == ("@a", "@docs", "@words")
    assert owners.of_path("x.txt") == ()
    assert owners.names() == ["@a", "@both", "@code", "@docs", "@words"]


TREE = Tree.from_files(
    {
        ".github/CODEOWNERS": OWNERS,
        "CODEOWNERS": "* @wrong\n",
        "pyproject.toml": "[project]\nname = 'whole'\n",
        "services/a/pyproject.toml": "[project]\nname = 'Service.A'\n",
        "services/a/deep/app.py": "",
        "services/b/pyproject.toml": "[tool.x]\ny = 1\n",
        "services/b/app.py": "",
        "broken/pyproject.toml": "[project\n",
        "docs/x.md": "",
    }
)


def test_a_file_is_of_the_nearest_member() -> None:
    members = Members.of(TREE)
    assert members.names() == ["Service.A", "whole"]
    assert members.of_path("services/a/deep/app.py") == "Service.A"
    assert members.of_path("services/b/app.py") == "whole" == members.of_path("x.py")
    assert Members.of(Tree.from_files({"a/x.py": ""})).of_path("a/x.py") == ""


@pytest.mark.parametrize(
    ("word", "paths"),
    [
        ("services/a", ["services/a/deep/app.py", "services/a/pyproject.toml"]),
        ("./services/a/", ["services/a/deep/app.py", "services/a/pyproject.toml"]),
        ("services/b/app.py", ["services/b/app.py"]),
        ("service-a", ["services/a/deep/app.py", "services/a/pyproject.toml"]),
        ("@ORG/team-a", ["services/a/deep/app.py", "services/a/pyproject.toml"]),
        ("ann@example.org", ["services/a/deep/app.py", "services/a/pyproject.toml"]),
        ("@org/writers", ["docs/x.md"]),
        (".", list(TREE)),
    ],
)
def test_what_a_word_means(word: str, paths: list[str]) -> None:
    wanted = chosen(TREE, [word])
    assert [p for p in TREE if wanted(p)] == paths


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("services/c", "'services/"),
        ("@org/team-b", "@org/Team-A"),
        ("service-b", "did you mean"),
        ("zzz", "name a folder or file"),
        ("", "leave --only out"),
    ],
)
def test_a_word_that_means_nothing(word: str, said: str) -> None:
    with pytest.raises(PlanError, match="--only") as caught:
        chosen(TREE, [word])
    assert said in str(caught.value)


def test_an_owner_without_codeowners() -> None:
    with pytest.raises(PlanError, match="no CODEOWNERS"):
        chosen(Tree.from_files({"a.py": ""}), ["@a"])


# through the command

FILES: dict[str, str | bytes] = {
    ".github/CODEOWNERS": "* @org/rest\n/services/a/ @org/team-a\n/services/b/ @org/team-b\n/protocol_v2/ @org/wire\n",
    "services/a/pyproject.toml": '[project]\nname = "service-a"\nversion = "1"\n',
    "services/b/pyproject.toml": '[project]\nname = "service-b"\nversion = "1"\n',
}


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """After stage 3."""
    global migrate
    started = sample.Server()
    migrate = started.migrate
    root = sample.build(tmp_path_factory.mktemp("slices") / "r", sample.QUICK, FILES)
    for stage in ("1", "2", "3"):
        assert migrate(root, "--stage", stage).code == 0
    yield root
    started.close()
    migrate = sample.migrate


def left(root: Path) -> dict[str, dict[str, int]]:
    found = json.loads(migrate(root, "status", "--json").out)["left"]
    rows = [(row.get("owner", row.get("member")), row) for key in ("owners", "members") for row in found[key]]
    return {name: {k: row[k] for k in ("files", "places")} for name, row in rows}


@needs_git
def test_status_shows_who_is_left(moved: Path, tmp_path: Path) -> None:
    root = sample.copy(moved, tmp_path / "r")
    base, before = git(root, "rev-parse", "HEAD"), left(root)
    assert before["@org/team-a"] == before["service-a"] == {"files": 1, "places": 3}
    assert {"@org/team-b", "@org/rest", "service-b", ""} <= set(before)
    assert "--only @org/team-a" in migrate(root, "status").out
    assert migrate(root, "--stage", "4", "--only", "@org/team-a").code == 0
    assert "4 integrate  next         slices done: @org/team-a\n" in migrate(root, "status").out
    assert "This line was changed in stage 4" in migrate(root, "explain", "services/a/app.py:1").out
    assert "This line will be changed in stage 4" in migrate(root, "explain", "tests/test_all.py:3").out
    after = left(root)
    assert "@org/team-a" not in after and after["@org/team-b"] == before["@org/team-b"]
    done = migrate(root, "--stage", "4", "--only", "service-a")
    assert done.code == 0 and "nothing left to integrate under service-a" in done.out, done
    assert migrate(root, "--stage", "4", "--only", "service-a", "--only", "service-b").code == 0
    assert "service-b" not in left(root)
    assert migrate(root, "--stage", "4").code == 0
    assert json.loads(migrate(root, "status", "--json").out)["left"] is None
    commits = json.loads(migrate(root, "report", "--json").out)["stages"][3]["commits"]
    assert len(commits) == int(git(root, "rev-list", "--count", f"{base}..HEAD"))


@needs_git
def test_any_order_ends_with_the_same_tree(moved: Path, tmp_path: Path) -> None:
    """Only the list of commits that blame ignores differs, as it names other commits."""
    trees = set()
    for number, order in enumerate(itertools.permutations(["@org/team-a", "service-b", "tests"])):
        root = sample.copy(moved, tmp_path / str(number))
        for word in order:
            done = migrate(root, "--stage", "4", "--only", word)
            assert done.code == 0, done
            assert git(root, "log", "-1", "--format=%s", "--", "services", "tests") == f"Use the new names in {word}"
        assert migrate(root, "--stage", "4").code == 0
        git(root, "rm", "-q", "--cached", ".git-blame-ignore-revs")
        trees.add(git(root, "write-tree"))
    whole = sample.copy(moved, tmp_path / "whole")
    assert migrate(whole, "--stage", "4").code == 0
    git(whole, "rm", "-q", "--cached", ".git-blame-ignore-revs")
    assert trees == {git(whole, "write-tree")}


@needs_git
def test_a_dry_run_of_a_slice_shows_that_slice(moved: Path, tmp_path: Path) -> None:
    root = sample.copy(moved, tmp_path / "r")
    shown = migrate(root, "--stage", "4", "--only", "@org/team-a", "--dry-run")
    assert shown.code == 1 and "services/a/app.py" in shown.out, shown
    assert migrate(root, "--stage", "4", "--only", "services/nowhere", "--dry-run").code == 2
    assert migrate(root, "--stage", "4", "--only", "untouched.txt", "--dry-run").code == 0
    assert migrate(root, "--stage", "4", "--only", "@org/team-a").code == 0
    wanted = git(root, "rev-parse", "HEAD^{tree}")
    git(root, "revert", "--no-edit", "HEAD~1")
    assert "slices done" not in migrate(root, "status").out
    git(root, "reset", "-q", "--hard", "HEAD~1")
    assert "slices done" in migrate(root, "status").out
    git(root, "reset", "-q", "--hard", "HEAD~2")
    assert "slices done" not in migrate(root, "status").out
    (tmp_path / "diff").write_text(shown.out)
    git(root, "apply", "--index", str(tmp_path / "diff"))
    assert git(root, "diff", "--name-only", "--cached", wanted) == ".git-blame-ignore-revs"


@needs_git
def test_a_path_is_read_from_where_one_is(moved: Path, tmp_path: Path) -> None:
    root = sample.copy(moved, tmp_path / "r")
    base = git(root, "rev-parse", "HEAD")
    for word, where in ((".", root / "services/b"), ("../a", root / "services/b"), (str(root / "tests"), tmp_path)):
        assert migrate(root, "--root", str(root), "--stage", "4", "--only", word, cwd=where).code == 0
    changed = set(git(root, "diff", "--name-only", base).splitlines())
    assert {"services/a/app.py", "services/b/app.py", "tests/test_all.py"} <= changed
    assert all(p.startswith((".git-blame", "services/", "tests/")) for p in changed)


@needs_git
def test_a_slice_touches_nobody_elses_files(moved: Path, tmp_path: Path) -> None:
    root = sample.copy(moved, tmp_path / "r")
    base = git(root, "rev-parse", "HEAD")
    assert migrate(root, "--stage", "4", "--only", "@org/team-b").code == 0
    changed = git(root, "diff", "--name-only", base).splitlines()
    assert changed == [".git-blame-ignore-revs", "services/b/app.py"] or changed == [
        ".git-blame-ignore-revs", "services/b/app.py", "services/b/legacy.py",
    ]  # fmt: skip
