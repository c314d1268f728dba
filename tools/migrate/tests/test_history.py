"""History checks on real repositories: moves done well, badly, in several steps, and by the hundred."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools.migrate import history
from tools.migrate.history import check_history
from tools.migrate.model import Finding


class Repo:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "-q", "-b", "main")
        for name, value in (("user.name", "A"), ("user.email", "a@example.org"), ("commit.gpgsign", "false")):
            self.git("config", name, value)

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, files: dict[str, str] | None = None) -> str:
        for name, text in (files or {}).items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "a commit")
        return self.git("rev-parse", "HEAD")

    def move(self, old: str, new: str) -> None:
        (self.root / new).parent.mkdir(parents=True, exist_ok=True)
        self.git("mv", old, new)

    def check(self, base: str, moved: dict[str, str]) -> list[Finding]:
        return check_history(self.root, base, moved)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path)


def body(name: str) -> str:
    return "".join(f"{name}_{n} = {n}\n" for n in range(20))


def test_nothing_moved(repo: Repo) -> None:
    assert repo.check(repo.commit({"a.py": "A = 1\n"}), {}) == []


def test_a_pure_move_then_a_rewrite_is_fine(repo: Repo) -> None:
    base = repo.commit({"old/a.py": body("a"), "old/sp ace-é.py": body("b"), "other.py": body("c")})
    moved = {"old/a.py": "new/deep/a.py", "old/sp ace-é.py": "new/deep/sp ace-é.py"}
    for old, new in moved.items():
        repo.move(old, new)
    repo.commit()
    repo.commit({"new/deep/a.py": "import x\n" + body("z"), "old/a.py": "a shim\n"})
    assert repo.check(base, moved) == []


def test_a_move_with_a_change_is_not_exact(repo: Repo) -> None:
    base = repo.commit({"old/a.py": body("a")})
    repo.move("old/a.py", "new/a.py")
    repo.commit({"new/a.py": body("a") + "more = 1\n"})
    found = repo.check(base, {"old/a.py": "new/a.py"})
    assert [f.text for f in found] == ["new/a.py was moved from old/a.py, but no commit shows an exact rename to it"]
    assert found[0].severity == "error" and found[0].path == "new/a.py"


def test_a_copy_made_by_hand_loses_its_history(repo: Repo) -> None:
    base = repo.commit({"old/a.py": body("a")})
    repo.commit({"new/a.py": body("other"), "old/a.py": "a shim\n"})
    texts = [f.text for f in repo.check(base, {"old/a.py": "new/a.py"})]
    assert len(texts) == 2 and "`git log --follow new/a.py` ends at" in texts[1]


def test_a_move_in_two_steps_is_followed(repo: Repo) -> None:
    base = repo.commit({"old/a.py": body("a")})
    repo.move("old/a.py", "middle/a.py")
    repo.commit()
    repo.commit({"middle/a.py": body("a") + "more = 1\n"})
    repo.move("middle/a.py", "new/a.py")
    repo.commit()
    assert repo.check(base, {"old/a.py": "new/a.py"}) == []


def test_a_move_from_elsewhere_is_told(repo: Repo) -> None:
    base = repo.commit({"old/a.py": body("a"), "old/b.py": body("b")})
    repo.move("old/b.py", "new/a.py")
    repo.commit()
    found = repo.check(base, {"old/a.py": "new/a.py"})
    assert [f.text for f in found] == ["new/a.py was moved from old/a.py, but git shows old/b.py as its source"]


def test_equal_files_may_be_paired_in_any_order(repo: Repo) -> None:
    files = {f"old/{n}/same.py": body("same") for n in "abcd"} | {f"old/{n}/__init__.py": "" for n in "abcd"}
    base = repo.commit(files)
    moved = {
        f"old/{n}/{f}": f"new/{m}/{f}" for n, m in zip("abcd", "dcba", strict=True) for f in ("same.py", "__init__.py")
    }
    for old, new in moved.items():
        repo.move(old, new)
    repo.commit()
    assert repo.check(base, moved) == []


def test_a_base_that_is_not_there(repo: Repo) -> None:
    repo.commit({"a.py": body("a")})
    found = repo.check("0123456789" * 4, {"x.py": "a.py"})
    assert len(found) == 1 and "cannot be read" in found[0].text and found[0].severity == "error"


def test_a_merge_between_is_no_obstacle(repo: Repo) -> None:
    base = repo.commit({"old/a.py": body("a"), "b.py": body("b")})
    repo.git("checkout", "-q", "-b", "side")
    repo.move("old/a.py", "new/a.py")
    repo.commit()
    repo.git("checkout", "-q", "main")
    repo.commit({"b.py": body("c")})
    repo.git("merge", "-q", "--no-edit", "side")
    assert repo.check(base, {"old/a.py": "new/a.py"}) == []


def test_hundreds_of_files_are_sampled(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "FOLLOW_LIMIT", 10)
    base = repo.commit({f"old/m{n}.py": body(f"m{n}") for n in range(300)})
    repo.git("mv", "old", "new")
    repo.commit()
    found = repo.check(base, {f"old/m{n}.py": f"new/m{n}.py" for n in range(300)})
    assert [(f.text, f.severity) for f in found] == [("`git log --follow` was tried for 10 of 300 moved files", "note")]
