"""The sample: a small legacy monorepo, written as a git repository with a history.

Owns the template under `legacy/` (the files as they stand in the last commit, under their real names) and the steps
by which they came to be.  Knows nothing of the stages that are run on the result.

`build` copies the template commit by commit: a step names the files that it brings, and for the few files that had an
earlier text, what was written there until a later step.  Every commit has a fixed author and a fixed date, and
neither the user's git settings nor the modes of the installed template (wheels lose them) have a say, so that the
same template always gives the same commit.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from tools.migrate.model import FailedMidway, Refused

TEMPLATE = pathlib.Path(__file__).resolve().parent / "legacy"
AUTHOR = ("AlphaPulse Demo", "demo@example.org")
SETTINGS = (f"user.name={AUTHOR[0]}", f"user.email={AUTHOR[1]}", "commit.gpgsign=false", "core.autocrlf=false")

# The files that somebody runs by their name.
EXECUTABLE = frozenset({"infra/replay.sh"})

# What every checkout in use has, and git does not see: it keeps the old folder alive after a move.
LEFTOVER = "protocol_v2/__pycache__/header.cpython-311.pyc"

# Installers compile what they unpack, and tests leave caches: neither is part of the template.
_NOT_TEMPLATE = frozenset({"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"})


@dataclass(frozen=True, slots=True)
class Step:
    """One commit: the files (or folders, with a slash at the end) that it brings, and when."""

    message: str
    date: str
    brings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Earlier:
    """Until step number `until`, `path` had the text `old` where the template has `new`."""

    path: str
    until: int
    new: str
    old: str


STEPS = (
    Step(
        "Wire format: header, TLVs and the dump tool",
        "2024-02-05T09:12:00+00:00",
        ("protocol_v2/", "pyproject.toml", ".gitignore"),
    ),
    Step(
        "Shared value types: fixed point, side, identifiers, events",
        "2024-03-18T15:40:00+00:00",
        ("libs/",),
    ),
    Step(
        "Gateway, strategy and book builder",
        "2024-06-10T11:05:00+00:00",
        ("services/", "conftest.py"),
    ),
    Step(
        "Market data relay, health check and replay script",
        "2024-09-02T08:30:00+00:00",
        ("relays/", "infra/"),
    ),
    Step(
        "Tests across the parts, documents and a workflow",
        "2025-01-21T16:55:00+00:00",
        ("tests/", "docs/", "README.md", ".github/"),
    ),
    Step(
        "Plan: one distribution for the wire format and the shared types",
        "2026-10-12T10:00:00+00:00",
        ("migration.toml",),
    ),
)

HISTORY = (
    Earlier("protocol_v2/pyproject.toml", 3, 'version = "2.3.0"', 'version = "2.0.0"'),
    Earlier("protocol_v2/__init__.py", 3, '"2.3.0"', '"2.0.0"'),
    Earlier("protocol_v2/tlv/parser.py", 3, "MAX_TLVS = 64", "MAX_TLVS = 16"),
    Earlier("pyproject.toml", 1, '"protocol_v2", "alphapulse_types", "services"]', '"protocol_v2"]'),
    Earlier("pyproject.toml", 1, '"protocol_v2", "libs/types", "services/*", "relays"]', '"protocol_v2"]'),
    Earlier("libs/types/pyproject.toml", 4, 'version = "0.4.0"', 'version = "0.1.0"'),
)


def build(target: pathlib.Path) -> None:
    """Write the sample into `target`, a folder that does not exist yet or is empty.

    Raises Refused where something is in the way or git is not installed, FailedMidway where git fails.
    """
    if shutil.which("git") is None:
        raise Refused("git was not found", next_step="install git, or add it to the PATH")
    if target.exists() and not target.is_dir():
        raise Refused("it is not a folder", where=str(target), next_step="name a folder that does not exist yet")
    if target.is_dir() and any(target.iterdir()):
        raise Refused("the folder is not empty", where=str(target), next_step="name a folder that does not exist yet")
    existed = target.is_dir()
    target.mkdir(parents=True, exist_ok=True)
    try:
        _commit_all(target)
    except BaseException:
        # Nothing of anybody's was in there: leave it as it was found.
        for path in target.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not existed:
            target.rmdir()
        raise


def _commit_all(target: pathlib.Path) -> None:
    _git(target, "init", "--quiet")
    _git(target, "symbolic-ref", "HEAD", "refs/heads/main")
    # The stages commit as well, and a fresh machine has no identity to commit with.
    for setting in SETTINGS:
        _git(target, "config", *setting.split("=", 1))
    for number, step in enumerate(STEPS):
        _write(target, number)
        # Forced, so that no ignore list leaves a file out.
        _git(target, "add", "--force", "--all", ".")
        _git(target, "commit", "--quiet", "--no-verify", "-m", step.message, date=step.date)
    leftover = target / LEFTOVER
    leftover.parent.mkdir(exist_ok=True)
    # Only looks like bytecode: Python finds its time stamp wrong, and compiles the source.
    leftover.write_bytes(b"\xa7\r\r\n" + bytes(12))


def template_files() -> Iterator[str]:
    """The template's files, with forward slashes, in order."""
    for path in sorted(TEMPLATE.rglob("*")):
        relative = path.relative_to(TEMPLATE)
        if path.is_file() and path.suffix != ".pyc" and not _NOT_TEMPLATE.intersection(relative.parts):
            yield relative.as_posix()


def text_at(path: str, number: int, content: str) -> str:
    """The text of a file as of step `number`, from its text in the template."""
    for earlier in HISTORY:
        if earlier.path == path and number < earlier.until:
            if earlier.new not in content:
                raise FailedMidway("the template and its history do not fit", where=path)
            content = content.replace(earlier.new, earlier.old)
    return content


def _write(target: pathlib.Path, number: int) -> None:
    brought = tuple(name for step in STEPS[: number + 1] for name in step.brings)
    for path in template_files():
        if not any(path == name or (name.endswith("/") and path.startswith(name)) for name in brought):
            continue
        # Bytes in and out: the template's line ends are part of the sample on every system.
        content = text_at(path, number, (TEMPLATE / path).read_bytes().decode("utf-8"))
        destination = target / path
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.write_bytes(content.encode("utf-8"))
        if path in EXECUTABLE:
            destination.chmod(destination.stat().st_mode | 0o111)


def _git(target: pathlib.Path, *arguments: str, date: str | None = None) -> None:
    # Run from a git hook, the environment points at another repository; and nobody's own settings (signing, hooks,
    # line ends) belong in a sample.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    if date is not None:
        environment |= {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    command = ["git", *(part for setting in SETTINGS for part in ("-c", setting)), *arguments]
    done = subprocess.run(command, cwd=target, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FailedMidway(f"git {arguments[0]} failed: {done.stderr.strip()}", where=str(target))
