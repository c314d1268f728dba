"""`migration.lock`: the one file of the tool that is committed, and all that `check-shims` needs to know.

Owns: the lock's fields, its text form, and what is wrong with a text that is not one.  Must not know: git, the file
system, the plan file, the clock.

The stages write it, so its text is a function of its fields alone: no dates of runs, no machine, a fixed order.  People
may edit it (a later removal date is one reviewed line), so reading is strict: an unknown key, a missing one or a wrong
type is a `PlanError` that names file and line.  `tomllib` parses; as it forgets where things stood, a scan of the lines
remembers them.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tools.migrate.model import PlanError

LOCK_NAME = "migration.lock"
SCHEMA = 1

_HEAD = """\
# Written by tools.migrate, read by `check-shims`: what moved, and the shims that stand at the old names.
# To put off a removal, change its date or version here, and say why in the commit.
"""


@dataclass(frozen=True, slots=True)
class LockedMove:
    """One move: dotted names, and the folder or file before and after.  `line` is where the lock says so."""

    old: str
    new: str
    path: str
    to_path: str
    line: int = field(default=0, compare=False)
    plan: str = ""  # the earlier migration that it is of, if it is not of this one


@dataclass(frozen=True, slots=True)
class LockedShim:
    """One shim that stands: its file, the names it joins, who answers for it and when it goes.

    `stubs` are files that come and go with it, which only type checkers read.  `attributes_in` are files of packages
    in which a block stands for it (see `submodules`).
    """

    path: str
    old: str
    new: str
    owner: str
    remove_by: date | None = None
    remove_in: str | None = None
    line: int = field(default=0, compare=False)
    stubs: tuple[str, ...] = ()
    attributes_in: tuple[str, ...] = ()
    plan: str = ""  # the earlier migration that made it, if that was not this one

    @property
    def files(self) -> tuple[str, ...]:
        """All that stands for it."""
        return self.path, *self.stubs


@dataclass(frozen=True, slots=True)
class Lock:
    """What the stages have done so far.  `stage` is the last one that is done; no shims are left after 6."""

    plan: str
    plan_hash: str
    stage: int
    moves: tuple[LockedMove, ...] = ()
    shims: tuple[LockedShim, ...] = ()
    warn_days: int = 30

    @property
    def files(self) -> frozenset[str]:
        """Every file that is there only for old names."""
        return frozenset(path for shim in self.shims for path in shim.files)

    @property
    def earlier_files(self) -> frozenset[str]:
        """Those of them that a migration before this one has made."""
        return frozenset(path for shim in self.shims if shim.plan for path in shim.files)

    @property
    def blocks(self) -> frozenset[str]:
        """Every file that holds a block for old names, besides its own code."""
        return frozenset(path for shim in self.shims for path in shim.attributes_in)


# Key in the file -> field, type, required.  The order is the one in the file.
_Keys = dict[str, tuple[str, type, bool]]
_TOP: _Keys = {
    "schema": ("schema", int, True),
    "plan": ("plan", str, True),
    "plan-hash": ("plan_hash", str, True),
    "stage": ("stage", int, True),
    "warn-days": ("warn_days", int, False),
}
_MOVE: _Keys = {
    "from": ("old", str, True),
    "to": ("new", str, True),
    "path": ("path", str, True),
    "to-path": ("to_path", str, True),
    "plan": ("plan", str, False),
}
_SHIM: _Keys = {
    "path": ("path", str, True),
    "from": ("old", str, True),
    "to": ("new", str, True),
    "owner": ("owner", str, True),
    "remove-by": ("remove_by", date, False),
    "remove-in": ("remove_in", str, False),
    "stubs": ("stubs", list, False),
    "attributes-in": ("attributes_in", list, False),
    "plan": ("plan", str, False),
}
_TABLES = {"move": _MOVE, "shim": _SHIM}
_WORDS = {
    int: "a whole number",
    str: "a string",
    date: "a date without quotes, such as 2027-03-31",
    list: "a list of strings",
}


def render(lock: Lock) -> str:
    """Return the lock's text; equal locks give equal bytes, and `read` gives the lock back."""
    parts = [_HEAD + _rows(_TOP, lock)]
    parts += [f"[[move]]\n{_rows(_MOVE, move)}" for move in lock.moves]
    parts += [f"[[shim]]\n{_rows(_SHIM, shim)}" for shim in lock.shims]
    return "\n".join(parts)


def _rows(keys: _Keys, values: object) -> str:
    out = ""
    for key, (name, _, required) in keys.items():
        value = SCHEMA if key == "schema" else getattr(values, name)
        if value not in (None, ()) and (required or value != ""):
            out += f"{key} = {_toml(value)}\n"
    return out


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return "[\n" + "".join(f"    {_toml(item)},\n" for item in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # the one escape that JSON lacks
    return value.isoformat() if isinstance(value, date) else str(value)


def read(text: str, where: str) -> Lock:
    """Parse the text of a lock; `where` is its path, for messages.  Raises `PlanError` for anything unexpected."""
    text = text.removeprefix("\ufeff")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _toml_error(error, where) from None
    lines = _Lines(text, where)
    for key, value in document.items():
        tables = isinstance(value, list) and all(isinstance(table, dict) for table in value)
        if key in _TABLES and not tables:
            raise lines.error("", 0, key, f"{key!r} must be tables, each headed [[{key}]]")
    top = _values(_TOP, {key: value for key, value in document.items() if key not in _TABLES}, "", 0, lines)
    if (schema := top.pop("schema")) != SCHEMA:
        raise lines.error("", 0, "schema", f"schema {schema} is not known (this version reads {SCHEMA})")
    if not 0 <= top["stage"] <= 6:
        raise lines.error("", 0, "stage", f"stage {top['stage']} is not between 0 and 6")
    if top.get("warn_days", 0) < 0:
        raise lines.error("", 0, "warn-days", "warn-days must not be negative")
    moves = tuple(LockedMove(**row) for row in _table("move", document, lines))
    shims = tuple(LockedShim(**row) for row in _table("shim", document, lines))
    _check_shims(shims, lines)
    return Lock(**top, moves=moves, shims=shims)


def _check_shims(shims: tuple[LockedShim, ...], lines: _Lines) -> None:
    from packaging.version import InvalidVersion, Version

    seen: dict[str, int] = {}
    for index, shim in enumerate(shims):
        for number, path in enumerate(shim.files):
            if path in seen:
                key = "stubs" if number else "path"
                raise lines.error("shim", index, key, f"{path} is listed twice (first in line {seen[path]})")
            seen[path] = shim.line
        if shim.remove_in is not None:
            try:
                Version(shim.remove_in)
            except InvalidVersion:
                what = f"remove-in = {shim.remove_in!r} is not a version such as 0.3"
                raise lines.error("shim", index, "remove-in", what) from None


def _table(name: str, document: dict[str, Any], lines: _Lines) -> Iterator[dict[str, Any]]:
    for index, table in enumerate(document.get(name, ())):
        yield {**_values(_TABLES[name], table, name, index, lines), "line": lines.of(name, index)}


def _values(keys: _Keys, found: dict[str, Any], table: str, index: int, lines: _Lines) -> dict[str, Any]:
    values = {}
    for key, value in found.items():
        if key not in keys:
            known = [*keys, *_TABLES] if not table else list(keys)
            near = difflib.get_close_matches(key, known, 1) or known
            raise lines.error(table, index, key, f"unknown key {key!r}", f"did you mean {' or '.join(near)}?")
        name, kind, _ = keys[key]
        strings = not isinstance(value, list) or all(isinstance(item, str) for item in value)
        if not isinstance(value, kind) or isinstance(value, bool | datetime) or not strings:
            raise lines.error(table, index, key, f"{key!r} must be {_WORDS[kind]}")
        values[name] = tuple(value) if isinstance(value, list) else value
    for key, (name, _, required) in keys.items():
        if required and name not in values:
            of = f" of [[{table}]]" if table else ""
            raise lines.error(table, index, "", f"the key {key!r}{of} is missing", "restore the file from git")
    return values


def _toml_error(error: tomllib.TOMLDecodeError, where: str) -> PlanError:
    what, found, place = str(error).rpartition(" (at ")
    if not found:
        what, place = str(error), ""
    numbers = ":".join(re.findall(r"\d+", place))
    return PlanError(
        f"not valid TOML: {what}",
        where=f"{where}:{numbers}" if numbers else where,
        next_step="restore the file from git, or mend that line",
    )


class _Lines:
    """Remembers the line of every table and key: enough for the flat files that `render` writes and people edit."""

    def __init__(self, text: str, where: str) -> None:
        self.where = where
        self._at: dict[tuple[str, int, str], int] = {}
        table, index, count = "", 0, dict.fromkeys(_TABLES, 0)
        for number, line in enumerate(text.split("\n"), 1):
            if head := re.match(r"\s*\[\[\s*[\"']?([\w-]+)[\"']?\s*\]\]", line):
                table = head[1]
                index = count.get(table, 0)
                count[table] = index + 1
                self._at[table, index, ""] = number
            elif key := re.match(r"\s*[\"']?([^\s\"'=#.]+)[\"']?\s*[=.]|\s*\[\s*([\w-]+)", line):
                self._at.setdefault((table, index, key[1] or key[2]), number)

    def of(self, table: str, index: int, key: str = "") -> int:
        """The line of a key, or of its table where the key is not found, or 1."""
        return self._at.get((table, index, key)) or self._at.get((table, index, "")) or 1

    def error(self, table: str, index: int, key: str, what: str, next_step: str = "") -> PlanError:
        return PlanError(what, where=f"{self.where}:{self.of(table, index, key)}", next_step=next_step)
