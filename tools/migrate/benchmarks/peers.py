"""Other tools on the same move, each on a fresh copy of the tree, timed like the commands of the migration tool.

    pip install -r tools/migrate/benchmarks/requirements.txt
    python tools/migrate/benchmarks/speed.py --peers --folder Django/django --from django.utils --to django.core.utils

None of them plans, keeps the old names working, can be undone as a whole or resumed; what is timed is one run that
rewrites, and for rope and the language servers moves.  ty and basedpyright have no edits for a move to another package:
they are timed on the folder renamed in place, which is less.
`changed` are files with changed lines, `left` are lines of Python in which the old dotted name still stands (one in a
comment counts, `from django import utils` does not).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.migrate.benchmarks.clock import Cost, Failed, measure

HERE = Path(__file__).resolve().parent
TIMEOUT = 900.0  # seconds for one peer
# rope cannot lay its tree over the quotes of this file, and one such file ends its whole run.
UNREADABLE = {"rope": ("db/migrations/questioner.py",)}

_RULE = """\
id: move
language: python
severity: hint
message: moved
rule:
  all:
    - pattern: $NAME
    - any: [{{kind: dotted_name}}, {{kind: attribute}}]
    - regex: '^{pattern}(\\.|$)'
transform:
  MOVED: {{replace: {{source: $NAME, replace: '^{pattern}', by: '{new}'}}}}
fix: $MOVED
"""


NOTHING = Cost(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Job:
    """One move in one checkout: dotted names, and folders relative to the checkout."""

    root: Path
    old: str
    new: str
    scratch: Path

    @property
    def source(self) -> str:
        return self.old.replace(".", "/")

    @property
    def target(self) -> str:
        return self.new.replace(".", "/")


@dataclass(frozen=True)
class Result:
    """What one peer took and did.  `failed` says why there is nothing more to tell."""

    peer: str
    cost: Cost = NOTHING
    changed: int = 0
    left: int = 0
    failed: str = ""


def _text(job: Job) -> list[str]:
    word = rf"\b{re.escape(job.old)}\b"
    return ["sh", "-c", 'git grep -lzwF "$1" | xargs -0 sed -i "s/$2/$3/g"', "sh", job.old, word, job.new]


def _ast_grep(job: Job) -> list[str]:
    rule = job.scratch / "rule.yml"
    rule.write_text(_RULE.format(pattern=re.escape(job.old), new=job.new), encoding="utf-8")
    return [_program("ast-grep"), "scan", "--rule", str(rule), "-U", "."]


def _libcst(job: Job) -> list[str]:
    options = ["--no-format", "--hide-progress", "rename.RenameCommand"]
    names = [f"--old_name={job.old}", f"--new_name={job.new}"]
    return [sys.executable, "-m", "libcst.tool", "codemod", *options, *names, "."]


def _rope(job: Job) -> list[str]:
    left_out = [str(p.relative_to(job.root)) for name in UNREADABLE["rope"] for p in job.root.rglob(name)]
    folder = job.target.rpartition("/")[0]
    return [sys.executable, str(HERE / "ropemove.py"), str(job.root), job.source, folder, *left_out]


def _server(*command: str, in_place: bool = False) -> Callable[[Job], list[str]]:
    def line(job: Job) -> list[str]:
        target = f"{job.source}_renamed" if in_place else job.target
        ask = [sys.executable, str(HERE / "editor.py"), str(job.root), job.source, target, "--"]
        return [*ask, _program(command[0]), *command[1:]]

    return line


PEERS: dict[str, Callable[[Job], list[str]]] = {
    "replacing text (git grep, sed)": _text,
    "ast-grep": _ast_grep,
    "libcst RenameCommand": _libcst,
    "rope MoveModule": _rope,
    "pyrefly": _server("pyrefly", "lsp"),
    "ty, renamed in place": _server("ty", "server", in_place=True),
    "basedpyright, renamed in place": _server("basedpyright-langserver", "--stdio", in_place=True),
}


def _program(name: str) -> str:
    """The program of this environment, or one on the path.  Raises Failed."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        raise Failed(f"{name} is not installed")
    return found


def run(name: str, job: Job) -> Result:
    """One peer on a checkout of its own."""
    try:
        codes = (0, 1) if name.startswith("libcst") else (0,)  # 1: there are files that it could not read
        cost = measure(PEERS[name](job), cwd=job.root, codes=codes, timeout=TIMEOUT)
    except Failed as error:
        return Result(name, failed=str(error))
    return Result(name, cost, *outcome(job.root, job.old, "HEAD"))


def outcome(root: Path, old: str, base: str) -> tuple[int, int]:
    """(files with changed lines since `base`, lines of Python that still have the old name), untracked files too."""
    _git(root, "add", "-A")
    lines = _git(root, "diff", "--cached", "--numstat", "-M", base).splitlines()
    changed = sum(1 for line in lines if not line.startswith(("0\t0\t", "-\t-\t")))
    word = rf"(?<![\w.]){re.escape(old)}(?!\w)"
    return changed, len(_git(root, "grep", "--cached", "-IP", word, "--", "*.py").splitlines())


def first_commit(root: Path) -> str:
    """The tree before anything was done to it."""
    return _git(root, "rev-list", "--max-parents=0", "HEAD").strip()


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, errors="replace")
    if done.returncode not in (0, 1):
        raise Failed(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def table(results: Sequence[Result]) -> Iterator[str]:
    """Lines of a Markdown table."""
    yield "| tool | cpu, s | wall, s | memory, MB | files changed | lines with the old name left |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for each in results:
        if each.failed:
            yield f"| {each.peer} | {each.failed.splitlines()[0]} | | | | |"
        else:
            cost = f"{each.cost.cpu:.1f} | {each.cost.wall:.1f} | {each.cost.memory:.0f}"
            yield f"| {each.peer} | {cost} | {each.changed:,} | {each.left:,} |"
