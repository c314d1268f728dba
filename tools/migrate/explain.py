"""`explain FILE:LINE`: why a line was changed, will be, or was left alone.

Three sources, in this order: what the saved plan says of the line (edits and findings, with rule, reason, confidence),
a fresh look at that one file, and what the names on the line mean.  The line is one of the file as it is now; lines
that the stages have changed since the plan was made are led back to those that it speaks of.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .decisions import as_after
from .gather import planned_texts
from .layout import Layout
from .manifests import wants
from .meaning import Meaning, meanings
from .model import STAGE_NAMES, Edit, Finding, PlanError
from .plan import LOCK_FILE, PLAN_FILE
from .rules import rule
from .saved import SavedPlan
from .scan import excluded, scan_file
from .session import Session, finding_from
from .tree import LINK, SUBMODULE, Lines

# Rules whose findings are about a file, and stand at its first line only because they have to stand somewhere.
_WHOLE = ("word.bare", "file.history", "file.unparsed", "stubs.package")


@dataclass(slots=True)
class Explanation:
    """What is known of one line.  `state` is "changed", "planned", "decided", "listed" or "left"."""

    path: str
    line: int
    text: str
    state: str = "left"
    says: str = ""
    edits: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    meanings: list[Meaning] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "line": self.line,
            "text": self.text,
            "state": self.state,
            "says": self.says,
            "edits": self.edits,
            "findings": [f.as_dict() | {"kind": rule(f.rule).kind, "about": rule(f.rule).about} for f in self.findings],
            "meanings": [m.as_dict() for m in self.meanings],
            "notes": self.notes,
        }


def explain(session: Session, location: str, base: Path | None = None) -> Explanation:
    """Explain `FILE:LINE` (a column behind it is passed over).  Raises PlanError for a place that is none."""
    path, line = _place(session, location, base or Path.cwd())
    text = session.tree.text(path) if session.tree.modes[path] not in (LINK, SUBMODULE) else None
    if text is None:
        link = session.tree.read(path).decode("utf-8", "replace") if session.tree.modes[path] == LINK else ""
        lines = Lines(link)
    else:
        lines = Lines(text.body)
    count = len(lines.starts) - (1 if len(lines.starts) > 1 and lines.starts[-1] == len(lines.body) else 0)
    if not 1 <= line <= max(count, 1):
        raise PlanError(
            f"line {line} is not in this file", where=path, next_step=f"it has {count} line{'s' if count != 1 else ''}"
        )
    out = Explanation(path, line, lines.text(line))
    if _by_itself(session, out, binary=text is None and session.tree.modes[path] != LINK):
        return out
    _planned(session, out, lines)
    _fresh(session, out)
    out.meanings = meanings(session.world, path, lines.body, line) if text is not None else []
    _set_apart(out)
    _conclude(session, out)
    return out


def _place(session: Session, location: str, base: Path) -> tuple[str, int]:
    match = re.fullmatch(r"(?P<path>.+?):(?P<line>\d+)(?::\d+)?:?", location)
    if not match:
        raise PlanError(f"{location!r} is no place", where="explain", next_step="write FILE:LINE, as in app/main.py:12")
    given, tree = match["path"], session.tree
    for start in (session.root, base):
        try:
            path = (start / given).absolute().relative_to(session.root.absolute()).as_posix()
        except ValueError:
            continue
        path = re.sub(r"(^|/)\./", r"\1", path)
        if path in tree:
            return path, int(match["line"])
        # The old path of a file that has moved: the same lines, as long as nobody else has touched them.
        moved = session.layout.old_to_new_path(path) if session.reached >= 3 else None
        if moved and moved in tree:
            return moved, int(match["line"])
    near = difflib.get_close_matches(given, list(tree), 1)
    exists = any((start / given).exists() for start in (session.root, base))
    what = f"{given} is not tracked by git" if exists else f"there is no {given}"
    hint = "untracked files are never read or changed" if exists else "paths are relative to the checkout's root"
    raise PlanError(what, where="explain", next_step=f"did you mean {near[0]}?" if near and not exists else hint)


def _by_itself(session: Session, out: Explanation, *, binary: bool) -> bool:
    """Files that are settled as a whole, whatever is on the line."""
    lock, plan = session.lock, session.plan
    shim = next((s for s in lock.shims if out.path in s.files), None) if lock else None
    pattern = next((p for p in plan.exclude if excluded(out.path, [p])), None)
    if out.path == LOCK_FILE:
        out.says = "The tool writes this file itself: what has moved, and which shims stand."
    elif out.path in (plan.file, PLAN_FILE):
        out.says = "A plan file says what was and what will be; it is never rewritten."
    elif shim is not None:
        goes = shim.remove_by or shim.remove_in or "with stage 6"
        out.says = f"A shim: it keeps {shim.old} working, leads to {shim.new}, and goes {goes}. Do not edit it."
    elif pattern is not None:
        out.says = f"The plan leaves this file out: [scan] exclude has {pattern!r}."
    elif session.tree.modes[out.path] == SUBMODULE:
        out.says = "A git submodule; its files are not this repository's."
    elif binary:
        out.says = "A binary file; these are never edited, and listed where they hold an old name."
    return bool(out.says)


def _planned(session: Session, out: Explanation, now: Lines) -> None:
    """What the saved plan says of the lines that this one was."""
    saved = session.saved_plan()
    if saved is None:
        out.notes.append("no plan is saved yet (stage 2), so this is a fresh look at the file alone")
        return
    new_paths: dict[str, str] = saved.document["new_paths"] | saved.document["moved"]
    planned = next((old for old, new in new_paths.items() if new == out.path), out.path)
    edits = [Edit(*e) for e in saved.document["edits"].get(planned, ())]
    findings = [finding_from(f) for f in saved.document["findings"] if f["path"] in (planned, out.path)]
    before = planned_texts(session, saved, [planned]).get(planned)
    lines, new = ([out.line], False) if before is None else _before(before, now.body, out.line, session.layout)
    for edit in edits:
        if edit.line in lines and not (new and edit.old):
            out.edits.append(_told(session, saved, edit, out))
    out.findings = [f for f in findings if f.line in lines and not new]
    if session.usable_plan() is None and session.reached < 6:
        out.notes.append("the saved plan is stale: the commit or the plan file changed since; run '--stage design'")


def _before(before: str, now: str, line: int, layout: Layout) -> tuple[list[int], bool]:
    """(the lines of `before` that became this line of `now`, False), or (those around a line that is new, True)."""
    old, new = ([as_after(text, layout) for text in body.splitlines()] for body in (before, now))
    if old == new:
        return [line], False
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if c < line <= d:
            if tag == "insert":
                return [a, a + 1], True
            return ([a + line - c] if tag == "equal" or b - a == d - c else list(range(a + 1, b + 1))), False
    return [], False


def _landed(session: Session, edit: Edit, text: str) -> bool:
    """Whether the line says already what a slice of stage 4 makes of it."""
    left = text
    for part in filter(None, (line.strip() for line in edit.new.splitlines())):
        left = left.replace(part, "")
    there = left != text or not edit.new
    return session.reached == 3 and edit.stage == 4 and there and not (edit.old and edit.old in left)


def _commits(session: Session, edit: Edit, path: str) -> str:
    record = session.history.done.get(edit.stage)
    spans = [(record.base, record.end)] if record and session.reached >= edit.stage else []
    if not spans:
        slices = [(s["base"], s["end"]) for s in session.history.slices]
        spans = [(base, end) for base, end in slices if path in session.repo.changed(base, end)]
    return next((f"{base[:10]}..{end[:10]}" for base, end in reversed(spans) if base != end), "")


def _told(session: Session, saved: SavedPlan, edit: Edit, out: Explanation) -> dict[str, Any]:
    known = rule(edit.rule)
    done = session.reached >= edit.stage or _landed(session, edit, out.text)
    return {
        "old": edit.old,
        "new": edit.new,
        "stage": edit.stage,
        "stage_name": STAGE_NAMES[edit.stage],
        "done": done,
        "commits": _commits(session, edit, out.path) if done else "",
        "rule": edit.rule,
        "kind": known.kind,
        "confidence": known.confidence,
        "about": known.about,
        "reason": edit.reason,
        "plan_hash": saved.plan_hash,
    }


def _fresh(session: Session, out: Explanation) -> None:
    """A look at the file as it is now; it may have changed since the plan was made."""
    if wants(out.path):
        if not out.edits:
            out.notes.append("manifests are rewritten as a whole in stages 3, 4 and 6: 'diff' shows how")
        return
    scan = scan_file(session.world, out.path)
    known = {(e["old"], e["new"]) for e in out.edits}
    for edit in scan.edits:
        if edit.line == out.line and (edit.old, edit.new) not in known and session.reached < 6:
            about = rule(edit.rule)
            out.edits.append(
                {
                    "old": edit.old, "new": edit.new, "stage": edit.stage, "stage_name": STAGE_NAMES[edit.stage],
                    "done": False, "commits": "", "rule": edit.rule, "kind": about.kind, "confidence": about.confidence,
                    "about": about.about, "reason": edit.reason, "plan_hash": "",
                }
            )  # fmt: skip
            if session.saved_plan() is not None:
                out.notes.append(f"the saved plan does not know {edit.old!r} here; run '--stage design'")
    listed = {(f.rule, f.text) for f in out.findings}
    out.findings += [f for f in scan.findings if f.line == out.line and (f.rule, f.text) not in listed]


def _set_apart(out: Explanation) -> None:
    """What is said of the file as a whole is no answer about its first line."""
    whole = [f for f in out.findings if f.rule in _WHOLE and f.text not in out.text]
    out.findings = [f for f in out.findings if f not in whole]
    out.notes += [f"of the file as a whole: {f.text} ({f.rule}); {f.hint}" for f in whole]


def _conclude(session: Session, out: Explanation) -> None:
    done, planned = [e for e in out.edits if e["done"]], [e for e in out.edits if not e["done"]]
    if planned:
        stages = ", ".join(sorted({f"{e['stage']} ({e['stage_name']})" for e in planned}))
        out.state, out.says = "planned", f"This line will be changed in stage {stages}."
    elif done:
        stages = ", ".join(sorted({f"{e['stage']} ({e['stage_name']})" for e in done}))
        out.state, out.says = "changed", f"This line was changed in stage {stages}."
    elif out.findings and all(decided := [_decided(session, f, out.text) for f in out.findings]):
        where = session.decisions_file
        out.state, out.says = "decided", f"This line was not changed, as decided in {where}: {'; '.join(decided)}."
    elif out.findings:
        out.state, out.says = "listed", "This line was not changed: it is listed for a person."
    elif out.meanings:
        out.says = "This line is left as it is: nothing on it names code that still has to be renamed."
    else:
        words = sorted(session.world.judge.words)
        shown: Sequence[str] = words if len(words) <= 8 else [*words[:8], f"and {len(words) - 8} more"]
        out.says = f"This line is left as it is: it holds no word that can name moving code ({', '.join(shown)})."


def _decided(session: Session, finding: Finding, source: str) -> str:
    decision = session.decisions.of(finding, source, session.layout)
    return decision.words if decision else ""


def render(out: Explanation) -> list[str]:
    """The explanation as lines; those that begin with a place can be jumped to by an editor."""
    column = next((m.column for m in out.meanings), len(out.text) - len(out.text.lstrip()) + 1)
    lines = [f"{out.path}:{out.line}:{column}: {out.says}", f"    {out.text.strip()}"]
    for edit in out.edits:
        when = f"done in {edit['commits'] or 'this branch'}" if edit["done"] else "to be done"
        lines += [
            f"  {edit['old'] or 'nothing'} -> {edit['new'] or 'nothing'}",
            f"    why:        {edit['reason']}",
            f"    rule:       {edit['rule']}. {edit['about']}",
            f"    confidence: {edit['confidence']}",
            f"    stage:      {edit['stage']} ({edit['stage_name']}), {when}",
        ]
    for finding in out.findings:
        lines += [f"  listed: {finding.text}", f"    rule:       {finding.rule}. {rule(finding.rule).about}"]
        lines += [f"    {'or:    ' if i else 'either:'}     {reading}" for i, reading in enumerate(finding.readings)]
        if finding.hint:
            lines.append(f"    hint:       {finding.hint}")
    for meaning in out.meanings:
        lines.append(f"  column {meaning.column}: {meaning.text}")
        parts = (("means", meaning.name), ("binding", meaning.binding), ("resolves", meaning.resolution))
        lines += [f"    {title + ':':11} {said}" for title, said in (*parts, ("moves", meaning.moves)) if said]
    return lines + [f"  note: {note}" for note in out.notes]
