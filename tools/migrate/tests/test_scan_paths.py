"""Paths in Python: steps up from `__file__`, joined parts, import roots put on `sys.path`, links."""

# ruff: noqa: E501 - before and after stand on one line each

from __future__ import annotations

from pathlib import Path

import pytest

from tools.migrate.layout import resolve_layout
from tools.migrate.plan import parse_plan
from tools.migrate.scan import make_world, scan_file
from tools.migrate.tests.scanning import LEGACY, PARTS, PARTS_TREE, PLAN, migrate, rewritten, same
from tools.migrate.tree import LINK, Tree

HEAD = "import os\nfrom pathlib import Path\n"
STEPS = [
    ("ROOT = Path(__file__).resolve().parents[1]", "ROOT = Path(__file__).resolve().parents[3]"),
    ("ROOT = Path(__file__).parent.parent", "ROOT = Path(__file__).parent.parent.parent.parent"),
    ("ROOT = os.path.dirname(os.path.dirname(__file__))", "ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(__file__))))"),
    ("DATA = Path(__file__).parent / 'data'", "DATA = Path(__file__).parent / 'data'"),
    ("DATA = os.path.join(os.path.dirname(__file__), 'data')", "DATA = os.path.join(os.path.dirname(__file__), 'data')"),
    ("HERE = Path(__file__).parent\nROOT = HERE.parent", "HERE = Path(__file__).parent\nROOT = HERE.parent.parent.parent"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), STEPS)
def test_steps_up_from_a_file_that_moves(before: str, after: str) -> None:
    assert rewritten(f"{HEAD}{before}\n", "wire_v2/where.py") == f"{HEAD}{after}\n"
    assert rewritten(f"{HEAD}{before}\n") == f"{HEAD}{before}\n"  # a file that stays


def test_a_climb_that_no_rule_follows_is_listed() -> None:
    text = HEAD + "X = Path(__file__).parents[steps] / 'a'\n"
    result = migrate({"wire_v2/where.py": text})
    assert (
        result.rules("wire_v2/where.py") == ["file.depth"] and result.files["libs/types/wire/where.py"].decode() == text
    )


@pytest.mark.parametrize(("name", "rules"), [("wire_v2", ["file.depth"]), ("libs.types.wire", [])])
def test_a_climb_that_arrives_after_the_move_is_listed_if_it_was_written_before(name: str, rules: list[str]) -> None:
    """Nobody knows whether its steps were counted for the old place or for the new one, so nothing is edited."""
    text = f"from pathlib import Path\nfrom {name} import header\nROOT = Path(header.__file__).parents[1]\n"
    moved = {p.replace("wire_v2/", "libs/types/wire/"): c for p, c in LEGACY.items() if p.startswith("wire_v2/")}
    stays = {p.replace("/money/", "/cash/"): c for p, c in LEGACY.items() if not p.startswith("wire_v2/")}
    tree = Tree.from_files({**stays, **moved, "app/late.py": text})
    layout = resolve_layout(parse_plan(PLAN), tree, moved=True)
    found = scan_file(make_world(layout), "app/late.py")
    assert [f.rule for f in found.findings] == rules
    assert not [e for e in found.edits if e.rule.startswith("file.")]


JOINED = [
    ("ROOT / 'wire_v2' / 'data' / 'schema.json'", "ROOT / 'libs' / 'types' / 'wire' / 'data' / 'schema.json'"),
    ("os.path.join(ROOT, 'wire_v2', 'data')", "os.path.join(ROOT, 'libs', 'types', 'wire', 'data')"),
    ("Path('wire_v2/data/schema.json')", "Path('libs/types/wire/data/schema.json')"),
    ("open('./wire_v2/data/schema.json')", "open('./libs/types/wire/data/schema.json')"),
    ("ROOT.joinpath('wire_v2', 'data')", "ROOT.joinpath('libs', 'types', 'wire', 'data')"),
    ("ROOT / 'wire_v2' / 'made.txt'", "ROOT / 'libs/types/wire' / 'made.txt'"),
    ("os.path.join(ROOT, 'out', 'wire_v2.log')", "os.path.join(ROOT, 'out', 'wire_v2.log')"),
    ("'.'.join(['a', 'wire_v2'])", "'.'.join(['a', 'wire_v2'])"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), JOINED)
def test_joined_paths(before: str, after: str) -> None:
    head = HEAD + "ROOT = Path(__file__).parents[1]\n"
    assert rewritten(f"{head}x = {before}\n") == f"{head}x = {after}\n"


ROOTS = [
    ("sys.path.insert(0, 'libs/types')", "sys.path.insert(0, '.')"),
    ("sys.path.append(str(Path(__file__).parents[1] / 'libs' / 'types'))", "sys.path.append(str(Path(__file__).parents[1]))"),
    ("sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'libs', 'types'))",
     "sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..'))"),
    ("site.addsitedir('libs/types')", "site.addsitedir('.')"),
    ("sys.path.insert(0, 'libs/types2')", "sys.path.insert(0, 'libs/types2')"),
    ("sys.path.insert(0, 'libs')", "sys.path.insert(0, 'libs')"),
    ("names.insert(0, 'libs/types')", "names.insert(0, 'libs/types')"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), ROOTS)
def test_a_root_that_served_only_old_names_goes(before: str, after: str) -> None:
    head = "import os, sys, site\nfrom pathlib import Path\n"
    assert rewritten(f"{head}{before}\n", "app/conftest.py") == f"{head}{after}\n"


def test_a_root_that_others_still_need_stays() -> None:
    text = "import sys\nsys.path.insert(0, 'libs/types')\n"
    result = migrate({"app/use.py": text, "libs/types/other.py": "x = 1\n"})
    assert result.files["app/use.py"].decode() == text


def test_paths_work_afterwards(tmp_path: Path) -> None:
    files = {
        "wire_v2/where.py": HEAD
        + "ROOT = Path(__file__).resolve().parents[1]\nTEXT = (Path(__file__).parent / 'data' / 'schema.json').read_text()\n",
        "app/use.py": HEAD
        + "from wire_v2 import where\nROOT = Path(__file__).resolve().parents[1]\n"
        + "def run():\n    return where.ROOT == ROOT, where.TEXT, (ROOT / 'wire_v2' / 'data').exists(), Path('wire_v2/data').is_dir()\n",
    }
    same(tmp_path, files)


def test_links() -> None:
    files = {
        "app/schema.json": "../wire_v2/data/schema.json",
        "app/other": "../app/use.py",
        "wire_v2/out": "../app/use.py",
    }
    result = migrate(files, modes=dict.fromkeys(files, LINK)).files
    assert result["app/schema.json"] == b"../libs/types/wire/data/schema.json"
    assert result["app/other"] == b"../app/use.py"
    assert result["libs/types/wire/out"] == b"../../../app/use.py"


def test_a_single_module_leaves_its_folder() -> None:
    text = "from pathlib import Path\nDATA = Path(__file__).parent / 'data.json'\n"
    files = {"pkg/util/text.py": text, "pkg/util/data.json": "{}"}
    result = migrate(files, plan=PARTS, tree=PARTS_TREE)
    assert result.rules("pkg/util/text.py") == ["file.depth"] or b"data.json" not in result.files["lib2/text.py"]
