"""Stage 5: the verdict on the moved tree, with its evidence; and the gate that ends every other stage.

Gates are compared with the baseline test by test.  Beyond the tests: every moved module is imported that could be
imported before, old and new names give one object while the shims stand, public names have equal signatures, values
and classes (at run time, and statically by griffe), every moved file is a 100 % rename with its history, nothing
uses an old name any more, and the second opinion agrees.  What is installed beside and uses one is told.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from .attributes import reachable
from .baseline import check_times, check_types, run_all
from .decisions import settle
from .environ import child_environment
from .gates import Comparison, GateResult, compare, explain
from .imports import compare_names, import_all, public_names
from .installed import installed_users
from .model import CheckFailed, Finding
from .session import Session
from .twotrees import disagreements, roots_now

_SAME_OBJECT = """
import importlib, sys, warnings
warnings.simplefilter("ignore")
sys.path[:0] = sys.argv[1].split(":")
for pair in sys.argv[2:]:
    old, new = pair.split("=")
    try:
        print(pair, "same" if importlib.import_module(old) is importlib.import_module(new) else "different")
    except BaseException as error:
        print(pair, type(error).__name__, str(error).replace("\\n", " ")[:200])
"""


def new_test_id(session: Session) -> Callable[[str], str]:
    """Test ids from before the move, as they are called afterwards."""
    layout = session.layout

    def rename(test: str) -> str:
        path, separator, rest = test.partition("::")
        return (layout.old_to_new_path(path) or path) + separator + rest

    return rename


def gate(session: Session, stage: int) -> list[dict[str, Any]]:
    """Run the gates and compare them with the baseline.  Raises CheckFailed with the tests that broke."""
    if not session.plan.gates.tests:
        return []
    baseline = session.journal.load(session.journal.audit_file)
    before = [GateResult.from_dict(g) for g in baseline["gates"]] if baseline else []
    known = {g.command: g for g in before}
    session.progress("gates", 0, 0)
    out = []
    for result in run_all(session):
        first = known.get(result.command)
        if first is None:
            # Nothing to compare with (another clone ran the audit): the gate itself decides.
            comparison = Comparison(result.command, 0, result.exit_code, reason=result.problem or _exit_reason(result))
        else:
            comparison = compare(first, result, new_test_id(session))
        if not comparison.ok:
            lines = explain(comparison) or [comparison.reason]
            raise CheckFailed(
                f"the gate {result.command!r} is worse than before: " + "; ".join(lines[:10]),
                where=f"stage {stage}",
                next_step="the tree is as it was; mend the cause or list it in the plan, then run the stage again"
                + (f" (its output: {result.log})" if result.log else ""),
            )
        out.append(
            comparison.as_dict() | {"stage": stage, "tests": len(result.outcomes), "seconds": round(result.seconds, 1)}
        )
    return out


def _exit_reason(result: GateResult) -> str:
    return "" if result.exit_code == 0 else f"exit code {result.exit_code}, and no baseline to compare with"


def verdict(session: Session, base: str) -> dict[str, Any]:
    """All checks of stage 5.  `base` is the commit before the move."""
    findings: list[Finding] = []
    audit = session.journal.load(session.journal.audit_file) or {}
    gates = gate(session, 5)
    python = audit.get("python", sys.executable)
    session.progress("importing", 0, 0)
    findings += _imports(session, audit, python)
    findings += _same_objects(session, python)
    findings += _attributes(session, audit, python)
    findings += _names(session, audit, python)
    findings += installed_users(python, session.root, session.layout)
    findings += disagreements(session, base)
    session.progress("public names", 0, 0)
    findings += _api(session, base)
    session.progress("history", 0, 0)
    from .history import check_history

    followed = check_history(session.root, base, _moved(session, base))
    broken = [f for f in followed if f.severity == "error"]
    must = session.plan.gates.history
    findings += [f if must or f not in broken else replace(f, severity="warning") for f in followed]
    after = "; where a squash has lost history, '[gates] history = false' in the plan lets it pass" if broken else ""
    findings += check_types(session, audit)
    findings += check_times(session, audit)
    left = leftovers(session)
    return {
        "gates": gates,
        "findings": [f.as_dict() for f in sorted(set(findings))],
        "left": [f.as_dict() for f in left],
        "modules": len(audit.get("imports", {})),
        "names": sum(len(n) for n in audit.get("names", {}).values()),
        "history": f"lost for {len(broken)} files" if broken else "kept",
        "next": f"mend these, or roll back{after}; 'report' shows all of them",
        "ok": not any(f.severity == "error" for f in [*findings, *left]),
    }


def leftovers(session: Session) -> list[Finding]:
    """Uses of old names that are still in the tree, as the scanners see them now; what is only listed counts less."""
    out: list[Finding] = []
    for scan in session.scans:
        out += [
            Finding(e_path, e.line, "old-name", e.old, (f"{e.old}, now {e.new}",), f"write {e.new.strip()}", "error")
            for e_path, e in ((scan.path, e) for e in scan.edits)
            if e.stage < 6
        ]
        _, decided = settle(scan.findings, session.decisions, session.layout, {})
        kept = {f for f, decision in decided if decision.answer == "keep"}
        out += [f for f in scan.findings if f.severity != "note" and f not in kept]
    return sorted(set(out))


def _imports(session: Session, audit: dict[str, Any], python: str) -> list[Finding]:
    before: dict[str, str] = audit.get("imports", {})
    wanted = {session.layout.new_module(m) or m: m for m, problem in before.items() if not problem}
    after = import_all(python, session.root, roots_now(session), sorted(wanted), timeout=60)
    return [
        Finding(name, 0, "import.broken", problem, (f"{wanted[name]} could be imported before",), "", "error")
        for name, problem in sorted(after.items())
        if problem
    ]


def _same_objects(session: Session, python: str) -> list[Finding]:
    """While shims stand: each moved module under its old name is the very same object."""
    if not session.lock or not session.lock.shims:
        return []
    audit = session.journal.load(session.journal.audit_file) or {}
    modules = [m for m, problem in audit.get("imports", {}).items() if not problem]
    pairs = [f"{m}={session.layout.new_module(m)}" for m in modules if session.layout.new_module(m)]
    if not pairs:
        return []
    roots = ":".join(str(session.root / r) for r in roots_now(session))
    done = subprocess.run(
        [python, "-B", "-c", _SAME_OBJECT, roots, *pairs],
        cwd=session.root,
        capture_output=True,
        text=True,
        timeout=300,
        env=child_environment(session.root),
    )
    findings = []
    for line in done.stdout.splitlines():
        pair, _, answer = line.partition(" ")
        if "=" in pair and answer != "same":
            old, _, new = pair.partition("=")
            findings.append(Finding(old, 0, "shim.identity", answer, (f"{old} is {new}",), "", "error"))
    return findings


def _attributes(session: Session, audit: dict[str, Any], python: str) -> list[Finding]:
    """Old submodules that came with their package, and do not any more; imports of them are served by the shims."""
    before = audit.get("reachable", [])
    lost = set(before) - set(reachable(python, session.root, roots_now(session), before)) if before else ()
    return [
        Finding(
            name,
            0,
            "attribute.lost",
            f"import {name.rpartition('.')[0]} alone does not bring {name} any more",
            ("nobody outside uses it without importing it", "code elsewhere relies on it"),
            f"such code must import {session.layout.new_module(name)}",
            "warning",
        )
        for name in sorted(lost)
    ]


def _names(session: Session, audit: dict[str, Any], python: str) -> list[Finding]:
    before = audit.get("names", {})
    if not before:
        return []
    modules = sorted(session.layout.new_module(m) or m for m in before)
    after = public_names(python, session.root, roots_now(session), modules)
    settled = {m: {n: _final_names(session, text) for n, text in names.items()} for m, names in after.items()}
    judge = session.world.judge
    gone = tuple(f"{entry.source}." for entry in session.plan.symbols)  # members of classes that were compared by shape
    before = {m: {n: t for n, t in names.items() if not f"{m}.{n}".startswith(gone)} for m, names in before.items()}
    return compare_names(before, settled, lambda n: judge.symbol(n) or session.layout.new_module(n) or n)


def _api(session: Session, base: str) -> list[Finding]:
    ours = {m.source for m in session.plan.moves}  # an earlier migration's names lead to shims, not to code
    moves = [m for m in session.layout.moves if m.source in ours]
    packages = [(m.source, m.target) for m in moves]
    with tempfile.TemporaryDirectory(prefix="migrate-api-") as folder:
        session.repo.take_out(base, Path(folder).resolve())
        for move in session.layout.moves:  # a build script beside the code is no module of it
            if move.is_package and f"{move.to_path}/setup.py" not in session.tree:
                Path(folder, move.path, "setup.py").unlink(missing_ok=True)
        from .api import compare_api  # griffe is for this stage alone

        found = compare_api(Path(folder), session.root, session.plan.import_roots, roots_now(session), packages)
    return [f for f in found if not _edited_by_us(session, f) and not _explained(session, f)]


def _edited_by_us(session: Session, finding: Finding) -> bool:
    """Whether the migration itself last changed the line: it differs on purpose, and is compared at run time."""
    if not finding.line or finding.path not in session.tree:
        return False
    commit = session.repo.line_commit(finding.path, finding.line)
    return f"Migration-Plan: {session.plan.name}" in session.repo.message(commit)


def _explained(session: Session, finding: Finding) -> bool:
    """Whether the two readings are equal once every name is written as it will be called in the end."""
    if len(finding.readings) != 2:
        return False
    before, after = (_final_names(session, r.partition(":")[2]) for r in finding.readings)
    return before == after


def _final_names(session: Session, text: str) -> str:
    """`text` with every dotted name that moves, or is a planned duplicate at its new place, as the canonical one."""
    layout, judge = session.layout, session.world.judge
    duplicates = {layout.new_module(e.source) or e.source: e.target for e in layout.plan.symbols}

    def final(match: re.Match[str]) -> str:
        name = match.group()
        new = judge.symbol(name) or layout.new_module(name) or name
        for duplicate, canonical in duplicates.items():
            if new == duplicate or new.startswith(duplicate + "."):
                return canonical + new[len(duplicate) :]
        return new

    return re.sub(r"[A-Za-z_]\w*(?:\.\w+)+", final, text)


def _planned_lines(session: Session) -> set[tuple[str, int]]:
    """Lines that the plan itself edited: their text differs on purpose, and their values are compared at run time."""
    saved = session.saved_plan()
    if saved is None:
        return set()
    new_paths = saved.document["new_paths"]
    return {(new_paths.get(p, p), edit[4]) for p, edits in saved.document["edits"].items() for edit in edits}


def _moved(session: Session, base: str) -> dict[str, str]:
    moved = {}
    before = [m.path for m in session.lock.moves if m.plan] if session.lock else []
    for path in session.repo.tree(base):
        if any(path == b or path.startswith(b + "/") for b in before):
            continue
        new = session.layout.old_to_new_path(path)
        if new and new in session.tree:
            moved[path] = new
    return moved
