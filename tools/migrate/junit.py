"""Outcomes per test, from the JUnit reports that pytest writes while a gate runs.

Owns the ids of tests (`file::class::name`, comparable between two trees) and what one report entry means.  A report
that another pytest would overwrite is set aside first; reports of suites outside of the tree are dropped.
"""

from __future__ import annotations

import contextlib
import os
import xml.etree.ElementTree as ET
from pathlib import Path

FAILURES = ("failed", "error")
# Worst first: one test may be reported twice (a call that fails and a teardown that fails, too).
RANK = ("error", "failed", "xfailed", "skipped", "passed")
_PRUNED = {".git", ".hg", ".tox", ".nox", ".venv", "venv", "node_modules", "__pycache__"}


def set_aside(run: Path) -> None:
    """Moves a finished report away, so that the next pytest of the same command does not write over it."""
    report = run / "junit.xml"
    with contextlib.suppress(OSError):
        if report.read_bytes().rstrip().endswith((b"</testsuites>", b"</testsuite>")):
            report.rename(run / f"report-{len(list(run.glob('report-*.xml'))):04}.xml")


def read_reports(run: Path, root: Path) -> tuple[dict[str, str], dict[str, str], int]:
    found: list[tuple[str | None, list[ET.Element]]] = []
    for path in sorted(run.glob("report-*.xml")):
        with contextlib.suppress(ET.ParseError):
            cases = list(ET.parse(path).iter("testcase"))
            found.append((_prefix({c.get("file", "") for c in cases}, root), cases))
    # Tests that start pytest themselves (on files of their own) leave reports, too; those say nothing about the tree.
    found = [f for f in found if f[0] is not None] or found
    outcomes: dict[str, str] = {}
    messages: dict[str, str] = {}
    for prefix, cases in found:
        for case in cases:
            name = _test_id(case, root, prefix or "")
            outcome, message = _outcome(case)
            if name not in outcomes or RANK.index(outcome) < RANK.index(outcomes[name]):
                outcomes[name], messages[name] = outcome, message
    return outcomes, {name: message for name, message in messages.items() if message}, len(found)


def _prefix(files: set[str], root: Path) -> str | None:
    """The folder under `root` that the file names of a report are relative to (pytest's rootdir); None if unknown."""
    if not files or any(f and (root / f).exists() for f in files):
        return ""
    for folder, folders, _ in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in _PRUNED)
        if all(f and Path(folder, f).exists() for f in files):
            return f"{Path(folder).relative_to(root).as_posix()}/"
    return None


def _test_id(case: ET.Element, root: Path, prefix: str) -> str:
    """`file::class::name` relative to `root`; the file itself for a file that could not be collected."""
    file, inside, name = (case.get(key, "") for key in ("file", "classname", "name"))
    dotted = file.removesuffix(".py").replace("/", ".")
    if not inside and name == dotted:
        return prefix + file
    if inside == dotted or inside.startswith(f"{dotted}."):
        return "::".join((prefix + file, *filter(None, inside[len(dotted) + 1 :].split(".")), name))
    # An inherited test: the report names the file of the base class, only the class name tells whose test it is.
    parts = inside.split(".")
    for count in range(len(parts), 0, -1):
        guess = "/".join(parts[:count]) + ".py"
        if (root / prefix / guess).is_file():
            return "::".join((prefix + guess, *parts[count:], name))
    return "::".join(filter(None, (inside, name)))


def _outcome(case: ET.Element) -> tuple[str, str]:
    outcome, message = "passed", ""
    for child in case:
        kind = {"failure": "failed", "error": "error", "skipped": "skipped"}.get(child.tag, "passed")
        kind = "xfailed" if child.get("type") == "pytest.xfail" else kind
        lines = [line for line in child.get("message", "").splitlines() if line.strip()]
        if kind in FAILURES and lines[:1] in ([], ["collection failure"]):
            text = [line for line in (child.text or "").splitlines() if line.strip()]
            lines = [line[1:] for line in text if line.startswith("E  ")][-1:] or text[-1:]
        if RANK.index(kind) < RANK.index(outcome):
            outcome, message = kind, lines[0].strip() if lines and kind in FAILURES else ""
    return outcome, message
