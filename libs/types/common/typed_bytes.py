"""Typed bytes: addresses, hashes, signatures and keys, each of one exact length.

Owns `TypedBytes` and its classes, and `PrivateKey`, which is none of them.  Must not know how an address is derived or
checksummed (letters of hex text may be upper or lower case), and no cryptography: signing belongs to others.

How it works: a value is made of anything with the buffer protocol, or of hex text with every character checked.
`PrivateKey` keeps its bytes in a bytearray that it can overwrite, and leaves out everything that would show, copy,
order or hash them.

What Python cannot promise about `PrivateKey`: the bytes or text that it was made of, and what `bytes(key)` returned,
are objects of the caller that nobody can erase; `__del__` comes late for objects in a cycle and may not come at all
when the interpreter ends; memory may have been swapped or dumped before; and code inside the process that goes looking
for the storage finds it.  `PrivateKey.take`, `write_to` and a `with` block avoid the copies that can be avoided.
"""

import re
from typing import TYPE_CHECKING, ClassVar, NoReturn, Self

from .errors import InvalidFormat, InvalidLength, SecretWiped
from .single_value import SingleValue, store_value

if TYPE_CHECKING:
    from types import TracebackType

    from _typeshed import ReadableBuffer

_HEX = re.compile(r"(?:0x)?([0-9A-Fa-f]*)")


def _buffer_problem(raw: object, length: int, type_name: str) -> Exception | None:
    """Why `raw` is no value of `length` bytes.  Returned, not raised: see `PrivateKey`."""
    try:
        size = memoryview(raw).nbytes  # type: ignore[arg-type]
    except TypeError:
        hint = "; hex text goes to from_hex" if isinstance(raw, str) else ""
        return TypeError(f"{type_name} is made of bytes, not {type(raw).__name__}{hint}")
    return None if size == length else InvalidLength(size, length, type_name)


def _hex_problem(text: str, length: int, type_name: str, shown: str) -> Exception | None:
    """Why `text` is no hex of `length` bytes; `shown` stands for it in the error."""
    if not isinstance(text, str):
        return TypeError(f"{type_name}.from_hex takes text, not {type(text).__name__}")
    match = _HEX.fullmatch(text)
    if match is None:
        return InvalidFormat(shown, type_name, f"{2 * length} hex digits, with or without 0x before them")
    digits = len(match[1])
    return None if digits == 2 * length else InvalidLength(digits, 2 * length, type_name, "hex digits")


class TypedBytes(SingleValue[bytes]):
    """What the public values share: `LENGTH` bytes, text `EthAddress(0x...)`."""

    __slots__ = ()

    LENGTH: ClassVar[int]

    def __init__(self, raw: "ReadableBuffer") -> None:
        """Copies the bytes.  Raises TypeError for what is no buffer, InvalidLength."""
        if type(raw) is not bytes or len(raw) != self.LENGTH:
            problem = _buffer_problem(raw, self.LENGTH, type(self).__name__)
            if problem is not None:
                raise problem
        store_value(self, bytes(raw))

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """Raises InvalidFormat when any character is no hex digit, InvalidLength."""
        problem = _hex_problem(text, cls.LENGTH, cls.__name__, text)
        if problem is not None:
            raise problem
        return cls(bytes.fromhex(text.removeprefix("0x")))

    def hex(self) -> str:
        """Lower-case digits without 0x, as `bytes.hex`."""
        return self.value.hex()

    def __bytes__(self) -> bytes:
        return self.value

    def __len__(self) -> int:
        return self.LENGTH

    def __repr__(self) -> str:
        return f"{type(self).__name__}(0x{self.value.hex()})"


class EthAddress(TypedBytes):
    """An account or contract of an Ethereum-like chain."""

    __slots__ = ()
    LENGTH: ClassVar[int] = 20


class PoolAddress(TypedBytes):
    """The contract of a liquidity pool."""

    __slots__ = ()
    LENGTH: ClassVar[int] = 20


class TokenAddress(TypedBytes):
    """The contract of a token."""

    __slots__ = ()
    LENGTH: ClassVar[int] = 20


class TxHash(TypedBytes):
    """The hash of a transaction."""

    __slots__ = ()
    LENGTH: ClassVar[int] = 32


class BlockHash(TypedBytes):
    """The hash of a block."""

    __slots__ = ()
    LENGTH: ClassVar[int] = 32


class Hash256(TypedBytes):
    """Any other hash of 256 bits."""

    __slots__ = ()
    LENGTH: ClassVar[int] = 32


class EthSignature(TypedBytes):
    """A recoverable signature: r, s and v."""

    __slots__ = ()
    LENGTH: ClassVar[int] = 65


class PublicKey(TypedBytes):
    """An uncompressed public key: x and y, without the leading 0x04."""

    __slots__ = ()
    LENGTH: ClassVar[int] = 64


class PrivateKey:
    """A secret of 32 bytes: never shown, compared in constant time, erased by `wipe`, `with` and `__del__`.

    It has no order, no hash and no `hex`, and cannot be copied or pickled (TypeError): one object owns the bytes.
    `bytes(key)` gives them as an object that nobody can erase, `write_to` puts them where the caller can.  Both raise
    SecretWiped after `wipe`; a wiped key equals nothing but itself.

    Refusals name no secret, and drop it from the frame before they raise: tools print the local variables of a
    traceback.
    """

    __slots__ = ("_secret",)
    __hash__ = None  # type: ignore[assignment]

    LENGTH: ClassVar[int] = 32

    def __init__(self, raw: "ReadableBuffer") -> None:
        """Copies the bytes; the caller's own stay.  Raises TypeError for what is no buffer, InvalidLength."""
        self._secret = bytearray()
        problem = _buffer_problem(raw, self.LENGTH, type(self).__name__)
        if problem is not None:
            del raw
            raise problem
        self._secret = bytearray(raw)

    @classmethod
    def take(cls, source: bytearray) -> Self:
        """Copy the bytes and erase the source, when it was right.  Raises TypeError, InvalidLength."""
        if type(source) is not bytearray:
            kind = type(source).__name__
            del source
            raise TypeError(f"{cls.__name__}.take erases its source, which must be a bytearray, not {kind}")
        problem = _buffer_problem(source, cls.LENGTH, cls.__name__)
        if problem is not None:
            del source
            raise problem
        key = cls(source)
        source[:] = bytes(cls.LENGTH)
        return key

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """Raises InvalidFormat when any character is no hex digit (without the text), InvalidLength."""
        problem = _hex_problem(text, cls.LENGTH, cls.__name__, "hidden text")
        if problem is not None:
            del text
            raise problem
        return cls.take(bytearray.fromhex(text.removeprefix("0x")))

    @property
    def is_wiped(self) -> bool:
        return not self._secret

    def wipe(self) -> None:
        """Overwrite the bytes with zeros, then let go of them; again is no error."""
        self._secret[:] = bytes(len(self._secret))
        self._secret = bytearray()

    def write_to(self, target: "bytearray | memoryview") -> None:
        """Put the bytes into memory that the caller can erase.  Raises InvalidLength, SecretWiped."""
        self._open()
        problem = _buffer_problem(target, self.LENGTH, "the target of write_to")
        if problem is not None:
            raise problem
        target[:] = self._secret

    def _open(self) -> bytearray:
        if not self._secret:
            raise SecretWiped(type(self).__name__)
        return self._secret

    def __bytes__(self) -> bytes:
        return bytes(self._open())

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(other) is not type(self) or not isinstance(other, PrivateKey):
            return NotImplemented
        import hmac  # with OpenSSL behind it, more than a tenth of what importing all of this package costs

        return bool(self._secret) and hmac.compare_digest(self._secret, other._secret)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(wiped)" if self.is_wiped else f"{type(self).__name__}(hidden)"

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        self.wipe()

    def __del__(self) -> None:
        if getattr(self, "_secret", None):
            self.wipe()

    def __getstate__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is neither pickled nor copied: one object owns the secret")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        self.__getstate__()
