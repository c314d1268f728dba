"""What can be wrong with the bytes of a message.

ProtocolError
    BadMagic            the bytes do not begin like a message
    ChecksumMismatch    they do, but were changed on the way
    TruncatedTLV        a TLV says that it is longer than what is left
"""


class ProtocolError(ValueError):
    """Root of the errors of the wire format."""


class BadMagic(ProtocolError):
    def __init__(self, found: int) -> None:
        super().__init__(f"magic is {found:#010x}")
        self.found = found


class ChecksumMismatch(ProtocolError):
    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(f"checksum is {actual:#010x}, the header says {expected:#010x}")
        self.expected = expected
        self.actual = actual


class TruncatedTLV(ProtocolError):
    def __init__(self, offset: int, need: int) -> None:
        super().__init__(f"TLV at offset {offset} needs {need} more bytes")
        self.offset = offset
        self.need = need
