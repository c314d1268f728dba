"""The process inside of a tree under test: it loads the tree's codec and repeats the workloads.

Owns the loops.  It is run as a file by `processes`, with a clean interpreter (`-S -P`, hash seed fixed, minimal
environment), and imports the standard library alone, until the tree's packages are on `sys.path`.  One JSON argument
says what to do:

    probe     which workloads can run here, the implementation, the interpreter
    count     under callgrind: the import, then each workload in two lengths, a mark between any two parts
    serve     a line "NAME TIMES" on stdin, the nanoseconds it took on stdout, until the end of the input
    blocks    blocks of memory that each workload keeps for a message
    memory    resident bytes that a million messages take, of one kind

A mark is a call of getppid, before which callgrind is told to write down what it has counted since the last one.
"""

import contextlib
import gc
import importlib
import importlib.util
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from typing import Any

Loop = Callable[[int], object]
WARM = 60
SETTLED = 400
SHIFT = 16
"""Large blocks lie at multiples of this; how far a copy is from a cache line, too, costs some instructions."""


def definitions(path: str) -> Any:
    """The module with the workloads, by its path: the tree under test may have another one of its own."""
    spec = importlib.util.spec_from_file_location("perf_workloads", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["perf_workloads"] = module
    spec.loader.exec_module(module)
    return module


def load_codec(order: dict[str, Any]) -> Any:
    """The codec of this tree.  Raises ImportError where another one would be measured."""
    codec = importlib.import_module(order["codec"])
    found = Path(codec.__file__ or "").resolve()
    if not found.is_relative_to(Path(order["root"]).resolve()):
        raise ImportError(f"{order['codec']} was found at {found}, outside of the tree under test")
    wanted = order["implementation"]
    running = getattr(codec, "implementation", "python")  # the first revisions had one, and no name for it
    if wanted not in ("auto", running):
        raise ImportError(f"the tree runs the {running} implementation, not {wanted}")
    return codec


def loop_of(timed: Any) -> Loop:
    """A function that runs the statement as often as it is told."""
    names = "".join(f", {name}={name}" for name in timed.names)
    body = "".join(f"  {line}\n" for line in timed.statement.split("\n"))
    space: dict[str, Any] = {**timed.names, "repeat": repeat}
    exec(f"def run(times, repeat=repeat{names}):\n for _ in repeat(None, times):\n{body}", space)
    made: Loop = space["run"]
    return made


def keeper_of(timed: Any) -> Callable[[int], list[Any]] | None:
    """A function that runs the statement and returns all that is kept of it."""
    if timed.keeps is None:
        return None
    names = "".join(f", {name}={name}" for name in timed.names)
    body = "".join(f"  {line}\n" for line in timed.statement.split("\n"))
    space: dict[str, Any] = {**timed.names, "repeat": repeat}
    text = f"def run(times, repeat=repeat{names}):\n kept = [None] * times\n for n in range(times):\n{body}"
    exec(f"{text}  kept[n] = {timed.keeps}\n return kept", space)
    made: Callable[[int], list[Any]] = space["run"]
    return made


def settle(timed: Any, messages: int) -> list[Any]:
    """Make room for the statement's results: holes of exactly their size, with results that stay in between.

    A large block costs the C library up to two percent of a book more or less, depending on what the free memory around
    looks like, and that depends on all that was allocated before, down to the names of modules.  With a choice of holes
    that fit it is always the same.  The result has to be held as long as this shall last.
    """
    keep = keeper_of(timed)
    return keep(max(SETTLED // messages, 4))[::2] if keep is not None else []


class Worker:
    """One order, carried out."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.defined = definitions(order["workloads"])
        self.known = {each.name: each for each in (self.defined.EMPTY, *self.defined.WORKLOADS)}

    def subject(self) -> Any:
        return self.defined.Subject(self.order["codec"], load_codec(self.order))

    def wanted(self) -> list[Any]:
        return [self.known[name] for name in self.order["names"]]

    def probe(self) -> dict[str, Any]:
        subject = self.subject()
        able, left_out = [], {}
        for workload in self.wanted():
            try:
                loop_of(workload.prepare(subject))(2)
                able.append(workload.name)
            except Exception as error:  # whatever a revision lacks or does wrong, the others go on
                left_out[workload.name] = f"{type(error).__name__}: {error}"
        return {
            "able": able,
            "left_out": left_out,
            "implementation": getattr(subject.codec, "implementation", "python"),
            "interpreter": {"python": platform.python_version(), "name": platform.python_implementation(),
                            "compiler": platform.python_compiler()},
        }  # fmt: skip

    def count(self) -> list[list[Any] | None]:
        """What lies between the marks, in order: [name, times], or null where it is not to be counted."""
        mark = os.getppid
        segments: list[list[Any] | None] = [None, ["import", 1]]
        mark()
        subject = self.subject()
        mark()
        held: list[Any] = []
        for workload in (self.defined.EMPTY, *self.wanted()):
            timed = workload.prepare(subject)
            run = loop_of(timed)
            for again in range(self.order["repeats"]):
                held += [bytes(SHIFT * again + 2048), settle(timed, workload.messages)]
                run(min(WARM, workload.loops[0]))
                gc.collect()
                segments.append(None)
                mark()
                for times in workload.loops:
                    run(times)
                    mark()
                    segments.append([workload.name, times])
        return segments

    def serve(self) -> None:
        subject, loops, held = self.subject(), {}, []
        clock, out = time.perf_counter_ns, sys.stdout
        for line in sys.stdin:
            name, _, times = line.rpartition(" ")
            if name not in loops:
                timed = self.known[name].prepare(subject)
                loops[name] = loop_of(timed)
                held.append(settle(timed, self.known[name].messages))
                loops[name](WARM if int(times) > WARM else 2)
                gc.collect()
            run, count = loops[name], int(times)
            run(count // 8 + 1)  # the other tree has had the caches meanwhile
            began = clock()
            run(count)
            out.write(f"{clock() - began}\n")
            out.flush()

    def blocks(self) -> dict[str, float]:
        subject, found = self.subject(), {}
        for workload in self.wanted():
            keep = keeper_of(workload.prepare(subject))
            if keep is not None:
                short, long = workload.loops
                keep(short)
                counts = []
                for times in (short, long):
                    before = sys.getallocatedblocks()
                    kept = keep(times)
                    counts.append(sys.getallocatedblocks() - before)
                    del kept
                found[workload.name] = (counts[1] - counts[0]) / (long - short) / workload.messages
        return found

    def memory(self) -> float:
        """Resident bytes for each of `messages` kept ones."""
        kinds = {each.name: each for each in self.defined.MEMORY}
        workload = kinds[self.order["names"][0]]
        messages = int(self.order["messages"])
        keep = keeper_of(workload.prepare(self.subject()))
        assert keep is not None
        keep(2)
        gc.collect()
        before = resident()
        kept = keep(messages // workload.messages)
        after = resident()
        del kept
        return (after - before) / messages


def resident() -> int:
    """Bytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Carry out the order of the command line."""
    order = json.loads(sys.argv[1])
    sys.path[:0] = order["paths"]
    sys.path += order["site"]
    if order["cpu"] is not None and hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, {order["cpu"]})
    gc.disable()
    answer = getattr(Worker(order), order["mode"])()
    if answer is not None:
        print(json.dumps(answer))


if __name__ == "__main__":
    main()
