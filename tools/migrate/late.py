"""Uses of old names that arrive after everybody was integrated: what `check-shims` finds, and rewrites with `--fix`.

Works from `migration.lock` and the files alone, so that it runs in a shallow clone, on any branch, before a commit.
The plan file adds its import roots, its exclusions and its target where it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import tomlkit
import tomlkit.exceptions

from . import carry
from .gitsettings import flag
from .layout import Layout, resolve_layout
from .lock import Lock
from .manifests import Context as ManifestContext
from .manifests import rewrite_manifest, wants
from .model import Edit, Finding, PlanError
from .operations import apply_edits
from .plan import PLAN_FILE, MoveEntry, Plan
from .repo import Repo
from .scan import FileScan, excluded, make_world, scan_file, scan_tree
from .session import Session
from .setupimports import imports_of, with_imports
from .submodules import blank
from .trailers import marks
from .tree import Tree
from .workplace import Disk


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest as stage 4 would write it, and what that changes."""

    path: str
    before: str
    after: str
    notes: tuple[Edit, ...]


@dataclass(slots=True)
class Arrivals:
    scans: list[FileScan] = field(default_factory=list)
    manifests: list[Manifest] = field(default_factory=list)

    def findings(self) -> list[Finding]:
        """Each use, with the name to write instead."""
        out = []
        for path, edits in [(s.path, s.edits) for s in self.scans] + [(m.path, list(m.notes)) for m in self.manifests]:
            for edit in edits:
                old, new = edit.old or edit.reason, edit.new.strip() or "nothing"
                out.append(
                    Finding(path, edit.line, "old-name-used", old, (f"{old}, now {new}",), f"write {new}", "error")
                )
        return out

    def of(self, wanted: Callable[[str], bool]) -> Arrivals:
        """Those in some files only."""
        return Arrivals([s for s in self.scans if wanted(s.path)], [m for m in self.manifests if wanted(m.path)])


def find(layout: Layout, jobs: int, stage: int = 4) -> Arrivals:
    """Every use of an old name in a tree from after the move; `stage` is the last one that is done."""
    world = make_world(layout)
    scans = [_due(s) for s in scan_tree(world, skip=wants, jobs=jobs, edits_only=True)]
    found = Arrivals([s for s in scans if s.edits])
    # What a late manifest has missed, in order.  One that a target has taken in, or takes others in, is done by hand.
    whole = layout.plan.text and layout.plan.target is None
    stages = ((3, 4, 6) if stage >= 6 else (3, 4)) if whole else (4,)
    context = ManifestContext(layout=layout, judge=world.judge, tree=layout.tree, plan=layout.plan)
    for path in layout.tree:
        text = layout.tree.text(path) if wants(path) and not excluded(path, layout.plan.exclude) else None
        if text is None:
            continue
        imports, _ = imports_of(world, context, path)
        after, notes = with_imports(text.body, imports), list(imports)
        for number in stages:
            result = rewrite_manifest(path, after, number, context)
            if result.text is None:  # it goes with its distribution
                after = text.body
                break
            after, notes = result.text, [*notes, *result.notes]
        if after != text.body:
            found.manifests.append(Manifest(path, text.body, after, tuple(notes)))
    return found


def _due(scan: FileScan) -> FileScan:
    """Without what only cleanup does."""
    return replace(scan, edits=[e for e in scan.edits if e.stage < 6])


def fix(session: Session, lock: Lock, tree: Tree, say: Callable[[str], None]) -> tuple[list[Finding], list[Finding]]:
    """Carry late files over, then rewrite late uses.  The user commits.

    Returns what is left for a person, and uses that are stage 4's: what nobody has touched since the move is not late.
    """
    repo, place = session.repo, session.executor_of(lock.plan).place(session.repo.head())
    layout = lock_layout(session, lock, tree)
    late = carry.find(repo, layout, lock, tree)
    rename = partial(renamed, layout)
    left = carry.carry(repo, layout, lock, late, place, rename)
    merged = carry.settle(repo, place, rename, {file.new for file in late})
    for path in merged:
        say(f"merged: {path}")
    for file in late:
        if not file.new:
            say(f"put back where it stood: {file.path}")
        elif not any(f.path in (file.path, file.new) for f in left):
            say(f"carried: {file.path} to {file.new}" if file.path != file.new else f"added: {file.new}")
    if late or merged:
        tree = with_hidden(repo, lock, repo.index_tree())
        layout = lock_layout(session, lock, tree)
        left += _unlisted(layout, [file.new for file in late])
    found = find(layout, session.jobs, lock.stage)
    since = None if lock.stage >= 4 else _changed_since_the_move(repo, lock)
    for path in rewrite(place, found if since is None else found.of(lambda p: p in since)):
        say(f"rewritten: {path}")
    named = {f.path for f in left}
    waiting = [] if since is None else found.of(lambda p: p not in since).findings()
    return left + [f for f in carry.waiting(repo, layout) if f.path not in named], waiting


def _unlisted(layout: Layout, paths: Sequence[str]) -> Iterator[Finding]:
    """Packages that came late, below one that a manifest lists by name: a wheel would be without them."""
    came = {layout.module_of(path) for path in paths if path.endswith("/__init__.py") and path in layout.tree}
    new = {m.name: m.name.rpartition(".")[0] for m in came if m is not None}
    for path in layout.tree if new else ():
        if path.rpartition("/")[2] != "pyproject.toml" or excluded(path, layout.plan.exclude):
            continue
        try:
            document = tomlkit.parse(layout.tree.read(path).decode()).unwrap()
            listed = document.get("tool", {}).get("setuptools", {}).get("packages", [])
        except (ValueError, AttributeError, tomlkit.exceptions.TOMLKitError):
            continue  # a broken manifest is another tool's to name
        for name in sorted(n for n, parent in new.items() if parent in listed and n not in listed):
            text = f"tool.setuptools.packages: {name} came late and is not listed"
            yield Finding(path, 1, carry.RULE, text, (), f"add {name}, if it is to be shipped", "error")


def _changed_since_the_move(repo: Repo, lock: Lock) -> set[str] | None:
    """Files that are not as the last commit of the migration has left them; None where the history does not say."""
    tips = [t for t in ("HEAD", "MERGE_HEAD") if repo.has(t)]
    made = marks(repo, lock.plan, tips=tips)
    if not made:
        return None
    out = repo.run("diff", "-z", "--name-only", "--no-renames", "--no-ext-diff", made[-1].commit)
    return {path for path in out.split("\0") if path}


def renamed(layout: Layout, path: str, data: bytes) -> bytes:
    """What a file with this content would be after stage 4; a manifest stays as it is."""
    if wants(path):
        return data
    tree = layout.tree.replaced(written={path: data})
    scan = _due(scan_file(make_world(Layout(layout.plan, tree, layout.moves, moved=True)), path))
    return apply_edits(data, scan.edits, path)


def rewrite(place: Disk, arrivals: Arrivals) -> list[str]:
    """Write the new names into the working tree.  Returns the paths."""
    changed = []
    for scan in arrivals.scans:
        if not place.holds(scan.path):
            continue  # a sparse checkout leaves it out; it was only read
        data = place.read(scan.path)
        place.write(scan.path, apply_edits(data, scan.edits, scan.path), None)
        changed.append(scan.path)
    for manifest in arrivals.manifests:
        if not place.holds(manifest.path):
            continue
        whole = Edit(0, len(manifest.before), manifest.before, manifest.after, 1, 4, "manifest", "as stage 4 writes it")
        place.write(manifest.path, apply_edits(place.read(manifest.path), [whole], manifest.path), None)
        changed.append(manifest.path)
    return changed


def with_hidden(repo: Repo, lock: Lock, tree: Tree) -> Tree:
    """The index's tree, in a sparse checkout with what that leaves out of the moved code and of what stands for it."""
    if not flag(repo, "core.sparseCheckout"):
        return tree
    places = {*lock.files, *lock.blocks, *(p for m in lock.moves for p in (m.path, m.to_path))}
    below = tuple(f"{p}/" for p in places)
    return repo.index_tree(lambda path: path in places or path.startswith(below))


def lock_layout(session: Session, lock: Lock, tree: Tree) -> Layout:
    """The layout after the move, from the lock alone; the plan file adds its roots and exclusions if it is there."""
    roots = {"."}
    for move in lock.moves:
        inner = move.old.replace(".", "/")
        base = move.path.removesuffix(".py")
        if base.endswith("/" + inner):
            roots.add(base[: -len(inner) - 1])
    path = session.plan_path or session.root / PLAN_FILE
    known = session.plan if path.exists() and session.plan.name == lock.plan else None
    distributions = {m.source: m.distribution for m in known.moves} if known else {}
    entries = tuple(MoveEntry(m.old, m.new, distributions.get(m.old), m.path, m.to_path) for m in lock.moves)
    if known:
        plan = replace(known, import_roots=tuple(sorted(roots | set(known.import_roots))), moves=entries)
    else:
        plan = Plan(lock.plan, tuple(sorted(roots)), entries)
    return resolve_layout(plan, tree.replaced(written=blank(tree, lock.blocks), removed=lock.files), moved=True)


def target_version(session: Session, tree: Tree) -> str | None:
    """The version in the manifest of the target distribution, for shims that go with a version."""
    try:
        target = session.plan.target
    except PlanError:
        return None
    path = f"{target.path}/pyproject.toml" if target and target.path != "." else "pyproject.toml"
    if path not in tree:
        return None
    try:
        project = tomlkit.parse(tree.read(path).decode()).unwrap().get("project", {})
    except (ValueError, tomlkit.exceptions.TOMLKitError):
        return None
    version = project.get("version")
    return version if isinstance(version, str) else None
