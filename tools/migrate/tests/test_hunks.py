"""Edits as a diff: what a reader sees is what applying them gives."""

from __future__ import annotations

import difflib

from hypothesis import given
from hypothesis import strategies as st

from tools.migrate.hunks import Hunk, hunks_of
from tools.migrate.model import Edit
from tools.migrate.operations import apply_edits
from tools.migrate.tree import Lines

TEXT = "import os\nimport old.part, old.other\n\nx = old.part.X\ny = 1\n"


def edit(body: str, old: str, new: str, start: int = 0) -> Edit:
    at = body.index(old, start)
    return Edit(at, at + len(old), old, new, Lines(body).line(at), 4, "name", "it moves")


def test_edits_of_one_line_share_a_hunk() -> None:
    edits = [edit(TEXT, "old.part", "new.part"), edit(TEXT, "old.other", "new.other"), edit(TEXT, "old.part", "p", 40)]
    assert hunks_of(TEXT, edits) == (
        Hunk(
            2,
            ("import os",),
            ("import old.part, old.other",),
            ("import new.part, new.other",),
            ("", "x = old.part.X"),
            (0, 1),
        ),
        Hunk(4, ("import old.part, old.other", ""), ("x = old.part.X",), ("x = p.X",), ("y = 1",), (2,)),
    )


def test_lines_come_and_go() -> None:
    at = TEXT.index("x =")
    added = Edit(at, at, "", "import new\n", 4, 4, "import.added", "")
    gone = Edit(at, at + len("x = old.part.X\n"), "x = old.part.X\n", "", 4, 4, "path.root", "")
    assert hunks_of(TEXT, [added])[0].after == ("import new",) and hunks_of(TEXT, [added])[0].before == ()
    assert hunks_of(TEXT, [gone])[0].before == ("x = old.part.X",) and hunks_of(TEXT, [gone])[0].after == ()


def test_notes_stand_for_themselves() -> None:
    note = Edit(0, 0, 'name = "old"', 'name = "new"', 7, 3, "toml.key", "")
    for body in (TEXT, None):
        assert hunks_of(body, [note]) == (Hunk(7, (), ('name = "old"',), ('name = "new"',), (), (0,)),)


def test_long_lines_are_cut() -> None:
    body = "x" * 5000 + "old" + "y" * 5000
    (hunk,) = hunks_of(body, [edit(body, "old", "new")])
    assert "xoldy" in hunk.before[0] and "xnewy" in hunk.after[0]
    assert len(hunk.before[0]) < 410 and hunk.before[0].startswith("...x") and hunk.before[0].endswith("y...")


@given(
    st.lists(st.sampled_from(["a", "bb", "", "old", "old old", "x = old"]), max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.data(),
)
def test_the_hunks_are_the_difference(lines: list[str], end: str, last: bool, data: st.DataObject) -> None:
    body = end.join(lines) + (end if last and lines else "")
    places = [i for i in range(len(body)) if body.startswith("old", i)]
    new = data.draw(st.sampled_from(["new", "n.n.n", "one\ntwo"]))
    edits = [Edit(i, i + 3, "old", new, Lines(body).line(i), 4, "name", "") for i in places]
    hunks = hunks_of(body, edits)
    assert sorted(n for hunk in hunks for n in hunk.edits) == list(range(len(edits)))
    after = apply_edits(body.encode(), edits, "x.txt").decode() if edits else body
    expected = [d for d in difflib.ndiff(body.splitlines(), after.splitlines()) if d[0] in "+-"]
    assert sorted(f"- {line}" for h in hunks for line in h.before) == sorted(d for d in expected if d[0] == "-")
    assert sorted(f"+ {line}" for h in hunks for line in h.after) == sorted(d for d in expected if d[0] == "+")
