"""A part of a package that gets to the top: whether the manifest that ships the package ships it, too."""

from __future__ import annotations

import pytest

from tools.migrate.design import make_design
from tools.migrate.layout import resolve_layout
from tools.migrate.manifests import wants
from tools.migrate.plan import parse_plan
from tools.migrate.scan import make_world, scan_tree
from tools.migrate.tree import Tree

HATCH = '[build-system]\nbuild-backend = "hatchling.build"\n'
WHEEL = "[tool.hatch.build.targets.wheel]\n"
FIND = "[tool.setuptools.packages.find]\n"
MISSING = [
    WHEEL + 'packages = ["app"]\n',
    WHEEL + 'only-include = ["app", "docs"]\n',
    HATCH,
    FIND + 'include = ["app*"]\n',
    FIND + 'exclude = ["parts*"]\n',
    '[tool.poetry]\nname = "app"\npackages = [{ include = "app" }]\n',
    '[build-system]\nbuild-backend = "poetry.core.masonry.api"\n',
    '[build-system]\nbuild-backend = "flit_core.buildapi"\n',
    '[build-system]\nbuild-backend = "uv_build"\n[tool.uv.build-backend]\nmodule-name = "app"\n',
    '[tool.pdm.build]\nincludes = ["app"]\n',
]
SHIPPED = [
    WHEEL + 'packages = ["app", "parts"]\n',
    WHEEL + 'include = ["/app/**", "/parts/**"]\n',
    FIND + 'include = ["app*", "parts*"]\n',
    FIND + 'where = ["."]\n',
    '[tool.setuptools]\npackages = ["app", "app.parts"]\n',
    '[tool.uv.build-backend]\nmodule-name = ["app", "parts"]\n',
    '[build-system]\nbuild-backend = "pdm.backend"\n',
    '[tool.other]\npackages = ["app"]\n',
]


def rules(manifest: str, files: dict[str, str], target: str = "parts") -> list[str]:
    plan = f'[migration]\nname = "part"\n[[move]]\nfrom = "app.parts"\nto = "{target}"\n'
    code = {"app/__init__.py": "", "app/parts/__init__.py": "", "app/parts/one.py": ""}
    tree = Tree.from_files({**code, **files})
    world = make_world(resolve_layout(parse_plan(plan), tree))
    design = make_design(world, scan_tree(world, skip=wants), tree, "0" * 40)
    return [f.rule for f in design.findings if f.path == manifest]


@pytest.mark.parametrize("text", MISSING)
def test_the_wheel_would_be_without_it(text: str) -> None:
    assert rules("pyproject.toml", {"pyproject.toml": text}) == ["toml.unshipped"]


@pytest.mark.parametrize("text", SHIPPED)
def test_it_is_shipped(text: str) -> None:
    assert rules("pyproject.toml", {"pyproject.toml": text}) == []


def test_it_stays_below_what_is_shipped_or_goes_to_another_project() -> None:
    text = WHEEL + 'packages = ["app"]\n'
    assert rules("pyproject.toml", {"pyproject.toml": text}, "app.other.parts") == []
    assert rules("pyproject.toml", {"pyproject.toml": text, "far/pyproject.toml": ""}, "far.parts") == []


def test_setup_cfg() -> None:
    text = "[options]\npackages = find:\n[options.packages.find]\ninclude = {}\n"
    assert rules("setup.cfg", {"setup.cfg": text.format("app*")}) == ["cfg.unshipped"]
    assert rules("setup.cfg", {"setup.cfg": text.format("app*, parts*")}) == []
    assert rules("setup.cfg", {"setup.cfg": "[options]\npackages = find:\n"}) == []
