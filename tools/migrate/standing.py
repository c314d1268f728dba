"""Answers of interpreters that still stand: kept with all that they rest on, and used again only if that is the same.

What an import leads to depends on the files that it read, on the folders that it searched, on which files the tree has,
and on the interpreter, its environment and the tool.  The files and folders are known, because the interpreters told of
each one (`otherpython.Reads`): those of the tree are compared by their content, others by size and time of change.
Where an import did something else, such as asking another process, nothing is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from .checked import load_document, store_document
from .environ import child_environment
from .otherpython import Reads
from .scan.memory import tool_state
from .tree import Tree

_FORMAT = 1
_UNKNOWN = "unknown"  # a device, a pipe
_COARSE = 50_000_000  # ns; the clock of a file system has steps


class Standing:
    """What is kept in the file `place` for the checkout `root` with this tree; `question` is all that was asked."""

    def __init__(self, place: Path, root: Path, tree: Tree, python: str, question: Any) -> None:
        self.place, self.root, self.tree = place, os.path.join(root.resolve(), ""), tree
        program = os.path.realpath(shutil.which(python) or python)
        environment = sorted(child_environment(root).items())
        parts = [_FORMAT, tool_state(), sys.version, python, program, _mark(program), self.root, environment, question]
        parts.append(tree.shape)
        self._begun = time.time_ns()
        self._key = hashlib.blake2b(json.dumps(parts).encode(), digest_size=32).hexdigest()

    def recall(self) -> dict[str, Any] | None:
        """The answers, if all that they rest on is as it was."""
        document = load_document(self.place)
        if document.get("key") != self._key:
            return None
        now = self._marks(document["files"], document["folders"])
        answers: dict[str, Any] = document["answers"]
        return answers if now == (document["files"], document["folders"]) else None

    def keep(self, answers: dict[str, Any], reads: Reads) -> None:
        """Keep them, unless they rest on something that cannot be compared, or that has changed meanwhile."""
        files, folders = self._marks(reads.files, reads.folders)
        others = (f for f in files if self._tracked(f) is None)  # those of the tree are known by their content
        if not reads.all or _UNKNOWN in files.values() or any(_changed_since(f, self._begun) for f in others):
            self.place.unlink(missing_ok=True)
            return
        store_document(self.place, {"key": self._key, "files": files, "folders": folders, "answers": answers})

    def _marks(self, files: Collection[str], folders: Collection[str]) -> tuple[Mapping[str, str], Mapping[str, str]]:
        return {f: self._file(f) for f in sorted(files)}, {f: _names(f) for f in sorted(folders)}

    def _tracked(self, place: str) -> str | None:
        path = place[len(self.root) :].replace(os.sep, "/") if place.startswith(self.root) else ""
        return path if path in self.tree else None

    def _file(self, place: str) -> str:
        path = self._tracked(place)
        return _mark(place) if path is None else self.tree.digest(path)


def _mark(place: str) -> str:
    """What stands for the content of a file that git does not know."""
    try:
        found = os.stat(place)
    except OSError:
        return "absent"
    if not stat.S_ISREG(found.st_mode):
        return "null" if place == os.devnull else _UNKNOWN
    return f"{found.st_ino} {found.st_size} {found.st_mtime_ns}"


def _changed_since(place: str, moment: int) -> bool:
    try:
        return place != os.devnull and os.stat(place).st_mtime_ns > moment - _COARSE
    except OSError:
        return False


def _names(folder: str) -> str:
    """What stands for the names in a folder, without those of caches, which come and go with each run."""
    try:
        names = sorted(n for n in os.listdir(folder) if n != "__pycache__")
    except OSError:
        return "absent"
    return hashlib.blake2b("\0".join(names).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
