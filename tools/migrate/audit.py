"""Stage 1: what uses the moving packages, who depends on whom, and what is broken already.

The result is one JSON document in the tool's state: the graph, the counts, the baseline of every gate (so that a test
that failed before is never blamed on the move), which modules can be imported at all, and their public names.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, nullcontext
from functools import cache, partial
from types import ModuleType
from typing import Any

from .attributes import Reaching
from .imports import Asking
from .layout import Layout
from .manifests import Context as ManifestContext
from .manifests import declared_unused
from .model import Finding
from .otherpython import Reads
from .resolve import Index
from .scan import FileScan, excluded
from .session import Session
from .standing import Standing
from .summary import graph_of

_IMPORT_TIMEOUT = 60.0  # seconds for one module


def run_audit(session: Session, meanwhile: Callable[[], object] = lambda: None) -> tuple[dict[str, Any], bool]:
    """Read everything, run the gates, and save the document; and whether code of the repository ran for that.

    `meanwhile` is done while interpreters import, where there are no gates to be run before.
    """
    asked = None if session.plan.gates.tests else _Imports(session, sys.executable)
    with asked or nullcontext():  # a gate may change files, and says which Python is meant
        layout, scans = session.layout, _scanned(session, asked.go_on if asked else lambda: None)
        uses = sorted(set(_uses(layout, scans)))
        meanwhile()
        session.progress("gates", 0, 0)
        gates = _baselines().run_all(session) if session.plan.gates.tests else []
        python = gates[0].python if gates and gates[0].python else sys.executable
        asked = asked or _Imports(session, python)
        answers = asked.answers()
    graph, dot = graph_of(uses)
    commit, tree = session.base
    document: dict[str, Any] = {
        "schema": 1,
        "commit": commit,
        "digest": session.plan.digest,
        "tree": tree,
        "gates": [g.as_dict() for g in gates],
        "python": python,
        **answers,
        "graph": graph,
        "cycles": graph["cycles"],
        "uses": Counter(u for u, _ in uses),
        "dependents": {user: sorted(t for u, t in uses if u == user) for user, _ in uses},
        "references": _count(scans),
        "unused": [f.as_dict() for f in declared_unused(_manifest_context(session), _imports_by_folder(session))],
        "types": _baselines().type_baseline(session) if session.plan.gates.types else {},
        "performance": _baselines().time_baseline(session) if session.plan.gates.performance else {},
    }
    session.journal.folder.mkdir(parents=True, exist_ok=True)
    session.journal.save(session.journal.audit_file, document)
    (session.journal.folder / "graph.dot").write_text(dot, encoding="utf-8")
    gates_of = session.plan.gates
    return document, not asked.known or bool(gates_of.tests or gates_of.types or gates_of.performance)


def _baselines() -> ModuleType:
    """What runs gates, with the reader of shell commands: loaded where the plan has some."""
    from . import baseline

    return baseline


def _scanned(session: Session, now_and_then: Callable[[], None]) -> list[FileScan]:
    told = session.progress

    def tell(what: str, done: int, total: int) -> None:
        now_and_then()
        told(what, done, total)

    session.progress = tell
    try:
        return session.scans
    finally:
        session.progress = told


class _Imports:
    """What interpreters say of the moving modules; what they said before, if all that it rests on is the same."""

    def __init__(self, session: Session, python: str) -> None:
        modules, left, roots = moving_modules(session), _left_behind(session), session.plan.import_roots
        self._place = Standing(session.journal.imports_file, session.root, session.tree, python, [modules, left, roots])
        self._known, self._reads, self._stack = self._place.recall(), Reads(), ExitStack()
        if self._known is None:
            session.progress("importing", 0, len(modules))
            where = python, session.root, roots
            before = session.journal.load(session.journal.audit_file) or {}
            broken = {m for m, problem in before.get("imports", {}).items() if problem}
            asking = Asking(*where, modules, timeout=_IMPORT_TIMEOUT, reads=self._reads, broken=broken)
            self._asking = self._stack.enter_context(asking)
            reaching = Reaching(*where, left, reads=self._reads, after=asking.last)
            self._reaching = self._stack.enter_context(reaching)

    def __enter__(self) -> _Imports:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    @property
    def known(self) -> bool:
        return self._known is not None

    def go_on(self) -> None:
        if self._known is None:
            self._asking.go_on()

    def answers(self) -> dict[str, Any]:
        if self._known is not None:
            return self._known
        with self._stack:
            imports, names = self._asking.answers()
            found = self._reaching.answers(_IMPORT_TIMEOUT)
        answers = {"imports": imports, "names": names, "reachable": found}
        self._place.keep(answers, self._reads)
        return answers


def _left_behind(session: Session) -> list[str]:
    """Old names whose package stays where it is."""
    return [m.source for m in session.layout.moves if not session.layout.new_module(m.source.rpartition(".")[0])]


def moving_modules(session: Session) -> list[str]:
    """Modules of the moving packages, by their names today; tests, which only a test runner may import, left out."""
    index: Index = session.world.resolver.index
    out = []
    layout, going = session.layout, session.layout.moved_files()
    for name, path in sorted(index.files.items()):
        moved = _lies_in_target(layout, path) if layout.moved else path in going
        if not moved or path in layout.scripts:  # a setup.py beside the code is run, never imported
            continue
        parts = path.split("/")
        is_test = parts[-1].startswith(("test_", "conftest")) or "tests" in parts[:-1]
        second = any(name == a or name.startswith(a + ".") for a in layout.aliases)
        if not second and path.endswith(".py") and not is_test and not name.endswith("__main__"):
            out.append(name)
    return out


def _lies_in_target(layout: Layout, path: str) -> bool:
    return any(path == m.to_path or path.startswith(m.to_path + "/") for m in layout.moves)


def _uses(layout: Layout, scans: Iterable[FileScan]) -> Iterable[tuple[str, str]]:
    """(who, what): packages of the tree that use a moving package, and moving packages that use each other."""
    moving = cache(partial(_moving, layout))  # of few names, again and again
    for scan in scans:
        here = layout.module_of(scan.path)
        user = (moving(here.name) if here else None) or _folder(scan.path)
        targets = {moving(name) for name in scan.imports}
        if not targets - {None} and scan.edits:
            targets = {moving(e.old.split("/")[0]) for e in scan.edits}
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


def unused_findings(document: Mapping[str, Any]) -> list[Finding]:
    return [Finding(**{**f, "readings": tuple(f["readings"])}) for f in document.get("unused", ())]
