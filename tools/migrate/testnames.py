"""Tests that pytest would import by another name after the move, because a folder above them is no regular package.

Owns: the name that pytest gives a test file in its default import mode, which is counted from the first folder without
an `__init__.py`.  Must not know: stages and edits.

Where a package moves into a namespace (`shop` to `acme.store.shop`, with no `acme/__init__.py`), its own tests become
`shop.tests.test_x` again, and the whole package is loaded a second time by its *old* name.  Patches then miss, and
classes differ.  pytest has two settings for that; which one suits the project is for a person to say.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from fnmatch import fnmatch
from pathlib import PurePosixPath

from .layout import Layout
from .model import Finding

_TESTS = ("test_*.py", "*_test.py", "conftest.py")
_SETTINGS = ("pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg", "pytest.toml", ".pytest.toml")
_SETTLED = ("consider_namespace_packages", "import-mode")


def doubled_tests(
    layout: Layout, moved: Mapping[str, str], after: Container[str], commands: Iterable[str]
) -> list[Finding]:
    """One finding for each move of whose tests pytest would load the package twice; none if a setting is there."""
    texts = [*commands, *(layout.tree.read(p).decode(errors="replace") for p in _SETTINGS if p in layout.tree)]
    if any(word in text for word in _SETTLED for text in texts):
        return []
    out = []
    for move in layout.moves:
        for old in sorted(p for p in moved if any(fnmatch(PurePosixPath(p).name, t) for t in _TESTS)):
            new = moved[old]
            if not new.startswith(f"{move.to_path}/") or not old.startswith(f"{move.path}/"):
                continue
            wanted = move.target + _dotted(new[len(move.to_path) :])
            given, before = name_for_pytest(new, after), name_for_pytest(old, set(layout.tree))
            if wanted.endswith(f".{given}") and before == move.source + _dotted(old[len(move.path) :]):
                out.append(_finding(old, given, wanted))
                break
    return out


def name_for_pytest(path: str, tree: Container[str]) -> str:
    """The name by which pytest imports a file where nothing is set."""
    file = PurePosixPath(path)
    parts = [file.stem]
    for folder in file.parents:
        if f"{folder}/__init__.py" not in tree:
            break
        parts.append(folder.name)
    return ".".join(reversed(parts))


def _dotted(rest: str) -> str:
    return rest.removesuffix(".py").replace("/", ".")


def _finding(path: str, given: str, wanted: str) -> Finding:
    return Finding(
        path,
        1,
        "pytest.namespace",
        given,
        (f"pytest imports it as {given} after the move, and the package a second time", f"it is {wanted}"),
        "set consider_namespace_packages = true or --import-mode=importlib in the settings of pytest before the move",
    )
