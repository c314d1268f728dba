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

import collections
import contextlib
import itertools
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .environ import child_environment
from .interpreter import choose_path
from .junit import FAILURES, RANK, read_reports, set_aside

TAIL_LINES = 60
TIMEOUT_EXIT = 124
_POLL = 0.05
_GRACE = 3.0
_ENDING_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGABRT, signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM)
_INTERRUPTS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_TOX_TABLES = ("testenv", "env_run_base", "tool.tox.env_run_base")  # tox.ini, tox.toml, pyproject.toml
_PYTEST_EXITS = {2: "stopped early", 3: "internal error", 4: "usage error", 5: "no tests collected"}
_NO_TEST = re.compile(r"pytest::internal|gw\d+")  # an internal error; workers that did not collect the same tests
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_SUMMARY = re.compile(r"^=*\s*(?:\d+ (?:passed|failed|errors?|skipped|deselected|x\w+)\b|no tests )[^\n]* in \d+\.\d+s")


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
    # A file that one run leaves in the temporary folder must not decide the next one.  Sockets need a short path.
    scratch_tmp = tempfile.mkdtemp(prefix="gate-")
    env |= dict.fromkeys(("TMPDIR", "TMP", "TEMP"), scratch_tmp)
    log = run / "log.txt"
    started = time.monotonic()
    process: subprocess.Popen[bytes] | None = None
    with log.open("wb") as stream:
        try:
            with _interrupts_wait():
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
            finished = _wait(process, run, None if timeout is None else started + timeout)
            code = process.returncode if finished else TIMEOUT_EXIT
        finally:
            # Also after a normal end: a server left in the background would be in the way of the next run.
            if process is not None:
                _end_group(process)
            for scratch in ("pycache", "pytest-cache", "hypothesis"):
                shutil.rmtree(run / scratch, ignore_errors=True)
            shutil.rmtree(scratch_tmp, ignore_errors=True)
    seconds = time.monotonic() - started
    set_aside(run)
    outcomes, messages, reports = read_reports(run, root)
    tail, summaries = _read_log(log)
    problem = _crash(outcomes, tail) or ("" if outcomes else _missing_tool(tail, code, python))
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
        was[new_id(name)] = min(was.get(new_id(name), outcome), outcome, key=RANK.index)
    now, whole = after.outcomes, before.complete and after.complete
    # Not only what passed: a skipped test that fails now, or a file that cannot be collected, fails the gate as well.
    worse = {k for k, o in now.items() if o in FAILURES and was.get(k) not in FAILURES and (whole or k in was)}
    broken = worse | {k for k, o in now.items() if was.get(k) == "passed" != o}
    missing = [k for k, o in was.items() if whole and o == "passed" and k not in now]
    missing = _without_renamed(missing, [k for k, o in now.items() if o == "passed" and k not in was])
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


def _without_renamed(missing: list[str], new: list[str]) -> list[str]:
    """Without the cases that pass under another id: a parameter may hold the time, an address, or a module's name."""
    spare = collections.Counter(name.partition("[")[0] for name in new if "[" in name)
    left = []
    for name in missing:
        function = name.partition("[")[0]
        if "[" in name and spare[function]:
            spare[function] -= 1
        else:
            left.append(name)
    return left


def explain(comparison: Comparison) -> list[str]:
    """The lines for a person: which test, that it passed before, and how it fails now.  Empty when all is well."""
    lines = [f"{name}: {comparison.details.get(name, 'passed before')}".rstrip(": ") for name in comparison.broken]
    for file, group in itertools.groupby(comparison.missing, lambda name: name.partition("::")[0]):
        names = list(group)
        if len(names) > 3:  # a file that cannot be collected would otherwise fill the screen
            names = [f"{file}: {len(names)} tests"]
        lines += [f"{name}: passed before, not run now" for name in names]
    # First what ended the run: it is why the tests below did not run.
    return [f"`{comparison.command}`: {comparison.reason}", *lines] if comparison.reason else lines


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


@contextlib.contextmanager
def _interrupts_wait() -> Iterator[None]:
    """What interrupts the block comes after it: between the start of a process and its name nobody could end it."""
    came: list[int] = []
    handlers: dict[int, Any] = {}
    waits = True

    def later(number: int, frame: Any) -> None:
        if waits:
            came.append(number)
        else:  # one that came while the handlers were put back, and kept this one in place
            handlers[number](number, frame)

    try:
        if threading.current_thread() is threading.main_thread():  # no other may set a handler, or is interrupted
            for number in _INTERRUPTS:
                if callable(handler := signal.getsignal(number)):
                    handlers[number] = handler
                    signal.signal(number, later)
        yield
    finally:
        waits = False
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in came[:1]:
            signal.raise_signal(number)


def _wait(process: subprocess.Popen[bytes], run: Path, deadline: float | None) -> bool:
    while True:
        try:
            process.wait(timeout=_POLL)
        except subprocess.TimeoutExpired:
            set_aside(run)
            if deadline is not None and time.monotonic() >= deadline:
                return False
        else:
            return True


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Ends what is left of the process group that `process` leads; its id is the one that we started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        try:
            os.killpg(process.pid, signal.SIGTERM)
            limit = time.monotonic() + _GRACE
            while time.monotonic() < limit:
                process.poll()
                os.killpg(process.pid, 0)  # raises as soon as nobody is left
                time.sleep(0.02)
        finally:  # also for whoever presses Ctrl-C again instead of waiting
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_GRACE)


def _environment(command: str, root: Path, run: Path, prefer_own: bool) -> tuple[dict[str, str], str]:
    env = child_environment(root)
    env["PATH"], python = choose_path(command, root, env, prefer_own)
    ours = ["-o", "junit_family=xunit1", f"--junitxml={run / 'junit.xml'}"]
    if not _without_cache(command, root):  # with it off, the setting is unknown, which strict settings refuse
        ours += ["-o", f"cache_dir={run / 'pytest-cache'}"]
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


def _without_cache(command: str, root: Path) -> bool:
    """Whether pytest runs without its cache plugin, by the command, the environment or the settings of the tree."""
    texts = [command, os.environ.get("PYTEST_ADDOPTS", "")]
    for name in ("pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg", "pytest.toml"):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            texts.append((root / name).read_text(encoding="utf-8"))
    return any("no:cacheprovider" in text for text in texts)


def _read_log(log: Path) -> tuple[str, int]:
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    summaries = 0
    with log.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            tail.append(_ANSI.sub("", line.rstrip("\n")))
            summaries += bool(_SUMMARY.match(tail[-1]))
    return "\n".join(tail), summaries


def _crash(outcomes: Mapping[str, str], tail: str) -> str:
    """A run that pytest itself gave up: what its report holds then is no test, so it says nothing about the code."""
    if "passed" in outcomes.values():
        return ""
    if any(_NO_TEST.fullmatch(name) for name in outcomes) or re.search(r"^INTERNALERROR> ", tail, re.MULTILINE):
        return "pytest gave up before its tests ran (see the log)"
    return ""


def _missing_tool(tail: str, code: int, python: str) -> str:
    """What is missing on this machine, if that is why the command failed: it then says nothing about the code."""
    if code == 0:
        return ""
    if match := re.search(r"^(\S*(?:python|pypy)[\d.]*): No module named '?([\w.]+)", tail, re.MULTILINE):
        return f"No module named {match[2]} in {match[1] if '/' in match[1] else python or match[1]}"
    if match := re.search(r"error: unrecognized arguments: (.+)", tail):
        return f"pytest does not know {match[1].strip()}: a plugin is missing in {python or 'its interpreter'}"
    if code == 4 and (match := re.search(r"^ERROR: (.+)", tail, re.MULTILINE)):
        said = match[1].strip()
        if said.endswith(":"):  # what it speaks of follows, and then the exception, whose last line says why
            rest = [line.strip() for line in tail[match.end() :].splitlines() if line.strip()]
            said = " ".join([said, *rest[:1], *rest[-1:]] if len(rest) > 1 else [said, *rest])
        return f"pytest does not take the command or its settings: {said}"
    if code != 127 and not re.search(r"\bError 127\b", tail):
        return ""
    match = re.search(r"(?:^|[\s:])([^\s:]+): (?:command not found|not found|No such file or directory)", tail)
    return f"command not found: {match[1]}" if match else "a command was not found (exit 127)"
