"""docs/migration.md against the code: commands, options, exit codes, plan keys, stages, rules, schema numbers.

Reads the page as a user does: every command line that it shows must parse, and each table must say what the code says,
no row more and none less.  Knows nothing of how a stage works.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tools.migrate import checks, cli, lock, model, plan, report, terminal
from tools.migrate.stagenames import parse_stage

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "migration.md").read_text(encoding="utf-8")
GROUP: Any = cli.app
PLACEHOLDERS = {"N": "3", "[DIR]": "somewhere", "DIR": "somewhere", "FILE": "file", "NAME": "name"}


def command_lines(text: str = PAGE) -> list[tuple[str, ...]]:
    """The arguments of every `migrate ...` in indented blocks and in backticks, without their comments."""
    shown = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    shown += re.findall(r"`([^`\n]+)`", text)
    found = []
    for line in shown:
        match = re.match(r"(?:\S*bin/)?(?:migrate|python -m tools\.migrate) (?P<rest>.*)", line)
        if match:
            words = shlex.split(match["rest"], comments=True)
            found.append(tuple(PLACEHOLDERS.get(word, word) for word in words))
    return sorted(set(found))


def table(*first_cells: str) -> list[list[str]]:
    """The rows of the table whose header begins with these cells, without markup."""
    lines = PAGE.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("| " + " | ".join(first_cells) + " |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return rows


def bare(cell: str) -> str:
    return cell.strip().strip("`")


def parts(arguments: tuple[str, ...]) -> tuple[list[str], str | None, list[str]]:
    """(arguments of the program, the command's name, arguments of the command)"""
    for index, word in enumerate(arguments):
        if word in GROUP.commands and (index == 0 or arguments[index - 1] not in ("--stage", "--to")):
            return list(arguments[:index]), word, list(arguments[index + 1 :])
    return list(arguments), None, []


def options_of(name: str | None) -> set[str]:
    """What `--help` lists."""
    words = [name, "--help"] if name else ["--help"]
    result = CliRunner().invoke(cli.app, words, env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert result.exit_code == 0, result.output
    return set(re.findall(r"(?<!\S)(-{1,2}[a-z][a-z-]*)", result.output))


def test_the_page_shows_commands() -> None:
    shown = {parts(line)[1] for line in command_lines()}
    assert shown == {None, *GROUP.commands}, "each command of the program is shown, and no other"


@pytest.mark.parametrize("arguments", command_lines(), ids=" ".join)
def test_command_lines_parse(arguments: tuple[str, ...]) -> None:
    before, name, after = parts(arguments)
    GROUP.make_context("migrate", list(before))
    if name is not None:
        GROUP.commands[name].make_context(name, list(after))
    for option, value in zip(arguments, [*arguments[1:], ""], strict=True):
        if option in ("--stage", "--to"):
            assert parse_stage(value)
    used = {word.partition("=")[0] for word in arguments if word.startswith("-")}
    assert used <= options_of(name) | options_of(None)


@pytest.mark.parametrize("arguments", [("--stages", "3"), ("status", "--onyl"), ("report", "--format", "text")])
def test_a_wrong_command_line_would_be_noticed(arguments: tuple[str, ...]) -> None:
    with pytest.raises(AssertionError):
        try:
            test_command_lines_parse(arguments)
        except Exception as error:  # what a parser raises differs between versions of click
            raise AssertionError from error


def test_options_in_the_text_exist() -> None:
    known = set().union(*(options_of(name) for name in (None, *GROUP.commands)))
    named = {match.split()[0] for match in re.findall(r"`(-{1,2}[a-z][^`\n]*)`", PAGE)}
    assert named <= known and len(named) > 10


def test_stages() -> None:
    assert {int(row[0]): row[1] for row in table("N", "name")} == model.STAGE_NAMES


def subclasses(kind: type[model.MigrateError]) -> set[type[model.MigrateError]]:
    return {kind}.union(*(subclasses(child) for child in kind.__subclasses__()))


def test_exit_codes() -> None:
    rows = table("exit", "meaning", "error class")
    assert [int(row[0]) for row in rows] == [0, 1, 2, 3, 4, 130]
    shown = {bare(row[2]): int(row[0]) for row in rows if len(row) > 2 and bare(row[2])}
    # Errors with a failure mode of their own; the root of them is for what nobody foresaw.
    real = {kind.__name__: kind.exit_code for kind in subclasses(model.MigrateError) - {model.MigrateError}}
    assert shown == real
    assert model.MigrateError.exit_code == 4


def test_the_readme_has_the_same_exit_codes() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (\d+) \|", readme, re.M) == [row[0] for row in table("exit", "meaning", "error class")]


def test_plan_keys() -> None:
    shown: dict[str, list[str]] = {}
    required: dict[str, list[str]] = {}
    for where, key, _, default in table("table", "key", "value", "default"):
        shown.setdefault(bare(where), []).append(bare(key))
        if default == "required":
            required.setdefault(bare(where), []).append(bare(key))
    assert shown == {name: list(keys) for name, keys in plan._SCHEMA.items()}
    assert {name: tuple(keys) for name, keys in required.items()} == plan._REQUIRED


def test_plan_defaults() -> None:
    text = '[migration]\nname = "x"\n[[move]]\nfrom = "a"\nto = "b"\n[target]\ndistribution = "d"\npath = "p"\n'
    parsed = plan.parse_plan(text)
    values = {
        "migration": parsed,
        "target": parsed.target,
        "shims": parsed.shims,
        "gates": parsed.gates,
        "scan": parsed,
    }
    written = {}
    for where, key, _, default in table("table", "key", "value", "default"):
        if default.startswith("`"):
            written[bare(where), bare(key)] = tomllib.loads(f"value = {bare(default)}")["value"]
        elif default == "none" and bare(where) in values:
            assert not getattr(values[bare(where)], bare(key).replace("-", "_"))
    assert set(written) >= {("migration", "import-roots"), ("shims", "warn-days"), ("gates", "max-slowdown")}
    for (where, key), default in written.items():
        value = getattr(values[where], key.replace("-", "_"))
        assert (list(value) if isinstance(value, tuple) else value) == default, f"{where}.{key}"


def test_schema_numbers() -> None:
    shown = {row[0]: int(row[1]) for row in table("document", "schema")}
    assert shown.pop("`check-shims`") == checks.SCHEMA
    assert shown.pop("`report`") == report.SCHEMA
    assert shown.pop("`migration.lock` (TOML)") == lock.SCHEMA
    assert set(shown.values()) == {terminal.SCHEMA}


def test_rules_of_check_shims_are_explained() -> None:
    assert [rule for rule in checks.RULES if f"`{rule}`" not in PAGE] == []


def test_rules_in_the_text_exist() -> None:
    sources = "".join(
        p.read_text(encoding="utf-8") for p in (ROOT / "tools" / "migrate").rglob("*.py") if "legacy" not in p.parts
    )
    named = set(re.findall(r"`((?:file|lock|string|path)\.[a-z]+)`", PAGE))
    assert named and [rule for rule in sorted(named) if f'"{rule}"' not in sources] == []


@pytest.mark.parametrize(
    "page", sorted(p.relative_to(ROOT).as_posix() for p in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    anchors = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in re.findall(r"^#+ (.+)$", text, re.M)}
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        elif "://" not in target:
            assert (ROOT / page).parent.joinpath(target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("name", sorted(p.name for p in (ROOT / "docs" / "adr").glob("*.md")))
def test_decisions_have_a_status_and_are_short(name: str) -> None:
    text = (ROOT / "docs" / "adr" / name).read_text(encoding="utf-8")
    assert re.match(rf"# {int(name[:4])}\. .+\n\nStatus: \w+", text)
    assert "## Decision" in text and "## Consequences" in text and len(text.splitlines()) <= 60
