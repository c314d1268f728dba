"""Files that are passed over because no old name can be edited in them: never one where something would be edited."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.migrate.layout import Layout, resolve_layout
from tools.migrate.plan import parse_plan
from tools.migrate.scan import make_world, scan_tree
from tools.migrate.scan.cleared import Cleared
from tools.migrate.tree import Tree

MOVES = {
    "below": ("fw.utils", "fw.core.utils", "fw/core/utils"),
    "away": ("fw.utils", "lib.text.tools", "lib/text/tools"),
    "deeper": ("utils", "fw.utils", "fw/utils"),
    "twice": ("app.fw.utils", "fw.utils", "fw/utils"),
}
WORDS = ["fw", "utils", "core", "db", "app", "lib", "text", "tools", "name"]


def moved(kind: str, files: dict[str, str]) -> Layout:
    old, new, folder = MOVES[kind]
    plan = f'[migration]\nname = "x"\n[[move]]\nfrom = "{old}"\nto = "{new}"\n'
    base = {f"{folder}/__init__.py": "", f"{folder}/name.py": "x = 1\n", "app/__init__.py": "", "fw/__init__.py": ""}
    base |= {"fw/db/__init__.py": "", "fw/db/utils.py": "", "app/fw/__init__.py": "from fw import utils\n"}
    return resolve_layout(parse_plan(plan), Tree.from_files({**base, **files}), moved=True)


def edits(layout: Layout, *, edits_only: bool) -> dict[str, list[object]]:
    scans = scan_tree(make_world(layout), edits_only=edits_only)
    return {s.path: list(s.edits) for s in scans if s.edits}


DOTTED = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(".".join)
NAME = st.sampled_from(WORDS)
LINE = st.one_of(
    st.builds("from {} import {}".format, DOTTED, NAME),
    st.builds("from {}{} import {}".format, st.sampled_from([".", "..", "..."]), DOTTED, NAME),
    st.builds("from {} import {}".format, st.sampled_from([".", ".."]), NAME),
    st.builds("import {}".format, DOTTED),
    st.builds("import {} as {}".format, DOTTED, NAME),
    st.builds("print({}.name)".format, DOTTED),
    st.builds("x = '{}'".format, DOTTED),
    st.builds("x = '{}/name.py'".format, DOTTED.map(lambda name: name.replace(".", "/"))),
    st.builds("__import__('importlib').import_module('{}')".format, DOTTED),
    st.builds("# see {} and from {} import x".format, DOTTED, DOTTED),
)


@settings(max_examples=300, deadline=None)
@given(kind=st.sampled_from(sorted(MOVES)), lines=st.lists(LINE, min_size=1, max_size=4), deep=st.booleans())
def test_no_edit_is_lost(kind: str, lines: list[str], deep: bool) -> None:
    layout = moved(kind, {"fw/db/late.py" if deep else "app/late.py": "\n".join(lines) + "\n"})
    assert edits(layout, edits_only=True) == edits(layout, edits_only=False)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("from fw.core.utils import name\n", False),
        ("import fw.core.utils.name\n", False),
        ("x = 'fw.core.utils', 'fw/core/utils/name.py'\n", False),
        ("from fw.db.utils import X\n", False),
        ("from .db.utils import X\n", False),
        ("from fw.utils import name\n", True),
        ("from .utils import name\n", True),
        ("from fw import utils\n", True),
        ("from fw.core import utils\n", True),
        ("import fw\nfw.utils.name\n", True),
        ("x = 'other.fw.core.utils'\n", True),
        ("x = 'fw.core.utils-x'\n", True),
    ],
)
def test_what_is_proved_and_what_stays(text: str, left: bool) -> None:
    rest = Cleared(moved("below", {})).rest("fw/late.py", text.encode())
    assert (b"utils" in rest) is left


def test_a_new_name_that_may_mean_an_old_one_stays() -> None:
    assert b"utils" in Cleared(moved("deeper", {})).rest("late.py", b"x = 'fw.utils.name'\n")
    assert b"utils" in Cleared(moved("twice", {})).rest("late.py", b"fw.utils.name\n")
