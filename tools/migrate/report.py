"""One `Report` value: what moved, what was changed and why, what waits for a person, and how to undo it.

Owns the report's shape (a JSON document with a `schema` number, which reads back to an equal value) and two of its
faces: text for a terminal, annotations for a GitHub check; the HTML page is in `page`.  It must not know how any of it
was found (`gather` does): nothing here reads the tree, runs git or looks at a clock, so the same value always gives the
same bytes.

`gates` holds one dictionary per gate run after a stage: what `gates.Comparison.as_dict` gives, and the number of the
`stage`.  `baseline` holds under "gates" what `gates.GateResult.as_dict` gave before anything moved.  `graph` is
`graph.to_json`.  Keys that are missing there are left out of the page; they are no error.

`members` and `owners` say for each path in edits and findings whose it is.

Paths and texts come from other people's files: terminal controls and characters that reorder text are made visible.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .environ import COMMAND
from .hunks import Hunk
from .model import Edit, Finding, Move, Refused, counted
from .rules import rule

SCHEMA = 1
SEVERITIES = {
    "error": "Breaks something after cleanup, unless somebody decides",
    "warning": "May break something; nobody but a person can tell",
    "note": "Prose, or very likely data; read it once",
}
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_STYLES = {"done": "green", "next": "bold", "waiting": "dim", "failed": "bold red", "error": "red", "warning": "yellow"}


@dataclass(frozen=True, slots=True)
class StageSummary:
    """Where one stage stands.  `gate` is a sentence; `commits` are (id, subject) in the order of the history."""

    number: int
    name: str
    state: Literal["done", "next", "waiting", "failed"]
    commits: tuple[tuple[str, str], ...] = ()
    edits: int = 0
    moved: int = 0
    findings: int = 0
    gate: str = ""
    seconds: float = 0.0
    note: str = ""


@dataclass(frozen=True, slots=True)
class FileEdits:
    """The edits of one file; `new_path` differs from `path` when the file moves.  `hunks` show them as a diff."""

    path: str
    new_path: str
    edits: tuple[Edit, ...]
    hunks: tuple[Hunk, ...] = ()


@dataclass(frozen=True, slots=True)
class ShimStatus:
    """One shim, planned or standing.  `users` are the files that still need it, as far as this tree tells."""

    old: str
    new: str
    path: str
    owner: str = ""
    remove_by: str = ""
    remove_in: str = ""
    users: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    schema: int = SCHEMA
    plan: str
    plan_hash: str
    root_name: str
    moves: tuple[Move, ...] = ()
    stages: tuple[StageSummary, ...] = ()
    edits: tuple[FileEdits, ...] = ()
    findings: tuple[Finding, ...] = ()
    gates: tuple[dict[str, Any], ...] = ()
    graph: dict[str, Any] = field(default_factory=dict)
    baseline: dict[str, Any] = field(default_factory=dict)
    api: tuple[Finding, ...] = ()
    unused_dependencies: tuple[Finding, ...] = ()
    public_names: dict[str, int] = field(default_factory=dict)
    bisect: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    shims: tuple[ShimStatus, ...] = ()
    members: dict[str, str] = field(default_factory=dict)
    owners: dict[str, list[str]] = field(default_factory=dict)
    decided: tuple[dict[str, Any], ...] = ()

    def __post_init__(self) -> None:
        # What JSON would make of them, so that a report that was saved and read is equal to the one in memory.
        for name in ("graph", "baseline", "public_names", "members", "owners"):
            object.__setattr__(self, name, _plain(getattr(self, name)))
        for name in ("gates", "decided"):
            object.__setattr__(self, name, tuple(_plain(entry) for entry in getattr(self, name)))

    def as_dict(self) -> dict[str, Any]:
        """The JSON document: dictionaries, lists, strings, numbers, true, false and null."""
        document: dict[str, Any] = _plain(asdict(self))
        for edit in (edit for file in document["edits"] for edit in file["edits"]):
            edit["kind"], edit["confidence"] = rule(edit["rule"]).kind, rule(edit["rule"]).confidence
        return document

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Report:
        """Reads what `as_dict` gave.  Raises Refused for another schema or a document that is not a whole report."""
        if data.get("schema") != SCHEMA:
            what = f"the report has schema {data.get('schema')!r}, this version reads {SCHEMA}"
            raise Refused(what, next_step="write it again with this version")
        values = dict(data)
        try:
            values["moves"] = tuple(Move(**m) for m in values["moves"])
            values["stages"] = tuple(
                StageSummary(**s | {"commits": tuple((sha, subject) for sha, subject in s["commits"])})
                for s in values["stages"]
            )
            values["edits"] = tuple(_file_edits(f) for f in values["edits"])
            values["shims"] = tuple(ShimStatus(**s | {"users": tuple(s["users"])}) for s in values["shims"])
            for name in ("findings", "api", "unused_dependencies"):
                values[name] = tuple(Finding(**f | {"readings": tuple(f["readings"])}) for f in values[name])
            for name in ("gates", "bisect", "warnings", "decided"):
                values[name] = tuple(values[name])
            return cls(**values)
        except (KeyError, TypeError, ValueError) as error:
            what = f"the document is not a whole report ({type(error).__name__}: {error})"
            raise Refused(what, next_step="write it again") from error

    @property
    def undecided(self) -> int:
        """How many findings wait for a person; notes do not."""
        return sum(finding.severity != "note" for finding in self.findings)

    @property
    def already_broken(self) -> tuple[tuple[str, str, str], ...]:
        """(command, test, first line of its message) of every test that failed before anything moved."""
        found: dict[tuple[str, str], str] = {}
        for gate in self.baseline.get("gates", ()):
            messages = gate.get("messages", {})
            failed = [t for t, outcome in gate.get("outcomes", {}).items() if outcome in ("failed", "error")]
            if not failed and gate.get("exit_code"):
                why = gate.get("problem") or f"exit code {gate['exit_code']}"
                found[gate.get("command", ""), "the command as a whole"] = why
            for test in failed:
                found[gate.get("command", ""), test] = messages.get(test, "").strip().partition("\n")[0]
        return tuple((command, test, message) for (command, test), message in sorted(found.items()))

    @property
    def undo(self) -> tuple[tuple[str, str], ...]:
        """(command, what it gives back), the smallest step first; stages without commits leave nothing to undo."""
        return tuple(
            (f"{COMMAND} rollback --to {s.number}", f"the tree as it was before stage {s.number} ({s.name})")
            for s in reversed(self.stages)
            if s.commits
        )

    @property
    def verdict(self) -> tuple[Literal["bad", "warn", "good"], str]:
        """How it stands, in two or three sentences, and how serious that is."""
        waits = counted(self.undecided, "place waits for a person", "places wait for a person")
        for stage in self.stages:
            if stage.state == "failed":
                return "bad", f"Stage {stage.number} ({stage.name}) failed, and was undone as a whole. {waits}."
        coming = next((s for s in self.stages if s.state in ("next", "waiting")), None)
        if coming is None and self.stages:
            return ("warn" if self.undecided else "good"), f"All stages are done. {waits}."
        done = sum(s.state == "done" for s in self.stages)
        text = f"{counted(done, 'stage is', 'stages are')} done, {len(self.stages) - done} to go. {waits}."
        if coming is not None:
            text += f" Next: {coming.name} ({COMMAND} --stage {coming.number})."
        return ("warn" if self.undecided else "good"), text


def _file_edits(data: Mapping[str, Any]) -> FileEdits:
    edits = (Edit(**{k: v for k, v in e.items() if k not in ("kind", "confidence")}) for e in data["edits"])
    hunks = (
        Hunk(h["line"], *(tuple(h[key]) for key in ("above", "before", "after", "below", "edits")))
        for h in data["hunks"]
    )
    return FileEdits(data["path"], data["new_path"], tuple(edits), tuple(hunks))


def printable(text: str, *, one_line: bool = True) -> str:
    """`text` with everything escaped that a terminal or a reader's eye would not show as it is."""
    shown = _INVISIBLE.sub(lambda m: m[0].encode("unicode_escape", "surrogatepass").decode("ascii"), text)
    return shown.replace("\n", "\\n").replace("\t", "\\t") if one_line else shown


def gate_text(gate: Mapping[str, Any]) -> str:
    """The result of one gate in a sentence."""
    parts = [
        counted(len(gate.get(key, ())), *words)
        for key, words in (
            ("broken", ("test broken by the move", "tests broken by the move")),
            ("missing", ("test did not run any more", "tests did not run any more")),
            ("already_broken", ("test failed before, too", "tests failed before, too")),
            ("fixed", ("test fixed", "tests fixed")),
        )
        if gate.get(key)
    ]
    ok = gate.get("ok", not (gate.get("broken") or gate.get("missing") or gate.get("reason")))
    parts += [gate["reason"]] if gate.get("reason") else []
    return "; ".join(["no worse than before" if ok else "worse than before", *parts])


def render_text(report: Report, console: Console) -> None:
    """Writes what somebody who has never seen the tool needs to know; every edit is in the HTML page, not here."""
    level, verdict = report.verdict
    style = {"bad": "bold red", "warn": "yellow", "good": "green"}[level]
    _line(console, f"Migration {report.plan} of {report.root_name} (plan {report.plan_hash[:12]})", "bold")
    _line(console, verdict, style)
    if report.moves:
        _heading(console, "What moved")
        for move in report.moves:
            ships = f", shipped by {move.distribution}" if move.distribution else ""
            _line(console, f"  {move.source} -> {move.target}   ({move.path} -> {move.to_path}{ships})")
    if report.stages:
        _heading(console, "Stages")
        console.print(_stage_table(report.stages, console))
        for stage in (s for s in report.stages if s.note):
            _line(console, f"  {stage.number} {stage.name}: {stage.note}")
    edited = counted(sum(len(f.edits) for f in report.edits), "edit")
    if report.edits:
        _line(console, f"  {edited} in {counted(len(report.edits), 'file')}; the HTML page lists them.")
    _heading(console, f"What waits for a person: {report.undecided}")
    _findings(console, report.findings)
    if report.public_names or report.api:
        _heading(console, f"Public names that differ: {len(report.api)}")
        counts = ", ".join(f"{what}: {number}" for what, number in name_counts(report))
        _line(console, f"  {counts or 'not counted'}")
        _findings(console, report.api)
    broken = report.already_broken
    if broken or report.baseline:
        _heading(console, f"Already broken before the move: {len(broken)}")
    for command, test, message in broken:
        _line(console, f"  {test}   ({command})" + (f": {message}" if message else ""))
    if report.unused_dependencies:
        _heading(console, f"Declared but unused dependencies: {len(report.unused_dependencies)}")
        _findings(console, report.unused_dependencies)
    for title, lines in (("Warnings", report.warnings), ("Commits that git bisect must skip", report.bisect)):
        if lines:
            _heading(console, title)
        for text in lines:
            _line(console, f"  {text}")
    if report.undo:
        _heading(console, "How to undo")
        for command, gives in report.undo:
            _line(console, f"  {command}   {gives}")
        _heading(console, "Before you merge")
        _line(
            console,
            "  Do not squash: git follows a file's history surely only through a commit that moves it unchanged.",
        )
        _line(console, "  Do not rebase: .git-blame-ignore-revs lists the commits by their ids.")


def render_github(findings: Iterable[Finding]) -> str:
    """One workflow command per finding, which GitHub shows at the line of the pull request."""
    kinds = {"error": "error", "warning": "warning", "note": "notice"}
    lines = []
    for finding in findings:
        readings = "\n".join(f"{'or' if i else 'either'}: {r}" for i, r in enumerate(finding.readings))
        message = "\n".join(printable(part, one_line=False) for part in (finding.text, readings, finding.hint) if part)
        place = f"file={_property(finding.path)},line={max(finding.line, 1)},title={_property(finding.rule)}"
        lines.append(f"::{kinds[finding.severity]} {place}::{_data(message)}\n")
    return "".join(lines)


def name_counts(report: Report) -> list[tuple[str, int]]:
    return sorted(report.public_names.items(), key=lambda item: (item[0] != "before", item[0] != "after", item[0]))


def _stage_table(stages: Iterable[StageSummary], console: Console) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title in ("Stage", "State", "Commits", "Moved", "Edits", "Open", "Time", "Gates"):
        number = title in ("Commits", "Moved", "Edits", "Open", "Time")
        table.add_column(title, justify="right" if number else "left", overflow="fold", no_wrap=title != "Gates")
    for s in stages:
        begun = s.state in ("done", "failed")
        numbers = [str(n) if begun else "-" for n in (len(s.commits), s.moved, s.edits, s.findings)]
        cells = [f"{s.number} {s.name}", s.state, *numbers, f"{s.seconds:.1f} s" if begun else "-", s.gate]
        style = _STYLES[s.state]
        table.add_row(*(Text(_shown(c, console), style=style if i == 1 else "") for i, c in enumerate(cells)))
    return table


def _findings(console: Console, findings: Iterable[Finding]) -> None:
    order = list(SEVERITIES)
    for finding in sorted(findings, key=lambda f: (order.index(f.severity), f)):
        style = _STYLES.get(finding.severity)
        _line(console, f"  {finding.place}: {finding.severity} [{finding.rule}]", style)
        _line(console, f"      {finding.text}")
        for i, reading in enumerate(finding.readings):
            label = "means:" if len(finding.readings) == 1 else "or:" if i else "either:"
            _line(console, f"      {label:7} {reading}")
        if finding.hint:
            _line(console, f"      hint:   {finding.hint}")


def _heading(console: Console, title: str) -> None:
    console.print()
    _line(console, title, "bold")


def _line(console: Console, text: str, style: str | None = None) -> None:
    # Never wrapped, so that places can be searched and clicked; as `Text`, so that brackets are no markup.
    console.print(Text(_shown(text, console), style=style or ""), soft_wrap=True)


def _shown(text: str, console: Console) -> str:
    return printable(text).encode(console.encoding, "backslashreplace").decode(console.encoding)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(_plain(item) for item in value)
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable(text, one_line=False)).replace(":", "%3A").replace(",", "%2C")
