"""Gate 1: instructions, counted by callgrind.  They repeat to the digit, however busy the machine is.

Owns the counting and its arithmetic.  Must not decide what is too much.

One process under callgrind runs all workloads of a tree, each in two lengths; what is between them, divided by the
difference of the lengths, is what one more message costs, without start-up, warm-up and the loop itself.  Blind to
stalls, caches, and instructions that valgrind does not offer (AVX-512): for these there is `pairing`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .model import IMPORT, PerfError, Tree
from .processes import ask
from .workloads import EMPTY, WORKLOADS

REPEATS = 4
"""How often each workload is counted in one process, with other memory around; the least is taken."""
_MARK = "getppid"
_TOTALS = re.compile(r"^totals: (\d+)", re.MULTILINE)


def valgrind() -> str:
    """The command.  Raises PerfError."""
    found = shutil.which("valgrind")
    if found is None:
        raise PerfError(
            "valgrind is not installed, so instructions cannot be counted; install it (Debian: apt install valgrind), "
            "or use the other gate alone: --gates ratio"
        )
    return found


def version() -> str | None:
    """Of valgrind, where there is one."""
    found = shutil.which("valgrind")
    if found is None:
        return None
    done = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def count(tree: Tree, names: Sequence[str], implementation: str) -> dict[str, float]:
    """Instructions for each message, by workload; `import` is the whole of the first import.  Raises PerfError."""
    tool = valgrind()
    with tempfile.TemporaryDirectory(prefix="perf-count-") as folder:
        out = Path(folder, "counts")
        settings = ["--quiet", "--vgdb=no", f"--dump-before={_MARK}", f"--callgrind-out-file={out}"]
        prefix = [tool, "--tool=callgrind", *settings]
        segments = ask(tree, "count", names, implementation, prefix=prefix, repeats=REPEATS)
        totals = [_total(Path(f"{out}.{number}")) for number in range(1, len(segments) + 1)]
    return figures(segments, totals)


def _total(path: Path) -> int:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PerfError(f"callgrind has not written {path.name}; does this valgrind support --dump-before?") from error
    found = _TOTALS.search(text)
    if found is None:
        raise PerfError(f"callgrind has written no totals into {path.name}")
    return int(found[1])


def figures(segments: Sequence[Sequence[object] | None], totals: Sequence[int]) -> dict[str, float]:
    """What each workload costs for a message, from what was counted between the marks."""
    messages = {each.name: each.messages for each in WORKLOADS}
    counted: dict[str, list[tuple[int, int]]] = {}
    for segment, total in zip(segments, totals, strict=True):
        if segment is not None:
            name, times = segment
            counted.setdefault(str(name), []).append((int(str(times)), total))
    found = {IMPORT: float(counted.pop(IMPORT)[0][1])}
    empty = least(counted.pop(EMPTY.name))
    for name, points in counted.items():
        found[name] = (least(points) - empty) / messages[name]
    return found


def least(points: Sequence[tuple[int, int]]) -> float:
    """The smallest slope of the pairs: a short loop, a long one, and again."""
    return min(slope(points[at : at + 2]) for at in range(0, len(points), 2))


def slope(points: Sequence[tuple[int, int]]) -> float:
    """The cost of one more repeat."""
    (short, low), (long, high) = points
    return (high - low) / (long - short)


def count_all(trees: Sequence[Tree], names: Sequence[str], implementation: str) -> list[dict[str, float]]:
    """Several trees at the same time: counts do not mind."""
    valgrind()
    with ThreadPoolExecutor(len(trees)) as pool:
        return list(pool.map(lambda tree: count(tree, names, implementation), trees))
