"""Files that are not Python: configuration by its keys, commands by the words before a name, patterns, import roots."""

# ruff: noqa: E501 - before and after stand on one line each

from __future__ import annotations

import pytest

from tools.migrate.scan import text
from tools.migrate.scan.context import World
from tools.migrate.tests.scanning import migrate, rewritten

CHANGED = [
    ("mypy.ini", "[mypy-wire_v2.*]\nx = 1\n[mypy-wire_v2,money.side]\n", "[mypy-libs.types.wire.*]\nx = 1\n[mypy-libs.types.wire,libs.types.cash.side]\n"),
    ("mypy.ini", "[mypy]\nfiles = wire_v2, app\npackages = money\n", "[mypy]\nfiles = libs/types/wire, app\npackages = libs.types.cash\n"),
    ("pytest.ini", "[pytest]\naddopts = -p wire_v2.tlv --cov=wire_v2\n", "[pytest]\naddopts = -p libs.types.wire.tlv --cov=libs/types/wire\n"),
    ("pytest.ini", "[pytest]\nfilterwarnings =\n    ignore:.*:DeprecationWarning:wire_v2\n",
     "[pytest]\nfilterwarnings =\n    ignore:.*:DeprecationWarning:libs.types.wire\n"),
    ("pytest.ini", "[pytest]\npythonpath = . libs/types\n", "[pytest]\npythonpath = .\n"),
    ("pytest.ini", "[pytest]\npythonpath =\n    libs/types\n", "[pytest]\npythonpath =\n    .\n"),
    ("tox.ini", "[isort]\nknown_first_party = wire_v2,money\n", "[isort]\nknown_first_party = libs.types.wire,libs.types.cash\n"),
    ("tox.ini", "[testenv]\ndeps = -e {toxinidir}/wire_v2\n", "[testenv]\ndeps = -e {toxinidir}/libs/types\n"),
    ("test.sh", "coverage run --source=wire_v2 -m pytest --cov money\n", "coverage run --source=libs/types/wire -m pytest --cov libs.types.cash\n"),
    ("args.json", '["pytest", "--cov", "wire_v2", "--pyargs", "wire_v2"]\n', '["pytest", "--cov", "libs/types/wire", "--pyargs", "libs.types.wire"]\n'),
    ("noxfile.py", 'run("pytest", "--cov", "wire_v2")\nARGS = ["--cov", "money"]\n', 'run("pytest", "--cov", "libs/types/wire")\nARGS = ["--cov", "libs.types.cash"]\n'),
    (".coveragerc", "[run]\nsource =\n    wire_v2\n    money\n", "[run]\nsource =\n    libs/types/wire\n    libs.types.cash\n"),
    (".flake8", "[flake8]\napplication-import-names = wire_v2\n", "[flake8]\napplication-import-names = libs.types.wire\n"),
    (".pre-commit-config.yaml", "- files: ^(wire_v2|docs)/\n", "- files: ^(libs/types/wire|docs)/\n"),
    (".pre-commit-config.yaml", "- files: ^wire_v2/.*\\.py$\n", "- files: ^libs/types/wire/.*\\.py$\n"),
    (".github/CODEOWNERS", "/wire_v2/ @a\nlibs/types/money @b\n", "/libs/types/wire/ @a\nlibs/types/cash @b\n"),
    (".gitignore", "wire_v2/build/\n!/wire_v2/data\n", "libs/types/wire/build/\n!/libs/types/wire/data\n"),
    ("Dockerfile", "COPY wire_v2/ ./wire_v2/\nCMD [\"python\", \"-m\", \"wire_v2.header\"]\n",
     "COPY libs/types/wire/ ./libs/types/wire/\nCMD [\"python\", \"-m\", \"libs.types.wire.header\"]\n"),
    ("compose.yml", "  - ./wire_v2:/app/wire_v2:ro\n  PYTHONPATH: /app:/app/libs/types\n",
     "  - ./libs/types/wire:/app/libs/types/wire:ro\n  PYTHONPATH: /app\n"),
    (".env", "PYTHONPATH=.:libs/types\nAPP=wire_v2.header\n", "PYTHONPATH=.\nAPP=libs.types.wire.header\n"),
    (".env", "PYTHONPATH=libs/types\n", "PYTHONPATH=.\n"),
    ("Makefile", "t:\n\tmypy -p wire_v2 && mypy wire_v2 && mkdir -p wire_v2\n",
     "t:\n\tmypy -p libs.types.wire && mypy libs/types/wire && mkdir -p libs/types/wire\n"),
    ("run.sh", "#!/bin/sh\npython - <<'EOF'\nfrom wire_v2 import MAGIC\nEOF\npip install wire-v2 && uv run --package Money_Types x\n",
     "#!/bin/sh\npython - <<'EOF'\nfrom libs.types.wire import MAGIC\nEOF\npip install unified && uv run --package unified x\n"),
    ("run.sh", "#!/bin/sh\npython -m pytest -q -p no:cacheprovider -m \"not slow\" \\\n    --cov=wire_v2 \\\n    wire_v2 app\n",
     "#!/bin/sh\npython -m pytest -q -p no:cacheprovider -m \"not slow\" \\\n    --cov=libs/types/wire \\\n    libs/types/wire app\n"),
    ("ci.yml", "run: PYTHONPATH=\"$PWD:$PWD/libs/types\" python -m pytest wire_v2/data\n",
     "run: PYTHONPATH=\"$PWD\" python -m pytest libs/types/wire/data\n"),
    ("log.json", '{"loggers": {"wire_v2": {}}, "class": "wire_v2.header.Header"}', '{"loggers": {"libs.types.wire": {}}, "class": "libs.types.wire.header.Header"}'),
    ("fast.pyx", "from wire_v2.header cimport Header\nimport wire_v2.tlv\n", "from libs.types.wire.header cimport Header\nimport libs.types.wire.tlv\n"),
    ("tool", "#!/usr/bin/env python3\nimport wire_v2\nwire_v2.MAGIC\n", "#!/usr/bin/env python3\nimport libs.types.wire\nlibs.types.wire.MAGIC\n"),
    ("tool.py", "# /// script\n# dependencies = [\"wire-v2\", \"x\"]\n# ///\nimport x\n", "# /// script\n# dependencies = [\"unified\", \"x\"]\n# ///\nimport x\n"),
]  # fmt: skip
UNTOUCHED = [
    ("compose.yml", "command: kafka --topic wire_v2.market_data\nenvironment: {TABLE: money}\n"),
    ("app.yml", "source: wire_v2\nmodules: [money]\nfiles: money\n"),
    ("app.ini", "[db]\nsource = wire_v2\npackages = money\n"),
    ("run.sh", "#!/bin/sh\npsql -c 'select * from wire_v2'\necho money wire_v2_compat wire-v2-extra\n"),
    ("run.sh", "#!/bin/sh\npytest -k wire_v2\npytest app -k 'not wire_v2'\nprintf 'a\\n'\nmoney \\\n  wire_v2\n"),
    ("data.csv", "wire_v2.header,1\n"),
    ("q.sql", "select * from money.side\n"),
    (".env", "PYTHONPATH=.:libs\nA=libs/types/x\n"),
    ("CHANGELOG.md", "wire_v2 was added in `wire_v2.header`\n"),
    ("a.json", '{"wire_v2": {"money": "wire_v2 and money"}}'),
    (".gitignore", "*.pyc\nbuild/\n"),
    ("py2.py", "import wire_v2\nprint wire_v2.MAGIC\n"),
    ("x.py.j2", "import wire_v2\nfrom wire_v2.{{ name }} import x\n"),
]


@pytest.mark.parametrize(("path", "before", "after"), CHANGED)
def test_changed(path: str, before: str, after: str) -> None:
    assert rewritten(before, path) == after


@pytest.mark.parametrize(("path", "text"), UNTOUCHED)
def test_untouched(path: str, text: str) -> None:
    assert rewritten(text, path) == text


@pytest.mark.parametrize("path", ["py2.py", "x.py.j2", "q.sql", "Makefile", "CHANGELOG.md", "x.html"])
def test_what_is_left_is_listed(path: str) -> None:
    text = "import wire_v2\nprint wire_v2.header\nX = wire_v2\nmoney.side\n"
    assert migrate({path: text}).rules(path)


def test_a_pattern_at_any_depth_is_listed() -> None:
    result = migrate({".github/CODEOWNERS": "**/wire_v2/ @x\n"})
    assert result.rules(".github/CODEOWNERS") == ["path.unknown"]


def test_meson_installs_from_an_import_root() -> None:
    text = "py3.install_sources(['cash.py'], subdir: 'money')\n"
    result = migrate({"libs/types/money/meson.build": text})
    assert result.files["libs/types/cash/meson.build"].decode() == text.replace("'money'", "'libs/types/cash'")


def test_a_template_of_messages_is_read_once_for_all_its_translations(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    places = text._places

    def noted(world: World, body: str) -> list[int]:
        read.append(body)
        return places(world, body)

    monkeypatch.setattr(text, "_places", noted)
    template = "#: wire_v2/header.py:1\nmsgid 'a'\n"
    said, other = [f"app/locale/{n}/app.po" for n in "abc"], [f"app/{n}/web.po" for n in "ab"]
    made = migrate({"app/locale/app.pot": template, **dict.fromkeys([*said, *other], f"{template}msgstr 'b'\n")})
    listed = {f.path for f in made.findings if f.path.endswith((".po", ".pot"))}
    assert listed == {"app/locale/app.pot", *other}
    assert read.count(template) == 2  # as a template, and as a file of its own
