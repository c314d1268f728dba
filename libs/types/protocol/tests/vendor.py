"""Structs of an imagined vendor: every kind of field that the built-in ones leave out.

They are declared once for each load of the package, before any test, so that both implementations know the same types.
"""

# The base classes come from whichever load of the package is asked for, and no type checker can follow that.
# mypy: disable-error-code="misc, call-arg"
# pyright: reportInvalidTypeForm=false, reportGeneralTypeIssues=false, reportCallIssue=false

from enum import IntEnum
from types import SimpleNamespace
from typing import Annotated, Any

_declared: dict[str, Any] = {}

NUMBERS = range(240, 248)
VENDOR_TLVS = ("TickTLV", "ShapeTLV", "PathTLV", "NoteTLV", "MarkTLV", "BlobTLV", "OldTradeTLV", "OldNoteTLV")


class Phase(IntEnum):
    OPEN = 1
    CLOSED = 2


def declare(codec: Any) -> Any:
    """The vendor's classes in this load of the package: always the same ones."""
    found = _declared.get(codec.__name__)
    if found is None:
        found = _declared[codec.__name__] = _make(codec)
    return found


def _make(codec: Any) -> Any:
    byte = codec.U8.__metadata__[0]
    phased: Any = Annotated[Phase, byte]

    class Point(codec.Struct):
        x: codec.I16
        mark: codec.U8
        y: codec.I32 = -1

    class Wide(codec.Struct, size=48):
        tag: codec.Address
        amount: codec.U128

    class TickTLV(codec.TLV, type=240):
        """Integers of every size, and an enum."""

        a: codec.I8
        b: codec.U8 = 7
        c: codec.I16
        d: codec.U16
        e: codec.I32
        f: codec.U32
        g: codec.I64
        h: codec.U64
        i: codec.I128
        j: codec.U128
        phase: phased = Phase.OPEN

    class ShapeTLV(codec.TLV, type=241):
        """Structs in structs, with padding in the inner ones, and defaults that are no integers."""

        first: Point
        flag: codec.U8 = 3
        tag: codec.Bytes8 = b"shapetag"
        middle: Wide
        last: Point

    class PathTLV(codec.TLV, type=242):
        """Vectors of every kind of element."""

        points: codec.Vec[Point] = codec.vec(Point, 5, default=())
        steps: codec.Vec[int] = codec.vec(codec.I8, 9, default=(1, 2))
        wides: codec.Vec[Wide] = codec.vec(Wide, 3, default=())
        count: codec.U16 = 0
        ids: codec.Vec[codec.InstrumentId] = codec.vec(codec.InstrumentId, 4, least=1)

        point_x = codec.element("points", "x")

    class NoteTLV(codec.TLV, type=243):
        """A text after a fixed part whose size is not a multiple of its alignment."""

        at: codec.U64
        kind: codec.U8
        text: codec.Tail

    class MarkTLV(codec.TLV, type=244):
        """Nothing but its type."""

    class BlobTLV(codec.TLV, type=245, packed=True):
        """Larger than a standard frame carries, and packed."""

        kind: codec.U8
        values: codec.Vec[int] = codec.vec(codec.U64, 60, default=())
        end: codec.U32

    class OldTradeTLV(codec.TLV, type=1, registered=False):
        """A shorter trade of an older release."""

        asset_id: codec.U64
        price: codec.I64

    class OldNoteTLV(codec.TLV, type=250, registered=False):
        """A type that is not in the table, with a vector."""

        steps: codec.Vec[int] = codec.vec(codec.U16, 3, default=())

    structs = [Point, Wide, TickTLV, ShapeTLV, PathTLV, NoteTLV, MarkTLV, BlobTLV, OldTradeTLV, OldNoteTLV]
    return SimpleNamespace(**{cls.__name__: cls for cls in structs})
