"""`Value`: small frozen records for layouts and tables, without the price of `dataclasses` at import.

Owns the base class.  A subclass annotates its fields, with defaults where there are any; type checkers take it for a
frozen dataclass.  Importing `dataclasses`, with `inspect`, and having it generate the methods of a dozen classes would
be half of what importing this package may cost; these are made a few hundred times at import and rarely afterwards.
"""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn, Self, dataclass_transform


@dataclass_transform(frozen_default=True)
class Value:
    """Equal to another of its class with equal fields; made by position or keyword; never changed."""

    __match_args__: ClassVar[tuple[str, ...]] = ()
    _defaults: ClassVar[dict[str, Any]] = {}
    _copied: ClassVar[tuple[str, ...]] = ()  # those whose default is a dict, which no two may share

    def __init_subclass__(cls) -> None:
        names = tuple(cls.__annotations__)
        cls._defaults = {name: cls.__dict__[name] for name in names if name in cls.__dict__}
        cls._copied = tuple(name for name, default in cls._defaults.items() if isinstance(default, dict))
        setattr(cls, "__match_args__", names)  # noqa: B010  # final for type checkers

    def __init__(self, *values: Any, **named: Any) -> None:
        own, names, defaults = self.__dict__, self.__match_args__, self._defaults
        if len(values) > len(names) or (named and not named.keys() <= set(names[len(values) :])):
            raise TypeError(f"{type(self).__name__} takes {', '.join(names)}, not {values} {named}")
        own.update(defaults)
        own.update(zip(names, values))  # noqa: B905  # the rest is named, or has a default
        own.update(named)
        if len(own) != len(names):
            raise TypeError(f"{type(self).__name__} misses {', '.join(name for name in names if name not in own)}")
        for name in self._copied:
            if own[name] is defaults[name]:
                own[name] = dict(own[name])
        self._check()

    def _check(self) -> None:
        """Raises for values that cannot be."""

    def changed(self, **values: Any) -> Self:
        """The same with other values for the named fields."""
        return type(self)(**{**self.as_dict(), **values})

    def as_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return {name: self.__dict__[name] for name in self.__match_args__}

    def _key(self) -> tuple[Any, ...]:
        own = self.__dict__
        return tuple([own[name] for name in self.__match_args__])

    def __eq__(self, other: object) -> bool:
        return self is other or (type(other) is type(self) and isinstance(other, Value) and self._key() == other._key())

    def __hash__(self) -> int:
        return hash((type(self), *self._key()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={self.__dict__[name]!r}" for name in self.__match_args__)
        return f"{type(self).__name__}({shown})"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable; use changed({name}=...)")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable")
