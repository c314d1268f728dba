"""Runs the plan's gate commands and tells "broken by me" from "already broken".

Owns: how a gate is started (interpreter, environment, process group, log), how its outcome is read, and how two runs
are compared.  It must not know what a stage did between the two runs: file moves come in as a function on test ids.

A gate is any shell command.  Whatever pytest it ends up running (directly, by make, tox or a script) is asked through
PYTEST_ADDOPTS for a JUnit report; each report is moved aside as soon as it is complete, so that several pytest runs in
one command do not overwrite each other.  A command without a report is judged by its exit code alone.  Caches and
byte code go to the work folder: nothing is written into the tree by the tools that can be told so, and no byte code
of an earlier run is read.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .environ import child_environment

TAIL_LINES = 60
TIMEOUT_EXIT = 124
FAILURES = ("failed", "error")
# Worst first: one test may be reported twice (a call that fails and a teardown that fails, too).
_RANK = ("error", "failed", "xfailed", "skipped", "passed")
_POLL = 0.05
_GRACE = 3.0
_ENDING_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGABRT, signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM)
_TOX_TABLES = ("testenv", "env_run_base", "tool.tox.env_run_base")  # tox.ini, tox.toml, pyproject.toml
_PYTEST_EXITS = {2: "stopped early", 3: "internal error", 4: "usage error", 5: "no tests collected"}
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_SUMMARY = re.compile(r"^=*\s*(?:\d+ (?:passed|failed|errors?|skipped|deselected|x\w+)\b|no tests )[^\n]* in \d+\.\d+s")
_PRUNED = {".git", ".hg", ".tox", ".nox", ".venv", "venv", "node_modules", "__pycache__"}
_PYTHON_WORD = re.compile(r"(?:python|pypy)(?:\d+(?:\.\d+)?)?")
_BEFORE_A_COMMAND = {"&&", "||", ";", "|", "&", "(", "{", "!", "then", "do", "else", "time", "exec", "env", "command"}
_PROBE = (
    "import sys, importlib.util as u; m = sys.argv[1]; s = u.find_spec(m.partition('.')[0]) if m else None; "
    "print(int(sys.prefix != sys.base_prefix), int(not m or bool(s and ('.' in m or s.origin))))"
)


@dataclass(frozen=True, slots=True)
class GateResult:
    """What one run of a gate showed.  `outcomes` is empty when the command gave no result per test.

    `problem` says why the run proves nothing about the code (a missing tool, no end in time).  `complete` is False
    when more pytest runs took part than left a report: then a test without an outcome may have run all the same.
    """

    command: str
    exit_code: int
    seconds: float
    outcomes: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    tail: str = ""
    python: str = ""
    problem: str = ""
    complete: bool = True
    timed_out: bool = False
    interrupted: bool = False
    log: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GateResult:
        return cls(**data)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The second run of a gate against the first, in the ids of the second.

    `broken` passed (or at least did not fail) before; `missing` passed before and did not run now; `already_broken`
    failed before, too.  `reason` is set when no test explains why the run as a whole is worse.
    """

    command: str
    before_exit: int
    after_exit: int
    broken: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    already_broken: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    details: dict[str, str] = field(default_factory=dict)
    reason: str = ""

    @property
    def ok(self) -> bool:
        return not (self.broken or self.missing or self.reason)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"ok": self.ok}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Comparison:
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k != "ok"}
        return cls(**values)


def run_gate(
    command: str, root: Path, workdir: Path, *, timeout: float | None, prefer_own_python: bool = False
) -> GateResult:
    """Runs `command` by the shell in `root`; a run that does not end in `timeout` seconds is ended and reported.

    Raises nothing of its own.  KeyboardInterrupt (or whatever else ends the wait) passes after the processes that
    were started have been ended.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    run = Path(tempfile.mkdtemp(prefix="gate-", dir=workdir.resolve()))
    env, python = _environment(command, root, run, prefer_own_python)
    log = run / "log.txt"
    started, finished = time.monotonic(), False
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command,
            shell=True,
            cwd=root,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            finished = _wait(process, run, None if timeout is None else started + timeout)
        finally:
            # Also after a normal end: a server left in the background would be in the way of the next run.
            _end_group(process)
            for scratch in ("pycache", "pytest-cache", "hypothesis"):
                shutil.rmtree(run / scratch, ignore_errors=True)
    seconds = time.monotonic() - started
    _set_aside(run)
    outcomes, messages, reports = _read_reports(run, root)
    tail, summaries = _read_log(log)
    code = process.returncode if finished else TIMEOUT_EXIT
    problem = "" if outcomes else _missing_tool(tail, code, python)
    return GateResult(
        command=command,
        exit_code=code,
        seconds=round(seconds, 3),
        outcomes=outcomes,
        messages=messages,
        tail=tail,
        python=python,
        problem=problem if finished else f"no end within {timeout:g} s",
        log=str(log),
        complete=finished and reports >= summaries,
        timed_out=not finished,
        interrupted=finished and (code < 0 or code - 128 in _ENDING_SIGNALS),
    )


def compare(before: GateResult, after: GateResult, new_id: Callable[[str], str] = str) -> Comparison:
    """What `after` shows that `before` did not; `new_id` turns a test id of `before` into today's."""
    was: dict[str, str] = {}
    for name, outcome in before.outcomes.items():
        was[new_id(name)] = min(was.get(new_id(name), outcome), outcome, key=_RANK.index)
    now, whole = after.outcomes, before.complete and after.complete
    # Not only what passed: a skipped test that fails now, or a file that cannot be collected, fails the gate as well.
    worse = {k for k, o in now.items() if o in FAILURES and was.get(k) not in FAILURES and (whole or k in was)}
    broken = worse | {k for k, o in now.items() if was.get(k) == "passed" != o}
    missing = [k for k, o in was.items() if whole and o == "passed" and k not in now]
    return Comparison(
        command=after.command,
        before_exit=before.exit_code,
        after_exit=after.exit_code,
        broken=tuple(sorted(broken)),
        missing=tuple(sorted(missing)),
        already_broken=tuple(sorted(k for k, o in was.items() if o in FAILURES and now.get(k, o) != "passed")),
        fixed=tuple(sorted(k for k, o in was.items() if o in FAILURES and now.get(k) == "passed")),
        new=tuple(sorted(k for k in now if k not in was)),
        details={k: f"{was.get(k, 'not run')} before, {now[k]} now: {after.messages.get(k, '')}" for k in broken},
        reason=_run_is_worse(before, after, explained=bool(broken or missing)),
    )


def explain(comparison: Comparison) -> list[str]:
    """The lines for a person: which test, that it passed before, and how it fails now.  Empty when all is well."""
    lines = [f"{name}: {comparison.details.get(name, 'passed before')}".rstrip(": ") for name in comparison.broken]
    for file, group in itertools.groupby(comparison.missing, lambda name: name.partition("::")[0]):
        names = list(group)
        if len(names) > 3:  # a file that cannot be collected would otherwise fill the screen
            names = [f"{file}: {len(names)} tests"]
        lines += [f"{name}: passed before, not run now" for name in names]
    return [*lines, f"`{comparison.command}`: {comparison.reason}"] if comparison.reason else lines


def _run_is_worse(before: GateResult, after: GateResult, *, explained: bool) -> str:
    code, old = after.exit_code, before.exit_code
    if code in (0, old) and after.problem in ("", before.problem):
        return ""
    crashed = bool(before.outcomes) and not after.outcomes
    if explained and not (after.problem or after.interrupted or crashed):
        return ""
    if after.problem:
        return f"{after.problem} (exit {code}; before: exit {old})"
    hint = _PYTEST_EXITS.get(code, "") if crashed else ""
    hint = f"ended by signal {abs(code) if code < 0 else code - 128}" if after.interrupted else hint
    last = next((line.strip() for line in reversed(after.tail.splitlines()) if line.strip()), "")
    return f"exit {code}{hint and f' ({hint})'}, before: exit {old}" + (f"; last output: {last[:300]}" if last else "")


def _wait(process: subprocess.Popen[bytes], run: Path, deadline: float | None) -> bool:
    while True:
        try:
            process.wait(timeout=_POLL)
        except subprocess.TimeoutExpired:
            _set_aside(run)
            if deadline is not None and time.monotonic() >= deadline:
                return False
        else:
            return True


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Ends what is left of the process group that `process` leads; its id is the one that we started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
        limit = time.monotonic() + _GRACE
        while time.monotonic() < limit:
            process.poll()
            os.killpg(process.pid, 0)  # raises as soon as nobody is left
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_GRACE)


def _environment(command: str, root: Path, run: Path, prefer_own: bool) -> tuple[dict[str, str], str]:
    env = child_environment(root)
    env["PATH"], python = _choose_path(command, root, env, prefer_own)
    ours = ["-o", "junit_family=xunit1", f"--junitxml={run / 'junit.xml'}", "-o", f"cache_dir={run / 'pytest-cache'}"]
    env["PYTEST_ADDOPTS"] = f"{env.get('PYTEST_ADDOPTS', '')} {shlex.join(ours)}".strip()
    env["PYTHONPYCACHEPREFIX"] = str(run / "pycache")
    env["HYPOTHESIS_STORAGE_DIRECTORY"] = str(run / "hypothesis")
    # These are kept between runs (they check what they read) and only redirected where the user has no wish.
    env.setdefault("MYPY_CACHE_DIR", str(run.parent / "mypy-cache"))
    env.setdefault("RUFF_CACHE_DIR", str(run.parent / "ruff-cache"))
    env.setdefault("COVERAGE_FILE", str(run / "coverage"))
    # tox 4 hides the environment from what it runs, unless it is told about each variable.
    tox = [f"{where}.pass_env+={name}" for where in _TOX_TABLES for name in ("PYTEST_ADDOPTS", "PYTHONPYCACHEPREFIX")]
    env["TOX_OVERRIDE"] = ";".join(filter(None, (env.get("TOX_OVERRIDE"), *tox)))
    return env, python


def _choose_path(command: str, root: Path, env: Mapping[str, str], prefer_own: bool) -> tuple[str, str]:
    """The PATH for the gate, and the interpreter that it will find there."""
    path, own = env.get("PATH", os.defpath), str(Path(sys.executable).parent)
    needs = list(_needs(command))
    word = next((w for w, _ in needs), "python")

    def has_all(where: str) -> bool:
        return all(_ask(w, m, where, root, env)[1] for w, m in needs)

    # A virtual environment on PATH without the variable is as much a choice of the user as one with it.
    chosen = env.get("VIRTUAL_ENV") or env.get("CONDA_PREFIX") or _ask(_interpreter(word, path), "", path, root, env)[0]
    if prefer_own or (needs and not chosen and not has_all(path) and has_all(own)):
        path = os.pathsep.join((own, path))
    return path, _interpreter(word, path)


def _needs(command: str) -> Iterator[tuple[str, str]]:
    """The (word, module) pairs of a command line: `python -m X` gives ("python", "X"), `pytest` ("pytest", "")."""
    lexer = shlex.shlex(command.replace("\n", " ; "), posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        words = list(lexer)
    except ValueError:  # unbalanced quotes: the shell will say so
        return
    at_command = True
    for index, word in enumerate(words):
        if at_command and word in ("pytest", "py.test"):
            yield word, ""
        elif at_command and _PYTHON_WORD.fullmatch(word):
            rest = iter(words[index + 1 :])
            for option in rest:
                if option == "-m":
                    yield word, next(rest, "")
                    break
                if not option.startswith("-") or option == "-c":
                    yield word, ""
                    break
                if option in ("-W", "-X"):
                    next(rest, "")
        at_command = word in _BEFORE_A_COMMAND or (at_command and "=" in word)


def _ask(word: str, module: str, path: str, root: Path, env: Mapping[str, str]) -> tuple[bool, bool]:
    """Whether the interpreter `word` is of a virtual environment, and whether it works and can import `module`."""
    found, python = shutil.which(word, path=path), _PYTHON_WORD.fullmatch(Path(word).name)
    if not found:
        return False, False
    # A version manager's stand-in for pytest may exist and still find no pytest: only starting it tells.
    arguments = [found, "-c", _PROBE, module] if python else [found, "--version"]
    quiet = {**env, "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": ""}
    try:
        done = subprocess.run(arguments, cwd=root, env=quiet, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False, False
    answer = done.stdout.split() if python else [b"0", b"1"]
    return done.returncode == 0 and answer[:1] == [b"1"], done.returncode == 0 and answer[1:2] == [b"1"]


def _interpreter(word: str, path: str) -> str:
    """The interpreter that `word` stands for; for `pytest` the one beside it."""
    found = shutil.which(word, path=path) or shutil.which("python3", path=path) or ""
    beside = Path(found).with_name("python")
    return found if _PYTHON_WORD.fullmatch(word) or not beside.exists() else str(beside)


def _set_aside(run: Path) -> None:
    """Moves a finished report away, so that the next pytest of the same command does not write over it."""
    report = run / "junit.xml"
    with contextlib.suppress(OSError):
        if report.read_bytes().rstrip().endswith((b"</testsuites>", b"</testsuite>")):
            report.rename(run / f"report-{len(list(run.glob('report-*.xml'))):04}.xml")


def _read_reports(run: Path, root: Path) -> tuple[dict[str, str], dict[str, str], int]:
    found: list[tuple[str | None, list[ET.Element]]] = []
    for path in sorted(run.glob("report-*.xml")):
        with contextlib.suppress(ET.ParseError):
            cases = list(ET.parse(path).iter("testcase"))
            found.append((_prefix({c.get("file", "") for c in cases}, root), cases))
    # Tests that start pytest themselves (on files of their own) leave reports, too; those say nothing about the tree.
    found = [f for f in found if f[0] is not None] or found
    outcomes: dict[str, str] = {}
    messages: dict[str, str] = {}
    for prefix, cases in found:
        for case in cases:
            name = _test_id(case, root, prefix or "")
            outcome, message = _outcome(case)
            if name not in outcomes or _RANK.index(outcome) < _RANK.index(outcomes[name]):
                outcomes[name], messages[name] = outcome, message
    return outcomes, {name: message for name, message in messages.items() if message}, len(found)


def _prefix(files: set[str], root: Path) -> str | None:
    """The folder under `root` that the file names of a report are relative to (pytest's rootdir); None if unknown."""
    if not files or any(f and (root / f).exists() for f in files):
        return ""
    for folder, folders, _ in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in _PRUNED)
        if all(f and Path(folder, f).exists() for f in files):
            return f"{Path(folder).relative_to(root).as_posix()}/"
    return None


def _test_id(case: ET.Element, root: Path, prefix: str) -> str:
    """`file::class::name` relative to `root`; the file itself for a file that could not be collected."""
    file, inside, name = (case.get(key, "") for key in ("file", "classname", "name"))
    dotted = file.removesuffix(".py").replace("/", ".")
    if not inside and name == dotted:
        return prefix + file
    if inside == dotted or inside.startswith(f"{dotted}."):
        return "::".join((prefix + file, *filter(None, inside[len(dotted) + 1 :].split(".")), name))
    # An inherited test: the report names the file of the base class, only the class name tells whose test it is.
    parts = inside.split(".")
    for count in range(len(parts), 0, -1):
        guess = "/".join(parts[:count]) + ".py"
        if (root / prefix / guess).is_file():
            return "::".join((prefix + guess, *parts[count:], name))
    return "::".join(filter(None, (inside, name)))


def _outcome(case: ET.Element) -> tuple[str, str]:
    outcome, message = "passed", ""
    for child in case:
        kind = {"failure": "failed", "error": "error", "skipped": "skipped"}.get(child.tag, "passed")
        kind = "xfailed" if child.get("type") == "pytest.xfail" else kind
        lines = [line for line in child.get("message", "").splitlines() if line.strip()]
        if kind in FAILURES and lines[:1] in ([], ["collection failure"]):
            text = [line for line in (child.text or "").splitlines() if line.strip()]
            lines = [line[1:] for line in text if line.startswith("E  ")][-1:] or text[-1:]
        if _RANK.index(kind) < _RANK.index(outcome):
            outcome, message = kind, lines[0].strip() if lines and kind in FAILURES else ""
    return outcome, message


def _read_log(log: Path) -> tuple[str, int]:
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    summaries = 0
    with log.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            tail.append(_ANSI.sub("", line.rstrip("\n")))
            summaries += bool(_SUMMARY.match(tail[-1]))
    return "\n".join(tail), summaries


def _missing_tool(tail: str, code: int, python: str) -> str:
    """What is missing on this machine, if that is why the command failed: it then says nothing about the code."""
    if code == 0:
        return ""
    if match := re.search(r"^(\S*(?:python|pypy)[\d.]*): No module named '?([\w.]+)", tail, re.MULTILINE):
        return f"No module named {match[2]} in {match[1] if '/' in match[1] else python or match[1]}"
    if match := re.search(r"error: unrecognized arguments: (.+)", tail):
        return f"pytest does not know {match[1].strip()}: a plugin is missing in {python or 'its interpreter'}"
    if code != 127 and not re.search(r"\bError 127\b", tail):
        return ""
    match = re.search(r"(?:^|[\s:])([^\s:]+): (?:command not found|not found|No such file or directory)", tail)
    return f"command not found: {match[1]}" if match else "a command was not found (exit 127)"
