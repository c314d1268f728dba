"""Runs stages in forked children that kill themselves with SIGKILL at a chosen step; started by `test_resume`.

Owns what counts as a step: every call that changes something on the disk, by the tool itself (`os`), by git, or in the
journal.  One JSON line on stdin is one run, one on stdout its end.  A server, because the tool takes longer to import
than to run; forked, because only a real SIGKILL leaves what a real one leaves: no `finally`, no flush, no release.

A job with `argv` is the whole command line without the time that a new interpreter takes; nothing is killed then.

`how` is "before" a step, "half" way through it (a half-done `git mv` with git's lock left behind, a cut line in the
journal, a temporary file that never got its name), or "" for an undisturbed run.

Points that nobody chose: `after` so many seconds the run is killed from outside with all that it has started
(`alone`: without that), and at `event`, a number among the system calls that Python reports, it kills itself so.
`fail` is an error's number that the system call `event`, if it writes, comes back with, and with `lasting` every later
one as well: a full disk, a folder that may not be written.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tools.migrate import cli, commands
from tools.migrate.journal import Journal
from tools.migrate.model import MigrateError
from tools.migrate.repo import Repo
from tools.migrate.session import Session

STEPS = ("replace", "rename", "unlink", "rmdir", "mkdir")
GIT = {"mv", "add", "commit", "reset", "checkout", "update-index", "worktree", "-C"}


class Counter:
    def __init__(self, at: int, how: str, root: Path) -> None:
        self.at, self.how, self.root, self.count, self.names = at, how, root, 0, list[str]()

    def step(self, name: str, half: Any = None) -> None:
        self.count += 1
        self.names.append(name)
        if self.count == self.at and self.how:
            if self.how == "half" and half is not None:
                half()
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        for name in STEPS:
            self._wrap(name)
        run, add = Repo.run, Journal.add

        def counted_run(repo: Repo, *arguments: str, **environment: str) -> str:
            if arguments[0] in GIT:
                self.step(f"git {arguments[0]}", lambda: self._half_git(repo, arguments))
            return run(repo, *arguments, **environment)

        def counted_add(journal: Journal, event: str, **facts: Any) -> None:
            self.step(f"journal {event}", lambda: self._half_line(journal, event))
            add(journal, event, **facts)

        Repo.run, Journal.add = counted_run, counted_add  # type: ignore[method-assign,assignment]

    def _wrap(self, name: str) -> None:
        original = getattr(os, name)

        def counted(*arguments: Any, **named: Any) -> Any:
            self.step(f"os.{name}")
            return original(*arguments, **named)

        setattr(os, name, counted)

    def _half_git(self, repo: Repo, arguments: tuple[str, ...]) -> None:
        """What a git that dies with us leaves: its locks, and half of the files moved without the index."""
        (repo.git_dir / "index.lock").write_bytes(b"")
        if arguments[0] in ("commit", "reset"):
            (repo.git_dir / "HEAD.lock").write_bytes(b"")
        if arguments[0] == "mv":
            names = [a for a in arguments[1:] if a != "--"]
            for old in names[: len(names) // 2]:
                target = self.root / names[-1]
                place = target / Path(old).name if target.is_dir() else target
                os.system(f"mv '{self.root / old}' '{place}'")

    def _half_line(self, journal: Journal, event: str) -> None:
        journal.folder.mkdir(parents=True, exist_ok=True)
        with journal.file.open("ab") as file:
            file.write(f'{{"event": "{event}", "ba'.encode())


class Events:
    """Counts what Python tells of its system calls; at one of them the run dies, or is told that it failed."""

    FAMILIES = ("os.", "shutil.", "subprocess.", "tempfile.", "fcntl.")
    WRITES = ("os.rename", "os.mkdir", "os.symlink", "os.truncate", "os.link", "tempfile.mkstemp", "os.posix_fallocate")

    def __init__(self, job: dict[str, Any]) -> None:
        self.at, self.alone = job.get("event", 0), job.get("alone", False)
        self.fail, self.lasting = job.get("fail", 0), job.get("lasting", False)
        self.count, self.failed = 0, list[str]()

    def install(self) -> None:
        sys.addaudithook(self.hook)

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" and not event.startswith(self.FAMILIES):
            return
        self.count += 1
        if not self.at or self.count < self.at:
            return
        if not self.fail:
            if self.count == self.at:
                kill(os.getpid(), alone=self.alone)
        elif (self.lasting or not self.failed) and self._writes(event, arguments):
            self.failed.append(event)
            raise OSError(self.fail, os.strerror(self.fail), str(arguments[0]))

    def _writes(self, event: str, arguments: tuple[Any, ...]) -> bool:
        if event == "open":
            return (
                isinstance(arguments[0], str | bytes | os.PathLike)
                and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR))
                and arguments[0] != os.devnull
            )
        return event in self.WRITES


def kill(pid: int, *, alone: bool) -> None:
    """With all that it has started, which is its process group, or the one process."""
    if not alone:
        with contextlib.suppress(ProcessLookupError):  # it has no group of its own yet
            os.killpg(pid, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)


def work(job: dict[str, Any], counter: Counter) -> str:
    counter.install()
    session = Session(Path(job["root"]), None, 1)
    if "rollback" in job:
        return commands.rollback(session, job["rollback"], hard=job.get("hard", False))
    return commands.run(session, job["stage"], job.get("only", ())).message


def command(job: dict[str, Any], channel: int) -> None:
    """The command line itself, its streams in files; `sys.exit` of the command ends the child."""
    os.environ.clear()
    os.environ.update(job["env"])
    os.chdir(job["cwd"])
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(job[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.argv = ["migrate", *job["argv"]]
    code = 99
    try:
        cli.main()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(channel, json.dumps({"code": code}).encode())
        os._exit(0)


def child(job: dict[str, Any], channel: int) -> None:
    if "argv" in job:
        command(job, channel)
    counter = Counter(job.get("at", 0), job.get("how", ""), Path(job["root"]))
    events, start = Events(job), time.perf_counter()
    events.install()
    try:
        answer: dict[str, Any] = {"code": 0, "message": work(job, counter)}
    except MigrateError as error:
        answer = {"code": error.exit_code, "message": str(error)}
    except BaseException as error:
        answer = {"code": 99, "message": f"{type(error).__name__}: {error}"}
    answer |= {"count": counter.count, "names": counter.names, "events": events.count, "failed": events.failed}
    answer["seconds"] = time.perf_counter() - start
    os.write(channel, json.dumps(answer).encode())
    os._exit(0)


def main() -> None:
    for line in sys.stdin:
        job = json.loads(line)
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            os.setsid()
            child(job, writing)
        os.close(writing)
        if "after" in job and not select.select([reading], [], [], job["after"])[0]:
            kill(pid, alone=job.get("alone", False))
        with os.fdopen(reading) as file:
            answer = file.read()
        _, status = os.waitpid(pid, 0)
        print(answer or json.dumps({"killed": os.WIFSIGNALED(status)}), flush=True)


if __name__ == "__main__":
    main()
