"""Each rule of `check-shims` on a tree that keeps it and on one that breaks it, and the four formats."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tools.migrate.checks import RULES, Violation, check_shims, exit_code, render, sarif
from tools.migrate.lock import Lock, LockedMove, LockedShim, read
from tools.migrate.lock import render as render_lock
from tools.migrate.model import Finding, PlanError
from tools.migrate.shims import shim_text

DAY = date(2027, 3, 31)
EARLY = date(2027, 1, 1)
PATH = "protocol_v2/__init__.py"


def shim(old: str = "protocol_v2", new: str = "libs.types.protocol", **change: Any) -> str:
    usual: dict[str, Any] = {
        "is_package": True,
        "routes": {},
        "public": (),
        "pending": (),
        "depth": 1,
        "remove_by": DAY,
        "remove_in": None,
        "owner": "platform team",
        "plan": "unify-types",
    }
    return shim_text(old, new, **{**usual, **change})


def tree(*extra: tuple[str, str]) -> dict[str, Callable[[], bytes]]:
    texts = {
        PATH: shim(),
        "app/main.py": "import libs.types.protocol\n",
        "libs/types/protocol/__init__.py": "",
        "a.txt": "",
    }
    texts.update(extra)
    return {path: partial(str.encode, text) for path, text in texts.items()}


# Read from its text, so that shims and moves know their lines.
LOCK = read(
    render_lock(
        Lock(
            "unify-types",
            "hash",
            4,
            (LockedMove("protocol_v2", "libs.types.protocol", "protocol_v2", "libs/types/protocol"),),
            (LockedShim(PATH, "protocol_v2", "libs.types.protocol", "platform team", DAY),),
        )
    ),
    "migration.lock",
)
CLEAN = replace(LOCK, stage=6, shims=())


def timed(remove_by: date | None, remove_in: str | None) -> Lock:
    return replace(LOCK, shims=(replace(LOCK.shims[0], remove_by=remove_by, remove_in=remove_in),))


def rules(found: list[Violation]) -> list[tuple[str, str]]:
    return [(violation.rule, violation.severity) for violation in found]


def test_a_tree_as_the_lock_says_has_no_violation() -> None:
    found = check_shims(tree(), LOCK, today=EARLY)
    assert found == [] and exit_code(found) == 0


def test_only_python_files_are_read() -> None:
    def never() -> bytes:
        raise AssertionError("read")

    assert check_shims({**tree(), "big.bin": never, "docs/shims.md": never}, LOCK, today=EARLY) == []


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2027, 2, 28), []),
        (date(2027, 3, 1), [("shim-due-soon", "warning")]),
        (date(2027, 3, 30), [("shim-due-soon", "warning")]),
        (DAY, [("shim-overdue", "error")]),
        (date(2030, 1, 1), [("shim-overdue", "error")]),
    ],
)
def test_the_date(today: date, expected: list[tuple[str, str]]) -> None:
    found = check_shims(tree(), LOCK, today=today)
    assert rules(found) == expected
    assert exit_code(found) == (1 if expected == [("shim-overdue", "error")] else 0)
    for violation in found:
        assert (violation.path, violation.line) == (
            PATH,
            6,
        ) and "on 2027-03-31 (owner: platform team)" in violation.text


def test_the_notice_is_as_long_as_the_lock_says() -> None:
    assert check_shims(tree(), replace(LOCK, warn_days=5), today=date(2027, 3, 25)) == []
    assert rules(check_shims(tree(), replace(LOCK, warn_days=90), today=EARLY)) == [("shim-due-soon", "warning")]


@pytest.mark.parametrize(
    ("remove_by", "version", "expected"),
    [
        (None, "0.2.9", []),
        (None, "0.3.dev1", [("shim-due-soon", "warning")]),
        (None, "0.3.0rc1", [("shim-due-soon", "warning")]),
        (None, "0.3", [("shim-overdue", "error")]),
        (None, "0.10", [("shim-overdue", "error")]),
        (None, "1!0.1", [("shim-overdue", "error")]),
        (None, None, [("shim-version-unknown", "warning")]),
        (DAY, None, []),
        (DAY, "0.3", [("shim-overdue", "error")]),
        (EARLY, "0.2", [("shim-overdue", "error")]),
    ],
)
def test_the_version(remove_by: date | None, version: str | None, expected: list[tuple[str, str]]) -> None:
    assert rules(check_shims(tree(), timed(remove_by, "0.3"), today=EARLY, version=version)) == expected


def test_no_date_and_no_version_never_ends_but_in_pretence() -> None:
    endless = timed(None, None)
    assert check_shims(tree(), endless, today=date.max, version="99") == []
    assert rules(check_shims(tree(), endless, today=EARLY, pretend_removed=True)) == [("shim-overdue", "error")]


def test_a_version_that_is_none_is_an_error() -> None:
    with pytest.raises(PlanError, match="'dynamic'"):
        check_shims(tree(), LOCK, today=EARLY, version="dynamic")


USES = [
    Finding("app/main.py", 3, "import", "import protocol_v2", hint="import libs.types.protocol"),
    Finding("README.md", 9, "prose", "protocol_v2", severity="note"),
    Finding(PATH, 1, "import", "protocol_v2"),
    Finding("migration.lock", 4, "text", "protocol_v2"),
]


@pytest.mark.parametrize(("stage", "pretend", "level"), [(3, False, "note"), (4, False, "error"), (3, True, "error")])
def test_uses(stage: int, pretend: bool, level: str) -> None:
    found = check_shims(tree(), replace(LOCK, stage=stage), today=EARLY, pretend_removed=pretend, uses=USES)
    used = [violation for violation in found if violation.rule == "old-name-used"]
    assert [(v.path, v.line, v.severity) for v in used] == [("README.md", 9, "note"), ("app/main.py", 3, level)]
    assert used[1].fix == "import libs.types.protocol" and "--fix" in used[0].fix
    assert exit_code(found) == (0 if level == "note" else 1)


def test_unknown_shims() -> None:
    found = check_shims(tree(("other/__init__.py", "# licence\n" + shim("other", "libs.other"))), LOCK, today=EARLY)
    assert [(v.rule, v.path, v.line) for v in found] == [("shim-unknown", "other/__init__.py", 7)]
    found = check_shims(tree((PATH, shim("protocol_v2", "libs.elsewhere"))), LOCK, today=EARLY)
    assert rules(found) == [("shim-unknown", "error")] and "libs.elsewhere, where the lock says" in found[0].text
    quoted = "TEXT = '''\n" + shim().replace("'", "") + "'''\n"
    assert check_shims(tree(("tests/sample.py", quoted), ("docs.md", shim())), LOCK, today=EARLY) == []


def test_missing_shims() -> None:
    files = tree()
    del files[PATH]
    found = check_shims(files, LOCK, today=DAY)  # a shim that is gone is not overdue as well
    assert [(v.rule, v.path, v.line) for v in found] == [("shim-missing", "migration.lock", 15)]
    found = check_shims(tree((PATH, "from .header import Header\n")), LOCK, today=EARLY)
    assert [(v.rule, v.path, v.line) for v in found] == [("shim-missing", PATH, 1)]
    assert all(exit_code([violation]) == 1 for violation in found)


@pytest.mark.parametrize(
    "text",
    [
        shim() + "\n\nMORE = 1\n",
        shim() + "\n\ndef helper():\n    return 1\n",
        shim() + "from .extra import EXTRA\n",
        shim().partition("import sys as _sys")[0] + '__all__ = ["Header"]\n',
        shim().replace("import sys as _sys\n", "<<<<<<< HEAD\nimport sys as _sys\n=======\n>>>>>>> late\n"),
    ],
)
def test_a_shim_that_a_merge_or_a_person_has_changed(text: str) -> None:
    found = check_shims(tree((PATH, text)), LOCK, today=EARLY)
    assert rules(found) == [("shim-missing", "error")]
    assert found[0].path == PATH and "added or lost" in found[0].text and "libs.types.protocol" in found[0].fix


def test_a_formatter_may_write_a_shim_in_its_own_way() -> None:
    text = shim().replace("'protocol_v2'", '"protocol_v2"').replace("'libs.types.protocol'", '"libs.types.protocol"')
    assert text != shim() and check_shims(tree((PATH, text)), LOCK, today=EARLY) == []


def test_a_comment_in_a_shim_is_no_matter() -> None:
    assert check_shims(tree((PATH, shim() + "# see the guide\n")), LOCK, today=EARLY) == []


def test_after_cleanup_nothing_may_stand_at_an_old_name() -> None:
    files = tree()
    del files[PATH]
    assert check_shims(files, CLEAN, today=DAY) == []
    late = [
        "protocol_v2/late.py",
        "protocol_v2/data/x.csv",
        "protocol_v2.py",
        "protocol_v2.cpython-311-x86_64-linux-gnu.so",
    ]
    near = ["protocol_v2_extra/a.py", "protocol_v2.md", "app/protocol_v2/a.py", "protocol_v20.py"]
    found = check_shims({**files, **tree(*[(path, "") for path in late + near])}, CLEAN, today=DAY)
    assert sorted(v.path for v in found) == sorted([*late, PATH])  # the shim itself once, not as unknown too
    assert {v.rule for v in found} == {"old-path-present"} and "libs/types/protocol" in found[0].fix
    assert check_shims(tree(("protocol_v2/late.py", "")), LOCK, today=EARLY) == []  # before cleanup it may


def test_files_that_arrive_at_old_places() -> None:
    late = [Finding("protocol_v2/late.py", 1, "late-file", "came to the old place", hint="carry it over")]
    found = check_shims(tree(("protocol_v2/late.py", "")), LOCK, today=EARLY, late=late)
    assert [(v.rule, v.severity, v.path, v.fix) for v in found] == [
        ("late-file", "error", "protocol_v2/late.py", "carry it over")
    ]
    found = check_shims(tree(("protocol_v2/late.py", "")), CLEAN, today=DAY, late=late)  # told once
    assert [v.rule for v in found if v.path == "protocol_v2/late.py"] == ["old-path-present"]


def test_a_place_that_another_move_took_over_is_no_old_one() -> None:
    lock = replace(
        CLEAN, moves=(*CLEAN.moves, LockedMove("pkg.http", "protocol_v2.http", "pkg/http.py", "protocol_v2/http.py"))
    )
    files = {path: (lambda: b"") for path in ("protocol_v2/http.py", "pkg/http/x.py", "pkg/http.pyi", "pkg/httpx.py")}
    assert [v.path for v in check_shims(files, lock, today=DAY)] == ["pkg/http.pyi", "pkg/http/x.py"]


ODD = [
    Violation("b c/ü%,:.py", 3, "shim-overdue", "error", "the shim of a goes, 100%\nnow", "do: it"),
    Violation("x.py", 1, "shim-due-soon", "warning", "goes", "plan"),
    Violation("bad\udcff.py", 2, "old-name-used", "note", "import a", "import b"),
]


def test_text() -> None:
    lines = render(ODD[1:2], "text").splitlines()
    assert lines == ["x.py:1: warning: goes [shim-due-soon]", "    fix: plan", "1 warning"]
    assert render(ODD, "text").endswith("1 error, 1 warning, 1 note\n")
    several = replace(ODD[0], path="y.py", fix="write a\r\nb")
    assert render([several], "text").splitlines() == [
        "y.py:3: error: the shim of a goes, 100% now [shim-overdue]", "    fix: write a", "         b", "1 error"
    ]  # fmt: skip
    assert render([], "text") == "no shim is overdue, unknown or missing, and no old name is used\n"


def test_json() -> None:
    text = render(ODD, "json")
    document = json.loads(text)
    assert text.isascii() and document["schema"] == 1 and document["exit"] == 1
    assert document["counts"] == {"error": 1, "warning": 1, "note": 1}
    assert [Violation(**row) for row in document["violations"]] == ODD
    assert json.loads(render([], "json")) == {
        "schema": 1,
        "exit": 0,
        "counts": {"error": 0, "warning": 0, "note": 0},
        "violations": [],
    }


def test_sarif() -> None:
    log = sarif(ODD)
    assert json.loads(render(ODD, "sarif")) == log and log["version"] == "2.1.0" and len(log["runs"]) == 1
    run = log["runs"][0]
    listed = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in listed] == list(RULES) and all(rule["help"]["text"] for rule in listed)
    assert {rule["defaultConfiguration"]["level"] for rule in listed} == {"error", "warning"}
    for violation, result in zip(ODD, run["results"], strict=True):
        assert listed[result["ruleIndex"]]["id"] == result["ruleId"] == violation.rule
        assert result["level"] == violation.severity and violation.fix in result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        uri = place["artifactLocation"]["uri"]
        assert uri.isascii() and not set(uri) & set(' :,"\\') and not uri.startswith("/")
        assert unquote(uri, errors="surrogateescape") == violation.path and place["region"] == {
            "startLine": violation.line
        }
    assert (
        run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "b%20c/%C3%BC%25%2C%3A.py"
    )
    assert sarif([])["runs"][0]["results"] == []


def test_github() -> None:
    lines = render(ODD, "github").splitlines()
    assert lines[0] == (
        "::error file=b c/ü%25%2C%3A.py,line=3,title=shim-overdue::the shim of a goes, 100%25%0Anow. Fix: do: it"
    )
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning", "::notice"]
    assert render([], "github") == ""


def test_every_rule_is_tried_here() -> None:
    tried = Path(__file__).read_text(encoding="utf-8")
    assert not [rule for rule in RULES if f'"{rule}"' not in tried]
