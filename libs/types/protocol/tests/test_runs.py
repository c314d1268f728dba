"""`message_runs`: what is one run, what stands alone, where it stops; the same in both implementations."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.types.protocol import MessageBuilder, RelayDomain
from libs.types.protocol._python.runs import message_runs as python_runs


def message(source: int, number: int, *types: int, timestamp: int = 5) -> bytes:
    builder = MessageBuilder(relay_domain=RelayDomain.SYSTEM, source=source, sequence=number, timestamp=timestamp)
    for each in types:
        builder.add_raw(each, b"x" * 8)
    return builder.build()


def test_numbers_that_follow_each_other_are_one_run(codec: Any) -> None:
    parts = [message(1, 7, timestamp=3), message(1, 8, 254, timestamp=9), message(1, 10), message(2, 11)]
    data = b"".join(parts)
    a, b = len(parts[0] + parts[1]), len(parts[2])
    expected = [(0, a, 1, 7, 8, 9, False), (a, a + b, 1, 10, 10, 5, False), (a + b, len(data), 2, 11, 11, 5, False)]
    assert codec.framing.message_runs(data, b"") == (expected, len(data))


def test_some_types_stand_alone_if_they_are_the_first(codec: Any) -> None:
    parts = [message(1, 1), message(1, 2, 206), message(1, 3, 207, 206), message(1, 4, 254, 206), message(1, 5)]
    runs, _ = codec.framing.message_runs(b"".join(parts), bytes([206, 207]))
    assert [(first, last, apart) for _, _, _, first, last, _, apart in runs] == [
        (1, 1, False), (2, 2, True), (3, 3, True), (4, 5, False),
    ]  # fmt: skip


@pytest.mark.parametrize("cut", [1, 31, 32, 39])
def test_it_stops_before_what_is_not_whole(codec: Any, cut: int) -> None:
    whole, rest = message(1, 1, 254), message(1, 2, 254)[:cut]
    runs, stop = codec.framing.message_runs(whole + rest, b"")
    assert stop == len(whole) and [run[4] for run in runs] == [1]


def test_no_number_follows_the_largest(codec: Any) -> None:
    runs, _ = codec.framing.message_runs(message(1, 2**64 - 1) + message(1, 0), b"")
    assert [(run[3], run[4]) for run in runs] == [(2**64 - 1, 2**64 - 1), (0, 0)]


def test_arguments(codec: Any) -> None:
    for wrong in [(b"",), ("", b""), (7, b"")]:
        with pytest.raises(TypeError):
            codec.framing.message_runs(*wrong)


@given(
    st.lists(
        st.one_of(
            st.builds(message, st.integers(1, 3), st.integers(0, 5), st.sampled_from([206, 254])),
            st.binary(max_size=80),
        ),
        max_size=12,
    ),
    st.sampled_from([b"", bytes([206])]),
)
@settings(max_examples=400, deadline=None)
def test_both_agree_on_any_bytes(codec: Any, parts: list[bytes], apart: bytes) -> None:
    assert codec.framing.message_runs(b"".join(parts), apart) == python_runs(b"".join(parts), apart)
