"""One run of the tool on one checkout: plan, repository, journal, and what is known of the tree right now.

Everything that a stage asks for more than once is here and is computed once: the layout of the tree at HEAD (before or
after the move, as `migration.lock` says), the scan, the design.  `status` derives from the journal and the lock which
stages are done; it decides nothing.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from . import __version__
from .decisions import Decisions, place_of
from .decisions import read as read_decisions
from .design import Design, make_design
from .executor import Executor, Group, group_dict, group_from_dict
from .journal import History, Journal
from .layout import Layout, resolve_layout
from .lock import Lock
from .lock import read as read_lock
from .manifests import wants
from .model import STAGE_NAMES, Finding, PlanError, Refused
from .operations import MoveFiles, Operation, WriteFile
from .plan import LOCK_FILE, PLAN_FILE, MoveEntry, Plan, read_plan
from .recovery import BLAME_FILE
from .repo import Repo
from .scan import FileScan, Memory, World, make_world, scan_tree
from .submodules import blank
from .tree import Tree

Progress = Callable[[str, int, int], None]


def _silent(_what: str, _done: int, _total: int) -> None:
    return None


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """What `design` wrote: the operations of each stage, and the commits on which they may be carried out."""

    plan_hash: str
    digest: str  # of the plan file
    commit: str
    groups: dict[int, list[Group]]
    document: dict[str, Any]


@dataclass
class Session:
    root: Path
    plan_path: Path | None = None
    jobs: int = 0
    progress: Progress = field(default=_silent)
    own_python: bool = False  # run gates with the tool's interpreter, for the demo
    started: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        self.repo = Repo(self.root)
        self.root = self.repo.root
        self.jobs = self.jobs or os.cpu_count() or 1

    # the plan and its memory

    @cached_property
    def plan(self) -> Plan:
        path = self.plan_path or self.root / PLAN_FILE
        plan = read_plan(path)
        try:
            shown = path.resolve().relative_to(self.root.resolve()).as_posix()
        except ValueError:
            shown = str(path)
        return replace(plan, file=shown)

    @property
    def decisions_path(self) -> Path:
        return place_of(self.plan_path or self.root / PLAN_FILE)

    @property
    def decisions_file(self) -> str:
        """The file of decisions as git names it; its full path where it is not in the checkout."""
        try:
            return self.decisions_path.resolve().relative_to(self.root.resolve()).as_posix()
        except ValueError:
            return str(self.decisions_path)

    @cached_property
    def decisions(self) -> Decisions:
        """What persons have decided about places that were listed for them."""
        return read_decisions(self.decisions_path, self.plan.name)

    @cached_property
    def journal(self) -> Journal:
        return Journal(self.repo.git_dir, self.plan.name)

    @property
    def executor(self) -> Executor:
        return Executor(self.repo, self.journal, self.plan.name, self.progress)

    @property
    def history(self) -> History:
        return self.journal.history()

    # the tree

    def forget(self) -> None:
        """The tree has changed: compute everything anew when it is asked for."""
        for name in ("tree", "lock", "layout", "world", "scans", "design", "decisions"):
            self.__dict__.pop(name, None)

    @cached_property
    def tree(self) -> Tree:
        return self.repo.tree()

    @cached_property
    def lock(self) -> Lock | None:
        """The lock of this migration at HEAD; None before stage 3, or if it is that of another migration."""
        if LOCK_FILE not in self.tree:
            return None
        lock = read_lock(self.tree.read(LOCK_FILE).decode("utf-8", "replace"), LOCK_FILE)
        return lock if lock.plan == self.plan.name else None

    @property
    def reached(self) -> int:
        """The highest tree-changing stage that HEAD has behind it: 0, 3, 4 or 6."""
        return self.lock.stage if self.lock else 0

    @cached_property
    def layout(self) -> Layout:
        if self.lock is None or self.reached < 3:
            return resolve_layout(self.plan, self.tree)
        # The old places are gone from the tree; the lock knows them.
        places = {m.old: m for m in self.lock.moves}
        moves = tuple(
            replace(m, path=places[m.source].path, to_path=places[m.source].to_path) if m.source in places else m
            for m in self.plan.moves
        )
        moves += tuple(MoveEntry(m.old, m.new, None, m.path, m.to_path) for m in self.lock.moves if m.plan)
        # The shims are the tool's own: nothing may take them for code that stays at the old place.
        bare = self.tree.replaced(written=blank(self.tree, self.lock.blocks), removed=self.lock.files)
        return resolve_layout(replace(self.plan, moves=moves), bare, moved=True)

    @cached_property
    def world(self) -> World:
        return make_world(self.layout)

    @cached_property
    def scans(self) -> list[FileScan]:
        return scan_tree(
            self.world,
            skip=wants,
            jobs=self.jobs,
            progress=lambda done, total: self.progress("reading", done, total),
            memory=Memory(self.journal.scans_file, wants) if self.journal.folder.exists() else None,
        )

    @cached_property
    def design(self) -> Design:
        return make_design(self.world, self.scans, self.tree, self.repo.head(), self.reached, self.decisions)

    # the saved plan

    def save_plan(self) -> SavedPlan:
        design = self.design
        document = {
            "schema": 1,
            "plan": self.plan.name,
            "tool": __version__,
            "plan_hash": design.plan_hash,
            "digest": self.plan.digest,
            "commit": design.commit,
            "tree": self.repo.tree_hash(),
            "inputs": design.inputs,
            "moves": [[m.source, m.target, m.path, m.to_path, m.is_package] for m in self.layout.moves],
            "groups": {str(n): [group_dict(g) for g in groups] for n, groups in design.groups.items()},
            "edits": {
                p: [[e.start, e.end, e.old, e.new, e.line, e.stage, e.rule, e.reason] for e in edits]
                for p, edits in sorted(design.edits.items())
            },
            "new_paths": {p: self.layout.new_path(p) for p in sorted(design.edits)},
            "moved": self.layout.moved_files(),
            "findings": [f.as_dict() for f in design.findings],
            "decisions": self.decisions.digest,
            "decided": [{**f.as_dict(), "words": d.words} for f, d in design.decided],
        }
        self.journal.folder.mkdir(parents=True, exist_ok=True)
        self.journal.save(self.journal.plan_file, document)
        saved = self.saved_plan()
        assert saved is not None
        return saved

    def saved_plan(self) -> SavedPlan | None:
        document = self.journal.load(self.journal.plan_file)
        if document is None or document.get("schema") != 1:
            return None
        groups = {int(n): [group_from_dict(g) for g in listed] for n, listed in document["groups"].items()}
        return SavedPlan(document["plan_hash"], document["digest"], document["commit"], groups, document)

    def usable_plan(self) -> SavedPlan | None:
        """The saved plan if it was made for this plan file and for the tree that HEAD has now."""
        saved = self.saved_plan()
        if saved is None or saved.digest != self.plan.digest or saved.document.get("tool") != __version__:
            return None  # another version of the tool may find more, or less
        if saved.document.get("decisions", "") != self.decisions.digest and self.reached < 4:
            return None
        return saved if self._stands_on(self._good_heads(saved)) else None

    def _good_heads(self, saved: SavedPlan) -> set[str]:
        history = self.history
        heads = {saved.commit}
        heads.update(r.end for r in history.done.values() if r.plan_hash == saved.plan_hash and r.stage >= 3)
        heads.update(s["end"] for s in history.slices if s["plan"] == saved.plan_hash)
        return heads

    def _stands_on(self, commits: set[str]) -> bool:
        """Whether HEAD is one of these commits, or has the very tree of one (after a rollback, say)."""
        if self.repo.head() in commits:
            return True
        tree, known = self.repo.tree_hash(), [c for c in commits if self.repo.has(c)]
        if any(self.repo.tree_hash(c) == tree for c in known):
            return True
        # Decisions are compared by what they say; a commit of them alone changes nothing else.
        own = {self.decisions_file}
        return self.decisions_file in self.tree and any(set(self.repo.changed(c, "HEAD")) <= own for c in known)

    # what is done

    def done(self, stage: int) -> bool:
        reached = self.reached
        match stage:
            case 1:
                audit = self.journal.load(self.journal.audit_file)
                if reached == 6:
                    return True
                # Once files have moved, the baseline is that of the tree before; a clone without one needs its own.
                return (
                    audit is not None
                    and audit["digest"] == self.plan.digest
                    and not any(g["problem"] for g in audit["gates"])
                    and (reached >= 3 or self._stands_on({audit["commit"]}))
                )
            case 2:
                return reached == 6 or self.usable_plan() is not None
            case 5:
                record = self.history.done.get(5)
                return reached == 6 or (record is not None and reached >= 4 and record.end == self.repo.head())
            case _:
                return reached >= stage

    def next_stage(self) -> int | None:
        return next((n for n in range(1, 7) if not self.done(n)), None)

    # refusals

    def require_clean(self, *, deep: bool) -> None:
        """Raise Refused unless the checkout is fit for a stage that changes it (`deep`) or only reads it."""
        repo = self.repo
        repo.head()
        if under_way := repo.unfinished():
            raise Refused(f"a {under_way} is under way", where=str(self.root), next_step="finish or abort it first")
        dirty = [p for p in repo.dirty() if deep or p != self.decisions_file]
        if dirty:
            shown = ", ".join(dirty[:5]) + (f" and {len(dirty) - 5} more" if len(dirty) > 5 else "")
            raise Refused(
                f"uncommitted changes in {shown}", where=str(self.root), next_step="commit or stash them first"
            )
        hidden = repo.sparse_or_skipped()
        if hidden:
            raise Refused(
                f"{len(hidden)} tracked files are not checked out, such as {hidden[0]}",
                where=str(self.root),
                next_step="check out everything ('git sparse-checkout disable')",
            )
        if not deep:
            return
        if repo.branch() is None:
            raise Refused(
                "HEAD is detached, so the commits would belong to no branch",
                where=str(self.root),
                next_step="check out a branch first ('git switch -c NAME')",
            )
        if repo.is_shallow():
            raise Refused(
                "a shallow clone has no history to keep",
                where=str(self.root),
                next_step="run 'git fetch --unshallow' first",
            )
        if not repo.has_identity():
            raise Refused(
                "git does not know who commits",
                where=str(self.root),
                next_step="set user.name and user.email ('git config user.email YOU@EXAMPLE')",
            )
        if problem := repo.signing_problem():
            raise Refused(
                f"commit.gpgsign is on, and git cannot sign here: {problem}",
                where=str(self.root),
                next_step="set up the key ('git config user.signingkey'), or 'git config commit.gpgsign false'",
            )

    def require_order(self, stage: int) -> None:
        for earlier in range(1, stage):
            if not self.done(earlier):
                name = STAGE_NAMES[earlier]
                if earlier == 2 and self.saved_plan() is not None:
                    raise Refused(
                        "the saved plan is stale: the commit or the plan file changed since it was made",
                        where=str(self.root),
                        next_step="look at it again with '--stage design'",
                    )
                raise Refused(
                    f"stage {stage} ({STAGE_NAMES[stage]}) comes after stage {earlier} ({name}), which is not done",
                    where=str(self.root),
                    next_step=f"run '--stage {name}' first",
                )

    def discard_gate_changes(self) -> None:
        """A gate may have written into tracked files; the tree was clean before it, so their content is in HEAD.

        A person may have saved a file meanwhile as well, and nobody can tell the two apart: what goes is kept.
        """
        dirty = [p for p in self.repo.dirty() if p != self.decisions_file]  # those are a person's
        if not dirty:
            return
        changed = [p for p in dirty if (self.root / p).is_file()]
        folder = self.journal.folder / "discarded"
        for path in changed:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.root / path, folder / path, follow_symlinks=False)
        self.repo.checkout(dirty)
        if changed:
            logging.getLogger(__name__).warning(
                "changed while the gates ran, and put back: %s; their content is kept in %s", ", ".join(changed), folder
            )

    def seconds(self) -> float:
        return round(time.perf_counter() - self.started, 1)

    def require_free(self, groups: Iterable[Group]) -> None:
        """Raise Refused if an untracked file lies where these operations will put one."""
        paths = [p for g in groups for o in g.operations for p in _created(o)]
        if any(g.rewrites for g in groups):
            paths.append(BLAME_FILE)
        found: set[str] = set()
        for path in paths:
            if path in self.tree:
                continue
            above = [p.as_posix() for p in PurePosixPath(path).parents][:-1]
            blocked = (a for a in above if os.path.lexists(self.root / a) and not (self.root / a).is_dir())
            if os.path.lexists(self.root / path):
                found.add(path)
            else:
                found.update(a for a in blocked if a not in self.tree)
        if found:
            first = sorted(found)[0]
            raise Refused(
                f"an untracked file is in the way: {first}" + (f" and {len(found) - 1} more" if len(found) > 1 else ""),
                where=str(self.root),
                next_step="move it away, or commit it",
            )


def _created(operation: Operation) -> list[str]:
    if isinstance(operation, MoveFiles):
        return [new for _, new in operation.pairs]
    if isinstance(operation, WriteFile) and operation.before is None:
        return [operation.path]
    return []


def parse_stage(text: str) -> list[int]:
    """The stages that `--stage` names.  Raises PlanError for anything but 1-6, a name, or `all`."""
    import difflib

    names = {name: n for n, name in STAGE_NAMES.items()}
    if text == "all":
        return [1, 2, 3, 4, 5, 6]
    if text.isdigit() and 1 <= int(text) <= 6:
        return [int(text)]
    if text in names:
        return [names[text]]
    near = difflib.get_close_matches(text, [*names, "all"], 1)
    hint = f"did you mean {near[0]!r}?" if near else f"1 to 6, all, {', '.join(names)}"
    raise PlanError(f"no stage {text!r}", where="--stage", next_step=hint)


def finding_from(data: dict[str, Any]) -> Finding:
    return Finding(**{**data, "readings": tuple(data["readings"])})
