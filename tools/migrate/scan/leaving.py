"""Packages that some of their modules leave, and what they say of those without a statement that imports them.

A package may name its submodules in `__all__` or in a table that its `__getattr__` or a lazy loader reads; it may
compute their names from its own; and it may look for them in its folder.  All of that goes on working while a shim
stands at the old place, and then quietly finds less, so it is listed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..layout import Layout, ModuleName
from ..resolve import absolute
from .calls import IMPORTING, words
from .context import Context
from .filepaths import FilePaths
from .flows import is_sys_modules, last_name
from .offsets import Offsets
from .sink import Sink

_SEARCHES = words("iter_modules walk_packages")
_FOLDERS = words("glob rglob iterdir listdir scandir walk iglob")
_SAYING = words("getLogger get_logger getChild print repr str format isinstance")
_EXACT = {"__name__", "__package__"}


def leaving(layout: Layout, package: str) -> list[str]:
    """What moves out of `package`, or away from it where it moves itself: old names, sorted."""
    along = layout.new_module(package) or package
    inside = (old for old in layout.old_names if old.startswith(f"{package}."))
    return sorted(old for old in inside if layout.new_module(old) != along + old[len(package) :])


class Leaving:
    def __init__(
        self, context: Context, sink: Sink, offsets: Offsets, paths: FilePaths, here: ModuleName | None
    ) -> None:
        self.context, self.sink, self.at, self.paths, self.here = context, sink, offsets, paths, here
        self.layout = context.layout
        packages = {old.rpartition(".")[0] for old in self.layout.old_names if "." in old}
        self.left = {p: gone for p in packages if (gone := leaving(self.layout, p))}

    def scan(self) -> None:
        if not self.left:
            return
        for call in self.context.of(ast.Call):
            name = self.context.called(call)
            if name in IMPORTING:
                self._import(call, name)
            if name in _SEARCHES:
                given = [*call.args[:1], *(k.value for k in call.keywords if k.arg == "path")]
                self._search(call, self._package_of_path(given[0]) if given else "")
            elif name in _FOLDERS:
                self._folder(call)
        for entry in self.context.of(ast.Subscript):  # `sys.modules[f"{__name__}.{part}"] = other`
            if is_sys_modules(entry.value):
                self._own(entry, entry.slice)
        if self.here is not None and {self.here.name, self.here.package} & self.left.keys():
            for node in (*self.context.of(ast.BinOp), *self.context.of(ast.JoinedStr)):
                self._spelled(node)
            if self.here.is_package and self.here.name in self.left:
                self._tables(self.here.name)

    # imports

    def _import(self, call: ast.Call, name: str) -> None:
        first = call.args[0] if call.args else None
        if first is None or isinstance(first, ast.Constant):
            if isinstance(first, ast.Constant) and name == "__import__":
                self._level(call, str(first.value))
            return
        if self._own(call, first):
            return  # what begins with a text is looked at by `Dynamic`
        given = [k.value for k in call.keywords if k.arg == "package"] or call.args[1:2]
        package = self._named(given[0]) if given and name != "__import__" else ""
        if package in self.left:
            self._list(call, f"a module that stays in {package}", self.left[package])

    def _own(self, node: ast.expr, text: ast.expr) -> bool:
        """Whether it is known how a text begins that names a module; listed if that is the name of a package."""
        held = self.paths.assigned.behind(text) if isinstance(text, ast.Name) else [text]
        parts = list(self._parts(held[0])) if len(held) == 1 else []
        if any(own for own, _ in filter(None, parts)):
            self._computed(node, parts)
        return bool(parts) and parts[0] is not None

    def _level(self, call: ast.Call, text: str) -> None:
        """`__import__("part", globals(), level=1)`, a relative import by its number of dots."""
        given = [k.value for k in call.keywords if k.arg == "level"] or call.args[4:5]
        level = given[0].value if given and isinstance(given[0], ast.Constant) else 0
        if isinstance(level, int) and level > 0 and self.here is not None:
            module = absolute(text or None, level, self.here.package)
            new = self.layout.new_module(module)
            if new is not None and any(module in gone for gone in self.left.values()):
                self._list(call, f"a module that is found as {module}", [f"{module}, now {new}"])

    def _computed(self, call: ast.expr, parts: list[tuple[bool, str] | None]) -> None:
        """`import_module(f"{__name__}.{part}")`: a name that is computed from that of a package."""
        known = parts.index(None) if None in parts else len(parts)
        text = "".join(part[1] for part in parts[:known] if part is not None)
        if known == len(parts):
            gone = [old for names in self.left.values() for old in names if f"{text}.".startswith(f"{old}.")]
            if gone:
                self._list(call, f"a name below {text.rpartition('.')[0]}", gone)
        elif (package := text.rpartition(".")[0]) in self.left:
            self._list(call, f"a module that stays in {package}", self.left[package])

    def _spelled(self, node: ast.expr) -> None:
        """`getLogger(__package__ + ".part")`: the name of a module that left, put together for something else."""
        outer = self.context.parents.get(node)
        if isinstance(outer, ast.BinOp) or (isinstance(outer, ast.Call) and self.context.called(outer) in IMPORTING):
            return
        parts = list(self._parts(node))
        if None in parts or not any(part and part[0] for part in parts):
            return
        text = "".join(part[1] for part in parts if part)
        gone = [old for names in self.left.values() for old in names if f"{text}.".startswith(f"{old}.")]
        if gone and (new := self.layout.new_module(text)) is not None:
            start, end = self.at.span(node)
            self.sink.list(
                start, "name.computed", self.at.source[start:end], (f"{text}, as it is", f"{text}, now {new}")
            )

    def _parts(self, node: ast.expr) -> Iterator[tuple[bool, str] | None]:
        """The pieces of a computed text: (whether it is a module's own name, text), None for what is not known."""
        match node:
            case ast.Constant(value=str(text)):
                yield False, text
            case ast.JoinedStr(values=values):
                for value in values:
                    yield from self._parts(value)
            case ast.FormattedValue(value=inner):
                yield from self._parts(inner)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                yield from self._parts(left)
                yield from self._parts(right)
            case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod(), right=right):
                values = right.elts if isinstance(right, ast.Tuple) else [right]
                yield from self._filled(text.split("%s"), values)
            case ast.Call(func=ast.Attribute(attr="format", value=ast.Constant(value=str(text))), args=values):
                yield from self._filled(re.split(r"\{\d?\}", text), values)
            case ast.Call(func=ast.Attribute(attr="join", value=ast.Constant(value="."))):
                items = node.args[0] if node.args else None
                values = items.elts if isinstance(items, ast.List | ast.Tuple) else []
                yield from self._filled(["", *["."] * (len(values) - 1), ""], values)
            case _:
                name = self._named(node)
                yield (True, name) if name else None

    def _filled(self, texts: list[str], values: list[ast.expr]) -> Iterator[tuple[bool, str] | None]:
        for number, text in enumerate(texts):
            if text:
                yield False, text
            if number < len(texts) - 1:
                yield from self._parts(values[number]) if number < len(values) else (None,)

    def _named(self, node: ast.expr) -> str:
        """The module or package whose name an expression is."""
        match node:
            case ast.Name(id="__name__") if self.here:
                return self.here.name
            case ast.Name(id="__package__") if self.here:
                return self.here.package
            case ast.Constant(value=str(name)):
                return name
            case ast.Attribute(value=inner, attr="__name__"):
                return self.paths.origins.module(inner)
        return ""

    # searches

    def _package_of_path(self, node: ast.expr) -> str:
        match node:
            case ast.Name(id="__path__") if self.here and self.here.is_package:
                return self.here.name
            case ast.Attribute(value=inner, attr="__path__"):
                return self.paths.origins.module(inner)
        items = node.elts if isinstance(node, ast.List | ast.Tuple) else [node]
        folders = [self.paths.value(item) for item in items]
        return next((p for p in self.left if self._folder_of(p) in folders), "")

    def _folder(self, call: ast.Call) -> None:
        inner = call.func.value if isinstance(call.func, ast.Attribute) else None
        given = call.args[:1] if last_name(call.func) in ("listdir", "scandir", "walk") else [inner] if inner else []
        if last_name(call.func) in ("glob", "iglob") and call.args:
            given += [n for n in ast.walk(call.args[0]) if isinstance(n, ast.Call | ast.Name | ast.Attribute)]
        found = {folder for node in given if node is not None and (folder := self.paths.value(node)) is not None}
        for package in self.left:
            if self._folder_of(package) in found:
                self._search(call, package)
                return

    def _folder_of(self, package: str) -> str:
        index = self.context.resolver.index
        path = index.files.get(self.layout.current_module(package), "")
        return path.rpartition("/")[0] or package.replace(".", "/")

    def _search(self, call: ast.Call, package: str) -> None:
        if package not in self.left:
            return
        start, end = self.at.span(call)
        gone = ", ".join(self.left[package])
        readings = (f"it need not find {gone}", "it must look elsewhere as well")
        hint = f"the folder of {package} is without it after the move"
        self.sink.list(start, "import.discovered", self.at.source[start:end], readings, hint)

    # texts

    def _tables(self, package: str) -> None:
        """Names of submodules in `__all__`, or in what a lazy package looks them up in."""
        lazy = any(getattr(n, "name", "") == "__getattr__" for n in self.context.of(ast.FunctionDef))
        lazy = lazy or any(self._hands_on_its_name(call) for call in self.context.of(ast.Call))
        index = self.context.resolver.index
        for node in self.context.of(ast.Constant):
            if not isinstance(node.value, str) or not node.value:
                continue
            word = node.value.lstrip(".")
            old = next((o for o in self.left[package] if f"{package}.{word}.".startswith(f"{o}.")), "")
            exported = old and self._exported(node)
            if not old or not (lazy or exported) or (exported and index.binds(package, word)):
                continue
            if self._settled(node):
                continue
            readings = (f"the module {old}, now {self.layout.new_module(old)}", "a word of its own")
            certain = exported or node.value != word
            hint = "write what finds it at its new place"
            self.sink.list(
                self.at.start(node), "import.table", node.value, readings, hint, "error" if certain else "warning"
            )

    def _hands_on_its_name(self, call: ast.Call) -> bool:
        values = [*call.args, *(k.value for k in call.keywords)]
        own = any(isinstance(v, ast.Name) and v.id in _EXACT for v in values)
        return own and self.context.called(call) not in _SAYING

    def _settled(self, node: ast.Constant) -> bool:
        """Whether the text is looked at elsewhere: a name that is imported, a docstring, a part of a path."""
        parent = self.context.parents.get(node)
        if isinstance(parent, ast.Expr) or self.sink.covered(*self.at.span(node)):
            return True
        return isinstance(parent, ast.Call) and self.context.called(parent) in IMPORTING and node in parent.args[:1]

    def _exported(self, node: ast.AST) -> bool:
        parent = self.context.parents.get(node)
        while isinstance(parent, ast.List | ast.Tuple | ast.BinOp):
            parent = self.context.parents.get(parent)
        targets = parent.targets if isinstance(parent, ast.Assign) else [getattr(parent, "target", parent)]
        return any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets)

    def _list(self, call: ast.expr, stays: str, gone: list[str]) -> None:
        start, end = self.at.span(call)
        readings = (stays, f"one that leaves it: {', '.join(gone)}")
        hint = "a computed name: change what computes it, or this call"
        self.sink.list(start, "import.computed", self.at.source[start:end], readings, hint, "error")
