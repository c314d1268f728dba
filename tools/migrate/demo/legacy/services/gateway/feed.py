"""From bytes to the JSON that subscribers see."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

import alphapulse_types as at
import protocol_v2
import protocol_v2.header as hdr

from .models import VenueId
from .settings import PARTITIONS, TOPIC

if TYPE_CHECKING:
    from alphapulse_types.events import TradeEvent
    from protocol_v2.tlv.parser import Message


def envelope(data: bytes) -> str:
    """What goes onto the topic; its key names the wire format and is read by other languages."""
    return json.dumps({"protocol_v2": data.hex()}, sort_keys=True)


def partition() -> int:
    return zlib.crc32(TOPIC.encode()) % PARTITIONS


def age_ns(message: Message) -> int:
    return hdr.now_ns() - message.header.timestamp


def is_message(data: bytes) -> bool:
    return data[:4] == protocol_v2.MAGIC.to_bytes(4, "little")


def to_public(event: TradeEvent) -> dict[str, str]:
    side: at.Side = event.side
    return {"venue": VenueId.from_wire(event.venue).value, "side": side.name, "price": str(event.price)}


def public_trades(data: bytes) -> list[dict[str, str]]:
    # Lazy: a gateway that only forwards never pays for it.
    from alphapulse_types.events import read_trades

    return [to_public(event) for event in read_trades(data)]
