"""Parts of a module's own name: `__name__.split(".")[0]`, `pkg.__name__.count(".")`.

Such a part means something else once the module has more parts above it, or others.  What it is before and after the
move is computed; where the two are not the same thing, the place is listed, because only a person knows what it is for.

A distribution does not get another name with its package: `version(__name__)` asked for one that was called like the
package, and goes on asking for that.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from ..layout import ModuleName
from .calls import DISTRIBUTION_CALLS
from .context import Context
from .distributions import merged_names, normal
from .offsets import Offsets
from .origins import Assigned, Origins
from .sink import Sink

_SIGN = re.compile(r"__(?:name|package|module)__")
_SLICED = re.compile(rb"__(?:name|package|module)__\[-?\d*:")
_METADATA = re.compile(r"\bimportlib[._]metadata\b|\bfrom importlib import\b[^\n]*\bmetadata\b|\bpkg_resources\b")
_CUTS = ("split", "rsplit", "partition", "rpartition")
_ASKS = ("removeprefix", "removesuffix", "replace", "startswith", "endswith")


def may_cut(data: bytes) -> bool:
    """Whether a file that does not name what moves may cut names of modules by their length."""
    return b"__[" in data and _SLICED.search(data) is not None


class NameParts:
    def __init__(
        self,
        context: Context,
        sink: Sink,
        offsets: Offsets,
        origins: Origins,
        assigned: Assigned,
        here: ModuleName | None,
    ) -> None:
        self.context, self.sink, self.at = context, sink, offsets
        self.origins, self.assigned, self.here = origins, assigned, here
        self.cut: set[int] = set()  # what is settled as the name of a distribution

    def scan(self) -> None:
        if self.context.layout.moved or not _SIGN.search(self.at.source):
            return
        for part in self.context.of(ast.Subscript):
            self._sliced(part)
        metadata = bool(_METADATA.search(self.at.source))
        for call in self.context.of(ast.Call):
            if metadata and self.context.called(call) in DISTRIBUTION_CALLS:
                for node in [*call.args[:1], *(k.value for k in call.keywords if k.arg == "distribution_name")]:
                    self._distribution(node)
            if (
                id(call) not in self.cut
                and isinstance(call.func, ast.Attribute)
                and call.func.attr in (*_CUTS, *_ASKS, "count")
            ):
                name = self._name(call.func.value, 0)
                arguments = [a.value for a in call.args if isinstance(a, ast.Constant)]
                if call.func.attr in _ASKS and name and arguments and len(arguments) == len(call.args):
                    self._asked(call, call.func.attr, arguments, name)
                elif name and arguments[:1] == ["."] and len(arguments) == len(call.args):
                    self._cut(call, call.func.attr, arguments, name)

    def _name(self, node: ast.expr, depth: int) -> str:
        """The name of a module of the tree that an expression holds, as it is before the move."""
        match node:
            case ast.Name(id="__name__"):
                return self.here.name if self.here else ""
            case ast.Name(id="__package__"):
                return self.here.package if self.here else ""
            case ast.Attribute(value=inner, attr="__name__"):
                return self.origins.module(inner)
            case ast.Attribute(value=ast.Name(id="self" | "cls") | ast.Attribute(attr="__class__"), attr="__module__"):
                return self.here.name if self.here else ""
            case ast.Attribute(value=ast.Call(func=ast.Name(id="type")), attr="__module__"):
                return self.here.name if self.here else ""
            case ast.Attribute(value=inner, attr="__package__"):
                module = self.origins.module(inner)
                return module if module in self.context.resolver.index.packages else module.rpartition(".")[0]
            case ast.Name():
                values = self.assigned.behind(node) if depth < 4 else []
                return self._name(values[0], depth + 1) if len(values) == 1 else ""
            case ast.BoolOp(op=ast.Or(), values=[first, *_]):
                return self._name(first, depth + 1)
        return ""

    def _distribution(self, node: ast.expr) -> None:
        """The argument of `importlib.metadata.version` and its like, where that is what the moved code is called."""
        match node:
            case ast.Subscript(value=ast.Call(func=ast.Attribute(value=inner, attr=method), args=args) as cut) if (
                method in _CUTS
            ):
                arguments = [a.value for a in args if isinstance(a, ast.Constant)]
                name, index = self._name(inner, 0), _index(node.slice)
                if not name or index is None or arguments[:1] != ["."] or len(arguments) != len(args):
                    return
                old = ".".join(_part(name, method, arguments, index))
                self.cut.add(id(cut))
            case _:
                name = old = self._name(node, 0)
        new = self.context.layout.new_module(name) if name else None
        if not old or new is None or new == name:
            return
        distribution = merged_names(self.context.layout).get(normal(old), old)
        start, end = self.at.span(node)
        outer = self.context.parents.get(node)
        while outer is not None and not isinstance(outer, ast.JoinedStr | ast.stmt):
            outer = self.context.parents.get(outer)
        if isinstance(outer, ast.JoinedStr):  # where it stands in there is not known before Python 3.12
            readings = (f"{distribution!r}, the distribution", f"{new}, which it will be")
            self.sink.list(self.at.start(outer), "string.distribution", ast.unparse(node), readings, severity="error")
            return
        reason = f"the distribution is not called {new}, as the package is now"
        self.sink.edit(start, end, f'"{distribution}"', stage=3, rule="string.distribution", reason=reason)

    def _sliced(self, node: ast.Subscript) -> None:
        """`__name__[4:]`: a part of the name by its length, of which another part stands there afterwards."""
        index = _index(node.slice)
        if not isinstance(index, slice):
            return
        name = self._name(node.value, 0)
        if name and self.context.layout.new_module(name):
            self._compared(node, name, name[index], (self.context.layout.new_module(name) or name)[index])
        elif isinstance(node.value, ast.Attribute) and node.value.attr in ("__module__", "__name__" * (not name)):
            # Of whatever module: it matters if so many characters are the parents of one that moves.
            for old in self.context.layout.old_names:
                parents = [m.end() for m in re.finditer(r"\.", f"{old}.")]  # lengths of their names, with a dot
                new = self.context.layout.new_module(old) or old
                whole = index.step is None and index.stop is None and index.start in parents
                if whole and f"{old}."[index] != f"{new}."[index]:
                    self._compared(node, old, old[index], new[index])
                    return

    def _asked(self, call: ast.Call, method: str, arguments: Sequence[object], name: str) -> None:
        """`__name__.removeprefix("pkg.")`: what a text that stays makes of the new name."""
        new = self.context.layout.new_module(name)
        if new is None or any(self.sink.covered(*self.at.span(a)) for a in call.args):
            return
        try:
            before, after = (getattr(n, method)(*arguments) for n in (name, new))
        except TypeError:
            return
        self._compared(call, name, before, after)

    def _compared(self, node: ast.expr, name: str, before: object, after: object) -> None:
        """List a part of a name that is neither the same afterwards nor the new name of what it was."""
        layout = self.context.layout
        expected = (layout.new_module(before) or before) if isinstance(before, str) else before
        if expected == after or (isinstance(before, str) and before.strip(".") == str(after).strip(".")):
            return
        start, end = self.at.span(node)
        readings = (f"{after}, which it will be", f"{before}, as it is")
        hint = f"{name} becomes {layout.new_module(name)}"
        self.sink.list(start, "name.part", self.at.source[start:end], readings, hint)

    def _cut(self, call: ast.Call, method: str, arguments: Sequence[object], name: str) -> None:
        new = self.context.layout.new_module(name)
        if new is None or new == name:
            return
        outer = self.context.parents.get(call)
        if method == "count":
            parts, later = [str(name.count("."))], [str(new.count("."))]
            whole: ast.expr = call
        elif isinstance(outer, ast.Subscript) and outer.value is call:
            whole, index = outer, _index(outer.slice)
            if index is None:
                return
            parts, later = _part(name, method, arguments, index), _part(new, method, arguments, index)
        elif isinstance(outer, ast.Call) and getattr(outer.func, "id", "") == "len":
            whole, parts, later = outer, [str(name.count(".") + 1)], [str(new.count(".") + 1)]
        elif isinstance(outer, ast.Assign) and isinstance(outer.targets[0], ast.Tuple | ast.List):
            self._taken_apart(call, outer.targets[0].elts, *(getattr(n, method)(*arguments) for n in (name, new)))
            return
        else:
            return
        before, after = ".".join(parts), ".".join(later)
        if before == after or (self.context.layout.new_module(before) or before) == after:
            return
        start, end = self.at.span(whole)
        readings = (f"{after}, which it will be", f"{self.context.layout.new_module(before) or before}")
        hint = f"it is {before} today, as {name} becomes {new}"
        self.sink.list(start, "name.part", self.at.source[start:end], readings, hint)

    def _taken_apart(
        self, call: ast.expr, targets: Sequence[ast.expr], parts: Sequence[str], later: Sequence[str]
    ) -> None:
        """`top, sub = __name__.split(".")`: as many parts as there were, and each of them the same thing."""
        if any(isinstance(t, ast.Starred) for t in targets):
            return
        new_name = self.context.layout.new_module
        used = [n for n, t in enumerate(targets) if not (isinstance(t, ast.Name) and t.id == "_")]
        if len(parts) == len(later) and all(later[n] in (parts[n], new_name(parts[n])) for n in used if n < len(parts)):
            return
        start, end = self.at.span(call)
        readings = (f"{', '.join(later)}, which it will be", f"{', '.join(parts)}, as it is")
        self.sink.list(start, "name.part", self.at.source[start:end], readings, "", "warning")


def _index(node: ast.expr) -> int | slice | None:
    """A constant index or slice."""
    try:
        if isinstance(node, ast.Slice):
            low, high, step = (None if n is None else ast.literal_eval(n) for n in (node.lower, node.upper, node.step))
            return slice(low, high, step)
        value = ast.literal_eval(node)
    except (ValueError, TypeError):
        return None
    return value if isinstance(value, int) else None


def _part(name: str, method: str, arguments: Sequence[object], index: int | slice) -> list[str]:
    try:
        found = getattr(name, method)(*arguments)[index]
    except (IndexError, TypeError, ValueError):
        return []
    return [found] if isinstance(found, str) else list(found)
