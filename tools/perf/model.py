"""The values that the commands pass on: trees, figures, records; and the errors that end a command.

Owns their JSON form.  Must not start a process or know what a workload does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

SCHEMA = 1
THRESHOLD = 0.01
IMPORT = "import"
"""The one workload that is no loop: everything that the first import executes."""


class PerfError(Exception):
    """A command cannot be carried out: one line that says what, and what to do next."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the codec lies in a checkout; see layouts.toml."""

    name: str
    codec: str
    folder: str
    build: tuple[str, ...]
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """A checkout of one revision, with its compiled codec; `label` is how a person knows it."""

    root: Path
    layout: Layout
    label: str
    commit: str
    committed: str = ""
    dirty: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of one workload, all of it for one message.  None: not measured.

    `instructions` repeat to the digit and are what is judged.  `ns` is wall time on the machine at that moment: good
    for an impression, never to be compared between two runs.  `blocks` are those that stay allocated while the
    result is kept.
    """

    instructions: float | None = None
    ns: float | None = None
    best_ns: float | None = None
    blocks: float | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """All figures of one revision."""

    commit: str
    committed: str
    dirty: bool
    layout: str
    implementation: str
    machine: dict[str, Any]
    interpreter: dict[str, str]
    taken: str
    valgrind: str | None
    figures: dict[str, Figures]
    memory: dict[str, float] = field(default_factory=dict)
    """Bytes of resident memory for each of a million messages, by what they are kept as."""
    left_out: dict[str, str] = field(default_factory=dict)
    schema: int = SCHEMA

    def dump(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"


def load_record(path: Path) -> Record:
    """A record from its file.  Raises PerfError."""
    try:
        raw: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PerfError(f"{path}: {error.strerror or error}; `record --out FILE` writes such a file") from error
    except ValueError as error:
        raise PerfError(f"{path}: no JSON ({error}); `record --out FILE` writes such a file") from error
    if not isinstance(raw, Mapping) or raw.get("schema") != SCHEMA:
        raise PerfError(f"{path}: not a record of schema {SCHEMA}; take it again with `record --out FILE`")
    try:
        values = dict(raw)
        values["figures"] = {name: Figures(**each) for name, each in raw["figures"].items()}
        return Record(**values)
    except (KeyError, TypeError, AttributeError) as error:
        raise PerfError(f"{path}: not a whole record ({error}); take it again with `record --out FILE`") from error


def change(before: float | None, after: float | None) -> float | None:
    """How much more it is, as a fraction: 0.01 is one percent more."""
    if before is None or after is None:
        return None
    if before <= 0:
        return 0.0 if after <= 0 else float("inf")
    return after / before - 1


def exceeds(more: float | None, threshold: float) -> bool:
    """Whether it grew by more than the threshold; exactly as much is allowed, whatever the last bit of a float says."""
    return more is not None and more > threshold + 1e-9
