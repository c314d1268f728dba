"""A setup.py that compiles what moves goes to the target with its MANIFEST.in; the thin distribution has none."""

from __future__ import annotations

import pytest

from tools.migrate.stubs import stubs_of
from tools.migrate.tests.test_manifests_helpers import FILES, MERGE, WIRE, after, context, findings, toml

SETUP = """\
\"\"\"Compiles the codec; the rest is in pyproject.toml.\"\"\"

from glob import glob

from setuptools import Extension, setup

flags = ["-O3"]
extension = Extension("wire_fmt._fast", sources=sorted(glob("_native/*.c")), depends=["_native/fast.h"])
setup(ext_modules=[extension])
"""
MOVED = SETUP.replace('"wire_fmt._fast"', '"libs.core.wire._fast"').replace('"_native/', '"wire/_native/')
FILES_C = {
    **FILES,
    "wire_fmt/setup.py": SETUP,
    "wire_fmt/MANIFEST.in": "recursive-include _native *.c *.h\ninclude data/table.json\nglobal-exclude *.pyc\n",
    "wire_fmt/_native/fast.c": "",
    "wire_fmt/_native/fast.h": "",
    "wire_fmt/README.md": "# wire\n",
    "wire_fmt/pyproject.toml": WIRE.replace('version = "2.3.0"', 'version = "2.3.0"\nreadme = "README.md"'),
}
STAYS = {"wire_fmt/setup.py": "wire_fmt/setup.py", "wire_fmt/MANIFEST.in": "wire_fmt/MANIFEST.in"}
GOES = {"wire_fmt/setup.py": "libs/core/setup.py", "wire_fmt/MANIFEST.in": "libs/core/MANIFEST.in"}


def places(files: dict[str, str], plan: str = MERGE) -> dict[str, str]:
    layout = context(files, plan).layout
    return {path: layout.new_path(path) for path in STAYS}


def test_the_scripts_go_to_the_targets_folder() -> None:
    where = context(FILES_C)
    assert places(FILES_C) == GOES
    assert where.layout.moved_files()["wire_fmt/setup.py"] == "libs/core/setup.py"
    assert where.layout.new_path("wire_fmt/pyproject.toml") == "wire_fmt/pyproject.toml"
    assert where.layout.old_to_new_path("wire_fmt/setup.py") == "libs/core/setup.py"


def test_the_script_builds_the_same_files_from_there() -> None:
    assert after(3, "wire_fmt/setup.py", files=FILES_C) == MOVED
    assert after(6, "wire_fmt/setup.py", files=FILES_C) == MOVED
    manifest = "recursive-include wire/_native *.c *.h\ninclude wire/data/table.json\nglobal-exclude *.pyc\n"
    assert after(6, "wire_fmt/MANIFEST.in", files=FILES_C) == manifest
    assert findings(3, "wire_fmt/MANIFEST.in", files=FILES_C) == []


def test_a_folder_in_one_word_is_listed_and_other_words_stay() -> None:
    text = SETUP.replace('["-O3"]', '["-O3", "_native", "data"]')
    assert after(3, "wire_fmt/setup.py", text, files=FILES_C) == MOVED.replace('["-O3"]', '["-O3", "_native", "data"]')
    assert [f.split()[-1] for f in findings(3, "wire_fmt/setup.py", text, files=FILES_C)] == ["_native", "data"]


def test_the_thin_distribution_has_no_readme_that_is_gone_and_goes_in_cleanup() -> None:
    project = toml(after(3, "wire_fmt/pyproject.toml", files=FILES_C))["project"]
    assert "readme" not in project
    assert after(6, "wire_fmt/pyproject.toml", files=FILES_C) == "<deleted>"
    stays = {**FILES_C, "wire_fmt/pyproject.toml": FILES_C["wire_fmt/pyproject.toml"].replace("README.md", "NONE.md")}
    assert toml(after(3, "wire_fmt/pyproject.toml", files=stays))["project"]["readme"] == "NONE.md"


def test_a_script_is_no_module() -> None:
    where = context(FILES_C)
    move = next(m for m in where.layout.moves if m.source == "wire_fmt")
    index = where.judge.resolver.index
    assert "wire_fmt.setup" in index.files
    assert "wire_fmt/setup.pyi" not in stubs_of(where.layout, index, move, "wire_fmt")


@pytest.mark.parametrize(
    "change",
    [
        {"libs/core/setup.py": "from setuptools import setup\nsetup()\n"},  # the place is taken
        {"wire_fmt/setup.py": "from setuptools import setup\nsetup(name='wire-fmt', version='2')\n"},  # it declares one
        {"wire_fmt/setup.py": "from setuptools import setup\nimport x\nsetup(**x.everything())\n"},  # it may
        {"wire_fmt/pyproject.toml": WIRE.replace("wire-fmt", "wires")},  # another distribution's
    ],
)
def test_otherwise_the_scripts_stay(change: dict[str, str]) -> None:
    assert places({**FILES_C, **change}) == STAYS


def test_a_script_above_the_package_goes_only_if_all_the_code_does() -> None:
    above = {k.replace("wire_fmt/", "wire/wire_fmt/"): v for k, v in FILES_C.items() if k != "pyproject.toml"}
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in"):
        above[f"wire/{name}"] = above.pop(f"wire/wire_fmt/{name}")
    plan = MERGE.replace('import-roots = ["."', 'import-roots = [".", "wire"')
    layout = context(above, plan).layout
    assert layout.new_path("wire/setup.py") == "libs/core/setup.py"
    assert layout.scripts_of(next(m for m in layout.moves if m.source == "wire_fmt")) == [
        "wire/MANIFEST.in",
        "wire/setup.py",
    ]
    more = {**above, "wire/other/__init__.py": "X = 1\n"}
    assert context(more, plan).layout.new_path("wire/setup.py") == "wire/setup.py"
