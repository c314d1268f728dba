"""One plain function for each verb of the command line, callable as a library: values in, values out.

Nothing here prints or exits.
"""

from __future__ import annotations

import datetime as dt
import difflib
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomlkit
import tomlkit.exceptions

from . import checks
from .audit import unused_findings
from .guess import guess_plan
from .layout import Layout, resolve_layout
from .lock import Lock
from .lock import read as read_lock
from .manifests import Context as ManifestContext
from .manifests import rewrite_manifest, wants
from .model import STAGE_NAMES, Edit, Finding, PlanError, Refused
from .operations import apply_edits, write
from .plan import LOCK_FILE, PLAN_FILE, MoveEntry, Plan
from .report import FileEdits, Report, StageSummary, render_html
from .rollback import roll_back
from .scan import FileScan, World, excluded, make_world, scan_tree
from .session import Session
from .stages import Outcome, run_stage
from .tree import Tree, decode


def run(session: Session, stage: int, only: Sequence[str]) -> Outcome:
    return run_stage(session, stage, tuple(only))


def rollback(session: Session, to: int, *, hard: bool = False) -> str:
    return roll_back(session, to, hard=hard)


def init(session: Session, *, force: bool = False) -> Path:
    path = session.plan_path or session.root / PLAN_FILE
    if path.exists() and not force:
        raise Refused("there is a plan file already", where=str(path), next_step="use --force to replace it")
    path.write_text(guess_plan(session.repo.tree(), session.root.name), encoding="utf-8")
    return path


def status(session: Session) -> dict[str, Any]:
    history = session.history
    following = session.next_stage()
    stages = []
    for number, name in STAGE_NAMES.items():
        state = "done" if session.done(number) else "next" if number == following else "waiting"
        record = history.done.get(number)
        note = ""
        if state == "done" and record and record.base != record.end:
            note = f"{record.base[:10]}..{record.end[:10]}"
        stages.append({"stage": number, "name": name, "state": state, "note": note})
    interrupted = ""
    if history.running:
        what = "a rollback" if history.running.rollback else f"stage {history.running.stage}"
        interrupted = f"{what} was interrupted: run the same command again, or roll back"
    saved = session.saved_plan()
    waiting = [f for f in saved.document["findings"] if f["severity"] != "note"] if saved else []
    if (running := history.running) is not None:
        only = "".join(f" --only {folder}" for folder in running.only)
        command = f"rollback --to {running.stage}" if running.rollback else f"--stage {running.stage}{only}"
        coming = f"next: python -m tools.migrate {command}"
    elif following is None:
        coming = "all stages are done"
    else:
        coming = f"next: python -m tools.migrate --stage {following}  ({STAGE_NAMES[following]})"
    slices = [{"only": s["only"], "end": s["end"]} for s in history.slices]
    return {
        "plan": session.plan.name,
        "stages": stages,
        "next": coming,
        "interrupted": interrupted,
        "waiting": waiting,
        "slices": slices,
    }


def dry_run(session: Session, stages: Iterable[int]) -> str:
    """The unified diff of what these stages would do to the tree as it is; nothing is written, no gate runs."""
    session.require_clean(deep=False)
    reached = session.reached
    design = session.design
    out = []
    for number in stages:
        if number not in (3, 4, 6) or number <= reached:
            continue
        before = design.trees[{3: 2, 4: 3, 6: 4}[number]]
        renames = session.layout.moved_files() if number == 3 else {}
        out.append(unified(before, design.trees[number], renames))
    return "".join(out)


def unified(before: Tree, after: Tree, renames: dict[str, str]) -> str:
    """A git-style diff of two trees."""
    out: list[str] = []
    source = {new: old for old, new in renames.items()}
    for path in sorted({*before, *after}):
        if path in renames and path not in after:
            continue
        old_path = source.get(path, path)
        was, now = old_path in before, path in after
        old = before.read(old_path) if was and not (old_path in renames and path == old_path) else b""
        new = after.read(path) if now else b""
        same = was and old == new and not (old_path in renames and path == old_path)
        if same and path not in source:
            continue
        out.append(f"diff --git a/{old_path if was else path} b/{path}\n")
        if path in source:
            out.append(f"similarity index {'100%' if same else 'changed'}\nrename from {old_path}\nrename to {path}\n")
        elif not was:
            out.append("new file\n")
        elif not now:
            out.append("deleted file\n")
        if same:
            continue
        a, b = decode(old), decode(new)
        if a is None or b is None:
            out.append("Binary files differ\n")
            continue
        lines = difflib.unified_diff(
            a.body.splitlines(keepends=True),
            b.body.splitlines(keepends=True),
            f"a/{old_path}" if was else "/dev/null",
            f"b/{path}" if now else "/dev/null",
        )
        for line in lines:
            out.append(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n")
    return "".join(out)


def check_shims(
    session: Session, *, today: dt.date, pretend_removed: bool, fix: bool, output: checks.Format
) -> tuple[str, int]:
    """The CI check.  Needs the lock and the files, no history and no state of earlier runs."""
    tree = session.repo.index_tree()
    if LOCK_FILE not in tree:
        raise PlanError(
            f"no {LOCK_FILE} here, so no migration has begun", where=str(session.root), next_step="run the stages first"
        )
    lock = read_lock(tree.read(LOCK_FILE).decode("utf-8", "replace"), LOCK_FILE)
    layout = lock_layout(session, lock, tree)
    world = make_world(layout)
    scans = [*scan_tree(world, skip=wants, jobs=session.jobs), *_late_manifests(world)]
    if fix:
        apply_late(session, scans)
        scans = [FileScan(s.path, [], s.findings) for s in scans]
    uses = [
        Finding(s.path, e.line, "old-name-used", old, (f"{old}, now {new}",), f"write {new}", "error")
        for s in scans
        for e in s.edits
        for old, new in [(e.old, e.new) if e.rule != "manifest" else (e.reason, "what stage 4 writes")]
    ]
    violations = checks.check_shims(
        {p: (lambda path=p: tree.read(path)) for p in tree},  # type: ignore[misc]
        lock,
        today=today,
        pretend_removed=pretend_removed,
        version=_version(session, tree),
        uses=uses,
    )
    return checks.render(violations, output), checks.exit_code(violations)


def _late_manifests(world: World) -> list[FileScan]:
    """Old names in manifests, as stage 4 would rewrite them, each as one edit of the whole text."""
    layout = world.layout
    context = ManifestContext(layout=layout, judge=world.judge, tree=layout.tree, plan=layout.plan)
    out = []
    for path in layout.tree:
        text = layout.tree.text(path) if wants(path) and not excluded(path, layout.plan.exclude) else None
        if text is None:
            continue
        result = rewrite_manifest(path, text.body, 4, context)
        if result.text is not None and result.text != text.body:
            first = result.notes[0] if result.notes else None
            line, reason = (first.line, first.reason) if first else (1, "")
            edit = Edit(0, len(text.body), text.body, result.text, line, 4, "manifest", reason)
            out.append(FileScan(path, [edit]))
    return out


def apply_late(session: Session, scans: Iterable[FileScan]) -> list[str]:
    """Rewrite late uses of old names in the working tree; the user commits them."""
    changed = []
    place = session.executor.place(session.repo.head())
    for scan in scans:
        if scan.edits:
            data = (session.root / scan.path).read_bytes()
            write(place, scan.path, apply_edits(data, scan.edits, scan.path), None)
            changed.append(scan.path)
    return changed


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
    return resolve_layout(plan, tree.replaced(removed={s.path for s in lock.shims}), moved=True)


def _version(session: Session, tree: Tree) -> str | None:
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


def report(session: Session) -> Report:
    """What is known of the migration: from the journal, the audit and the saved plan."""
    history, saved = session.history, session.saved_plan()
    audit = session.journal.load(session.journal.audit_file) or {}
    following = session.next_stage()
    gates: list[dict[str, Any]] = []
    stages = []
    verdict: dict[str, Any] = {}
    for number, name in STAGE_NAMES.items():
        record = history.done.get(number)
        facts = record.facts if record else {}
        gates += facts.get("gates", [])
        verdict = facts.get("verdict", verdict)
        state: Any = "done" if session.done(number) else "next" if number == following else "waiting"
        commits: tuple[tuple[str, str], ...] = ()
        if record and record.base != record.end and number in (3, 4, 6):
            commits = tuple((c[:12], session.repo.subject(c)) for c in session.repo.commits(record.base, record.end))
        words = "; ".join(f"{g['command']}: {g.get('tests', 0)} tests, none worse" for g in facts.get("gates", []))
        stages.append(
            StageSummary(
                number,
                name,
                state,
                commits,
                facts.get("edits", 0),
                facts.get("moved", 0),
                0,
                words,
                facts.get("seconds", 0.0),
                "",
            )
        )
    edits: tuple[FileEdits, ...] = ()
    findings: tuple[Finding, ...] = ()
    if saved:
        new_paths = saved.document["new_paths"]
        edits = tuple(
            FileEdits(p, new_paths.get(p, p), tuple(Edit(*e) for e in listed))
            for p, listed in saved.document["edits"].items()
        )
        findings = tuple(Finding(**{**f, "readings": tuple(f["readings"])}) for f in saved.document["findings"])
    api = tuple(Finding(**{**f, "readings": tuple(f["readings"])}) for f in verdict.get("findings", ()))
    baseline = {"gates": [{k: v for k, v in g.items() if k not in ("log", "python")} for g in audit.get("gates", ())]}
    bisect = []
    for number, record in sorted(history.done.items()):
        if number in (3, 4, 6):
            for commit in session.repo.commits(record.base, record.end):
                for line in session.repo.message(commit).splitlines():
                    if line.startswith("Migration-Bisect: skip"):
                        bisect.append(f"{commit[:12]}: {line.partition(', ')[2]}")
    return Report(
        plan=session.plan.name,
        plan_hash=saved.plan_hash if saved else "",
        root_name=session.root.name,
        moves=tuple(sorted(session.layout.moves, key=lambda m: m.source)),
        stages=tuple(stages),
        edits=edits,
        findings=findings,
        gates=tuple(gates),
        graph=audit.get("graph", {}),
        baseline=baseline,
        api=api,
        unused_dependencies=tuple(unused_findings(audit)),
        public_names={"before": sum(len(n) for n in audit.get("names", {}).values())} if audit else {},
        bisect=tuple(bisect),
        warnings=("Do not squash the commits of stage 3: git would lose the history of every moved file.",),
    )


def write_html(value: Report, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_html(value), encoding="utf-8")


def build_demo(folder: Path | None) -> Path:
    from .demo import build

    place = folder or Path(tempfile.mkdtemp(prefix="migrate-demo-")) / "alphapulse"
    build(place)
    return place.resolve()
