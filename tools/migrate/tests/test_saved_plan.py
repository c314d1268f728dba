"""The saved plan: its schema, that exactly it is carried out, and that it is refused if anything changed meanwhile."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from tools.migrate.difftext import unified
from tools.migrate.terminal import show_diff
from tools.migrate.tests import sample
from tools.migrate.tests.sample import commit, git, state
from tools.migrate.tree import Tree

pytestmark = [
    pytest.mark.skipif(shutil.which("git") is None, reason="needs git"),
    pytest.mark.timeout(300),
]
BLAME = ".git-blame-ignore-revs"
PLAN = ".git/migrate/unify/plan.json"
migrate = sample.migrate

MEMBERS: dict[str, str | bytes] = {
    "pyproject.toml": '[project]\nname = "whole"\nversion = "1"\ndependencies = ["protocol-v2"]\n',
    "protocol_v2/pyproject.toml": '[project]\nname = "protocol-v2"\nversion = "2"\n',
    "docs/a b.md": "`protocol_v2.header`, ü\n",
    "docs/form\ffeed.md": "a\x0c protocol_v2.header\u2028b\rc",
    'notes\twith "quotes".md': "protocol_v2.header",
    "docs/bom.py": b"\xef\xbb\xbfimport protocol_v2\n",
}


@pytest.fixture(scope="module")
def designed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    global migrate
    started = sample.Server()
    migrate = started.migrate
    root = sample.build(tmp_path_factory.mktemp("plan") / "r", sample.QUICK, MEMBERS)
    for stage in ("1", "2"):
        assert migrate(root, "--stage", stage).code == 0
    yield root
    started.close()
    migrate = sample.migrate


@pytest.fixture
def ready(designed: Path, tmp_path: Path) -> Path:
    return sample.copy(designed, tmp_path / "r")


def schema() -> dict[str, Any]:
    text = resources.files("tools.migrate").joinpath("schemas/saved-plan.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.fixture(scope="module")
def problems() -> Callable[[Any], list[str]]:
    """What is wrong with a document, by the schema."""
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(schema())
    validator = jsonschema.Draft202012Validator(schema())
    return lambda document: [f"{list(e.absolute_path)}: {e.message[:200]}" for e in validator.iter_errors(document)]


def test_plans_are_as_the_schema_says(ready: Path, problems: Callable[[Any], list[str]]) -> None:
    document = json.loads((ready / PLAN).read_text())
    assert problems(document) == []
    kinds = {o["do"] for groups in document["groups"].values() for g in groups for o in g["operations"]}
    assert kinds == {"move", "edit", "write", "remove"}
    for stage in ("3", "2", "4", "2"):
        done = migrate(ready, "--stage", stage)
        assert done.code == 0, done
        if stage == "2":
            assert problems(json.loads((ready / PLAN).read_text())) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: d.pop("tool"),
        lambda d: d.update(more=1),
        lambda d: d.update(commit="HEAD"),
        lambda d: d["groups"].pop("4"),
        lambda d: d["groups"]["3"][0].update(hook="x"),
        lambda d: d["groups"]["3"][0]["operations"][0].update(do="run"),
        lambda d: d["groups"]["3"][0]["operations"][0]["files"][0].append("x"),
        lambda d: d["findings"][0].update(severity="fatal"),
    ],
)
def test_the_schema_refuses_other_documents(
    designed: Path, problems: Callable[[Any], list[str]], damage: Callable[[Any], Any]
) -> None:
    document = json.loads((designed / PLAN).read_text())
    damage(document)
    assert problems(document)


def test_what_is_applied_is_what_was_planned(designed: Path, tmp_path: Path) -> None:
    """git applies the dry run's diff to a tree from before the stage; the result is the tree after the stage."""
    root = sample.copy(designed, tmp_path / "real")
    whole = migrate(root, "--stage", "all", "--dry-run").out
    for stage in ("3", "4", "6"):
        other = sample.copy(root, tmp_path / f"applied {stage}")
        shown = migrate(root, "--stage", stage, "--dry-run")
        assert shown.code == 1 and shown.out
        git(other, "checkout", "-q", "--", ".")
        done = subprocess.run(
            ["git", "apply", "--index", "--whitespace=nowarn", "-"], cwd=other, env=sample.environment(),
            input=shown.out.encode(), capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        assert migrate(root, "--stage", stage).code == 0
        if stage == "4":
            assert migrate(root, "--stage", "5").code == 0
        differ = git(root, "diff", "--name-only", git(other, "write-tree"), "HEAD").splitlines()
        assert differ in ([], [BLAME])  # it names the stage's own commits
        assert (root / "migration.lock").read_bytes() == (other / "migration.lock").read_bytes()
    other = sample.copy(designed, tmp_path / "applied whole")
    git(other, "checkout", "-q", "--", ".")
    (tmp_path / "whole").write_bytes(whole.encode())
    git(other, "apply", "--index", "--whitespace=nowarn", str(tmp_path / "whole"))
    trees = [git(r, "ls-tree", "-r", t).splitlines() for r, t in ((root, "HEAD"), (other, git(other, "write-tree")))]
    assert all(BLAME in line for line in {*trees[0]} ^ {*trees[1]})


def test_a_diff_of_another_encoding_is_written_as_git_takes_it(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    before, after = (Tree.from_files({"a.py": b"# caf\xe9\nimport " + name + b"\n"}) for name in (b"old", b"new"))
    assert show_diff(unified(before, after, {})) == 1
    assert b"\n # caf\xe9\n-import old\n+import new\n" in capfdbinary.readouterr().out


def refused(root: Path, *said: str, stage: str = "3") -> None:
    before = state(root)
    done = migrate(root, "--stage", stage)
    assert done.code == 3, done
    for words in said:
        assert words in done.text, (words, done)
    assert state(root) == before


def test_a_planned_file_that_changed_is_named(ready: Path) -> None:
    (ready / "services/a/app.py").write_text("import protocol_v2  # changed\n")
    refused(ready, "services/a/app.py", "commit or stash")
    git(ready, "commit", "-qam", "changed")
    refused(ready, "the saved plan is stale", "HEAD is", "services/a/app.py", "--stage audit", "--stage design")
    assert migrate(ready, "--stage", "1").code == 0
    refused(ready, "the saved plan is stale", "services/a/app.py", "'--stage design'")


def test_planned_files_are_named_first(ready: Path) -> None:
    files: dict[str, str | bytes] = {f"aaa/{n}.txt": "new\n" for n in range(9)}
    commit(ready, {**files, "services/a/app.py": "import protocol_v2  # changed\n"})
    refused(ready, "which changed services/a/app.py, aaa/0.txt", "and 5 more, 1 of them planned")


def test_a_plan_file_that_changed_is_named(ready: Path) -> None:
    text = (ready / "migration.toml").read_text().replace("2030", "2031")
    commit(ready, {"migration.toml": text})
    refused(ready, "the saved plan is stale", "migration.toml changed")


def test_a_saved_plan_that_was_edited_is_named(ready: Path) -> None:
    """The reviewed plan is the one that is carried out, or none."""
    document = json.loads((ready / PLAN).read_text())
    document["groups"]["4"][0]["operations"].pop()
    (ready / PLAN).write_text(json.dumps(document))
    refused(ready, "plan.json is not as design wrote it", "'--stage design'")
    assert migrate(ready, "--stage", "2").code == 0
    assert migrate(ready, "--stage", "3").code == 0


def test_commits_between_stages_are_named_without_the_stages_own(ready: Path) -> None:
    assert migrate(ready, "--stage", "3").code == 0
    commit(ready, {"services/new.py": "import protocol_v2\n"})
    refused(ready, "the saved plan is stale", "which changed services/new.py", stage="4")
    assert "libs/types/protocol" not in migrate(ready, "--stage", "4").text
