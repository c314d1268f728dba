"""Names and paths in tool sections, and requirement lists of dependents: pairs and texts that must stay."""

from __future__ import annotations

import re

import pytest

from tools.migrate.tests.test_manifests_helpers import FILES, LIBRARY, RENAME, after, findings, toml

WIRE, CORE = "libs/core/wire", "libs.core.wire"

PAIRS = [
    (
        '[tool.mypy]\nfiles = ["wire_fmt", "libs/core/money_types"]',
        f'[tool.mypy]\nfiles = ["{WIRE}", "libs/core/money"]',
    ),
    ('[[tool.mypy.overrides]]\nmodule = ["wire_fmt.*"]', f'[[tool.mypy.overrides]]\nmodule = ["{CORE}.*"]'),
    (
        '[[tool.mypy.overrides]]\nmodule = "wire_fmt.codec"  # x',
        f'[[tool.mypy.overrides]]\nmodule = "{CORE}.codec"  # x',
    ),
    (
        '[tool.ruff.lint.isort]\nknown-first-party = ["wire_fmt", "apps"]',
        f'[tool.ruff.lint.isort]\nknown-first-party = ["{CORE}", "apps"]',
    ),
    (
        f'[tool.ruff.lint.isort]\nknown-first-party = ["{CORE}", "wire_fmt", "apps"]',
        f'[tool.ruff.lint.isort]\nknown-first-party = ["{CORE}", "apps"]',
    ),
    (
        '[tool.ruff.lint.per-file-ignores]\n"wire_fmt/**/*.py" = ["E501"]\n\'wire_fmt/codec.py\' = []',
        f'[tool.ruff.lint.per-file-ignores]\n"{WIRE}/**/*.py" = ["E501"]\n\'{WIRE}/codec.py\' = []',
    ),
    ('[tool.ruff]\nextend-exclude = ["./wire_fmt/data"]', f'[tool.ruff]\nextend-exclude = ["./{WIRE}/data"]'),
    ('[tool.coverage.run]\nomit = ["wire_fmt/tests/*"]', f'[tool.coverage.run]\nomit = ["{WIRE}/tests/*"]'),
    ('[tool.coverage.run]\nsource = ["wire_fmt", "apps"]', f'[tool.coverage.run]\nsource = ["{WIRE}", "apps"]'),
    (
        '[tool.pytest.ini_options]\naddopts = "-q --cov=wire_fmt.sub"',
        f'[tool.pytest.ini_options]\naddopts = "-q --cov={CORE}.sub"',
    ),
    (
        '[tool.pytest.ini_options]\naddopts = ["-p", "wire_fmt.tool", "--ignore=wire_fmt/data"]',
        f'[tool.pytest.ini_options]\naddopts = ["-p", "{CORE}.tool", "--ignore={WIRE}/data"]',
    ),
    (
        '[tool.pytest.ini_options]\nfilterwarnings = ["ignore::DeprecationWarning:wire_fmt.codec"]',
        f'[tool.pytest.ini_options]\nfilterwarnings = ["ignore::DeprecationWarning:{CORE}.codec"]',
    ),
    (
        '[tool.importlinter]\nroot_packages = ["wire_fmt", "apps"]',
        f'[tool.importlinter]\nroot_packages = ["{CORE}", "apps"]',
    ),
    (
        '[[tool.importlinter.contracts]]\nname = "a"\nignore_imports = ["apps.web -> wire_fmt.codec"]',
        f'[[tool.importlinter.contracts]]\nname = "a"\nignore_imports = ["apps.web -> {CORE}.codec"]',
    ),
    (
        '[tool.ruff.lint.flake8-tidy-imports.banned-api]\n"wire_fmt.codec".msg = "no"',
        f'[tool.ruff.lint.flake8-tidy-imports.banned-api]\n"{CORE}.codec".msg = "no"',
    ),
    (
        '[project]\nname = "x"\n[project.scripts]\nx = "wire_fmt.tool:main"',
        f'[project]\nname = "x"\n[project.scripts]\nx = "{CORE}.tool:main"',
    ),
    (
        '[project.entry-points."wire_fmt.plugins"]\nwire_fmt = "wire_fmt.tool:main"',
        f'[project.entry-points."wire_fmt.plugins"]\nwire_fmt = "{CORE}.tool:main"',
    ),
    ('[tool.uv]\ncache-keys = [{ file = "wire_fmt/*.py" }]', f'[tool.uv]\ncache-keys = [{{ file = "{WIRE}/*.py" }}]'),
    ('[tool.poe.tasks]\ndump = "python -m wire_fmt.tool"', f'[tool.poe.tasks]\ndump = "python -m {CORE}.tool"'),
    ('[formatters.json]\nclass = "wire_fmt.codec.Frame"', f'[formatters.json]\nclass = "{CORE}.codec.Frame"'),
    ('[tool.black]\nexclude = "^/wire_fmt/data"', f'[tool.black]\nexclude = "^/{WIRE}/data"'),
    ('[tool.mypy]\nexclude = ["wire_fmt/(data|sub)/"]', f'[tool.mypy]\nexclude = ["{WIRE}/(data|sub)/"]'),
    ('[tool.coverage.run]\nomit = ["*/wire_fmt/tool.py"]', f'[tool.coverage.run]\nomit = ["*/{WIRE}/tool.py"]'),
    ('[tool.towncrier]\npackage = "wire_fmt"', f'[tool.towncrier]\npackage = "{CORE}"'),
    ('x = ["""\nwire_fmt/codec.py\n"""]', f'x = ["""\n{WIRE}/codec.py\n"""]'),
    ("# see wire_fmt/codec.py and wire_fmt.codec\nx = 1", f"# see {WIRE}/codec.py and {CORE}.codec\nx = 1"),
]

SAME = [
    'title = "nothing"\r\n\r\n[a]\r\n  b   =  [ 1,2 ,\r\n ] # odd\r\n',
    '[tool.other]\nname = "wire_fmt_extra"\nother = "my_wire_fmt/codec.py"',
    '[tool.other]\nurl = "https://example.org/wire_fmt/codec.py"',
    '[tool.app]\nlink = "https://example.org/wire_fmt"',
    '[project]\nname = "x"\ndescription = "wire_fmt for all"',
    '[project]\nname = "x"\nkeywords = ["wire-fmt"]',
    '[project.entry-points."wire_fmt.plugins"]\nx = "apps.web:main"',
    '[tool.app]\ntable = "wire_fmt.no_such_thing"',
    '[tool.app]\ntopic = "wire_fmt"',
    "[wire_fmt]\nx = 1",
    '[tool.ruff.lint.isort]\nknown-first-party = ["libs", "libs", "apps"]',
    "a = \"#wire\"\nb = '''x\ny''' # c",
    "a = [\n  1, # one\n  [2, 3],\n]\nb.c.d = { e = 1, f = { g = [] } }\n",
    '[project]\nname = "x"\ndependencies = ["money-types >= 0.1",]  # fine',
]


@pytest.mark.parametrize(("before", "expected"), PAIRS)
def test_sections_follow(before: str, expected: str) -> None:
    assert after(4, "config/tools.toml", before + "\n") == expected + "\n"


@pytest.mark.parametrize("before", PAIRS)
def test_only_lines_with_a_reference_change(before: tuple[str, str]) -> None:
    wrapped = f"[[first]]\r\n a= 1   # é\r\n\r\n{before[0]}".replace("\r\n", "\n").replace("\n", "\r\n") + "\r\n"
    text = after(4, "config/tools.toml", wrapped)
    assert "\n" not in text.replace("\r\n", "")
    assert text.startswith("[[first]]\r\n a= 1   # é\r\n\r\n") or before[0].startswith(("x", "#"))


@pytest.mark.parametrize("text", SAME)
def test_texts_that_stay(text: str) -> None:
    assert after(6, "config/tools.toml", text) == text


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ('[tool.app]\ntopic = "wire_fmt"', "toml.string.bare"),
        ("[wire_fmt]\nx = 1", "toml.string.bare"),
        ('[tool.x]\nfilterwarnings = ["ignore:the wire_fmt.codec thing"]', "toml.string.message"),
        ('[tool.tox]\nlegacy = "deps = wire-fmt"', "toml.distribution"),
        ("# about wire_fmt\nx = 1", "toml.comment"),
        ('[tool.deptry]\nignore = ["wire-fmt"]', "toml.distribution"),
    ],
)
def test_what_only_a_person_knows_is_listed(text: str, rule: str) -> None:
    assert [f for f in findings(4, "config/tools.toml", text) if rule in f]


def test_a_file_that_is_no_toml_stays_and_is_listed() -> None:
    text = '[tool.mypy\nfiles = ["wire_fmt"]\n'
    assert after(6, "bad.toml", text) == text
    assert findings(3, "bad.toml", text)


def test_paths_move_in_stage_3_and_names_in_stage_4() -> None:
    text = '[tool.mypy]\nfiles = ["wire_fmt"]\n[[tool.mypy.overrides]]\nmodule = "wire_fmt"\n'
    assert after(3, "a.toml", text) == text.replace('["wire_fmt"]', f'["{WIRE}"]')


# dependents

HEAD = '[project]\nname = "web"\nversion = "1"\n'


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ('dependencies = ["wire-fmt"]', 'dependencies = ["money-types"]'),
        ('dependencies = ["wire-fmt", "money-types"]  # c', 'dependencies = ["money-types"]  # c'),
        ("dependencies = ['Wire_Fmt[fast]>=2,<3', 'x']", "dependencies = ['money-types[fast]', 'x']"),
        (
            'dependencies = [\n    "a",\n    "wire-fmt>=2",  # wire\n    "money-types",  # money\n    "b"\n]',
            'dependencies = [\n    "a",\n    "money-types",  # wire\n    # money\n    "b"\n]',
        ),
        ('dependencies = [\n    "wire-fmt",\n    "money-types"\n]', 'dependencies = [\n    "money-types"\n]'),
        ('optional-dependencies.x = ["wire-fmt"]', 'optional-dependencies.x = ["money-types"]'),
        (
            '[dependency-groups]\ndev = ["pytest", { include-group = "x" }, "wire-fmt"]\nx = []',
            '[dependency-groups]\ndev = ["pytest", { include-group = "x" }, "money-types"]\nx = []',
        ),
        (
            '[build-system]\nrequires = ["setuptools", "wire-fmt"]',
            '[build-system]\nrequires = ["setuptools", "money-types"]',
        ),
        (
            '[tool.uv]\nconstraint-dependencies = ["wire-fmt==2.3"]',
            '[tool.uv]\nconstraint-dependencies = ["money-types"]',
        ),
        (
            "[tool.uv.sources]\nwire-fmt = { workspace = true }  # ours",
            "[tool.uv.sources]\nmoney-types = { workspace = true }  # ours",
        ),
        (
            "[tool.uv.sources]\nmoney-types = { workspace = true }\nWire_fmt={workspace=true}\nx = { git = 'y' }",
            "[tool.uv.sources]\nmoney-types = { workspace = true }\nx = { git = 'y' }",
        ),
        ("[tool.uv.sources.wire-fmt]\nworkspace = true", "[tool.uv.sources.money-types]\nworkspace = true"),
        (
            "[tool.uv]\nsources = { wire-fmt = { workspace = true } }",
            "[tool.uv]\nsources = { money-types = { workspace = true } }",
        ),
        (
            '[tool.uv.sources]\nwire-fmt = { path = "../../wire_fmt", editable = true }',
            '[tool.uv.sources]\nmoney-types = { path = "../../libs/core", editable = true }',
        ),
        ('[tool.uv]\nreinstall-package = ["wire-fmt"]', '[tool.uv]\nreinstall-package = ["money-types"]'),
        (
            '[tool.poetry.dependencies]\npython = "^3.11"\nwire-fmt = "^2.0"',
            '[tool.poetry.dependencies]\npython = "^3.11"\nmoney-types = "*"',
        ),
        (
            '[tool.poetry.dependencies]\nmoney-types = "^0.4"\nwire-fmt = { version = "^2", extras = ["fast"] }',
            '[tool.poetry.dependencies]\nmoney-types = { version = "^0.4", extras = ["fast"] }',
        ),
        (
            '[tool.poetry.group.dev.dependencies]\nwire-fmt = { path = "../../wire_fmt", develop = true }',
            '[tool.poetry.group.dev.dependencies]\nmoney-types = { path = "../../libs/core", develop = true }',
        ),
        (
            '[tool.hatch.envs.test]\nextra-dependencies = ["wire-fmt"]',
            '[tool.hatch.envs.test]\nextra-dependencies = ["money-types"]',
        ),
    ],
)
def test_dependents_depend_on_the_target(before: str, expected: str) -> None:
    assert after(3, "apps/web/pyproject.toml", f"{HEAD}{before}\n") == f"{HEAD}{before}\n"
    assert after(6, "apps/web/pyproject.toml", f"{HEAD}{before}\n") == f"{HEAD}{expected}\n"


@pytest.mark.parametrize(
    "text",
    [
        '[tool.uv.sources]\nwire-fmt = { git = "https://example.org/w" }',
        'dependencies = ["wire-fmt @ https://example.org/w.whl"]',
        '[tool.poetry.dependencies]\nwire-fmt = { git = "https://example.org/w" }',
    ],
)
def test_foreign_sources_stay_and_are_listed(text: str) -> None:
    whole = f"{HEAD}{text}\n"
    assert after(4, "apps/web/pyproject.toml", whole) == whole
    assert any(f.startswith("error") for f in findings(4, "apps/web/pyproject.toml", whole))


@pytest.mark.parametrize("name", ["uv.lock", "poetry.lock", "pdm.lock"])
def test_locks_are_only_named(name: str) -> None:
    text = '[[package]]\nname = "wire-fmt"\n'
    assert after(6, name, text) == text
    assert findings(4, name, text)
    assert not findings(4, name, '[[package]]\nname = "attrs"\n')


# one distribution that renames its package

PACKAGE_LISTS = [
    (
        '[tool.setuptools]\npackages = ["fetcher", "fetcher.plugins"]\npackage-dir = { "" = "src" }',
        (
            '[tool.setuptools]\npackages = ["fetcher", "libs.net.fetcher", "libs.net.fetcher.plugins"]\n'
            'package-dir = { "" = "src" }'
        ),
        '[tool.setuptools]\npackages = ["libs.net.fetcher", "libs.net.fetcher.plugins"]\npackage-dir = { "" = "src" }',
    ),
    (
        '[tool.setuptools.package-dir]\nfetcher = "src/fetcher"',
        '[tool.setuptools.package-dir]\nfetcher = "src/fetcher"\n"" = "src"',
        '[tool.setuptools.package-dir]\n"" = "src"',
    ),
    (
        '[tool.setuptools.package-data]\nfetcher = ["data/*"]',
        '[tool.setuptools.package-data]\nfetcher = ["data/*"]\n"libs.net.fetcher" = ["data/*"]',
        '[tool.setuptools.package-data]\n"libs.net.fetcher" = ["data/*"]',
    ),
    (
        '[tool.setuptools.packages.find]\nwhere = ["src"]\ninclude = ["fetcher*"]',
        '[tool.setuptools.packages.find]\nwhere = ["src"]\ninclude = ["fetcher*", "libs.net.fetcher*"]',
        '[tool.setuptools.packages.find]\nwhere = ["src"]\ninclude = ["libs.net.fetcher*"]',
    ),
    (
        '[tool.setuptools.dynamic]\nversion = { attr = "fetcher._version.__version__" }',
        '[tool.setuptools.dynamic]\nversion = { attr = "libs.net.fetcher._version.__version__" }',
        '[tool.setuptools.dynamic]\nversion = { attr = "libs.net.fetcher._version.__version__" }',
    ),
    (
        (
            '[tool.hatch.version]\npath = "src/fetcher/_version.py"\n'
            '[tool.hatch.build.targets.wheel]\npackages = ["src/fetcher"]'
        ),
        (
            '[tool.hatch.version]\npath = "src/libs/net/fetcher/_version.py"\n'
            '[tool.hatch.build.targets.wheel]\npackages = ["src/fetcher", "src/libs"]'
        ),
        (
            '[tool.hatch.version]\npath = "src/libs/net/fetcher/_version.py"\n'
            '[tool.hatch.build.targets.wheel]\npackages = ["src/libs"]'
        ),
    ),
    (
        '[tool.poetry]\npackages = [{ include = "fetcher", from = "src" }]',
        '[tool.poetry]\npackages = [{ include = "fetcher", from = "src" }, '
        '{ include = "libs/net/fetcher", from = "src" }]',
        '[tool.poetry]\npackages = [{ include = "libs/net/fetcher", from = "src" }]',
    ),
    (
        '[tool.flit.module]\nname = "fetcher"',
        '[tool.flit.module]\nname = "libs.net.fetcher"',
        '[tool.flit.module]\nname = "libs.net.fetcher"',
    ),
]


@pytest.mark.parametrize(("before", "shims", "final"), PACKAGE_LISTS)
def test_package_lists_hold_both_names_until_cleanup(before: str, shims: str, final: str) -> None:
    assert after(3, "pyproject.toml", before + "\n", files=LIBRARY, plan=RENAME) == shims + "\n"
    assert after(6, "pyproject.toml", before + "\n", files=LIBRARY, plan=RENAME) == final + "\n"


def test_the_distribution_keeps_its_name_without_a_target() -> None:
    text = '[project]\nname = "fetcher"\n[project.optional-dependencies]\nall = ["fetcher[x]"]\n'
    assert after(6, "pyproject.toml", text, files=LIBRARY, plan=RENAME) == text


def test_every_sample_file_survives_all_stages_as_toml() -> None:
    for path in FILES:
        text = after(6, path) if re.search(r"\.toml$", path) else "<deleted>"
        assert text == "<deleted>" or toml(text)


@pytest.mark.parametrize(
    "text",
    [
        '[tool.mypy]\nfiles = ["wire_fmt", "wire_fmt/codec.py", "./wire_fmt"]',
        '[tool.ruff.lint.per-file-ignores]\n"wire_fmt/*" = ["E501"]',
        '[tool.pytest.ini_options]\naddopts = "--ignore=wire_fmt/codec.py"',
    ],
)
def test_a_namesake_beside_the_manifest_is_what_it_means(text: str) -> None:
    files = {**FILES, "apps/web/wire_fmt/codec.py": ""}
    assert after(6, "apps/web/pyproject.toml", text, files=files) == text


def test_roots_of_execution_environments() -> None:
    text = '[tool.pyright]\nexecutionEnvironments = [{ root = "apps", extraPaths = [".", "libs/core"] }]\n'
    assert after(6, "pyproject.toml", text) == text.replace(', "libs/core"', "")


SEARCH = '[project]\nname = "fetcher"\n\n[tool.setuptools.packages.find]\nwhere = ["src"]\nnamespaces = false\n'


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, ["error 6 toml.namespaces namespaces = false, and libs has no __init__.py"]),
        ({"src/libs/__init__.py": ""}, []),
    ],
)
def test_a_search_that_would_pass_the_new_package_over_is_listed(files: dict[str, str], expected: list[str]) -> None:
    tree = {"src/fetcher/__init__.py": "", **files}
    assert findings(3, "pyproject.toml", SEARCH, files=tree, plan=RENAME) == expected
    wide = SEARCH.replace("false", "true")
    assert findings(3, "pyproject.toml", wide, files=tree, plan=RENAME) == []
    cfg = "[options]\npackages = find:\npackage_dir =\n    = src\n"
    listed = [
        line.replace("cfg.", "toml.").split("namespaces ")[-1]
        for line in findings(3, "setup.cfg", cfg, files=tree, plan=RENAME)
    ]
    assert [line for line in listed if "has no" in line] == ["packages = find:, and libs has no __init__.py"] * len(
        expected
    )
