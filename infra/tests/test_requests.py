"""One recovery at a time for each stream."""

from infra.requests import Requests, key_of, retransmit

ONE, OTHER = (2, 20), (2, 21)


def test_a_gap_waits_for_the_answer_that_is_open() -> None:
    requests = Requests()
    requests.want(retransmit(ONE, 5, 9))
    requests.want(retransmit(OTHER, 1, 3))
    assert requests.due(1) == ([retransmit(ONE, 5, 9), retransmit(OTHER, 1, 3)], []) and requests.open
    for current in (20, 12):
        requests.want(retransmit(ONE, 11, current))
    assert requests.due(2) == ([], [ONE, ONE])
    assert requests.answered(ONE) == (retransmit(ONE, 5, 9), retransmit(ONE, 11, 20))
    assert requests.answered(ONE) == (None, None)
    assert requests.due(3) == ([], [])


def test_a_new_connection_forgets_what_was_asked_on_the_old_one() -> None:
    requests = Requests()
    requests.want(retransmit(ONE, 5, 9))
    requests.due(1)
    requests.want(retransmit(ONE, 7, 8))
    requests.begin([retransmit(ONE, 5, 2**63)])
    due, waiting = requests.due(2)
    assert due == [retransmit(ONE, 5, 2**63)] and waiting == [ONE]
    assert {key_of(gap) for gap in due} == {ONE}


def test_what_has_no_answer_is_asked_again() -> None:
    requests = Requests()
    requests.want(retransmit(ONE, 5, 9))
    assert requests.due(now=10) == ([retransmit(ONE, 5, 9)], [])
    requests.repeat(before=10)
    assert requests.due(now=20) == ([], [])
    requests.repeat(before=11)
    assert requests.due(now=20) == ([retransmit(ONE, 5, 9)], [])
    requests.answered(ONE)
    requests.repeat(before=30)
    assert requests.due(now=30) == ([], []) and not requests.open
