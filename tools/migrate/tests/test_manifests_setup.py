"""setup.cfg, setup.py, MANIFEST.in and requirements files: pairs and texts that must stay."""

from __future__ import annotations

import pytest

from tools.migrate.tests.test_manifests_helpers import FILES, LIBRARY, RENAME, after, findings

CFG = """\
[metadata]
name = web
description = wire_fmt for the web

[options]
packages = find:
install_requires =
    wire-fmt[fast]>=2  # wire
    money-types
    httpx>=0.27
python_requires = >=3.10

[options.extras_require]
wire = wire-fmt

[options.entry_points]
console_scripts =
    web-dump = wire_fmt.tool:main

[mypy-wire_fmt.*]
ignore_errors = True

[flake8]
per-file-ignores =
    wire_fmt/codec.py:E501
"""
CFG_AFTER = """\
[metadata]
name = web
description = wire_fmt for the web

[options]
packages = find:
install_requires =
    money-types[fast]  # wire
    httpx>=0.27
python_requires = >=3.10

[options.extras_require]
wire = money-types

[options.entry_points]
console_scripts =
    web-dump = libs.core.wire.tool:main

[mypy-libs.core.wire.*]
ignore_errors = True

[flake8]
per-file-ignores =
    libs/core/wire/codec.py:E501
"""


def test_setup_cfg_of_a_dependent() -> None:
    assert after(6, "apps/web/setup.cfg", CFG) == CFG_AFTER
    windows = CFG.replace("\n", "\r\n")
    assert after(6, "apps/web/setup.cfg", windows) == CFG_AFTER.replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("before", "shims", "final"),
    [
        (
            "[options]\npackages =\n    fetcher\n    fetcher.plugins\npackage_dir =\n    = src\n",
            (
                "[options]\npackages =\n    fetcher\n    libs.net.fetcher\n"
                "    libs.net.fetcher.plugins\npackage_dir =\n    = src\n"
            ),
            "[options]\npackages =\n    libs.net.fetcher\n    libs.net.fetcher.plugins\npackage_dir =\n    = src\n",
        ),
        (
            "[options.package_data]\nfetcher = data/*\n",
            "[options.package_data]\nfetcher = data/*\nlibs.net.fetcher = data/*\n",
            "[options.package_data]\nlibs.net.fetcher = data/*\n",
        ),
        (
            "[options.packages.find]\nwhere = src\ninclude = fetcher*\n",
            "[options.packages.find]\nwhere = src\ninclude = fetcher*, libs.net.fetcher*\n",
            "[options.packages.find]\nwhere = src\ninclude = libs.net.fetcher*\n",
        ),
        (
            "[metadata]\nname = fetcher\nversion = attr: fetcher._version.__version__\n",
            "[metadata]\nname = fetcher\nversion = attr: libs.net.fetcher._version.__version__\n",
            "[metadata]\nname = fetcher\nversion = attr: libs.net.fetcher._version.__version__\n",
        ),
    ],
)
def test_setup_cfg_package_lists(before: str, shims: str, final: str) -> None:
    assert after(3, "setup.cfg", before, files=LIBRARY, plan=RENAME) == shims
    assert after(6, "setup.cfg", before, files=LIBRARY, plan=RENAME) == final


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[a]\nb=1\n  c\n\n# wire_fmt\n",
        "[metadata]\nname = wire_fmt_extra\n",
        "\tbroken\n[x\n",
        "[options]\ninstall_requires = money-types>=0.1\n",
    ],
)
def test_setup_cfg_that_stays(text: str) -> None:
    assert after(6, "apps/web/setup.cfg", text) == text


def test_a_merged_distribution_of_setup_cfg() -> None:
    cfg = (
        "[metadata]\nname = wire-fmt\nversion = 2.3.0\n"
        "\n[options]\npython_requires = >=3.12\ninstall_requires =\n    attrs>=24\n\n"
        "[options.entry_points]\nconsole_scripts =\n    wire-dump = wire_fmt.tool:main\n"
    )
    files = {**FILES, "wire_fmt/setup.cfg": cfg}
    del files["wire_fmt/pyproject.toml"]
    target = after(3, "libs/core/pyproject.toml", files=files)
    assert 'requires-python = ">=3.12"' in target
    assert '"attrs>=24"' in target
    assert 'wire-dump = "libs.core.wire.tool:main"' in target
    thin = after(3, "wire_fmt/setup.cfg", files=files)
    assert "install_requires =\n    money-types>=0.4.0\n" in thin
    assert "entry_points" not in thin
    assert after(6, "wire_fmt/setup.cfg", files=files) == "<deleted>"


SETUP = """\
import os
from setuptools import setup

here = os.path.dirname(__file__)
with open(os.path.join(here, "src", "fetcher", "_version.py")) as f:
    exec(f.read())
with open("src/fetcher/_version.py") as f:
    pass

setup(
    name="fetcher",
    packages=["fetcher", "fetcher.plugins"],
    package_dir={"": "src"},
    package_data={"": ["LICENSE"], "fetcher": ["data/*"]},
    entry_points={"console_scripts": ["fetch = fetcher._version:__version__"]},
)
"""


def test_setup_py_holds_both_names_until_cleanup() -> None:
    text = after(3, "setup.py", SETUP, files=LIBRARY, plan=RENAME)
    assert 'join(here, "src", "libs", "net", "fetcher", "_version.py")' in text
    assert 'open("src/libs/net/fetcher/_version.py")' in text
    assert 'packages=["fetcher", "libs.net.fetcher", "libs.net.fetcher.plugins"],' in text
    assert '"fetcher": ["data/*"], "libs.net.fetcher": ["data/*"]}' in text
    assert 'name="fetcher"' in text
    final = after(6, "setup.py", SETUP, files=LIBRARY, plan=RENAME)
    assert 'packages=["libs.net.fetcher", "libs.net.fetcher.plugins"],' in final
    assert 'package_data={"": ["LICENSE"], "libs.net.fetcher": ["data/*"]},' in final
    assert '"fetch = libs.net.fetcher._version:__version__"' in final


def test_setup_py_of_a_dependent() -> None:
    call = 'setup(name="w", install_requires=REQ, extras_require={"a": ["%s"]})\n'
    text = 'from setuptools import setup\nREQ = ["wire-fmt>=2", "money-types", "x"]\n' + call % "wire-fmt"
    expected = 'from setuptools import setup\nREQ = ["money-types", "x"]\n' + call % "money-types"
    assert after(6, "apps/web/setup.py", text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "from setuptools import setup\nsetup()\n",
        'print "wire-fmt"\n',
        '"""About wire_fmt."""\nfrom setuptools import setup\nsetup(name="wire_fmt", description="wire_fmt")\n',
    ],
)
def test_setup_py_that_stays(text: str) -> None:
    assert after(6, "apps/web/setup.py", text) == text


def test_setup_py_adds_lists_together() -> None:
    head = 'from setuptools import setup\nparts = ["fetcher.plugins"]\n'
    text = f'{head}tests = ["other"]\nsetup(name="fetcher", packages=["fetcher"] + parts + tests)\n'
    shims = after(3, "setup.py", text, files=LIBRARY, plan=RENAME)
    assert 'packages=["fetcher", "libs.net.fetcher"] + parts + tests' in shims
    assert 'parts = ["libs.net.fetcher.plugins"]' in shims and 'tests = ["other"]' in shims
    final = after(6, "setup.py", text, files=LIBRARY, plan=RENAME)
    assert 'packages=["libs.net.fetcher"] + parts + tests' in final and 'parts = ["libs.net.fetcher.plugins"]' in final
    assert not findings(3, "setup.py", text, files=LIBRARY, plan=RENAME)
    computed = text.replace("+ tests", "+ find_packages()")
    assert findings(3, "setup.py", computed, files=LIBRARY, plan=RENAME)


def test_computed_packages_are_listed() -> None:
    text = 'from setuptools import setup, find_packages\nsetup(name="fetcher", packages=find_packages("src"))\n'
    assert after(6, "setup.py", text, files=LIBRARY, plan=RENAME) == text
    assert findings(3, "setup.py", text, files=LIBRARY, plan=RENAME)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("wire-fmt\n", "money-types\n"),
        ("a\nwire-fmt[fast]>=2  # wire\n\nmoney-types  # money\nb", "a\nmoney-types[fast]  # wire\n\n# money\nb"),
        ("-e ./wire_fmt\n-e ./libs/core\nx\n", "-e ./libs/core\nx\n"),
        ("-e ./wire_fmt[fast]\n", "-e ./libs/core[fast]\n"),
        ("./wire_fmt\nmoney-types\n", "./libs/core\n"),
        ("wire-fmt==2.3\r\nx\r\n", "money-types\r\nx\r\n"),
        ("wire-fmt==2.3 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\nx\n", "money-types\nx\n"),
        ("-r wire_fmt/data/reqs.txt\nx\n", "-r libs/core/wire/data/reqs.txt\nx\n"),
    ],
)
def test_requirements_files(before: str, expected: str) -> None:
    files = {**FILES, "wire_fmt/data/reqs.txt": ""}
    assert after(6, "requirements.txt", before, files=files) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# wire-fmt\n",
        "-e .\n",
        "wire-fmt-extra\n",
        "--index-url https://example.org/wire_fmt\n",
        "-e ./libs/core\n",
        "money-types>=0.1",
    ],
)
def test_requirements_files_that_stay(text: str) -> None:
    assert after(6, "requirements.txt", text) == text


def test_a_hash_is_listed_and_constraints_take_no_extras() -> None:
    assert any("hash" in f for f in findings(4, "requirements.txt", "wire-fmt==2.3 --hash=sha256:00\n"))
    assert after(4, "constraints.txt", "wire-fmt[fast]==2.3\n") == "money-types\n"


def test_editable_lines_follow_a_moved_folder() -> None:
    files = {**LIBRARY, "src/fetcher/pyproject.toml": ""}
    assert after(3, "requirements.txt", "-e ./src/fetcher\n", files=files, plan=RENAME) == "-e ./src/libs/net/fetcher\n"


def test_manifest_in() -> None:
    text = "include README.md\nrecursive-include src/fetcher/data *.pem\ngraft   src/fetcher/plugins\n# src/fetcher\n"
    expected = text.replace("src/fetcher/data", "src/libs/net/fetcher/data").replace(
        "src/fetcher/plugins", "src/libs/net/fetcher/plugins"
    )
    assert after(6, "MANIFEST.in", text, files=LIBRARY, plan=RENAME) == expected


def test_a_merged_distribution_of_setup_py() -> None:
    setup = (
        "from setuptools import setup\nREQ = ['attrs>=24']\n"
        "setup(name='wire-fmt', version='2.3.0', install_requires=REQ, package_dir={'wire_fmt': '.'},\n"
        "      extras_require={'fast': ['crc32c']}, packages=['wire_fmt', 'wire_fmt.sub'],\n"
        "      entry_points={'console_scripts': ['wire_fmt = wire_fmt.tool:main']})\n"
    )
    files = {**FILES, "wire_fmt/setup.py": setup}
    del files["wire_fmt/pyproject.toml"]
    target = after(3, "libs/core/pyproject.toml", files=files)
    assert '"attrs>=24"' in target
    assert 'fast = ["crc32c"]' in target
    assert 'wire_fmt = "libs.core.wire.tool:main"' in target
    thin = after(4, "wire_fmt/setup.py", files=files)
    assert thin == (
        'from setuptools import setup\nREQ = ["money-types>=0.4.0"]\n'
        "setup(name='wire-fmt', version='2.3.0', install_requires=REQ, package_dir={'wire_fmt': '.'},\n"
        '      extras_require={"fast": ["money-types[fast]"]}, packages=["wire_fmt"],\n'
        "      entry_points={})\n"
    )
    assert after(6, "wire_fmt/setup.py", files=files) == "<deleted>"


def test_the_name_of_an_entry_point_stays() -> None:
    cfg = "[options.entry_points]\nconsole_scripts =\n    wire_fmt = wire_fmt.tool:main\n"
    assert after(6, "apps/web/setup.cfg", cfg) == cfg.replace("= wire_fmt.tool", "= libs.core.wire.tool")
    setup = 'setup(entry_points={"console_scripts": ["wire_fmt = wire_fmt.tool:main", "wire_fmt=wire_fmt:x"]})\n'
    expected = setup.replace("= wire_fmt.tool", "= libs.core.wire.tool").replace("=wire_fmt:", "=libs.core.wire:")
    assert after(6, "apps/web/setup.py", setup) == expected


@pytest.mark.parametrize(
    ("before", "stage", "expected"),
    [
        ("[tool:pytest]\npythonpath = . libs/core\n", 6, "[tool:pytest]\npythonpath = .\n"),
        ("[tool:pytest]\npythonpath = libs/core\n", 3, "[tool:pytest]\npythonpath = libs/core .\n"),
        ("[mypy]\nstrict = true\nmypy_path = libs/core\n", 6, "[mypy]\nstrict = true\n"),
        ("[mypy]\nmypy_path = stubs:libs/core\n", 6, "[mypy]\nmypy_path = stubs\n"),
        ("[mypy]\nmypy_path = stubs\n", 6, "[mypy]\nmypy_path = stubs\n"),
        ("[isort]\nknown_first_party = wire_fmt,apps\n", 4, "[isort]\nknown_first_party = libs.core.wire,apps\n"),
        ("[coverage:run]\nomit =\n  */wire_fmt/*\n", 3, "[coverage:run]\nomit =\n  */libs/core/wire/*\n"),
    ],
)
def test_tool_sections_of_setup_cfg(before: str, stage: int, expected: str) -> None:
    assert after(stage, "setup.cfg", before) == expected


def test_a_manifest_that_moves_with_its_package_leaves_the_shim_behind() -> None:
    plan = RENAME.replace('["src"]', '["."]').replace('"libs.net.fetcher"', '"net.fetcher"')
    toml = '[tool.setuptools]\npackages = ["fetcher"]\npackage-dir = { fetcher = "." }\n'
    files = {"fetcher/__init__.py": "", "fetcher/pyproject.toml": toml, "net/readme.md": ""}
    expected = '[tool.setuptools]\npackages = ["net.fetcher"]\npackage-dir = { net = ".." }\n'
    text = after(6, "fetcher/pyproject.toml", files=files, plan=plan)
    assert text.splitlines()[:2] == expected.splitlines()[:2]
