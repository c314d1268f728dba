"""Hashes of edited files that are kept from one run to the next: right, or worked out again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.migrate.checked import checksum
from tools.migrate.model import Edit, MigrateError
from tools.migrate.operations import apply_edits
from tools.migrate.texts import EditedFile, Texts
from tools.migrate.tree import LINK, Tree, sha

BODY = "import old\nprint(old.x)\n"
NAME = Edit(7, 10, "old", "new", 1, 3, "import", "moves")
USE = Edit(17, 20, "old", "fresh", 2, 4, "name", "moves")


def of(body: str, edits: list[Edit], place: Path | None = None, mode: str = "100644") -> EditedFile:
    texts = Texts(Tree.from_files({"a.py": body}, {"a.py": mode}), place)
    file = texts.of("a.py", edits)
    texts.keep()
    return file


def hashes(*texts: str) -> tuple[str, ...]:
    return tuple(sha(text.encode()) for text in texts)


def unread(path: str) -> bytes:
    raise AssertionError(f"{path} was read")


AFTER_3, AFTER_4 = "import new\nprint(old.x)\n", "import new\nprint(fresh.x)\n"
AFTER_USE = "import old\nprint(fresh.x)\n"
BOTH = replace(NAME, new="old, new")  # the second one of this span comes in a later stage
ALONE = replace(NAME, stage=6)


@pytest.mark.parametrize(
    ("edits", "texts"),
    [
        ([NAME], (BODY, AFTER_3, AFTER_3, AFTER_3)),
        ([USE], (BODY, BODY, AFTER_USE, AFTER_USE)),
        ([USE, NAME], (BODY, AFTER_3, AFTER_4, AFTER_4)),
        ([USE, BOTH, ALONE], (BODY, "import old, new\nprint(old.x)\n", "import old, new\nprint(fresh.x)\n", AFTER_4)),
        ([ALONE, replace(BOTH, stage=4)], (BODY, BODY, "import old, new\nprint(old.x)\n", AFTER_3)),
    ],
)
def test_each_stage_has_its_text(edits: list[Edit], texts: tuple[str, ...]) -> None:
    file = of(BODY, edits)
    assert file.hashes == hashes(*texts)
    assert [file.text(n).decode() for n in (3, 4, 6)] == list(texts[1:])
    assert apply_edits(BODY.encode(), edits, "a.py").decode() == texts[-1], "all at once"


def test_a_known_file_is_not_read_until_its_text_is_asked_for(tmp_path: Path) -> None:
    tree = Tree.from_files({"a.py": BODY})
    known = of(BODY, [NAME, USE], tmp_path / "t").hashes
    again = Texts(Tree(tree.modes, unread, tree.digest), tmp_path / "t")
    file = again.of("a.py", [NAME, USE])
    assert file.hashes == known
    with pytest.raises(AssertionError, match=r"a\.py was read"):
        file.text(3)


@pytest.mark.parametrize(
    ("body", "edits"),
    [
        (BODY + "#", [NAME, USE]),
        (BODY, [NAME]),
        (BODY, [NAME, Edit(17, 20, "old", "other", 2, 4, "name", "moves")]),
        (BODY, [Edit(7, 10, "old", "new", 1, 4, "import", "moves"), USE]),
    ],
)
def test_another_content_and_other_edits_are_worked_out(tmp_path: Path, body: str, edits: list[Edit]) -> None:
    of(BODY, [NAME, USE], tmp_path / "t")
    assert of(body, edits, tmp_path / "t").hashes == of(body, edits).hashes


def test_a_link_is_another_file_than_one_with_its_text(tmp_path: Path) -> None:
    to = Edit(0, 3, "old", "new", 1, 3, "link", "moves")
    of("old", [to], tmp_path / "t")
    link = of("old", [to], tmp_path / "t", LINK)
    assert link.is_link and link.text(3) == b"new"


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_damaged_file_changes_nothing(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    place = tmp_path_factory.mktemp("t") / "t"
    right = of(BODY, [NAME, USE], place).hashes
    stored = bytearray(place.read_bytes())
    stored[data.draw(st.integers(0, len(stored) - 1))] ^= data.draw(st.integers(1, 255))
    place.write_bytes(bytes(stored[: data.draw(st.integers(0, len(stored)))]))
    assert of(BODY, [NAME, USE], place).hashes == right


def test_hashes_of_another_tool_are_not_believed(tmp_path: Path) -> None:
    place = tmp_path / "t"
    right = of(BODY, [NAME], place).hashes
    document = json.loads(place.read_bytes().partition(b"\n")[2])
    document["state"][0] += 1
    document["files"]["a.py"][1:] = ["0", "0", "0"]
    body = json.dumps(document).encode()
    place.write_bytes(checksum(body) + b"\n" + body)
    assert of(BODY, [NAME], place).hashes == right


@pytest.mark.parametrize("stage", [3, 4])
def test_edits_of_another_content_are_refused(stage: int) -> None:
    wrong = Edit(7, 10, "odd", "new", 1, stage, "import", "moves")
    with pytest.raises(MigrateError, match=r"a\.py"):
        of(BODY, [wrong])
