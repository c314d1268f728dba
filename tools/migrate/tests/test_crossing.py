"""Code that goes from one distribution to another, and the requirements that no manifest names then."""

from __future__ import annotations

import pytest

from tools.migrate.design import make_design
from tools.migrate.layout import resolve_layout
from tools.migrate.manifests import wants
from tools.migrate.plan import parse_plan
from tools.migrate.scan import make_world, scan_tree
from tools.migrate.tree import Tree

PLAN = (
    '[migration]\nname = "n"\nimport-roots = ["a/src", "b/src", "c/src"]\n'
    '[[move]]\nfrom = "aa.util"\nto = "bb.util"\nto-path = "b/src/bb/util.py"\n'
)
FILES = {
    "a/src/aa/__init__.py": "from .util import slug\n",
    "a/src/aa/base.py": "BASE = 1\n",
    "a/src/aa/util.py": "import json\n\nimport some_lib\n\n\ndef slug():\n    return some_lib, json\n",
    "b/src/bb/__init__.py": "",
    "c/src/cc/__init__.py": "import aa.util\n",
}


def project(name: str, *needs: str) -> str:
    return f'[project]\nname = "{name}"\nversion = "1"\ndependencies = {list(needs)}\n'


def missing(a: str, b: str, c: str, **files: str) -> list[str]:
    manifests = {f"{n}/pyproject.toml": t for n, t in (("a", a), ("b", b), ("c", c))}
    tree = Tree.from_files({**FILES, **manifests, **{p.replace("__", "/") + ".py": t for p, t in files.items()}})
    world = make_world(resolve_layout(parse_plan(PLAN), tree))
    design = make_design(world, scan_tree(world, skip=wants), tree, "0" * 40)
    return [f"{f.path.partition('/')[0]} {f.text}" for f in design.findings if f.rule == "dependency.missing"]


def test_who_used_it_needs_the_new_one_and_the_new_one_what_it_uses() -> None:
    found = missing(project("a-dist", "some-lib>=1"), project("b-dist"), project("c-dist", "A.Dist"))
    assert found == ["a b-dist", "b some-lib", "c b-dist"]


@pytest.mark.parametrize("table", ["optional-dependencies", "dependency-groups"])
def test_nothing_is_missing_where_a_manifest_names_it(table: str) -> None:
    head = "[project.optional-dependencies]" if table.startswith("optional") else "[dependency-groups]"
    c = project("c-dist", "a-dist") + f'{head}\nmore = ["B_dist"]\n'
    assert missing(project("a-dist", "some-lib", "b-dist"), project("b-dist", "Some_Lib"), c) == []


def test_code_that_reaches_back_needs_what_it_left() -> None:
    util = "from .base import BASE\n\n\ndef slug():\n    return BASE\n"
    found = missing(project("a-dist", "b-dist"), project("b-dist"), project("c-dist", "b-dist"), a__src__aa__util=util)
    assert found == ["b a-dist"]


def test_who_never_said_what_it_needs_is_not_asked_for_it_now() -> None:
    assert missing(project("a-dist", "b-dist"), project("b-dist"), project("c-dist")) == []
