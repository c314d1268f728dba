"""What ids, amounts and typed bytes have in common: one immutable value in a class of its own.

Owns storage, equality, hash, order, text, copying and pickling of `SingleValue`.  Must not know what a value means or
which values are allowed: that is checked by the constructor of each family, which ends in `store_value`.

How it works: the value lies in a slot, and `__setattr__` refuses everything, so the constructor writes through the
slot's own descriptor.  That costs less than a frozen dataclass, and reading stays a plain slot access.  Two values
meet only inside one class: an id of another class is not equal, and ordering the two is a TypeError.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Self, TypeVar

T = TypeVar("T", int, bytes)


class SingleValue(Generic[T]):
    """One `value`, compared within its own class only."""

    __match_args__ = ("value",)
    # Not written as a literal, because pyright would take the slot and the property below for two definitions.
    __slots__ = __match_args__

    if TYPE_CHECKING:
        # At run time this is the slot; for the type checkers it is something that cannot be assigned.
        @property
        def value(self) -> T: ...

    @property
    def inner(self) -> T:
        """The same as `value`, under the name that the Rust crate uses."""
        return self.value

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, SingleValue) and bool(other.value == self.value)

    def __hash__(self) -> int:
        return hash(self.value)

    def __lt__(self, other: Self) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.value < other.value

    def __le__(self, other: Self) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.value <= other.value

    def __gt__(self, other: Self) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.value > other.value

    def __ge__(self, other: Self) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.value >= other.value

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[type[Self], tuple[T]]:
        return type(self), (self.value,)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable")


# For constructors only.
store_value: Callable[[SingleValue[Any], int | bytes], None] = SingleValue.__dict__["value"].__set__
