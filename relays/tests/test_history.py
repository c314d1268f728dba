"""What a relay knows of a source's numbers: gaps, late ones, repeats, and that no missing number is ever forgotten."""

from hypothesis import given, settings
from hypothesis import strategies as st

from relays.history import MAX_INTERVALS, Seen, Stream


def take(stream: Stream, number: int, time: int = 0) -> Seen | None:
    if number == stream.expected:
        stream.expected, stream.time = number + 1, time
        return None
    return stream.see(number, time)


def test_what_a_number_is() -> None:
    stream = Stream(2, 0)
    assert [take(stream, number) for number in (2, 5, 4, 5, 3)] == [None, Seen.GAP, Seen.LATE, Seen.REPEAT, Seen.LATE]
    assert (stream.expected, stream.missing, stream.first_missing) == (6, 0, 0)
    assert take(stream, 1, time=1) is Seen.RESTART and stream.expected == 2


def test_more_gaps_than_are_kept_apart_are_kept_together() -> None:
    stream, count = Stream(1, 0), MAX_INTERVALS + 10
    for number in range(2, 2 * count + 1, 2):
        assert take(stream, number) is Seen.GAP
    assert (len(stream.open), stream.first_missing) == (MAX_INTERVALS, 1)
    for number in range(1, 2 * count + 1):  # all again, as a publisher does that is told of the first
        take(stream, number)
    assert (stream.first_missing, stream.missing, stream.open) == (0, 0, [])


@given(st.lists(st.integers(1, 300), max_size=300))
@settings(max_examples=200, deadline=None)
def test_the_first_missing_number_is_never_above_one_that_did_not_come(numbers: list[int]) -> None:
    stream = Stream(1, 0)
    for number in numbers:
        take(stream, number)
    missing = set(range(1, stream.expected)) - set(numbers)
    assert (stream.first_missing <= min(missing) and stream.first_missing > 0) if missing else True
    assert stream.missing >= len(missing)
