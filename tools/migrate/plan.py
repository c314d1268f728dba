"""The plan file: `migration.toml` read into a frozen `Plan`.

Owns the file's format: which keys exist, their types, and errors that carry file, line and column, say what was
expected, and name the nearest valid key.  Knows nothing of git or of the tree: whether a `from` exists is asked later,
by `layout`.  The text itself is kept, because the plan's hash is taken over it.
"""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
import keyword
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .model import PlanError

PLAN_FILE = "migration.toml"
LOCK_FILE = "migration.lock"


@dataclass(frozen=True, slots=True)
class MoveEntry:
    """One `[[move]]` as written; `path` and `to_path` are None where the layout is to find them."""

    source: str
    target: str
    distribution: str | None = None
    path: str | None = None
    to_path: str | None = None


@dataclass(frozen=True, slots=True)
class SymbolEntry:
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Target:
    distribution: str
    path: str
    import_root: str = "."


@dataclass(frozen=True, slots=True)
class ShimPolicy:
    """When the shims go, and whom to ask.  `enabled = false` writes none."""

    remove_by: dt.date | None = None
    remove_in: str | None = None
    owner: str = ""
    warn_days: int = 30
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Gates:
    """Commands run by a shell at the checkout's root; `timeout` is in seconds for one command.

    Without `history` stage 5 only warns of history that git cannot follow, as after a squash, which nobody can mend.
    """

    tests: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    performance: tuple[str, ...] = ()
    max_slowdown: float = 1.10
    timeout: float | None = None
    history: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    name: str
    import_roots: tuple[str, ...]
    moves: tuple[MoveEntry, ...]
    symbols: tuple[SymbolEntry, ...] = ()
    target: Target | None = None
    shims: ShimPolicy = field(default_factory=ShimPolicy)
    gates: Gates = field(default_factory=Gates)
    exclude: tuple[str, ...] = ()
    with_the_move: tuple[str, ...] = ()  # patterns of files whose edits come in stage 3
    file: str = PLAN_FILE
    text: str = ""

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


# Every table of the file, its keys, and what each key takes.
_SCHEMA: dict[str, dict[str, str]] = {
    "migration": {"name": "name", "import-roots": "paths"},
    "move": {"from": "dotted", "to": "dotted", "distribution": "string", "path": "path", "to-path": "path"},
    "target": {"distribution": "string", "path": "path", "import-root": "path"},
    "symbol": {"from": "dotted", "to": "dotted"},
    "shims": {
        "remove-by": "date",
        "remove-in": "string",
        "owner": "string",
        "warn-days": "integer",
        "enabled": "boolean",
    },
    "gates": {
        "tests": "strings",
        "types": "strings",
        "performance": "strings",
        "max-slowdown": "number",
        "timeout": "number",
        "history": "boolean",
    },
    "scan": {"exclude": "strings", "with-the-move": "strings"},
}
_REQUIRED = {
    "migration": ("name",),
    "move": ("from", "to"),
    "target": ("distribution", "path"),
    "symbol": ("from", "to"),
}
_LISTS = {"move", "symbol"}
_EXPECTED = {
    "name": 'a short name such as "unify-types" (letters, digits, "-", "_", ".")',
    "dotted": 'a dotted import name such as "libs.types.protocol"',
    "string": "a string",
    "strings": "a list of strings",
    "path": "a path inside the checkout, relative to its root",
    "paths": "a list of paths inside the checkout, relative to its root",
    "date": "a date without quotes, such as 2027-03-31",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


def read_plan(path: Path) -> Plan:
    """The plan in `path`.  Raises PlanError if it is missing, is not TOML, or says something unknown."""
    try:
        text = path.read_bytes().decode("utf-8-sig")  # editors on Windows put a mark in front
    except FileNotFoundError:
        raise PlanError(
            "no plan file here", where=str(path), next_step="write one with 'init', or name it with --plan"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"the plan file cannot be read: {error}", where=str(path)) from None
    return parse_plan(text, str(path))


def is_plan(text: str) -> bool:
    """Whether a TOML text is a plan, or decisions about one: it says what was, and is no reference to it."""
    if re.search(r"(?m)^migration = ", text) and re.search(r"(?m)^\[\[decision\]\]", text):
        return True
    return bool(re.search(r"(?m)^\[migration\]", text) and re.search(r"(?m)^\[\[(?:move|symbol)\]\]", text))


def parse_plan(text: str, file: str = PLAN_FILE) -> Plan:
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        data = _with_position(text, file)
    check = _Checker(text, file)
    tables = check.tables(data)
    migration = tables["migration"][0] if tables["migration"] else {}
    if not tables["migration"]:
        raise PlanError("the table [migration] is missing", where=f"{file}:1:1", next_step='add it, with a "name"')
    if not tables["move"] and not tables["symbol"]:
        raise PlanError("nothing to move", where=file, next_step="add a [[move]] with from and to")
    moves = tuple(
        MoveEntry(m["from"], m["to"], m.get("distribution"), _clean(m.get("path")), _clean(m.get("to-path")))
        for m in tables["move"]
    )
    check.moves(moves)
    target = _target(tables["target"][0]) if tables["target"] else None
    shims = tables["shims"][0] if tables["shims"] else {}
    gates = tables["gates"][0] if tables["gates"] else {}
    scan = tables["scan"][0] if tables["scan"] else {}
    return Plan(
        name=migration["name"],
        import_roots=tuple(_clean(r) or "." for r in migration.get("import-roots", ["."])),
        moves=moves,
        symbols=tuple(SymbolEntry(s["from"], _afterwards(s["to"], moves)) for s in tables["symbol"]),
        target=target,
        shims=ShimPolicy(
            shims.get("remove-by"),
            shims.get("remove-in"),
            shims.get("owner", ""),
            shims.get("warn-days", 30),
            shims.get("enabled", True),
        ),
        gates=Gates(
            tuple(gates.get("tests", ())),
            tuple(gates.get("types", ())),
            tuple(gates.get("performance", ())),
            float(gates.get("max-slowdown", 1.10)),
            gates.get("timeout"),
            gates.get("history", True),
        ),
        exclude=tuple(scan.get("exclude", ())),
        with_the_move=tuple(scan.get("with-the-move", ())),
        file=file,
        text=text,
    )


def _with_position(text: str, file: str) -> dict[str, Any]:
    """What tomlkit reads; where it reads nothing either, it says the line and the column."""
    import tomlkit  # it takes longer to load than the plan to be read
    import tomlkit.exceptions

    try:
        read: dict[str, Any] = tomlkit.parse(text).unwrap()
    except tomlkit.exceptions.ParseError as error:
        where = f"{file}:{error.line}:{error.col + 1}"
        raise PlanError(f"not valid TOML: {str(error).split(' at line')[0]}", where=where) from None
    except tomlkit.exceptions.TOMLKitError as error:
        raise PlanError(f"not valid TOML: {error}", where=file) from None
    return read


def _afterwards(name: str, moves: Sequence[MoveEntry]) -> str:
    """What stays under `name`, as it is called after the moves: the plan may say where it is today."""
    for move in sorted(moves, key=lambda m: -len(m.source)):
        if name.startswith(f"{move.source}."):
            return move.target + name[len(move.source) :]
    return name


def _target(table: Mapping[str, Any]) -> Target:
    return Target(table["distribution"], _clean(table["path"]) or ".", _clean(table.get("import-root")) or ".")


def _clean(path: str | None) -> str | None:
    if path is None:
        return None
    parts = [p for p in path.replace("\\", "/").split("/") if p not in ("", ".")]
    return "/".join(parts) or "."


class _Checker:
    """Checks the parsed data against the schema; finds positions in the text, which the parser does not keep."""

    def __init__(self, text: str, file: str) -> None:
        self.lines, self.file = text.splitlines(), file

    def tables(self, data: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
        out: dict[str, list[dict[str, Any]]] = {name: [] for name in _SCHEMA}
        for table, value in data.items():
            if table not in _SCHEMA:
                self._unknown("table", table, list(_SCHEMA), self._at(table, None, 0))
            many = value if isinstance(value, list) else [value]
            if table in _LISTS and not isinstance(value, list):
                raise PlanError(
                    f"[{table}] must be a list of tables",
                    where=self._at(table, None, 0),
                    next_step=f"write [[{table}]]",
                )
            if table not in _LISTS and isinstance(value, list):
                raise PlanError(
                    f"[[{table}]] must be one table", where=self._at(table, None, 0), next_step=f"write [{table}]"
                )
            for number, entry in enumerate(many):
                if not isinstance(entry, dict):
                    raise PlanError(f"{table!r} must be a table", where=self._at(table, None, number))
                self._entry(table, number, entry)
                out[table].append(entry)
        return out

    def _entry(self, table: str, number: int, entry: Mapping[str, Any]) -> None:
        schema = _SCHEMA[table]
        for key, value in entry.items():
            where = self._at(table, key, number)
            if key not in schema:
                self._unknown("key", key, list(schema), where, table)
            if not _fits(schema[key], value):
                raise PlanError(f"{key} = {value!r}: expected {_EXPECTED[schema[key]]}", where=where)
        for key in _REQUIRED.get(table, ()):
            if key not in entry:
                brackets = f"[[{table}]]" if table in _LISTS else f"[{table}]"
                raise PlanError(f"{brackets} has no {key!r}", where=self._at(table, None, number))

    def moves(self, moves: Sequence[MoveEntry]) -> None:
        seen: dict[str, int] = {}
        for number, move in enumerate(moves):
            where = self._at("move", "from", number)
            if move.source in seen:
                raise PlanError(f"{move.source} is moved twice", where=where)
            seen[move.source] = number
            if move.source == move.target and move.to_path is None:
                inner = move.source.replace(".", "/")
                raise PlanError(
                    f"{move.source} is moved to itself",
                    where=where,
                    next_step=f"choose another 'to', or say to which source root it goes: to-path = \"src/{inner}\"",
                )
            if move.target.startswith(move.source + "."):
                raise PlanError(
                    f"{move.source} cannot move into itself ({move.target}): the shim at the old name would shadow it",
                    where=self._at("move", "to", number),
                    next_step="choose a name outside of it, or move its submodules one by one",
                )
        # `to` equal for two moves merges two packages; for modules that can only be a collision.

    def _unknown(self, what: str, name: str, valid: list[str], where: str, table: str = "") -> None:
        near = difflib.get_close_matches(name, valid, 1, 0.5)
        place = f" in [{table}]" if table else ""
        hint = f"did you mean {near[0]!r}?" if near else f"valid here: {', '.join(valid)}"
        raise PlanError(f"unknown {what} {name!r}{place}", where=where, next_step=hint)

    def _at(self, table: str, key: str | None, number: int) -> str:
        """file:line:column of the n-th such table, or of a key in it."""
        header = re.compile(rf"\s*\[\[?\s*\"?{re.escape(table)}\"?\s*[\].]")
        any_header = re.compile(r"\s*\[")
        count, inside = -1, False
        for index, line in enumerate(self.lines, 1):
            if header.match(line):
                count += 1
                inside = count == number
                if inside and key is None:
                    return f"{self.file}:{index}:{len(line) - len(line.lstrip()) + 1}"
                continue
            if any_header.match(line):
                inside = False
            if inside and key is not None:
                found = re.match(rf"(\s*)\"?{re.escape(key)}\"?\s*[=.]", line)
                if found:
                    return f"{self.file}:{index}:{len(found.group(1)) + 1}"
        for index, line in enumerate(self.lines, 1):  # dotted keys and inline tables
            column = line.find(key or table)
            if column >= 0:
                return f"{self.file}:{index}:{column + 1}"
        return self.file


def is_dotted(name: object) -> bool:
    return isinstance(name, str) and all(p.isidentifier() and not keyword.iskeyword(p) for p in name.split("."))


def _is_path(value: object) -> bool:
    if not isinstance(value, str) or not value or value.startswith(("/", "~")) or re.match(r"[A-Za-z]:", value):
        return False
    return ".." not in value.replace("\\", "/").split("/")


def _fits(kind: str, value: object) -> bool:
    match kind:
        case "name":
            return isinstance(value, str) and bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", value))
        case "dotted":
            return is_dotted(value)
        case "string":
            return isinstance(value, str) and bool(value)
        case "strings":
            return isinstance(value, list) and all(isinstance(v, str) for v in value)
        case "path":
            return _is_path(value)
        case "paths":
            return isinstance(value, list) and bool(value) and all(_is_path(v) for v in value)
        case "date":
            return isinstance(value, dt.date) and not isinstance(value, dt.datetime)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool) and value >= 0
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
        case _:
            return isinstance(value, bool)
