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
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from . import __version__
from .decisions import Decisions, place_of
from .decisions import read as read_decisions
from .design import Design, make_design
from .executor import Executor, Group
from .fitness import require_fit, require_idle, require_links, unfinished
from .gitsettings import has_identity, signing_problem, unfetched
from .journal import History, Journal
from .layout import Layout, resolve_layout
from .lock import Lock
from .lock import read as read_lock
from .manifests import wants
from .model import STAGE_NAMES, Finding, MigrateError, Refused
from .plan import LOCK_FILE, PLAN_FILE, MoveEntry, Plan, read_plan
from .repo import Repo
from .saved import SCHEMA, SavedPlan, document_of
from .scan import FileScan, Memory, World, excluded, make_world, scan_tree
from .stale import changes, require_moves_as_done, require_no_successor, tree_hashes
from .submodules import blank
from .texts import Texts
from .tree import Tree, sha

Progress = Callable[[str, int, int], None]


def _silent(_what: str, _done: int, _total: int) -> None:
    return None


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
        return replace(plan, file=_shown(path, self.root))

    @property
    def decisions_path(self) -> Path:
        return place_of(self.plan_path or self.root / PLAN_FILE)

    @property
    def decisions_file(self) -> str:
        return _shown(self.decisions_path, self.root)

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

    def executor_of(self, name: str) -> Executor:
        """For a migration of that name, whose plan file need not be here."""
        return Executor(self.repo, Journal(self.repo.git_dir, name), name, self.progress)

    @property
    def history(self) -> History:
        return self.journal.history()

    # the tree

    def forget(self) -> None:
        """The tree has changed: compute everything anew when it is asked for."""
        for name in ("base", "tree", "lock", "layout", "world", "scans", "design", "decisions"):
            self.__dict__.pop(name, None)

    @cached_property
    def base(self) -> tuple[str, str]:
        """The commit and the hash of the tree that everything is computed from.

        Asked before the tree is read: a plan of what somebody commits meanwhile would then be one of an older commit,
        which is stale, and never the plan of a commit that it has not seen.
        """
        return self.repo.standing()

    @cached_property
    def tree(self) -> Tree:
        _ = self.base
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
            require_no_successor(self.repo, self.tree, self.plan.name)
            return resolve_layout(self.plan, self.tree)
        require_moves_as_done(self.plan, self.lock)
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
        return self._scanned(None)

    def scans_of(self, paths: Collection[str]) -> list[FileScan]:
        """What these files say, and perhaps others: for who needs no more of the tree."""
        return self.scans if "scans" in self.__dict__ else self._scanned(paths)

    def _scanned(self, only: Collection[str] | None) -> list[FileScan]:
        found = scan_tree(
            self.world,
            skip=wants,
            jobs=self.jobs,
            progress=lambda done, total: self.progress("reading", done, total),
            memory=Memory(self.journal.scans_file, wants) if self.journal.folder.exists() else None,
            only=only,
        )
        pointers = unfetched(self.repo, self.layout.tree, lambda p: excluded(p, self.plan.exclude))
        return [*found, *(FileScan(p, findings=[_unfetched(p)]) for p in pointers)]

    @cached_property
    def design(self) -> Design:
        texts = Texts(self.tree, self.journal.texts_file if self.journal.folder.exists() else None)
        now = self.world, self.scans, self.tree, self.base[0], self.reached, self.decisions
        made = make_design(*now, texts)
        texts.keep()
        return made

    # the saved plan

    def save_plan(self) -> SavedPlan:
        document = document_of(self.design, self.layout, self.plan, self.decisions, self.base[1])
        self.journal.folder.mkdir(parents=True, exist_ok=True)
        self.journal.save(self.journal.plan_file, document)
        return SavedPlan(document)

    def saved_plan(self) -> SavedPlan | None:
        document = self.journal.load(self.journal.plan_file)
        return None if document is None or document.get("schema") != SCHEMA else SavedPlan(document)

    def usable_plan(self) -> SavedPlan | None:
        """The saved plan if it was made for this plan file and for the tree that HEAD has now."""
        saved = self.saved_plan()
        return saved if saved is not None and self._is_fresh(saved) else None

    def _is_fresh(self, saved: SavedPlan) -> bool:
        return not self._spoilt(saved) and self._fits(saved)

    def _fits(self, saved: SavedPlan) -> bool:
        made = saved.digest == self.plan.digest and saved.document.get("tool", "") == __version__
        return made and self._stands_on(self._good_heads(saved))

    def _spoilt(self, saved: SavedPlan) -> str:
        record = self.history.done.get(2)
        if record is None or record.facts.get("saved") != sha(self.journal.plan_file.read_bytes()):
            return f"{self.journal.plan_file} is not as design wrote it"
        if saved.document.get("decisions", "") != self.decisions.digest and self.reached < 4:
            return f"{self.decisions_file} says something else than when the plan was made"
        return ""

    def why_stale(self, saved: SavedPlan) -> str:
        """What changed since the plan was saved, as a phrase; "" if it may be carried out."""
        if (spoilt := self._spoilt(saved)) or self._fits(saved):
            return spoilt
        heads = self._good_heads(saved)
        last = next((c for c in reversed(heads) if self.repo.has(c) and self.repo.is_ancestor(c)), saved.commit)
        return changes(
            self.repo, last, plan_changed=saved.digest != self.plan.digest, plan_file=self.plan.file,
            inputs=saved.document["inputs"], tool=saved.document.get("tool", ""),
        )  # fmt: skip

    def _good_heads(self, saved: SavedPlan) -> list[str]:
        """The commits on which the plan may go on, in the order in which they are reached."""
        history = self.history
        ends = {n: r.end for n, r in history.done.items() if r.plan_hash == saved.plan_hash and n >= 3}
        slices = [s["end"] for s in history.slices if s["plan"] == saved.plan_hash]
        return [saved.commit, *(ends[n] for n in ends if n < 4), *slices, *(ends[n] for n in sorted(ends) if n >= 4)]

    def _stands_on(self, commits: Iterable[str]) -> bool:
        """Whether HEAD is one of these commits, or has the very tree of one (after a rollback, say)."""
        trees = tree_hashes(self.repo, commits := list(commits))
        if "HEAD" not in trees:
            self.repo.head()  # says in words what is wrong
        known = [c for c in commits if c in trees]
        if any(trees[c] == trees["HEAD"] for c in known):
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

    def audit_follows(self) -> bool:
        """Whether design may bring an older audit up to date by itself: nothing but imports would have to be run."""
        gates = self.plan.gates
        audited = self.journal.load(self.journal.audit_file) is not None
        return audited and self.reached < 3 and not (gates.tests or gates.types or gates.performance)

    def next_stage(self) -> int | None:
        return next((n for n in range(1, 7) if not self.done(n)), None)

    # refusals

    def require_clean(self, *, deep: bool) -> None:
        """Raise Refused unless the checkout is fit for a stage that changes it (`deep`) or only reads it."""
        repo = self.repo
        repo.head()
        if under_way := unfinished(repo):
            raise Refused(f"a {under_way} is under way", where=str(self.root), next_step="finish or abort it first")
        try:
            dirty = [p for p in repo.dirty() if deep or p != self.decisions_file]
        except MigrateError as error:  # a filter that cannot be run, a damaged index
            raise Refused(error.what, where=str(self.root), next_step="'git status' there must work first") from None
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
        require_links(repo, self.tree)
        if not deep:
            return
        require_idle(repo)
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
        if not has_identity(repo):
            raise Refused(
                "git does not know who commits",
                where=str(self.root),
                next_step="set user.name and user.email ('git config user.email YOU@EXAMPLE')",
            )
        if problem := signing_problem(repo):
            raise Refused(
                f"commit.gpgsign is on, and git cannot sign here: {problem}",
                where=str(self.root),
                next_step="set up the key ('git config user.signingkey'), or 'git config commit.gpgsign false'",
            )

    def require_order(self, stage: int, *, follows: bool = False) -> None:
        """Raise Refused unless every stage before is done; `follows`: the audit will be brought up to date."""
        for earlier in range(2 if follows else 1, stage):
            if not self.done(earlier):
                name = STAGE_NAMES[earlier]
                saved = self.saved_plan()
                if saved is not None and (why := self.why_stale(saved)):
                    again = "'--stage audit', then '--stage design'" if earlier == 1 else "'--stage design'"
                    raise Refused(
                        f"the saved plan is stale: {why}",
                        where=str(self.root),
                        next_step=f"look at it again with {again}",
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

    def require_fit(self, groups: Sequence[Group]) -> None:
        """Raise Refused if the checkout cannot take these operations."""
        require_fit(self.repo, self.tree, groups)


def _shown(path: Path, root: Path) -> str:
    """The path as git names it; as it is where it lies outside of the checkout."""
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return str(path)


def _unfetched(path: str) -> Finding:
    readings = ("a file without an old name", "one with old names that nobody has seen")
    return Finding(path, 0, "file.lfs", "only its pointer is here", readings, "run 'git lfs pull' first", "warning")


def finding_from(data: dict[str, Any]) -> Finding:
    return Finding(**{**data, "readings": tuple(data["readings"])})
