"""Random programs through the rewriter: what ran before runs after, and only lines with a reference change.

The programs of `programs` are run twice in this process, before and after, in a tree that has both packages; after the
rewrite the old one cannot be imported.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings

from tools.migrate.layout import resolve_layout
from tools.migrate.operations import apply_edits
from tools.migrate.plan import parse_plan
from tools.migrate.scan import FileScan, make_world, scan_file
from tools.migrate.tests.kindworlds import WORLDS
from tools.migrate.tests.programs import programs
from tools.migrate.tree import Tree

SHOP = WORLDS["shop"]
PATH = "app/use.py"
OPTIONS = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
)
TOPS = ("shop", "acme", "my", "shopping", "shop_extras")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder on the path with the package at its old and at its new place."""
    place = tmp_path_factory.mktemp("both")
    for path, text in SHOP.files.items():
        for target in {path, path.replace("shop/", "acme/store/", 1) if path.startswith("shop/") else path}:
            (place / target).parent.mkdir(parents=True, exist_ok=True)
            (place / target).write_text(text.replace("shop", "acme.store") if target != path else text)
    sys.path.insert(0, str(place))
    yield place
    sys.path.remove(str(place))
    _forget()


def _forget() -> None:
    for name in [m for m in sys.modules if m.split(".")[0] in TOPS]:
        del sys.modules[name]


def scanned(source: str) -> tuple[FileScan, str]:
    tree = Tree.from_files({**SHOP.files, PATH: source})
    scan = scan_file(make_world(resolve_layout(parse_plan(SHOP.plan), tree)), PATH)
    return scan, apply_edits(source.encode(), scan.edits, PATH).decode()


def run(source: str, *, old: bool) -> list[Any]:
    """What the program notes; without `old`, the old package cannot be imported."""
    _forget()
    if not old:
        sys.modules["shop"] = None  # type: ignore[assignment]
    space: dict[str, Any] = {"__name__": "app.use", "__builtins__": builtins}
    try:
        exec(compile(source, PATH, "exec", dont_inherit=True), space)
    except Exception as error:
        space.setdefault("NOTES", []).append(type(error).__name__)
    finally:
        _forget()
    return [note if isinstance(note, str | int) else repr(note) for note in space["NOTES"]]


def same(wanted: list[Any], found: list[Any]) -> bool:
    """Whether the notes agree, up to where the program read a name that nothing had bound: it may be bound now."""
    for before, after in zip(wanted, found, strict=False):
        if before != after:
            return str(before).endswith("Error")
    return len(wanted) == len(found)


def check(source: str) -> None:
    try:
        compile(source, PATH, "exec", dont_inherit=True)
    except SyntaxError:  # a name that is used before its global statement, and the like
        assume(False)
    scan, after = scanned(source)
    kept = [line for line in source.splitlines() if "shop" not in line and line.strip()]
    rest = iter(after.splitlines())
    assert all(line in rest for line in kept), after
    found, wanted = run(after, old=False), run(source, old=True)
    listed = [f for f in scan.findings if f.severity == "error"]
    if not same(wanted, found) and not listed:
        raise AssertionError(f"{wanted}\n{found}\n{source}\n-----\n{after}\n{scan.findings}")


@settings(OPTIONS, max_examples=150)
@given(programs())
def test_programs_run_as_before(both: Path, source: str) -> None:
    check(source)


@pytest.mark.exhaustive
@settings(OPTIONS, max_examples=6000)
@given(programs())
def test_many_programs_run_as_before(both: Path, source: str) -> None:
    check(source)
