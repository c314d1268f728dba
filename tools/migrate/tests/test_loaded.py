"""Packages that were loaded on the way to a module which leaves them, in an interpreter that loads nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.migrate.design import make_design
from tools.migrate.layout import resolve_layout
from tools.migrate.manifests import wants
from tools.migrate.plan import parse_plan
from tools.migrate.scan import make_world, scan_tree
from tools.migrate.tests.kindcases import outcomes
from tools.migrate.tree import Tree

PLAN = '[migration]\nname = "loaded"\n[[move]]\nfrom = "pkg.web.http"\nto = "far.http2"\n'
FILES = {
    "pkg/__init__.py": "",
    "pkg/web/__init__.py": "def get():\n    return 1\n",
    "pkg/web/http.py": "URL = 2\n",
    "app/__init__.py": "",
}
CASES = [
    ("import pkg.web.http\n", "pkg.web.http.URL", "import pkg.web, far.http2\n", "far.http2.URL"),
    ("from pkg.web import http\nimport pkg\n", "http.URL",
     "from far import http2 as http\nimport pkg, pkg.web\n", "http.URL"),
    ("import pkg\nimport pkg.web.http as h\n", "h.URL", "import pkg, pkg.web\nimport far.http2 as h\n", "h.URL"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "use", "after", "later"), CASES)
def test_the_package_is_still_loaded(before: str, use: str, after: str, later: str, tmp_path: Path) -> None:
    body = "\n\ndef run():\n    return {}, pkg.web.get()\n"
    tree = Tree.from_files({**FILES, "app/use.py": before + body.format(use)})
    world = make_world(resolve_layout(parse_plan(PLAN), tree))
    design = make_design(world, scan_tree(world, skip=wants), tree, "0" * 40)
    assert design.trees[6].read("app/use.py").decode() == after + body.format(later)
    jobs = [({p: t.read(p) for p in t}, (".",)) for t in (design.trees[n] for n in (2, 4, 6))]
    assert outcomes(tmp_path, jobs) == ["(2, 1)"] * 3
