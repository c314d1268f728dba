"""The command line: parses, calls one function, prints, exits.  The only file that ends the process.

Every command takes `--json`, which prints one document on stdout and nothing else there; progress, advice and errors go
to stderr.  Exit codes are the table of docs/migration.md; an error is one line, a traceback needs `-v -v`.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from . import __version__, commands
from .environ import forget_git_environment
from .explain import render as render_explanation
from .model import STAGE_NAMES, Finding, MigrateError
from .report import COMMAND, render_github, render_text
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

# The root of the errors that a wrong command line raises; typer brings its own copy of click, and exports only leaves.
_CommandLineError: Any = typer.BadParameter.__mro__[2]

app = typer.Typer(
    add_completion=True,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _stages() -> list[str]:
    return [*STAGE_NAMES.values(), "all"]


Root = Annotated[Path | None, typer.Option("--root", help="A git checkout; the current one if left out.")]
PlanFile = Annotated[Path | None, typer.Option("--plan", help="The plan file; migration.toml at the root if left out.")]
Jobs = Annotated[int | None, typer.Option("--jobs", min=1, help="Worker processes for reading files.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Only errors and results.")]
Verbose = Annotated[int, typer.Option("-v", "--verbose", count=True, help="More; twice for tracebacks.")]


def main() -> None:
    """Run the command line and exit with its code."""
    result: object = 0
    forget_git_environment()
    for name in ("SIGTERM", "SIGHUP"):  # as Ctrl-C: put everything back, then go
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        result = app(standalone_mode=False)
        if result == 130:  # typer has turned Ctrl-C into a number
            raise KeyboardInterrupt
    except _CommandLineError as error:
        sys.exit(fail(error.format_message(), 2, "see --help"))
    except (KeyboardInterrupt, typer.Abort):
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
    sys.exit(result if isinstance(result, int) else 0)


@app.callback(invoke_without_command=True)
def root_command(
    context: typer.Context,
    stage: Annotated[
        str | None, typer.Option("--stage", help="1 to 6, a stage's name, or all.", autocompletion=_stages)
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Integrate only this folder, member, or owner in CODEOWNERS.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what the stage would change; exit 1 if anything.")
    ] = False,
    interactive: Annotated[
        bool, typer.Option("-i", "--interactive", help="With design: ask about each place listed for a person.")
    ] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    root: Root = None,
    plan: PlanFile = None,
    jobs: Jobs = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Move Python packages in a git repository, in six stages: audit, design, migrate, integrate, validate, cleanup."""
    configure(root, plan, jobs, as_json, quiet, verbose)
    if version:
        typer.echo(__version__)
        raise typer.Exit
    if context.invoked_subcommand is not None:
        if stage or only or dry_run or interactive:
            raise typer.BadParameter("--stage, --only, --dry-run and --interactive do not go with a command")
        return 0
    if stage is None:
        typer.echo(context.get_help())
        return 2
    numbers = parse_stage(stage)
    if only and numbers != [4]:
        raise typer.BadParameter("--only goes with --stage integrate")
    if interactive and (2 not in numbers or dry_run):
        raise typer.BadParameter("--interactive goes with --stage design, or with all")
    if dry_run:
        return show_diff(commands.dry_run(open_session(), numbers))
    outcomes = []
    worst = decided = 0
    for number in numbers:
        outcome = with_progress(lambda s, n=number: commands.run(s, n, only or ()))  # type: ignore[misc]
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
def init(
    force: Annotated[bool, typer.Option("--force", help="Replace a plan file that exists.")] = False,
    ask: Annotated[
        bool | None, typer.Option("--ask/--no-ask", help="Ask about the guesses; only at a terminal if left out.")
    ] = None,
    root: Root = None,
    plan: PlanFile = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Look at the checkout and write a first plan file, with guesses and comments."""
    configure(root, plan, None, as_json, quiet, verbose)
    wanted = is_conversation() if ask is None else ask
    path = commands.init(open_session(), force=force, ask=ask_line if wanted else None, say=say_line)
    say({"plan": str(path)}, f"{path} is written; read it, commit it, then run '{COMMAND} --stage audit'")
    return 0


@app.command()
def status(
    root: Root = None,
    plan: PlanFile = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Which stages are done, what comes next, and what waits for a person."""
    configure(root, plan, None, as_json, quiet, verbose)
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
def diff(
    stage: Annotated[str, typer.Option("--stage", help="Which stage: 3, 4, 6, or a name.")] = "",
    root: Root = None,
    plan: PlanFile = None,
    jobs: Jobs = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """What a stage would change, as a unified diff."""
    configure(root, plan, jobs, as_json, quiet, verbose)
    show_diff(commands.dry_run(open_session(), parse_stage(stage) if stage else [3, 4, 6]))
    return 0


@app.command()
def explain(
    location: Annotated[str, typer.Argument(metavar="FILE:LINE", help="A line of a tracked file, as it is now.")],
    root: Root = None,
    plan: PlanFile = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Why a line was changed, will be, or was left alone: rule, reason, confidence, and what its names mean."""
    configure(root, plan, None, as_json, quiet, verbose)
    found = commands.explain(open_session(), location)
    say(found.as_dict(), "\n".join(render_explanation(found)))
    return 0


@app.command()
def rollback(
    to: Annotated[str, typer.Option("--to", help="The stage before which the tree shall be again: 1 to 6 or a name.")],
    hard: Annotated[
        bool, typer.Option("--hard", help="Take commits off that nobody has yet, instead of reverting.")
    ] = False,
    root: Root = None,
    plan: PlanFile = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Undo stages until the tree is as before one of them."""
    configure(root, plan, None, as_json, quiet, verbose)
    numbers = parse_stage(to)
    if len(numbers) != 1:
        raise typer.BadParameter("--to takes one stage")
    checkout = open_session()
    message = commands.rollback(checkout, numbers[0], hard=hard)
    say({"rolled_back_to": numbers[0], "tree": checkout.repo.tree_hash(), "message": message}, message)
    return 0


@app.command("check-shims")
def check_shims(
    today: Annotated[str | None, typer.Option("--today", help="The date to judge by, YYYY-MM-DD.")] = None,
    pretend_removed: Annotated[
        bool, typer.Option("--pretend-removed", help="As if every removal date had passed.")
    ] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Rewrite late uses of old names.")] = False,
    output: Annotated[
        Literal["text", "json", "sarif", "github"], typer.Option("--format", help="text, json, sarif or github.")
    ] = "text",
    files: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    root: Root = None,
    plan: PlanFile = None,
    jobs: Jobs = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """The CI check that shims go in time and that nobody uses an old name again."""
    configure(root, plan, jobs, as_json, quiet, verbose)
    day = dt.date.today()
    if today:
        try:
            day = dt.date.fromisoformat(today)
        except ValueError:
            raise typer.BadParameter(f"--today {today}: expected a date such as 2027-03-31") from None
    text, code = commands.check_shims(
        open_session(),
        today=day,
        pretend_removed=pretend_removed,
        fix=fix,
        output="json" if settings.as_json else output,
    )
    if text:
        typer.echo(text, nl=not text.endswith("\n"))
    return code


@app.command()
def report(
    html: Annotated[Path | None, typer.Option("--html", help="Write the report as one HTML page.")] = None,
    github: Annotated[bool, typer.Option("--github", help="Findings as annotations of a CI run.")] = False,
    root: Root = None,
    plan: PlanFile = None,
    jobs: Jobs = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """What was planned, done, found, and what waits for a person."""
    configure(root, plan, jobs, as_json, quiet, verbose)
    value = commands.report(open_session())
    if html is not None:
        commands.write_html(value, html)
        if not settings.as_json:
            settings.errors.print(f"the report is in {html}")
    if settings.as_json:
        print_json(value.as_dict())
    elif github:
        typer.echo(render_github(value.findings), nl=False)
    elif html is None:
        render_text(value, settings.console)
    return 0


@app.command()
def demo(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Where to build it; a new folder if left out.")
    ] = None,
    build_only: Annotated[bool, typer.Option("--build-only", help="Only build it; you run the stages.")] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Build a small legacy monorepo and run all six stages on it."""
    configure(None, None, None, as_json, quiet, verbose)
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
            render_text(value, settings.console)
        settings.console.print(f"the report is in {page}; the migrated monorepo is in {place}")
    return 0
