"""The command line: arguments in, exit code out.

Owns the parser, the exit codes and everything that is printed; tables and JSON go to stdout, progress to stderr.
Exit codes: 0 nothing is slower, 1 something is, 2 it could not be measured (wrong arguments, a missing tool, a tree
that does not build), 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import check, compare, pairing, peers, plot, record, tables
from .model import THRESHOLD, PerfError, load_record
from .trees import top_of

SLOWER, USAGE, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; returns its exit code."""
    given = parser().parse_args(arguments)
    try:
        code: int = given.run(given)
    except PerfError as error:
        print(f"perf: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def share(text: str) -> float:
    """`1%` or `0.01` as a fraction."""
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no share; write 1% or 0.01") from None
    value = value / 100 if text.endswith("%") else value
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 0% and 100%; write 1% or 0.01")
    return value


def words(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (word.strip() for word in text.split(","))))


def gates(text: str) -> tuple[str, ...]:
    found = words(text)
    if not found or set(found) - set(check.GATES):
        raise argparse.ArgumentTypeError(f"{text!r}: the gates are {' and '.join(check.GATES)}")
    return found


def names(text: str) -> tuple[str, ...]:
    """Workloads; their names may have commas, so it is semicolons that separate them."""
    return tuple(filter(None, (word.strip() for word in text.split(";"))))


def count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no positive number")
    return int(text)


def parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    top = argparse.ArgumentParser(prog="python -m tools.perf", description="Is this revision slower than that one?")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text[0].upper() + text[1:])
        made.set_defaults(run=run)
        made.add_argument("--root", type=Path, default=Path(), help="a checkout (default: the current one)")
        return made

    def measured(made: argparse.ArgumentParser) -> None:
        made.add_argument("--only", type=names, default=(), metavar="NAME;NAME", help="these workloads alone")
        made.add_argument("--implementation", choices=check.IMPLEMENTATIONS, default="c", help="of the codec")
        made.add_argument("--rounds", type=count, default=pairing.ROUNDS, help="how often each is timed")

    one = command("check", _check, "build, count and time base and head; exit 1 where head is slower")
    measured(one)
    one.add_argument("--base", metavar="REV", help="default: where the branch left main; on main, the commit before")
    one.add_argument("--head", metavar="REV", help="default: the working tree as it is")
    one.add_argument("--threshold", type=share, default=THRESHOLD, metavar="1%%", help="of more instructions")
    one.add_argument("--limit", type=float, default=pairing.LIMIT, help="of the ratio of times (default: %(default)s)")
    one.add_argument("--gates", type=gates, default=check.GATES, help="instructions, ratio, or both (default)")
    one.add_argument("--quick", action="store_true", help="some workloads, for a run of less than a minute")
    one.add_argument("--json", type=Path, metavar="FILE", help="write the verdicts here, too")

    one = command("record", _record, "measure one revision and keep its figures")
    measured(one)
    one.add_argument("--rev", metavar="REV", help="default: the working tree as it is")
    one.add_argument("--out", type=Path, metavar="FILE", help="where the JSON goes")
    one.add_argument("--messages", type=int, default=record.MESSAGES, help="that are kept to see their memory; 0: none")
    one.add_argument("--no-instructions", action="store_true", help="go on without valgrind")
    one.add_argument("--markdown", action="store_true", help="print the table for a page")

    one = command("compare", _compare, "show two records side by side; exit 1 where the second is slower")
    one.add_argument("before", type=Path)
    one.add_argument("after", type=Path)
    one.add_argument("--threshold", type=share, default=THRESHOLD, metavar="1%%", help="of more instructions")
    one.add_argument("--anyway", action="store_true", help="judge although machine or interpreter differ")
    one.add_argument("--markdown", action="store_true", help="print the table for a page")

    one = command("plot", _plot, "draw instructions over the commits of several records")
    one.add_argument("records", type=Path, nargs="+")
    one.add_argument("--out", type=Path, required=True, metavar="PNG")

    one = command("peers", _peers, "run the codec beside other libraries, versions pinned")
    one.add_argument("--rounds", type=count, default=61)
    one.add_argument("--any-version", action="store_true", help="take the libraries that are here")
    one.add_argument("--alone", action="store_true", help="one message at a time only: no batches, no latency")
    one.add_argument("--json", type=Path, metavar="FILE", help="write all figures here, too")
    one.add_argument("--out", type=Path, metavar="PAGE", help="write a page here")
    one.add_argument("--plot", type=Path, metavar="PNG", help="draw the speeds")
    return top


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _check(given: argparse.Namespace) -> int:
    settings = check.Settings(
        base=given.base, head=given.head, threshold=given.threshold, limit=given.limit, gates=given.gates,
        names=given.only, quick=given.quick, implementation=given.implementation, rounds=given.rounds,
    )  # fmt: skip
    result = check.run(top_of(given.root), settings, say)
    if given.json:
        _write(given.json, json.dumps(result.as_dict(), indent=1) + "\n")
    print("\n".join(tables.outcome(result)))
    return 0 if result.passed else SLOWER


def _record(given: argparse.Namespace) -> int:
    taken = record.record(
        top_of(given.root), given.rev, check.selected(given.only, False), given.implementation, say,
        rounds=given.rounds, messages=given.messages, counted=not given.no_instructions,
    )  # fmt: skip
    if given.out:
        _write(given.out, taken.dump())
    print("\n".join(tables.record(taken, markdown=given.markdown)))
    return 0


def _compare(given: argparse.Namespace) -> int:
    before, after = load_record(given.before), load_record(given.after)
    found = compare.compare(before, after, given.threshold)
    print("\n".join(tables.comparison(before, after, found, markdown=given.markdown)))
    if found.differences and not given.anyway:
        raise PerfError(
            "the two were not measured under the same conditions (see above), so nothing is judged; "
            "take both on one machine with `record --rev`, or judge with --anyway"
        )
    for name in found.slower:
        print(f"slower: {name}")
    return SLOWER if found.slower else 0


def _plot(given: argparse.Namespace) -> int:
    plot.over_commits([load_record(path) for path in given.records], given.out)
    return 0


def _peers(given: argparse.Namespace) -> int:
    found = peers.run(
        top_of(given.root), say, rounds=given.rounds, any_version=given.any_version, alone=given.alone
    )  # fmt: skip
    if given.json:
        _write(given.json, json.dumps(found, indent=1) + "\n")
    if given.plot:
        title = "speed against struct+zlib, all with a checksum (logarithmic)"
        plot.beside_peers(found["rows"], ("trade build", "trade parse"), title, given.plot)
    if given.out:
        _write(given.out, peers.page(found, given.plot.name if given.plot else None))
    print("\n".join(peers.text(found)))
    return 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PerfError(f"{path}: {error.strerror or error}") from error
