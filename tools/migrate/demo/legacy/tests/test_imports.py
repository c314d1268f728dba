"""Every absolute import in the tree names something that exists: lazy, type-only and optional ones too."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UNREADABLE = ["infra/old_report.py"]
# Compiled on the trading hosts only, and its importer has a fallback; but its package is everywhere.
OPTIONAL = "_speedups"


def python_files() -> list[Path]:
    files = sorted(ROOT.rglob("*.py"))
    return [f for f in files if not any(part.startswith((".", "build")) for part in f.relative_to(ROOT).parts)]


def imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield from ((node.module, alias.name) for alias in node.names if alias.name != "*")


def missing(module: str, name: str) -> bool:
    try:
        found = importlib.import_module(module)
        if name and not hasattr(found, name):
            importlib.import_module(f"{module}.{name}")
    except ImportError:
        return True
    return False


def test_every_import_resolves() -> None:
    unreadable, bad = [], []
    for path in python_files():
        where = path.relative_to(ROOT).as_posix()
        try:
            tree = ast.parse(path.read_bytes())
        except SyntaxError:
            unreadable.append(where)
            continue
        for module, name in imported(tree):
            if module.endswith(f".{OPTIONAL}"):
                module, name = module.removesuffix(f".{OPTIONAL}"), ""
            if missing(module, name):
                bad.append((where, module, name))
    assert bad == []
    assert unreadable == UNREADABLE
