"""Published projects, moved through all six stages with their own suites as gates: `tests/real/*.toml`, one file each.

    python -m tools.migrate.tests.realprojects werkzeug kombu     # a row of docs/real-projects.md for each
    python -m tools.migrate.tests.realprojects --keep DIR NAME    # leaves the checkout to be looked at

A file says what is fetched, with what it is tested, the plan file, and which imports must go on working:

    name, version, style   the columns of the table
    source                 a distribution of the package index, or github:OWNER/NAME@COMMIT (see `--clones`)
    install                what the suite needs; `editable` are the folders that are installed without dependencies
    plan                   the whole plan file
    imports                lines that use an old name; each must warn at its own line until stage 5, and fail after 6;
                           where a name only goes to another source root, each must work throughout, without a warning
    by_hand                a command after stage 4: what a person does with places that were listed, committed
    left                   patterns of lines that may keep an old name, each with its reason as key

This module owns no judgement of a single rule.  It knows the tool by its command line only, and looks at the outcome
with git, with the project's suite and with interpreters that import old names.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("real")
HERE = Path(__file__).resolve().parents[3]
_STATE = ("GIT_", "PYTEST_", "PYTHON", "COV_")


class CannotBeHad(Exception):
    """The project or what it needs is not to be had here: no index, no clone."""


class Wrong(Exception):
    """A stage ended otherwise than it has to, or the outcome is not what it has to be."""


@dataclass(frozen=True)
class Project:
    name: str
    version: str
    style: str
    source: str
    plan: str
    imports: tuple[str, ...]
    install: tuple[str, ...] = ()
    editable: tuple[str, ...] = (".",)
    left: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    by_hand: str = ""  # a command after stage 4, for places that were listed
    prepare: str = ""  # a command in the fresh checkout, before its first commit

    @property
    def moves(self) -> dict[str, str]:
        """Old name -> new name; of what keeps its name, the new folder."""
        moves = tomllib.loads(self.plan)["move"]
        return {m["from"]: m["to-path"] if m["from"] == m["to"] else m["to"] for m in moves}

    @property
    def keeps_names(self) -> bool:
        return all(m["from"] == m["to"] for m in tomllib.loads(self.plan)["move"])


@dataclass
class Row:
    """What one run showed.  `seconds` is the tool's own time, without the suite's."""

    project: Project
    moved: int = 0
    edits: int = 0
    listed: int = 0
    seconds: float = 0.0
    passed: dict[int, str] = field(default_factory=dict)  # by stage: what pytest counted
    left: int = 0  # lines with an old name that are left, all of them listed or named in `left`

    def markdown(self) -> str:
        p = self.project
        moves = "; ".join(f"`{old}` to `{new}`" for old, new in p.moves.items())
        before, after = self.passed[1], sorted({self.passed[n] for n in (3, 4, 6)})
        cells = [
            f"{p.name} {p.version}", p.style, moves, self.moved, self.edits, self.listed, self.left,
            f"{self.seconds:.0f}", before, "the same" if after == [before] else " / ".join(after),
        ]  # fmt: skip
        return f"| {' | '.join(map(str, cells))} |"


def load(name: str) -> Project:
    table = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    for key in ("install", "editable", "imports"):
        if key in table:
            table[key] = tuple(table[key])
    return Project(**table)


def call(*command: str | Path, cwd: Path, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(_STATE)} | more
    done = subprocess.run(
        [str(c) for c in command], cwd=cwd, env=env, capture_output=True, text=True, check=False, errors="replace"
    )
    if check and done.returncode:
        raise Wrong(
            f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        )
    return done


class Checkout:
    """The project as a git repository of one commit, with an environment of its own."""

    def __init__(self, project: Project, folder: Path, clones: Path | None = None) -> None:
        self.project, self.folder, self.root = project, folder, folder / "checkout"
        self.python = folder / "venv" / "bin" / "python"
        self.plan = folder / "plan.toml"
        self.plan.write_text(project.plan)
        self._fetch(clones)
        for item in ("init -q -b main", "config user.name Tester", "config user.email tester@example.org"):
            self.git(*item.split())
        if project.prepare:
            call("sh", "-c", project.prepare, cwd=self.root)
        self.git("add", "-A", "-f")
        self.git("commit", "-q", "-m", f"{project.name} {project.version}")
        self._install()
        if self.git("status", "--porcelain", "--untracked-files=no"):  # a build that makes catalogues anew, say
            self.git("commit", "-q", "-a", "--amend", "--no-edit")
        self.first = self.git("rev-parse", "HEAD").strip()
        self._leftovers = self.git("status", "--porcelain")

    def _install(self) -> None:
        for place in self.project.editable:
            self._pip("install", "--no-deps", "--no-build-isolation", "-e", place, cwd=self.root)

    def _pip(self, *arguments: str, cwd: Path | None = None) -> None:
        pip: list[str | Path] = [self.python, "-m", "pip", "--disable-pip-version-check", "-q"]
        done = call(*pip, *arguments, cwd=cwd or self.folder, check=False, **self.project.environ)
        if done.returncode:
            said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if "rror" in line] or [
                "no output"
            ]
            raise CannotBeHad(f"{self.project.name} {self.project.version}: pip {arguments[0]}: {said[0]}")

    def _fetch(self, clones: Path | None) -> None:
        if not self.python.exists():  # one that `--keep` left serves again
            call(sys.executable, "-m", "venv", "venv", cwd=self.folder)
            self._pip("install", *self.project.install)
        source, project = self.project.source, self.project
        if source.startswith("github:"):
            repository, _, commit = source.removeprefix("github:").partition("@")
            origin = clones / repository if clones else f"https://github.com/{repository}"
            done = call("git", "clone", "-q", "--no-checkout", str(origin), "clone", cwd=self.folder, check=False)
            if done.returncode:
                raise CannotBeHad(f"{repository}: {done.stderr.strip()}")
            self.root.mkdir()
            call("sh", "-c", f"git -C clone archive {commit} | tar x -C checkout", cwd=self.folder)
            return
        if not list(self.folder.glob("*.tar.gz")):
            self._pip("download", "--no-deps", "--no-binary", source, f"{source}=={project.version}")
        (archive,) = self.folder.glob("*.tar.gz")
        with tarfile.open(archive) as opened:
            opened.extractall(self.folder / "unpacked", filter="data")
        (unpacked,) = (self.folder / "unpacked").iterdir()
        unpacked.rename(self.root)

    def git(self, *arguments: str) -> str:
        return call("git", *arguments, cwd=self.root).stdout

    def tool(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        path = f"{self.python.parent}{os.pathsep}{os.environ['PATH']}"
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "tools.migrate",
            *arguments,
            "--json",
            "--root",
            self.root,
            "--plan",
            self.plan,
        ]
        done = call(*command, cwd=HERE, check=False, **{**self.project.environ, "PATH": path, "PYTHONPATH": str(HERE)})
        if done.returncode != code:
            raise Wrong(
                f"migrate {' '.join(arguments)}: exit {done.returncode}\n{done.stdout[-6000:]}{done.stderr[-3000:]}"
            )
        return dict(json.loads(done.stdout))

    def run(self) -> Row:
        """All stages, and what has to hold between them.  Raises Wrong."""
        row = Row(self.project)
        before = self._caller("-W", "ignore")
        _need(before.returncode == 0, f"the old names do not work before the move: {before.stderr}")
        listed: list[dict[str, Any]] = []
        for stage in range(1, 7):
            (outcome,) = self.tool("--stage", str(stage))["stages"]
            _need(outcome["state"] == "done", f"stage {stage}: {outcome['state']}: {outcome['message']}")
            self._count(row, stage, outcome)
            if stage <= 2:
                listed += [f for f in outcome["findings"] if f not in listed]
            now = self.git("status", "--porcelain")
            if stage == 1 and all(line.startswith("?? ") for line in now.splitlines()):
                self._leftovers = now  # what the suite itself leaves behind
            _need(now == self._leftovers, f"stage {stage} leaves changes:\n{now}")
            if 3 <= stage <= 5:
                self._old_names_warn(stage)
            if stage == 4 and self.project.by_hand:
                call("sh", "-c", self.project.by_hand, cwd=self.root)
                self.git("commit", "-q", "-a", "-m", "Mend what was listed")
                self.tool("--stage", "2")
        row.listed = len(listed)
        row.left = self._nothing_old_is_left(listed)
        self._old_names_are_gone()
        self._history(row)
        self.tool("check-shims")
        return row

    def _count(self, row: Row, stage: int, outcome: dict[str, Any]) -> None:
        if stage >= 3:
            row.moved += outcome["moved"]
            row.edits += outcome["edits"]
        row.seconds += outcome["seconds"]
        for gate in outcome["gates"] if stage >= 3 else ():
            _need(not gate["broken"] and not gate["missing"] and not gate.get("reason"), f"stage {stage}: {gate}")
        if stage == 2:
            return
        total: Counter[str] = Counter()
        for folder in (self.root / ".git" / "migrate").glob("*/gates/[0-9]*"):
            log = max(folder.glob("*/log.txt"), key=lambda p: p.stat().st_mtime)
            counted, seconds = summary_of(log.read_text(errors="replace"))
            _need(bool(counted), f"stage {stage}: the suite did not run:\n{log.read_text(errors='replace')[-2000:]}")
            row.seconds -= seconds
            total.update(counted)
        words = ("passed", "failed", "skipped", "xfailed", "xpassed", "errors", "error")
        row.passed[stage] = ", ".join(f"{total[w]} {w}" for w in words if total[w])

    def _caller(self, *flags: str) -> subprocess.CompletedProcess[str]:
        caller = self.folder / "caller.py"
        caller.write_text("".join(f"{line}\n" for line in self.project.imports))
        return call(self.python, "-B", *flags, caller, cwd=self.folder, check=False)

    def _old_names_warn(self, stage: int) -> None:
        if self.project.keeps_names:
            self._install()  # as everybody has to who works in a checkout
            done = self._caller("-W", "error")
            _need(done.returncode == 0, f"stage {stage}: an import fails or warns: {done.stderr[-2000:]}")
            return
        done = self._caller("-W", "always::DeprecationWarning")
        _need(done.returncode == 0, f"stage {stage}: an old name is gone: {done.stderr[-2000:]}")
        warned = re.findall(r"caller\.py:(\d+): DeprecationWarning: \S+ has moved to", done.stderr)
        missing = set(range(1, len(self.project.imports) + 1)) - set(map(int, warned))
        _need(not missing, f"stage {stage}: no warning at the lines {sorted(missing)} of the caller: {done.stderr}")

    def _old_names_are_gone(self) -> None:
        if self.project.keeps_names:
            self._old_names_warn(6)
            return
        for line in self.project.imports:
            done = call(self.python, "-B", "-c", line, cwd=self.folder, check=False)
            _need(done.returncode == 1, f"after stage 6 this still works: {line}")
            _need("ModuleNotFoundError" in done.stderr or "ImportError" in done.stderr, done.stderr)

    def _nothing_old_is_left(self, listed: Sequence[dict[str, Any]]) -> int:
        """Each line that still has an old name was listed for a person; the number of these lines."""
        known: set[tuple[str, int]] = {(f["path"], f["line"]) for f in listed}
        renamed = self._renamed()
        texts: dict[str, list[str]] = {}
        allowed: set[tuple[str | None, str]] = set()
        for path, line in known:
            if path not in texts:
                shown = call("git", "show", f"{self.first}:{path}", cwd=self.root, check=False).stdout
                texts[path] = shown.splitlines()
            if line and line <= len(texts[path]):
                allowed.add((renamed.get(path, path), texts[path][line - 1]))
        for path, line in known:
            allowed.add((renamed.get(path, path), str(line)))
        whole = {renamed.get(f["path"], f["path"]) for f in listed if f["rule"].startswith("file.")}
        others = re.compile("|".join(self.project.left.values()) or r"(?!)")
        pattern = "|".join(_pattern(old) for old in self.project.moves)
        if self.project.keeps_names:  # only paths are old
            pattern = "|".join(rf"(?<![\w/.-]){re.escape(old)}/\w" for old in self.project.moves)
        places = [".", ":!migration.lock", ":!.git-blame-ignore-revs"]
        found = call("git", "grep", "-nIP", pattern, "--", *places, cwd=self.root, check=False).stdout.splitlines()
        rows = [row.split(":", 2) for row in found]
        lost = [
            f"{path}:{line}: {text}" for path, line, text in rows
            if not {(path, text), (path, line)} & allowed and path not in whole and not others.search(f"{path}: {text}")
        ]  # fmt: skip
        _need(not lost, "old names are left and were not listed:\n" + "\n".join(lost))
        return len(rows)

    def _renamed(self) -> dict[str, str]:
        """Old path to new path, of the commit that moves; pure renames all but empty files, which git can't tell."""
        (commit,) = self.git("log", "--format=%H", "--grep", "^Move ", f"{self.first}..HEAD").split()
        rows = [r.split("\t") for r in self.git("show", "--format=", "--name-status", "-M100%", commit).splitlines()]
        empty = self.git("hash-object", "-t", "blob", os.devnull).strip()
        blobs = self.git("ls-tree", "-r", self.first).splitlines() + self.git("ls-tree", "-r", commit).splitlines()
        empties = {line.partition("\t")[2] for line in blobs if empty in line}
        wrong = [r for r in rows if r[0] != "R100" and r[-1] not in empties]
        _need(not wrong, f"not moved by a pure rename: {wrong}")
        return {r[1]: r[2] for r in rows if r[0] == "R100"}

    def _history(self, row: Row) -> None:
        moved = self._renamed()
        for new in sorted(moved.values(), key=lambda p: -(self.root / p).stat().st_size)[:5]:
            log = self.git("log", "--follow", "--format=%H", "--", new).split()
            _need(bool(log) and log[-1] == self.first, f"the history of {new} ends at the move")


def summary_of(log: str) -> tuple[Counter[str], float]:
    """How many tests ended how, and the seconds of it, as the last pytest or unittest of a log says; nothing else."""
    found = re.findall(r"^=*[ ]*(\d+ \w+(?:, \d+ \w+)*)[^\n]* in ([\d.]+)s", log, re.M)
    if found:
        text, seconds = found[-1]
        return Counter({word: int(number) for number, word in re.findall(r"(\d+) (\w+)", text)}), float(seconds)
    blocks = re.findall(r"^Ran (\d+) tests? in ([\d.]+)s\n+(?:OK|FAILED)(?: \((.*)\))?$", log, re.M)
    if not blocks:
        return Counter(), 0.0
    ran, seconds, others = blocks[-1]
    names = {"failures": "failed", "expected failures": "xfailed", "unexpected successes": "xpassed"}
    pairs: list[tuple[str, str]] = re.findall(r"(\w[\w ]*)=(\d+)", others)
    counted: Counter[str] = Counter({names.get(word, word): int(n) for word, n in pairs})
    counted["passed"] = int(ran) - counted.total()
    return counted, float(seconds)


def _pattern(old: str) -> str:
    """Where an old name would be seen: anywhere, or for one word, which may be any word, imports and quoted names.

    `import new.place as old` and `from new import old` leave uses of the word as they are.
    """
    name = re.escape(old)
    if "." in old:
        return rf"(?<![\w.]){name}(?!\w)"
    behind = r"\.(?!com|org|io|py\b|toml|ini|readthedocs|git\b|egg\b|egg-info|dist-info)[a-z_]\w*"
    return rf"""^\s*(?:import|from)\s+{name}\b(?!\s*=)|["'`~]{name}{behind}"""


def _need(true: bool, what: str) -> None:
    if not true:
        raise Wrong(what)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="moves published projects and prints a row of the table for each")
    parser.add_argument("names", nargs="*", help="files of tests/real without .toml; all of them if none is named")
    parser.add_argument("--keep", type=Path, help="a folder in which the checkouts and environments stay")
    parser.add_argument("--clones", type=Path, help="a folder with clones at OWNER/NAME, in the place of GitHub")
    options = parser.parse_args(arguments)
    failed = 0
    for name in options.names or sorted(p.stem for p in FOLDER.glob("*.toml")):
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as temporary:
            folder = (options.keep or Path(temporary)).resolve() / name
            folder.mkdir(parents=True, exist_ok=True)
            for old in ("checkout", "unpacked", "clone"):
                shutil.rmtree(folder / old, ignore_errors=True)
            try:
                print(Checkout(load(name), folder, options.clones).run().markdown(), flush=True)
            except (CannotBeHad, Wrong) as error:
                failed += 1
                print(f"{name}: {type(error).__name__}: {error}", flush=True)
        print(f"{name}: {time.perf_counter() - start:.0f} s in all", file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
