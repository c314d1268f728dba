"""Names of groups of entry points in a setup.py."""

from __future__ import annotations

import ast

import pytest

from tools.migrate.entrypoints import group_names


@pytest.mark.parametrize(
    ("source", "groups"),
    [
        ("setup(entry_points={'pkg.plugins': ['a = pkg.a:A']})", ["pkg.plugins"]),
        ("setup(entry_points=POINTS)\nPOINTS = {'pkg.plugins': ['a = pkg.a:A']}", ["pkg.plugins"]),
        ("args = {'entry_points': made([('pkg.plugins', [('pkg.a', ['A'])])])}", ["pkg.plugins"]),
        ("args = {'entry_points': made([['pkg.plugins', ['a = pkg.a:A']]])}", ["pkg.plugins"]),
        ("args = {'entry_points': made([('pkg.a', ['A'])])}", []),
        ("setup(entry_points='[pkg.plugins]\\na = pkg.a:A')", []),
        ("setup(package_data={'pkg': ['a=b']})", []),
    ],
)
def test_group_names(source: str, groups: list[str]) -> None:
    assert [node.value for node in group_names(ast.parse(source))] == groups
