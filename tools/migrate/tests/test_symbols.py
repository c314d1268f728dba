"""Names that get another home, several from one module: their definitions, who reads them, and patches of them."""

from __future__ import annotations

from pathlib import Path

from tools.migrate.design import Design, make_design
from tools.migrate.layout import resolve_layout
from tools.migrate.manifests import wants
from tools.migrate.operations import EditFile
from tools.migrate.plan import parse_plan
from tools.migrate.scan import make_world, scan_tree
from tools.migrate.tests.kindcases import outcomes
from tools.migrate.tree import Tree, sha

PLAN = (
    '[migration]\nname = "names"\n'
    '[[symbol]]\nfrom = "tools_.shapes.Box"\nto = "tools_.boxes.Box"\n'
    '[[symbol]]\nfrom = "tools_.shapes.LIMIT"\nto = "tools_.limits.LIMIT"\n'
    '[[symbol]]\nfrom = "tools_.shapes.area"\nto = "tools_.boxes.area"\n'
)
BOXES = "class Box:\n    side = 2\n\n\ndef area(box):\n    return box.side**2\n"
FILES = {
    "tools_/__init__.py": "",
    "tools_/shapes.py": f"LIMIT = 5\n\n\n{BOXES}\n\ndef many():\n    return [Box()] * LIMIT\n",
    "tools_/boxes.py": BOXES,
    "tools_/limits.py": "LIMIT = 5\n",
    "app/__init__.py": "",
}


def designed(text: str) -> Design:
    tree = Tree.from_files({**FILES, "app/use.py": text})
    world = make_world(resolve_layout(parse_plan(PLAN), tree))
    return make_design(world, scan_tree(world, skip=wants), tree, "0" * 40)


USE = """
from tools_ import shapes
from tools_.shapes import Box, many


def run():
    return len(many()), shapes.area(Box()), isinstance(shapes.Box(), Box), shapes.LIMIT
"""


def test_several_names_of_one_module(tmp_path: Path) -> None:
    design = designed(USE)
    assert [d.state for d in design.duplicates] == ["same"] * 3
    trees = [design.trees[n] for n in (2, 4, 6)]
    assert outcomes(tmp_path, [({p: tree.read(p) for p in tree}, (".",)) for tree in trees]) == ["(5, 4, True, 5)"] * 3
    shapes = design.trees[6].read("tools_/shapes.py").decode()
    assert "class Box" not in shapes and "def area" not in shapes and "LIMIT = 5" not in shapes
    # Each edit begins with the text that the one before it leaves, as the stage itself checks.
    edits = [o for g in design.groups[6] for o in g.operations if isinstance(o, EditFile)]
    assert [e.path for e in edits] == ["tools_/shapes.py"] * 3
    assert [e.before for e in edits] == [sha(trees[1].read("tools_/shapes.py")), *(e.after for e in edits[:-1])]
    assert edits[-1].after == sha(shapes.encode())


def test_a_patch_of_a_name_that_its_old_module_reads_is_listed() -> None:
    text = (
        "from unittest import mock\n\nfrom tools_ import shapes\n\n\ndef test_it(monkeypatch):\n"
        '    with mock.patch("tools_.shapes.LIMIT", 1), mock.patch("tools_.shapes.area"):\n        pass\n'
        '    monkeypatch.setattr(shapes, "LIMIT", 2)\n    monkeypatch.setattr(shapes, "many", 3)\n'
    )
    design = designed(text)
    found = [(f.line, f.rule, f.text) for f in design.findings if f.path == "app/use.py"]
    assert found == [(7, "string.patched", "tools_.shapes.LIMIT"), (9, "string.patched", "tools_.shapes.LIMIT")]
    after = design.trees[6].read("app/use.py").decode()
    # nobody reads `area` in the old module, so its patch goes with the name
    assert after == text.replace('"tools_.shapes.area"', '"tools_.boxes.area"')
