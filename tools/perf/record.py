"""`record`: all figures of one revision, as JSON.

Owns what goes into a record and how each figure is made of what was measured.
"""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import counting, pairing
from .model import IMPORT, Figures, PerfError, Record, Tree
from .processes import ask
from .trees import checkouts
from .workloads import MEMORY, WORKLOADS

MESSAGES = 1_000_000


def machine() -> dict[str, Any]:
    """Where the figures come from."""
    load = [round(each, 1) for each in os.getloadavg()] if hasattr(os, "getloadavg") else []
    return {"processor": processor(), "processors": os.cpu_count(), "system": platform.system(), "load": load}


def processor() -> str:
    """The processor's own name, where the system tells."""
    try:
        lines: Iterable[str] = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = ()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return next((name for name in names if name and name != "unknown"), platform.machine())


def record(
    root: Path,
    revision: str | None,
    names: Sequence[str],
    implementation: str,
    say: Callable[[str], None],
    *,
    rounds: int = pairing.ROUNDS,
    messages: int = MESSAGES,
    counted: bool = True,
) -> Record:
    """Build and measure one revision, None being the working tree.  Raises PerfError."""
    if counted:
        counting.valgrind()
    say("building")
    with checkouts(root, [revision], build=implementation == "c") as (tree,):
        return measure(tree, names, implementation, say, rounds=rounds, messages=messages, counted=counted)


def measure(
    tree: Tree,
    names: Sequence[str],
    implementation: str,
    say: Callable[[str], None],
    *,
    rounds: int,
    messages: int,
    counted: bool,
) -> Record:
    about = ask(tree, "probe", names, implementation)
    able = about["able"]
    counts: dict[str, float] = {}
    if counted:
        say("counting instructions")
        counts = counting.count(tree, able, implementation)
    say("timing, and counting blocks of memory")
    times = pairing.absolute(tree, able, implementation, rounds=rounds)
    blocks = ask(tree, "blocks", able, implementation)
    sizes = {each.name: each.messages for each in WORKLOADS}
    figures = {
        name: Figures(
            counts.get(name),
            round(statistics.median(times[name]) / sizes[name], 1),
            round(min(times[name]) / sizes[name], 1),
            blocks.get(name),
        )
        for name in able
    }
    if IMPORT in counts:
        figures[IMPORT] = Figures(counts[IMPORT])
    memory, left_out = memory_of(tree, implementation, messages, say)
    return Record(
        commit=tree.commit, committed=tree.committed, dirty=tree.dirty, layout=tree.layout.name,
        implementation=about["implementation"], machine=machine(), interpreter=about["interpreter"],
        taken=datetime.now(UTC).isoformat(timespec="seconds"), valgrind=counting.version() if counted else None,
        figures=figures, memory=memory, left_out={**about["left_out"], **left_out},
    )  # fmt: skip


def memory_of(
    tree: Tree, implementation: str, messages: int, say: Callable[[str], None]
) -> tuple[dict[str, float], dict[str, str]]:
    """Bytes of memory for each of many kept messages, by kind; and why a kind is left out."""
    found, left_out = {}, {}
    if not messages:
        return {}, {}
    say(f"keeping {messages:,} messages")
    for kind in MEMORY:
        try:
            found[kind.name] = round(ask(tree, "memory", [kind.name], implementation, messages=messages), 1)
        except PerfError as error:  # a revision without that kind, or a system that does not tell its memory
            left_out[kind.name] = str(error)
    return found, left_out
