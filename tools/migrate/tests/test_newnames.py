"""A new name that its new package binds already: found before anything moves, and told from what is no collision."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.migrate.layout import resolve_layout
from tools.migrate.newnames import taken
from tools.migrate.plan import parse_plan
from tools.migrate.scan import make_world
from tools.migrate.tests import sample
from tools.migrate.tree import Tree

PLAN = '[migration]\nname = "n"\n[[move]]\nfrom = "pkg.old"\nto = "{}"\n'


def found(package: str, to: str = "pkg.new") -> list[str]:
    old = "V = 1\n\n\ndef new():\n    return V\n"
    files = {"pkg/__init__.py": package, "pkg/old.py": old, "lib/__init__.py": "new = 1\n"}
    layout = resolve_layout(parse_plan(PLAN.format(to)), Tree.from_files(files))
    return [f"{f.path}: {f.readings}" for f in taken(layout, make_world(layout).resolver.index)]


@pytest.mark.parametrize(
    "package", ["new = 1\n", "def new():\n    pass\n", "from .old import new\n", "import json as new\n"]
)
def test_a_name_of_the_package_is_no_place_for_a_module(package: str) -> None:
    assert found(package) == ["pkg/__init__.py: ('the module pkg.new', 'new, which pkg binds itself')"]


def test_a_name_of_another_package_that_is_the_new_parent() -> None:
    assert len(found("", "lib.new")) == 1 and found("new = 1\n", "lib.other") == []


@pytest.mark.parametrize("package", ["", "from . import old\n", "from . import old as new\n", "from .old import V\n"])
def test_the_module_itself_and_other_names_are_no_collision(package: str) -> None:
    assert found(package) == []


def test_design_stops(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"pkg/__init__.py": "new = 1\n", "pkg/old.py": "V = 1\n"}
    sample.git(tmp_path, "init", "-q")
    sample.commit(tmp_path, {**files, "migration.toml": PLAN.format("pkg.new")})
    assert sample.served(tmp_path, "--stage", "1").code == 0
    done = sample.served(tmp_path, "--stage", "2")
    assert done.code == 1 and "pkg/__init__.py: the module pkg.new would be new, which pkg binds itself" in done.err
    assert "choose another 'to'" in done.err
