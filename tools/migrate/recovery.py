"""The way back from a stage that was cut off or failed: tree, index and branch as they were when it began.

Owns the question "may this be put back, or has somebody worked here meanwhile": first every file is looked at, and one
content that neither the commit nor any operation can have left is enough to refuse, with its name, before anything is
touched.  Then the operations are taken back, newest first; each accepts what a kill can leave of it.  Must not know
what the operations are for.  A kill during `undo` is no special case: the next `undo` finds states that it knows.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence

from . import trailers
from .journal import Journal, Running
from .model import Refused
from .operations import EditFile, MoveFiles, Operation, RemoveFile, WriteFile
from .repo import Repo
from .tree import sha
from .workplace import TEMPORARY, Disk, read

BLAME_FILE = ".git-blame-ignore-revs"


class Recovery:
    def __init__(self, repo: Repo, journal: Journal, plan_name: str) -> None:
        self.repo, self.journal, self.plan_name = repo, journal, plan_name

    def place(self, base: str) -> Disk:
        return Disk(self.repo, self.repo.tree(base), self.journal.scratch, self.journal.aside, self.journal.kept)

    def undo(self, running: Running, operations: Sequence[Operation], *, blame: bool) -> None:
        """Tree, index and branch as they were at `running.base`.  Raises Refused if someone else changed something.

        `blame`: the run also writes the list of commits that blame ignores.
        """
        self.journal.release()
        self._wait_for_git()
        self.repo.clear_stale_locks()
        head = self.repo.head()
        self._require_own_commits(running, head)
        place = self.place(running.base)
        foreign = sorted(set(self._foreign(place, operations, running)))
        if foreign:
            raise Refused(
                f"not as stage {running.stage}, which was cut off, left it: {', '.join(foreign[:5])}",
                where=str(self.repo.root),
                next_step="move your own version of it elsewhere, then run the same command again",
            )
        for operation in reversed(operations):
            operation.revert(place)
        if blame:
            self._restore_blame_file(place)
        if head != running.base:
            self.repo.point_branch_at(running.base)
        self.repo.reset_index()
        self._clear_scratch(operations)
        # A file of ours that is gone now (moved elsewhere, as advised above) comes back from the commit.
        gone = [p for p in self.repo.dirty() if p in place.base and not os.path.lexists(self.repo.root / p)]
        known = {p for o in operations for p in o.touches()}
        self.repo.checkout([p for p in gone if p in known])
        left = [p for p in self.repo.dirty() if not self._is_as_before(p, place)]
        if left:
            raise Refused(
                f"uncommitted changes in {', '.join(left[:5])}, made while stage {running.stage} was cut off",
                where=str(self.repo.root),
                next_step="commit or stash them, then run the same command again",
            )
        self.journal.add("undone", stage=running.stage)
        shutil.rmtree(self.journal.kept, ignore_errors=True)

    # parts

    def _is_as_before(self, path: str, place: Disk) -> bool:
        """Whether git takes the file for changed only because its attributes ask for other line ends than it has."""
        known = path in place.base and os.path.isfile(place.root / path)
        return known and place.base.read(path) == read(place.root / path)

    def _require_own_commits(self, running: Running, head: str) -> None:
        """Raise Refused where going back would lose commits that the cut-off run has not made."""
        where = str(self.repo.root)
        branch = self.repo.branch()
        if running.branch != branch:
            raise Refused(
                f"stage {running.stage} was cut off on branch {running.branch}, and this is {branch or 'no branch'}",
                where=where,
                next_step=f"run 'git symbolic-ref HEAD refs/heads/{running.branch}', then the same command again",
            )
        if head in (running.base, running.onto):
            return
        if not self.repo.is_ancestor(running.base, head):
            raise Refused(
                f"the branch no longer contains {running.base[:12]}, on which stage {running.stage} was begun",
                where=where,
                next_step="check out the branch on which it was begun",
            )
        for commit in self.repo.all_commits(running.base, head):
            if trailers.parse(commit, self.repo.message(commit), self.plan_name) is None:
                raise Refused(
                    f"commit {commit[:12]} was made on top of an unfinished stage {running.stage}",
                    where=where,
                    next_step="take that commit off (git reset), then run again",
                )

    def _foreign(self, place: Disk, operations: Sequence[Operation], running: Running) -> Iterator[str]:
        """Files with a content that neither the base nor any operation can have left: somebody's own work.

        Moved files without an edit are left out: a rename carries whatever they hold, and the end of `undo` names them.
        """
        legal: dict[str, set[str | None]] = {}
        moved: dict[str, str] = {}
        for operation in operations:
            match operation:
                case EditFile(path=path, before=before, after=after):
                    legal.setdefault(path, set()).update((before, after))
                case WriteFile(path=path, before=old, content=content):
                    legal.setdefault(path, set()).update((old, sha(content)))
                case RemoveFile(path=path, before=before):
                    legal.setdefault(path, set()).add(before)
                case MoveFiles(pairs=pairs):
                    moved.update(pairs)
                case _:
                    pass
        for path, contents in legal.items():
            target = place.root / path
            if not os.path.lexists(target):
                continue
            if target.is_dir() and not target.is_symlink():
                yield path
            elif sha(read(target)) not in contents:
                if path in moved and (
                    (path in place.base and read(target) == place.base.read(path))
                    or self.repo.is_unchanged(path, running.base)
                ):
                    continue
                yield path
        for old, new in moved.items():
            if old not in legal and os.path.lexists(place.root / old) and os.path.lexists(place.root / new):
                yield old

    def _restore_blame_file(self, place: Disk) -> None:
        """Take our lines off again; with any other change the file is left as it is, and named as changed."""
        target = self.repo.root / BLAME_FILE
        if not target.is_file():
            return
        before = place.base.read(BLAME_FILE) if BLAME_FILE in place.base else b""
        now = target.read_bytes()
        note = re.escape(f"# {self.plan_name}, stage ".encode())
        if not now.startswith(before) or not re.fullmatch(
            rb"\n?" + note + rb"\d: .*\n(?:[0-9a-f]{40,64}\n)+", now[len(before) :]
        ):
            return
        if BLAME_FILE in place.base:
            place.write(BLAME_FILE, before, None)
        else:
            target.unlink()

    def _wait_for_git(self) -> None:
        """A git process may outlive a killed parent for a moment; its lock shows it."""
        lock = self.repo.git_dir / "index.lock"
        end = time.monotonic() + 3
        while lock.exists() and time.monotonic() < end:
            time.sleep(0.1)

    def _clear_scratch(self, operations: Sequence[Operation]) -> None:
        """Half-written files: in our own folder, and beside what was written where that is on another file system."""
        folders = {self.journal.scratch, *((self.repo.root / p).parent for o in operations for p in o.touches())}
        for folder in folders:
            if folder.is_dir():
                for name in os.listdir(folder):
                    place = folder / name
                    ours = folder == self.journal.scratch or name.startswith(TEMPORARY)
                    if ours and (place.is_file() or place.is_symlink()):
                        place.unlink(missing_ok=True)
