"""One stage, all or nothing: operations into the working tree, commits, and the way back.

The order of a stage is: journal says "begin", operations are applied group by group, each group becomes a commit, a
check may look at the result, journal says "done".  Whatever goes wrong before that, `undo` takes the operations back
newest first, points the branch at the old commit and verifies that the tree is what it was.  A run that was killed is
undone the same way by the next command, which then starts the stage afresh; since everything is a function of the plan
and the base commit, the result has the same hashes as that of an undisturbed run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .journal import History, Journal, Running
from .model import FailedMidway, MigrateError, Refused
from .operations import MoveFiles, Operation, RemoveFile, WriteFile
from .repo import Repo
from .tree import LINK, Tree

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Group:
    """Operations that become one commit; `rewrites` puts it on the list of commits that blame ignores."""

    subject: str
    operations: tuple[Operation, ...]
    body: str = ""
    rewrites: bool = False
    bisect: str = ""  # why this commit cannot be tested, if so


@dataclass(slots=True)
class _Place:
    """The `Workplace` of operations: the checkout and the contents at the base commit."""

    repo: Repo
    base: Tree
    scratch: Path
    aside: Path
    root: Path = field(init=False)

    def __post_init__(self) -> None:
        self.root = self.repo.root

    def move(self, pairs: dict[str, str]) -> None:
        self.repo.move(pairs)

    def at_base(self, path: str) -> bytes:
        return self.base.read(path)


class Executor:
    def __init__(self, repo: Repo, journal: Journal, plan_name: str, progress: Progress = lambda *_: None) -> None:
        self.repo, self.journal, self.plan_name, self.progress = repo, journal, plan_name, progress

    def run(
        self,
        stage: int,
        plan_hash: str,
        groups: Sequence[Group],
        *,
        only: Sequence[str] = (),
        check: Callable[[], None] = lambda: None,
        facts: Callable[[], dict[str, object]] = dict,
        event: str = "done",
        rollback: bool = False,
    ) -> list[str]:
        """Carry out one stage; returns its commits.  Raises what `check` raises, with the tree as it was."""
        base = self.repo.head()
        self.journal.add("begin", stage=stage, base=base, plan=plan_hash, only=list(only), rollback=rollback)
        commits: list[str] = []
        try:
            place = self.place(base)
            total = sum(len(g.operations) for g in groups)
            done = 0
            rewriting: list[str] = []
            for group in groups:
                for operation in group.operations:
                    operation.apply(place)
                    done += 1
                    self.progress("applying", done, total)
                commit = self._commit(group, stage, plan_hash)
                if commit:
                    commits.append(commit)
                    if group.rewrites:
                        rewriting.append(commit)
            if rewriting:
                commits.append(self._ignore_in_blame(rewriting, stage, plan_hash))
            self._verify_clean(stage)
            check()
        except BaseException as error:
            self._restore(error, stage, base, groups)
            raise
        self.journal.add(
            event, stage=stage, base=base, end=self.repo.head(), plan=plan_hash, only=list(only), facts=facts()
        )
        return commits

    def recover(self, history: History, groups: Sequence[Group]) -> bool:
        """Undo what a killed run left behind; True if there was something.

        The operations are those of the saved plan, so nothing but what the run itself can have written is touched.
        """
        running = history.running
        if running is None:
            return False
        self._wait_for_git()
        self.repo.clear_stale_locks()
        self.undo(running, groups)
        return True

    def undo(self, running: Running, groups: Sequence[Group]) -> None:
        """Tree, index and branch as they were at `running.base`.  Raises Refused if someone else changed something."""
        head = self.repo.head()
        if head != running.base:
            if not self.repo.is_ancestor(running.base, head):
                raise Refused(
                    f"the branch no longer contains {running.base[:12]}, on which stage {running.stage} was begun",
                    where=str(self.repo.root),
                    next_step="check out the branch on which it was begun",
                )
            for commit in self.repo.commits(running.base, head):
                if f"Migration-Plan: {self.plan_name}" not in self.repo.message(commit):
                    raise Refused(
                        f"commit {commit[:12]} was made on top of an unfinished stage {running.stage}",
                        where=str(self.repo.root),
                        next_step="take that commit off (git reset), then run again",
                    )
        place = self.place(running.base)
        operations = [o for g in groups for o in g.operations]
        for operation in reversed(operations):
            operation.revert(place)
        ignore = self.repo.root / BLAME_FILE
        if BLAME_FILE in place.base:
            ignore.write_bytes(place.base.read(BLAME_FILE))
        elif ignore.exists() and ignore.read_bytes().startswith(self._blame_note(running.stage).encode()):
            ignore.unlink()
        if head != running.base:
            self.repo.point_branch_at(running.base)
        self.repo.reset_index()
        self._clear_scratch()
        left = self.repo.dirty()
        if left:
            raise Refused(
                f"these files are not as they were: {', '.join(left[:5])}",
                where=str(self.repo.root),
                next_step="look at them with 'git diff'; 'git checkout -- FILE' takes the old content",
            )
        self.journal.add("undone", stage=running.stage)

    # parts

    def place(self, base: str) -> _Place:
        return _Place(self.repo, self.repo.tree(base), self.journal.scratch, self.journal.folder / "aside")

    def _commit(self, group: Group, stage: int, plan_hash: str) -> str | None:
        paths: list[str] = []
        modes: dict[str, str] = {}
        for operation in group.operations:
            if isinstance(operation, MoveFiles):
                continue  # git mv has put them into the index already
            if isinstance(operation, WriteFile) and operation.mode != LINK:
                modes[operation.path] = operation.mode
            if isinstance(operation, RemoveFile):
                modes.pop(operation.path, None)
            paths += operation.touches()
        self.repo.stage(sorted(set(paths)))
        for path, mode in modes.items():
            if mode == "100755":
                self.repo.set_executable(path, mode)
        if not self.repo.has_staged():
            return None
        commit = self.repo.commit(self._message(group, stage, plan_hash))
        self.journal.add("commit", stage=stage, commit=commit)
        return commit

    def _message(self, group: Group, stage: int, plan_hash: str) -> str:
        trailers = [
            f"Migration-Plan: {self.plan_name}",
            f"Migration-Stage: {stage}",
            f"Migration-Hash: {plan_hash}",
        ]
        if group.bisect:
            trailers.append(f"Migration-Bisect: skip, {group.bisect}")
        body = f"{group.body}\n\n" if group.body else ""
        return f"{group.subject}\n\n{body}" + "\n".join(trailers) + "\n"

    def _ignore_in_blame(self, commits: Sequence[str], stage: int, plan_hash: str) -> str:
        """List rewriting commits for `git blame --ignore-revs-file`."""
        target = self.repo.root / BLAME_FILE
        before = target.read_bytes() if target.exists() else b""
        newline = b"" if not before or before.endswith(b"\n") else b"\n"
        lines = "".join(f"{c}\n" for c in commits)
        target.write_bytes(before + newline + self._blame_note(stage).encode() + lines.encode())
        group = Group(f"Leave the rewriting of {self.plan_name} out of blame", ())
        self.repo.stage([BLAME_FILE])
        commit = self.repo.commit(self._message(group, stage, plan_hash))
        self.journal.add("commit", stage=stage, commit=commit)
        return commit

    def _blame_note(self, stage: int) -> str:
        return f"# {self.plan_name}, stage {stage}: names rewritten, nothing else\n"

    def _verify_clean(self, stage: int) -> None:
        left = self.repo.dirty()
        if left:
            raise MigrateError(
                f"after stage {stage} these files differ from what was committed: {', '.join(left[:5])}",
                where=str(self.repo.root),
                next_step="a filter or hook of this repository changes files; see the docs",
            )

    def _restore(self, error: BaseException, stage: int, base: str, groups: Sequence[Group]) -> None:
        try:
            self._wait_for_git()
            self.repo.clear_stale_locks()
            self.undo(Running(stage, base, ""), groups)
        except MigrateError as second:
            raise FailedMidway(
                f"stage {stage} failed ({error}) and could not be taken back whole: {second}",
                where=str(self.repo.root),
                next_step="run the same command again, or 'rollback'",
            ) from error
        if isinstance(error, KeyboardInterrupt | MigrateError):
            return
        raise FailedMidway(
            f"stage {stage} failed: {type(error).__name__}: {error}",
            where=str(self.repo.root),
            next_step="the tree is as it was before; run with -v -v to see where it failed",
        ) from error

    def _wait_for_git(self) -> None:
        """A git process may outlive a killed parent for a moment; its lock shows it."""
        lock = self.repo.git_dir / "index.lock"
        end = time.monotonic() + 3
        while lock.exists() and time.monotonic() < end:
            time.sleep(0.1)

    def _clear_scratch(self) -> None:
        if self.journal.scratch.is_dir():
            for name in os.listdir(self.journal.scratch):
                place = self.journal.scratch / name
                if place.is_file() or place.is_symlink():
                    place.unlink(missing_ok=True)


BLAME_FILE = ".git-blame-ignore-revs"
