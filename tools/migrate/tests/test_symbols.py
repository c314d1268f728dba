"""Names that get another home, several from one module: their definitions, who reads them, and patches of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

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


def designed(text: str, plan: str = PLAN, files: Mapping[str, str] = FILES) -> Design:
    tree = Tree.from_files({**files, "app/use.py": text})
    world = make_world(resolve_layout(parse_plan(plan), tree))
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
    # With the move: from then on there is one class, for those who are rewritten and for those who are not.
    (edit,) = [o for g in design.groups[3] for o in g.operations if isinstance(o, EditFile)]
    assert (edit.path, [e.rule for e in edit.edits]) == ("tools_/shapes.py", ["duplicate"] * 3)
    assert edit.before == sha(trees[0].read("tools_/shapes.py")) and edit.after == sha(shapes.encode())
    assert not [o for g in design.groups[6] for o in g.operations if isinstance(o, EditFile)]


@pytest.mark.parametrize("stays", ["tools_.boxes.Box", "tools_.made.boxes.Box"])
def test_what_stays_may_be_named_by_its_old_place(stays: str) -> None:
    plan = PLAN[: PLAN.index("[[symbol]]")] + '[[move]]\nfrom = "tools_.boxes"\nto = "tools_.made.boxes"\n'
    plan += f'[[symbol]]\nfrom = "tools_.shapes.Box"\nto = "{stays}"\n'
    design = designed("from tools_.shapes import Box\n", plan)
    assert [(d.new, d.state) for d in design.duplicates if d.old == "tools_.shapes.Box"] == [
        ("tools_.made.boxes.Box", "same")
    ]
    assert "from tools_.made.boxes import Box" in design.trees[4].read("app/use.py").decode()
    assert "from tools_.made.boxes import Box" in design.trees[4].read("tools_/shapes.py").decode()


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


ONE = '[migration]\nname = "one"\n[[symbol]]\nfrom = "old.mod.name"\nto = "new.mod.name"\n'
OVERLOADED = (
    "from typing import overload\n\n\n@overload\ndef name(x: int) -> int: ...\n\n\n@overload\n"
    "def name(x: str) -> str: ...\n\n\ndef name(x):\n    return x\n"
)


def one(old: str, new: str) -> Design:
    files = {"old/__init__.py": "", "old/mod.py": old, "new/__init__.py": "", "new/mod.py": new, "app/__init__.py": ""}
    return designed("from old.mod import name\n", ONE, files)


def test_everybody_meets_one_class_as_soon_as_the_files_have_moved(tmp_path: Path) -> None:
    error = "class name(Exception):\n    pass\n"
    files = {
        "old/__init__.py": "", "old/mod.py": f"{error}\n\ndef fail():\n    raise name\n", "app/__init__.py": "",
        "new/__init__.py": "", "new/mod.py": error,
    }  # fmt: skip
    text = (
        "from old.mod import fail, name\n\n\ndef run():\n    try:\n        fail()\n"
        "    except name as error:\n        return type(error).__name__\n"
    )
    design = designed(text, ONE, files)
    trees = [design.trees[n] for n in (2, 3, 4, 6)]
    assert outcomes(tmp_path, [({p: tree.read(p) for p in tree}, (".",)) for tree in trees]) == ["'name'"] * 4


@pytest.mark.parametrize(
    ("old", "left"),
    [
        (OVERLOADED, "from typing import overload\n\n\nfrom new.mod import name  # noqa: E402\n"),
        ("name: int = 3\n", "from new.mod import name\n"),
        ("A = 1; name = 2; B = 3\n", "A = 1; from new.mod import name; B = 3\n"),
        ("def name():\n    'Other words.'\n    return 1\n", "from new.mod import name\n"),
    ],
    ids=["overloads", "annotated", "one line", "docstring"],
)
def test_what_can_be_dropped(old: str, left: str) -> None:
    design = one(old, old.replace("Other words.", "Some words."))
    assert [d.state for d in design.duplicates] == ["same"]
    assert design.trees[3].read("old/mod.py").decode() == left


@pytest.mark.parametrize(
    "old",
    [
        "import sys\n\nif sys.platform:\n    def name():\n        return 1\n",
        "name = other = 1\n",
        "name, other = 1, 2\n",
        "name = 1\nname = name + 1\n",
        "try:\n    from fast import name\nexcept ImportError:\n    name = 1\n",
    ],
    ids=["condition", "two targets", "unpacked", "twice", "fallback"],
)
def test_what_nothing_can_take_the_place_of_stops_design(old: str) -> None:
    (finding,) = [f for f in one(old, "name = 1\n").findings if f.rule == "duplicate.conflict"]
    assert finding.severity == "error" and "under a condition" in finding.readings[-1]


def test_an_assignment_to_a_name_that_its_old_module_reads_is_listed() -> None:
    text = "import tools_.shapes\n\n\ndef run():\n    tools_.shapes.LIMIT = 1\n    return tools_.shapes.LIMIT\n"
    design = designed(text)
    found = [(f.line, f.rule) for f in design.findings if f.path == "app/use.py"]
    assert found == [(5, "string.patched")]


def test_a_class_that_every_module_has_is_no_duplicate() -> None:
    """Such as `Migration` or `Command`: a framework wants the name.  A thousand of them were a thousand trees."""
    files = {f"old/migrations/m{n}.py": f"class Migration:\n    number = {n}\n" for n in range(1200)}
    files |= {"old/migrations/__init__.py": "", "old/__init__.py": "", "app/__init__.py": ""}
    move = '[migration]\nname = "one"\n[[move]]\nfrom = "old"\nto = "new"\n'
    design = designed("class Migration:\n    number = -1\n", move, files)
    assert design.findings == [] and design.duplicates == []
    assert design.trees[6].read("new/migrations/m7.py") == b"class Migration:\n    number = 7\n"
