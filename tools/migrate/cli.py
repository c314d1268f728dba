"""The command line: parses, calls one function, prints, exits.  The only file that ends the process.

Every command takes `--json`, which prints one document on stdout and nothing else there; progress, advice and errors go
to stderr.  Exit codes are the table of docs/migration.md; an error is one line, a traceback needs `-v -v`.
"""

from __future__ import annotations

import datetime as dt
import gc
import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from . import __version__, commands
from .environ import COMMAND, forget_git_environment
from .model import STAGE_NAMES, Finding, MigrateError
from .processes import end as end_workers
from .stagenames import parse_stage
from .terminal import (
    ask_line,
    configure,
    fail,
    is_conversation,
    open_session,
    print_finding,
    print_json,
    print_left,
    print_outcome,
    report_error,
    say,
    say_line,
    settings,
    show_diff,
    with_progress,
)

_PATH: Any = click.Path(path_type=Path)
_STAGE = [*STAGE_NAMES.values(), "all"]


def _stages(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """For completion in a shell."""
    return [name for name in _STAGE if name.startswith(begun)]


def _options(*, place: bool = True, jobs: bool = False) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """The options that commands share; they may stand before or after the command."""

    def decorate(function: Callable[..., int]) -> Callable[..., int]:
        @wraps(function)
        def run(*args: Any, as_json: bool, quiet: bool, verbose: int, **own: Any) -> int:
            configure(own.pop("root", None), own.pop("plan", None), own.pop("jobs", None), as_json, quiet, verbose)
            return function(*args, **own)

        option: Any = run
        option = click.option("-v", "--verbose", count=True, help="More; twice for tracebacks.")(option)
        option = click.option("-q", "--quiet", is_flag=True, help="Only errors and results.")(option)
        option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")(option)
        if jobs:
            number = click.IntRange(min=1)
            option = click.option("--jobs", type=number, help="Worker processes for reading files.")(option)
        if place:
            what = "The plan file; migration.toml at the root if left out."
            option = click.option("--plan", type=_PATH, help=what)(option)
            what = "A git checkout; the current one if left out."
            option = click.option("--root", type=_PATH, help=what)(option)
        return option  # type: ignore[no-any-return]

    return decorate


def main() -> None:
    """Run the command line and exit with its code."""
    result: object = 0
    gc.set_threshold(50_000)  # most of what a command reads it keeps to its end, and looking through it finds nothing
    forget_git_environment()
    for name in ("SIGTERM", "SIGHUP"):  # as Ctrl-C: put everything back, then go
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        result = app(standalone_mode=False)
    except click.ClickException as error:
        sys.exit(fail(error.format_message().rstrip("."), 2, "see --help"))
    except (KeyboardInterrupt, click.Abort):
        sys.exit(fail("interrupted", 130, "the same command continues"))
    except MigrateError as error:
        report_error(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        report_error(MigrateError(f"{type(error).__name__}: {error}", next_step="run with -v -v and report it"))
        sys.exit(4)
    finally:
        end_workers()
        gc.freeze()  # the interpreter looks through all objects once more as it ends
    sys.exit(result if isinstance(result, int) else 0)


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--stage", help="1 to 6, a stage's name, or all.", shell_complete=_stages)
@click.option("--only", multiple=True, help="Integrate only this folder, member, or owner in CODEOWNERS.")
@click.option("--dry-run", is_flag=True, help="Show what the stage would change; exit 1 if anything.")
@click.option("-i", "--interactive", is_flag=True, help="With design: ask about each place listed for a person.")
@click.option("--version", is_flag=True, help="Print the version.")
@_options(jobs=True)
@click.pass_context
def app(
    context: click.Context, stage: str | None, only: tuple[str, ...], dry_run: bool, interactive: bool, version: bool
) -> int:
    """Move Python packages in a git repository, in six stages: audit, design, migrate, integrate, validate, cleanup."""
    if version:
        click.echo(__version__)
        context.exit()
    if context.invoked_subcommand is not None:
        if stage or only or dry_run or interactive:
            raise click.UsageError("--stage, --only, --dry-run and --interactive do not go with a command")
        return 0
    if stage is None:
        click.echo(context.get_help())
        return 2
    numbers = parse_stage(stage)
    if only and numbers != [4]:
        raise click.UsageError("--only goes with --stage integrate")
    if interactive and (2 not in numbers or dry_run):
        raise click.UsageError("--interactive goes with --stage design, or with all")
    if dry_run:
        return show_diff(commands.dry_run(open_session(), numbers, only))
    outcomes = []
    worst = decided = 0
    for number in numbers:
        outcome = with_progress(lambda s, n=number: commands.run(s, n, only))  # type: ignore[misc]
        if interactive and number == 2:
            decided += commands.decide(open_session(), ask_line, say_line)
            if decided:
                outcome = with_progress(lambda s: commands.run(s, 2, ()))
        outcomes.append(outcome)
        worst = max(worst, outcome.exit_code)
        if not settings.as_json:
            print_outcome(outcome)
    if settings.as_json:
        print_json({"stages": [o.as_dict() for o in outcomes], **({"decided": decided} if interactive else {})})
    elif decided:
        say_line(f"{decided} decisions are kept in {open_session().decisions_file}; commit it")
    return worst


@app.command()
@click.option("--force", is_flag=True, help="Replace a plan file that exists.")
@click.option("--ask/--no-ask", default=None, help="Ask about the guesses; only at a terminal if left out.")
@_options()
def init(force: bool, ask: bool | None) -> int:
    """Look at the checkout and write a first plan file, with guesses and comments."""
    wanted = is_conversation() if ask is None else ask
    path = commands.init(open_session(), force=force, ask=ask_line if wanted else None, say=say_line)
    say({"plan": str(path)}, f"{path} is written; read it, commit it, then run '{COMMAND} --stage audit'")
    return 0


@app.command()
@_options()
def status() -> int:
    """Which stages are done, what comes next, and what waits for a person."""
    document = commands.status(open_session())
    if settings.as_json:
        print_json(document)
        return 0
    for entry in document["stages"]:
        settings.console.print(f"{entry['stage']} {entry['name']:10} {entry['state']:12} {entry['note']}")
    if document["interrupted"]:
        settings.console.print(document["interrupted"])
    settings.console.print(document["next"])
    if document["left"]:
        print_left(document["left"])
    for finding in document["waiting"][:20]:
        print_finding(Finding(**{**finding, "readings": tuple(finding["readings"])}))
    if len(document["waiting"]) > 20:
        settings.console.print(f"and {len(document['waiting']) - 20} more: see 'report'")
    return 0


@app.command()
@click.option("--stage", default="", help="Which stage: 3, 4, 6, or a name.", shell_complete=_stages)
@_options(jobs=True)
def diff(stage: str) -> int:
    """What a stage would change, as a unified diff."""
    show_diff(commands.dry_run(open_session(), parse_stage(stage) if stage else [3, 4, 6]))
    return 0


@app.command()
@click.argument("location", metavar="FILE:LINE")
@_options()
def explain(location: str) -> int:
    """Why a line was changed, will be, or was left alone: rule, reason, confidence, and what its names mean.

    FILE:LINE is a line of a tracked file, as it is now.
    """
    from .explain import render

    found = commands.explain(open_session(), location)
    say(found.as_dict(), "\n".join(render(found)))
    return 0


@app.command()
@click.option(
    "--to",
    required=True,
    shell_complete=_stages,
    help="The stage before which the tree shall be again: 1 to 6 or a name.",
)
@click.option("--hard", is_flag=True, help="Take commits off that nobody has yet, instead of reverting.")
@_options()
def rollback(to: str, hard: bool) -> int:
    """Undo stages until the tree is as before one of them."""
    numbers = parse_stage(to)
    if len(numbers) != 1:
        raise click.UsageError("--to takes one stage")
    checkout = open_session()
    message = commands.rollback(checkout, numbers[0], hard=hard)
    say({"rolled_back_to": numbers[0], "tree": checkout.repo.tree_hash(), "message": message}, message)
    return 0


@app.command("check-shims")
@click.option("--today", help="The date to judge by, YYYY-MM-DD.")
@click.option("--pretend-removed", is_flag=True, help="As if every removal date had passed.")
@click.option("--fix", is_flag=True, help="Rewrite late uses of old names.")
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    help="text, json, sarif or github.",
)
@click.argument("files", nargs=-1)
@_options(jobs=True)
def check_shims(today: str | None, pretend_removed: bool, fix: bool, output: Any, files: tuple[str, ...]) -> int:
    """The CI check that shims go in time and that nobody uses an old name again.

    Files that a hook names make no difference.
    """
    day = dt.date.today()
    if today:
        try:
            day = dt.date.fromisoformat(today)
        except ValueError:
            raise click.UsageError(f"--today {today}: expected a date such as 2027-03-31") from None
    text, code = commands.check_shims(
        open_session(),
        today=day,
        pretend_removed=pretend_removed,
        fix=fix,
        output="json" if settings.as_json else output,
    )
    if text:
        click.echo(text, nl=not text.endswith("\n"))
    return code


@app.command()
@click.option("--html", type=_PATH, help="Write the report as one HTML page.")
@click.option("--github", is_flag=True, help="Findings as annotations of a CI run.")
@_options(jobs=True)
def report(html: Path | None, github: bool) -> int:
    """What was planned, done, found, and what waits for a person."""
    from .report import render_github, render_text

    value = commands.report(open_session())
    if html is not None:
        commands.write_html(value, html)
        if not settings.as_json:
            settings.errors.print(f"the report is in {html}")
    if settings.as_json:
        print_json(value.as_dict())
    elif github:
        click.echo(render_github(value.findings), nl=False)
    elif html is None:
        render_text(value, settings.console.rich)
    return 0


@app.command()
@click.argument("folder", required=False, metavar="[DIR]", type=_PATH)
@click.option("--build-only", is_flag=True, help="Only build it; you run the stages.")
@_options(place=False)
def demo(folder: Path | None, build_only: bool) -> int:
    """Build a small legacy monorepo, in DIR or in a new folder, and run all six stages on it."""
    from .report import render_text

    place = commands.build_demo(folder)
    settings.root = place
    if not settings.as_json:
        settings.console.print(f"a legacy monorepo is built in {place}")
    if build_only:
        if settings.as_json:
            print_json({"folder": str(place), "report": None, "stages": []})
        return 0
    outcomes = []
    for number in STAGE_NAMES:
        outcome = with_progress(lambda s, n=number: commands.run(s, n, ()), own_python=True)  # type: ignore[misc]
        outcomes.append(outcome)
        if not settings.as_json:
            print_outcome(outcome, brief=True)
    value = commands.report(open_session())
    page = place.parent / f"{place.name}-report.html"
    commands.write_html(value, page)
    if settings.as_json:
        print_json({"folder": str(place), "report": str(page), "stages": [o.as_dict() for o in outcomes]})
    else:
        if not settings.quiet:
            render_text(value, settings.console.rich)
        settings.console.print(f"the report is in {page}; the migrated monorepo is in {place}")
    return 0
