"""What is written out of the tree from before: what changed and what the moved code may import, the rest on demand."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.migrate.oldtree import OldTree
from tools.migrate.opinion import Renaming, Side, second_opinion
from tools.migrate.repo import Repo

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

FILES = {
    "wire/__init__.py": "import helpers.text\nTABLE = 'schemas/a.json'\n",
    "wire/head.py": "import importlib\nmore = importlib.import_module('far' + 'away')\n",
    "libs/src/helpers/__init__.py": "from core import x\n",
    "libs/src/helpers/text.py": "",
    "core.py": "x = 1\n",
    "schemas/a.json": "{}",
    "faraway.py": "y = 1\n",
    "apps/one.py": "import wire.head\n",
    "apps/two.py": "import wire\n",
    "apps/logo.png": "",
    "wire/logo.png": "",
    "docs/core.md": "core",
}


def git(root: Path, *arguments: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", "-C", str(root), *who, *arguments], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    root = tmp_path / "checkout"
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "before")
    (root / "lib").mkdir()
    (root / "lib" / "__init__.py").write_text("")
    git(root, "mv", "wire", "lib/wire")
    (root / "apps" / "one.py").write_text("import lib.wire.head\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "after")
    return Repo(root)


def written(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_only_what_is_different_or_may_be_imported_is_written(repo: Repo, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    old = OldTree(repo, "HEAD~1", list(FILES), [".", "libs/src"], folder)
    different = {"wire/__init__.py", "wire/head.py", "wire/logo.png", "apps/one.py"}
    assert written(folder) == different
    assert old.changed == different | {
        "lib/__init__.py",
        "lib/wire/__init__.py",
        "lib/wire/head.py",
        "lib/wire/logo.png",
    }
    old.write(["wire/__init__.py", "wire/head.py"])
    named = {"libs/src/helpers/__init__.py", "libs/src/helpers/text.py", "core.py", "schemas/a.json"}
    assert written(folder) == different | named
    assert not old.lacks(["ModuleNotFoundError: No module named 'numpy'", "ValueError: faraway"])
    assert old.lacks(["ModuleNotFoundError: No module named 'faraway.deeper'"])
    assert old.lacks(["FileNotFoundError: [Errno 2] No such file or directory: 'x'"])
    old.write_rest()
    assert written(folder) == {p for p in FILES if p not in ("apps/logo.png", "docs/core.md")}
    assert not old.lacks(["ModuleNotFoundError: No module named 'faraway'"])
    assert git(repo.root, "status", "--porcelain") == ""


def test_a_part_gives_the_same_opinion_as_the_whole(repo: Repo, tmp_path: Path) -> None:
    """`wire.head` fails in the part, so the rest is written; `apps/two.py`, which was forgotten, is named."""
    now = git(repo.root, "ls-files").split()
    renaming = Renaming({"wire": "lib.wire"}, {p: f"lib/{p}" for p in FILES if p.startswith("wire/")})
    after, found = Side(repo.root, now, [".", "libs/src"]), []
    for name in ("whole", "part"):
        folder = tmp_path / name
        folder.mkdir()
        before, old = Side(folder, list(FILES), after.roots), None
        if name == "whole":
            repo.take_out("HEAD~1", folder)
        else:
            before, old = (
                Side(folder, list(FILES), after.roots, repo.root),
                OldTree(repo, "HEAD~1", list(FILES), after.roots, folder),
            )
            old.write(renaming.paths)
        doubtful = name == "part"
        found.append(second_opinion(sys.executable, before, after, renaming, old=old, timeout=20, doubtful=doubtful))
        assert (folder / "faraway.py").exists()
    assert found[0] == found[1]
    assert [(f.path, f.rule) for f in found[1]] == [("apps/two.py", "second-opinion.broken")]
