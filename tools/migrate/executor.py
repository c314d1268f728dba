"""One stage, all or nothing: operations into the working tree, commits, and the way back if anything goes wrong.

The order of a stage is: the operations are saved, the journal says "begin", operations are applied group by group, each
group becomes a commit, a check may look at the result, the journal says "done".  Whatever goes wrong before that,
`recovery` takes everything back and verifies that the tree is what it was.  A run that was killed is undone the same
way by the next command, which then starts the stage afresh; since everything is a function of the plan and the base
commit, the result has the same hashes as that of an undisturbed run.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from . import trailers
from .journal import History, Journal, Running
from .model import CheckFailed, FailedMidway, MigrateError, Refused
from .operations import MoveFiles, Operation, RemoveFile, WriteFile, from_dict
from .recovery import BLAME_FILE, Recovery
from .repo import Repo
from .reverts import set_index
from .tree import LINK, Tree
from .workplace import Collector, Disk

Progress = Callable[[str, int, int], None]
_CLUSTER = 4096  # a file takes up whole blocks of the disk
_JOURNAL = 256 * 1024  # lines of the journal, and what git writes besides the index


@dataclass(frozen=True, slots=True)
class Group:
    """Operations that become one commit; `rewrites` puts it on the list of commits that blame ignores."""

    subject: str
    operations: tuple[Operation, ...]
    body: str = ""
    rewrites: bool = False
    bisect: str = ""  # why this commit cannot be tested, if so
    tree: str = ""  # what the commit holds, where that is known: an add could turn line ends that git has kept so far


class Executor:
    def __init__(self, repo: Repo, journal: Journal, plan_name: str, progress: Progress = lambda *_: None) -> None:
        self.repo, self.journal, self.plan_name, self.progress = repo, journal, plan_name, progress
        self.recovery = Recovery(repo, journal, plan_name)

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
        onto: str | None = None,
    ) -> list[str]:
        """Carry out one stage; returns its commits.  Raises what `check` raises, with the tree as it was.

        `rollback` is for operations that lead back to before `stage`; with `onto` they make no commit, the branch is
        pointed at that one.
        """
        base = self.repo.head()
        running = Running(stage, base, plan_hash, [], tuple(only), rollback, self.repo.branch(), onto)
        shutil.rmtree(self.journal.kept, ignore_errors=True)
        self.journal.reserve(self._way_back(groups))
        self.journal.save(self.journal.running_file, {"base": base, "groups": [group_dict(g) for g in groups]})
        self.journal.add(
            "begin", stage=stage, base=base, plan=plan_hash, only=list(only), rollback=rollback,
            branch=running.branch, onto=onto,
        )  # fmt: skip
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
                self._require_alone(running, (commits or [base])[-1])
                commit = None if onto else self._commit(group, running)
                if commit:
                    commits.append(commit)
                    if group.rewrites:
                        rewriting.append(commit)
            if rewriting:
                self._require_alone(running, commits[-1])
                commits.append(self._ignore_in_blame(place, rewriting, running))
            if onto:
                self.repo.point_branch_at(onto)
                self.repo.reset_index()
            self._verify_clean(stage)
            check()
            end = onto or (commits or [base])[-1]
            self._require_alone(running, end)
            self.journal.add(event, stage=stage, base=base, end=end, plan=plan_hash, only=list(only), facts=facts())
        except BaseException as error:
            self._restore(error, running, groups)
            raise
        self.journal.release()
        shutil.rmtree(self.journal.kept, ignore_errors=True)
        return commits

    def recover(self, history: History) -> bool:
        """Undo what a killed run left behind; True if there was something.

        The operations are those that the run saved, so nothing but what it can have written itself is touched.
        """
        running = history.running
        if running is None:
            return False
        document = self.journal.load(self.journal.running_file)
        if document is None or document.get("base") != running.base:
            raise Refused(
                f"stage {running.stage} was interrupted, and the list of its operations is gone",
                where=str(self.journal.running_file),
                next_step=f"save your own changes, then restore the tree with 'git reset --hard {running.base[:12]}'",
            )
        self._undo(running, [group_from_dict(g) for g in document["groups"]])
        return True

    # parts

    def place(self, base: str) -> Disk:
        return self.recovery.place(base)

    def _way_back(self, groups: Sequence[Group]) -> int:
        """Bytes that undoing could have to write, at the most: what is edited or removed, git's index, the journal."""
        paths = {p for g in groups for o in g.operations if not isinstance(o, MoveFiles) for p in o.touches()}
        places = [self.repo.root / p for p in paths] + [self.repo.git_dir / "index"] * 2
        return sum(p.lstat().st_size + _CLUSTER for p in places if os.path.lexists(p)) + _JOURNAL

    def _require_alone(self, running: Running, tip: str) -> None:
        """Raise if somebody has committed here, or taken another branch, since this run's last commit."""
        head, branch = self.repo.head(), self.repo.branch()
        if head != tip or branch != running.branch:
            what = f"commit {head[:12]} is none of this run's" if head != tip else f"this is branch {branch} now"
            raise MigrateError(f"somebody worked here meanwhile: {what}", where=str(self.repo.root))

    def _undo(self, running: Running, groups: Sequence[Group]) -> None:
        operations = [o for g in groups for o in g.operations]
        self.recovery.undo(running, operations, blame=any(g.rewrites for g in groups))

    def _commit(self, group: Group, running: Running) -> str | None:
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
        if group.tree:
            set_index(self.repo, group.tree)
        else:
            self.repo.stage(sorted(set(paths)))
        for path, mode in modes.items():
            if mode == "100755" and not group.tree:
                self.repo.set_executable(path, mode)
        if not self.repo.has_staged():
            return None
        commit = self.repo.commit(self._message(group, running))
        self.journal.add("commit", stage=running.stage, commit=commit)
        return commit

    def _message(self, group: Group, running: Running) -> str:
        number = {"rollback": running.stage} if running.rollback else {"stage": running.stage}
        last = trailers.render(self.plan_name, running.plan_hash, bisect=group.bisect, **number)
        body = f"{group.body}\n\n" if group.body else ""
        return f"{group.subject}\n\n{body}{last}"

    # commits that blame is to ignore

    def _ignore_in_blame(self, place: Disk, commits: Sequence[str], running: Running) -> str:
        """List rewriting commits for `git blame --ignore-revs-file`."""
        before = place.base.read(BLAME_FILE) if BLAME_FILE in place.base else b""
        newline = b"" if not before or before.endswith(b"\n") else b"\n"
        note = f"# {self.plan_name}, stage {running.stage}: names rewritten, nothing else\n"
        lines = "".join(f"{c}\n" for c in commits)
        if before:
            place.keep(place.read(BLAME_FILE))
        place.write(BLAME_FILE, before + newline + note.encode() + lines.encode(), None)
        group = Group(f"Leave the rewriting of {self.plan_name} out of blame", ())
        self.repo.stage([BLAME_FILE])
        commit = self.repo.commit(self._message(group, running))
        self.journal.add("commit", stage=running.stage, commit=commit)
        return commit

    # the way back

    def _verify_clean(self, stage: int) -> None:
        left = self.repo.dirty()
        if left:
            raise MigrateError(
                f"after stage {stage} these files differ from what was committed: {', '.join(left[:5])}",
                where=str(self.repo.root),
                next_step="a filter of this repository changes files; see the docs",
            )

    def _restore(self, error: BaseException, running: Running, groups: Sequence[Group]) -> None:
        try:
            self._undo(running, groups)
        except (MigrateError, OSError) as second:
            raise FailedMidway(
                f"stage {running.stage} failed ({error}) and could not be taken back whole: {second}",
                where=str(self.repo.root),
                next_step="run the same command again, or 'rollback'",
            ) from error
        if isinstance(error, KeyboardInterrupt | CheckFailed | FailedMidway):
            return
        raise FailedMidway(
            f"{'the rollback to ' * running.rollback}stage {running.stage} failed: {_words(error)}",
            where=str(self.repo.root),
            next_step="the tree is as it was before; run with -v -v to see where it failed",
        ) from error


def collect(tree: Tree, groups: Sequence[Group]) -> Collector:
    """Carry out the operations in memory; a dry run."""
    place = Collector(tree)
    for group in groups:
        for operation in group.operations:
            operation.apply(place)
    return place


def group_dict(group: Group) -> dict[str, Any]:
    return {
        "subject": group.subject,
        "body": group.body,
        "rewrites": group.rewrites,
        "bisect": group.bisect,
        **({"tree": group.tree} if group.tree else {}),
        "operations": [o.as_dict() for o in group.operations],
    }


def group_from_dict(data: dict[str, Any]) -> Group:
    operations = tuple(from_dict(o) for o in data["operations"])
    return Group(data["subject"], operations, data["body"], data["rewrites"], data["bisect"], data.get("tree", ""))


def _words(error: BaseException) -> str:
    return str(error) if isinstance(error, MigrateError) else f"{type(error).__name__}: {error}"
