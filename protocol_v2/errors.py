"""The errors of the protocol, by who is at fault and by failure mode.

    ProtocolError
        RemoteProtocolError         the bytes that came from a peer are wrong
            MessageTooSmall         the buffer ends before the message does
            InvalidMagic            the first four bytes are not ours
            UnsupportedVersion      the version byte names another format
            MessageTooLarge         the size in the header is above the limit
            TrailingBytes           a single message was expected and more follows
            ChecksumMismatch        the message was damaged
            InvalidRelayDomain      the domain byte is none of the known
            UnknownSource           the source byte is none of the known
            RelayDomainMismatch     a message of one domain arrived at the relay of another
        LocalProtocolError          our own call is wrong
            FieldRange              a value does not fit its field
            InvalidInstrument       what was given names no instrument

Fields are attributes, the message is built from them; the constructor's positional arguments are exactly `args`.
Offsets count from the start of the message.  This module must not know buffers or layouts.
"""

from alphapulse_types import AlphaPulseError

from .constants import MAGIC


class ProtocolError(AlphaPulseError):
    """Root of all errors of this package."""

    hint = ""

    def _with_hint(self, text: str) -> str:
        return f"{text}; {self.hint}" if self.hint else text


class RemoteProtocolError(ProtocolError):
    """The peer's bytes are at fault: drop the message or the connection, the program goes on."""


class LocalProtocolError(ProtocolError):
    """The caller is at fault: a defect of this program."""


class MessageTooSmall(RemoteProtocolError):
    """`need` bytes were needed for `context`, `got` were there."""

    hint = "read more bytes before parsing, or the sender was cut off"

    def __init__(self, need: int, got: int, context: str) -> None:
        self.need, self.got, self.context = need, got, context
        super().__init__(need, got, context)

    def __str__(self) -> str:
        return self._with_hint(f"{self.context} needs {self.need} bytes, got {self.got}")


class InvalidMagic(RemoteProtocolError):
    """The magic at `offset` is `actual` instead of `expected`; `diagnosis` says what that looks like."""

    def __init__(self, expected: int, actual: int, offset: int) -> None:
        self.expected, self.actual, self.offset = expected, actual, offset
        self.diagnosis = self._diagnose(actual)
        super().__init__(expected, actual, offset)

    @staticmethod
    def _diagnose(actual: int) -> str:
        if actual == 0:
            return "the buffer was never filled"
        if actual == 0xFFFFFFFF:
            return "the memory or the medium is corrupt"
        if actual == int.from_bytes(MAGIC.to_bytes(4, "little"), "big"):
            return "the sender wrote big-endian integers"
        return "the bytes are damaged, out of step, or of another protocol"

    def __str__(self) -> str:
        return f"magic is 0x{self.actual:08X} at offset {self.offset}, expected 0x{self.expected:08X}; {self.diagnosis}"


class UnsupportedVersion(RemoteProtocolError):
    """The version byte is none of `supported_versions`."""

    hint = "sender and reader are of different releases"

    def __init__(self, version: int, supported_versions: tuple[int, ...]) -> None:
        self.version, self.supported_versions = version, supported_versions
        super().__init__(version, supported_versions)

    def __str__(self) -> str:
        known = ", ".join(map(str, self.supported_versions))
        return self._with_hint(f"version {self.version} is not supported, only {known}")


class MessageTooLarge(RemoteProtocolError):
    """The header announces a message of `size` bytes where `max` are allowed.

    `tlv_count` is the number of TLVs that could be walked in the bytes at hand.
    """

    def __init__(self, size: int, max: int, payload_size: int, tlv_count: int) -> None:
        self.size, self.max, self.payload_size, self.tlv_count = size, max, payload_size, tlv_count
        self.hint = "a damaged size field" if size > 10 * max else "split the message"
        super().__init__(size, max, payload_size, tlv_count)

    def __str__(self) -> str:
        return self._with_hint(
            f"message of {self.size} bytes (payload {self.payload_size}) is above the limit of {self.max}"
        )


class TrailingBytes(RemoteProtocolError):
    """`extra` bytes follow the message that ends at `offset`."""

    hint = "for a stream, start the next message there"

    def __init__(self, offset: int, extra: int) -> None:
        self.offset, self.extra = offset, extra
        super().__init__(offset, extra)

    def __str__(self) -> str:
        return self._with_hint(f"{self.extra} bytes follow the message that ends at offset {self.offset}")


class ChecksumMismatch(RemoteProtocolError):
    """The checksum over the message is `expected`, the header carries `actual`.

    Other descriptions of this protocol use "expected" for the header's number; `in_header` and `calculated` cannot
    be misread.  `message_size` counts the whole message; `tlv_count` the TLVs that can be walked.
    """

    def __init__(self, expected: int, actual: int, message_size: int, tlv_count: int, payload_size: int) -> None:
        self.expected, self.actual = expected, actual
        self.message_size, self.tlv_count, self.payload_size = message_size, tlv_count, payload_size
        self.likely_cause = "the sender never computed it" if actual == 0 else "the bytes were damaged on the way"
        super().__init__(expected, actual, message_size, tlv_count, payload_size)

    @property
    def in_header(self) -> int:
        return self.actual

    @property
    def calculated(self) -> int:
        return self.expected

    def __str__(self) -> str:
        return (
            f"checksum in the header is 0x{self.in_header:08X}, calculated 0x{self.calculated:08X} over "
            f"{self.message_size} bytes with {self.tlv_count} TLVs; {self.likely_cause}"
        )


class InvalidRelayDomain(RemoteProtocolError):
    """The domain byte names no domain."""

    def __init__(self, relay_domain: int) -> None:
        self.relay_domain = relay_domain
        super().__init__(relay_domain)

    def __str__(self) -> str:
        return f"relay domain {self.relay_domain} is unknown; header byte 4 must be 1 to 4"


class UnknownSource(RemoteProtocolError):
    """The source byte names no sender."""

    def __init__(self, source_type: int) -> None:
        self.source_type = source_type
        super().__init__(source_type)

    def __str__(self) -> str:
        return f"source {self.source_type} is unknown; header byte 6 must be a SourceType"


class RelayDomainMismatch(RemoteProtocolError):
    """A message of domain `got` came where only `expected` is carried."""

    def __init__(self, expected: int, got: int, expected_name: str, got_name: str) -> None:
        self.expected, self.got, self.expected_name, self.got_name = expected, got, expected_name, got_name
        super().__init__(expected, got, expected_name, got_name)

    def __str__(self) -> str:
        return f"message of domain {self.got_name} ({self.got}) at a relay of {self.expected_name} ({self.expected})"


class FieldRange(LocalProtocolError):
    """`value` does not fit the field `field`, which holds `low` to `high`."""

    def __init__(self, field: str, value: int, low: int, high: int) -> None:
        self.field, self.value, self.low, self.high = field, value, low, high
        super().__init__(field, value, low, high)

    def __str__(self) -> str:
        return f"{self.field} is {self.value}, must be {self.low} to {self.high}"


class InvalidInstrument(LocalProtocolError):
    """`value` is no `field` of an instrument id; `reason` says why."""

    def __init__(self, field: str, value: int | str, reason: str) -> None:
        self.field, self.value, self.reason = field, value, reason
        super().__init__(field, value, reason)

    def __str__(self) -> str:
        if isinstance(self.value, int):
            shown = str(self.value) if self.value.bit_length() <= 128 else f"a number of {self.value.bit_length()} bits"
        else:
            shown = ascii(self.value if len(self.value) <= 50 else self.value[:47] + "...")
        return f"{self.field} {shown} makes no instrument id: {self.reason}"
