"""A driver in another interpreter: how it begins, what it is told, and the watch over it.

Owns everything that the drivers have in common: they run in the user's Python, with the tree's import roots in front,
read one job and tell what they find, a line of JSON each.  What they ask is in `imports` and `witness`.

What the imported code prints is dropped.  Byte code goes to a folder of ours, so that none is written into the tree and
no stale one of the tree is read; what the library and installed packages have is used, for they are most of the work.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.migrate.environ import child_environment

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
"""


def drive(
    python: str,
    driver: str,
    job: Mapping[str, Any],
    root: Path,
    roots: Sequence[str],
    bytecode: str,
    timeout: float | None,
    more: Mapping[str, str] | None = None,
) -> tuple[list[list[Any]], str]:
    """Run a driver once on a job: what it told, line by line, and '' or how it ended before it was through.

    `roots` (relative to `root`) come first on its path.  `bytecode` is a folder for the byte code of the tree, where
    the next run finds it; `more` are environment variables.  `timeout` is in seconds from one line to the next.
    Whatever the driver has started ends with it.
    """
    paths = [os.path.normpath(root / r) for r in roots]
    text = json.dumps({"paths": paths, "root": str(root), "bytecode": bytecode, **job})
    env = {**child_environment(root), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", **(more or {})}
    env.pop("PYTHONPYCACHEPREFIX", None)  # of the tool's own interpreter; the other one's library has its own
    try:
        process = subprocess.Popen(
            [python, "-c", _BEGINNING + driver],
            cwd=root,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        return [], f"{type(error).__name__}: {error}"
    assert process.stdin is not None and process.stdout is not None
    buffer, timed_out = b"", False
    try:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(text.encode() + b"\n")
            process.stdin.close()
        while not buffer.endswith(b'["end"]\n') and not timed_out:
            chunk = _read(process, process.stdout.fileno(), timeout)
            if chunk == b"":
                break
            timed_out, buffer = chunk is None, buffer + (chunk or b"")
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # and what imported code started on its own
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    messages = [json.loads(line) for line in buffer.splitlines() if line.endswith(b"]")]
    if messages and messages[-1] == ["end"]:
        return messages[:-1], ""
    if timed_out:
        return messages, f"TimeoutExpired: no answer within {timeout:g} s"
    code = process.returncode
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    return messages, f"InterpreterDied: the interpreter ended with {how}"


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
