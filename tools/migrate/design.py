"""From one tree and its scan to the ordered operations of stages 3, 4 and 6: pure computation, nothing is written.

Three texts of every touched file are computed: after the move (what would break at once), after integration (nobody
uses an old name) and after cleanup.  The operations are the differences between them, so a stage can do exactly what
was shown.  `plan_hash` is taken over the plan file, the commit, and every content that will be touched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from . import __version__
from .circles import circles
from .decisions import NONE, Decision, Decisions, settle
from .executor import Group
from .lock import Lock, LockedMove, LockedShim, render
from .manifests import Context as ManifestContext
from .manifests import crossed, new_manifests, rewrite_manifest, wants
from .model import Edit, Finding, Move
from .newplaces import of_new_places
from .operations import EditFile, MoveFiles, Operation, RemoveFile, WriteFile, apply_edits
from .placement import earlier, new_packages, redirected, routes_of, shims_of
from .plan import LOCK_FILE
from .planned import tree_after
from .scan import FileScan, World, excluded
from .setupimports import imports_of, with_imports
from .shims import is_shim, removal_phrase, shim_text
from .stubs import TYPED, explicit, stub_text, stubs_of, typed_marker
from .submodules import block, lost, unbound, without
from .symbols import Duplicate, drop, plan_symbols
from .syntax import no_collector
from .testnames import doubled_tests
from .texts import EditedFile, Texts
from .tree import LINK, REGULAR, Content, Tree, decode, given, sha


@dataclass(slots=True)
class Design:
    """What the stages will do.  `edits` and `findings` are for the report; `trees` is stage -> tree after it."""

    plan_hash: str
    commit: str
    groups: dict[int, list[Group]]
    edits: dict[str, list[Edit]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)
    trees: dict[int, Tree] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    decided: list[tuple[Finding, Decision]] = field(default_factory=list)


def make_design(
    world: World,
    scans: Sequence[FileScan],
    tree: Tree,
    commit: str,
    reached: int = 0,
    decided: Decisions = NONE,
    texts: Texts | None = None,
) -> Design:
    """The design for a tree from before the move, or (layout.moved) for what is left to do after it.

    `tree` is all that is tracked; the layout's own tree leaves the shims out.  `reached` is the stage behind it.
    `texts` know what became of the files of this tree in an earlier run.
    """
    with no_collector():
        return _Designer(world, scans, tree, commit, reached, decided, texts).make()


class _Designer:
    def __init__(
        self,
        world: World,
        scans: Sequence[FileScan],
        tree: Tree,
        commit: str,
        reached: int,
        decisions: Decisions,
        texts: Texts | None,
    ) -> None:
        self.world, self.layout, self.plan = world, world.layout, world.layout.plan
        self.tree, self.commit, self.reached, self.decisions = tree, commit, reached, decisions
        self.scans = {s.path: s for s in scans}
        self.findings: list[Finding] = [f for s in scans for f in s.findings]
        self.edits: dict[str, list[Edit]] = {s.path: list(s.edits) for s in scans if s.edits}
        self.context = ManifestContext(layout=self.layout, judge=world.judge, tree=world.layout.tree, plan=self.plan)
        self.contents: dict[int, dict[str, Content | None]] = {3: {}, 4: {}, 6: {}}  # by new path
        self.read: dict[str, str] = {}  # path -> hash of what it holds today
        self.whole: set[str] = set()  # new paths written as a whole, not by spans
        self.texts = texts or Texts(tree)
        self.edited: dict[tuple[int, str], EditedFile] = {}  # stage and new path of files edited by spans

    def make(self) -> Design:
        layout = self.layout
        moved = layout.moved_files()
        theirs = redirected(layout, self.tree, self.edits)
        self.findings = [f for f in self.findings if f.path not in theirs]
        self.findings, decided = settle(self.findings, self.decisions, layout, self.edits)
        duplicates = plan_symbols(self.world)
        self.findings += filter(None, (*(d.finding() for d in duplicates), *crossed(self.context, self.scans)))
        if not layout.moved:
            drop(duplicates, layout, self.edits)
        for path in self.edits:
            self._file(path)
        for path in self.tree:
            if wants(path) and self.tree.modes[path] != LINK and not excluded(path, self.plan.exclude):
                self._manifest(path)
        for stage in (3, 4, 6):
            for path, text in new_manifests(stage, self.context).items():
                if path not in self.tree and path not in self.contents[3]:
                    self.contents[stage][path] = text.encode()
                    self.whole.add(path)
        self.earlier_moves, self.earlier_shims = earlier(layout, self.tree)
        shims = self._with_attributes(shims_of(layout, self.world.resolver.index, self.tree))
        python = {p: e for p, e in self.edits.items() if p.endswith((".py", ".pyi"))}
        pending = tuple(sorted(layout.new_path(p) for p, e in python.items() if any(x.stage == 4 for x in e)))
        after3 = self.tree.replaced(moved=moved, written=self._written(3))
        groups: dict[int, list[Group]] = {3: [], 4: [], 6: []}
        stands, waiting = self.plan.shims.enabled, {3: pending, 4: ()}
        shim_texts = {n: self._shim_texts(shims, files) if stands else {} for n, files in waiting.items()}
        packages = new_packages(layout, after3)
        self.findings += of_new_places(layout, self.world.resolver.index, self.edits)
        self.findings += doubled_tests(layout, moved, {*after3, *packages}, self.plan.gates.tests)
        self.others = {LOCK_FILE, *packages, *shim_texts[3], *shim_texts[4]}
        plan_hash, inputs = self._hash(moved)
        if not layout.moved:
            groups[3] = self._migrate(moved, shims, shim_texts[3], packages, plan_hash)
            written = self._written(3) | packages
            written.update((p, t.encode()) for p, t in shim_texts[3].items())
            after3 = self.tree.replaced(moved=moved, written={**written, LOCK_FILE: self._lock(3, shims, plan_hash)})
        if self.reached < 4:
            groups[4] = self._integrate(after3, shims, shim_texts[4], plan_hash)
        after4 = tree_after(after3, groups[4], self._written(4), self.others)
        self.findings += circles(layout, self.world.resolver.index, after4, self.edits)
        groups[6] = self._cleanup(after4, shims, duplicates, plan_hash)
        last = tree_after(after4, groups[6], self._written(6))
        trees = {2: self.tree, 3: after3, 4: after4, 5: after4, 6: last}
        left, others = settle(sorted(set(self.findings)), self.decisions, layout, {})  # those of manifests as well
        return Design(
            plan_hash, self.commit, groups, self.edits, left, duplicates, trees, inputs, sorted({*decided, *others})
        )

    # contents after each stage

    def _file(self, path: str) -> None:
        """The texts of a file that is edited by spans."""
        target, file = self.layout.new_path(path), self.texts.of(path, self.edits[path])
        self.read[path] = file.hashes[0]
        for stage in (3, 4, 6):
            if file.spans[stage]:
                self.contents[stage][target] = partial(file.text, stage)
                self.edited[stage, target] = file

    def _manifest(self, path: str) -> None:
        data = self.tree.read(path)
        text = decode(data)
        if text is None:
            return
        target, before = self.layout.new_path(path), text.body
        imports, listed = imports_of(self.world, self.context, path)
        now: str | None = with_imports(before, imports)
        self.findings += listed
        for stage in (4, 6) if self.layout.moved else (3, 4, 6):
            if now is None:
                return
            result = rewrite_manifest(path, now, stage, self.context)
            self.findings += result.findings
            if result.text != before:
                self.contents[stage][target] = None if result.text is None else text.encoded(result.text)
                self.whole.add(target)
                self.edits.setdefault(path, []).extend(_of_stage((*imports, *result.notes), stage))
            now, imports, before = result.text, [], result.text or ""

    def _written(self, stage: int) -> dict[str, Content]:
        return {p: c for p, c in self.contents[stage].items() if c is not None}

    def _with_attributes(self, shims: Sequence[LockedShim]) -> tuple[LockedShim, ...]:
        """Before the move: let packages that a module leaves still answer for it, and note where on its shim."""
        layout, index, holders = self.layout, self.world.resolver.index, dict[str, set[str]]()
        if layout.moved or not self.plan.shims.enabled:
            return tuple(shims)
        for path, names in lost(layout, index, lambda p: excluded(p, self.plan.exclude)).items():
            target, source = layout.new_path(path), self.tree.text(path)
            later = self.contents[4].get(target) or self.contents[3].get(target)
            text = decode(given(later), python=True) if later else source
            wanted = unbound(text.body, names) if text else {}
            if source and wanted:
                self.edits.setdefault(path, []).append(block(source.body, wanted))
                self._file(path)
                for left in wanted.values():
                    shim = next(s for s in shims if f"{left.source}.".startswith(f"{s.old}."))
                    holders.setdefault(shim.old, set()).add(target)
        return tuple(replace(s, attributes_in=tuple(sorted(holders.get(s.old, ())))) for s in shims)

    # groups

    def _migrate(
        self,
        moved: Mapping[str, str],
        shims: Sequence[LockedShim],
        texts: Mapping[str, str],
        packages: Mapping[str, bytes],
        plan_hash: str,
    ) -> list[Group]:
        layout = self.layout
        moves: list[Operation] = []
        rest = dict(moved)
        for move in layout.moves:
            pairs = tuple(
                (o, n)
                for o, n in rest.items()
                if o == move.path or o == move.path + "i" or o.startswith(move.path + "/")
            )
            for old, _ in pairs:
                rest.pop(old)
            pairs += tuple((o, rest.pop(o)) for o in layout.scripts_of(move) if o in rest)
            if pairs:
                moves.append(MoveFiles(3, move.source, move.to_path if move.keeps_name else move.target, pairs))
        names = ", ".join(m.words for m in sorted(layout.moves, key=lambda m: m.source))
        changed = self._changes(3, self.tree.replaced(moved=moved))
        extra: list[Operation] = [
            WriteFile(3, p, c, REGULAR, "makes the new folder a package") for p, c in packages.items()
        ]
        extra += [WriteFile(3, p, t.encode(), REGULAR, _why(p, shims)) for p, t in sorted(texts.items())]
        lock = self._lock(3, shims, plan_hash)
        extra.append(self._lock_write(3, lock, self.tree))
        fixes = bool(changed) or bool(texts)
        reason = "the files lie at the new place, and the shims at the old one come with the next commit"
        return [
            Group(
                _short(f"Move {names}"), tuple(moves), "Every file is a pure rename.", bisect=reason if fixes else ""
            ),
            Group(
                "Keep the old names working" if texts else "Follow the move",
                (*changed, *extra),
                "Shims, duplicates, what the new place breaks at once: relative imports, paths, loggers, manifests.",
                rewrites=bool(changed),
            ),
        ]

    def _integrate(
        self, after3: Tree, shims: Sequence[LockedShim], texts: Mapping[str, str], plan_hash: str
    ) -> list[Group]:
        changed = self._changes(4, after3)
        extra: list[Operation] = []
        for path, text in sorted(texts.items()):
            before = after3.read(path) if path in after3 else b""
            if before != text.encode() and is_shim(before.decode("utf-8", "replace")):
                extra.append(
                    WriteFile(4, path, text.encode(), REGULAR, "nobody in the tree waits for the old name", sha(before))
                )
        lock = self._lock(4, shims, plan_hash)
        extra.append(self._lock_write(4, lock, after3))
        return [
            Group(
                "Use the new names",
                tuple(changed),
                "Imports, references and manifests of every dependent.",
                rewrites=True,
            ),
            Group(f"Record stage 4 of {self.plan.name}", tuple(extra)),
        ]

    def _cleanup(
        self, after4: Tree, shims: Sequence[LockedShim], duplicates: Sequence[Duplicate], plan_hash: str
    ) -> list[Group]:
        operations: list[Operation] = []
        for shim in (*shims, *self.earlier_shims):
            for path in shim.files:
                if path in after4:
                    why = f"the {'shim' if path == shim.path else 'stubs'} of {shim.old}"
                    operations.append(RemoveFile(6, path, sha(after4.read(path)), after4.modes[path], why))
        operations += self._changes(6, after4)
        held = {path for shim in (*shims, *self.earlier_shims) for path in shim.attributes_in if path in after4}
        tree = tree_after(after4, [Group("", tuple(operations))], self._written(6)) if held else after4
        for path in sorted(held):
            text = tree.text(path)
            edit = without(text.body) if text else None
            if edit is not None:
                before = tree.read(path)
                after = apply_edits(before, (edit,), path)
                operations.append(EditFile(6, path, sha(before), sha(after), (edit,)))
        tree = tree_after(after4, [Group("", tuple(operations))], self._written(6))
        left: dict[str, bytes] = {}  # each duplicate goes out of the text that the one before has left
        for duplicate in duplicates:
            if duplicate.path in tree:
                data = left.get(duplicate.path) or tree.read(duplicate.path)
                for operation in duplicate.operations(data):
                    operations.append(operation)
                    left[duplicate.path] = apply_edits(data, operation.edits, duplicate.path)
        lock = self._lock(6, (), plan_hash)
        return [
            Group("Remove the old names", tuple(operations), "Shims, and manifests that are replaced."),
            Group(f"Record stage 6 of {self.plan.name}", (self._lock_write(6, lock, after4),)),
        ]

    def _changes(self, stage: int, before: Tree) -> list[Operation]:
        """Operations that give every file its content after `stage`; `before` is the tree that they start from."""
        out: list[Operation] = []
        for path, content in sorted(self.contents[stage].items()):
            if content is None:
                if path in before:
                    held = sha(before.read(path))
                    out.append(RemoveFile(stage, path, held, before.modes[path], "its distribution is replaced"))
            elif path not in before:
                out.append(WriteFile(stage, path, given(content), REGULAR, "new manifest"))
            elif path in self.whole:
                if given(content) != (old := before.read(path)):
                    out.append(WriteFile(stage, path, given(content), before.modes[path], "manifest", sha(old)))
            else:
                file = self.edited[stage, path]
                held, after = file.around(stage)
                held = sha(before.read(path)) if path in self.others else held
                out.append(EditFile(stage, path, held, after, file.spans[stage], file.is_link))
        return out

    # shims, lock, hash

    def _shim_texts(self, shims: Sequence[LockedShim], pending: Sequence[str]) -> dict[str, str]:
        out = {}
        index, layout = self.world.resolver.index, self.layout
        for shim in shims:
            move = next(m for m in layout.moves if m.source == shim.old)
            out[shim.path] = shim_text(
                shim.old,
                shim.new,
                is_package=move.is_package,
                routes=routes_of(layout, move.source),
                public=explicit(index.names(layout.current_module(move.source))),
                pending=pending,
                depth=shim.path.count("/"),
                remove_by=shim.remove_by,
                remove_in=shim.remove_in,
                owner=shim.owner,
                plan=self.plan.name,
            )
            out.update(self._stub_texts(shim, move))
        return out

    def _stub_texts(self, shim: LockedShim, move: Move) -> dict[str, str]:
        layout, index, out = self.layout, self.world.resolver.index, {}
        folder, when = shim.path.rpartition("/")[0], removal_phrase(shim.remove_by, shim.remove_in)
        for path, (old, new) in stubs_of(layout, index, move, folder).items():
            names = explicit(index.names(old))
            out[path] = stub_text(old, new, names, when=when, owner=shim.owner, plan=self.plan.name)
        if (marker := typed_marker(layout, move)) is not None:
            out[f"{folder}/{TYPED}"] = marker
        return {path: text for path, text in out.items() if path in shim.stubs}

    def _lock(self, stage: int, shims: Sequence[LockedShim], plan_hash: str) -> bytes:
        before = {m.old for m in self.earlier_moves}
        own = sorted((m for m in self.layout.moves if m.source not in before), key=lambda m: m.source)
        moves = (*(LockedMove(m.source, m.target, m.path, m.to_path) for m in own), *self.earlier_moves)
        listed = tuple(shims) if self.plan.shims.enabled else ()
        listed += self.earlier_shims if stage < 6 else ()
        warn = self.plan.shims.warn_days
        return render(Lock(self.plan.name, plan_hash, stage, moves, listed, warn)).encode()

    def _lock_write(self, stage: int, content: bytes, tree: Tree) -> WriteFile:
        before = sha(tree.read(LOCK_FILE)) if LOCK_FILE in tree else None
        return WriteFile(stage, LOCK_FILE, content, REGULAR, f"records stage {stage}", before)

    def _hash(self, moved: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        touched = {*self.edits, *moved, *(p for p in self.tree if wants(p))}
        inputs = {p: self.read.get(p) or sha(self.tree.read(p)) for p in sorted(touched) if p in self.tree}
        document = [__version__, self.plan.digest, self.commit, inputs, *filter(None, [self.decisions.digest])]
        return hashlib.sha256(json.dumps(document).encode()).hexdigest(), inputs


def _of_stage(notes: Sequence[Edit], stage: int) -> list[Edit]:
    return [replace(n, stage=stage) for n in notes]


def _why(path: str, shims: Sequence[LockedShim]) -> str:
    if any(path == shim.path for shim in shims):
        return "shim: the old name leads to the moved module"
    return "for type checkers, which follow files: the old name leads to the moved module"


def _short(subject: str) -> str:
    return subject if len(subject) <= 72 else subject[:69] + "..."


__all__ = ["Design", "make_design"]
