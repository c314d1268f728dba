"""For tests of this package, and of programs that use it: random structs and messages, and either implementation.

Owns the Hypothesis strategies that follow from a declaration, and loading the package a second time.  Nothing else in
the package imports this module, and it is the only one that imports Hypothesis.

    strategy(TradeTLV)              random trades; every field over its full range, its ends more often
    messages()                      random whole messages, as bytes, which every reader has to accept
    load_implementation("python")   the package as it is with ALPHAPULSE_CODEC=python, whatever runs already

A second load has classes of its own: what was made by one of the two is not an instance of the other's classes.  So
kinds of field are told apart by name here, and `values` gives plain data from which `make` builds a struct of either.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import zlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from hypothesis import strategies as st

from ._codec import VARIABLE
from .constants import EXTENDED_MARKER, HEADER_SIZE, MAGIC, MAX_STANDARD_PAYLOAD, VERSION, RelayDomain, SourceType
from .layout import Layout
from .registry import TYPE_COUNT, known_types

S = TypeVar("S")

MAX_TAIL = 300
MAX_OPAQUE = 300
_U64 = 2**64 - 1


def load_implementation(name: str) -> Any:
    """The package with the implementation `name` ("c" or "python"): the running one, or a second load of it.

    The compiled module holds its state once for each process, so it is loaded at most once, by whichever package
    asks for it.  Raises ImportError where the compiled one was not built.
    """
    package = sys.modules[__package__ or ""]
    if package.implementation == name:
        return package
    alias = f"{package.__name__.replace('.', '_')}__{name}"
    if alias in sys.modules:
        return sys.modules[alias]
    folder = str(Path(__file__).parent)
    spec = importlib.util.spec_from_file_location(
        alias, Path(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    assert spec is not None and spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules[alias] = module
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = name
    try:
        spec.loader.exec_module(module)
    except BaseException:
        for loaded in [key for key in sys.modules if key == alias or key.startswith(alias + ".")]:
            del sys.modules[loaded]
        raise
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
    return module


def strategy(cls: type[S]) -> st.SearchStrategy[S]:
    """Random objects of a declared struct."""
    return values(_layout(cls)).map(partial(make, cls))


def values(layout: Layout) -> st.SearchStrategy[dict[str, Any]]:
    """Random field values as plain data: integers, bytes, dicts for structs, lists for vectors."""
    return st.fixed_dictionaries({field.name: _of_kind(field.kind) for field in layout.fields})


def make(cls: type[S], plain: Mapping[str, Any]) -> S:
    """The struct with these plain values."""
    layout = _layout(cls)
    return cls(**{name: make_value(layout[name].kind, value) for name, value in plain.items()})


def messages(max_tlvs: int = 4) -> st.SearchStrategy[bytes]:
    """Random whole messages with their checksum: every domain, source and flag, no TLV or several.

    TLVs are of declared types, of types with a known size, and of unknown ones; the extended frame is also used where
    the standard one would do, which is legal.
    """
    # Asked anew for each message: a struct may be declared later than this strategy is made, and is not opaque then.
    kinds = st.sampled_from([_declared, _sized, _opaque])
    tlv = kinds.flatmap(lambda kind: kind()).flatmap(_framed)
    return st.builds(
        message,
        st.lists(tlv, max_size=max_tlvs).map(b"".join),
        relay_domain=st.sampled_from([*map(int, RelayDomain)]),
        source=st.sampled_from([*map(int, SourceType)]),
        flags=st.integers(0, 255),
        sequence=_integers(0, _U64),
        timestamp=_integers(0, _U64),
    )


def message(
    payload: bytes = b"",
    *,
    relay_domain: int = 1,
    source: int = 2,
    flags: int = 0,
    sequence: int = 1,
    timestamp: int = 0,
    version: int = VERSION,
) -> bytes:
    """A message around `payload`, put together and signed without the codec; nothing of it is checked."""
    head = b"".join(
        number.to_bytes(size, "little")
        for number, size in [(MAGIC, 4), (relay_domain, 1), (version, 1), (source, 1), (flags, 1),
                             (sequence, 8), (timestamp, 8), (len(payload), 4)]
    )  # fmt: skip
    return sign(head + bytes(4) + payload)


def sign(message: bytes) -> bytes:
    """The same bytes with the checksum that belongs to them."""
    head, payload = message[:28], message[HEADER_SIZE:]
    return head + zlib.crc32(payload, zlib.crc32(head)).to_bytes(4, "little") + payload


def frame(tlv_type: int, payload: bytes, *, extended: bool = False) -> bytes:
    """A TLV in the standard frame where it has room, else or when asked for in the extended one."""
    if extended or len(payload) > MAX_STANDARD_PAYLOAD:
        return bytes((EXTENDED_MARKER, 0, tlv_type)) + len(payload).to_bytes(2, "little") + payload
    return bytes((tlv_type, len(payload))) + payload


def _layout(cls: Any) -> Layout:
    layout: Layout = cls.__layout__
    return layout


def _integers(low: int, high: int) -> st.SearchStrategy[int]:
    ends = sorted({low, low + 1, 0, 1, high // 2 + 1, high - 1, high})
    return st.one_of(st.sampled_from(ends), st.integers(low, high))


def _of_kind(kind: Any) -> st.SearchStrategy[Any]:
    match type(kind).__name__:
        case "IntKind":
            return _integers(kind.low, kind.high)
        case "RawKind":
            return st.binary(min_size=kind.length, max_size=kind.length)
        case "TailKind":
            return st.binary(max_size=MAX_TAIL)
        case "StructKind":
            return values(kind.layout)
        case "VectorKind":
            return _vectors(kind)
        case name:
            raise TypeError(f"no strategy for a field of kind {name}")


def _vectors(kind: Any) -> st.SearchStrategy[list[Any]]:
    # Drawing every element of a full vector costs far more than it finds: a full one repeats a few.
    few = st.lists(_of_kind(kind.element), min_size=kind.least, max_size=max(kind.least, min(3, kind.capacity)))
    some = st.lists(_of_kind(kind.element), min_size=1, max_size=3)
    counts = st.sampled_from([max(kind.least, kind.capacity - 1), kind.capacity])
    return st.one_of(few, st.builds(lambda items, count: (items * count)[:count], some, counts))


def make_value(kind: Any, plain: Any) -> Any:
    """The value of one field, as the constructor takes it."""
    match type(kind).__name__:
        case "StructKind":
            return make(kind.cls, plain)
        case "VectorKind":
            return [make_value(kind.element, item) for item in plain]
        case _:
            return plain


def _declared() -> st.SearchStrategy[tuple[int, bytes]]:
    classes: list[Any] = [info.cls for info in known_types() if info is not None and info.cls is not None]
    return st.sampled_from(classes).flatmap(lambda cls: st.tuples(st.just(int(cls.TYPE)), strategy(cls).map(bytes)))


def _sized() -> st.SearchStrategy[tuple[int, bytes]]:
    bounds = [(info.number, info.low, info.high) for info in known_types() if info is not None and info.cls is None]
    return st.sampled_from(bounds).flatmap(
        lambda each: st.tuples(st.just(each[0]), st.binary(min_size=each[1], max_size=min(each[2], MAX_OPAQUE)))
    )


def _opaque() -> st.SearchStrategy[tuple[int, bytes]]:
    unknown = st.integers(0, TYPE_COUNT - 1).filter(lambda number: known_types()[number] is None)
    return st.tuples(unknown, st.binary(max_size=MAX_OPAQUE))


def _framed(tlv: tuple[int, bytes]) -> st.SearchStrategy[bytes]:
    return st.booleans().map(lambda extended: frame(tlv[0], tlv[1], extended=extended))
