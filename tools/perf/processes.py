"""Worker processes: their command lines, their clean environment, and the ones that live on and take turns.

Owns starting and ending them.  Must not know what a figure means.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .model import PerfError, Tree

HERE = Path(__file__).parent
# What a process needs of the user's environment to start at all; anything else could change what is counted.
_KEPT = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "SYSTEMROOT")
_FIXED = {
    "PYTHONHASHSEED": "0",
    "LC_ALL": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONWARNINGS": "ignore",
}
IMPLEMENTATION = "ALPHAPULSE_CODEC"
SECONDS = 900.0
TURN_SECONDS = 120.0


def environment(implementation: str) -> dict[str, str]:
    """The whole environment of a worker."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, **_FIXED, IMPLEMENTATION: implementation}


def command(tree: Tree, mode: str, names: Sequence[str], implementation: str, **more: Any) -> list[str]:
    """The command line of a worker.  The interpreter runs no `site`, so no installed copy of the codec is found."""
    order = {
        "mode": mode,
        "root": str(tree.root),
        "codec": tree.layout.codec,
        "paths": [str((tree.root / path).resolve()) for path in tree.layout.paths],
        "site": list(dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])),
        "workloads": str(HERE / "workloads.py"),
        "names": list(names),
        "implementation": implementation,
        "cpu": None,
        "repeats": 1,
        **more,
    }
    return [sys.executable, "-S", "-P", str(HERE / "worker.py"), json.dumps(order)]


def ask(
    tree: Tree, mode: str, names: Sequence[str], implementation: str, *, prefix: Sequence[str] = (), **more: Any
) -> Any:
    """Run a worker to its end; its answer.  Raises PerfError."""
    process = subprocess.Popen(
        [*prefix, *command(tree, mode, names, implementation, **more)],
        env=environment(implementation),
        cwd=tree.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    _asked.add(process)
    try:
        out, errors = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
        process.wait()
        _asked.discard(process)
    lines = out.strip().splitlines()
    if process.returncode != 0 or not lines:
        raise PerfError(f"{tree.label}: {mode} failed: {last_line(errors)}")
    return json.loads(lines[-1])


_asked: set[subprocess.Popen[str]] = set()


def end(number: int, frame: object) -> None:
    """A signal handler: end what other threads wait for, so that everything can be cleared away at once."""
    for process in list(_asked):
        process.kill()
    raise KeyboardInterrupt


def last_line(text: str) -> str:
    """What an interpreter says last, without the lines of valgrind."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("==")]
    return lines[-1] if lines else "no output"


class Turns:
    """A worker that lives on and runs a workload whenever it is its turn."""

    def __init__(self, tree: Tree, implementation: str, cpu: int | None = None) -> None:
        self._tree = tree
        self._process = subprocess.Popen(
            command(tree, "serve", (), implementation, cpu=cpu),
            env=environment(implementation),
            cwd=tree.root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def run(self, name: str, times: int) -> int:
        """Nanoseconds for `times` repeats.  Raises PerfError."""
        process = self._process
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        try:
            process.stdin.write(f"{name} {times}\n")
            ready, _, _ = select.select([process.stdout], [], [], TURN_SECONDS)
            line = process.stdout.readline() if ready else ""
        except BrokenPipeError:
            line = ""
        if not line:
            process.kill()
            why = last_line(process.stderr.read())
            raise PerfError(f"{self._tree.label}: {name}: the process ended or took over {TURN_SECONDS:.0f} s: {why}")
        return int(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
