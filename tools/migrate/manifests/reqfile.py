"""Lines of requirements: requirements files, constraints, and the lists of a setup.cfg.

Owns what a line is (comments, continuation lines with hashes, `-e` and plain paths) and the replacement of merged
distributions in it.  The first line of the merged ones becomes the target's, the others go; their comments stay.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from ..model import Edit, Finding
from .facts import Context, Facts, facts, relative, stays_beside
from .requirements import name_of, normal, parse, unify

_COMMENT = re.compile(r"(?:^|\s+)#.*$")
_PATH = re.compile(
    r"(?P<flag>(?:-e|--editable)[ =]+)?(?P<path>(?:file:)?\.{0,2}[\w./-]*[\w.-]*)(?P<extras>\[[\w,.\s-]*\])?"
    r"(?:#egg=\S+)?$"
)
_DIRECT = re.compile(r"[\w.-]+(?:\[[\w,.\s-]*\])?\s*@\s*(?P<path>file:\.{0,2}[\w./-]+)")
_OPTION = re.compile(r"(?P<flag>-r|-c|--requirement|--constraint)(?P<gap>[ =]*)(?P<path>\S+)")


@dataclass(slots=True)
class Line:
    """One logical line at [start, end) of a text, without its comment and line end."""

    start: int
    end: int
    text: str
    number: int
    comment: str
    full_end: int  # with comment and line end

    @property
    def body(self) -> str:
        return re.sub(r"\\\r?\n\s*", " ", self.text).strip()

    @property
    def requirement(self) -> str:
        return re.split(r"\s--hash|\s--config-settings|\s--global-option", self.body)[0].strip()


def lines_of(text: str, base: int = 0, first: int = 1) -> list[Line]:
    out: list[Line] = []
    number = first
    for match in re.finditer(r"(?:[^\r\n]*\\\r?\n)*[^\r\n]*(?:\r\n|\n|$)", text):
        whole = match[0]
        if not whole:
            continue
        body = whole.rstrip("\r\n")
        comment = _COMMENT.search(body) if "\\" not in body else None
        end = match.start() + (comment.start() if comment else len(body))
        out.append(
            Line(
                base + match.start(),
                base + end,
                text[match.start() : end],
                number,
                comment[0].strip() if comment else "",
                base + match.end(),
            )
        )
        number += whole.count("\n")
    return out


def rewrite_lines(
    text: str, lines: list[Line], path: str, context: Context, *, extras: bool = True
) -> tuple[str, list[Edit], list[Finding]]:
    """The text with the merged distributions replaced in these lines (stage 4)."""
    known = facts(context)
    notes: list[Edit] = []
    findings: list[Finding] = []
    if not known.replaced:
        return text, notes, findings
    entries, paths = [], {}
    for index, line in enumerate(lines):
        place = _folder(line.requirement, path, known)
        if place is not None:
            paths[index] = place
            entries.append(place[1])
        else:
            entries.append(line.requirement if parse(line.requirement) else "")
    result = unify(entries, known.replaced, known.target_name, known.version, with_extras=extras)
    for problem in result.problems:
        findings.append(Finding(path, 1, "requirements.line", problem, severity="error"))
    first = next((i for i, e in enumerate(entries) if result.entries[i] != e), None)
    # where any of them is a path, the one that stays is a path
    wanted = next((p for i, p in paths.items() if name_of(p[1]) in {*known.replaced, known.target_key}), None)
    edits: list[tuple[int, int, str]] = []
    merged_at = [i for i, e in enumerate(entries) if e and name_of(e) in {*known.replaced, known.target_key}]
    keeper = merged_at[0] if merged_at else None
    if first is None and not any(i in paths for i in merged_at if name_of(entries[i]) in known.replaced):
        return text, notes, findings
    for index, new in enumerate(result.entries):
        line, old = lines[index], entries[index]
        if new is None:
            indent = line.text[: len(line.text) - len(line.text.lstrip())]
            newline = text[line.end : line.full_end].replace(line.comment, "").strip(" \t") or ""
            edits.append((line.start, line.full_end, f"{indent}{line.comment}{newline}" if line.comment else ""))
            notes.append(
                Edit(0, 0, line.body, "", line.number, 4, "requirements.line", f"{known.target_name} is listed already")
            )
        elif index == keeper and (new != old or index in paths or wanted is not None):
            if wanted is not None:
                found = parse(new)
                marks = ",".join(sorted(found.extras)) if found else ""
                new = f"{wanted[0]}{f'[{marks}]' if marks else ''}"
            if new == line.requirement:
                continue
            start = line.start + (len(line.text) - len(line.text.lstrip()))
            end = line.start + len(line.text.rstrip())
            edits.append((start, end, new))
            reason = "; ".join([f"{known.target_name} ships what it needs", *result.notes])
            notes.append(Edit(0, 0, line.body, new, line.number, 4, "requirements.line", reason))
            if "--hash" in line.body:
                hint = "pin and hash the target yourself"
                findings.append(
                    Finding(path, line.number, "requirements.hash", line.body.split()[0], (), hint, "error")
                )
    for start, end, new_text in sorted(edits, reverse=True):
        text = text[:start] + new_text + text[end:]
    return text, notes, findings


def _folder(body: str, path: str, known: Facts) -> tuple[str, str] | None:
    """For a line that names a merged distribution or the target by folder: its new line, and a requirement."""
    match = _PATH.match(body)
    if match is None or not match["path"] or not (match["flag"] or match["path"].startswith((".", "file:"))):
        return None
    written = match["path"].removeprefix("file:")
    target = posixpath.dirname(known.target_manifest) or "."
    for base in ("", posixpath.dirname(path)):
        full = posixpath.normpath(posixpath.join(base, written))
        names = {d.folder: d.name for d in known.merged.values() if d and normal(d.name) in known.replaced}
        names[target] = known.target_name
        if full in names:
            new = relative(target, base or ".")
            if written.startswith("./") and not new.startswith("."):
                new = "./" + new
            lead = match["path"][: len(match["path"]) - len(written)]
            return f"{match['flag'] or ''}{lead}{new}", names[full] + (match["extras"] or "")
    return None


def rewrite_reqfile(path: str, text: str, stage: int, context: Context) -> tuple[str, list[Edit], list[Finding]]:
    """A whole requirements or constraints file."""
    if stage not in (3, 4):
        return text, [], []
    lines = lines_of(text)
    if stage == 4:
        constraint = "constraint" in posixpath.basename(path)
        return rewrite_lines(text, lines, path, context, extras=not constraint)
    notes: list[Edit] = []
    for line in reversed(lines):
        match = _OPTION.match(line.body)
        if match and (new := _from_new_folder(match["path"], path, context)):
            at = line.start + line.text.index(match["path"])
            text = text[:at] + new + text[at + len(match["path"]) :]
            reason = "the file is read from its new folder"
            notes.append(Edit(0, 0, match["path"], new, line.number, 3, "requirements.path", reason))
            continue
        direct = _DIRECT.match(line.requirement)
        place = match or direct or _PATH.match(line.requirement)
        if place is None or not place["path"] or not context.judge.mentioned(place["path"]):
            continue
        known = match or direct or place["flag"] or place["path"].startswith((".", "file:"))
        if not known or (not match and context.plan.target is not None):
            continue
        written = place["path"].removeprefix("file:")
        verdict = context.judge.path(written, path)
        if verdict is not None and verdict.kind == "change" and not stays_beside(context, written, path):
            at = line.start + line.text.index(place["path"]) + len(place["path"]) - len(written)
            text = text[:at] + verdict.new + text[at + len(written) :]
            notes.append(Edit(0, 0, written, verdict.new, line.number, 3, "requirements.path", verdict.reason))
    return text, notes, []


def _from_new_folder(text: str, path: str, context: Context) -> str | None:
    """Another file of requirements as one that moves has to name it; None if the name stays right."""
    layout, folder = context.layout, posixpath.dirname(path)
    full = posixpath.normpath(posixpath.join(folder, text))
    if layout.new_path(path) == path or not context.tree.exists(full):
        return None
    new = relative(layout.old_to_new_path(full) or full, posixpath.dirname(layout.new_path(path)) or ".")
    return new if new != posixpath.normpath(text) else None
