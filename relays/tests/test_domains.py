"""The relays' policies, and what `admit` lets through."""

import pytest

from libs.types.protocol import (
    ChecksumMismatch,
    ChecksumPolicy,
    MessageHeader,
    MessageTooLarge,
    RelayDomain,
    RelayDomainMismatch,
    SourceType,
)
from relays.domains import POLICIES, admit

EACH = pytest.mark.parametrize("domain", list(POLICIES), ids=lambda domain: domain.name)


def message(domain: RelayDomain, payload: bytes = b"", damage: int = 0) -> bytes:
    header = MessageHeader(
        relay_domain=domain, source=SourceType.KRAKEN_COLLECTOR, sequence=1, timestamp=1_700_000_000_000_000_000
    ).signed(payload)
    return bytes(header.replace(checksum=header.checksum ^ damage)) + payload


def test_the_table() -> None:
    assert [
        (p.domain.value, p.checksum is ChecksumPolicy.ENFORCE, p.strict, p.audited, p.max_message, p.socket_name)
        for p in POLICIES.values()
    ] == [
        (1, False, False, False, 65536, "market_data.sock"),
        (2, True, True, False, 32768, "signals.sock"),
        (3, True, True, True, 16384, "execution.sock"),
    ]
    assert RelayDomain.SYSTEM not in POLICIES


@EACH
def test_own_messages_pass_and_others_do_not(domain: RelayDomain) -> None:
    assert admit(message(domain), POLICIES[domain]).relay_domain is domain
    for other in set(RelayDomain) - {domain}:
        with pytest.raises(RelayDomainMismatch) as caught:
            admit(message(other), POLICIES[domain])
        assert (caught.value.expected_name, caught.value.got_name) == (domain.name, other.name)


@EACH
def test_a_damaged_message(domain: RelayDomain) -> None:
    damaged = message(domain, b"\x01\x00", damage=1)
    if POLICIES[domain].checksum is ChecksumPolicy.SKIP:
        assert admit(damaged, POLICIES[domain]).payload_size == 2
    else:
        with pytest.raises(ChecksumMismatch):
            admit(damaged, POLICIES[domain])


@EACH
def test_the_largest_message(domain: RelayDomain) -> None:
    room = POLICIES[domain].max_message - 32
    assert admit(message(domain, b"\0" * room), POLICIES[domain]).payload_size == room
    with pytest.raises(MessageTooLarge):
        admit(message(domain, b"\0" * (room + 1)), POLICIES[domain])
