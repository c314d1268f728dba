"""What new places do not give is found before anything moves, and told from what they do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.migrate.design import make_design
from tools.migrate.layout import resolve_layout
from tools.migrate.manifests import wants
from tools.migrate.newplaces import TAKEN, of_new_places
from tools.migrate.placement import new_packages
from tools.migrate.plan import parse_plan
from tools.migrate.scan import make_world, scan_tree
from tools.migrate.tests import sample
from tools.migrate.tree import Tree

PLAN = '[migration]\nname = "n"\n[[move]]\nfrom = "pkg.old"\nto = "{}"\n'


def found(package: str, to: str = "pkg.new") -> list[str]:
    old = "V = 1\n\n\ndef new():\n    return V\n"
    files = {"pkg/__init__.py": package, "pkg/old.py": old, "lib/__init__.py": "new = 1\n"}
    layout = resolve_layout(parse_plan(PLAN.format(to)), Tree.from_files(files))
    findings = of_new_places(layout, make_world(layout).resolver.index, {})
    return [f"{f.path}: {f.readings}" for f in findings if f.rule == TAKEN]


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


def test_a_module_that_keeps_its_name_is_as_before() -> None:
    plan = PLAN.format("lib.pkg.old") + '[[move]]\nfrom = "pkg"\nto = "lib.pkg"\n'
    tree = Tree.from_files(
        {"pkg/__init__.py": "from .old import old\n", "pkg/old.py": "old = 1\n", "lib/__init__.py": ""}
    )
    layout = resolve_layout(parse_plan(plan), tree)
    assert of_new_places(layout, make_world(layout).resolver.index, {}) == []


def test_design_stops(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"pkg/__init__.py": "new = 1\n", "pkg/old.py": "V = 1\n"}
    sample.git(tmp_path, "init", "-q")
    sample.commit(tmp_path, {**files, "migration.toml": PLAN.format("pkg.new")})
    assert sample.served(tmp_path, "--stage", "1").code == 0
    done = sample.served(tmp_path, "--stage", "2")
    assert done.code == 1 and "pkg/__init__.py: the module pkg.new would be new, which pkg binds itself" in done.err
    assert "choose another 'to'" in done.err


def run_findings(script: str, command: str = "r:\n\tpython serve.py\n") -> list[tuple[int, str]]:
    files = {"serve.py": script, "helpers.py": "", "shop/__init__.py": "", "svc/__init__.py": "", "Makefile": command}
    plan = '[migration]\nname = "n"\n[[move]]\nfrom = "serve"\nto = "svc.serve"\n'
    tree = Tree.from_files(files)
    world = make_world(resolve_layout(parse_plan(plan), tree))
    design = make_design(world, scan_tree(world, skip=wants), tree, "0" * 40)
    return [(f.line, f.readings[0]) for f in design.findings if f.rule == "file.run"]


GUARD = 'if __name__ == "__main__":\n    print(1)\n'


@pytest.mark.parametrize(("line", "name"), [("import helpers", "helpers"), ("from shop import a", "shop")])
def test_a_script_that_is_run_by_its_path_no_longer_finds_what_lay_beside_it(line: str, name: str) -> None:
    assert run_findings(f"import json\n{line}\n\n{GUARD}") == [(4, f"run as svc/serve.py: then {name} is not found")]


def test_a_script_that_needs_nothing_or_is_run_as_a_module_is_not_listed() -> None:
    assert run_findings(f"import json\n\n{GUARD}") == [] and run_findings("import helpers\n") == []
    assert run_findings(f"import helpers\n\n{GUARD}", "r:\n\tpython -m serve\n") == []


def test_a_module_that_is_run_and_becomes_a_package_gets_a_main() -> None:
    plan = '[migration]\nname = "n"\n[[move]]\nfrom = "old"\nto = "lib.sub.new"\nto-path = "lib/sub/new/__init__.py"\n'
    for text, added in (
        (GUARD, ["lib/sub/__init__.py", "lib/sub/new/__main__.py"]),
        ("A = 1\n", ["lib/sub/__init__.py"]),
    ):
        tree = Tree.from_files({"old.py": text, "lib/__init__.py": ""})
        layout = resolve_layout(parse_plan(plan), tree)
        found = new_packages(layout, tree.replaced(moved=layout.moved_files()))
        assert list(found) == added
        assert all(b"lib.sub.new.__init__" in found[p] for p in added if p.endswith("__main__.py"))
