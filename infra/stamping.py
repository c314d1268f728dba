"""One sender's messages: numbered from 1, signed, with the time that the sender gives.

Owns the next sequence number of one source in one domain.  Must not read a clock or send anything.
"""

from collections.abc import Iterable

from libs.types.protocol import TLV, MessageBuilder


class Stamp:
    """Makes the messages of one source in one domain.

    A program that starts again starts at 1 again, unless `first` says where it had been: readers then see what they
    see after a restart, a number that they know already.  They follow it if its time is later than all before; after
    the clock was set back they take it for a repeat, and drop it.
    """

    __slots__ = ("_builder", "domain", "sequence", "source")

    def __init__(self, domain: int, source: int, *, first: int = 1) -> None:
        """Raises FieldRange for a domain, source or number that a reader would refuse."""
        self.domain, self.source, self.sequence = domain, source, first
        self._builder = MessageBuilder(relay_domain=domain, source=source, sequence=first)

    def message(self, tlvs: Iterable[TLV], timestamp_ns: int) -> bytes:
        """The next message.  Raises FieldRange, PayloadTooLarge; the number is then still free."""
        builder = self._builder.restart(sequence=self.sequence, timestamp=timestamp_ns)
        for tlv in tlvs:
            builder.add(tlv)
        data = builder.build()
        self.sequence += 1
        return data
