"""A fresh interpreter that is asked, request by request, what names lead to; old names can be barred from it.

Owns: the driver in the other interpreter and the meaning of its answers.  Module bodies run there, and nowhere else, so
only what moves should be asked for.  When the interpreter dies or hangs, the request that it was at has failed, and a
new one goes on with the rest.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tools.migrate.otherpython import Driver
from tools.migrate.statements import Request

# Runs in the other interpreter, behind the common beginning: standard library only, nothing newer than 3.8.
_DRIVER = r"""
import importlib, types, warnings
warnings.simplefilter("ignore")
barred = set(job["barred"])

class Bar:
    def find_spec(self, name, path=None, target=None):
        if name in barred: raise ModuleNotFoundError("No module named %r, the old name" % name, name=name)

sys.meta_path.insert(0, Bar())

def longest(name):
    parts, rest = name.split("."), []
    while True:
        try: return importlib.import_module(".".join(parts)), rest
        except ModuleNotFoundError as error:
            if len(parts) == 1 or error.name not in (".".join(parts), ".".join(parts[:-1])): raise
            rest.insert(0, parts.pop())

def read(kind, module, names, needs):
    for need in needs:
        try: importlib.import_module(need)
        except Exception: pass
    if kind == "import": value, rest = importlib.import_module(module), []
    else: value, rest = longest(module)
    for name in rest + names:
        inside = isinstance(value, types.ModuleType)
        if kind == "chain" and not inside: break
        try: value = getattr(value, name)
        except AttributeError:
            if kind != "import" or not inside: raise
            value = importlib.import_module(value.__name__ + "." + name)
    return value

def thing(value):
    if isinstance(value, types.ModuleType): return "module " + value.__name__
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if isinstance(module, str) and isinstance(name, str): return "%s.%s" % (module, name)
    return "a value of %s.%s" % (type(value).__module__, type(value).__qualname__)

for number, request in job["requests"]:
    tell("start", number)
    try: tell("done", number, True, thing(read(*request)))
    except BaseException as error:
        try: text = " ".join(str(error).split())[:300]
        except BaseException: text = ""
        tell("done", number, False, type(error).__name__ + (": " + text if text else ""))
close()
"""


@dataclass(frozen=True)
class Answer:
    """`text` is what the name leads to, or why it leads to nothing."""

    found: bool
    text: str


def ask(
    python: str,
    root: Path,
    roots: Sequence[str],
    requests: Iterable[Request],
    *,
    barred: Collection[str] = (),
    timeout: float = 60,
) -> dict[Request, Answer]:
    """What each request leads to in the tree at `root`; `roots` come first on its path, `barred` modules do not exist.

    `timeout` is in seconds for each request.
    """
    with Witness(python, root, roots, requests, barred=barred, timeout=timeout) as asked:
        return asked.answers()


class Witness:
    """`ask`, by an interpreter that runs while others work; it begins when that of `after` is through."""

    def __init__(
        self,
        python: str,
        root: Path,
        roots: Sequence[str],
        requests: Iterable[Request],
        *,
        barred: Collection[str] = (),
        timeout: float = 60,
        after: Witness | None = None,
    ) -> None:
        self._where, self._barred, self._timeout = (root.resolve(), roots), sorted(barred), timeout
        self._python, self._wanted, self._stack = python, list(dict.fromkeys(requests)), ExitStack()
        self._folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="migrate-witness-"))
        self._driver: Driver = self._start(enumerate(self._wanted), None if after is None else after._driver)

    def __enter__(self) -> Witness:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def _start(self, waiting: Iterable[tuple[int, Request]], after: Driver | None = None) -> Driver:
        asked = [(n, (r.kind, r.module, list(r.names), list(r.needs))) for n, r in waiting]
        job = {"barred": self._barred, "requests": asked}
        return self._stack.enter_context(
            Driver(self._python, _DRIVER, job, *self._where, self._folder, after=after)
        )  # fmt: skip

    def answers(self) -> dict[Request, Answer]:
        """What each request leads to."""
        answers: dict[Request, Answer] = {}
        with self._stack:
            while waiting := [(n, r) for n, r in enumerate(self._wanted) if r not in answers]:
                messages, end = self._driver.finish(self._timeout)
                at = waiting[0][0]
                for kind, number, *rest in messages:
                    at = number
                    if kind == "done":
                        answers[self._wanted[number]] = Answer(*rest)
                if end == "":
                    break
                answers.setdefault(self._wanted[at], Answer(False, end))
                self._driver = self._start([(n, r) for n, r in waiting if r not in answers])
        return answers


__all__ = ["Answer", "Witness", "ask"]
