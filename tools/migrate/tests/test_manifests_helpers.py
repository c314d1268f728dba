"""A small repository of two merging distributions, and the run of one file through the stages.

`wire_fmt` (beside its manifest) and `money_types` (one folder below its own) become `libs.core.wire` and
`libs.core.money` of the distribution money-types.  Tests change single files of it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

import pytest

from tools.migrate.classify import Judge
from tools.migrate.layout import resolve_layout
from tools.migrate.manifests import Context, rewrite_manifest, wants
from tools.migrate.plan import parse_plan
from tools.migrate.resolve import Resolver
from tools.migrate.tree import Tree

MERGE = """
[migration]
name = "merge"
import-roots = [".", "libs/core"]

[[move]]
from = "wire_fmt"
to = "libs.core.wire"
distribution = "wire-fmt"

[[move]]
from = "money_types"
to = "libs.core.money"
distribution = "money-types"

[target]
distribution = "money-types"
path = "libs/core"
"""

RENAME = """
[migration]
name = "rename"
import-roots = ["src"]

[[move]]
from = "fetcher"
to = "libs.net.fetcher"
distribution = "fetcher"
"""

WIRE = """\
[project]
name = "wire-fmt"
version = "2.3.0"
requires-python = ">=3.10"
dependencies = ["attrs>=22", "orjson>=3; sys_platform == 'linux'"]

[project.optional-dependencies]
fast = ["crc32c>=2"]

[project.scripts]
wire-dump = "wire_fmt.tool:main"

[project.entry-points."acme.codecs"]
wire = "wire_fmt.codec:decode"
"""

MONEY = """\
[project]
name = "money-types"
version = "0.4.0"
requires-python = ">=3.11"
dependencies = ["attrs>=23.1", "wire-fmt"]  # as few as can be

[tool.uv.sources]
wire-fmt = { workspace = true }
"""

ROOT = """\
[project]
name = "acme"
version = "0"

[tool.uv.workspace]
members = ["wire_fmt", "libs/core", "apps/*"]

[tool.pytest.ini_options]
pythonpath = [".", "libs/core"]
testpaths = ["tests", "wire_fmt/tests"]
"""

FILES = {
    "pyproject.toml": ROOT,
    "wire_fmt/pyproject.toml": WIRE,
    "wire_fmt/__init__.py": "",
    "wire_fmt/codec.py": "def decode(data): ...\n\n\nclass Frame: ...\n",
    "wire_fmt/tool.py": "def main(): ...\n",
    "wire_fmt/sub/__init__.py": "",
    "wire_fmt/sub/deep.py": "X = 1\n",
    "wire_fmt/data/table.json": "{}\n",
    "wire_fmt/tests/test_codec.py": "",
    "libs/core/pyproject.toml": MONEY,
    "libs/core/money_types/__init__.py": "from .price import Price\n",
    "libs/core/money_types/price.py": "class Price: ...\n",
    "apps/web/pyproject.toml": '[project]\nname = "web"\nversion = "1"\ndependencies = ["wire-fmt"]\n',
    "apps/web/main.py": "import wire_fmt\n",
    "tests/test_all.py": "",
}
LIBRARY = {
    "src/fetcher/__init__.py": "",
    "src/fetcher/_version.py": "__version__ = '1'\n",
    "src/fetcher/plugins/__init__.py": "",
    "src/fetcher/data/ca.pem": "",
    "tests/test_all.py": "",
}


def context(files: Mapping[str, str] = FILES, plan: str = MERGE) -> Context:
    parsed, tree = parse_plan(plan), Tree.from_files(dict(files))
    layout = resolve_layout(parsed, tree)
    return Context(layout, Judge(layout, Resolver(layout)), tree, parsed)


def after(
    stage: int, path: str, text: str | None = None, *, files: Mapping[str, str] = FILES, plan: str = MERGE
) -> str:
    """The text after `stage`, every step before it run too; each step run twice must change nothing more."""
    files = dict(files) if text is None else {**files, path: text}
    where = context(files, plan)
    current: str | None = files[path]
    for number in (3, 4, 6):
        if number <= stage and current is not None:
            result = rewrite_manifest(path, current, number, where)
            if result.text is not None:
                again = rewrite_manifest(path, result.text, number, where)
                assert again.text == result.text, f"stage {number} is not idempotent"
                assert bool(result.notes) == (result.text != current), "a change without a note, or the reverse"
            current = result.text
    return "<deleted>" if current is None else current


def findings(
    stage: int, path: str, text: str | None = None, *, files: Mapping[str, str] = FILES, plan: str = MERGE
) -> list[str]:
    files = dict(files) if text is None else {**files, path: text}
    where = context(files, plan)
    current: str | None = files[path]
    out: list[str] = []
    for number in (3, 4, 6):
        if number <= stage and current is not None:
            result = rewrite_manifest(path, current, number, where)
            out = [f"{f.severity} {f.line} {f.rule} {f.text}" for f in result.findings] if number == stage else out
            current = result.text
    return out


def toml(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("pyproject.toml", True),
        ("a/b/tools.toml", True),
        ("migration.toml", False),
        ("migration.lock", False),
        ("setup.py", True),
        ("a/setup.cfg", True),
        ("requirements.txt", True),
        ("requirements-dev.txt", True),
        ("dev-requirements.txt", True),
        ("requirements/dev.txt", True),
        ("constraints.txt", True),
        ("MANIFEST.in", True),
        ("uv.lock", True),
        ("notes.txt", False),
        ("docs/requirements.md", False),
        ("src/setup_helpers.py", False),
    ],
)
def test_wants(path: str, expected: bool) -> None:
    assert wants(path) is expected
