"""The gateway by itself."""

import sys
import zlib
from unittest import mock

from alphapulse_types.identifiers import VenueId as WireVenue
from protocol_v2 import parse_message
from services.gateway import feed, models


@mock.patch("protocol_v2.header.time.time_ns", return_value=1_500)
def test_age(clock: mock.Mock, trade_message: bytes) -> None:
    assert feed.age_ns(parse_message(trade_message)) == 500
    clock.assert_called_once_with()


def test_a_message_is_refused_when_the_codec_says_so(trade_message: bytes) -> None:
    with mock.patch("protocol_v2.parse_message") as parse:
        parse.return_value.tlvs = ()
        assert feed.public_trades(trade_message) == []
    parse.assert_called_once_with(trade_message)


def test_public_trades(trade_message: bytes) -> None:
    expected = {"venue": "kraken", "side": "BUY", "price": "50000.25000000"}
    assert feed.public_trades(trade_message) == [expected]
    assert feed.is_message(trade_message)


def test_the_two_kinds_of_venue_stay_apart() -> None:
    assert models.VenueId is not WireVenue
    assert models.VenueId.from_wire(WireVenue.KRAKEN) == "kraken"
    assert not hasattr(WireVenue, "BITMEX")


def test_what_other_languages_read_stays_as_it_is() -> None:
    # Numbers that the consumers gave us: the topic's partition, and the checksum of an empty envelope.
    assert feed.partition() == 6
    assert zlib.crc32(feed.envelope(b"").encode()) == 3158058428


def test_types_are_imported_late() -> None:
    assert "services.gateway.feed" in sys.modules
    assert "read_trades" not in vars(feed)
