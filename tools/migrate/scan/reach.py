"""What other files take out of a module by name: the reasons why a module's own local name has to survive.

`import pkg` in `services/x.py` makes `services.x.pkg` a public name by accident.  `reached` gathers every
`module.name` that some file of the tree uses in that way: from-imports, attribute chains, star imports of a module
without `__all__`, `getattr` and `mock.patch.object` with a literal.  It may say too much, never too little: a name that
is kept for nothing is an alias, a name that is lost is a broken file.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Sequence

from ..layout import Layout
from ..resolve import Resolver, absolute
from .context import flatten

_PYTHON = (".py", ".pyi", ".pyw")


def reached(layout: Layout, resolver: Resolver, words: Iterable[str], candidates: Sequence[str]) -> frozenset[str]:
    """Every `module.name`, name a moving word or the first part of a moving name, that a file reaches into."""
    names = {n.split(".")[0] for n in layout.old_names} | set(words)
    either = b"|".join(re.escape(n.encode()) for n in sorted(names))
    dotted = re.compile(rb"[A-Za-z_][\w.]*\.(?:" + either + rb")\b")
    # Cheap signs that a file may reach into another module: `x.name`, "name", `from x import name`, `import *`.
    sign = re.compile(
        rb"[\w)\]]\s*\.\s*(?:" + either + rb")\b|[\"'](?:" + either + rb")[\"']|import[ \t]*\*"
        rb"|\bfrom\b[^\n#]+\bimport\b(?:[ \t(\\]+[^\n#]*\b(?:" + either + rb")\b|[ \t]*[(\\])"
    )
    wanted = frozenset(candidates)
    out: set[str] = set()
    stars: list[tuple[str, ...]] = []
    for path in layout.tree:
        if not path.endswith(_PYTHON):
            continue
        data = layout.tree.read(path)
        if b"import *" not in data and path not in wanted:
            continue
        out.update(m.group().decode(errors="replace") for m in dotted.finditer(data))
        if sign.search(data):
            _file(layout, resolver, path, names, out, stars)
    for base, *chain in stars:
        _star(resolver, layout, base, names, out, set(chain))
    return frozenset(out)


def _file(
    layout: Layout, resolver: Resolver, path: str, names: set[str], out: set[str], stars: list[tuple[str, ...]]
) -> None:
    text = layout.tree.text(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text.body if text else "")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    here = layout.module_of(path)
    imported: set[str] = set()
    wanted: set[str] = set()
    for node in flatten(tree, {}):
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
                        stars.append((base,))
                    else:
                        imported.add(f"{base}.{alias.name}")
                        if alias.name in names:
                            out.add(f"{base}.{alias.name}")
            case ast.Attribute(attr=attribute, value=value) if attribute in names:
                if not (isinstance(value, ast.Name) and value.id in ("self", "cls")):
                    wanted.add(attribute)
            case ast.Call(args=[_, *rest]):
                wanted |= {a.value for a in rest if isinstance(a, ast.Constant) and a.value in names}
            case ast.Subscript(slice=ast.Constant(value=str(key))) if key in names:
                wanted.add(key)
            case ast.Constant(value=str(text_value)) if "." in text_value:
                found = re.findall(r"[^\W\d]\w*(?:\.[^\W\d]\w*)+", text_value)
                out.update(f for f in found if f.rpartition(".")[2] in names)
                for name in found:  # "services.x.pkg.parse" reaches `services.x.pkg`
                    parts = name.split(".")
                    out.update(".".join(parts[: n + 1]) for n in range(1, len(parts)) if parts[n] in names)
    for module in imported:
        out.update(f"{module}.{name}" for name in wanted)
        if here and module in resolver.index.files and wanted:
            out.update(f"{layout.current_module(module)}.{name}" for name in wanted)


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
