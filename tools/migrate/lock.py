"""`migration.lock`: the small committed file that says how far the migration is and which shims stand.

It is all that `check-shims` and other clones need, so it holds facts only, no clock: equal input gives equal bytes.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import tomlkit
import tomlkit.exceptions

from .model import Move, PlanError

_HEAD = "# Written by tools.migrate; its stages and check-shims read it. Do not edit.\n"
_KEYS = {"schema", "plan", "plan-hash", "stage", "move", "shim"}
_MOVE_KEYS = {"from", "to", "path", "to-path", "package", "distribution"}
_SHIM_KEYS = {"path", "from", "to", "owner", "remove-by", "remove-in"}


@dataclass(frozen=True, slots=True)
class Shim:
    """One shim: the file, what it stands for, and when it goes."""

    path: str
    old: str
    new: str
    owner: str = ""
    remove_by: dt.date | None = None
    remove_in: str | None = None


@dataclass(frozen=True, slots=True)
class Lock:
    plan: str
    plan_hash: str
    stage: int
    moves: tuple[Move, ...] = ()
    shims: tuple[Shim, ...] = ()
    schema: int = 1


def render(lock: Lock) -> str:
    document = tomlkit.document()
    document.add("schema", tomlkit.item(lock.schema))
    document.add("plan", tomlkit.item(lock.plan))
    document.add("plan-hash", tomlkit.item(lock.plan_hash))
    document.add("stage", tomlkit.item(lock.stage))
    moves = tomlkit.aot()
    for move in lock.moves:
        values: dict[str, Any] = {
            "from": move.source, "to": move.target, "path": move.path, "to-path": move.to_path, "package": move.is_package,
        }  # fmt: skip
        if move.distribution:
            values["distribution"] = move.distribution
        moves.append(tomlkit.item(values))
    if lock.moves:
        document.add("move", moves)
    shims = tomlkit.aot()
    for shim in lock.shims:
        values = {"path": shim.path, "from": shim.old, "to": shim.new}
        if shim.owner:
            values["owner"] = shim.owner
        if shim.remove_by:
            values["remove-by"] = shim.remove_by
        if shim.remove_in:
            values["remove-in"] = shim.remove_in
        shims.append(tomlkit.item(values))
    if lock.shims:
        document.add("shim", shims)
    return _HEAD + tomlkit.dumps(document)


def read(text: str, where: str) -> Lock:
    """The lock in `text`.  Raises PlanError with the place if it is damaged or of another version."""
    try:
        data: dict[str, Any] = tomlkit.parse(text).unwrap()
    except tomlkit.exceptions.ParseError as error:
        raise _damaged(f"not valid TOML: {error}", f"{where}:{error.line}:{error.col + 1}") from None
    except tomlkit.exceptions.TOMLKitError as error:
        raise _damaged(f"not valid TOML: {error}", where) from None
    _known(data, _KEYS, where)
    if data.get("schema") != 1:
        raise PlanError(
            f"written by another version of the tool (schema {data.get('schema')!r})", where=where, next_step="update the tool"
        )
    moves, shims = [], []
    for entry in _tables(data, "move", where):
        _known(entry, _MOVE_KEYS, where)
        moves.append(
            Move(
                _take(entry, "from", str, where), _take(entry, "to", str, where), _take(entry, "path", str, where),
                _take(entry, "to-path", str, where), _take(entry, "package", bool, where), entry.get("distribution"),
            )  # fmt: skip
        )
    for entry in _tables(data, "shim", where):
        _known(entry, _SHIM_KEYS, where)
        date = entry.get("remove-by")
        if date is not None and (not isinstance(date, dt.date) or isinstance(date, dt.datetime)):
            raise _damaged(f"remove-by = {date!r} is no date", where)
        shims.append(
            Shim(
                _take(entry, "path", str, where), _take(entry, "from", str, where), _take(entry, "to", str, where),
                str(entry.get("owner", "")), date, entry.get("remove-in"),
            )  # fmt: skip
        )
    return Lock(
        _take(data, "plan", str, where), _take(data, "plan-hash", str, where), _take(data, "stage", int, where),
        tuple(moves), tuple(shims),
    )  # fmt: skip


def _tables(data: dict[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    value = data.get(key, [])
    if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
        raise _damaged(f"{key} is no list of tables", where)
    return value


def _known(data: dict[str, Any], keys: set[str], where: str) -> None:
    unknown = sorted(set(data) - keys)
    if unknown:
        raise _damaged(f"unknown key {unknown[0]!r}", where)


def _take(data: dict[str, Any], key: str, kind: type, where: str) -> Any:
    value = data.get(key)
    if not isinstance(value, kind):
        raise _damaged(f"{key} is missing or no {kind.__name__}", where)
    return value


def _damaged(what: str, where: str) -> PlanError:
    return PlanError(f"the lock is damaged: {what}", where=where, next_step="take the committed one ('git checkout')")
