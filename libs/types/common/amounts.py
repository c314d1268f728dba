"""Unsigned amounts of chain data: native token amounts, liquidity, pool prices, block numbers.

Owns their ranges and the arithmetic that means something for each.  Must not know tokens, decimals of a token, or
dollars: a native amount counts the smallest unit of its token and is never rescaled, its decimals travel beside it.

How it works: one immutable int per object.  The operators raise Overflow and Underflow, `checked_*` give None,
`saturating_*` clamp; nothing wraps.  What has no meaning is missing: two prices have no sum, two block numbers have a
distance but no sum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from .errors import OutOfRange, Overflow, Underflow, integer_text
from .single_value import SingleValue, store_value

if TYPE_CHECKING:
    from fractions import Fraction

MAX_U64 = 2**64 - 1
MAX_U128 = 2**128 - 1
MAX_U160 = 2**160 - 1
MAX_TOKEN_DECIMALS = 255


class _Unsigned(SingleValue[int]):
    """A number from 0 to `_HIGH`."""

    __slots__ = ()

    _HIGH: ClassVar[int]

    def __init__(self, value: int) -> None:
        """Raises TypeError for anything but an int (a bool is none), Overflow, Underflow."""
        if type(value) is not int:
            raise TypeError(f"{type(self).__name__} counts in int, not {type(value).__name__}")
        if value > self._HIGH:
            raise Overflow(integer_text(value), type(self).__name__)
        if value < 0:
            raise Underflow(integer_text(value), type(self).__name__)
        store_value(self, value)

    def __int__(self) -> int:
        return self.value

    def _or_none(self, value: int) -> Self | None:
        return type(self)(value) if 0 <= value <= self._HIGH else None

    def _clamped(self, value: int) -> Self:
        return type(self)(min(max(value, 0), self._HIGH))


class _Amount(_Unsigned):
    """An amount that can be added to another of its own class; zero is false in a condition."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return self.value != 0

    def __add__(self, other: Self) -> Self:
        if type(other) is not type(self):
            return NotImplemented
        return type(self)(self.value + other.value)

    def __sub__(self, other: Self) -> Self:
        if type(other) is not type(self):
            return NotImplemented
        return type(self)(self.value - other.value)

    def checked_add(self, other: Self) -> Self | None:
        return self._or_none(self.value + self._same_kind(other))

    def checked_sub(self, other: Self) -> Self | None:
        return self._or_none(self.value - self._same_kind(other))

    def saturating_add(self, other: Self) -> Self:
        return self._clamped(self.value + self._same_kind(other))

    def saturating_sub(self, other: Self) -> Self:
        return self._clamped(self.value - self._same_kind(other))

    def _same_kind(self, other: Self) -> int:
        if type(other) is not type(self):
            raise TypeError(f"{type(self).__name__} and {type(other).__name__} are different kinds of amount")
        return other.value


class NativeAmount(_Amount):
    """A token amount in the token's smallest unit (wei, satoshi), in 128 bits, exactly as the chain has it."""

    __slots__ = ()

    _HIGH: ClassVar[int] = MAX_U128

    ZERO: ClassVar[NativeAmount]
    MAX: ClassVar[NativeAmount]

    def to_decimal_text(self, decimals: int) -> str:
        """The amount in whole tokens, for display only: all decimals, no symbol.  Raises OutOfRange."""
        if type(decimals) is not int:
            raise TypeError(f"decimals are an int, not {type(decimals).__name__}")
        if not 0 <= decimals <= MAX_TOKEN_DECIMALS:
            raise OutOfRange(decimals, 0, MAX_TOKEN_DECIMALS, "decimals")
        digits = str(self.value).rjust(decimals + 1, "0")
        return f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits


class Liquidity(_Amount):
    """The liquidity of a concentrated-liquidity pool, in 128 bits."""

    __slots__ = ()

    _HIGH: ClassVar[int] = MAX_U128

    ZERO: ClassVar[Liquidity]
    MAX: ClassVar[Liquidity]


class SqrtPriceX96(_Unsigned):
    """The square root of a pool's price, times 2**96.

    On chain it has 160 bits, and so it has here: 128 bits, which some messages keep, do not hold every price.
    """

    __slots__ = ()

    _HIGH: ClassVar[int] = MAX_U160

    MAX: ClassVar[SqrtPriceX96]

    def price(self) -> Fraction:
        """Token 1 for one of token 0, both in their smallest units; exact."""
        from fractions import Fraction  # with decimal behind it, too much for an import that rarely needs it

        return Fraction(self.value * self.value, 1 << 192)


class BlockNumber(_Unsigned):
    """The height of a block, in 64 bits.  Whole numbers of blocks can be added and taken away."""

    __slots__ = ()

    _HIGH: ClassVar[int] = MAX_U64

    ZERO: ClassVar[BlockNumber]
    MAX: ClassVar[BlockNumber]

    def __add__(self, blocks: int) -> Self:
        if type(blocks) is not int:
            return NotImplemented
        return type(self)(self.value + blocks)

    def __sub__(self, blocks: int) -> Self:
        if type(blocks) is not int:
            return NotImplemented
        return type(self)(self.value - blocks)

    def next(self) -> Self:
        """The block after this one.  Raises Overflow: unlike an id, a height never starts again."""
        return self + 1

    def blocks_since(self, earlier: BlockNumber) -> int:
        """How many blocks lie between; negative when `earlier` is later."""
        if type(earlier) is not type(self):
            raise TypeError(f"the distance to a BlockNumber is wanted, not to {type(earlier).__name__}")
        return self.value - earlier.value

    def checked_add(self, blocks: int) -> Self | None:
        return self._or_none(self.value + self._whole(blocks))

    def checked_sub(self, blocks: int) -> Self | None:
        return self._or_none(self.value - self._whole(blocks))

    def saturating_add(self, blocks: int) -> Self:
        return self._clamped(self.value + self._whole(blocks))

    def saturating_sub(self, blocks: int) -> Self:
        return self._clamped(self.value - self._whole(blocks))

    @staticmethod
    def _whole(blocks: int) -> int:
        if type(blocks) is not int:
            raise TypeError(f"a number of blocks is an int, not {type(blocks).__name__}")
        return blocks


# Constants of a class's own type can only be made once the class exists.
NativeAmount.ZERO, NativeAmount.MAX = NativeAmount(0), NativeAmount(MAX_U128)
Liquidity.ZERO, Liquidity.MAX = Liquidity(0), Liquidity(MAX_U128)
SqrtPriceX96.MAX = SqrtPriceX96(MAX_U160)
BlockNumber.ZERO, BlockNumber.MAX = BlockNumber(0), BlockNumber(MAX_U64)
