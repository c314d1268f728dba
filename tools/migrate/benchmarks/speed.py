"""How long the stages take, and how much memory, on generated monorepos of growing size or on any folder.

    python tools/migrate/benchmarks/speed.py                                   # 1,000, 10,000 and 50,000 files
    python tools/migrate/benchmarks/speed.py --sizes 1000 4000 --svg growth.svg
    python tools/migrate/benchmarks/speed.py --folder Django-5.2/django --from django.utils --to django.core.utils

Owns the trees and the clock.  Every command runs as a user runs it, in a process of its own with its own start-up, on a
copy that is a git repository in a temporary folder; nothing is kept between the rows.  `cpu` is user and system time of
the command with all processes that it starts, `wall` is only worth something on a quiet machine, `memory` is the
largest sum over all its processes at one moment, shared pages divided among those that share them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SIZES = (1_000, 10_000, 50_000)
SHARE = 5  # in the second series, one file in so many uses the moving package
FEW = 200  # in the first series, so many files use it, however large the tree is
PLANNING = ("audit", "design", "migrate", "integrate")
_LINES = 40  # functions a generated file; about 4 kB, near the median of Django's
_MODULES = 20  # of the moving package


@dataclass(frozen=True)
class Row:
    """One command on one tree."""

    tree: str
    files: int
    users: int
    step: str
    cpu: float
    wall: float
    memory: float  # MB


# trees


def generate(root: Path, files: int, users: int) -> tuple[str, str]:
    """A monorepo of so many Python files, of which `users` import the moving package; returns the old and new name."""
    body = "".join(
        f"def step_{n}(value, other=({n}, 'text')):\n    return [value, other, {n}]\n\n\n" for n in range(_LINES)
    )
    for number in range(_MODULES):
        _write(root, f"shared/wire/part_{number}.py", f"class Part{number}:\n    size = {number}\n\n\n{body}")
    imports = "".join(f"from .part_{n} import Part{n}\n" for n in range(_MODULES))
    for path, text in {
        "shared/__init__.py": "",
        "shared/wire/__init__.py": imports,
        "shared/base/__init__.py": "",
    }.items():
        _write(root, path, text)
    rest = max(files - _MODULES - 3, 1)
    every = max(rest // users, 1) if users else rest + 1
    for number in range(rest):
        head = "import json\nfrom os import path\n\n"
        part = number % _MODULES
        if number % every == 0 and number // every < users:
            head += f"import shared.wire\nfrom shared.wire.part_{part} import Part{part}\n\n"
            head += f"KIND = 'shared.wire.part_{part}'\n\n"
            head += f"def kind():\n    return shared.wire.Part{part}, Part{part}\n\n"
        folder = f"apps/app_{number // 100}"
        if number % 100 == 0:
            _write(root, f"{folder}/__init__.py", "")
        _write(root, f"{folder}/module_{number}.py", head + body)
    return "shared.wire", "shared.base.cable"


def _write(root: Path, path: str, text: str) -> None:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")


def repository(root: Path) -> None:
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "-A", "-f", "."],
        ["commit", "-q", "--no-verify", "-m", "base"],
    ):
        _git(root, *command)


def _git(root: Path, *arguments: str) -> None:
    who = ["-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(root), *who, *arguments], check=True, stdout=subprocess.DEVNULL)


# the clock


class _Watch(threading.Thread):
    """Adds up the memory of a process and of those below it, again and again; `peak` is in MB."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.peak, self.over = pid, 0.0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.05):
            self.peak = max(self.peak, sum(_shared_size(pid) for pid in _family(self.pid)) / 1024)


def _family(pid: int) -> Iterator[int]:
    yield pid
    found: list[str] = []
    with contextlib.suppress(OSError):  # it may end meanwhile
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            found += children.read_text().split()
    for child in found:
        yield from _family(int(child))


def _shared_size(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def measure(root: Path, plan: Path, arguments: Sequence[str], jobs: int) -> tuple[float, float, float]:
    """(cpu seconds, wall seconds, MB) of one command.  Raises RuntimeError if it fails."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(plan.parent / "bytecode")}
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{role}_NAME": "bench", f"GIT_{role}_EMAIL": "bench@example.org"}
    command = [sys.executable, "-m", "tools.migrate", *arguments, "--root", str(root), "--plan", str(plan), "-q"]
    command += ["--jobs", str(jobs)]
    start = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
        watch = _Watch(process.pid)
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.over.set()
        watch.join()
        if process.returncode not in (0, 1):
            output.seek(0)
            raise RuntimeError(f"{' '.join(arguments)}: {output.read().decode(errors='replace')[-2000:]}")
    return usage.ru_utime + usage.ru_stime, wall, max(watch.peak, usage.ru_maxrss / 1024 if not watch.peak else 0)


def run(name: str, root: Path, plan: Path, users: int, jobs: int) -> Iterator[Row]:
    """All steps on one repository, one row each."""
    files = sum(1 for _ in root.rglob("*.py"))
    measure(root, plan, ["--version"], jobs)  # an installed tool has its bytecode
    changed = min(p for p in root.rglob("*.py") if p.stat().st_size > 500)
    steps: list[tuple[str, list[str]]] = [("audit", ["--stage", "audit"]), ("design", ["--stage", "design"])]
    steps += [
        ("one file is changed", []),
        ("audit again", ["--stage", "audit"]),
        ("design again", ["--stage", "design"]),
    ]
    steps += [
        ("migrate", ["--stage", "migrate"]),
        ("integrate", ["--stage", "integrate"]),
        ("check-shims", ["check-shims"]),
    ]
    for step, arguments in steps:
        if not arguments:
            with changed.open("a", encoding="utf-8") as file:
                file.write("\n# one more line\n")
            _git(root, "commit", "-qam", "one file")
            continue
        yield Row(name, files, users, step, *measure(root, plan, arguments, jobs))


# output


def table(rows: Sequence[Row]) -> str:
    """A Markdown table: one line a tree, cpu and wall seconds of each step."""
    steps = list(dict.fromkeys(row.step for row in rows))
    head = ["tree", "files", "with references", "stages 1 to 4", *steps, "memory, MB"]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for name in dict.fromkeys(row.tree for row in rows):
        own = {row.step: row for row in rows if row.tree == name}
        first = next(iter(own.values()))
        total = [own[step] for step in PLANNING if step in own]
        cells = [name, f"{first.files:,}", f"{first.users:,}" if first.users >= 0 else ""]
        cells.append(f"{sum(r.cpu for r in total):.1f} ({sum(r.wall for r in total):.1f})")
        cells += [f"{own[s].cpu:.2f} ({own[s].wall:.2f})" if s in own else "" for s in steps]
        cells.append(f"{max(r.memory for r in own.values()):.0f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def svg(rows: Sequence[Row]) -> str:
    """Cpu seconds of stages 1 to 4 against files, one line for each series, on straight axes."""
    series: dict[str, list[tuple[int, float]]] = {}
    for name in dict.fromkeys(row.tree for row in rows):
        own = [row for row in rows if row.tree == name]
        total = sum(row.cpu for row in own if row.step in PLANNING)
        series.setdefault(name.partition(",")[0], []).append((own[0].files, total))
    widest = max(files for points in series.values() for files, _ in points)
    highest = max(seconds for points in series.values() for _, seconds in points)
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="640" height="360" font-family="sans-serif" font-size="12">']
    out.append('<path d="M60 20V310H620" fill="none" stroke="currentColor"/>')
    for number, (name, points) in enumerate(series.items()):
        places = [(60 + 540 * files / widest, 310 - 280 * seconds / highest) for files, seconds in sorted(points)]
        line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        out.append(
            f'<path d="{line}" fill="none" stroke="currentColor" stroke-dasharray="{"6 3" if number else "none"}"/>'
        )
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="currentColor"/>' for x, y in places]
        x, y = places[-1]
        out.append(f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="end">{name}</text>')
    out.append(f'<text x="620" y="330" text-anchor="end">{widest:,} files</text>')
    out.append(f'<text x="8" y="24">{highest:.0f} s</text></svg>')
    return "\n".join(out) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Time and memory of the stages, without gates.")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="files of the generated trees")
    parser.add_argument("--folder", type=Path, help="a folder with code instead; it is copied")
    parser.add_argument("--from", dest="source", default="", help="dotted name that moves in --folder")
    parser.add_argument("--to", dest="target", default="", help="where it moves")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--svg", type=Path, help="write a plot of the growth")
    parser.add_argument("--json", type=Path, help="write all rows")
    options = parser.parse_args(arguments)
    if options.folder and not (options.source and options.target):
        parser.error("--folder needs --from and --to")
    trees = [(f"few users, {n:,}", n, min(FEW, n // 10)) for n in options.sizes]
    trees += [(f"one in {SHARE}, {n:,}", n, n // SHARE) for n in options.sizes]
    rows: list[Row] = []
    for name, files, users in [(options.folder.name, 0, -1)] if options.folder else trees:
        with tempfile.TemporaryDirectory(prefix="migrate-speed-") as scratch:
            root, plan = Path(scratch) / "tree", Path(scratch) / "plan.toml"
            if options.folder:
                inside = root / options.folder.name if (options.folder / "__init__.py").exists() else root
                shutil.copytree(options.folder, inside, symlinks=True, ignore=shutil.ignore_patterns(".git"))
                source, target = options.source, options.target
            else:
                source, target = generate(root, files, users)
            repository(root)
            plan.write_text(f'[migration]\nname = "speed"\n[[move]]\nfrom = "{source}"\nto = "{target}"\n')
            for row in run(name, root, plan, users, options.jobs):
                rows.append(row)
                print(
                    f"{row.tree}: {row.step}: {row.cpu:.2f} s cpu, {row.wall:.2f} s, {row.memory:.0f} MB",
                    file=sys.stderr,
                )
    print(table(rows), end="")
    print(f"\nload {', '.join(f'{n:.1f}' for n in os.getloadavg())}; {options.jobs} processes", file=sys.stderr)
    if options.svg:
        options.svg.write_text(svg(rows), encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
