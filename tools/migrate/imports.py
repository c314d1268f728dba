"""Imports modules in a fresh interpreter and says which fail, and what their public names are.

Owns: the driver that runs in the other interpreter, and the comparison of two sets of names.  It must not know
what a plan is: which modules are asked about, and how names were renamed, is the caller's business.  Nothing of the
tree is ever imported into this process.

One interpreter imports all modules and reports after each one.  When it dies or hangs, the module that it was at is
the culprit, and a new interpreter goes on with the rest.  Names are described as text without object identity, so that
two trees can be compared in two processes.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from tools.migrate.model import Finding
from tools.migrate.otherpython import Driver, Reads, drive

# Runs in the other interpreter, behind the common beginning: standard library only, nothing newer than 3.8.
_DRIVER = r"""
import importlib, re

def one_line(error):
    try: text = " ".join(str(error).split())
    except BaseException: text = ""
    return type(error).__name__ + (": " + text[:500] if text else "")

if job["names"]:
    import inspect, enum, __future__
    SIMPLE = (int, str, bytes, float, bool, type(None))

    def tidy(text):  # a default may be all of os.environ, which is another one for each run
        for variables in (os.environ, getattr(os, "environb", {})):
            text = text.replace(repr(dict(variables)), "{...}") if variables else text
        text = re.sub(r" at 0x[0-9a-fA-F]+", "", text).replace(job["root"], "<root>")
        return text.replace(job["bytecode"], "<bytecode>")

    def simple(value):
        return type(value) in SIMPLE or type(value) is tuple and all(map(simple, value))

    def full(value):
        return "%s.%s" % (getattr(value, "__module__", None), getattr(value, "__qualname__", type(value).__qualname__))

    def signature(value):
        for options in ({"eval_str": True}, {}):  # annotations are text where evaluating them fails, and before 3.10
            try: return tidy(str(inspect.signature(value, **options)))
            except BaseException: pass
        return "(?)"

    def kind(value):
        if isinstance(value, (staticmethod, classmethod)):
            return "%s %s" % (type(value).__name__, signature(value.__func__))
        if isinstance(value, property): return "property"
        if inspect.ismodule(value): return "module " + value.__name__
        if inspect.isclass(value):
            bases = ", ".join(map(full, value.__bases__))
            return "class %s, bases [%s], called with %s" % (full(value), bases, signature(value))
        if isinstance(value, enum.Enum):
            return "member %s of %s = %s" % (value._name_, full(type(value)), tidy(repr(value._value_)))
        if simple(value): return "%s %s" % (type(value).__name__, tidy(repr(value)))
        if inspect.isroutine(value): return "function %s %s" % (full(value), signature(value))
        return "instance of " + full(type(value))

    def safely(value):
        try: return kind(value)
        except BaseException as error: return "cannot be described: " + one_line(error)

    def describe(module):
        found, listed = {}, getattr(module, "__all__", None)
        listed = list(listed) if isinstance(listed, (list, tuple)) else []
        if hasattr(module, "__all__"): found["__all__"] = "names " + ", ".join(sorted(map(str, listed)))
        for name in dict.fromkeys(list(vars(module)) + listed):
            if not isinstance(name, str) or name.startswith("_") and name not in listed: continue
            try: value = getattr(module, name)
            except BaseException as error:
                found[name] = "cannot be read: " + one_line(error)
                continue
            submodule = inspect.ismodule(value) and value.__name__ == module.__name__ + "." + name
            if type(value) is __future__._Feature or submodule and name not in listed: continue
            found[name] = safely(value)
            if inspect.isclass(value) and value.__module__ == module.__name__ and value.__qualname__ == name:
                for member, thing in list(vars(value).items()):
                    if not member.startswith("_"): found[name + "." + member] = safely(thing)
        return found

loaded = []
for name in job["modules"]:
    tell("start", name)
    try:
        for end in [m.start() for m in re.finditer(r"\.|$", name)]:
            # One by one: what a package loaded before it failed is there without it, and would be found.
            module = importlib.import_module(name[:end])
        loaded.append((name, module))
        tell("done", name, "")
    except BaseException as error:
        tell("done", name, one_line(error))
if job["names"]:
    for name, module in loaded:
        tell("start", name)
        tell("names", name, describe(module))
close()
"""
_VALUES = ("str ", "bytes ", "tuple ", "member ")
_TOKEN = re.compile(r"[^\W\d]\w*(?:[./][^\W\d]\w*)*|[^\w]|\w+")


class _Answer(NamedTuple):
    errors: dict[str, str]
    names: dict[str, dict[str, str]]

    def note(self, messages: Sequence[Sequence[Any]]) -> str:
        """Take in what a driver told; returns the module that it was at."""
        at = ""
        for kind, *rest in messages:
            if kind == "start":
                at = rest[0]
            elif kind == "done":
                self.errors[rest[0]] = rest[1]
            elif kind == "names":
                self.names[rest[0]] = rest[1]
        return at


def import_all(
    python: str,
    root: Path,
    roots: Sequence[str],
    modules: Sequence[str],
    *,
    timeout: float | None,
    bytecode: str | None = None,
    reads: Reads | None = None,
) -> dict[str, str]:
    """For each module '' when `python` can import it, or "ExceptionType: message" in one line.

    `roots` (relative to `root`) come first on sys.path.  `timeout` is in seconds per module.  `bytecode` is a folder
    for the byte code, where the next question finds it; without one it is thrown away.
    """
    return _ask(python, root, roots, modules, timeout, names=False, bytecode=bytecode, reads=reads).errors


def public_names(
    python: str,
    root: Path,
    roots: Sequence[str],
    modules: Sequence[str],
    *,
    timeout: float | None = 60,
    bytecode: str | None = None,
    reads: Reads | None = None,
) -> dict[str, dict[str, str]]:
    """For each module that can be imported, its public names with a description (kind, signature, class, value).

    Methods of the classes that a module defines are listed as "Class.method".  All is asked twice: what differs
    between two runs of the same tree (a start time, a process id, what is made of the environment, which has one
    variable more the second time) is described by its kind only.
    """
    with ExitStack() as stack:
        folder = bytecode or stack.enter_context(_scratch())
        first = _ask(python, root, roots, modules, timeout, names=True, bytecode=folder, reads=reads).names
        second = _ask(
            python, root, roots, modules, timeout, names=True, bytecode=folder, reads=reads, MIGRATE_AGAIN="1"
        ).names  # fmt: skip
        return _settled(first, second, modules)


class Asking:
    """`import_all`, and `public_names` of what can be imported, by interpreters that run while others work.

    Where all modules can be imported, one interpreter answers both.  Names are asked of those that can; `broken` are
    those that are thought not to, so that the others need not wait for the first answer.
    """

    def __init__(
        self,
        python: str,
        root: Path,
        roots: Sequence[str],
        modules: Sequence[str],
        *,
        timeout: float,
        reads: Reads,
        broken: Collection[str] = (),
    ) -> None:
        self._what, self._modules, self._timeout, self._reads = (python, root, roots), modules, timeout, reads
        self._stack = ExitStack()
        self._bytecode = self._stack.enter_context(_scratch())
        self._problems: dict[str, str] | None = None
        self._first = self.last = self._start(modules, None, names=not broken)
        self._named: list[Driver] = []
        if broken:
            self._start_names([m for m in modules if m not in broken], self._first)
        else:
            self.last = self._start(modules, self._first, MIGRATE_AGAIN="1")
            self._sound, self._named = list(modules), [self._first, self.last]

    def __enter__(self) -> Asking:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def go_on(self) -> None:
        """Begin what waits for the first answer, if that is there by now."""
        if self._problems is None and self._first.is_through():
            self._take_problems()

    def answers(self) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        """What `import_all` and `public_names` say."""
        with self._stack:
            if self._problems is None:
                self._take_problems()
            assert self._problems is not None
            said = []
            for driver in self._named:
                messages, end = driver.finish(self._timeout)
                answer = _Answer({}, {})
                answer.note(messages)
                said.append(answer.names)
                if end:  # somebody has to find out what it was that ended it
                    return self._problems, public_names(
                        *self._what, self._sound, timeout=self._timeout, bytecode=self._bytecode, reads=self._reads
                    )
            return self._problems, _settled(said[0], said[1], self._sound)

    def _start(self, modules: Sequence[str], after: Driver | None, *, names: bool = True, **more: str) -> Driver:
        python, root, roots = self._what
        job = {"modules": list(dict.fromkeys(modules)), "names": names}
        return self._stack.enter_context(
            Driver(python, _DRIVER, job, root.resolve(), roots, self._bytecode, more, reads=self._reads, after=after)
        )

    def _start_names(self, sound: Sequence[str], after: Driver | None) -> None:
        first = self._start(sound, after)
        self.last = self._start(sound, first, MIGRATE_AGAIN="1")
        self._sound, self._named = list(sound), [first, self.last]

    def _take_problems(self) -> None:
        messages, end = self._first.finish(self._timeout)
        answer = _Answer({}, {})
        answer.note(messages)
        if end:  # an import, or the names of a module
            self._problems = import_all(
                *self._what, self._modules, timeout=self._timeout, bytecode=self._bytecode, reads=self._reads
            )  # fmt: skip
        else:
            self._problems = {m: answer.errors.get(m, "") for m in self._modules}
        sound = [m for m, problem in self._problems.items() if not problem]
        if sound != self._sound or end:
            for driver in self._named:
                driver.__exit__()
            self._start_names(sound, None)


def _settled(
    first: Mapping[str, Mapping[str, str]], second: Mapping[str, Mapping[str, str]], modules: Sequence[str]
) -> dict[str, dict[str, str]]:
    settled: dict[str, dict[str, str]] = {}
    for module in (m for m in modules if m in first):
        names, again = first[module], second.get(module, {})
        settled[module] = {
            name: text if again.get(name) == text else f"{text.split(' ')[0]} (varies)" for name, text in names.items()
        }
    return settled


def compare_names(
    before: Mapping[str, Mapping[str, str]],
    after: Mapping[str, Mapping[str, str]],
    rename: Callable[[str], str],
) -> list[Finding]:
    """The public names that are gone or different, but for what renaming explains; names that are new are no loss.

    `rename` turns a dotted name of `before` into that of `after` and leaves others alone.
    """
    findings = []
    for module, names in sorted(before.items()):
        here = rename(module)
        there = after.get(here)
        if there is None:
            findings.append(_difference(here, f"module {module} could be imported before, {here} cannot now"))
            continue
        listed = _listed(names)
        for name in sorted(set(listed) - set(_listed(there))):
            findings.append(_difference(here, f"{here}.__all__ lists {name} no longer"))
        for name, text in sorted(names.items()):
            now = there.get(name)
            if name == "__all__":
                continue
            moved_module = text.startswith("module ") and rename(text[7:]) != text[7:]
            if now is None and (name in listed or not moved_module):
                findings.append(_difference(here, f"{module}.{name} is gone", f"before: {text}"))
            elif now is not None and not same_after_rename(text, now, rename, values=text.startswith(_VALUES)):
                findings.append(_difference(here, f"{here}.{name} is not the same", f"before: {text}", f"now: {now}"))
    return findings


def _listed(names: Mapping[str, str]) -> list[str]:
    return names["__all__"].removeprefix("names ").split(", ") if "__all__" in names else []


def same_after_rename(before: str, after: str, rename: Callable[[str], str], *, values: bool = False) -> bool:
    """Whether two descriptions (or pieces of source) differ only in dotted names and paths that `rename` explains.

    In code (not in `values`) the new name may be shortened: text says `protocol.T` after `from libs import protocol`.
    """
    if before == after:
        return True
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    return len(old) == len(new) and all(_same_token(o, n, rename, values) for o, n in zip(old, new, strict=True))


def _same_token(old: str, new: str, rename: Callable[[str], str], values: bool) -> bool:
    if old == new:
        return True
    renamed = rename(old.replace("/", "."))
    if renamed == old.replace("/", ".") or ("/" in old) > ("/" in new):
        return False
    return renamed == new.replace("/", ".") or (not values and renamed.endswith(f".{new}"))


def _difference(module: str, text: str, *readings: str) -> Finding:
    hint = "make the new place offer what the old one did, or say in the plan that the name goes"
    return Finding(module, 0, "public-names", text, readings, hint, severity="error")


def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="migrate-imports-")


def _ask(
    python: str,
    root: Path,
    roots: Sequence[str],
    modules: Sequence[str],
    timeout: float | None,
    *,
    names: bool,
    bytecode: str | None,
    reads: Reads | None = None,
    **more: str,
) -> _Answer:
    answer = _Answer({}, {})
    waiting = list(dict.fromkeys(modules))
    root = root.resolve()
    with ExitStack() as stack:
        folder = bytecode or stack.enter_context(_scratch())
        while waiting:
            job = {"modules": waiting, "names": names}
            messages, end = drive(python, _DRIVER, job, root, roots, folder, timeout, more, reads)
            at = answer.note(messages)
            if end == "":
                break
            # Nothing was reported at all: the interpreter itself is at fault, not a module.
            culprits = [at] if at else waiting
            answer.errors.update(dict.fromkeys(culprits, end))
            failed = {name for name, error in answer.errors.items() if error}
            done = answer.names.keys() | failed if names else answer.errors.keys()
            waiting = [name for name in waiting if name not in done]
    ordered = {name: answer.errors.get(name, "") for name in modules}
    return _Answer(ordered, {name: answer.names[name] for name in modules if name in answer.names})
