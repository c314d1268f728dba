"""C sources of extension modules: a literal that is one Python name is changed, the rest is listed or stays."""

from __future__ import annotations

import pytest

from tools.migrate.tests.scanning import LEGACY, migrate, rewritten

SETUP = "from setuptools import Extension, setup\nsetup(ext_modules=[Extension('wire_v2._fast', ['a.c'])])\n"
BUILT = {**LEGACY, "wire_v2/setup.py": SETUP}
NEW = "libs/types/wire/fast.c"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('.tp_name = "wire_v2._fast.Reader",\n', '.tp_name = "libs.types.wire._fast.Reader",\n'),
        ('name("wire_v2.header.Header");\n', 'name("libs.types.wire.header.Header");\n'),
        ('PyImport_ImportModule( "wire_v2");\n', 'PyImport_ImportModule( "libs.types.wire");\n'),
        ('PyImport_ImportModule(\r\n    "money");\r\n', 'PyImport_ImportModule(\r\n    "libs.types.cash");\r\n'),
    ],
)
def test_names_in_literals_change_with_the_files(before: str, after: str) -> None:
    moved = migrate({"wire_v2/fast.c": before}, tree=BUILT, stages=(3,))
    assert moved.files[NEW] == after.encode()


@pytest.mark.parametrize(
    "text",
    [
        'puts("wire_v2");\n',  # a word
        'puts("wire_v2.nothing.Here");\n',  # no module, and no extension of that name
        'fopen("wire_v2_cache.header");\n',
        'puts("say \\"wire_v2._fast\\" twice");\n',
        "int wire_v2 = 1; /* wire_v2 reads money */\n",
    ],
)
def test_what_is_no_name_stays(text: str) -> None:
    assert migrate({"wire_v2/fast.c": text}, tree=BUILT).files[NEW] == text.encode()


def test_a_comment_is_listed() -> None:
    result = migrate({"wire_v2/fast.c": "/* as wire_v2/checksum.py does */\n"}, tree=BUILT)
    assert result.rules("wire_v2/fast.c") == ["file.unknown"]


def test_python_may_name_an_extension_that_a_manifest_builds() -> None:
    code = "NAMES = ['wire_v2._fast']\n"
    assert rewritten(code, tree=BUILT) == code.replace("wire_v2", "libs.types.wire")
    table = '[[tool.setuptools.ext-modules]]\nsources = ["a.c"]\nname = "wire_v2._fast"\n'
    by_table = {**LEGACY, "wire_v2/pyproject.toml": f'[project]\nname = "wire-v2"\nversion = "1"\n\n{table}'}
    assert rewritten(code, tree=by_table) == code.replace("wire_v2", "libs.types.wire")
    assert rewritten(code) == code


def test_a_build_script_that_setup_py_imports_makes_extensions() -> None:
    script = "from setuptools import Extension\n\nMADE = [Extension(name='wire_v2._fast', sources=['a.c'])]\n"
    tree = {**LEGACY, "wire_v2/setup_package.py": script}
    code = "NAMES = ['wire_v2._fast']\n"
    assert rewritten(code, tree=tree) == code.replace("wire_v2", "libs.types.wire")
    made = migrate({}, tree=tree, stages=(3,)).files["libs/types/wire/setup_package.py"]
    assert b"name='libs.types.wire._fast'" in made  # from stage 3 on it is built where the sources are


def test_a_distribution_with_an_extra_is_one() -> None:
    code = 'NEED = r"wire-v2\\[fast\\]"\nHINT = "wire-v2[fast,all] or wire-v2"\n'
    assert rewritten(code) == 'NEED = r"unified\\[fast\\]"\nHINT = "unified[fast,all] or wire-v2"\n'
    assert rewritten("see [wire-v2][1] and wire-v2[2]\n", "notes.md") == "see [wire-v2][1] and wire-v2[2]\n"
