"""Tests inside a package that moves into a namespace: what pytest would call them, and that a person is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.migrate.design import make_design
from tools.migrate.layout import resolve_layout
from tools.migrate.manifests import wants
from tools.migrate.model import Finding
from tools.migrate.plan import parse_plan
from tools.migrate.scan import make_world, scan_tree
from tools.migrate.testnames import name_for_pytest
from tools.migrate.tests.shimtree import write
from tools.migrate.tree import Tree

PLAN = """
[migration]
name = "t"
import-roots = ["src", "."]

[[move]]
from = "shop"
to = "{to}"
"""
FILES = {
    "src/shop/__init__.py": "",
    "src/shop/tests/__init__.py": "",
    "src/shop/tests/test_cart.py": "def test_name():\n    assert True\n",
    "src/big/__init__.py": "",
}


def findings(to: str, gate: str = "", **more: str) -> list[Finding]:
    tree = Tree.from_files({**FILES, **{name.replace("__", "."): text for name, text in more.items()}})
    plan = PLAN.format(to=to) + (f'\n[gates]\ntests = ["{gate}"]\n' if gate else "")
    world = make_world(resolve_layout(parse_plan(plan), tree))
    design = make_design(world, scan_tree(world, skip=wants), tree, "0" * 40)
    return [f for f in design.findings if f.rule == "pytest.namespace"]


def test_tests_that_would_load_their_package_twice_are_listed() -> None:
    (found,) = findings("acme.store.shop")
    assert (found.path, found.text) == ("src/shop/tests/test_cart.py", "shop.tests.test_cart")
    assert "acme.store.shop.tests.test_cart" in found.readings[1]
    assert found.severity == "warning"


@pytest.mark.parametrize(
    ("to", "gate", "more"),
    [
        ("big.shop", "", {}),  # below a regular package all are regular
        ("market", "", {}),  # no folder above it
        ("acme.shop", "", {"pytest__ini": "[pytest]\nconsider_namespace_packages = true\n"}),
        ("acme.shop", "", {"setup__cfg": "[tool:pytest]\naddopts = --import-mode=importlib\n"}),
        ("acme.shop", "pytest -o consider_namespace_packages=true src", {}),
    ],
)
def test_others_are_not(to: str, gate: str, more: dict[str, str]) -> None:
    assert findings(to, gate, **more) == []


@pytest.mark.parametrize("folders", [("acme",), ("acme", "acme/store"), ()])
def test_the_name_is_the_one_that_pytest_uses(tmp_path: Path, folders: tuple[str, ...]) -> None:
    place = "acme/store/shop/tests/test_cart.py"
    inits = [f"{folder}/__init__.py" for folder in (*folders, "acme/store/shop", "acme/store/shop/tests")]
    name = name_for_pytest(place, inits)
    write(tmp_path, {**dict.fromkeys(inits, ""), place: f"def test_name():\n    assert __name__ == {name!r}\n"})
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", place], cwd=tmp_path, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
