"""The rules of `check-shims`: what may no longer stand, or is gone too early, according to the lock.

Owns: the rules, their severity, the fix each one names, and the four output formats.  Must not know: git, the file
system, the clock, how uses of an old name are found.  All of that comes in as arguments: the tree as a mapping from
path to a function that reads it, the day, the version, and the uses that the scan listed.

`check_shims` gives `Violation` values, `render` turns them into text, and `exit_code` into 0 or 1.  Only an error
makes 1: a warning gives notice of one to come, a note counts what is still allowed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal, assert_never
from urllib.parse import quote

from packaging.version import InvalidVersion, Version

from tools.migrate import submodules
from tools.migrate.lock import LOCK_NAME, Lock, LockedShim
from tools.migrate.model import Finding, PlanError
from tools.migrate.shims import MARK, is_whole, parse_mark, removal_phrase

Format = Literal["text", "json", "sarif", "github"]
Severity = Literal["error", "warning", "note"]
SCHEMA = 1

# Rule -> what it says, and what to do about it.
RULES: dict[str, tuple[str, str]] = {
    "shim-overdue": (
        "A shim stands past its removal date or version.",
        "Run the cleanup stage.  If it must stay, set a later date in migration.lock, in a commit that says why.",
    ),
    "shim-due-soon": (
        "A shim goes soon.",
        "Tell who still uses the old name, and plan the cleanup stage.",
    ),
    "shim-version-unknown": (
        "A shim goes with a version, and the present version is not known, so nothing can end it.",
        "Give the target's manifest a static version, or set remove-by in migration.lock.",
    ),
    "old-name-used": (
        "Code uses an old name although every dependent has been rewritten.",
        "Run `check-shims --fix`, or write the new name.",
    ),
    "shim-unknown": (
        "A shim stands that migration.lock does not know, or it says something else there.",
        "Remove the file, or bring migration.lock back from the branch that made the shim.",
    ),
    "shim-missing": (
        "migration.lock names a shim that is gone, or was replaced by other code.",
        "Restore the file from git, or run the cleanup stage, which also takes it out of the lock.",
    ),
    "late-file": (
        "A branch that was cut before the move has brought a file to an old place, or changed one there.",
        "Run `check-shims --fix`, which carries it to the new place.",
    ),
    "old-path-present": (
        "After cleanup, something stands at an old name and would be imported under it.",
        "Move it to the new place, or remove it.",
    ),
}


@dataclass(frozen=True, slots=True, order=True)
class Violation:
    """One broken rule: where, how bad, what is so and what to do."""

    path: str
    line: int
    rule: str
    severity: Severity
    text: str
    fix: str


def check_shims(
    files: Mapping[str, Callable[[], bytes]],
    lock: Lock,
    *,
    today: date,
    pretend_removed: bool = False,
    version: str | None = None,
    uses: Iterable[Finding] = (),
    late: Iterable[Finding] = (),
    lock_path: str = LOCK_NAME,
) -> list[Violation]:
    """Return what breaks a rule, sorted by place.

    `files` holds the tree's paths (forward slashes) with a reader for each; only Python files are read.  `version` is
    the target's present one, where known.  `late` are files at old places.
    `pretend_removed` acts as if every date and version had passed, whatever
    stage is done.  Raises `PlanError` if `version` is no version.
    """
    marks = _marks(files)
    present = list(_old_paths(files, lock)) if lock.stage >= 6 else []
    taken = {violation.path for violation in present}
    found = [*present, *_unknown(marks, lock, taken), *_missing(files, marks, lock, lock_path)]
    found += _blocks(files, lock)
    found += [_violation("late-file", f.path, f.line, f.text, f.hint) for f in late if f.path not in taken]
    now = _version(version)
    for shim in lock.shims:
        if shim.path in marks:
            found += _due(shim, marks[shim.path][2], lock.warn_days, today, now, pretend_removed)
    found += _uses(uses, lock, pretend_removed, {*lock.files, *marks, lock_path})
    return sorted(set(found))


def exit_code(violations: Iterable[Violation]) -> Literal[0, 1]:
    """1 if anything is an error."""
    return 1 if any(violation.severity == "error" for violation in violations) else 0


def _marks(files: Mapping[str, Callable[[], bytes]]) -> dict[str, tuple[str, str, int]]:
    """Every shim in the tree: path -> old name, new name, line of its mark."""
    marks, sign = {}, MARK.encode()
    for path, read in files.items():
        if path.endswith((".py", ".pyi")) and sign in (data := read()):
            mark = parse_mark(data.decode("utf-8", "replace"))
            if mark:
                marks[path] = mark.old, mark.new, mark.line
    return marks


def _unknown(marks: Mapping[str, tuple[str, str, int]], lock: Lock, taken: set[str]) -> Iterator[Violation]:
    known = {shim.path: (shim.old, shim.new) for shim in lock.shims}
    stubs = {stub: shim for shim in lock.shims for stub in shim.stubs}
    for path, (old, new, line) in marks.items():
        if path in stubs and old.startswith(f"{stubs[path].old}."):
            continue
        if path not in taken and known.get(path) not in ((old, new), (old, _led_on(new, lock))):
            text = f"a shim of {old} for {new} that the lock does not know"
            if path in known:
                text = f"a shim of {old} for {new}, where the lock says {' for '.join(known[path])}"
            yield _violation("shim-unknown", path, line, text)


def _led_on(new: str, lock: Lock) -> str:
    """Where a shim of an earlier migration leads by way of another shim, until stage 4 has written it anew."""
    names = {move.old: move.new for move in lock.moves if not move.plan and lock.stage < 4}
    over = max((old for old in names if new == old or new.startswith(f"{old}.")), key=len, default="")
    return names[over] + new[len(over) :] if over else new


def _missing(
    files: Mapping[str, Callable[[], bytes]], marks: Mapping[str, object], lock: Lock, lock_path: str
) -> Iterator[Violation]:
    for shim in lock.shims:
        if shim.path not in files:
            text = f"the shim of {shim.old} for {shim.new} is gone from {shim.path}"
            yield _violation("shim-missing", lock_path, shim.line, text)
        elif shim.path not in marks:
            text = f"this is not the shim of {shim.old} for {shim.new} that the lock names; other code took its place"
            yield _violation("shim-missing", shim.path, 1, text)
        elif not is_whole(files[shim.path]().decode("utf-8", "replace"), shim.old):
            text = f"the shim of {shim.old} for {shim.new} is not as it was written: something was added or lost"
            yield _violation("shim-missing", shim.path, 1, text, _MIXED.format(shim.new))
        for stub in shim.stubs:
            if stub not in files:
                text = f"{stub}, by which type checkers see the names below {shim.old}, is gone"
                yield _violation("shim-missing", lock_path, shim.line, text)
            elif stub not in marks and stub.endswith(".pyi"):
                text = f"this is not the stub for names below {shim.old} that the lock names; other code took its place"
                yield _violation("shim-missing", stub, 1, text)


def _blocks(files: Mapping[str, Callable[[], bytes]], lock: Lock) -> Iterator[Violation]:
    """Packages that answer for modules that left them: those that the lock names, and no others."""
    sign, holders = submodules.MARK.encode(), {path: shim for shim in lock.shims for path in shim.attributes_in}
    for path, read in files.items():
        if not path.endswith("__init__.py") or (path not in holders and sign not in read()):
            continue
        text = read().decode("utf-8", "replace")
        if path not in holders and submodules.has_block(text):
            line = text.count("\n", 0, text.index(submodules.MARK)) + 1
            yield _violation("shim-unknown", path, line, "a block for old submodules that the lock does not know")
        elif path in holders and submodules.without(text) is None:
            shim = holders[path]
            text = f"the block by which {shim.old} is found as an attribute is gone"
            yield _violation("shim-missing", path, 1, text, "Restore it from git, or run the cleanup stage.")
    for path in sorted(holders.keys() - files.keys()):
        text = f"{path} is gone, in which a block for {holders[path].old} stood"
        yield _violation("shim-missing", LOCK_NAME, holders[path].line, text)


def _old_paths(files: Iterable[str], lock: Lock) -> Iterator[Violation]:
    homes = [_stem(move.to_path) for move in lock.moves]
    for path in files:
        for move in lock.moves:
            if _at(path, _stem(move.path)) and not any(_at(path, home) for home in homes):
                old, new = (move.path, move.to_path) if move.old == move.new else (move.old, move.new)
                text = f"this stands at {old}, which has moved to {new} for good"
                yield _violation("old-path-present", path, 1, text, f"Move it to {move.to_path}, or remove it.")
                break


def _stem(path: str) -> str:
    return path.removesuffix("/").removesuffix("/__init__.py").removesuffix(".py")


def _at(path: str, stem: str) -> bool:
    """True for what Python would import under a name: its folder, and `name.py`, `name.pyi`, `name.abi3.so`."""
    if path.startswith(f"{stem}/"):
        return True
    return path.startswith(f"{stem}.") and path.endswith((".py", ".pyi", ".pyc", ".so", ".pyd", ".pyx"))


def _version(text: str | None) -> Version | None:
    try:
        return None if text is None else Version(text)
    except InvalidVersion:
        raise PlanError(
            f"the present version {text!r} is not one that can be compared",
            next_step="give the target's manifest a version such as 0.3.1",
        ) from None


def _due(
    shim: LockedShim, line: int, warn_days: int, today: date, now: Version | None, pretend: bool
) -> Iterator[Violation]:
    """A shim is overdue from its day on, and from the final release of its version on; before that it is due soon."""
    goes = f"the shim of {shim.old} goes {removal_phrase(shim.remove_by, shim.remove_in)} (owner: {shim.owner or '?'})"
    end = Version(shim.remove_in) if shim.remove_in else None
    days = (shim.remove_by - today).days if shim.remove_by else None
    if pretend or (days is not None and days <= 0) or (end is not None and now is not None and now >= end):
        yield _violation(
            "shim-overdue", shim.path, line, goes + (", which is taken as past" if pretend else ", and is past")
        )
    elif days is not None and days <= warn_days:
        yield _violation(
            "shim-due-soon", shim.path, line, f"{goes}: in {days} day{'s' if days != 1 else ''}", level="warning"
        )
    elif end is not None and now is not None and Version(now.base_version) >= end:
        yield _violation("shim-due-soon", shim.path, line, f"{goes}: the version is {now}", level="warning")
    elif end is not None and now is None and days is None:
        yield _violation("shim-version-unknown", shim.path, line, goes, level="warning")


def _uses(uses: Iterable[Finding], lock: Lock, pretend: bool, own: set[str]) -> Iterator[Violation]:
    for use in uses:
        if use.path in own:
            continue  # a shim and the lock must name it
        level: Severity = "note" if use.severity == "note" or not (pretend or lock.stage >= 4) else "error"
        yield _violation("old-name-used", use.path, use.line, use.text, use.hint, level=level)


def _violation(rule: str, path: str, line: int, text: str, fix: str = "", level: Severity = "error") -> Violation:
    return Violation(path, max(line, 1), rule, level, text, fix or RULES[rule][1])


def render(violations: Sequence[Violation], format: Format) -> str:
    """Return the report in one of the formats, ending with a line end; `github` is empty if nothing was found."""
    if format == "text":
        return _text(violations)
    if format == "json":
        return _json(
            {
                "schema": SCHEMA,
                "exit": exit_code(violations),
                "counts": _counts(violations),
                "violations": [asdict(violation) for violation in violations],
            }
        )
    if format == "sarif":
        return _json(sarif(violations))
    if format == "github":
        return "".join(map(_annotation, violations))
    assert_never(format)


def _counts(violations: Iterable[Violation]) -> dict[str, int]:
    found = Counter(violation.severity for violation in violations)
    return {level: found[level] for level in ("error", "warning", "note")}


def _json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"  # ASCII, so that any odd file name can be printed anywhere


def _text(violations: Sequence[Violation]) -> str:
    rows = []
    for v in violations:
        text, fix = " ".join(v.text.split()), v.fix.replace("\r", "").replace("\n", "\n" + 9 * " ")
        rows.append(f"{v.path}:{v.line}: {v.severity}: {text} [{v.rule}]\n    fix: {fix}\n")
    counts = _counts(violations)
    plural = [f"{count} {level}{'s' if count != 1 else ''}" for level, count in counts.items() if count]
    return (
        "".join(rows) + (", ".join(plural) or "no shim is overdue, unknown or missing, and no old name is used") + "\n"
    )


def sarif(violations: Sequence[Violation]) -> dict[str, Any]:
    """Return a SARIF 2.1.0 log with one run; URIs are relative to the checkout's root."""
    index = {rule: number for number, rule in enumerate(RULES)}
    rules = [
        {
            "id": rule,
            "name": "".join(map(str.capitalize, rule.split("-"))),
            "shortDescription": {"text": says},
            "help": {"text": fix},
            "defaultConfiguration": {"level": "warning" if rule in _WARNINGS else "error"},
        }
        for rule, (says, fix) in RULES.items()
    ]
    results = [
        {
            "ruleId": v.rule,
            "ruleIndex": index[v.rule],
            "level": v.severity,
            "message": {"text": f"{v.text}. Fix: {v.fix}"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": _uri(v.path), "uriBaseId": "SRCROOT"},
                        "region": {"startLine": v.line},
                    }
                }
            ],
        }
        for v in violations
    ]
    driver = {"name": "tools.migrate check-shims", "rules": rules}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }


_MIXED = "Restore the file from git; what somebody has added to it belongs to {}."
_WARNINGS = {"shim-due-soon", "shim-version-unknown"}


def _uri(path: str) -> str:
    return quote(path.encode("utf-8", "surrogateescape"))


def _annotation(violation: Violation) -> str:
    command = {"error": "error", "warning": "warning", "note": "notice"}[violation.severity]
    file, title = _escaped(violation.path, ":,"), _escaped(violation.rule, ":,")
    text = _escaped(f"{violation.text}. Fix: {violation.fix}")
    return f"::{command} file={file},line={violation.line},title={title}::{text}\n"


def _escaped(text: str, more: str = "") -> str:
    return "".join(f"%{ord(char):02X}" if char in f"%\r\n{more}" else char for char in text)
