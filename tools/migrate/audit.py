"""Stage 1: what uses the moving packages, who depends on whom, and what is broken already.

The result is one JSON document in the tool's state: the graph, the counts, the baseline of every gate (so that a test
that failed before is never blamed on the move), which modules can be imported at all, and their public names.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from .attributes import reachable
from .baseline import run_all, time_baseline, type_baseline
from .gates import GateResult
from .imports import import_all, public_names
from .layout import Layout
from .manifests import Context as ManifestContext
from .manifests import declared_unused
from .model import Finding
from .resolve import Index
from .scan import FileScan, excluded
from .session import Session

_IMPORT_TIMEOUT = 60.0  # seconds for one module


def run_audit(session: Session) -> dict[str, Any]:
    """Read everything, run the gates, and save the document.  Changes nothing in the tree."""
    from .graph import cycles, dependency_graph, to_dot, to_json  # networkx takes longer to load than most commands run

    layout, scans = session.layout, session.scans
    uses = sorted(set(_uses(layout, scans)))
    graph = dependency_graph(uses)
    session.progress("gates", 0, 0)
    gates = run_all(session)
    python = gates[0].python if gates and gates[0].python else sys.executable
    modules = moving_modules(session)
    session.progress("importing", 0, len(modules))
    roots = session.plan.import_roots
    with tempfile.TemporaryDirectory(prefix="migrate-imports-") as code:
        problems = import_all(python, session.root, roots, modules, timeout=_IMPORT_TIMEOUT, bytecode=code)
        sound = [m for m, p in problems.items() if not p]
        names = public_names(python, session.root, roots, sound, bytecode=code)
    document: dict[str, Any] = {
        "schema": 1,
        "commit": session.repo.head(),
        "digest": session.plan.digest,
        "tree": session.repo.tree_hash(),
        "gates": [_portable(g) for g in gates],
        "python": python,
        "imports": problems,
        "names": names,
        "reachable": reachable(python, session.root, session.plan.import_roots, _left_behind(session)),
        "graph": to_json(graph),
        "cycles": cycles(graph),
        "uses": Counter(u for u, _ in uses),
        "dependents": {user: sorted(t for u, t in uses if u == user) for user, _ in uses},
        "references": _count(scans),
        "unused": [f.as_dict() for f in declared_unused(_manifest_context(session), _imports_by_folder(session))],
        "types": type_baseline(session),
        "performance": time_baseline(session),
    }
    session.journal.folder.mkdir(parents=True, exist_ok=True)
    session.journal.save(session.journal.audit_file, document)
    (session.journal.folder / "graph.dot").write_text(to_dot(graph), encoding="utf-8")
    return document


def _left_behind(session: Session) -> list[str]:
    """Old names whose package stays where it is."""
    return [m.source for m in session.layout.moves if not session.layout.new_module(m.source.rpartition(".")[0])]


def moving_modules(session: Session) -> list[str]:
    """Modules of the moving packages, by their names today; tests, which only a test runner may import, left out."""
    index: Index = session.world.resolver.index
    out = []
    for name, path in sorted(index.files.items()):
        parts = path.split("/")
        is_test = parts[-1].startswith(("test_", "conftest")) or "tests" in parts[:-1]
        layout = session.layout
        moved = _lies_in_target(layout, path) if layout.moved else layout.new_path(path) != path
        moved = moved and path not in layout.scripts  # a setup.py beside the code is run, never imported
        second = any(name == a or name.startswith(a + ".") for a in layout.aliases)
        if moved and not second and path.endswith(".py") and not is_test and not name.endswith("__main__"):
            out.append(name)
    return out


def _lies_in_target(layout: Layout, path: str) -> bool:
    return any(path == m.to_path or path.startswith(m.to_path + "/") for m in layout.moves)


def _uses(layout: Layout, scans: Iterable[FileScan]) -> Iterable[tuple[str, str]]:
    """(who, what): packages of the tree that use a moving package, and moving packages that use each other."""
    for scan in scans:
        here = layout.module_of(scan.path)
        user = (_moving(layout, here.name) if here else None) or _folder(scan.path)
        targets = {_moving(layout, name) for name in scan.imports}
        if not targets - {None} and scan.edits:
            targets = {_moving(layout, e.old.split("/")[0]) for e in scan.edits}
        for target in targets:
            if target and target != user:
                yield user, target


def _folder(path: str) -> str:
    """The first two folders of a path, dotted, as the unit that depends; a file at the root stands for itself."""
    folders = path.split("/")[:-1][:2]
    return ".".join(folders) if folders else path


def _moving(layout: Layout, name: str) -> str | None:
    names = {**layout.old_names, **{m.source: m for m in layout.moves}}
    best = max((o for o in names if name == o or name.startswith(o + ".")), key=len, default=None)
    return names[best].source if best else None


def _count(scans: Iterable[FileScan]) -> dict[str, int]:
    return dict(sorted(Counter(e.rule for s in scans for e in s.edits).items()))


def _imports_by_folder(session: Session) -> Mapping[str, set[str]]:
    """Folder of each manifest -> top-level names imported by the Python files that belong to it."""
    manifests = [p for p in session.tree if p.endswith("pyproject.toml") and not excluded(p, session.plan.exclude)]
    folders = sorted({p.rpartition("/")[0] or "." for p in manifests}, key=len, reverse=True)
    out: dict[str, set[str]] = {f: set() for f in folders}
    for scan in session.scans:
        folder = next((f for f in folders if f == "." or scan.path.startswith(f + "/")), None)
        if folder is not None:
            out[folder] |= {name.split(".")[0] for name in scan.imports} | set(scan.imports)
    return out


def _manifest_context(session: Session) -> ManifestContext:
    return ManifestContext(layout=session.layout, judge=session.world.judge, tree=session.tree, plan=session.plan)


def _portable(gate: GateResult) -> dict[str, Any]:
    return gate.as_dict()


def unused_findings(document: Mapping[str, Any]) -> list[Finding]:
    return [Finding(**{**f, "readings": tuple(f["readings"])}) for f in document.get("unused", ())]
