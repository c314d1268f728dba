"""What the command line shows: settings of one run, progress, outcomes, findings, diffs, errors.

Results go to stdout, progress and errors to stderr, so that `--json` leaves one document on stdout and nothing else.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .model import STAGE_NAMES, Finding, MigrateError
from .session import Session
from .stages import Outcome

if TYPE_CHECKING:
    from rich.console import Console

SCHEMA = 1


class Screen:
    """Lines of text on stdout or stderr.  rich is loaded where somebody may see its colours."""

    def __init__(self, *, errors: bool = False) -> None:
        self._errors = errors

    @property
    def rich(self) -> Console:
        from rich.console import Console

        return Console(stderr=self._errors, soft_wrap=True, highlight=False, emoji=False)

    @property
    def is_terminal(self) -> bool:
        stream = sys.stderr if self._errors else sys.stdout
        asked = os.environ.get("FORCE_COLOR") or os.environ.get("TTY_COMPATIBLE")
        return (stream.isatty() or bool(asked)) and self.rich.is_terminal

    def print(self, text: str = "", *, end: str = "\n", style: str | None = None) -> None:
        if style and self.is_terminal:
            self.rich.print(text, end=end, style=style, markup=False)
        else:
            click.echo(f"{text}{end}", nl=False, err=self._errors)


@dataclass
class Settings:
    """The options that every command shares."""

    root: Path = Path()
    plan: Path | None = None
    jobs: int = 0
    as_json: bool = False
    quiet: bool = False
    verbose: int = 0
    console: Screen = field(default_factory=Screen)
    errors: Screen = field(default_factory=lambda: Screen(errors=True))


settings = Settings()


def configure(root: Path | None, plan: Path | None, jobs: int | None, as_json: bool, quiet: bool, verbose: int) -> None:
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


def open_session(own_python: bool = False) -> Session:
    return Session(settings.root, settings.plan, settings.jobs, own_python=own_python)


def with_progress(work: Callable[[Session], Outcome], *, own_python: bool = False) -> Outcome:
    """Run `work` under a progress bar on a terminal, with plain lines elsewhere."""
    session = open_session(own_python)
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
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=settings.errors.rich, transient=True) as bar:
        task = bar.add_task("starting", total=None)
        session.progress = lambda what, done, total: bar.update(
            task, description=what, completed=done, total=total or None
        )
        return work(session)


def print_outcome(outcome: Outcome, *, brief: bool = False) -> None:
    console = settings.console
    head = f"stage {outcome.stage} {STAGE_NAMES[outcome.stage]}: "
    done = outcome.state == "already" and not outcome.message.startswith("nothing left")
    console.print(head + ("done already, nothing to do" if done else outcome.message))
    if settings.quiet:
        return
    for gate in outcome.gates:
        already = len(gate["already_broken"])
        console.print(
            f"  gate {gate['command']!r}: {gate.get('tests', 0)} tests, none worse than before"
            + (f", {already} failed before already" if already else "")
        )
    for user, used in sorted(outcome.details.get("dependents", {}).items()):
        console.print(f"  {user} uses {', '.join(used)}")
    for cycle in outcome.details.get("cycles", ()):
        console.print(f"  cycle: {' -> '.join([*cycle, cycle[0]])}")
    alike: dict[str, list[str]] = {}
    for module, problem in sorted(outcome.details.get("imports", {}).items()):
        alike.setdefault(problem, []).append(module)
    for problem, modules in alike.items():  # one library that is missing is one line
        more = f" and {len(modules) - 3} more" if len(modules) > 3 else ""
        console.print(f"  cannot be imported already: {', '.join(modules[:3])}{more}: {problem}")
    for entry in outcome.details.get("unused", ()):
        console.print(f"  unused dependency: {entry['path']}:{entry['line']} {entry['text']}")
    for test in outcome.details.get("already_broken", ()):
        console.print(f"  already broken: {test}")
    for name, path in outcome.details.get("files", {}).items():
        console.print(f"  {name}: {path}")
    if not brief:
        shown = [f for f in outcome.findings if f.severity != "note" or settings.verbose]
        for finding in shown[: 1000 if settings.verbose else 25]:
            print_finding(finding)
        if len(shown) > 25 and not settings.verbose:
            console.print(f"  and {len(shown) - 25} more: see 'report'")
        notes = len(outcome.findings) - len([f for f in outcome.findings if f.severity != "note"])
        if notes and not settings.verbose:
            console.print(f"  {notes} notes (plain words, wire data): see 'report' or -v")


def print_left(left: dict[str, Any]) -> None:
    """Who has a part of stage 4 before them, by owner where there are some, and by member."""
    console = settings.console
    console.print(f"left for stage 4: {left['places']} places in {left['files']} files")
    for key, nobody in (("owner", "owned by nobody"), ("member", "of no member")):
        for row in left[f"{key}s"]:
            name = row[key] or nobody
            how = f"  --only {row[key]}" if row[key] else ""
            console.print(f"  {name:24} {row['places']:5} places in {row['files']} files{how}")


def print_finding(finding: Finding) -> None:
    """One line that begins with the place, so that editors and terminals can jump there."""
    readings = f": {' | '.join(finding.readings)}" if finding.readings else ""
    hint = f"; {finding.hint}" if finding.hint else ""
    settings.console.print(f"{finding.place}: {finding.severity}: {finding.text} [{finding.rule}]{readings}{hint}")


def is_conversation() -> bool:
    """Whether somebody sits at a terminal who can be asked."""
    return sys.stdin.isatty() and settings.errors.is_terminal and not settings.as_json and not settings.quiet


def ask_line(prompt: str) -> str | None:
    """An answer from standard input, which may be a pipe; None where there is no more."""
    settings.errors.print(prompt, end="")
    line = sys.stdin.readline()
    if not sys.stdin.isatty():
        settings.errors.print()  # what was typed would have ended the line
    return line.rstrip("\r\n") if line else None


def say_line(text: str) -> None:
    """A line of a conversation; never on stdout where that holds a document."""
    (settings.errors if settings.as_json else settings.console).print(text)


def show_diff(text: str) -> int:
    if settings.as_json:
        print_json({"diff": text, "changes": bool(text)})
    elif text:
        data = text.encode("utf-8", "surrogateescape")  # what git takes, in whatever encoding the terminal is
        if settings.console.is_terminal:
            from rich.syntax import Syntax  # and with it all of pygments

            settings.console.rich.print(Syntax(data.decode("utf-8", "replace"), "diff", background_color="default"))
        else:
            click.echo(data, nl=False)
    elif not settings.quiet:
        settings.errors.print("nothing would change")
    return 1 if text else 0


def say(document: dict[str, Any], text: str) -> None:
    if settings.as_json:
        print_json(document)
    else:
        settings.console.print(text)


def print_json(document: dict[str, Any]) -> None:
    click.echo(json.dumps({"schema": SCHEMA, **document}, indent=1, sort_keys=True, default=str))


def report_error(error: MigrateError) -> None:
    if settings.verbose >= 2:
        traceback.print_exc()
    if settings.as_json:
        print_json(error.as_dict())
    settings.errors.print(f"error: {' '.join(str(error).split())}", style="red")


def fail(text: str, code: int, next_step: str) -> int:
    """Report what ended the run, and return the exit code."""
    error = MigrateError(text, next_step=next_step)
    error.exit_code = code
    if "--json" in sys.argv:
        settings.as_json = True
    report_error(error)
    return code
