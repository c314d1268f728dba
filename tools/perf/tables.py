"""Results as text, for a terminal and for a page.

Owns the columns.  Must not measure or decide anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .check import Outcome, Verdict
from .compare import Comparison
from .model import Record, change


def number(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def percent(value: float | None) -> str:
    return "" if value is None else f"{value:+.2%}"


def columns(head: Sequence[str], rows: Iterable[Sequence[str]], *, markdown: bool = False) -> list[str]:
    """Rows in columns; the first and the last to the left, numbers to the right."""
    lines = [list(head), *map(list, rows)]
    if markdown:
        ruled = [lines[0], ["---", *["---:" for _ in head[1:-1]], "---"], *lines[1:]]
        return ["| " + " | ".join(line) + " |" for line in ruled]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    last = len(head) - 1
    return [
        "  ".join(
            cell.ljust(widths[at]) if at in (0, last) else cell.rjust(widths[at]) for at, cell in enumerate(line)
        ).rstrip()
        for line in lines
    ]


def outcome(result: Outcome) -> list[str]:
    """The table of a check, and below it what failed."""
    head = ("workload", "base", "head", "change", "ratio", "")
    rows = [
        (each.name, number(each.before, 1), number(each.after, 1), percent(change(each.before, each.after)),
         " ".join(f"{ratio:.2f}" for ratio in each.ratios), _word(each))
        for each in result.verdicts
    ]  # fmt: skip
    lines = ["instructions for a message; how many times longer head takes", "", *columns(head, rows), ""]
    slower = [each for each in result.verdicts if each.slower]
    lines += [f"slower: {each.name}: {'; '.join(each.failed)}" for each in slower]
    if slower:
        lines.append(
            "Make it as fast as it was, or say in the commit's message why it is worth it, as a trailer: "
            f"`Slower: {slower[0].name}: why`."
        )
    else:
        lines.append("nothing is slower")
    return lines


def _word(each: Verdict) -> str:
    if each.accepted:
        return f"slower ({'; '.join(each.failed)}), accepted: {each.accepted}"
    return "SLOWER" if each.failed else each.note


def record(taken: Record, *, markdown: bool = False) -> list[str]:
    """The table of one record."""
    head = ("workload", "instructions", "ns", "best", "blocks kept", "")
    rows = [
        (name, number(each.instructions, 1), number(each.ns, 1), number(each.best_ns, 1), number(each.blocks, 3), "")
        for name, each in taken.figures.items()
    ]
    lines = [about(taken), "", *columns(head, rows, markdown=markdown)]
    if taken.memory:
        kept = [(name, number(size, 1), "") for name, size in taken.memory.items()]
        lines += ["", *columns(("kept a million times", "bytes a message", ""), kept, markdown=markdown)]
    lines += [f"left out: {name}: {why}" for name, why in taken.left_out.items()]
    return lines


def about(taken: Record) -> str:
    """One line: what was measured, on what."""
    load = ", ".join(f"{each:.1f}" for each in taken.machine.get("load", [])) or "unknown"
    return (
        f"{taken.commit[:10]}{' with changes' if taken.dirty else ''}, codec: {taken.implementation}; "
        f"{taken.interpreter.get('name')} {taken.interpreter.get('python')}, {taken.machine.get('processor')}, "
        f"{taken.machine.get('processors')} processors, load {load}; {taken.valgrind or 'no instructions counted'}"
    )


def comparison(before: Record, after: Record, found: Comparison, *, markdown: bool = False) -> list[str]:
    """The table of two records, and below it what keeps them from being compared."""
    head = ("workload", "instructions before", "after", "change", "ns before", "after", "blocks before", "after", "")
    rows = [
        (row.name, number(row.before.instructions, 1), number(row.after.instructions, 1), percent(row.change),
         number(row.before.ns, 1), number(row.after.ns, 1), number(row.before.blocks, 2), number(row.after.blocks, 2),
         "SLOWER" if row.slower else "")
        for row in found.rows
    ]  # fmt: skip
    lines = [f"before: {about(before)}", f"after:  {about(after)}", "", *columns(head, rows, markdown=markdown)]
    kinds = dict.fromkeys([*before.memory, *after.memory])
    if kinds:
        kept = [(kind, number(before.memory.get(kind), 1), number(after.memory.get(kind), 1), "") for kind in kinds]
        lines += [
            "",
            *columns(("kept a million times, bytes a message", "before", "after", ""), kept, markdown=markdown),
        ]
    lines.append("")
    lines += [f"differs: {each}" for each in found.differences]
    return lines
