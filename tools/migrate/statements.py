"""What Python files import and name, for the second opinion: read with `ast` and `symtable`, and with no scanner.

A `Request` is one thing that a file wants from a module: the module itself, a name out of it, a chain of attributes
read through an import, or a dotted name in a string.  Files that do not parse have none.
"""

from __future__ import annotations

import ast
import builtins
import json
import re
import symtable
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tools.migrate.syntax import CHILD_FIELDS, flatten
from tools.migrate.tree import decode

Kind = Literal["import", "chain", "string"]
_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*(?:[.:][^\W\d]\w*)")
_PLAIN = re.compile(r"(?<![\w./:@-])[^\W\d]\w*(?:\.[^\W\d]\w*)+(?::[^\W\d]\w*)?(?![\w/-])")
# Neither the module that names are imported from nor an attribute says what is bound and what is read; the compiler's
# own module does.
_FROM = re.compile(rb"(?m)^([ \t]*from[ \t]+)(?!__future__\b)[\w.]+(?=[ \t]+import\b)")
_ATTRIBUTES = re.compile(rb"(?<![\w.])(\w+\.)\w+(?:\.\w+)*")
_GIVEN = {*dir(builtins), "__file__", "__path__", "__builtins__", "__annotations__", "__class__", "__debug__"}


@dataclass(frozen=True, order=True)
class Request:
    """`module` is absolute; `names` are read from it one after the other; `needs` is imported before, by the file."""

    kind: Kind
    module: str
    names: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def dotted(self) -> str:
        return ".".join([self.module, *self.names])


@dataclass(frozen=True)
class Wish:
    """A request with the place in a file where it stands."""

    request: Request
    path: str
    line: int


def module_name(path: str, roots: Sequence[str]) -> tuple[str, bool]:
    """(the module that a file is for the deepest import root above it, whether it is a package)"""
    inner = path
    for root in sorted(roots, key=len, reverse=True):
        if root not in (".", "") and path.startswith(f"{root}/"):
            inner = path[len(root) + 1 :]
            break
    parts = inner.rpartition(".")[0].split("/")
    package = parts[-1] == "__init__"
    return ".".join(parts[:-1] if package else parts), package


def wishes(path: str, data: bytes, module: str, package: bool) -> list[Wish]:
    """Everything that the Python file or notebook asks of modules, in the order of its lines.

    `module` is its own name; relative imports start from there, or from the package above it.
    """
    if path.endswith(".ipynb"):
        sources: list[str | bytes] = list(_cells(data))
    else:
        sources = [data]
    found: list[Wish] = []
    for source in sources:
        tree = _parse(source)
        if tree is not None:
            here = _File(path, module if package else module.rpartition(".")[0], stub=path.endswith(".pyi"))
            found += here.wishes(tree)
    return found


def words_in_text(path: str, data: bytes) -> list[Wish]:
    """Dotted names in a configuration file."""
    found = []
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        found += [Wish(_string(match.group()), path, number) for match in _PLAIN.finditer(line)]
    return found


def same_names(data: bytes, other: bytes) -> bool:
    """Whether two sources bind and read the same names for certain: they differ in origins and attributes only."""
    data, other = _only_group(_FROM, data), _only_group(_FROM, other)
    return data == other or _only_group(_ATTRIBUTES, data) == _only_group(_ATTRIBUTES, other)


def _only_group(pattern: re.Pattern[bytes], data: bytes) -> bytes:
    r"""`pattern.sub(rb"\1", data)` in less time: of each match what its group holds is left."""
    return b"".join(pattern.split(data))


def unbound(data: bytes) -> dict[str, int]:
    """Names that the module reads and nothing in it binds -> a line; builtins and star imports are not looked into."""
    text = decode(data, python=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = symtable.symtable(text.body if text else "", "module", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    bound = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}
    missing: set[str] = set()
    tables = [table]
    for each in tables:
        tables += each.get_children()
        for symbol in each.get_symbols():
            if symbol.is_global() and symbol.is_declared_global() and symbol.is_assigned():
                bound.add(symbol.get_name())
            outside = each is table and not (symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace())
            if symbol.is_referenced() and (symbol.is_global() or outside):
                missing.add(symbol.get_name())
    missing -= bound | _GIVEN
    tree = _parse(data) if missing else None
    lines: dict[str, int] = {}
    for node in flatten(tree)[0] if tree else ():
        if isinstance(node, ast.Name) and node.id in missing:
            lines.setdefault(node.id, node.lineno)
    return lines


class _File:
    def __init__(self, path: str, package: str, *, stub: bool) -> None:
        self.path, self.package, self.stub = path, package, stub
        self.imported: dict[str, set[str]] = {}  # local name -> what imports bind it to
        self.modules: list[str] = []

    def wishes(self, tree: ast.AST) -> list[Wish]:
        found: list[Wish] = []
        imports: list[ast.Import | ast.ImportFrom] = []
        attributes: list[ast.Attribute] = []
        texts: list[ast.Constant] = []
        documents: set[int] = set()
        nodes = [tree]
        for node in nodes:  # a large tree has millions of them, and most are of no interest
            kind = node.__class__
            if kind is ast.Attribute:
                attributes.append(node)  # type: ignore[arg-type]
            elif kind is ast.Constant:
                texts.append(node)  # type: ignore[arg-type]
                continue
            elif kind is ast.Expr:
                documents.add(id(node.value))  # type: ignore[attr-defined]
            elif kind is ast.Import or kind is ast.ImportFrom:
                imports.append(node)  # type: ignore[arg-type]
                continue
            for name in CHILD_FIELDS[kind]:
                value = getattr(node, name, None)
                if type(value) is list:
                    nodes += [item for item in value if isinstance(item, ast.AST)]
                elif isinstance(value, ast.AST):
                    nodes.append(value)
        for node in imports:
            if isinstance(node, ast.ImportFrom):
                found += self._from(node)
                continue
            for alias in node.names:
                found.append(self._wish("import", alias.name, (), node))
                top = alias.name.split(".")[0]
                self.imported.setdefault(alias.asname or top, set()).add(alias.name if alias.asname else top)
                self.modules.append(alias.name)
        found += self._chains(attributes)
        for constant in texts:
            text = constant.value
            if isinstance(text, str) and id(constant) not in documents and _DOTTED.fullmatch(text):
                found.append(Wish(_string(text), self.path, constant.lineno))
        return sorted(set(found), key=lambda w: (w.line, w.request))

    def _from(self, node: ast.ImportFrom) -> Iterator[Wish]:
        module = node.module or ""
        if node.level:
            above = self.package.split(".")[: len(self.package.split(".")) - node.level + 1]
            module = ".".join([*above, *([module] if module else [])])
        if not module or (node.level and not self.package):
            return
        for alias in node.names:
            star = alias.name == "*"
            yield self._wish("import", module, () if star or self.stub else (alias.name,), node)
            if not star:
                self.imported.setdefault(alias.asname or alias.name, set()).add(f"{module}.{alias.name}")

    def _chains(self, attributes: Sequence[ast.Attribute]) -> Iterator[Wish]:
        inner = {id(n.value) for n in attributes}
        needs = tuple(dict.fromkeys(self.modules))
        for node in attributes:
            if id(node) in inner:
                continue
            names: list[str] = []
            value: ast.expr = node
            while isinstance(value, ast.Attribute):
                names.insert(0, value.attr)
                value = value.value
            origins = self.imported.get(value.id, set()) if isinstance(value, ast.Name) else set()
            if len(origins) == 1 and not self.stub:
                (origin,) = origins
                yield Wish(Request("chain", origin, tuple(names), needs), self.path, node.lineno)

    def _wish(self, kind: Kind, module: str, names: tuple[str, ...], node: ast.stmt) -> Wish:
        return Wish(Request(kind, module, names), self.path, node.lineno)


def _string(text: str) -> Request:
    return Request("string", text.replace(":", "."))


def _cells(data: bytes) -> Iterator[str]:
    try:
        cells = json.loads(data)["cells"]
        for cell in cells:
            if cell["cell_type"] == "code":
                text = "".join(cell["source"])
                yield "\n".join("pass" if re.match(r"\s*[%!?]", line) else line for line in text.split("\n"))
    except (ValueError, KeyError, TypeError):
        return


def _parse(source: str | bytes) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
