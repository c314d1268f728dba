"""Every case of `tests/kinds`: what is changed, what is proved to be none, what is listed; and that it runs as before.

The expected text of a `change` was read by a person when it was written.  Besides it, each case is held to what no
text can say: no other file changes, a second look finds nothing left, and Python below app/ gives the same results
before, with the shims of stage 3, and after cleanup.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import pytest

from tools.migrate.tests.kindcases import (
    Case,
    Result,
    as_before,
    cases,
    kinds,
    left_over,
    migrated,
    outcomes,
    runs,
)
from tools.migrate.tests.kindpage import page
from tools.migrate.tests.kindworlds import WORLDS

CASES = [c for c in cases() if c.python <= sys.version_info[:2]]
_BY_ID = {c.id: c for c in CASES}


@cache
def _made_of(name: str) -> Result:
    return migrated(_BY_ID[name])


def _made(case: Case) -> Result:
    return _made_of(case.id)


@cache
def _without(world: str) -> dict[str, bytes]:
    """The world after cleanup without any case in it."""
    empty = Case("", "same", world, world, "nothing.txt", "", "")
    return {p: c for p, c in migrated(empty).files(6).items() if p != "nothing.txt"}


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_answer(case: Case) -> None:
    result = _made(case)
    assert result.text == case.after, result.readings
    assert result.rules == tuple(sorted(case.rules)), result.readings
    if case.answer == "change":
        assert case.after != case.before or result.new_path != case.at
    if case.answer == "listed":
        assert case.rules
    assert left_over(case, result) == []


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_no_other_file_changes(case: Case) -> None:
    result = _made(case)
    after, given = result.files(6), {result.layout.new_path(p): c for p, c in case.files.items()}
    base = _without(case.world)
    for path in after.keys() & base.keys() - given.keys() - {result.new_path, "migration.lock"}:
        assert after[path] == base[path], path
    for path, text in case.after_files.items():
        assert after[path].decode() == text, path
    for path in given.keys() - case.after_files.keys() - {result.new_path}:
        assert after[path].decode() == given[path], path


def test_cases_run_as_before(tmp_path: Path) -> None:
    ours = [(case, _made(case)) for case in CASES if runs(case)]
    jobs: list[tuple[dict[str, bytes | str], tuple[str, ...]]] = []
    for case, result in ours:
        world = WORLDS[case.world]
        both = (*world.roots, *world.old_roots)
        jobs += [(case.data(), both), ({**result.files(3)}, both), ({**result.files(6)}, world.roots)]
    found = outcomes(tmp_path, jobs)
    wrong = []
    for number, (case, _) in enumerate(ours):
        before, shimmed, after = (as_before(case, text) for text in found[3 * number : 3 * number + 3])
        if _failed(before) or not before == shimmed == after:
            wrong.append((case.id, before, shimmed, after))
    assert wrong == []
    assert len(ours) >= 90


def _failed(text: str) -> bool:
    return text.split(":")[0].endswith(("Error", "Exception"))


def test_there_are_enough_of_each() -> None:
    assert sum(k.of("change") for k in kinds()) >= 150
    assert sum(k.of("same") for k in kinds()) >= 150
    assert all(k.of("same") and k.of("change") + k.of("listed") for k in kinds())


def test_names_of_cases_are_unique() -> None:
    names = [c.id for c in cases()]
    assert sorted(set(names)) == sorted(names)


def test_the_page_is_made_from_the_cases() -> None:
    written = Path(__file__).parents[3] / "docs" / "reference-kinds.md"
    assert written.read_text(encoding="utf-8") == page(), "python -m tools.migrate.tests.kindpage"
