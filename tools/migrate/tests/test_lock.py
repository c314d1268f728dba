"""The lock: what is written is read back, its bytes are stable, and a wrong file is told by line."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.migrate.lock import Lock, LockedMove, LockedShim, read, render
from tools.migrate.model import PlanError

LOCK = Lock(
    plan="unify-types",
    plan_hash="sha256:12ab",
    stage=4,
    moves=(
        LockedMove("protocol_v2", "libs.types.protocol", "protocol_v2", "libs/types/protocol"),
        LockedMove("pkg.http", "libs.http", "pkg/http.py", "libs/http.py"),
    ),
    shims=(
        LockedShim(
            "protocol_v2/__init__.py",
            "protocol_v2",
            "libs.types.protocol",
            "platform team",
            date(2027, 3, 31),
            stubs=("protocol_v2/header.pyi", "protocol_v2/tlv/__init__.pyi"),
        ),
        LockedShim("pkg/http.py", "pkg.http", "libs.http", "", None, "0.3"),
    ),
)
TEXT = """\
# Written by tools.migrate, read by `check-shims`: what moved, and the shims that stand at the old names.
# To put off a removal, change its date or version here, and say why in the commit.
schema = 1
plan = "unify-types"
plan-hash = "sha256:12ab"
stage = 4
warn-days = 30

[[move]]
from = "protocol_v2"
to = "libs.types.protocol"
path = "protocol_v2"
to-path = "libs/types/protocol"

[[move]]
from = "pkg.http"
to = "libs.http"
path = "pkg/http.py"
to-path = "libs/http.py"

[[shim]]
path = "protocol_v2/__init__.py"
from = "protocol_v2"
to = "libs.types.protocol"
owner = "platform team"
remove-by = 2027-03-31
stubs = [
    "protocol_v2/header.pyi",
    "protocol_v2/tlv/__init__.pyi",
]

[[shim]]
path = "pkg/http.py"
from = "pkg.http"
to = "libs.http"
owner = ""
remove-in = "0.3"
"""

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
versions = st.sampled_from(["0.3", "1!2.0rc1", "2027.1"])
moves = st.builds(LockedMove, words, words, words, words, plan=words)
shims = st.builds(
    LockedShim, words, words, words, words, st.none() | st.dates(), st.none() | versions,
    stubs=st.lists(words, max_size=3).map(tuple),
)  # fmt: skip


def _each_file_once(lock: Lock) -> bool:
    return len(lock.files) == sum(len(shim.files) for shim in lock.shims)


locks = st.builds(
    Lock,
    words,
    words,
    st.integers(0, 6),
    st.lists(moves, max_size=3).map(tuple),
    st.lists(shims, max_size=3, unique_by=lambda shim: shim.path).map(tuple),
    st.integers(0, 400),
).filter(_each_file_once)


def test_the_text_is_this() -> None:
    assert render(LOCK) == TEXT


def test_the_text_is_read_back_with_its_lines() -> None:
    lock = read(TEXT, "migration.lock")
    assert lock == LOCK
    assert [move.line for move in lock.moves] == [9, 15]
    assert [TEXT.split("\n")[shim.line - 1] for shim in lock.shims] == ["[[shim]]"] * 2


@settings(max_examples=150, deadline=None)
@given(locks)
def test_round_trip(lock: Lock) -> None:
    text = render(lock)
    assert read(text, "lock") == lock
    assert render(read(text, "lock")) == text
    assert text.encode("utf-8").endswith(b"\n")


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("= ", "="),
        lambda text: text.replace("\n\n", "\n# why: the partner is late\n\n"),
        lambda text: text.replace("warn-days = 30\n", ""),
        lambda text: text.replace('"unify-types"', "'unify-types'"),
    ],
)
def test_the_hand_of_an_editor_changes_nothing(edit) -> None:  # type: ignore[no-untyped-def]
    assert read(edit(TEXT), "migration.lock") == LOCK


@pytest.mark.parametrize(
    ("old", "new", "place", "said"),
    [
        ("stage = 4", "stage = = 4", "6:9", "not valid TOML: Invalid value"),
        ("stage = 4", "stage = 4\nstage = 4", "7", "not valid TOML"),
        ("schema = 1", "schema = 2", "3", "schema 2 is not known"),
        ("schema = 1\n", "", "1", "'schema' is missing"),
        ("stage = 4", "stage = 7", "6", "not between 0 and 6"),
        ("stage = 4", 'stage = "4"', "6", "'stage' must be a whole number"),
        ("stage = 4", "stage = true", "6", "'stage' must be a whole number"),
        ("warn-days = 30", "warn-days = -1", "7", "negative"),
        ("warn-days = 30", "warn_days = 30", "7", "did you mean warn-days?"),
        ("warn-days = 30", "[shims]\nx = 1", "7", "did you mean shim?"),
        ("warn-days = 30", "[move]\nx = 1", "", "not valid TOML"),
        ('plan = "unify-types"', 'plan.name = "x"', "4", "'plan' must be a string"),
        ('to = "libs.http"\npath', 'too = "libs.http"\npath', "17", "did you mean to"),
        ('path = "pkg/http.py"\nto-path', "to-path", "15", "'path' of [[move]] is missing"),
        ("remove-by = 2027-03-31", 'remove-by = "2027-03-31"', "26", "a date without quotes"),
        ("remove-by = 2027-03-31", "remove-by = 2027-03-31T10:00:00", "26", "a date without quotes"),
        ("remove-by = 2027-03-31", "remove_by = 2027-03-31", "26", "did you mean remove-by?"),
        ('remove-in = "0.3"', 'remove-in = "soon"', "37", "not a version"),
        ('    "protocol_v2/header.pyi",\n', "    3,\n", "27", "'stubs' must be a list of strings"),
        ('"protocol_v2/header.pyi"', '"protocol_v2/__init__.py"', "27", "listed twice (first in line 21)"),
        (
            'path = "pkg/http.py"\nfrom',
            'path = "protocol_v2/__init__.py"\nfrom',
            "33",
            "listed twice (first in line 21)",
        ),
    ],
)
def test_what_is_wrong_is_told_by_line(old: str, new: str, place: str, said: str) -> None:
    assert TEXT.count(old) == 1, old
    with pytest.raises(PlanError) as caught:
        read(TEXT.replace(old, new), "sub/migration.lock")
    message = str(caught.value)
    assert said in message and message.startswith(f"sub/migration.lock:{place}"), message
    assert caught.value.exit_code == 2 and "\n" not in message


def test_tables_in_one_line_are_read_and_a_list_that_is_none_is_refused() -> None:
    head = TEXT.partition("\n[[move]]")[0]
    assert read(head, "lock") == Lock("unify-types", "sha256:12ab", 4)
    with pytest.raises(PlanError, match=r"lock:8: 'move' must be tables"):
        read(head + "move = 3\n", "lock")
    with pytest.raises(PlanError, match="must be tables"):
        read(head + "shim = [1]\n", "lock")
    with pytest.raises(PlanError, match="is missing"):
        read("", "lock")
