"""The numbers of the wire format: magic, version, limits, relay domains, sources, flags.

Owns every number that two programs must agree on.  Must not know how anything is packed or checked.
All integers on the wire are little-endian, so the first four bytes of a message read `ef be ad de`.
"""

from enum import Enum, IntEnum, IntFlag

MAGIC = 0xDEADBEEF
# The protocol is called V2, the version byte on the wire is 1.
VERSION = 1
SUPPORTED_VERSIONS = (VERSION,)

HEADER_SIZE = 32
MAX_STANDARD_PAYLOAD = 255
MAX_EXTENDED_PAYLOAD = 65_535
MAX_MESSAGE_SIZE = 1_048_576

STANDARD_FRAME_SIZE = 2
EXTENDED_FRAME_SIZE = 5
EXTENDED_MARKER = 255


class RelayDomain(IntEnum):
    """The stream that a message belongs to; header byte 4."""

    MARKET_DATA = 1
    SIGNAL = 2
    EXECUTION = 3
    SYSTEM = 4


class SourceType(IntEnum):
    """Who sent a message; header byte 6.  Twenty numbers for each kind of sender."""

    BINANCE_COLLECTOR = 1
    KRAKEN_COLLECTOR = 2
    COINBASE_COLLECTOR = 3
    POLYGON_COLLECTOR = 4
    GEMINI_COLLECTOR = 5

    ARBITRAGE_STRATEGY = 20
    MARKET_MAKER = 21
    TREND_FOLLOWER = 22
    KRAKEN_SIGNAL_STRATEGY = 23

    PORTFOLIO_MANAGER = 40
    RISK_MANAGER = 41
    EXECUTION_ENGINE = 42

    DASHBOARD = 60
    METRICS_COLLECTOR = 61
    STATE_MANAGER = 62

    MARKET_DATA_RELAY = 80
    SIGNAL_RELAY = 81
    EXECUTION_RELAY = 82


class HeaderFlags(IntFlag):
    """Header byte 7.  Bits without a name are kept as they are: a later version may give them a meaning."""

    NONE = 0
    COMPRESSED = 0x01
    ENCRYPTED = 0x02
    HIGH_PRIORITY = 0x04
    WANTS_ACKNOWLEDGEMENT = 0x08
    TRACE_CONTEXT = 0x10
    RECOVERY = 0x20


class ChecksumPolicy(Enum):
    """Whether a reader verifies the checksum.  A stored checksum of 0 is not special where it is enforced."""

    ENFORCE = "enforce"
    SKIP = "skip"


def must_verify(policy: ChecksumPolicy | bool) -> bool:
    """Whether a reader with this policy verifies.  Raises TypeError for anything else: nothing is skipped by a slip."""
    if policy is ChecksumPolicy.ENFORCE or policy is True:
        return True
    if policy is ChecksumPolicy.SKIP or policy is False:
        return False
    raise TypeError(f"checksum takes a ChecksumPolicy or a bool, not {policy!r}")
