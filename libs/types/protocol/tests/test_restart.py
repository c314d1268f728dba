"""`MessageBuilder.restart`: the same sender, another message."""

import pytest

from libs.types.protocol import FieldRange, MessageBuilder, RelayDomain, SourceType, parse_message


def test_restart_takes_the_sequence_and_drops_the_tlvs() -> None:
    builder = MessageBuilder(
        relay_domain=RelayDomain.SIGNAL, source=SourceType.MARKET_MAKER, sequence=1, timestamp=2, flags=4
    )
    builder.add_raw(250, b"old")
    assert builder.restart(sequence=3, timestamp=4) is builder
    message = parse_message(builder.add_raw(251, b"new").build())
    header = message.header
    assert (header.relay_domain, header.source, header.flags, header.sequence, header.timestamp) == (2, 21, 4, 3, 4)
    assert [(tlv.type, bytes(tlv.payload)) for tlv in message] == [(251, b"new")]
    assert parse_message(builder.restart(sequence=5).build()).timestamp > 4


def test_restart_refuses_what_the_constructor_would() -> None:
    builder = MessageBuilder(relay_domain=1, source=2, sequence=1)
    with pytest.raises(FieldRange):
        builder.restart(sequence=-1)
    with pytest.raises(TypeError):
        builder.restart()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        builder.restart(3)  # type: ignore[call-arg]
