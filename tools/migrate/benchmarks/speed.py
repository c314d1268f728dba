"""How long the stages take, and how much memory, on generated monorepos of growing size or on any folder.

    python tools/migrate/benchmarks/speed.py --plot growth.png                 # 1,000, 10,000 and 50,000 files
    python tools/migrate/benchmarks/speed.py --sizes 1000 4000
    python tools/migrate/benchmarks/speed.py --peers --folder Django/django --from django.utils --to django.core.utils

Owns the trees and the order of the commands.  Every command runs as a user runs it, in a process of its own with its
own start-up, on a copy that is a git repository in a temporary folder; nothing is kept between the rows.  What `cpu`,
`wall` and `memory` are is in `clock`; `wall` is only worth something on a quiet machine.  Other tools are in `peers`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

if __name__ == "__main__":  # run from anywhere, like the other programs beside it
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tools.migrate.benchmarks import growth, peers
from tools.migrate.benchmarks.clock import Cost, measure

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


def measured(root: Path, plan: Path, arguments: Sequence[str], jobs: int) -> Cost:
    """What one command of the tool takes.  Raises Failed."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(plan.parent / "bytecode")}
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{role}_NAME": "bench", f"GIT_{role}_EMAIL": "bench@example.org"}
    command = [sys.executable, "-m", "tools.migrate", *arguments, "--root", str(root), "--plan", str(plan), "-q"]
    return measure([*command, "--jobs", str(jobs)], cwd=ROOT, environment=environment)


def run(name: str, root: Path, plan: Path, users: int, jobs: int) -> Iterator[Row]:
    """All steps on one repository, one row each."""
    files = sum(1 for _ in root.rglob("*.py"))
    measured(root, plan, ["--version"], jobs)  # an installed tool has its bytecode
    large = sorted(p for p in root.rglob("*.py") if p.stat().st_size > 500)
    # Planned again after a commit: to a file that no moving module imports, and to one that may be imported by all.
    steps: list[tuple[str, list[str], Path | None]] = [
        ("audit", ["--stage", "audit"], None),
        ("design", ["--stage", "design"], None),
        ("again", ["--stage", "design"], large[-1]),
        ("again, imported", ["--stage", "design"], large[0]),
        ("migrate", ["--stage", "migrate"], None),
        ("integrate", ["--stage", "integrate"], None),
        ("check-shims", ["check-shims"], None),
    ]
    for step, arguments, changed in steps:
        if changed is not None:
            with changed.open("a", encoding="utf-8") as file:
                file.write("\n# one more line\n")
            _git(root, "commit", "-qam", "one file")
        yield Row(name, files, users, step, *measured(root, plan, arguments, jobs))


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


def totals(rows: Sequence[Row]) -> list[growth.Point]:
    """One point for each tree."""
    out = []
    for name in dict.fromkeys(row.tree for row in rows):
        own = [row for row in rows if row.tree == name]
        cpu = sum(row.cpu for row in own if row.step in PLANNING)
        memory = max(row.memory for row in own)
        out.append(growth.Point(name.partition(",")[0], own[0].files, max(own[0].users, 0), cpu, memory))
    return out


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time and memory of the stages, without gates.")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="files of the generated trees")
    parser.add_argument("--folder", type=Path, help="a folder with code instead; it is copied")
    parser.add_argument("--from", dest="source", default="", help="dotted name that moves in --folder")
    parser.add_argument("--to", dest="target", default="", help="where it moves")
    parser.add_argument("--pad", type=int, default=0, metavar="FILES", help="add generated files beside --folder")
    parser.add_argument("--peers", action="store_true", help="time other tools on --folder as well (peers.py)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--plot", type=Path, help="draw the growth (.png or .svg; needs matplotlib)")
    parser.add_argument("--json", type=Path, help="write all rows")
    options = parser.parse_args(arguments)
    if options.folder and not (options.source and options.target):
        parser.error("--folder needs --from and --to")
    if (options.pad or options.peers) and not options.folder:
        parser.error("--pad and --peers need --folder")
    if options.peers and options.source.split(".")[-1] != options.target.split(".")[-1]:
        parser.error("--peers needs a move that keeps the last name, for rope's MoveModule can do no other")
    return options


def planted(root: Path, options: argparse.Namespace, files: int, users: int) -> tuple[str, str]:
    """Make the tree a repository at `root`; returns the name that moves, and where to."""
    if not options.folder:
        names = generate(root, files, users)
    else:
        names = options.source, options.target
        if options.pad:
            generate(root / "padding", options.pad, 0)
        inside = root / options.folder.name if (options.folder / "__init__.py").exists() else root
        ignored = shutil.ignore_patterns(".git")
        shutil.copytree(options.folder, inside, symlinks=True, ignore=ignored, dirs_exist_ok=True)
    repository(root)
    return names


def beside(rows: Sequence[Row], own: tuple[int, int], options: argparse.Namespace) -> Iterator[peers.Result]:
    """Our stages 1 to 4 as one row, then each peer."""
    stages = [row for row in rows if row.step in PLANNING]
    memory = max(row.memory for row in stages)
    cost = Cost(sum(row.cpu for row in stages), sum(row.wall for row in stages), memory)
    yield peers.Result("migrate, stages 1 to 4", cost, *own)
    for name in peers.PEERS:
        with tempfile.TemporaryDirectory(prefix="migrate-peers-") as scratch:
            root = Path(scratch) / "tree"
            old, new = planted(root, options, 0, 0)
            found = peers.run(name, peers.Job(root, old, new, Path(scratch)))
            print(f"{name}: {found.failed or f'{found.cost.wall:.1f} s'}", file=sys.stderr)
            yield found


def main(arguments: Sequence[str] | None = None) -> int:
    options = parsed(arguments)
    trees = [(f"few users, {n:,}", n, min(FEW, n // 10)) for n in options.sizes]
    trees += [(f"one in {SHARE}, {n:,}", n, n // SHARE) for n in options.sizes]
    rows: list[Row] = []
    results: list[peers.Result] = []
    for name, files, users in [(options.folder.name, 0, -1)] if options.folder else trees:
        with tempfile.TemporaryDirectory(prefix="migrate-speed-") as scratch:
            root, plan = Path(scratch) / "tree", Path(scratch) / "plan.toml"
            source, target = planted(root, options, files, users)
            plan.write_text(f'[migration]\nname = "speed"\n[[move]]\nfrom = "{source}"\nto = "{target}"\n')
            for row in run(name, root, plan, users, options.jobs):
                rows.append(row)
                print(
                    f"{row.tree}: {row.step}: {row.cpu:.2f} s cpu, {row.wall:.2f} s, {row.memory:.0f} MB",
                    file=sys.stderr,
                )
            own = peers.outcome(root, source, peers.first_commit(root)) if options.peers else (0, 0)
        if options.peers:
            results += beside(rows, own, options)
    print(table(rows), end="")
    if results:
        print("", *peers.table(results), sep="\n")
    load = f"load {', '.join(f'{n:.1f}' for n in os.getloadavg())}; {options.jobs} processes"
    print(f"\n{load}", file=sys.stderr)
    if options.plot:
        growth.draw(totals(rows), f"CPython {sys.version.split()[0]}, {load}", options.plot)
    if options.json:
        found = {"rows": [asdict(row) for row in rows], "peers": [asdict(each) for each in results]}
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
