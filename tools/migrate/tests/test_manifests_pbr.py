"""`[files] packages` of pbr: entries are folders, and pbr looks below them as far as there are `__init__.py`."""

from __future__ import annotations

import pytest

from tools.migrate.tests.test_manifests_helpers import after, findings

FILES = {
    "fetcher/__init__.py": "",
    "fetcher/wire.py": "",
    "fetcher/plugins/__init__.py": "",
    "base/__init__.py": "",
    "base/net/__init__.py": "",
    "bare/tool.py": "",
}


def plan(*moves: tuple[str, str]) -> str:
    tables = [f'\n[[move]]\nfrom = "{old}"\nto = "{new}"\n' for old, new in moves]
    return '[migration]\nname = "p"\n' + "".join(tables)


def cfg(*names: str) -> str:
    return "[metadata]\nname = fetcher\n\n[files]\npackages =\n" + "".join(f"    {n}\n" for n in names)


@pytest.mark.parametrize(
    ("moves", "before", "shims", "final"),
    [
        ([("fetcher", "libs.fetcher")], ["fetcher", "base"], ["fetcher", "libs", "base"], ["libs", "base"]),
        ([("fetcher", "getter")], ["fetcher"], ["fetcher", "getter"], ["getter"]),
        ([("fetcher", "base.net.fetcher")], ["fetcher", "base"], ["fetcher", "base"], ["base"]),
        ([("fetcher", "base.net.fetcher")], ["fetcher"], ["fetcher", "base"], ["base"]),
        ([("fetcher.plugins", "libs.plugins")], ["fetcher"], ["fetcher", "libs"], ["fetcher", "libs"]),
        ([("fetcher.wire", "libs.wire")], ["fetcher"], ["fetcher", "libs"], ["fetcher", "libs"]),
        ([("fetcher.plugins", "fetcher.extras")], ["fetcher"], ["fetcher"], ["fetcher"]),
        (
            [("fetcher", "libs.fetcher"), ("base", "fetcher.base")],
            ["fetcher", "base"],
            ["fetcher", "libs", "base"],
            ["fetcher", "libs"],
        ),
        ([("fetcher", "libs.fetcher")], ["base"], ["base"], ["base"]),
    ],
)
def test_a_new_name_is_shipped_by_its_first_folder(
    moves: list[tuple[str, str]], before: list[str], shims: list[str], final: list[str]
) -> None:
    for stage, expected in ((3, shims), (6, final)):
        assert after(stage, "setup.cfg", cfg(*before), files=FILES, plan=plan(*moves)) == cfg(*expected)
    assert not findings(3, "setup.cfg", cfg(*before), files=FILES, plan=plan(*moves))


@pytest.mark.parametrize(
    ("move", "part"),
    [
        (("fetcher", "libs.net.fetcher"), "libs.net"),
        (("fetcher", "base.more.fetcher"), "base.more"),
        (("fetcher.wire", "libs.net.wire"), "libs.net"),
        (("bare", "libs.bare"), "libs.bare"),
    ],
)
def test_what_pbr_would_not_find_is_an_error(move: tuple[str, str], part: str) -> None:
    found = findings(3, "setup.cfg", cfg("fetcher", "bare"), files=FILES, plan=plan(move))
    assert found == [f"error 5 cfg.namespaces [files] packages, and {part} has no __init__.py"]


def test_the_list_of_another_folder_stays() -> None:
    files = {f"apps/web/{name}": text for name, text in FILES.items()} | FILES
    moves = plan(("fetcher", "libs.net.fetcher")).replace("[[move]]", '[[move]]\npath = "fetcher"')
    text = cfg("fetcher")
    assert after(6, "apps/web/setup.cfg", text, files=files, plan=moves) == text
    assert not findings(3, "apps/web/setup.cfg", text, files=files, plan=moves)
