"""A driver in another interpreter: how it begins, what it is told, and the watch over it.

Owns everything that the drivers have in common: they run in the user's Python, with the tree's import roots in front,
read one job and tell what they find, a line of JSON each.  What they ask is in `imports` and `witness`.

What the imported code prints is dropped.  Byte code goes to a folder of ours, so that none is written into the tree and
no stale one of the tree is read; what the library and installed packages have is used, for they are most of the work.

Who wants to know later whether the answers still hold gives `Reads`: what was opened and listed, and whether anything
was done of which that does not tell (another process, a connection, a library in C).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.migrate.environ import child_environment

_PIPE = 1 << 20  # bytes
_END = b'["end"]\n'
# Runs in front of each driver, perhaps in an older Python: standard library only, nothing newer than 3.8.
_BEGINNING = r"""
import sys, os, json
from importlib.machinery import SourceFileLoader
from importlib.util import cache_from_source
job = json.loads(sys.stdin.readline())
out = os.fdopen(os.dup(1), "w", encoding="ascii")
null = os.open(os.devnull, os.O_RDWR)
for fd in (0, 1, 2): os.dup2(null, fd)
sys.path[:] = job["paths"] + [p for p in sys.path if p != ""]
sys.argv[:] = [""]
os.set_inheritable(job["through"], False)
if job["after"] >= 0:
    os.read(job["after"], 1)
    os.close(job["after"])

def tell(*what):
    out.write(json.dumps(what) + "\n"); out.flush()

tree = os.path.join(job["root"], "")
installed = tuple(p for p in (os.path.join(p, "") for p in (sys.prefix, sys.base_prefix)) if len(p) > len(tree))

def code_of(loader, name, get_code=SourceFileLoader.get_code):
    own = loader.path.startswith(tree) and not loader.path.startswith(installed)
    if not own and os.path.exists(cache_from_source(loader.path)): return get_code(loader, name)
    sys.pycache_prefix, sys.dont_write_bytecode = job["bytecode"], False
    try: return get_code(loader, name)
    finally: sys.pycache_prefix, sys.dont_write_bytecode = None, True

SourceFileLoader.get_code = code_of
reads, folders, beyond = set(), set(), set()
BEYOND = ("subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.startfile", "pty.",
    "socket.", "sqlite3.", "ctypes.", "winreg.")

def watch(event, args):
    try:
        if event == "open" and not isinstance(args[0], int): reads.add(os.path.abspath(os.fsdecode(args[0])))
        elif event == "import" and args[1]: reads.add(os.path.abspath(args[1]))
        elif event in ("os.listdir", "os.scandir"): folders.add(os.path.abspath(os.fsdecode(args[0] or ".")))
        elif event.startswith(BEYOND) and (event, args) != ("ctypes.dlopen", (None,)): beyond.add(event)
    except BaseException as error: beyond.add(repr(error))

def close():
    if job["watch"]:
        library = os.path.join(os.path.dirname(os.__file__), "")
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__dict__", {}).get("__file__")
            if isinstance(file, str):
                reads.add(os.path.abspath(file))
                own = file.startswith(library) and not file.startswith(library + "site-packages")
                if file.endswith((".so", ".pyd")) and not own: beyond.add(name)
        beyond.update({"_dbm", "_gdbm"}.intersection(sys.modules))
        tell("read", sorted(reads), sorted(folders), sorted(beyond))
    tell("end")
    os.write(job["through"], b".")
    os._exit(0)  # threads and exit handlers of the imported code must not keep us

if job["watch"]:
    if sys.implementation.name == "cpython": sys.addaudithook(watch)
    else: beyond.add(sys.implementation.name)
"""


@dataclass(slots=True)
class Reads:
    """What drivers have read: `files`, `folders` that they listed; `all` if their answers rest on nothing else."""

    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    all: bool = True

    def add(self, files: Sequence[str], folders: Sequence[str], beyond: Sequence[str], without: str) -> None:
        """What one driver has told, but for what lies in the folder `without`."""
        self.files.update(f for f in files if not f.startswith(without))
        self.folders.update(f for f in folders if not f.startswith(without))
        self.all = self.all and not beyond


class Driver:
    """A driver that has been started on a job; `finish` waits for it.  Leaving it as a context ends it.

    `roots` (relative to `root`) come first on its path.  `bytecode` is a folder for the byte code of the tree, where
    the next run finds it; `more` are environment variables.  It begins when the one that it comes `after` is through.
    """

    def __init__(
        self,
        python: str,
        driver: str,
        job: Mapping[str, Any],
        root: Path,
        roots: Sequence[str],
        bytecode: str,
        more: Mapping[str, str] | None = None,
        *,
        reads: Reads | None = None,
        after: Driver | None = None,
    ) -> None:
        self._reads, self._bytecode, self._failed = reads, bytecode, "it was ended"
        self._buffer = b""
        self._answer: tuple[list[list[Any]], str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._waits: int
        self._through: int
        self._waits, self._through = os.pipe()  # a byte for the one that comes after, when this one is through
        begins = -1 if after is None else after._waits
        paths = [os.path.normpath(root / r) for r in roots]
        text = {"paths": paths, "root": str(root), "bytecode": bytecode, "watch": reads is not None, "after": begins}
        text["through"] = self._through
        env = {**child_environment(root), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", **(more or {})}
        env.pop("PYTHONPYCACHEPREFIX", None)  # of the tool's own interpreter; the other one's library has its own
        try:
            self._process = subprocess.Popen(
                [python, "-c", _BEGINNING + driver],
                cwd=root,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=[self._through, *([begins] if after is not None else [])],
            )
        except OSError as error:
            self._failed = f"{type(error).__name__}: {error}"
            return
        assert self._process.stdin is not None and self._process.stdout is not None
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            with contextlib.suppress(OSError):  # so that it need not wait for us
                fcntl.fcntl(self._process.stdout, fcntl.F_SETPIPE_SZ, _PIPE)
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({**text, **job}).encode() + b"\n")
            self._process.stdin.close()

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *_error: object) -> None:
        """End it with whatever the imported code has started on its own."""
        if self._through >= 0:
            os.write(self._through, b".")
            os.close(self._through)
            os.close(self._waits)
            self._through = self._waits = -1
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    def is_through(self) -> bool:
        """Whether `finish` need not wait."""
        process = self._process
        if process is not None and process.stdout is not None and not self._buffer.endswith(_END):
            if not select.select([process.stdout], [], [], 0)[0]:
                return False
            chunk = os.read(process.stdout.fileno(), 1 << 16)
            self._buffer += chunk
            return chunk == b"" or self._buffer.endswith(_END)
        return True

    def finish(self, timeout: float | None) -> tuple[list[list[Any]], str]:
        """What it told, line by line, and '' or how it ended before it was through; the same when asked again.

        `timeout` is in seconds from one line to the next, from now on.
        """
        if self._answer is None:
            self._answer = self._finished(timeout)
        return self._answer

    def _finished(self, timeout: float | None) -> tuple[list[list[Any]], str]:
        process, timed_out = self._process, False
        if process is None:
            self.__exit__()
            if self._reads is not None:
                self._reads.all = False
            return [], self._failed
        assert process.stdout is not None
        try:
            while not self._buffer.endswith(_END) and not timed_out:
                chunk = _read(process, process.stdout.fileno(), timeout)
                if chunk == b"":
                    break
                timed_out, self._buffer = chunk is None, self._buffer + (chunk or b"")
        finally:
            self.__exit__()
        messages = [json.loads(line) for line in self._buffer.splitlines() if line.endswith(b"]")]
        whole = messages[-1:] == [["end"]]
        if self._reads is not None:
            files, folders, beyond = messages.pop(-2)[1:] if whole else ((), (), ["it ended"])
            self._reads.add(files, folders, beyond, without=os.path.join(self._bytecode, ""))
        if whole:
            return messages[:-1], ""
        if timed_out:
            return messages, f"TimeoutExpired: no answer within {timeout:g} s"
        code = process.returncode
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return messages, f"InterpreterDied: the interpreter ended with {how}"


def drive(
    python: str,
    driver: str,
    job: Mapping[str, Any],
    root: Path,
    roots: Sequence[str],
    bytecode: str,
    timeout: float | None,
    more: Mapping[str, str] | None = None,
    reads: Reads | None = None,
) -> tuple[list[list[Any]], str]:
    """Run a driver once on a job, as `Driver` and `finish` say."""
    with Driver(python, driver, job, root, roots, bytecode, more, reads=reads) as started:
        return started.finish(timeout)


def _read(process: subprocess.Popen[bytes], stream: int, timeout: float | None) -> bytes | None:
    """The next output; b"" when there will be none, None when there was none in time."""
    limit = None if timeout is None else time.monotonic() + timeout
    while limit is None or time.monotonic() < limit:
        # In slices, because a child of the imported code may hold the pipe open after the interpreter has died.
        dead = process.poll() is not None
        if select.select([stream], [], [], 0 if dead else min(0.5, timeout or 0.5))[0]:
            return os.read(stream, 1 << 16)
        if dead:
            return b""
    return None
