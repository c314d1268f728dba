"""What a first import does, by reading alone: which modules it loads in which order, and where that goes in a circle.

Owns: following the statements that run at import, in their order, as Python does: parents first, each module once, and
one that is still being loaded has only the names that were bound so far.  Must not know: plans, or why anybody asks.

Code in functions is not followed, and what cannot be known is taken to succeed: what is not in the tree, names that no
statement of a module binds.  So what is found here is a circle; that nothing is found proves nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

from .resolve import absolute, names_bound, top_level

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_CAUGHT = {"ImportError", "Exception", "BaseException"}


@dataclass(frozen=True, slots=True)
class Source:
    """A module as it would be loaded: its statements, and the package against which its relative imports count."""

    body: tuple[ast.stmt, ...] = ()
    package: str = ""


@dataclass(frozen=True, slots=True)
class Circle:
    """`holder` imports at `line` the `name` from `module`, which is being loaded and has not bound it yet."""

    holder: str
    line: int
    module: str
    name: str


class _Failed(Exception):
    def __init__(self, circle: Circle) -> None:
        self.circle = circle


@dataclass(slots=True)
class _Import:
    """`import dotted`, or `from dotted import names`; `binds` are the names that it gives to its module."""

    dotted: str
    line: int
    names: tuple[str, ...] = ()
    binds: tuple[str, ...] = ()


@dataclass(slots=True)
class _Try:
    body: list[_Step]
    handlers: list[_Step]
    caught: bool  # whether a failing import leads to the handlers
    rest: list[_Step]


_Step = _Import | _Try | frozenset[str]  # the last: names that are bound without loading anything


@dataclass(slots=True)
class _Module:
    steps: list[_Step]
    names: frozenset[str]  # all that its statements bind, sooner or later


class Modules:
    """The modules of one tree.  `source` gives one by its name, None for what is not in the tree.

    Those that `same` says are the same in `other` are taken from there, so that they are read once.
    """

    def __init__(
        self,
        source: Callable[[str], Source | None],
        other: Modules | None = None,
        same: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._source, self._other, self._same = source, other, same
        self._known: dict[str, _Module | None] = {}

    def __getitem__(self, name: str) -> _Module | None:
        if name not in self._known:
            if self._other is not None and self._same(name):
                self._known[name] = self._other[name]
            else:
                source = self._source(name)
                self._known[name] = None if source is None else _module(source)
        return self._known[name]

    def loaded(self, name: str) -> Circle | Collection[str]:
        """All that has been loaded when this module is the first import of a program; or where that would fail."""
        run = _Run(self)
        try:
            run.load(name)
        except _Failed as failed:
            return failed.circle
        except RecursionError:  # longer chains than Python itself would load from here
            pass
        return run.bound


@dataclass(slots=True)
class _Run:
    modules: Modules
    bound: dict[str, set[str]] = field(default_factory=dict)  # by module, so far
    done: set[str] = field(default_factory=set)

    def load(self, name: str) -> None:
        """Import a module, after its parents; what is there already is not asked for them."""
        parent, _, leaf = name.rpartition(".")
        if name not in self.bound and parent:
            self.load(parent)
        module = self.modules[name]
        if name in self.bound or module is None or (parent and parent not in self.bound):
            return
        self.bound[name] = set()
        try:
            self.run(name, module.steps)
        except _Failed:
            del self.bound[name]  # somebody who catches it may try again
            raise
        self.done.add(name)
        self.bound.get(parent, set()).add(leaf)

    def run(self, name: str, steps: Iterable[_Step]) -> None:
        for step in steps:
            if isinstance(step, frozenset):
                self.bound[name] |= step
            elif isinstance(step, _Try):
                self._try(name, step)
            else:
                self.load(step.dotted)
                if not step.names:
                    self.load(step.dotted.partition(".")[0])  # which is what `import` binds
                for wanted in step.names:
                    self._take(name, step, wanted)
                self.bound[name].update(step.binds)

    def _try(self, name: str, step: _Try) -> None:
        try:
            self.run(name, step.body)
        except _Failed:
            if not step.caught:
                raise
            self.run(name, step.handlers)
        self.run(name, step.rest)

    def _take(self, holder: str, step: _Import, wanted: str) -> None:
        names = self.bound.get(step.dotted)
        if wanted == "*":
            self.bound[holder] |= names or set()
            return
        if names is None or wanted in names:
            return
        module = self.modules[step.dotted]
        is_known = step.dotted not in self.done and "__getattr__" not in names
        if self.modules[f"{step.dotted}.{wanted}"] is not None:
            self.load(f"{step.dotted}.{wanted}")
        elif is_known and module is not None and wanted in module.names:
            raise _Failed(Circle(holder, step.line, step.dotted, wanted))


# from statements to steps


def _module(source: Source) -> _Module:
    names = {name for node in top_level(source.body) for name in names_bound(node)}
    return _Module(_joined(_steps(source.body, source.package)), frozenset(names))


def _joined(steps: Iterable[_Step]) -> list[_Step]:
    """Names that are bound one after the other as one step, for most statements of a module do nothing else."""
    out: list[_Step] = []
    for step in steps:
        if isinstance(step, frozenset) and out and isinstance(out[-1], frozenset):
            out[-1] |= step
        elif step != frozenset():
            out.append(step)
    return out


def _without_names(steps: Iterable[_Step]) -> Iterator[_Step]:
    """The same in the body of a class, whose names are not the module's."""
    for step in steps:
        match step:
            case _Import():
                yield replace(step, binds=())
            case _Try(body=body, handlers=handlers, rest=rest):
                body, handlers, rest = (list(_without_names(part)) for part in (body, handlers, rest))
                yield _Try(body, handlers, step.caught, rest)
            case _:
                pass


def _steps(body: Iterable[ast.stmt], package: str) -> Iterator[_Step]:
    for node in body:
        match node:
            case ast.Import(names=aliases):
                for alias in aliases:
                    bound = alias.asname or alias.name.partition(".")[0]
                    yield _Import(alias.name, node.lineno, binds=(bound,))
            case ast.ImportFrom(module=module, level=level, names=aliases):
                dotted = absolute(module, level, package)
                for alias in aliases if dotted else ():
                    binds = () if alias.name == "*" else (alias.asname or alias.name,)
                    yield _Import(dotted, node.lineno, (alias.name,), binds)
            case ast.ClassDef(body=inner):
                yield from _without_names(_steps(inner, package))
                yield frozenset({node.name})
            case ast.Try() | ast.TryStar():
                handlers = [s for h in node.handlers for s in _steps(h.body, package)]
                rest = [*_steps(node.orelse, package), *_steps(node.finalbody, package)]
                caught = any(_catches(h.type) for h in node.handlers)
                yield _Try(_joined(_steps(node.body, package)), _joined(handlers), caught, _joined(rest))
            case ast.If(test=ast.Constant(value=value), body=inner, orelse=other):
                yield from _steps(inner if value else other, package)
            case ast.If(test=test, body=inner, orelse=other):
                if _is_never(test):
                    yield from _steps(other, package)
                else:  # of one system or version, perhaps not of this one
                    yield frozenset(n for each in top_level([*inner, *other]) for n in names_bound(each))
            case _:
                yield frozenset(names_bound(node))
                if not isinstance(node, _FUNCTIONS):
                    yield from _steps(getattr(node, "body", ()), package)
                    yield from _steps(getattr(node, "orelse", ()), package)
                    for case in getattr(node, "cases", ()):
                        yield from _steps(case.body, package)


def _catches(kind: ast.expr | None) -> bool:
    if kind is None:
        return True
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(isinstance(k, ast.Name) and k.id in _CAUGHT for k in kinds)


def _is_never(test: ast.expr) -> bool:
    """Whether the condition is one that no import meets: for type checkers, or for a program's own file."""
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    main = isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"
    return name == "TYPE_CHECKING" or main


__all__ = ["Circle", "Modules", "Source"]
