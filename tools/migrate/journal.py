"""The tool's memory of one migration: which stages are done, what is under way, and the saved plan.

An append-only file of JSON lines under the git directory, each line synced before the next step; a line cut short by
a kill is ignored.  `History` is what the lines add up to.  Nothing of this is in the tree; `migration.lock` is what
others see.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import filelock

from .model import Refused

_BLOCK = 1 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT}
REFUSALS = _FULL | {errno.EACCES, errno.EPERM, errno.EROFS, errno.EFBIG, errno.EIO}  # by the disk, of a write


@dataclass(slots=True)
class StageRecord:
    """A stage that is done: the commit before it, the one after it, and what it reported."""

    stage: int
    base: str
    end: str
    plan_hash: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Running:
    """A stage that was begun and not closed: the same command continues it, `rollback` undoes it."""

    stage: int
    base: str
    plan_hash: str
    commits: list[str] = field(default_factory=list)
    only: tuple[str, ...] = ()
    rollback: bool = False
    branch: str | None = None
    onto: str | None = None  # the commit at which a rollback without a commit of its own points the branch


@dataclass(slots=True)
class History:
    done: dict[int, StageRecord] = field(default_factory=dict)
    running: Running | None = None
    slices: list[dict[str, Any]] = field(default_factory=list)
    aside: dict[int, list[str]] = field(default_factory=dict)  # untracked caches that a stage has put away


class Journal:
    def __init__(self, git_dir: Path, name: str) -> None:
        self.folder = git_dir / "migrate" / name
        self.file = self.folder / "journal.jsonl"
        self.plan_file = self.folder / "plan.json"
        self.audit_file = self.folder / "audit.json"
        self.scans_file = self.folder / "cache" / "scans.json"
        self.texts_file = self.folder / "cache" / "texts.json"
        self.imports_file = self.folder / "cache" / "imports.json"
        self.running_file = self.folder / "running.json"  # the operations of the run that is under way
        self.scratch = self.folder / "tmp"
        self.aside = self.folder / "aside"  # caches that were in the way
        self.kept = self.folder / "kept"  # contents that the run under way has replaced or removed
        self.reserved = self.folder / "reserved"
        self._lock = git_dir / "migrate" / "lock"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Held by one run at a time.  Raises Refused if another has it; a killed run's lock is free at once."""
        lock = filelock.FileLock(self._lock)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise Refused(
                "another run is at work in this checkout", where=str(self._lock), next_step="wait for it to end"
            ) from None
        except OSError as error:
            raise unwritable(error, str(self.folder)) from None
        try:
            self.release()  # of a run that was killed
            yield
        finally:
            lock.release()

    def add(self, event: str, **facts: Any) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"event": event, **facts}, sort_keys=True) + "\n"
        with self.file.open("ab", buffering=0) as file:
            end = file.tell()
            start = b"\n" if end and not _ends_line(self.file) else b""
            try:
                if file.write(data := start + line.encode()) != len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.file))
                os.fsync(file.fileno())
            except OSError:
                file.truncate(end)  # whoever hears that it failed must not find it there later
                raise

    def history(self) -> History:
        out, last = History(), None
        for entry in self._entries():
            match entry["event"]:
                case "begin":
                    out.running = Running(
                        entry["stage"],
                        entry["base"],
                        entry["plan"],
                        only=tuple(entry.get("only", ())),
                        rollback=entry.get("rollback", False),
                        branch=entry.get("branch"),
                        onto=entry.get("onto"),
                    )
                case "aside":
                    out.aside[entry.get("stage", 6)] = entry["paths"]
                case "commit" if out.running:
                    out.running.commits.append(entry["commit"])
                case "undone":
                    if out.running is None:  # it had been written down as done already
                        out.done.pop(entry["stage"], None)
                        out.slices = [s for s in out.slices if s is not last]
                    out.running = None
                case "slice":
                    out.slices.append(entry)
                    out.running = None
                case "done":
                    record = StageRecord(
                        entry["stage"], entry["base"], entry["end"], entry["plan"], entry.get("facts", {})
                    )
                    out.done[entry["stage"]] = record
                    out.running = None
                case "rollback":
                    to = int(entry["to"] if "to" in entry else entry["stage"])
                    out.done = {n: r for n, r in out.done.items() if n < to}
                    out.slices = [s for s in out.slices if to > 4]
                    out.running = None
            last = entry
        return out

    def _entries(self) -> Iterator[dict[str, Any]]:
        if not self.file.exists():
            return
        for line in self.file.read_bytes().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and "event" in entry:
                yield entry

    def reserve(self, size: int) -> None:
        """Hold that much room on the disk, for the way back.  Raises Refused if it is not there."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        try:
            with self.reserved.open("wb") as file:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, size)
                else:
                    for start in range(0, size, _BLOCK):
                        file.write(b"\0" * min(_BLOCK, size - start))
        except OSError as error:
            self.release()
            raise unwritable(error, str(self.folder), size) from None

    def release(self) -> None:
        """Give that room back."""
        with suppress(OSError):
            self.reserved.unlink()

    def save(self, place: Path, document: dict[str, Any]) -> None:
        """Write a JSON document in one step."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        temporary = self.scratch / (place.name + ".new")
        with temporary.open("w", encoding="utf-8") as file:
            file.write(json.dumps(document, sort_keys=True))  # with an indent it takes ten times as long
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, place)

    def load(self, place: Path) -> dict[str, Any] | None:
        """The document, or None if there is none; a damaged one counts as none, it can be made again."""
        try:
            document = json.loads(place.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return document if isinstance(document, dict) else None


def unwritable(error: OSError, where: str, size: int = 0) -> Refused:
    """What to tell of a file that could not be written while nothing was touched yet."""
    if error.errno in _FULL:
        room = f"{size // 1024 + 1} KB, which the way back could need" if size else "the tool's state"
        what, next_step = f"there is no room for {room}", "make room on the disk"
    else:
        what = f"the tool's state cannot be written: {error.strerror or error}"
        next_step = "give yourself the right to write there ('chmod u+w')"
    return Refused(what, where=where, next_step=f"{next_step}, then run the same command again")


def _ends_line(file: Path) -> bool:
    with file.open("rb") as handle:
        handle.seek(-1, os.SEEK_END)
        return handle.read(1) == b"\n"
