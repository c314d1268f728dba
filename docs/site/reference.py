"""Reference pages made from the code: commands, plan file, errors, decisions.

Owns the text of these pages.  Nothing in it repeats by hand what the code says: a new option, key or error is on its
page with the next build.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.migrate import cli, model, plan

ROOT = Path(__file__).resolve().parents[2]

PROGRAMS = {
    "libs.types.protocol": "captured bytes, decoded",
    "relays": "one relay",
    "infra.topology": "relays and services of one file",
    "services.feed_replay": "captures as messages",
    "services.book_builder": "best prices and signals out of books",
    "services.execution_sim": "signals to simulated orders and fills",
    "services.recorder": "messages as Parquet files",
    "tools.perf": "whether a change makes anything slower",
}
SUBCOMMANDS = {
    "libs.types.protocol": ("dump", "map"),
    "infra.topology": ("check", "up", "watch"),
    "tools.perf": ("check", "record", "compare", "plot", "peers"),
}
ERROR_MODULES = {
    "The message format": "libs.types.protocol.errors",
    "The common values": "libs.types.common.errors",
    "Transports, topology, clients": "infra.errors",
    "The migration tool": "tools.migrate.model",
}
# What a value of each kind in the plan's schema is, in JSON Schema's words.
_KINDS: dict[str, dict[str, Any]] = {
    "name": {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]*$"},
    "dotted": {"type": "string", "pattern": r"^[^\W\d]\w*(\.[^\W\d]\w*)*$"},
    "string": {"type": "string"},
    "path": {"type": "string", "minLength": 1},
    "paths": {"type": "array", "items": {"type": "string"}},
    "strings": {"type": "array", "items": {"type": "string"}},
    "date": {"type": "string", "format": "date"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
}
_LISTS = ("move", "symbol")


def migrate_page() -> str:
    """The commands of `migrate`, from what its parser knows."""
    group: Any = cli.app
    rows = ["# The command `migrate`", ""]
    rows += ["Made from the program. What it all means is in [the migration tool](../migration.md).", ""]
    rows += ["`python -m tools.migrate` is the same program.", "", *_command("migrate", group)]
    for name, command in group.commands.items():
        rows += _command(f"migrate {name}", command)
    return "\n".join(rows)


def programs_page() -> str:
    """`--help` of every other program."""
    rows = ["# The other programs", "", "What each of them says of itself.", ""]
    for module, about in PROGRAMS.items():
        rows += [f"## {module}", "", f"{about[0].upper()}{about[1:]}.", ""]
        for words in ([], *([sub] for sub in SUBCOMMANDS.get(module, ()))):
            rows += ["```text", _help(module, *words), "```", ""]
    return "\n".join(rows)


def plan_page() -> str:
    """Tables and keys of the plan file."""
    rows = [
        "# The plan file",
        "",
        "Made from the reader of `migration.toml`. What each key means is in",
        "[the migration tool](../migration.md#the-plan-file).",
        "An example: [the demo's](migration.toml). Editors that know JSON Schema for TOML can use",
        "[migration.schema.json](migration.schema.json).",
        "",
    ]
    for table, keys in plan._SCHEMA.items():
        head = f"[[{table}]]" if table in _LISTS else f"[{table}]"
        rows += [f"## `{head}`", "", "| key | value | needed |", "| --- | --- | --- |"]
        needed = plan._REQUIRED.get(table, ())
        rows += [f"| `{key}` | {_kind_text(kind)} | {'yes' if key in needed else ''} |" for key, kind in keys.items()]
        rows.append("")
    return "\n".join(rows)


def plan_schema() -> str:
    """The plan file as a JSON Schema."""
    tables: dict[str, Any] = {}
    for table, keys in plan._SCHEMA.items():
        one = {
            "type": "object",
            "additionalProperties": False,
            "properties": {key: _KINDS[kind] for key, kind in keys.items()},
            "required": list(plan._REQUIRED.get(table, ())),
        }
        tables[table] = {"type": "array", "items": one, "minItems": 1} if table in _LISTS else one
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The plan of a migration",
        "type": "object",
        "additionalProperties": False,
        "properties": tables,
        "required": ["migration"],
    }
    return json.dumps(document, indent=2) + "\n"


def errors_page() -> str:
    """Every error class: what it means, its attributes, what it suggests."""
    rows = [
        "# Errors",
        "",
        "Made from the classes. Errors keep their numbers as attributes, and build their text from them.",
        "",
    ]
    for title, name in ERROR_MODULES.items():
        module = importlib.import_module(name)
        rows += [f"## {title}", "", f"`{name}`", "", "| error | is a | means | attributes |"]
        rows.append("| --- | --- | --- | --- |")
        for cls in _errors(module):
            said = " ".join((inspect.getdoc(cls) or "").split("\n\n")[0].split())
            hint = getattr(cls, "hint", "")
            said += f" *{hint[0].upper()}{hint[1:]}.*" if isinstance(hint, str) and hint else ""
            attributes = ", ".join(f"`{each}`" for each in _attributes(cls))
            rows.append(f"| `{cls.__name__}` | {cls.__bases__[0].__name__} | {_cell(said)} | {attributes} |")
        rows.append("")
    rows += ["## Exit codes of `migrate`", "", *_exit_codes(), ""]
    return "\n".join(rows)


def decisions_page() -> str:
    """The list of decisions."""
    rows = ["# Decisions", "", "What was decided, why, and what was tried before.", ""]
    for path in sorted((ROOT / "docs" / "adr").glob("[0-9]*.md")):
        title = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        rows.append(f"- [{title}]({path.name})")
    return "\n".join(rows) + "\n"


def _command(name: str, command: Any) -> Iterator[str]:
    yield f"## `{name}`"
    yield ""
    text = inspect.cleandoc(command.help or "").split("\f")[0].strip()
    if text:
        yield text
        yield ""
    rows = [row for parameter in command.params if (row := _parameter(parameter))]
    if rows:
        yield from ["| option | what it does |", "| --- | --- |", *rows, ""]


def _parameter(parameter: Any) -> str | None:
    text = getattr(parameter, "help", None)
    if not text or getattr(parameter, "hidden", False):
        return None
    names = ", ".join(f"`{each}`" for each in parameter.opts)
    if parameter.param_type_name == "argument":
        names = f"`{parameter.metavar or parameter.name.upper()}`"
    elif not parameter.is_flag and not parameter.count:
        names += f" `{(parameter.metavar or parameter.name or '').upper().replace('_', '-').strip('[]')}`"
    return f"| {names} | {_cell(text)} |"


def _help(module: str, *words: str) -> str:
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-m", module, *words, "--help"]
    done = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(line)}: {done.stderr}")
    return done.stdout.strip()


def _kind_text(kind: str) -> str:
    return {
        "name": "letters, digits, `-`, `_`, `.`",
        "dotted": "a dotted import name",
        "path": "a path from the root",
        "paths": "a list of paths",
        "strings": "a list of texts",
        "string": "a text",
        "date": "a date, such as `2027-03-31`",
        "integer": "a whole number",
        "number": "a number",
        "boolean": "`true` or `false`",
    }[kind]


def _errors(module: Any) -> list[type[BaseException]]:
    return [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, BaseException) and each.__module__ == module.__name__
    ]


def _attributes(cls: type[BaseException]) -> list[str]:
    if "__init__" not in vars(cls):
        return []
    return [name for name in inspect.signature(cls.__init__).parameters if name not in ("self", "args", "kwargs")]


def _exit_codes() -> Iterator[str]:
    yield "| exit | error |"
    yield "| ---: | --- |"
    for cls in _errors(model):
        code = getattr(cls, "exit_code", None)
        if isinstance(code, int):
            yield f"| {code} | `{cls.__name__}` |"


def _cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(text.split()))
