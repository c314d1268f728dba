"""What a dotted name means, found without importing anything.

`Index` maps module names to files of one tree and knows each module's top-level names (definitions, imports, star
imports followed, `__all__`).  `Resolver.resolve` answers for names as they were before the move: a module, a name in a
module, a member of a class, something that is only known at run time ("dynamic"), or nothing ("missing").  An extension
module is known by the manifest that builds it; what it holds is "dynamic".  Members that
a class inherits are asked of rope, one question at a time, because one odd file must not end the run.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import re
import warnings
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Literal

from .layout import Layout
from .syntax import nodes_of, parse
from .tree import Tree

Kind = Literal["module", "name", "member", "dynamic", "missing"]
_MODULE_ATTRIBUTES = {f"__{n}__" for n in ("file", "name", "doc", "path", "spec", "loader", "package", "dict")}

EVERYTHING = "*"  # among the modules that were asked for: rope looked, and it may have read every file
COMPUTED = " "  # behind a base class that is more than one plain name


@dataclass(frozen=True, slots=True)
class Resolution:
    kind: Kind
    module: str = ""  # the longest prefix that is a module, as named in this tree

    @property
    def found(self) -> bool:
        return self.kind not in ("missing", "dynamic")


@dataclass(frozen=True, slots=True)
class ClassShape:
    """What is asked of a class: the names bound anywhere in it, and its bases, dotted ("" for a computed one)."""

    members: frozenset[str]
    bases: tuple[str, ...]
    derived: bool


@dataclass(slots=True)
class ModuleNames:
    """The top-level names of one module: name -> dotted origin for imports, None for what is defined here."""

    names: dict[str, str | None] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    classes: dict[str, ClassShape] = field(default_factory=dict)
    exported: tuple[str, ...] | None = None
    dynamic: bool = False
    parsed: bool = True


_EXTENSION = re.compile(r"\bExtension\(\s*(?:name\s*=\s*)?[\"']([\w.]+)[\"']")
_BUILDS = re.compile(r"\w*(?:setup|build)\w*\.py")  # `setup.py`, what it imports, and scripts of back ends
_EXTENSION_TABLE = re.compile(
    r"^\[\[tool\.setuptools\.ext-modules\]\](?:\r?\n(?!\[).*)*?\r?\nname\s*=\s*[\"']([\w.]+)", re.M
)


class Index:
    """Module name -> file for one tree, and the names of each module, parsed when first asked for."""

    def __init__(self, layout: Layout) -> None:
        self.tree: Tree = layout.tree
        self.files: dict[str, str] = {}
        self.packages: set[str] = set()
        self.known: dict[str, ModuleNames] = {}
        self.asked: set[str] | None = None  # who wants to know collects the modules here whose names were asked for
        cython = (layout.module_of(f"{path[:-4]}.py") for path in self.tree if path.endswith(".pyx"))
        self.compiled = compiled_modules(self.tree) | {module.name for module in cython if module}
        for path in self.tree:
            module = layout.module_of(path)
            if module is None:
                continue
            if path.endswith(".py") or module.name not in self.files:
                self.files[module.name] = path
            parent = module.name if module.is_package else module.name.rpartition(".")[0]
            while parent and parent not in self.packages:
                self.packages.add(parent)
                parent = parent.rpartition(".")[0]
        for second, move in layout.aliases.items():
            first = move.target if layout.moved else move.source
            for name, path in list(self.files.items()):
                if name == first or name.startswith(first + "."):
                    self.files.setdefault(second + name[len(first) :], path)
            self.packages.update(
                second + p[len(first) :] for p in list(self.packages) if p == first or p.startswith(first + ".")
            )
            parents = second.split(".")[:-1]
            self.packages.update(".".join(parents[: n + 1]) for n in range(len(parents)))

    def is_module(self, name: str) -> bool:
        return name in self.files or name in self.packages or name in self.compiled

    def names(self, module: str) -> ModuleNames:
        if self.asked is not None:
            self.asked.add(module)
        if module in self.compiled and module not in self.files:
            return ModuleNames(dynamic=True)
        if module not in self.known:
            path = self.files.get(module)
            text = self.tree.text(path) if path else None
            self.known[module] = parse_names(text.body, module, module in self.packages) if text else ModuleNames()
        return self.known[module]

    def definition(self, module: str, name: str) -> ast.ClassDef:
        """The syntax tree of a class that `names(module).classes` holds."""
        text = self.tree.text(self.files[module])
        tree = parse(text.body) if text else None
        assert tree is not None
        return [n for n in top_level(tree.body) if isinstance(n, ast.ClassDef) and n.name == name][-1]

    def binds(self, module: str, name: str, _seen: frozenset[str] = frozenset()) -> bool:
        """Whether the module's own code binds `name` (its submodules are another question)."""
        found = self.names(module)
        if name in found.names or name in _MODULE_ATTRIBUTES:
            return True
        return any(
            star not in _seen and self.is_module(star) and self.binds(star, name, _seen | {module})
            for star in found.stars
        )


def compiled_modules(tree: Tree) -> frozenset[str]:
    """Extension modules that manifests and build scripts make: without a Python file, their names are unknown."""
    out: set[str] = set()
    for path in tree:
        base = path.rpartition("/")[2]
        rule = _EXTENSION if _BUILDS.fullmatch(base) else _EXTENSION_TABLE if base == "pyproject.toml" else None
        text = tree.text(path) if rule else None
        if rule and text and "xt" in text.body:
            out.update(rule.findall(text.body))
    return frozenset(out)


class Resolver:
    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.index = Index(layout)
        self._rope: _Rope | None = None

    def resolve(self, name: str) -> Resolution:
        """What the dotted `name`, written before the move, names."""
        return self._resolve(self.layout.current_module(name), 0)

    def is_module(self, name: str) -> bool:
        return self.index.is_module(self.layout.current_module(name))

    def submodule(self, package: str, name: str) -> bool:
        """Whether `from package import name` gives the submodule, not an attribute that hides it."""
        current = self.layout.current_module(package)
        full = self.layout.current_module(f"{package}.{name}")
        if not self.index.is_module(full):
            return False
        names = self.index.names(current)
        if name not in names.names:
            return True
        origin = names.names[name]
        return origin in (full, f"{package}.{name}", f"{current}.{name}")

    def _resolve(self, name: str, depth: int) -> Resolution:
        parts = name.split(".")
        cut = len(parts)
        while cut and not self.index.is_module(".".join(parts[:cut])):
            cut -= 1
        module, rest = ".".join(parts[:cut]), parts[cut:]
        if not cut:
            return Resolution("missing")
        if not rest:
            return Resolution("module", module)
        names = self.index.names(module)
        first = rest[0]
        if not names.parsed:
            return Resolution("dynamic", module)
        if not self.index.binds(module, first):
            if names.dynamic or any(not self.index.is_module(s) for s in names.stars):
                return Resolution("dynamic", module)
            return Resolution("missing", module)
        if len(rest) == 1:
            return Resolution("name", module)
        origin = names.names.get(first)
        if first in names.classes:
            return Resolution(self._member(module, first, rest[1:]), module)
        if origin and depth < 8:
            onward = self.layout.current_module(origin)
            if self.index.is_module(onward.split(".")[0]) or self.index.is_module(onward):
                deeper = self._resolve(".".join([onward, *rest[1:]]), depth + 1)
                return Resolution("member" if deeper.kind in ("name", "module") else deeper.kind, module)
            return Resolution("member", module)  # an attribute of something outside the tree
        through = [s for s in names.stars if first not in names.names and self.index.is_module(s)]
        star = next((s for s in through if depth < 8 and self.index.binds(s, first)), "")
        return self._resolve(".".join([star, *rest]), depth + 1) if star else Resolution("dynamic", module)

    def _member(self, module: str, name: str, rest: list[str]) -> Kind:
        shape = self.index.names(module).classes[name]
        if rest[0] in shape.members:
            return "member"
        if shape.derived:
            inherited = self._inherited(module, shape, rest[0], 0)
            if inherited is not None:
                return "member" if inherited else "dynamic"
            if self._rope is None:
                self._rope = _Rope(self.index.tree)
            if self.index.asked is not None:
                self.index.asked.add(EVERYTHING)
            answer = self._rope.class_has(self.index.files[module], name, rest[0])
            return "dynamic" if answer is None else "member" if answer else "dynamic"
        return "missing"

    def _inherited(self, module: str, shape: ClassShape, name: str, depth: int) -> bool | None:
        """Whether a base class binds `name`; None if some base is not in this tree (rope is slow, so it comes last)."""
        answer: bool | None = False
        for base in shape.bases:
            found = self._class(module, base.removesuffix(COMPUTED), depth)
            if found is None:
                builtin = getattr(builtins, base, None)
                if builtin is not None and hasattr(builtin, name):
                    return True
                answer = answer if builtin is not None else None
                continue
            if name in found[1].members or (deeper := self._inherited(*found, name, depth + 1)):
                return True
            answer = answer if deeper is False else None
        return answer

    def _class(self, module: str, dotted: str, depth: int) -> tuple[str, ClassShape] | None:
        """The class that `dotted`, read in `module`, names, and the module that defines it."""
        names, (first, _, rest) = self.index.names(module), dotted.partition(".")
        if not rest and first in names.classes:
            return module, names.classes[first]
        origin = names.names.get(first)
        if not origin or depth > 8:
            return None
        holder, _, last = self.layout.current_module(f"{origin}.{rest}" if rest else origin).rpartition(".")
        return self._class(holder, last, depth + 1) if self.index.is_module(holder) else None


def _dotted(node: ast.expr) -> str:
    """`a.b.C` of a base class, `C` of `C[T]`; "" for anything computed."""
    while isinstance(node, ast.Subscript):
        node = node.value
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join(reversed([*parts, node.id])) if isinstance(node, ast.Name) else ""


def _shape(node: ast.ClassDef) -> ClassShape:
    members: set[str] = set()
    for inner in nodes_of(node):
        match inner:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                members.add(name)
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                members.add(name)
    bases = tuple(_dotted(b) + ("" if isinstance(b, ast.Name) else COMPUTED) for b in node.bases)
    return ClassShape(frozenset(members), bases, bool(node.bases or node.keywords))


def parse_names(source: str, module: str, is_package: bool) -> ModuleNames:
    out = ModuleNames()
    tree = parse(source)
    if tree is None:
        out.parsed = False
        return out
    package = module if is_package else module.rpartition(".")[0]
    for node in top_level(tree.body):
        _bind(node, out, package)
    return out


def top_level(body: Iterable[ast.stmt]) -> Iterable[ast.stmt]:
    """Statements that run at import, those in `if`, `try`, `with`, `for` and `match` blocks included."""
    for node in body:
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for name in ("body", "orelse", "finalbody"):
            yield from top_level(getattr(node, name, []) or [])
        for part in [*getattr(node, "handlers", []), *getattr(node, "cases", [])]:
            yield from top_level(part.body)


def _bind(node: ast.stmt, out: ModuleNames, package: str) -> None:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            out.names[name] = None
            out.dynamic |= name == "__getattr__"
        case ast.ClassDef(name=name):
            out.names[name] = None
            out.classes[name] = _shape(node)
        case ast.Import(names=aliases):
            for alias in aliases:
                out.names[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        case ast.ImportFrom(names=aliases):
            base = absolute(node.module, node.level, package)
            for alias in aliases:
                if alias.name == "*":
                    out.stars.append(base)
                else:
                    out.names[alias.asname or alias.name] = f"{base}.{alias.name}"
        case _:
            for inner in _own_names(node):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    out.names.setdefault(inner.id, None)
                elif isinstance(inner, ast.Call):
                    called = inner.func.id if isinstance(inner.func, ast.Name) else ""
                    out.dynamic |= called in ("globals", "locals", "vars", "setattr", "exec")
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets):
                    with contextlib.suppress(ValueError, TypeError):
                        out.exported = tuple(ast.literal_eval(node.value))


def names_bound(node: ast.stmt) -> Collection[str]:
    """The names that this statement, apart from those inside of it, binds."""
    out = ModuleNames()
    _bind(node, out, "")
    return out.names


def binds_name(node: ast.stmt, name: str) -> bool:
    """Whether this statement, apart from those inside of it, binds `name`."""
    return name in names_bound(node)


def _own_names(node: ast.AST) -> Iterable[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.Lambda | ast.ExceptHandler | ast.match_case):
            continue
        yield child
        yield from _own_names(child)


def absolute(module: str | None, level: int, package: str) -> str:
    """The absolute name of `from <level dots><module> import`, seen from `package`; "" if it climbs out of the tree."""
    if not level:
        return module or ""
    parts = package.split(".") if package else []
    if level > len(parts):  # the last step would leave the top-level package, which Python refuses
        return ""
    base = parts[: len(parts) - (level - 1)]
    return ".".join([*base, *([module] if module else [])])


class _Rope:
    """rope, asked single questions over a scratch copy of the Python files, made when the first question comes."""

    def __init__(self, tree: Tree) -> None:
        import shutil
        import tempfile
        import weakref

        self._folder = tempfile.mkdtemp(prefix="migrate-rope-")
        weakref.finalize(self, shutil.rmtree, self._folder, True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # rope's own, of no use to anybody here
            from rope.base.project import Project

            self._project = Project(self._folder, ropefolder=None)  # pyright: ignore[reportArgumentType]
        self._tree, self._written = tree, False

    def class_has(self, path: str, name: str, attribute: str) -> bool | None:
        """Whether the class has or inherits the attribute; None if rope cannot say."""
        import pathlib

        if not self._written:
            for file in self._tree:
                if file.endswith(".py"):
                    place = pathlib.Path(self._folder, file)
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_bytes(self._tree.read(file))
            self._written = True
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                module = self._project.get_pymodule(self._project.get_resource(path))
                return attribute in module.get_attribute(name).get_object().get_attributes()
        except Exception:  # rope raises what it likes on odd code; its silence is an answer of its own
            return None
