"""The checksum that an Encoder makes of its arguments, with every implementation of CRC-32 that this machine has.

The compiled Encoder adds up what each value is worth instead of going over the message. What counts is therefore where
a value lies, how long it is and what is behind it; most of that is met by the random paths of test_agreement, and the
places that are easily got wrong are named here.
"""

import zlib
from typing import Any

import pytest

from libs.types.protocol.tests.batch_kit import compiled_kernel, needs_compiled
from libs.types.protocol.tests.conftest import loaded
from libs.types.protocol.tests.vendor import declare

FIXED = {"relay_domain": 1, "source": 2}
HEADER = {"header.sequence": 2**64 - 1, "header.timestamp": 2**63, "header.flags": 255}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "a trade": ("TradeTLV", {"instrument": bytes(range(1, 13)), "price": -1, "volume": 2**63 - 1, "side": 255}),
    "the last byte": ("TradeTLV", {"side": 1, **HEADER}),
    "only the header": ("TradeTLV", {**HEADER}),
    "against the order of the fields": ("TradeTLV", {"side": 2, "timestamp_ns": 2**64 - 1, "price": 0, "asset_id": 7}),
    "negative of each size": ("TickTLV", {"a": -128, "c": -1, "e": -(2**31), "g": -(2**63), "phase": 2}),
    "the largest of each size": ("TickTLV", {"b": 255, "d": 2**16 - 1, "f": 2**32 - 1, "h": 2**64 - 1, "a": 127}),
    "a bool and an enum": ("TickTLV", {"b": True, "c": False, "a": 0}),
    "bytes of odd lengths": ("PoolSwapTLV", {"pool_address": bytes(range(20)), "tick_after": -3}),
    "inside of a struct": ("ShapeTLV", {"first.x": -2, "tag": bytes(range(8))}),
    "the last bytes of a packed struct": ("BlobTLV", {"kind": 9, "end": 2**32 - 1}),
}  # fmt: skip


@needs_compiled
@pytest.mark.parametrize("crc", ["slicing", "pclmul", "avx512"])
@pytest.mark.parametrize("case", CASES)
def test_the_checksum_of_what_was_given(crc: str, case: str) -> None:
    name, given = CASES[case]
    codec, reference = loaded("c"), loaded("python")
    before = compiled_kernel.crc32_implementation()
    try:
        compiled_kernel.crc32_implementation(crc)
    except ValueError:
        pytest.skip(f"no {crc} here")
    try:
        made, expected = (_encode(package, name, given) for package in (codec, reference))
    finally:
        compiled_kernel.crc32_implementation(before)
    assert made == expected
    assert int.from_bytes(made[28:32], "little") == zlib.crc32(made[32:], zlib.crc32(made[:28]))


def _encode(package: Any, name: str, given: dict[str, Any]) -> bytes:
    cls = getattr(package, name, None) or getattr(declare(package), name)
    encoder = package.Encoder(cls, *given, **FIXED)
    message: bytes = encoder.encode(*given.values())
    assert encoder(*given.values()) == message
    return message
