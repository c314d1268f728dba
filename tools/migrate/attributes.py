"""Which submodules an importer of their package alone can reach as attributes: `import a`, then `a.b.c`.

That works when something in the package happens to load the submodule.  Where the submodule moves away and the package
stays, `submodules` lets the package answer until cleanup; this is the check that it does.  What is lost all the same,
stage 5 says.  Asks real interpreters; knows no plan.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from .otherpython import Driver, Reads

# Runs in the other interpreter, behind the common beginning.
_DRIVER = r"""
import importlib, warnings
warnings.simplefilter("ignore")
parent, _, leaf = job["name"].rpartition(".")
try: found = hasattr(importlib.import_module(parent), leaf)
except BaseException: found = False
tell("found", found)
close()
"""


def reachable(
    python: str,
    root: Path,
    roots: Sequence[str],
    names: Iterable[str],
    timeout: float = 60,
) -> list[str]:
    """Those of the dotted `names` that are attributes of their parent once that is imported, each asked alone."""
    with Reaching(python, root, roots, names) as asked:
        return asked.answers(timeout)


class Reaching:
    """`reachable`, by interpreters that run while others work, one after the other."""

    def __init__(
        self,
        python: str,
        root: Path,
        roots: Sequence[str],
        names: Iterable[str],
        *,
        reads: Reads | None = None,
        after: Driver | None = None,
    ) -> None:
        self._stack = ExitStack()
        code = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="migrate-attributes-"))
        self._asked: dict[str, Driver] = {}
        for name in sorted(n for n in names if "." in n):
            job = {"name": name}
            after = Driver(python, _DRIVER, job, root.resolve(), roots, code, reads=reads, after=after)
            self._asked[name] = self._stack.enter_context(after)

    def __enter__(self) -> Reaching:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def answers(self, timeout: float) -> list[str]:
        """As `reachable`; `timeout` is in seconds for each."""
        with self._stack:
            return [name for name, asked in self._asked.items() if ["found", True] in asked.finish(timeout)[0]]
