"""The command line: parses, calls one function, prints, exits.  The only file that ends the process.

Every command takes `--json`, which prints one document on stdout and nothing else there; progress, advice and errors go
to stderr.  Exit codes are the table of docs/migration.md; an error is one line, a traceback needs `-v -v`.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import click
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.syntax import Syntax

from . import __version__, commands
from .environ import forget_git_environment
from .model import STAGE_NAMES, Finding, MigrateError
from .report import render_text
from .session import Session, parse_stage
from .stages import Outcome

SCHEMA = 1

app = typer.Typer(
    add_completion=True,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@dataclass
class Settings:
    """The options that every command shares."""

    root: Path = Path()
    plan: Path | None = None
    jobs: int = 0
    as_json: bool = False
    quiet: bool = False
    verbose: int = 0
    console: Console = field(default_factory=lambda: Console(soft_wrap=True, highlight=False))
    errors: Console = field(default_factory=lambda: Console(stderr=True, soft_wrap=True, highlight=False))


settings = Settings()

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
    except click.exceptions.Abort:
        _fail("interrupted", 130, "the same command continues")
    except click.exceptions.NoArgsIsHelpError as error:
        typer.echo(error.format_message())
        sys.exit(2)
    except click.ClickException as error:
        _fail(error.format_message(), 2, "see --help")
    except KeyboardInterrupt:
        _fail("interrupted", 130, "the same command continues")
    except MigrateError as error:
        _report_error(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        _report_error(MigrateError(f"{type(error).__name__}: {error}", next_step="run with -v -v and report it"))
        sys.exit(4)
    sys.exit(result if isinstance(result, int) else 0)


@app.callback(invoke_without_command=True)
def root_command(
    context: typer.Context,
    stage: Annotated[str | None, typer.Option("--stage", help="1 to 6, a stage's name, or all.")] = None,
    only: Annotated[list[str] | None, typer.Option("--only", help="Integrate only below this folder.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what the stage would change; exit 1 if anything.")
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
    _apply(root, plan, jobs, as_json, quiet, verbose)
    if version:
        typer.echo(__version__)
        raise typer.Exit
    if context.invoked_subcommand is not None:
        if stage or only or dry_run:
            raise click.UsageError("--stage, --only and --dry-run do not go with a command")
        return 0
    if stage is None:
        typer.echo(context.get_help())
        return 2
    numbers = parse_stage(stage)
    if only and numbers != [4]:
        raise click.UsageError("--only goes with --stage integrate")
    if dry_run:
        return _show_diff(commands.dry_run(_session(), numbers))
    outcomes = []
    worst = 0
    for number in numbers:
        outcome = _with_progress(lambda s, n=number: commands.run(s, n, only or ()))  # type: ignore[misc]
        outcomes.append(outcome)
        worst = max(worst, outcome.exit_code)
        if not settings.as_json:
            _print_outcome(outcome)
    if settings.as_json:
        _print_json({"stages": [o.as_dict() for o in outcomes]})
    return worst


@app.command()
def init(
    force: Annotated[bool, typer.Option("--force", help="Replace a plan file that exists.")] = False,
    root: Root = None,
    plan: PlanFile = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Look at the checkout and write a first plan file, with guesses and comments."""
    _apply(root, plan, None, as_json, quiet, verbose)
    path = commands.init(_session(), force=force)
    _say({"plan": str(path)}, f"{path} is written; look at it, then run '--stage audit'")
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
    _apply(root, plan, None, as_json, quiet, verbose)
    document = commands.status(_session())
    if settings.as_json:
        _print_json(document)
        return 0
    for entry in document["stages"]:
        settings.console.print(f"{entry['stage']} {entry['name']:10} {entry['state']:12} {entry['note']}")
    if document["interrupted"]:
        settings.console.print(document["interrupted"])
    settings.console.print(document["next"])
    for finding in document["waiting"][:20]:
        _print_finding(Finding(**{**finding, "readings": tuple(finding["readings"])}))
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
    _apply(root, plan, jobs, as_json, quiet, verbose)
    _show_diff(commands.dry_run(_session(), parse_stage(stage) if stage else [3, 4, 6]))
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
    _apply(root, plan, None, as_json, quiet, verbose)
    numbers = parse_stage(to)
    if len(numbers) != 1:
        raise click.UsageError("--to takes one stage")
    session = _session()
    message = commands.rollback(session, numbers[0], hard=hard)
    _say({"rolled_back_to": numbers[0], "tree": session.repo.tree_hash(), "message": message}, message)
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
    _apply(root, plan, jobs, as_json, quiet, verbose)
    day = dt.date.today()
    if today:
        try:
            day = dt.date.fromisoformat(today)
        except ValueError:
            raise click.UsageError(f"--today {today}: expected a date such as 2027-03-31") from None
    text, code = commands.check_shims(
        _session(), today=day, pretend_removed=pretend_removed, fix=fix, output="json" if settings.as_json else output
    )
    if text:
        typer.echo(text)
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
    _apply(root, plan, jobs, as_json, quiet, verbose)
    value = commands.report(_session())
    if html is not None:
        commands.write_html(value, html)
        if not settings.as_json:
            settings.errors.print(f"the report is in {html}")
    if settings.as_json:
        _print_json(value.as_dict())
    elif github:
        from .report import render_github

        typer.echo(render_github(value.findings), nl=False)
    elif html is None:
        render_text(value, settings.console)
    return 0


@app.command()
def demo(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Where to build it; a new folder if left out.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    """Build a small legacy monorepo and run all six stages on it."""
    _apply(None, None, None, as_json, quiet, verbose)
    place = commands.build_demo(folder)
    settings.root = place
    if not settings.as_json:
        settings.console.print(f"a legacy monorepo is built in {place}")
    outcomes = []
    for number in STAGE_NAMES:
        outcome = _with_progress(lambda s, n=number: commands.run(s, n, ()), own_python=True)  # type: ignore[misc]
        outcomes.append(outcome)
        if not settings.as_json:
            _print_outcome(outcome, brief=True)
    value = commands.report(_session())
    page = place.parent / f"{place.name}-report.html"
    commands.write_html(value, page)
    if settings.as_json:
        _print_json({"folder": str(place), "report": str(page), "stages": [o.as_dict() for o in outcomes]})
    else:
        if not settings.quiet:
            render_text(value, settings.console)
        settings.console.print(f"the report is in {page}; the migrated monorepo is in {place}")
    return 0


# helpers


def _apply(root: Path | None, plan: Path | None, jobs: int | None, as_json: bool, quiet: bool, verbose: int) -> None:
    """Options may stand before or after the command; what was given wins."""
    if root is not None:
        settings.root = root
    if plan is not None:
        settings.plan = plan
    settings.jobs = jobs or settings.jobs
    settings.as_json |= as_json
    settings.quiet |= quiet
    settings.verbose = max(verbose, settings.verbose)
    logging.basicConfig(
        level=[logging.WARNING, logging.INFO, logging.DEBUG][min(settings.verbose, 2)], stream=sys.stderr
    )
    for chatty in ("git", "filelock", "rope"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _session(own_python: bool = False) -> Session:
    return Session(settings.root, settings.plan, settings.jobs, own_python=own_python)


def _with_progress(work: Callable[[Session], Outcome], *, own_python: bool = False) -> Outcome:
    """Run `work` under a progress bar on a terminal, with plain lines elsewhere."""
    session = _session(own_python)
    if settings.quiet or settings.as_json:
        return work(session)
    if not settings.errors.is_terminal:
        last = ""

        def plain(what: str, done: int, total: int) -> None:
            nonlocal last
            line = f"{what} ({total})" if total else what
            if what != last:
                settings.errors.print(line)
            last = what

        session.progress = plain
        return work(session)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=settings.errors, transient=True) as bar:
        task = bar.add_task("starting", total=None)
        session.progress = lambda what, done, total: bar.update(
            task, description=what, completed=done, total=total or None
        )
        return work(session)


def _print_outcome(outcome: Outcome, *, brief: bool = False) -> None:
    console = settings.console
    head = f"stage {outcome.stage} {STAGE_NAMES[outcome.stage]}: "
    console.print(head + (outcome.message if outcome.state != "already" else "done already, nothing to do"))
    if settings.quiet:
        return
    for gate in outcome.gates:
        already = len(gate["already_broken"])
        console.print(
            f"  gate {gate['command']!r}: {gate.get('tests', 0)} tests, none worse than before"
            + (f", {already} failed before already" if already else "")
        )
    for test in outcome.details.get("already_broken", ()):
        console.print(f"  already broken: {test}")
    if not brief:
        shown = [f for f in outcome.findings if f.severity != "note" or settings.verbose]
        for finding in shown[: 1000 if settings.verbose else 25]:
            _print_finding(finding)
        if len(shown) > 25 and not settings.verbose:
            console.print(f"  and {len(shown) - 25} more: see 'report'")
        notes = len(outcome.findings) - len([f for f in outcome.findings if f.severity != "note"])
        if notes and not settings.verbose:
            console.print(f"  {notes} notes (plain words, wire data): see 'report' or -v")


def _print_finding(finding: Finding) -> None:
    place = f"{finding.path}:{finding.line}" if finding.line else finding.path
    readings = f"  [{' | '.join(finding.readings)}]" if finding.readings else ""
    hint = f"  {finding.hint}" if finding.hint else ""
    settings.console.print(
        f"  {finding.severity:7} {place}  {finding.rule}: {finding.text}{readings}{hint}", markup=False
    )


def _show_diff(text: str) -> int:
    if settings.as_json:
        _print_json({"diff": text, "changes": bool(text)})
    elif text:
        if settings.console.is_terminal:
            settings.console.print(Syntax(text, "diff", background_color="default"))
        else:
            typer.echo(text, nl=False)
    elif not settings.quiet:
        settings.errors.print("nothing would change")
    return 1 if text else 0


def _say(document: dict[str, Any], text: str) -> None:
    if settings.as_json:
        _print_json(document)
    else:
        settings.console.print(text, markup=False)


def _print_json(document: dict[str, Any]) -> None:
    typer.echo(json.dumps({"schema": SCHEMA, **document}, indent=1, sort_keys=True, default=str))


def _report_error(error: MigrateError) -> None:
    if settings.verbose >= 2:
        traceback.print_exc()
    if settings.as_json:
        _print_json(error.as_dict())
    settings.errors.print(f"error: {' '.join(str(error).split())}", markup=False, style="red")


def _fail(text: str, code: int, next_step: str) -> None:
    error = MigrateError(text, next_step=next_step)
    error.exit_code = code
    if "--json" in sys.argv:
        settings.as_json = True
    _report_error(error)
    sys.exit(code)
