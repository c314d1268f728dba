"""Everything that the book builder takes from the shared packages, in one place."""

from alphapulse_types.side import *
from protocol_v2 import *

try:
    # Compiled; only on the trading hosts.
    from protocol_v2._speedups import parse_message  # type: ignore[import-not-found, no-redef]
except ImportError:
    from protocol_v2.tlv.parser import parse_message
