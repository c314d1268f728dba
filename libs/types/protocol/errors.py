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
            TruncatedTLV            a TLV does not end where the payload does
            InvalidExtendedTLV      an extended frame whose fixed bytes are wrong
            PayloadSizeMismatch     a TLV of a known type has another size than that type
            InvalidPayload          a TLV's bytes contradict themselves
            UnknownTLVType          a struct was asked for, of a type that has none
            ParseError              other data in or around messages cannot be read
            BatchError              one of many messages is wrong; says which one, and holds the error
            Recovery                a gap cannot be closed
        LocalProtocolError          our own call is wrong
            FieldRange              a value does not fit its field
            CapacityExceeded        one more element than a bounded vector has room for
            PayloadTooLarge         more bytes than a TLV can carry
            InvalidTLVType          a number that no TLV may have
            InvalidInstrument       what was given names no instrument

Fields are attributes, the message is built from them; the constructor's positional arguments are exactly `args`.
`offset` counts from the start of the message, `payload_offset` from the end of its header; both are given where a
TLV is meant.  This module must not know buffers or layouts.
"""

from libs.types.common import AlphaPulseError

from .constants import HEADER_SIZE, MAGIC


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


class TruncatedTLV(RemoteProtocolError):
    """The TLV at `offset` needs `required_bytes`, frame included, and `buffer_size` are left of the payload.

    `tlv_type` is None where not even the type could be read.
    """

    def __init__(self, buffer_size: int, required_bytes: int, tlv_type: int | None, offset: int) -> None:
        self.buffer_size, self.required_bytes = buffer_size, required_bytes
        self.tlv_type, self.offset, self.payload_offset = tlv_type, offset, offset - HEADER_SIZE
        if buffer_size == 0:
            self.suggested_action = "check the framing: nothing is left of the payload"
        elif required_bytes > 2 * buffer_size:
            self.suggested_action = "check the length field: it is far larger than the payload"
        else:
            self.suggested_action = "read the rest of the message: this looks like a partial read"
        super().__init__(buffer_size, required_bytes, tlv_type, offset)

    def __str__(self) -> str:
        return (
            f"TLV of type {_shown(self.tlv_type)} at offset {self.offset} (payload {self.payload_offset}) needs "
            f"{self.required_bytes} bytes, {self.buffer_size} are left; {self.suggested_action}"
        )


class InvalidExtendedTLV(RemoteProtocolError):
    """The extended frame at `offset` has `actual_marker` where `expected_marker` belongs."""

    def __init__(self, offset: int, expected_marker: int, actual_marker: int, validation_hint: str) -> None:
        self.offset, self.payload_offset = offset, offset - HEADER_SIZE
        self.expected_marker, self.actual_marker = expected_marker, actual_marker
        self.validation_hint = validation_hint
        super().__init__(offset, expected_marker, actual_marker, validation_hint)

    def __str__(self) -> str:
        return (
            f"extended TLV at offset {self.offset} (payload {self.payload_offset}) has {self.actual_marker}, "
            f"expected {self.expected_marker}; {self.validation_hint}"
        )


class PayloadSizeMismatch(RemoteProtocolError):
    """A payload of type `tlv_type` has `got` bytes; `struct_name` has `expected` (the bound that was passed)."""

    hint = "sender and reader declare this type differently"

    def __init__(self, tlv_type: int, expected: int, got: int, struct_name: str, offset: int) -> None:
        self.tlv_type, self.expected, self.got, self.struct_name = tlv_type, expected, got, struct_name
        self.offset, self.payload_offset = offset, offset - HEADER_SIZE
        super().__init__(tlv_type, expected, got, struct_name, offset)

    def __str__(self) -> str:
        where = f"at offset {self.offset} (payload {self.payload_offset})" if self.offset else "by itself"
        return self._with_hint(
            f"payload of type {self.tlv_type} {where} has {self.got} bytes, {self.struct_name} has {self.expected}"
        )


class InvalidPayload(RemoteProtocolError):
    """The payload of `buffer_size` bytes at `offset` contradicts itself; `validation_error` says how."""

    def __init__(self, tlv_type: int, offset: int, validation_error: str, buffer_size: int) -> None:
        self.tlv_type, self.offset, self.payload_offset = tlv_type, offset, offset - HEADER_SIZE
        self.validation_error, self.buffer_size = validation_error, buffer_size
        super().__init__(tlv_type, offset, validation_error, buffer_size)

    def __str__(self) -> str:
        return (
            f"payload of type {self.tlv_type} at offset {self.offset} ({self.buffer_size} bytes): "
            f"{self.validation_error}"
        )


class UnknownTLVType(RemoteProtocolError):
    """A struct was asked for, and none is declared for `tlv_type`; the bytes themselves can be passed on."""

    hint = "declare a TLV class for it, or pass the payload on as it is"

    def __init__(self, tlv_type: int) -> None:
        self.tlv_type = tlv_type
        super().__init__(tlv_type)

    def __str__(self) -> str:
        return self._with_hint(f"no struct is declared for TLV type {self.tlv_type}")


class ParseError(RemoteProtocolError):
    """Data of `buffer_size` bytes in `context` cannot be read at `offset`."""

    def __init__(self, offset: int, description: str, buffer_size: int, context: str) -> None:
        self.offset, self.description, self.buffer_size, self.context = offset, description, buffer_size, context
        super().__init__(offset, description, buffer_size, context)

    def __str__(self) -> str:
        return f"{self.context}: {self.description} at offset {self.offset} of {self.buffer_size} bytes"


class BatchError(RemoteProtocolError):
    """Message `index` of a batch, at byte `offset`, was refused because of `error`, whose offsets count from there.

    `lost` bytes yielded nothing: the message's own, or all up to where the next message was found.
    """

    def __init__(self, index: int, offset: int, error: ProtocolError, lost: int) -> None:
        self.index, self.offset, self.error, self.lost = index, offset, error, lost
        super().__init__(index, offset, error, lost)

    def __str__(self) -> str:
        return f"message {self.index} of the batch, at byte {self.offset} ({self.lost} bytes lost): {self.error}"


class Recovery(RemoteProtocolError):
    """A gap in the sequence cannot be closed; `text` says why."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(text)

    def __str__(self) -> str:
        return self.text


class FieldRange(LocalProtocolError):
    """`value` does not fit the field `field`, which holds `low` to `high`."""

    def __init__(self, field: str, value: int, low: int, high: int) -> None:
        self.field, self.value, self.low, self.high = field, value, low, high
        super().__init__(field, value, low, high)

    def __str__(self) -> str:
        return f"{self.field} is {self.value}, must be {self.low} to {self.high}"


class CapacityExceeded(LocalProtocolError):
    """A bounded vector of `max_capacity` elements was given `attempted`."""

    def __init__(self, max_capacity: int, attempted: int, field: str = "vector") -> None:
        self.max_capacity, self.attempted, self.field = max_capacity, attempted, field
        super().__init__(max_capacity, attempted, field)

    def __str__(self) -> str:
        return f"{self.field} holds at most {self.max_capacity} elements, got {self.attempted}; nothing was cut"


class PayloadTooLarge(LocalProtocolError):
    """A payload of `size` bytes where a TLV carries at most `limit`."""

    def __init__(self, size: int, limit: int, tlv_type: int) -> None:
        self.size, self.limit, self.tlv_type = size, limit, tlv_type
        self.recommendation = (
            "check the length: it looks like a number that was never a size"
            if size > 10 * limit
            else "split the data over several TLVs"
        )
        super().__init__(size, limit, tlv_type)

    def __str__(self) -> str:
        return (
            f"payload of type {self.tlv_type} has {self.size} bytes, a TLV carries {self.limit}; {self.recommendation}"
        )


class InvalidTLVType(LocalProtocolError):
    """`tlv_type` is no number that a TLV may be built with."""

    def __init__(self, tlv_type: int, reason: str = "a TLV has a type from 0 to 254") -> None:
        self.tlv_type, self.reason = tlv_type, reason
        super().__init__(tlv_type, reason)

    def __str__(self) -> str:
        return f"TLV type {self.tlv_type}: {self.reason}"


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


def _shown(tlv_type: int | None) -> str:
    return "unknown" if tlv_type is None else str(tlv_type)
