"""Binance depth lines: the exchange's own rules for keeping a book, and lines that must be refused."""

import io
import json
from typing import Any

import pytest

from libs.types.protocol import InstrumentId, OrderBookTLV, StateInvalidationTLV, VenueId
from services.feed_replay import binance
from services.feed_replay.app import CaptureError, Counts, Event, events


def update(first: int, last: int, bids: list[list[Any]] | None = None, **more: Any) -> str:
    body = {"e": "depthUpdate", "E": last, "s": "BTCUSDT", "U": first, "u": last, "b": bids or [], "a": []}
    return json.dumps({**body, **more})


def snapshot(last: int, bids: list[list[str]] | None = None) -> str:
    return json.dumps({"lastUpdateId": last, "bids": bids or [["100.5", "1"]], "asks": [["101", "2.25"]]})


def take(*lines: str, counts: Counts | None = None, **options: Any) -> list[Event]:
    return list(events("d.jsonl", io.BytesIO("\n".join(lines).encode()), counts=counts, **options))


def outline(found: list[Event]) -> list[object]:
    """Sequences of the books, and the word gap."""
    return [tlv.sequence if isinstance(tlv, OrderBookTLV) else "gap" for event in found for tlv in event.tlvs[:1]]


def test_a_snapshot_and_what_continues_it() -> None:
    counts = Counts()
    found = take(
        snapshot(10),
        update(5, 10),  # in the snapshot already
        update(8, 12, [["100.5", "0"], ["99", "3"]]),
        update(13, 13, [["99.5", "1", []]]),
        counts=counts,
    )
    assert outline(found) == [12, 13]
    book = found[1].tlvs[0]
    assert isinstance(book, OrderBookTLV)
    assert book.instrument == InstrumentId.coin(VenueId.BINANCE, "BTCUSDT")
    assert found[1].timestamp_ns == book.timestamp_ns == 13_000_000
    assert book.bids.to_tuples() == [(9_950_000_000, 10**8, 0), (9_900_000_000, 3 * 10**8, 0)]
    assert book.asks.to_tuples() == [(10_100_000_000, 225_000_000, 0)]
    assert (counts.rows, counts.books, counts.outdated) == (4, 2, 1)


def test_updates_wait_for_their_snapshot() -> None:
    counts = Counts()
    assert outline(take(update(1, 4), update(5, 9), update(10, 12), snapshot(7), update(13, 14), counts=counts)) == [
        9,
        12,
        14,
    ]
    assert counts.outdated == 1


def test_not_more_of_them_than_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binance, "MAX_WAITING", 2)
    counts = Counts()
    assert outline(take(update(1, 1), update(2, 2), update(3, 3), snapshot(1), counts=counts)) == [2, 3]
    assert counts.before_snapshot == 1


def test_a_gap_invalidates_the_book_until_the_next_snapshot() -> None:
    counts = Counts()
    found = take(
        snapshot(10), update(11, 12), update(14, 15), update(16, 17), snapshot(15), update(18, 19), counts=counts
    )
    assert outline(found) == [12, "gap", 17, 19]
    gap = found[1].tlvs[0]
    assert isinstance(gap, StateInvalidationTLV)
    assert gap.instruments.to_list() == [InstrumentId.coin(VenueId.BINANCE, "BTCUSDT")]
    assert counts.gaps == 1


def test_a_snapshot_older_than_the_book_changes_nothing() -> None:
    counts = Counts()
    assert outline(take(snapshot(10), update(11, 12), snapshot(9), update(13, 13), counts=counts)) == [12, 13]
    assert counts.outdated == 1


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ([snapshot(10), update(5, 9, pu=4), update(8, 12, pu=7), update(14, 15, pu=12)], [12, 15]),
        ([snapshot(10), update(10, 10, pu=9)], [10]),
        ([snapshot(10), update(11, 12, pu=10)], ["gap"]),
        ([snapshot(10), update(9, 12, pu=8), update(13, 15, pu=11)], [12, "gap"]),
    ],
)
def test_futures_continue_by_pu(lines: list[str], wanted: list[object]) -> None:
    assert outline(take(*lines, exchange="binance-futures")) == wanted


def test_streams_and_symbols() -> None:
    def framed(stream: str, text: str) -> str:
        return json.dumps({"stream": stream, "data": json.loads(text)})

    two = [
        framed("btcusdt@depth", snapshot(10)),
        framed("ethusdt@depth", snapshot(90)),
        framed("btcusdt@depth@100ms", update(11, 12)),
        framed("ethusdt@depth", update(91, 92, s="ETHUSDT")),
    ]
    assert outline(take(*two)) == [12, 92]
    assert outline(take(snapshot(10), "", update(11, 12), symbol="BTCUSDT")) == [12]
    assert outline(take(snapshot(10))) == []
    with pytest.raises(CaptureError, match="several are in the capture") as caught:
        take(update(1, 2), update(1, 2, s="ETHUSDT"), snapshot(1))
    assert (caught.value.line, caught.value.column) == (3, "symbol")


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("{", "character 2"),
        ("{} {}", "character 4"),
        ("[" * 100_000, "character 1"),
        ('{"U": ' + "9" * 5000 + "}", "character 1"),
        ("[]", "e"),
        ('{"e": "trade"}', "e"),
        ('{"stream": 1, "data": []}', "e"),
        (update(12, 13, s=5), "s"),
        (update(12, 13, s="TOOLONGASYMBOL"), "symbol"),
        (update(12, 13, U="11"), "U"),
        (update(12, 13, U=True), "U"),
        (update(12, 13, u=-1), "u"),
        (update(14, 13), "u"),
        (update(12, 13, E=None), "E"),
        (update(12, 13, E=2**60), "E"),
        (update(12, 13, b={}), "b"),
        (update(12, 13, b=[["1", "2"], ["1"]]), "b[1]"),
        (update(12, 13, a=[[1.5, "1"]]), "a[0]"),
        (update(12, 13, a=[["1.5", "-1"]]), "a[0][1]"),
        (update(12, 13, a=[["0", "1"]]), "a[0][0]"),
        (update(12, 13, a=[["1", "0.000000001"]]), "a[0][1]"),
        ('{"lastUpdateId": 1.5}', "lastUpdateId"),
    ],
)
def test_a_bad_line_is_named(line: str, column: str) -> None:
    with pytest.raises(CaptureError) as caught:
        take(snapshot(10), update(11, 11), line)
    # What is no JSON object is no first line of this format, so it stands third here.
    assert (caught.value.source, caught.value.line, caught.value.column) == ("d.jsonl", 3, column)
