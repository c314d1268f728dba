"""What other files take out of a module by name: the reasons why a module's own local name has to survive.

`import pkg` in `services/x.py` makes `services.x.pkg` a public name by accident.  `Reaches` gathers every
`module.name` that some file of the tree uses in that way: from-imports, attribute chains, star imports of a module
without `__all__`, `getattr` and `mock.patch.object` with a literal.  It may say too much, never too little: a name that
is kept for nothing is an alias, a name that is lost is a broken file.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..layout import Layout
from ..resolve import Resolver, absolute
from ..syntax import by_kind, parse
from .calls import ATTRIBUTE_CALLS
from .keyed import keyed, may_be_keyed, noted

_PYTHON = (".py", ".pyi", ".pyw")
_ADDED = re.compile(r"(?:^|[}s)])\.([^\W\d]\w*(?:\.[^\W\d]\w*)*)")
_MODULE = re.compile(r"\.{0,3}[^\W\d]\w*(?:\.[^\W\d]\w*)*")
# How those who run examples, in documents and docstrings, are given a namespace for them.
_GIVING = re.compile(rb"\b(?:doctest_namespace|globs|extraglobs|setup)\b")
_SPEAKING = (ast.Import, ast.ImportFrom, ast.Attribute, ast.Call, ast.Subscript, ast.Constant)


def in_examples(name: str) -> str:
    """How it is noted that examples are given something by this name: no module has such a one."""
    return f">>> {name}"


@dataclass(slots=True)
class Reach:
    """What one file takes out of modules: names of the form `module.name`, and the modules of its star imports."""

    names: set[str] = field(default_factory=set)
    stars: list[str] = field(default_factory=list)


class Reaches:
    """Looks at one file after the other (`of`), then puts together what all of them said (`together`).

    A name counts if it is a moving word, or the first part of a moving name.
    """

    def __init__(self, layout: Layout, resolver: Resolver, words: Iterable[str], *, registers: bool = True) -> None:
        self.layout, self.resolver = layout, resolver
        self.registers = registers  # whether those are looked for that are keyed by names of modules
        self.names = {n.split(".")[0] for n in layout.old_names} | set(words)
        either = b"|".join(re.escape(n.encode()) for n in sorted(self.names))
        self._dotted = re.compile(rb"[A-Za-z_][\w.]*\.(?:" + either + rb")\b")
        # Cheap signs that a file may reach into another module: `x.name`, "name", `from x import name`, `import *`.
        self._sign = re.compile(
            rb"[\w)\]}\"']\s*\.\s*(?:" + either + rb")\b|[\"'](?:" + either + rb")[\"'.]|import[ \t]*\*"
            rb"|\bfrom\b[^\n#]+\bimport\b(?:[ \t(\\]+[^\n#]*\b(?:" + either + rb")\b|[ \t]*[(\\])"
        )
        self._given = re.compile(rb"[\"'](" + either + rb")[\"'][ \t]*[:\]]|\b(" + either + rb")[ \t]*=(?!=)")

    def of(self, path: str, data: bytes, *, candidate: bool) -> Reach:
        """What one file says; `candidate` if it is scanned, too."""
        found = Reach()
        if not path.endswith(_PYTHON):
            return found
        if (b"doctest" in data or b"Sybil" in data) and _GIVING.search(data):
            found.names.update(in_examples((m[1] or m[2]).decode()) for m in self._given.finditer(data))
        if self.registers and may_be_keyed(data) and (tree := self._parsed(path)) is not None:
            moves = self.layout.new_path(path) != path
            found.names.update(map(noted, keyed(tree, moves=moves)))
        if b"import *" not in data and not candidate:
            return found
        found.names.update(m.group().decode(errors="replace") for m in self._dotted.finditer(data))
        if self._sign.search(data):
            self._file(path, found)
        return found

    def together(self, parts: Iterable[Reach]) -> frozenset[str]:
        """Every `module.name` that some file reaches into."""
        out: set[str] = set()
        stars: dict[str, None] = {}
        for part in parts:
            out |= part.names
            stars.update(dict.fromkeys(part.stars))
        for base in stars:
            _star(self.resolver, self.layout, base, self.names, out, set())
        return frozenset(out)

    def _parsed(self, path: str) -> ast.Module | None:
        text = self.layout.tree.text(path)
        return parse(text.body if text else "")

    def _file(self, path: str, found: Reach) -> None:
        layout, resolver, names, out = self.layout, self.resolver, self.names, found.names
        tree = self._parsed(path)
        if tree is None:
            return
        here = layout.module_of(path)
        imported: set[str] = set()
        wanted: set[str] = set()
        kinds = by_kind(tree)
        for node in (n for kind in _SPEAKING for n in kinds.get(kind, ())):
            match node:
                case ast.Import(names=aliases):
                    for alias in aliases:
                        parts = alias.name.split(".")
                        imported.update(".".join(parts[: n + 1]) for n in range(len(parts)))
                case ast.ImportFrom(names=aliases):
                    base = absolute(node.module, node.level, here.package if here else "")
                    imported.add(base)
                    for alias in aliases:
                        if alias.name == "*":
                            found.stars.append(base)
                        else:
                            imported.add(f"{base}.{alias.name}")
                            if alias.name in names:
                                out.add(f"{base}.{alias.name}")
                case ast.Attribute(attr=attribute, value=value) if attribute in names:
                    if not (isinstance(value, ast.Name) and value.id in ("self", "cls")):
                        wanted.add(attribute)
                case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), args=args):
                    chains = args if called in ATTRIBUTE_CALLS else args[1:]
                    texts = [str(a.value) for a in chains if isinstance(a, ast.Constant)]
                    wanted.update(part for t in texts for part in t.split(".") if part in names)
                case ast.Subscript(slice=ast.Constant(value=str(key))) if key in names:
                    wanted.add(key)
                case ast.Constant(value=str(text_value)) if "." in text_value:
                    self._module_in(text_value, here.package if here else "", imported)
                    # `f"{MODULE}.pkg.part"`, `MODULE + ".pkg"`: what the text is added to is one of those modules.
                    for chain in _ADDED.findall(text_value):
                        wanted.update(part for part in chain.split(".") if part in names)
                    shown = re.findall(r"[^\W\d]\w*(?:\.[^\W\d]\w*)+", text_value)
                    out.update(f for f in shown if f.rpartition(".")[2] in names)
                    for name in shown:  # "services.x.pkg.parse" reaches `services.x.pkg`
                        parts = name.split(".")
                        out.update(".".join(parts[: n + 1]) for n in range(1, len(parts)) if parts[n] in names)
        for module in imported:
            out.update(f"{module}.{name}" for name in wanted)
            if here and module in resolver.index.files and wanted:
                out.update(f"{layout.current_module(module)}.{name}" for name in wanted)

    def _module_in(self, text: str, package: str, found: set[str]) -> None:
        """Note the module of this tree that a text names, relative to the package of the file if it has dots."""
        if not _MODULE.fullmatch(text):
            return
        steps = len(text) - len(text.lstrip("."))
        name = absolute(text.lstrip("."), steps, package)
        if self.layout.current_module(name) in self.resolver.index.files:
            found.add(name)


def _star(resolver: Resolver, layout: Layout, base: str, names: set[str], out: set[str], seen: set[str]) -> None:
    """`from base import *`: without `__all__` each public name leaves the module, imported ones too."""
    current = layout.current_module(base)
    if current in seen or not resolver.index.is_module(current):
        return
    found = resolver.index.names(current)
    if found.exported is None:
        out.update(f"{name}.{word}" for word in names for name in {base, current} if not word.startswith("_"))
        out.update({f"{base}.*", f"{current}.*"})
    for inner in found.stars:
        _star(resolver, layout, inner, names, out, seen | {current})
