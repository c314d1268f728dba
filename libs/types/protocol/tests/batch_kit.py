"""What the tests of batches share: both kernels, messages, and rows of any class.

The compiled kernel is left out where it was not built.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from libs.types.protocol import MessageBuilder, RelayDomain, SourceType, TradeTLV, batch
from libs.types.protocol._python import batch as python_kernel
from libs.types.protocol.interop import numpy_dtype
from libs.types.protocol.layout import VectorKind
from libs.types.protocol.registry import known_types
from libs.types.protocol.testing import load_implementation

try:
    compiled_kernel: Any = sys.modules[f"{load_implementation('c').__name__}._codec_c"]
except ImportError:
    if os.environ.get("ALPHAPULSE_REQUIRE_C"):
        raise
    compiled_kernel = None
has_compiled = compiled_kernel is not None

KERNELS = ["python", pytest.param("c", marks=pytest.mark.skipif(not has_compiled, reason="no compiled codec here"))]
needs_compiled = pytest.mark.skipif(not has_compiled, reason="no compiled codec here")
kernels = pytest.mark.parametrize("kernel", KERNELS)

FIXED: list[Any] = [
    info.cls for info in known_types() if info is not None and info.cls is not None and info.low == info.high
]
SENDER: dict[str, Any] = {
    "relay_domain": RelayDomain.MARKET_DATA, "source": SourceType.KRAKEN_COLLECTOR, "timestamp": 77,
}  # fmt: skip


@contextmanager
def using(kernel: str) -> Iterator[Any]:
    """Let the batch functions run on one of the kernels."""
    module = python_kernel if kernel == "python" else compiled_kernel
    names = ("blank_buffer", "decode_rows", "encode_rows")
    before = {name: getattr(batch, name) for name in names}
    for name in names:
        setattr(batch, name, getattr(module, name))
    try:
        yield module
    finally:
        for name in names:
            setattr(batch, name, before[name])


def decode(kernel: str, data: Any, cls: Any, **options: Any) -> Any:
    """`decode_batch` on a kernel."""
    with using(kernel):
        return batch.decode_batch(data, cls, **options)


def encode(kernel: str, cls: Any, columns: Any, **options: Any) -> Any:
    """`encode_batch` on a kernel, as SENDER unless told otherwise."""
    with using(kernel):
        return batch.encode_batch(cls, columns, **{"sequence": 1, **SENDER, **options})


def trade(number: int) -> TradeTLV:
    """A trade whose fields all tell its number."""
    return TradeTLV(
        asset_id=number, price=-number, volume=2 * number, timestamp_ns=3 * number, venue_id=number % 700,
        asset_type=51, side=number % 2,
    )  # fmt: skip


def message(number: int, *tlvs: Any, **header: Any) -> bytes:
    """A message with these TLVs; an (type, bytes) pair is added as it is."""
    builder = MessageBuilder(**{"sequence": number, **SENDER, **header})
    for tlv in tlvs:
        if isinstance(tlv, tuple):
            builder.add_raw(*tlv)
        else:
            builder.add(tlv)
    return builder.build()


def trades(count: int) -> list[bytes]:
    """Messages with one trade each."""
    return [message(number, trade(number)) for number in range(count)]


def damaged(data: bytes, offset: int, flip: int = 0x01) -> bytes:
    """`data` with bits flipped in one byte."""
    out = bytearray(data)
    out[offset] ^= flip
    return bytes(out)


def objects_of(cls: Any) -> st.SearchStrategy[Any]:
    """Objects of any class of a fixed size: random bytes, with counts that are allowed and zeros where no value is."""
    return st.binary(min_size=cls.SIZE, max_size=cls.SIZE).map(lambda raw: tidy(cls, raw))


def tidy(cls: Any, raw: bytes) -> Any:
    """An object of these bytes, where they are allowed."""
    out = bytearray(raw)
    for field in cls.__layout__.fields:
        if isinstance(field.kind, VectorKind):
            count = field.kind.least + raw[field.offset] % (field.kind.capacity - field.kind.least + 1)
            out[field.offset : field.offset + 2] = count.to_bytes(2, "little")
    made = cls.from_buffer(bytes(out))
    vectors = [field.name for field in cls.__layout__.fields if isinstance(field.kind, VectorKind)]
    return made.replace(**{name: getattr(made, name).to_tuples() for name in vectors})


def rows_of(cls: Any, objects: Sequence[Any]) -> Any:
    """The objects as a structured array."""
    return np.frombuffer(bytearray(b"".join(map(bytes, objects))), numpy_dtype(cls))
