"""The numbers of a sender: new, met, and in conflict; bounded whatever comes."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recorder import seen
from services.recorder.seen import Stream, Verdict

NEW, DUPLICATE, CONFLICT = Verdict.NEW, Verdict.DUPLICATE, Verdict.CONFLICT


def test_new_met_and_in_conflict() -> None:
    stream = Stream()
    met = [(5, 1), (6, 1), (5, 1), (5, 2), (8, 1), (7, 1), (7, 1), (0, 0), (0, 0)]
    assert [stream.meet(*each) for each in met] == [NEW, NEW, DUPLICATE, CONFLICT, NEW, NEW, DUPLICATE, NEW, DUPLICATE]
    assert stream.missing() == [(1, 4)]


def test_what_the_ring_has_forgotten_is_in_conflict() -> None:
    stream = Stream()
    for number in range(1, seen.WINDOW + 2):
        assert stream.meet(number, number) is NEW
    assert stream.meet(1, 1) is CONFLICT
    assert stream.meet(2, 2) is DUPLICATE
    assert stream.meet(2**64 - 1, 7) is NEW and stream.meet(2**64 - 1, 7) is DUPLICATE


def test_gaps_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "MAX_INTERVALS", 3)
    stream = Stream()
    for number in (2, 4, 6, 8):
        stream.meet(number, number)
    assert stream.missing() == [(5, 5), (7, 7)]
    # The oldest gap counts as met: what comes so late is kept as a conflict.
    assert stream.meet(3, 3) is CONFLICT
    assert stream.meet(7, 7) is NEW


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 1))))
def test_it_is_a_table_of_numbers(sent: list[tuple[int, int]]) -> None:
    stream, table = Stream(), dict[int, int]()
    for number, fingerprint in sent:
        wanted = NEW if number not in table else DUPLICATE if table[number] == fingerprint else CONFLICT
        assert stream.meet(number, fingerprint) is wanted
        table.setdefault(number, fingerprint)
    numbers = sorted(table)
    gaps = [(a + 1, b - 1) for a, b in pairwise(numbers) if b > a + 1]
    assert stream.missing() == gaps
