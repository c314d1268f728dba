"""Typed ids: unsigned 64-bit numbers that cannot be mistaken for one another.

Owns `TypedId` and one class for each kind of id.  Must not know where ids come from, who hands them out, or the wire
(there they are plain u64, `.value`).

How it works: a class each, not an alias, so mypy and pyright refuse a TradeId where an OrderId is wanted, and at run
time the two are never equal.  Zero is the null id.  An id is always true in a condition; ask `is_null`.
"""

import re
from typing import Self

from .errors import InvalidFormat, OutOfRange
from .single_value import SingleValue, store_value

MAX_ID = 2**64 - 1
_MAX_DIGITS = 20


class TypedId(SingleValue[int]):
    """What all ids share; only its subclasses are meant to be made."""

    __slots__ = ()

    def __init__(self, value: int) -> None:
        """Raises TypeError for anything but an int (a bool is none), OutOfRange."""
        if type(value) is not int:
            raise TypeError(f"{type(self).__name__} is made of int, not {type(value).__name__}")
        if not 0 <= value <= MAX_ID:
            raise OutOfRange(value, 0, MAX_ID, type(self).__name__)
        store_value(self, value)

    @classmethod
    def null(cls) -> Self:
        """The id that names nothing: 0."""
        return cls(0)

    @property
    def is_null(self) -> bool:
        return self.value == 0

    def next(self) -> Self:
        """The id after this one; after the last comes the null id, as counters on the wire do."""
        return type(self)((self.value + 1) & MAX_ID)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read `OrderId(7)`, which is what `str` gives, or `7`.  Raises InvalidFormat, OutOfRange."""
        match = re.fullmatch(rf"{cls.__name__}\(([0-9]+)\)|([0-9]+)", text)
        digits = (match[1] or match[2]).lstrip("0") if match else ""
        if match is None or len(digits) > _MAX_DIGITS:
            raise InvalidFormat(text, cls.__name__, f"{cls.__name__}(n) or n, with n up to {MAX_ID}")
        return cls(int(digits or "0"))

    def __int__(self) -> int:
        return self.value


class OrderId(TypedId):
    """An order at a venue or inside the system."""

    __slots__ = ()


class PositionId(TypedId):
    """An open or closed position."""

    __slots__ = ()


class StrategyId(TypedId):
    """A running strategy."""

    __slots__ = ()


class SignalId(TypedId):
    """A signal that a strategy sent."""

    __slots__ = ()


class OpportunityId(TypedId):
    """An arbitrage opportunity that was found."""

    __slots__ = ()


class TradeId(TypedId):
    """An executed trade."""

    __slots__ = ()


class PortfolioId(TypedId):
    """A portfolio that positions belong to."""

    __slots__ = ()


class SessionId(TypedId):
    """A connection or a trading session."""

    __slots__ = ()


class ActorId(TypedId):
    """An actor of the topology."""

    __slots__ = ()


class RelayId(TypedId):
    """A relay instance."""

    __slots__ = ()


class SequenceId(TypedId):
    """A place in one sender's sequence of messages."""

    __slots__ = ()


class PoolId(TypedId):
    """A liquidity pool by number."""

    __slots__ = ()


class PoolPairId(TypedId):
    """A pair of tokens that pools trade."""

    __slots__ = ()


class SimpleInstrumentId(TypedId):
    """An instrument by number only; the protocol's InstrumentId has venue and kind as well."""

    __slots__ = ()


class ChainId(TypedId):
    """A blockchain by its EIP-155 number."""

    __slots__ = ()


class SimpleVenueId(TypedId):
    """A venue by number only; the protocol's VenueId has the known names."""

    __slots__ = ()
