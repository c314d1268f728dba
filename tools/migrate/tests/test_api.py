"""The static comparison on small trees: a package that moved, well and with every kind of loss."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.migrate.api import compare_api
from tools.migrate.model import Finding

INIT = "from old.core import Trade, parse\nfrom .extra import *\nVERSION = '1'\n"
CORE = """
from __future__ import annotations
import os
import old.extra
from old.extra import Base, LIMIT
from . import extra as more

class Trade(Base):
    size: int = LIMIT
    def method(self, other: old.extra.Base, *args: int, flag: bool = False) -> more.Base: ...
    @property
    def name(self) -> str: ...

def parse(buf: bytes, base: old.extra.Base = old.extra.Base()) -> Trade: ...
_private = 1
"""
EXTRA = "__all__ = ['Base', 'LIMIT']\nLIMIT = 5\nclass Base:\n    def inherited(self, n=1): ...\nunlisted = 1\n"
PAIRS = [("old", "new.place")]
# What the tool itself would write: the new absolute names, imported in its own way.
MOVED_INIT = INIT.replace("old.", "new.place.")
MOVED_CORE = (
    CORE.replace("import old.extra\n", "from new.place import extra\n")
    .replace("from old.extra", "from new.place.extra")
    .replace("old.extra.", "extra.")
)


def tree(root: Path, folder: str, init: str, core: str, extra: str) -> Path:
    for name, text in (("__init__", init), ("core", core), ("extra", extra)):
        path = root / folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def diff(tmp_path: Path, init: str = MOVED_INIT, core: str = MOVED_CORE, extra: str = EXTRA) -> list[Finding]:
    before = tree(tmp_path / "before", "old", INIT, CORE, EXTRA)
    after = tree(tmp_path / "after", "new/place", init, core, extra)
    return compare_api(before, after, ["."], ["."], PAIRS)


def test_a_pure_move_has_no_difference(tmp_path: Path) -> None:
    assert diff(tmp_path) == []


def test_the_same_tree_has_no_difference(tmp_path: Path) -> None:
    root = tree(tmp_path, "src/old", INIT, CORE, EXTRA)
    assert compare_api(root, root, ["src"], ["src"], [("old", "old")]) == []


def test_a_stub_written_by_hand_beside_the_package(tmp_path: Path) -> None:
    stub = "from typing import Any\n\ndef only_for_checkers(value: Any) -> Any: ...\n"
    before = tree(tmp_path / "before", "old", INIT, CORE, EXTRA)
    after = tree(tmp_path / "after", "new/place", MOVED_INIT, MOVED_CORE, EXTRA)
    (before / "old/__init__.pyi").write_text(stub)
    (after / "new/place/__init__.pyi").write_text(stub)
    (after / "new/__init__.py").write_text("")
    (after / "new/__init__.pyi").write_text("")
    assert compare_api(before, after, ["."], ["."], PAIRS) == []


def test_a_single_module_that_moves(tmp_path: Path) -> None:
    before = tree(tmp_path / "before", "old", INIT, CORE, EXTRA)
    after = tree(tmp_path / "after", "old", INIT, CORE, EXTRA)
    (after / "libs").mkdir()
    (after / "old/extra.py").rename(after / "libs/extra.py")
    assert compare_api(before, after, ["."], ["."], [("old.extra", "libs.extra")]) == []


def test_a_name_of_the_package_above_is_none_of_its_modules(tmp_path: Path) -> None:
    """dask.array has a `bool`, and the annotations of dask.array.core mean the built-in one."""
    before = tree(tmp_path / "before", "old", "from numpy import bool\nfrom .core import *\n", CORE, EXTRA)
    after = tree(tmp_path / "after", "new/place", "", MOVED_CORE, EXTRA)
    found = compare_api(before, after, ["."], ["."], [("old.core", "new.place.core"), ("old.extra", "new.place.extra")])
    assert found == []


@pytest.mark.parametrize(
    ("part", "old", "new", "text"),
    [
        ("core", "buf: bytes", "data: bytes", "new.place.core.parse is not the same"),
        ("core", "flag: bool = False", "flag: bool = True", "new.place.core.Trade.method is not the same"),
        ("core", "-> Trade", "-> Base", "new.place.core.parse is not the same"),
        ("core", "class Trade(Base)", "class Trade", "new.place.core.Trade is not the same"),
        ("core", "def parse", "def parsed", "new.place.core.parse is gone"),
        ("core", "    @property\n", "", "new.place.core.Trade.name is of another kind"),
        ("extra", "LIMIT = 5", "LIMIT = 6", "new.place.extra.LIMIT is not the same"),
        ("extra", "unlisted = 1", "", "new.place.extra.unlisted is gone"),
        ("init", "Trade, parse", "Trade", "new.place.parse is gone"),
        ("init", "VERSION = '1'", "VERSION = 1", "new.place.VERSION is not the same"),
    ],
)
def test_a_loss_is_found(part: str, old: str, new: str, text: str, tmp_path: Path) -> None:
    parts = {"init": MOVED_INIT, "core": MOVED_CORE, "extra": EXTRA}
    assert old in parts[part]
    found = diff(tmp_path, **(parts | {part: parts[part].replace(old, new, 1)}))
    assert text in [f.text for f in found]
    file = "new/place/__init__.py" if part == "init" else f"new/place/{part}.py"
    assert {(f.path, f.severity) for f in found if f.text == text} == {(file, "error")}


def test_additions_and_private_names_are_no_loss(tmp_path: Path) -> None:
    core = MOVED_CORE.replace("_private = 1", "added = 1").replace("import os\n", "")
    assert diff(tmp_path, core=core) == []


def test_a_file_that_does_not_parse_is_a_note(tmp_path: Path) -> None:
    before = tree(tmp_path / "before", "old", INIT, CORE, EXTRA)
    after = tree(tmp_path / "after", "new/place", MOVED_INIT, MOVED_CORE, EXTRA)
    for root, folder in ((before, "old"), (after, "new/place")):
        (root / folder / "python2.py").write_text("print 'hello'\n")
        (root / folder / "latin.py").write_bytes(b"# coding: latin-1\nNAME = '\xe9'\n")
    found = compare_api(before, after, ["."], ["."], PAIRS)
    assert found and {f.severity for f in found} == {"note"}
    assert "old/python2.py was not compared: griffe does not read it" in [f.text for f in found]


def test_a_loss_beside_a_file_that_does_not_parse_is_still_found(tmp_path: Path) -> None:
    before = tree(tmp_path / "before", "old", INIT, CORE, EXTRA)
    after = tree(tmp_path / "after", "new/place", MOVED_INIT, MOVED_CORE, EXTRA.replace("LIMIT = 5", "LIMIT = 6"))
    for root, folder in ((before, "old"), (after, "new/place")):
        (root / folder / "latin.py").write_bytes(b"# coding: latin-1\nNAME = '\xe9'\n")
    assert "error" in {f.severity for f in compare_api(before, after, ["."], ["."], PAIRS)}


def test_a_package_that_is_not_there_is_a_note(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    found = compare_api(tmp_path / "a", tmp_path / "a", ["."], ["."], [("no_such", "none.such")])
    assert len(found) == 2 and {f.severity for f in found} == {"note"}


def test_nothing_is_imported(tmp_path: Path) -> None:
    core = MOVED_CORE + "\nopen('/dev/null').close(); raise SystemExit('imported')\n"
    assert diff(tmp_path, core=core) == []


def test_a_loss_in_a_private_base_is_found_in_who_inherits_from_it(tmp_path: Path) -> None:
    hidden = "class _Hidden:\n    def helped(self): ...\n    def stays(self): ...\nclass Shown(_Hidden): ...\n"
    before = tree(tmp_path / "before", "old", "", hidden, "")
    after = tree(tmp_path / "after", "new/place", "", hidden.replace("    def helped(self): ...\n", ""), "")
    found = compare_api(before, after, ["."], ["."], PAIRS)
    assert [f.severity for f in found] == ["error"] and "new.place.core.Shown.helped" in found[0].text


@pytest.mark.parametrize("place", ["new/tools", "new/tools/__init__"])
def test_a_module_at_the_top_with_a_stub_that_gets_into_a_package_is_the_same(tmp_path: Path, place: str) -> None:
    for name in ("before/tools", f"after/{place}"):
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(parents=True)
        path.write_text("def main():\n    return 1\n")
        path.with_suffix(".pyi").write_text("def main() -> int: ...\n")
    pairs = [("tools", "new.tools")]
    assert compare_api(tmp_path / "before", tmp_path / "after", ["."], ["."], pairs) == []
