"""A small legacy tree and what the scanners make of one file in it, for the tests of `scan`, `classify` and `rewrite`.

`wire_v2` moves to `libs.types.wire`; `money` lies under the import root `libs/types` and moves to `libs.types.cash`.
"""

# ruff: noqa: E501 - before and after stand on one line each

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.migrate.layout import resolve_layout
from tools.migrate.manifests import wants
from tools.migrate.model import Finding
from tools.migrate.operations import apply_edits
from tools.migrate.plan import parse_plan
from tools.migrate.scan import make_world, scan_tree
from tools.migrate.tree import LINK, Tree

PLAN = """
[migration]
name = "test"
import-roots = [".", "libs/types"]
[[move]]
from = "wire_v2"
to = "libs.types.wire"
distribution = "wire-v2"
[[move]]
from = "money"
to = "libs.types.cash"
distribution = "money-types"
[target]
distribution = "unified"
path = "libs/types"
"""
LEGACY: dict[str, str | bytes] = {
    "wire_v2/__init__.py": (
        "from .checksum import checksum\nfrom .header import MAGIC, Header\nfrom . import tlv\n"
        "VERSION = '2'\n__all__ = ['MAGIC', 'Header', 'VERSION', 'checksum']\n"
    ),
    "wire_v2/pyproject.toml": '[project]\nname = "wire-v2"\nversion = "1"\n',
    "wire_v2/checksum.py": "def checksum(data):\n    return sum(data)\n",
    "wire_v2/header.py": "import time\nMAGIC = 7\nclass Header:\n    size = 3\n    def at(self):\n        return time.time\n",
    "wire_v2/tlv/__init__.py": "from .types import Kind\nfrom ..header import MAGIC\n",
    "wire_v2/tlv/types.py": "class Kind:\n    TRADE = 1\n",
    "wire_v2/data/schema.json": '{"a": 1}\n',
    "libs/types/money/__init__.py": "from .side import Side\nSCALE = 100\n",
    "libs/types/money/side.py": "class Side:\n    BUY = 'b'\n",
    "app/__init__.py": "",
}
# Parts of one package move: to a place below it, and to another top-level package; one class has another home already.
PARTS = """
[migration]
name = "parts"
[[move]]
from = "pkg.http"
to = "pkg.common.http"
[[move]]
from = "pkg.util.text"
to = "lib2.text"
[[symbol]]
from = "pkg.models.Foo"
to = "lib2.shapes.Foo"
"""
PARTS_TREE: dict[str, str | bytes] = {
    "pkg/__init__.py": "from .http import get\nfrom . import models, util\n",
    "pkg/http.py": "from .util import text\nfrom . import models\nURL = 1\ndef get():\n    return text.T, models.Bar.x\n",
    "pkg/util/__init__.py": "U = 2\nfrom . import text, other\n",
    "pkg/util/text.py": "from . import other\nfrom .other import O\nT = 't'\n",
    "pkg/util/other.py": "O = 1\n",
    "pkg/models.py": "class Foo:\n    x = 1\nclass Bar:\n    x = 2\n",
    "pkg/common/__init__.py": "",
    "lib2/__init__.py": "",
    "lib2/shapes.py": "class Foo:\n    x = 1\n",
    "app/__init__.py": "",
}
Files = Mapping[str, str | bytes]


@dataclass(frozen=True)
class Migrated:
    files: dict[str, bytes]  # by new path
    findings: list[Finding]

    def rules(self, path: str = "app/use.py") -> list[str]:
        return [f.rule for f in self.findings if f.path == path]


def migrate(
    files: Files, *, plan: str = PLAN, tree: Files = LEGACY, modes: Mapping[str, str] | None = None,
    stages: Iterable[int] = (3, 4),
) -> Migrated:  # fmt: skip
    """The tree after the moves and the edits of the given stages."""
    source = Tree.from_files({**tree, **files}, modes)
    layout = resolve_layout(parse_plan(plan), source)
    scans = {s.path: s for s in scan_tree(make_world(layout), skip=wants)}
    out = {}
    for path in source:
        data = source.read(path)
        if path in scans and scans[path].edits:
            kind = "link" if source.modes[path] == LINK else path
            data = apply_edits(data, tuple(e for e in scans[path].edits if e.stage in set(stages)), kind)
        out[layout.new_path(path)] = data
    return Migrated(out, [f for s in scans.values() for f in s.findings])


def rewritten(text: str | bytes, path: str = "app/use.py", *, plan: str = PLAN, tree: Files = LEGACY) -> str:
    """One file afterwards, at the path that it has then."""
    result = migrate({path: text}, plan=plan, tree=tree)
    layout = resolve_layout(parse_plan(plan), Tree.from_files({**tree, path: text}))
    return result.files[layout.new_path(path)].decode()


def outcome(place: Path, files: Files, code: str, roots: Iterable[str] = (".",)) -> str:
    """What a fresh interpreter prints for `code` in that tree."""
    for path, content in files.items():
        target = place / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
    paths = os.pathsep.join(str(place / r) for r in roots)
    ran = subprocess.run(
        [sys.executable, "-S", "-B", "-c", code], cwd=place, env={"PYTHONPATH": paths}, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    return ran.stdout if ran.returncode == 0 else ran.stderr


def same(
    place: Path, files: str | Files, *, plan: str = PLAN, tree: Files = LEGACY, code: str = "import app.use as u; print(u.run())"
) -> Migrated:  # fmt: skip
    """Migrate, then run before and after: the same must be printed (new names read as the old ones)."""
    given: Files = {"app/use.py": files} if isinstance(files, str) else files
    result = migrate(given, plan=plan, tree=tree)
    before = outcome(place / "before", {**tree, **given}, code, (".", "libs/types"))
    after = outcome(place / "after", result.files, code)
    for old, new in (("wire_v2", "libs.types.wire"), ("money", "libs.types.cash")):
        before = before.replace(old, new)
    assert "Traceback" not in before, before
    assert after == before
    return result
