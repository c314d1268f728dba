"""One load of the package with everything that inputs are tried on: all declared structs, and some odd ones.

Owns the list of classes, in an order that is the same for every load, the paths into each of them, and `plain`, which
makes results of different loads comparable.  Must not know what an input does.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any

from .feed import Raised

# What a wrong call or wrong bytes may end in.  SystemError is none of them: it says that the compiled codec refuses
# what the Python one accepts.  AttributeError is allowed where something is set, and only there.
ALLOWED = (TypeError, ValueError, BufferError, IndexError, OverflowError, Raised)


class World:
    """A load of the package.  `structs` are all declared classes, `tlvs` those with a type number."""

    def __init__(self, package: Any) -> None:
        self.package = package
        self.errors = (package.ProtocolError, *ALLOWED)
        odd = _odd_structs(package)
        named = [getattr(package, name) for name in sorted(package.__all__)]
        declared = [each for each in named if isinstance(each, type) and hasattr(each, "__layout__")]
        self.structs: list[Any] = [*declared, *odd]
        self.tlvs: list[Any] = [cls for cls in self.structs if getattr(cls, "TYPE", 0)]
        self.paths = {cls: _paths(cls) for cls in self.tlvs}
        self.groups = {cls: _groups(cls) for cls in self.tlvs}
        # Few, so that they also go.
        self.encoder = lru_cache(64)(self._encoder)
        self.decoder = lru_cache(64)(self._decoder)
        package.register_source(77)

    def _encoder(self, cls: Any, paths: tuple[str, ...], fixed: tuple[tuple[str, int], ...]) -> Any:
        return self.package.Encoder(cls, *paths, **dict(fixed))

    def _decoder(self, cls: Any, paths: tuple[str, ...], checksum: bool, limit: int, trailing: bool) -> Any:
        return self.package.Decoder(cls, *paths, checksum=checksum, limit=limit, allow_trailing=trailing)


HEADER_PATHS = tuple(f"header.{name}" for name in (
    "relay_domain", "version", "source", "flags", "sequence", "timestamp",
    "magic", "payload_size", "checksum", "nothing",
))  # fmt: skip


def _paths(cls: Any) -> list[str]:
    """The paths into the TLV: its groups, its fields, and what is inside of them."""
    paths = [name for name, value in vars(cls).items() if hasattr(value, "pieces")]
    for field in cls.__layout__.fields:
        paths.append(field.name)
        kind = field.kind
        if type(kind).__name__ == "VectorKind":
            paths += [f"{field.name}.count", f"{field.name}[0]", f"{field.name}[{kind.capacity - 1}]"]
            inner = getattr(kind.element, "layout", None)
            for name in [part.name for part in inner.fields] if inner else []:
                paths += [f"{field.name}[0].{name}", f"{field.name}[{kind.capacity - 1}].{name}"]
        elif type(kind).__name__ == "StructKind":
            paths += [f"{field.name}.{part.name}" for part in kind.layout.fields]
    return paths


def _groups(cls: Any) -> list[str]:
    """Each group, and the fields that are in none: together all of the struct."""
    groups = {name: value for name, value in vars(cls).items() if hasattr(value, "pieces")}
    taken = {name for group in groups.values() for name in group.names}
    return [*groups, *(field.name for field in cls.__layout__.fields if field.name not in taken)]


def _odd_structs(package: Any) -> list[Any]:
    """Declarations that nothing in the package has, in every combination that a user could want."""
    p, made = package, []

    def declare(base: Any, name: str, fields: Mapping[str, Any], **options: Any) -> Any:
        body = {key: value[1] for key, value in fields.items() if isinstance(value, tuple)}
        hints = {key: value[0] if isinstance(value, tuple) else value for key, value in fields.items()}
        hints.pop("__init__", None)
        cls = type(p.Struct)(name, (base,), {"__annotations__": hints, "__module__": __name__, **body}, **options)
        made.append(cls)
        return cls

    def vec(element: Any, capacity: int, **options: Any) -> tuple[Any, Any]:
        return p.Vec, p.vec(element, capacity, **options)

    byte = p.layout.IntKind(1)
    ints = {f"f{index}": kind for index, kind in enumerate(
        (p.U8, p.I128, p.I8, p.U128, p.U16, p.I64, p.I16, p.U64, p.U32, p.I32))}  # fmt: skip
    declare(p.TLV, "Ints", ints, type=210)
    declare(p.TLV, "Packed", ints, type=211, packed=True)
    pair = declare(p.Struct, "Pair", {"a": p.U8, "b": p.I32})
    mixed = declare(p.Struct, "Mixed", {"a": p.U8, "raw": p.Bytes8, "wide": p.I128,
                                        "domain": Annotated[p.RelayDomain, byte]})  # fmt: skip
    nested = declare(p.Struct, "Nested", {"head": p.U8, "pair": pair, "tail": p.U8})
    deep = declare(p.Struct, "Deep", {"few": vec(p.I128, 2), "pair": pair})
    declare(p.TLV, "Vectors", {"pairs": vec(pair, 5, default=()), "wide": vec(p.I128, 3, default=()), "end": p.U8,
                               "mixed": vec(mixed, 2, default=())}, type=212)  # fmt: skip
    declare(p.TLV, "Small", {"bytes_": vec(p.U8, 3), "words": vec(p.I16, 4), "long": vec(p.U64, 2)}, type=213)
    declare(p.TLV, "Inside", {"pair": pair, "nested": nested, "deep": deep, "address": p.PaddedAddress}, type=214)
    declare(p.TLV, "OfNested", {"nested": vec(nested, 2)}, type=215)
    declare(p.TLV, "OfDeep", {"deep": vec(deep, 2)}, type=216)
    declare(p.TLV, "Tailed", {"pairs": vec(pair, 2), "rest": p.Tail}, type=217)
    declare(p.TLV, "Enums", {"domain": Annotated[p.RelayDomain, byte], "flags": Annotated[p.HeaderFlags, byte],
                             "source": Annotated[p.SourceType, p.layout.IntKind(2)]}, type=218)  # fmt: skip
    declare(p.TLV, "Other", {"a": p.U64, "b": vec(p.U128, 4)}, type=int(p.TLVType.TRADE), registered=False)
    declare(p.TLV, "Large", {"pairs": vec(pair, 300)}, type=219)
    own = {"__init__": (None, lambda self, **fields: None)}
    declare(p.TLV, "Own", {"a": p.U8, "b": p.U16} | own, type=221)
    declare(p.TLV, "Many", {f"f{index}": p.U8 for index in range(64)}, type=220)
    return made


def plain(value: Any) -> Any:
    """A value of either load as something that can be compared."""
    if value is None or isinstance(value, str | float):
        return value
    if isinstance(value, int):
        return type(value).__name__, int(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return "bytes", bytes(value)
    if isinstance(value, list | tuple | set | frozenset):
        return type(value).__name__, [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, BaseException):
        return refusal(value)
    if hasattr(value, "__layout__") or type(value).__name__ == "Message":
        return type(value).__name__, bytes(value)
    if hasattr(value, "dtype"):
        return "array", str(value.dtype), value.tobytes()
    if hasattr(value, "insert_sorted"):
        return "FixedVec", value.capacity, [plain(item) for item in value]
    if hasattr(value, "paths"):  # an encoder or a decoder, which is of another type in each implementation
        return "made", list(value.paths)
    return type(value).__name__


def refusal(error: BaseException) -> Any:
    """An error as something that can be compared: its class, and the details of those that have some."""
    details = getattr(error, "details", None)
    return "raised", type(error).__name__, plain(details()) if details else None
