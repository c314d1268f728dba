"""Some of the random points of `randomkills`; the sweep marked exhaustive takes two hundred and more of each stage."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator

import pytest

from tools.migrate.tests import randomkills
from tools.migrate.tests.killcases import Cases
from tools.migrate.tests.sample import Server

pytestmark = [
    pytest.mark.skipif(shutil.which("git") is None, reason="needs git"),
    pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL"),
    pytest.mark.timeout(3600),
]
SEED = 20260301


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cases]:
    server = Server()
    yield Cases(server, tmp_path_factory.mktemp("kills"))
    server.close()


@pytest.mark.parametrize("name", randomkills.STAGES)
def test_killed_at_some_moments(name: str, cases: Cases) -> None:
    tally = randomkills.sweep(cases, name, 8, SEED)
    assert tally.points == 8
    assert not tally.wrong, "\n".join(tally.wrong)


@pytest.mark.exhaustive
@pytest.mark.parametrize("part", range(3))
@pytest.mark.parametrize("name", randomkills.STAGES)
def test_killed_at_two_hundred_moments(name: str, part: int, cases: Cases) -> None:
    tally = randomkills.sweep(cases, name, 70, SEED + 1, first=70 * part)
    assert tally.points == 70 and tally.phases["within"] > 10
    assert not tally.wrong, "\n".join(tally.wrong)
