"""What git is set up to do in a checkout: its settings, who commits, whether signing and filters work.

Owns the reading of git's configuration and attributes.  Must not know what a stage needs of them.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Sequence

from .model import MigrateError
from .repo import Repo
from .tree import Tree

_BATCH = 400
_POINTER = b"version https://git-lfs.github.com/spec/"
_TEXT = (
    ".py", ".pyi", ".ipynb", ".toml", ".cfg", ".ini", ".json", ".yaml", ".yml", ".md", ".rst", ".txt", ".csv", ".xml",
    ".html", ".sql", ".sh", ".c", ".cpp", ".h", ".rs",
)  # fmt: skip


def value(repo: Repo, name: str) -> str:
    """A setting as it is written; "" if it is not set."""
    try:
        return repo.run("config", "--get", name)
    except MigrateError:
        return ""


def flag(repo: Repo, name: str, default: bool = False) -> bool:
    """A setting that is yes or no."""
    try:
        return repo.run("config", "--type=bool", "--get", name) == "true"
    except MigrateError:
        return default


def has_identity(repo: Repo) -> bool:
    try:
        repo.run("var", "GIT_COMMITTER_IDENT")
        repo.run("var", "GIT_AUTHOR_IDENT")
    except MigrateError:
        return False
    return True


def signing_problem(repo: Repo) -> str:
    """Why git cannot sign commits here, where the user wants them signed; "" if all is well."""
    if not flag(repo, "commit.gpgsign"):
        return ""
    try:
        repo.run("commit-tree", "-S", "-m", "can commits be signed here", "HEAD^{tree}")  # belongs to no branch
    except MigrateError as error:
        return error.what
    return ""


def filtered(repo: Repo, paths: Sequence[str]) -> dict[str, str]:
    """The filter of .gitattributes that each of these files goes through; files without one are left out."""
    found: dict[str, str] = {}
    for start in range(0, len(paths), _BATCH):
        out = repo.run("check-attr", "-z", "filter", "--", *paths[start : start + _BATCH]).split("\0")
        for path, name in zip(out[::3], out[2::3], strict=False):
            if name not in ("unspecified", "unset", "set"):
                found[path] = name
    return found


def unfetched(repo: Repo, tree: Tree, skip: Callable[[str], bool]) -> list[str]:
    """Text files of which git-lfs has fetched the pointer only, so that nobody could read them."""
    attributes = (p for p in tree if p.rpartition("/")[2] == ".gitattributes")
    if not any(b"filter=lfs" in tree.read(p) for p in attributes):
        return []
    paths = [p for p in tree if p.endswith(_TEXT) and not skip(p)]
    stored = [p for p, name in filtered(repo, paths).items() if name == "lfs"]
    return [p for p in stored if tree.read(p).startswith(_POINTER)]


def missing_filter(repo: Repo, paths: Sequence[str]) -> tuple[str, str, str] | None:
    """The first file that git cannot add because the command of its filter is not there: (path, filter, command)."""
    first: dict[str, str] = {}
    for path, name in filtered(repo, paths).items():
        first.setdefault(name, path)
    for name, path in sorted(first.items()):
        command = value(repo, f"filter.{name}.process") or value(repo, f"filter.{name}.clean")
        words = shlex.split(command)
        if words and flag(repo, f"filter.{name}.required") and shutil.which(words[0]) is None:
            return path, name, words[0]
    return None


def not_normal(repo: Repo, paths: Sequence[str]) -> list[str]:
    """Files whose line ends are not in git as their attributes ask for: git takes them for changed once written."""
    found = []
    for start in range(0, len(paths), _BATCH):
        out = repo.run("ls-files", "--eol", "-z", "--", *paths[start : start + _BATCH])
        for entry in out.split("\0"):
            ends, _, path = entry.partition("\t")
            words = ends.split()
            asked = words[2:] and (words[2] == "attr/text" or (words[2] != "attr/-text" and "eol=" in ends))
            if asked and words[0] in ("i/crlf", "i/mixed"):
                found.append(path)
    return found
