"""Starting git: one process for a question, with the settings that keep it from asking, paging and running hooks.

Owns the command line that every git of ours has, its environment, and where the checkout is.  It must not know what is
asked.  Text is decoded as the file system's names are, so that any name goes back to git as it came.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from .model import PlanError, Refused

# What the user's settings may not change: no hook runs (not even those that --no-verify leaves on), no signature or
# colour gets into what is read, no background process fights for the index, and paths are names, not patterns.
_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.safecrlf": "false",
    "log.showSignature": "false",
    "color.ui": "false",
    "submodule.recurse": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
}
_OPTIONS = ["--literal-pathspecs", *(word for k, v in _SETTINGS.items() for word in ("-c", f"{k}={v}"))]
# Nothing of ours may ask a question, page, or answer in another language.  A question leaves no lock behind either,
# should it be killed.
_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": "true", "GIT_PAGER": "cat", "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C.UTF-8", "LANGUAGE": "C",
}  # fmt: skip
_NO_WINDOW: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)


class Answer(NamedTuple):
    """What one git said, and its exit code."""

    code: int
    out: bytes
    said: str  # on stderr

    @property
    def text(self) -> str:
        """The output without the line end that closes it."""
        return os.fsdecode(self.out).removesuffix("\n")

    @property
    def reason(self) -> str:
        """The first line of what it said; "" after `-q`."""
        return next((line.strip() for line in self.said.splitlines() if line.strip()), "")


def run_git(
    folder: Path, *arguments: str, data: bytes | None = None, environment: Mapping[str, str] | None = None
) -> Answer:
    """Run git in a folder, `data` on its stdin.  Raises Refused if there is no git."""
    try:
        process = subprocess.Popen(
            [_program(), *_OPTIONS, *arguments],
            cwd=folder,
            env={**os.environ, **_ENVIRONMENT, **(environment or {})},
            stdin=subprocess.DEVNULL if data is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            creationflags=_NO_WINDOW,
        )
    except FileNotFoundError:
        raise Refused("git cannot be started", where="PATH", next_step="install git") from None
    try:
        out, said = process.communicate(data)
    finally:  # when we are interrupted it goes on alone: a git that is killed leaves its locks
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    return Answer(process.returncode, out, said.decode("utf-8", "replace"))


@cache
def _program() -> str:
    """On Windows the folder at hand is looked into first, which may be somebody's checkout."""
    if os.name != "nt":
        return "git"
    places = (Path(folder, "git.exe") for folder in os.get_exec_path() if os.path.isabs(folder))
    return str(next((p for p in places if p.is_file()), "git"))


def find_checkout(root: Path) -> tuple[Path, Path]:
    """The top folder of the checkout that holds `root`, and its git directory.

    Raises PlanError for a folder that is not there, Refused for one that is no checkout.
    """
    if not root.exists():
        raise PlanError("no such folder", where=str(root), next_step="name a git checkout with --root")
    asked = "--is-bare-repository", "--absolute-git-dir", "--show-toplevel"
    answer = run_git(_folder(root), "rev-parse", *asked)
    lines = answer.text.split("\n")
    if answer.code:
        if lines[0] in ("true", "false"):  # it knows the repository, and no folder of files
            raise Refused("a bare repository has no files to move", where=str(root), next_step="use a checkout")
        if "not a git repository" in answer.said:
            raise Refused(
                "not a git repository", where=str(root), next_step="run 'git init' and commit everything first"
            )
        raise Refused(answer.reason or "git failed", where=str(root), next_step="'git status' there must work first")
    if len(lines) > len(asked):  # a name with a line end in it
        lines = [run_git(_folder(root), "rev-parse", question).text for question in asked]
    return Path(lines[2]), Path(lines[1]).resolve()


def _folder(root: Path) -> Path:
    return root if root.is_dir() else root.parent
