"""Two checkouts to measure: found, copied, built, and removed again.

Owns git, and everything that is written to the disk beside results.  Must not know workloads.

A revision becomes a temporary worktree; the working tree, with what is not committed yet, becomes a copy of the files
that git tracks or would track.  So the user's own build stays as it is, and base and head lie at paths of equal length,
which the import of a package can be counted by.  The compiled codec is built in each by its own setup.py.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

from .model import Layout, PerfError, Tree

MAIN_BRANCHES = ("main", "origin/main", "master", "origin/master")
BUILD_SECONDS = 600


@lru_cache
def layouts() -> tuple[Layout, ...]:
    """The known layouts, the newest first."""
    table = tomllib.loads(Path(__file__).with_name("layouts.toml").read_text(encoding="utf-8"))
    return tuple(
        Layout(each["name"], each["codec"], each["folder"], tuple(each["build"]), tuple(each["paths"]))
        for each in table["layout"]
    )


def layout_of(root: Path) -> Layout:
    """The layout of a checkout.  Raises PerfError."""
    for layout in layouts():
        if (root / layout.folder / "__init__.py").is_file() and (root / layout.folder / "_codec.py").is_file():
            return layout
    folders = ", ".join(layout.folder for layout in layouts())
    raise PerfError(f"{root}: no codec in {folders}; describe where it lies in tools/perf/layouts.toml")


def git(root: Path, *arguments: str, check: bool = True) -> str:
    """What git says.  Raises PerfError."""
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit {done.returncode}"]
        raise PerfError(f"git {' '.join(arguments[:2])} in {root}: {last[0]}")
    return done.stdout.strip() if done.returncode == 0 else ""


def top_of(folder: Path) -> Path:
    """The checkout that a folder is in.  Raises PerfError."""
    return Path(git(folder, "rev-parse", "--show-toplevel"))


def commit_of(root: Path, revision: str) -> str:
    """The commit of a revision.  Raises PerfError."""
    found = git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", check=False)
    if not found:
        raise PerfError(f"{revision}: no such commit in {root}; a shallow clone needs `git fetch --unshallow`")
    return found


def is_dirty(root: Path) -> bool:
    return bool(git(root, "status", "--porcelain"))


def default_base(root: Path) -> str:
    """What a change is compared with: where the branch left main; on main, what was committed before."""
    head = commit_of(root, "HEAD")
    for branch in MAIN_BRANCHES:
        if git(root, "rev-parse", "--verify", "--quiet", branch, check=False):
            base = git(root, "merge-base", branch, "HEAD", check=False)
            if base and base != head:
                return base
            break
    return head if is_dirty(root) else commit_of(root, "HEAD~1")


def trailers(root: Path, base: str, head: str, key: str) -> list[str]:
    """The values of a trailer in the commits that head has and base has not."""
    shown = git(root, "log", f"--format=%(trailers:key={key},valueonly,unfold)", f"{base}..{head}", check=False)
    return [line for line in shown.splitlines() if line]


@contextlib.contextmanager
def checkouts(root: Path, revisions: Sequence[str | None], *, build: bool = True) -> Iterator[list[Tree]]:
    """A tree for each revision, None being the working tree.  Raises PerfError.

    They are removed at the end, whatever happened.
    """
    work = Path(tempfile.mkdtemp(prefix="perf-"))
    worktrees: list[Path] = []
    try:
        trees = []
        for number, revision in enumerate(revisions):
            folder = work / f"tree{number}"
            if revision is None:
                copy_working_tree(root, folder)
            else:
                worktrees.append(folder)
                git(root, "worktree", "add", "--quiet", "--detach", str(folder), commit_of(root, revision))
            trees.append(_tree(root, folder, revision))
        if build:
            with ThreadPoolExecutor(len(trees) or 1) as pool:
                list(pool.map(build_codec, trees))
        yield trees
    finally:
        for folder in worktrees:
            git(root, "worktree", "remove", "--force", str(folder), check=False)
        shutil.rmtree(work, ignore_errors=True)
        if worktrees:
            git(root, "worktree", "prune", check=False)


def _tree(root: Path, folder: Path, revision: str | None) -> Tree:
    commit = commit_of(root, revision or "HEAD")
    subject = git(root, "log", "-1", "--format=%h %s", commit)
    dirty = revision is None and is_dirty(root)
    label = f"{subject} and what is not committed" if dirty else subject
    return Tree(folder, layout_of(folder), label, commit, git(root, "log", "-1", "--format=%cI", commit), dirty)


def copy_working_tree(root: Path, target: Path) -> None:
    """The files that git tracks or would track, as they are now."""
    listed = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    for name in filter(None, dict.fromkeys(listed)):
        source = root / name
        if source.is_file() and not source.is_symlink():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)


def build_codec(tree: Tree) -> None:
    """Compile the tree's codec where it lies.  Raises PerfError.  A tree from before there was one stays as it is."""
    folder = next((tree.root / each for each in tree.layout.build if (tree.root / each / "setup.py").is_file()), None)
    if folder is None:
        return
    command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
    environment = {**os.environ, "ALPHAPULSE_BUILD_C": "require", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS
    )
    if done.returncode != 0 or not list((tree.root / tree.layout.folder).glob("_codec_c*.*")):
        last = (done.stderr + done.stdout).strip().splitlines()[-1:] or ["nothing was built"]
        raise PerfError(
            f"the compiled codec of {tree.label} cannot be built ({last[0].strip()}); "
            "install a C compiler, or measure the other one with --implementation python"
        )
