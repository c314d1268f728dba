"""The header alone."""

from unittest import mock

import pytest

from ..errors import BadMagic, TruncatedTLV
from ..header import MessageHeader, RelayDomain, now_ns, parse_header


def test_a_header_is_read_back() -> None:
    header = MessageHeader(RelayDomain.SIGNAL, source=20, sequence=7, timestamp=99)
    packed = header.pack()
    assert len(packed) == MessageHeader.SIZE == 32
    assert packed[:4] == b"\xef\xbe\xad\xde"
    assert parse_header(packed) == header


def test_other_bytes_are_refused() -> None:
    with pytest.raises(BadMagic):
        parse_header(bytes(32))
    with pytest.raises(TruncatedTLV) as caught:
        parse_header(b"\xef\xbe")
    assert caught.value.need == 30


def test_the_clock_is_the_system_clock() -> None:
    with mock.patch("time.time_ns", return_value=5):
        assert now_ns() == 5
