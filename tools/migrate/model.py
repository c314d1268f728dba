"""The values that flow through the tool, and its error tree.

Everything here is frozen data: a move, an edit, a finding.  Nothing here reads a file, runs git or prints.
The flow is one way: plan -> tree -> references (edits and findings) -> operations -> commits -> report.

Every reference to a moving name ends as exactly one of

* an `Edit`: it is changed, in a named stage, by a named rule, for a reason that a reviewer can check;
* nothing, when a rule proved that it does not name the moved code;
* a `Finding`: it is listed for a person, with both readings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Stage = Literal[1, 2, 3, 4, 5, 6]
STAGE_NAMES: dict[int, str] = {1: "audit", 2: "design", 3: "migrate", 4: "integrate", 5: "validate", 6: "cleanup"}


@dataclass(frozen=True, slots=True)
class Move:
    """One package, subpackage or module that moves.

    `source` and `target` are dotted import names; `path` and `to_path` are the folder or file, relative to the
    checkout's root with forward slashes.  `distribution` is the distribution that ships it today, if any.
    """

    source: str
    target: str
    path: str
    to_path: str
    is_package: bool
    distribution: str | None = None

    @property
    def keeps_name(self) -> bool:
        """Whether only the folder changes: it moves to another source root, and is imported as before."""
        return self.source == self.target

    @property
    def words(self) -> str:
        """What moves where, as a phrase: by names, or by the place of what keeps its name."""
        return f"{self.source} to {self.to_path if self.keeps_name else self.target}"


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Replace `old` by `new` at the character offsets [start, end) of one file's decoded text.

    `stage` is 3 for what breaks the moment files move (relative imports across the border, file paths), 4 for what
    the shims keep alive until every dependent is rewritten, 6 for what goes with the shims.
    """

    start: int
    end: int
    old: str
    new: str
    line: int
    stage: int
    rule: str
    reason: str


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A place that a person must look at: where, what it says, and the readings that are possible.

    `severity` is "error" where leaving it breaks something after cleanup, "warning" where it may, "note" where it is
    prose or very likely data.  `column` (from 1; 0 where nothing is known) is for editors, and makes no other finding.
    """

    path: str
    line: int
    rule: str
    text: str
    readings: tuple[str, ...] = ()
    hint: str = ""
    severity: Literal["error", "warning", "note"] = "warning"
    column: int = field(default=0, compare=False)

    @property
    def place(self) -> str:
        """`path:line:column`, as editors take it; what is not known is left out (a command has no line)."""
        return ":".join([self.path, *(str(n) for n in (self.line, self.column if self.line else 0) if n)])

    def as_dict(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "line": self.line,
            "rule": self.rule,
            "text": self.text,
            "readings": list(self.readings),
            "hint": self.hint,
            "severity": self.severity,
            "column": self.column,
        }


class MigrateError(Exception):
    """Root of the tool's errors: what happened, where, and what to do next, in one line.

    `exit_code` is the code of the table in docs/migration.md; subclasses are by failure mode.
    """

    exit_code = 4

    def __init__(self, what: str, *, where: str = "", next_step: str = "") -> None:
        self.what, self.where, self.next_step = what, where, next_step
        super().__init__(str(self))

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}; {self.next_step}" if self.next_step else text

    def as_dict(self) -> dict[str, Any]:
        return {"error": self.what, "where": self.where, "next": self.next_step, "exit": self.exit_code}


class CheckFailed(MigrateError):
    """A gate failed or a check found something (exit 1)."""

    exit_code = 1


class PlanError(MigrateError):
    """The command line or the plan file is wrong (exit 2)."""

    exit_code = 2


class Refused(MigrateError):
    """Refused before anything was touched (exit 3)."""

    exit_code = 3


class FailedMidway(MigrateError):
    """Something broke midway; the tree was put back exactly as it was (exit 4)."""

    exit_code = 4


def counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
