"""The relay domains as data, and the check that a message passes before it is forwarded.

Owns what differs between the market data, signal and execution relays: whether the checksum is enforced, what
happens to a bad message, how large one may be.  Must not open sockets and must not look into a TLV.

How it works: `admit` runs the header's own checks with the domain's settings and then compares the domain byte.
Market data skips the checksum, because a lost tick is replaced by the next one and the relay must keep up; signals
and orders are acted upon, so there it is always enforced.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from infra.topology.model import DEFAULT_SOCKET_NAMES
from libs.types.protocol import ChecksumPolicy, MessageHeader, RelayDomain, RelayDomainMismatch, parse_header


@dataclass(frozen=True, slots=True)
class DomainPolicy:
    """What one relay accepts.

    `strict` relays drop a message that fails a check and keep the connection; the others count it and close the
    connection only when they are out of step.  `audited` relays log every message.
    """

    domain: RelayDomain
    checksum: ChecksumPolicy
    max_message: int
    strict: bool
    audited: bool
    default_topic: str

    @property
    def socket_name(self) -> str:
        """The socket's file name where the topology names no other."""
        return DEFAULT_SOCKET_NAMES[self.domain]


# No relay carries RelayDomain.SYSTEM: system TLVs travel in messages of the other three.
POLICIES: Mapping[RelayDomain, DomainPolicy] = MappingProxyType(
    {
        policy.domain: policy
        for policy in (
            DomainPolicy(
                domain=RelayDomain.MARKET_DATA,
                checksum=ChecksumPolicy.SKIP,
                max_message=65_536,
                strict=False,
                audited=False,
                default_topic="market_data_all",
            ),
            DomainPolicy(
                domain=RelayDomain.SIGNAL,
                checksum=ChecksumPolicy.ENFORCE,
                max_message=32_768,
                strict=True,
                audited=False,
                default_topic="signals_all",
            ),
            DomainPolicy(
                domain=RelayDomain.EXECUTION,
                checksum=ChecksumPolicy.ENFORCE,
                max_message=16_384,
                strict=True,
                audited=True,
                default_topic="execution_all",
            ),
        )
    }
)


def admit(message: bytes | bytearray | memoryview, policy: DomainPolicy) -> MessageHeader:
    """Check one whole message against a relay's policy.

    Raises what `libs.types.protocol.parse_header` raises, and RelayDomainMismatch for a message of another domain.
    """
    header = parse_header(message, checksum=policy.checksum, limit=policy.max_message)
    if header.relay_domain is not policy.domain:
        raise RelayDomainMismatch(policy.domain, header.relay_domain, policy.domain.name, header.relay_domain.name)
    return header
