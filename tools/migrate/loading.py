"""What a first import does, by reading alone: which modules it loads in which order, and where that goes in a circle.

Owns: following the statements that run at import, in their order, as Python does: parents first, each module once, and
one that is still being loaded has only the names that were bound so far.  Must not know: plans, or why anybody asks.

Attributes of modules that are read on the way (`class A(base.Base)`) count like names that are imported.  Code in
functions is not followed, and what cannot be known is taken to succeed: what is not in the tree, names that no
statement of a module binds.  So what is found here is a circle; that nothing is found proves nothing.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

from .evaluated import Chain, chains
from .resolve import absolute, names_bound, top_level

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_ALL = {"Exception", "BaseException"}
_ERRORS = frozenset({"ImportError", "AttributeError"})  # what an import raises that finds no name, and what a read does


@dataclass(frozen=True, slots=True)
class Source:
    """A module as it would be loaded: its statements, and the package against which its relative imports count."""

    body: tuple[ast.stmt, ...] = ()
    package: str = ""


@dataclass(frozen=True, slots=True)
class Circle:
    """`holder` takes at `line` the `name` from `module`, which is being loaded and has not bound it yet."""

    holder: str
    line: int
    module: str
    name: str


class _Failed(Exception):
    def __init__(self, circle: Circle, error: str) -> None:
        self.circle, self.error = circle, error


@dataclass(slots=True)
class _Import:
    """`import dotted`, or `from dotted import names`; `binds` are the names that it gives to its module."""

    dotted: str
    line: int
    names: tuple[str, ...] = ()
    binds: tuple[str, ...] = ()
    whole: bool = False  # `import dotted as name`, which binds the module itself


@dataclass(slots=True)
class _Read:
    """A name and attributes of it, evaluated at that line."""

    chain: Chain
    line: int


@dataclass(slots=True)
class _Try:
    body: list[_Step]
    handlers: list[_Step]
    caught: frozenset[str]  # the errors that lead to the handlers
    rest: list[_Step]


_Step = _Import | _Read | _Try | frozenset[str]  # the last: names that are bound without loading anything


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
    held: dict[str, dict[str, str]] = field(default_factory=dict)  # by module, its names that are modules of the tree
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
        self.held.pop(name, None)
        try:
            self.run(name, module.steps)
        except _Failed:
            del self.bound[name]  # somebody who catches it may try again
            raise
        self.done.add(name)
        if parent in self.bound:
            self.bound[parent].add(leaf)
            self.held.setdefault(parent, {})[leaf] = name

    def run(self, name: str, steps: Iterable[_Step]) -> None:
        for step in steps:
            if isinstance(step, frozenset):
                self.bound[name] |= step
                for lost in self.held.get(name, {}).keys() & step:
                    del self.held[name][lost]
            elif isinstance(step, _Try):
                self._try(name, step)
            elif isinstance(step, _Read):
                self._read(name, step)
            else:
                self.load(step.dotted)
                if not step.names:
                    self.load(step.dotted.partition(".")[0])  # which is what `import` binds
                for wanted in step.names:
                    self._take(name, step, wanted)
                self._hold(name, step)
                self.bound[name].update(step.binds)

    def _try(self, name: str, step: _Try) -> None:
        try:
            self.run(name, step.body)
        except _Failed as failed:
            if failed.error not in step.caught:
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
            raise _Failed(Circle(holder, step.line, step.dotted, wanted), "ImportError")

    def _hold(self, holder: str, step: _Import) -> None:
        """Note which of the names that are bound now are modules."""
        for name in step.binds:
            if not step.names:
                module: str | None = step.dotted if step.whole else step.dotted.partition(".")[0]
            else:
                module = self._attribute(step.dotted, step.names[0])
            if module is not None and module in self.bound:
                self.held.setdefault(holder, {})[name] = module
            else:
                self.held.get(holder, {}).pop(name, None)

    def _attribute(self, module: str, name: str) -> str | None:
        """The module that a name of a module is; one that is being loaded is no attribute of its package yet."""
        if name in self.bound.get(module, ()):
            return self.held.get(module, {}).get(name)
        return f"{module}.{name}"

    def _read(self, holder: str, step: _Read) -> None:
        module = self.held.get(holder, {}).get(step.chain[0])
        for name in step.chain[1:]:
            if module is None or (known := self.modules[module]) is None or module not in self.bound:
                return
            names, below = self.bound[module], f"{module}.{name}"
            if name not in names and "__getattr__" not in names:
                is_early = name in known.names and module not in self.done and self.modules[below] is None
                if is_early or (below in self.bound and below not in self.done):
                    raise _Failed(Circle(holder, step.line, module, name), "AttributeError")
                return
            module = self._attribute(module, name)


# from statements to steps


def _module(source: Source) -> _Module:
    names, imported, later = set[str](), set[str](), sys.version_info >= (3, 14)  # annotations, see PEP 649
    for node in top_level(source.body):
        names.update(names_bound(node))
        if isinstance(node, ast.Import | ast.ImportFrom):
            imported.update(names_bound(node))
            later |= isinstance(node, ast.ImportFrom) and node.module == "__future__" and "annotations" in imported
    steps = _steps(source.body, source.package, _Reads(imported, not later))
    return _Module(_joined(steps), frozenset(names))


@dataclass(frozen=True, slots=True)
class _Reads:
    """Which chains are of use: those that begin with a name that is imported."""

    names: Collection[str]
    annotations: bool

    def of(self, node: ast.stmt) -> Iterator[_Step]:
        for chain, line in chains(node, annotations=self.annotations) if self.names else ():
            if len(chain) > 1 and chain[0] in self.names:
                yield _Read(chain, line)

    def without(self, body: Iterable[ast.stmt]) -> _Reads:
        """For a class, whose own names hide those of its module."""
        own = {name for node in top_level(body) for name in names_bound(node)} if self.names else set[str]()
        return replace(self, names=frozenset(self.names) - own)


_NO_READS = _Reads((), annotations=False)


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
            case _Read():
                yield step
            case _Try(body=body, handlers=handlers, rest=rest):
                body, handlers, rest = (list(_without_names(part)) for part in (body, handlers, rest))
                yield _Try(body, handlers, step.caught, rest)
            case _:
                pass


def _steps(body: Iterable[ast.stmt], package: str, reads: _Reads) -> Iterator[_Step]:
    for node in body:
        yield from reads.of(node)
        match node:
            case ast.Import(names=aliases):
                for alias in aliases:
                    bound = alias.asname or alias.name.partition(".")[0]
                    yield _Import(alias.name, node.lineno, binds=(bound,), whole=alias.asname is not None)
            case ast.ImportFrom(module=module, level=level, names=aliases):
                dotted = absolute(module, level, package)
                for alias in aliases if dotted else ():
                    binds = () if alias.name == "*" else (alias.asname or alias.name,)
                    yield _Import(dotted, node.lineno, (alias.name,), binds)
            case ast.ClassDef(body=inner):
                yield from _without_names(_steps(inner, package, reads.without(inner)))
                yield frozenset({node.name})
            case ast.Try() | ast.TryStar():
                handlers = [s for h in node.handlers for s in _steps(h.body, package, reads)]
                rest = [*_steps(node.orelse, package, reads), *_steps(node.finalbody, package, reads)]
                caught = frozenset[str]().union(*(_catches(h.type) for h in node.handlers))
                yield _Try(_joined(_steps(node.body, package, reads)), _joined(handlers), caught, _joined(rest))
            case ast.If(test=ast.Constant(value=value), body=inner, orelse=other):
                yield from _steps(inner if value else other, package, reads)
            case ast.If(test=test, body=inner, orelse=other):
                if _is_never(test):
                    yield from _steps(other, package, reads)
                else:  # of one system or version, perhaps not of this one
                    yield frozenset(n for each in top_level([*inner, *other]) for n in names_bound(each))
            case _:
                yield frozenset(names_bound(node))
                if not isinstance(node, _FUNCTIONS):
                    inside = reads if isinstance(node, ast.With) else _NO_READS  # a loop may have no turn
                    yield from _steps(getattr(node, "body", ()), package, inside)
                    yield from _steps(getattr(node, "orelse", ()), package, inside)
                    for case in getattr(node, "cases", ()):
                        yield from _steps(case.body, package, inside)


def _catches(kind: ast.expr | None) -> frozenset[str]:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    names = {k.id for k in kinds if isinstance(k, ast.Name)}
    return _ERRORS if kind is None or names & _ALL else _ERRORS & names


def _is_never(test: ast.expr) -> bool:
    """Whether the condition is one that no import meets: for type checkers, or for a program's own file."""
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    main = isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"
    return name == "TYPE_CHECKING" or main


__all__ = ["Circle", "Modules", "Source"]
