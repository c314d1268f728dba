"""Writes a message; the twin of the parser."""

from dataclasses import replace

from .. import checksum
from ..errors import ProtocolError
from ..header import MessageHeader, RelayDomain, now_ns
from .types import TLVType, Trade


class MessageBuilder:
    """Collects TLVs and writes them behind a header.

    >>> from protocol_v2.header import RelayDomain
    >>> builder = MessageBuilder(RelayDomain.SIGNAL, source=20, timestamp=0)
    >>> len(builder.add(TLVType.SIGNAL_IDENTITY, b"abcd").build())
    38
    """

    def __init__(self, domain: RelayDomain, source: int, sequence: int = 0, timestamp: int | None = None) -> None:
        stamp = now_ns() if timestamp is None else timestamp
        self._header = MessageHeader(domain, source, sequence, stamp)
        self._body = bytearray()

    def add(self, kind: TLVType, payload: bytes) -> "MessageBuilder":
        # Here and not above: the table of sizes reads a file, and a relay that only forwards never needs it.
        from ..sizes import expected_size

        expected = expected_size(kind)
        if expected not in (None, len(payload)):
            raise ProtocolError(f"{kind.name} is {expected} bytes, got {len(payload)}")
        if len(payload) > 255:
            self._body += bytes([255, 0, kind]) + len(payload).to_bytes(2, "little")
        else:
            self._body += bytes([kind, len(payload)])
        self._body += payload
        return self

    def add_trade(self, trade: Trade) -> "MessageBuilder":
        return self.add(TLVType.TRADE, trade.pack())

    def build(self) -> bytes:
        header = replace(self._header, payload_size=len(self._body))
        unsigned = header.pack() + bytes(self._body)
        return replace(header, checksum=checksum.message_checksum(unsigned)).pack() + bytes(self._body)
